//! Ids in LiveKit's format.

/// The characters of LiveKit's ids, without similar-looking ones.
const ID_LETTERS: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// How many characters follow the prefix.
const ID_LENGTH: usize = 12;

/// What every token begins with. Logs name egresses, and tests look for tokens in logs, so no id has it.
const BEGINNING_OF_TOKENS: &str = "eyJ";

/// An id in LiveKit's format: the prefix and 12 characters.
pub(super) fn random_id(prefix: &str) -> String {
    loop {
        let id = any_random_id(prefix);
        if !id.contains(BEGINNING_OF_TOKENS) {
            return id;
        }
    }
}

fn any_random_id(prefix: &str) -> String {
    let mut random = uuid::Uuid::new_v4().as_u128();
    let letters = (0..ID_LENGTH).map(|_| {
        let index = usize::try_from(random % 57).unwrap_or_default();
        random /= 57;
        char::from(ID_LETTERS[index])
    });
    prefix.chars().chain(letters).collect()
}
