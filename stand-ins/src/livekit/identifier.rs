//! Ids of the form that LiveKit gives them.

/// The letters of LiveKit's ids: those that cannot be taken for each other.
const ID_LETTERS: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// How many of them follow the prefix.
const ID_LENGTH: usize = 12;

/// An id as LiveKit makes them: the prefix and 12 letters.
pub(super) fn random_id(prefix: &str) -> String {
    let mut random = uuid::Uuid::new_v4().as_u128();
    let letters = (0..ID_LENGTH).map(|_| {
        let index = usize::try_from(random % 57).unwrap_or_default();
        random /= 57;
        char::from(ID_LETTERS[index])
    });
    prefix.chars().chain(letters).collect()
}
