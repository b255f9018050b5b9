//! Ids, tokens and times in WorkOS's format.

use time::OffsetDateTime;

use crate::random_hex;

/// An id in WorkOS's format, a prefix and 26 capital letters and digits, derived from a name so
/// that it is the same in every run.
pub(super) fn fixed(kind: &str, name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{kind}_{:0<26.26}", format!("01ANTER00M{}", letters.to_ascii_uppercase()))
}

/// A new id in that format.
pub(super) fn new(kind: &str) -> String {
    format!("{kind}_{}", new_letters())
}

/// 26 random capital letters and digits, as in an authorization code.
pub(super) fn new_letters() -> String {
    format!("01{}", random_hex(24).to_ascii_uppercase())
}

/// 25 random letters and digits, as in a refresh token.
pub(super) fn new_token() -> String {
    random_hex(25)
}

/// Six random digits.
pub(super) fn new_digits() -> String {
    format!("{:06}", uuid::Uuid::new_v4().as_u128() % 1_000_000)
}

/// Formats Unix seconds in WorkOS's format.
pub(super) fn timestamp(seconds: u64) -> String {
    let time = i64::try_from(seconds).map(OffsetDateTime::from_unix_timestamp);
    let Ok(Ok(time)) = time else { return "9999-12-31T23:59:59.000Z".to_owned() };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.000Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_name_is_always_the_same() {
        assert_eq!(fixed("user", "jane"), "user_01ANTER00MJANE000000000000");
        assert_eq!(fixed("org", "TAUNTA SCRE"), "org_01ANTER00MTAUNTASCRE000000");
    }

    #[test]
    fn new_ids_have_the_same_length_and_differ() {
        let (one, other) = (new("user"), new("user"));
        assert_eq!(one.len(), fixed("user", "jane").len());
        assert_ne!(one, other);
    }

    #[test]
    fn writes_times_as_workos_does() {
        assert_eq!(timestamp(1_735_689_600), "2025-01-01T00:00:00.000Z");
        assert_eq!(timestamp(1_709_210_096), "2024-02-29T12:34:56.000Z");
        assert_eq!(timestamp(u64::MAX), "9999-12-31T23:59:59.000Z");
    }
}
