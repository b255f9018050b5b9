//! [`MagicCode`]: the one-time code that WorkOS sends by e-mail.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::text;

/// The number of digits.
const DIGITS: usize = 6;

/// A one-time code: six ASCII digits. It is a secret, so `Debug` omits it.
///
/// Whitespace and hyphens anywhere in it are dropped, because people paste codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "SecretString")]
pub struct MagicCode(SecretString);

impl MagicCode {
    /// Parses a code.
    pub fn parse(code: &str) -> Option<Self> {
        let is_hyphen = |c: char| matches!(c, '-' | '\u{2010}' | '\u{2011}');
        let is_filler = |c: char| text::is_whitespace(c) || is_hyphen(c);
        let digits: String = code.chars().filter(|c| !is_filler(*c)).collect();
        let good = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| Self(digits.into()))
    }

    /// The code as WorkOS expects it.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TryFrom<SecretString> for MagicCode {
    type Error = &'static str;

    fn try_from(code: SecretString) -> Result<Self, Self::Error> {
        Self::parse(code.expose_secret()).ok_or("not a code of six digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_six_ascii_digits() {
        for (code, good) in [
            ("123456", true),
            ("000000", true),
            ("12345", false),
            ("1234567", false),
            ("12345a", false),
            ("-12345", false),
            ("12345\n", false),
            (" 12345", false),
            ("\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}", false), // full-width
            ("\u{967}\u{968}\u{969}\u{96a}\u{96b}\u{96c}", false),       // Devanagari
            ("\u{ff11}\u{ff12}", false), // six bytes, two characters
            ("", false),
        ] {
            assert_eq!(MagicCode::parse(code).is_some(), good, "{code:?}");
            let read = serde_json::from_value::<MagicCode>(code.into());
            assert_eq!(read.is_ok(), good, "{code:?} in JSON");
        }
        assert!(serde_json::from_str::<MagicCode>("123456").is_err(), "a number");
    }

    #[test]
    fn whitespace_and_hyphens_are_dropped() {
        for code in [
            "123 456",
            "123-456",
            " 123456",
            "123456\r\n",
            "\t1 2 3\u{a0}4\u{2009}5\u{3000}6 ",
            "123\u{2011}456",
            "123 - 456",
            "\u{feff}123456",
        ] {
            let read: MagicCode = serde_json::from_value(code.into()).expect("a code");
            assert_eq!(read.expose(), "123456", "{code:?}");
        }
        for other in ["123.456", "123_456", "+123456", "12 345", "123-4567", "1234567", "- -"] {
            assert!(MagicCode::parse(other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn is_not_printed() {
        let code = MagicCode::parse("123456").expect("a code");
        assert!(!format!("{code:?}").contains("123456"));
    }
}
