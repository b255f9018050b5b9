//! Validated single-line text, such as names.

use std::fmt;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// One line of text: 1 to `CHARACTERS` characters, at most `BYTES` bytes of UTF-8.
///
/// It has no control characters, line separators or bidirectional controls, which can make one name
/// look like another (Unicode Standard Annex 9, section 2), no leading or trailing whitespace or
/// byte order mark, and at least one visible character. It may be personal, so `Debug` omits it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Line<const CHARACTERS: usize, const BYTES: usize>(String);

impl<const CHARACTERS: usize, const BYTES: usize> Line<CHARACTERS, BYTES> {
    /// Parses a line.
    pub fn parse(text: &str) -> Option<Self> {
        Self::fits(text).then(|| Self(text.to_owned()))
    }

    /// The start of a text that is short enough for a line, if it is one.
    pub fn start_of(text: &str) -> Option<Self> {
        let text = trim(text);
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
        let end = ends.take(CHARACTERS).take_while(|end| *end <= BYTES).last()?;
        Self::parse(trim(&text[..end]))
    }

    /// The line as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn fits(text: &str) -> bool {
        (1..=BYTES).contains(&text.len())
            && text.chars().count() <= CHARACTERS
            && trim(text).len() == text.len()
            && !text.chars().any(|c| c.is_control() || ends_line(c) || turns_direction(c))
            && !text.chars().all(is_invisible)
    }
}

/// Whitespace as JavaScript defines it, so that browsers and we trim the same: Unicode's, and the byte
/// order mark. <https://tc39.es/ecma262/#sec-white-space>
pub(crate) fn is_whitespace(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// The text without leading and trailing whitespace.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_whitespace)
}

/// Unicode's line and paragraph separators. ASCII's line breaks are control characters.
fn ends_line(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whitespace and characters that render as nothing or as whitespace: the assigned
/// `Default_Ignorable_Code_Point`s, the fillers, and the empty Braille pattern.
/// <https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point>
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'
                | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
                | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Unicode's `Bidi_Control` characters.
/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>
fn turns_direction(c: char) -> bool {
    matches!(
        c,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

impl<const CHARACTERS: usize, const BYTES: usize> TryFrom<String> for Line<CHARACTERS, BYTES> {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if Self::fits(&text) { Ok(Self(text)) } else { Err("not a printable line of that length") }
    }
}

impl<const CHARACTERS: usize, const BYTES: usize> fmt::Debug for Line<CHARACTERS, BYTES> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Line").finish_non_exhaustive()
    }
}

/// Whether a text consists of one or more visible ASCII characters, like ids and keys.
pub(crate) fn is_visible_ascii(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The length of a [`fingerprint`].
pub(crate) const FINGERPRINT_DIGITS: usize = 16;

/// The first 16 hexadecimal digits of a text's SHA-256: enough to tell texts apart, and
/// irreversible unless the text can be guessed.
pub(crate) fn fingerprint(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    let start = digest.as_ref().first_chunk().map_or(0, |start| u64::from_be_bytes(*start));
    format!("{start:0FINGERPRINT_DIGITS$x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    type Name = Line<8, 16>;

    #[test]
    fn takes_any_printable_line_of_its_length() {
        for good in ["a", "Jane Doe", "İ", "日本語", "👩‍👩", "../%2e", "{room}", "a\\b"]
        {
            assert_eq!(Name::parse(good).expect(good).as_str(), good);
        }
    }

    #[test]
    fn refuses_what_nobody_could_read_or_what_would_mislead() {
        for bad in [
            "",
            "nine char",
            "👩👩👩👩👩",
            " a",
            "a ",
            "\u{a0}a",
            "\u{2003}",
            "\u{feff}a",
            "a\u{feff}",
            "a\nb",
            "a\0b",
            "a\u{7f}b",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{2029}b",
            "\u{200b}",
            "\u{feff}\u{3164}",
            "\u{2800} \u{ad}",
            "\u{1d173}\u{1bca0}",
            "a\u{202e}b",
            "a\u{2066}b",
            "\u{200f}a",
            "\u{61c}a",
        ] {
            assert!(Name::parse(bad).is_none(), "{bad:?}");
            assert!(serde_json::from_value::<Name>(bad.into()).is_err(), "{bad:?} in JSON");
        }
    }

    #[test]
    fn a_fingerprint_is_the_start_of_the_digest() {
        assert_eq!(fingerprint("abc"), "ba7816bf8f01cfea");
        assert_eq!(fingerprint("").len(), FINGERPRINT_DIGITS);
    }

    #[test]
    fn is_not_printed() {
        let name = Name::parse("Jane Doe").expect("a name");
        assert!(!format!("{name:?}").contains("Jane"));
    }

    proptest! {
        #[test]
        fn the_start_of_a_text_is_a_line_of_it(text in any::<String>()) {
            if let Some(name) = Name::start_of(&text) {
                prop_assert_eq!(Name::parse(name.as_str()), Some(name.clone()));
                prop_assert!(trim(&text).starts_with(name.as_str()));
            }
            if let Some(name) = Name::parse(&text) {
                prop_assert_eq!(Name::start_of(&text), Some(name));
            }
        }

        #[test]
        fn a_line_is_within_its_limits(text in "\\PC{0,12}") {
            if let Some(name) = Name::parse(&text) {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert!(text.len() <= 16 && text.chars().count() <= 8);
            }
        }
    }
}
