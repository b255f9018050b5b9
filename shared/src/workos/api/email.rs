//! [`Email`]: an e-mail address from user input.

use std::borrow::Cow;
use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

use crate::text;

/// The longest deliverable address, in bytes (RFC 5321, section 4.5.3.1.3, and the erratum to RFC
/// 3696).
const MAX_BYTES: usize = 254;

/// An e-mail address, normalized for comparison. It is personal, so `Debug` omits it.
///
/// It has one `@`, with a local part before it and a domain with a dot after it, at most 254 bytes,
/// and no whitespace, control or invisible characters, except for those that IDNA allows in a
/// domain. Surrounding whitespace is dropped. The address may still not exist.
///
/// Two addresses are equal if they differ only in case, in any script, or in Unicode composition,
/// or if one has its domain in Unicode and the other in ASCII. No other letters are folded, because
/// addresses that only look alike belong to different people. WorkOS has its own spelling; use that
/// once an account has been found.
#[derive(Clone, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "String")]
pub struct Email(String);

impl Email {
    /// Parses and normalizes an address.
    pub fn parse(address: &str) -> Option<Self> {
        let address = text::trim(address);
        let (name, domain) = address.split_once('@')?;
        let is_text = |c: char| !c.is_control() && !c.is_whitespace();
        let is_good = address.chars().all(is_text) && !name.chars().any(is_invisible);
        if address.len() > MAX_BYTES || name.is_empty() || !is_good {
            return None;
        }
        let address = format!("{}@{}", fold(name), ascii_domain(domain)?);
        (address.len() <= MAX_BYTES).then_some(Self(address))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain, in ASCII.
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// Whether `address`, in any spelling, is the same address.
    pub fn is(&self, address: &str) -> bool {
        Self::parse(address).is_some_and(|other| other == *self)
    }
}

/// A domain in its ASCII form (IDNA), in lower case; `None` if it is invalid. It has two or more
/// labels.
///
/// IDNA maps many characters to others: full-width letters, ligatures and the Kelvin sign to ASCII,
/// for example. A domain that IDNA changes by more than [`fold`] does is rejected, because it looks
/// like one domain and means another.
pub(super) fn ascii_domain(domain: &str) -> Option<String> {
    let folded = fold(domain);
    let ascii = Uts46::new()
        .to_ascii(
            folded.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()?;
    let is_same = |label: &str, ascii: &str| {
        label == ascii
            || ascii.strip_prefix("xn--").is_some_and(|encoded| {
                idna::punycode::encode_str(label).is_some_and(|own| own == encoded)
            })
    };
    let mut labels = ascii.split('.');
    let same = folded.split('.').all(|label| labels.next().is_some_and(|own| is_same(label, own)));
    (same && labels.next().is_none() && ascii.contains('.')).then(|| ascii.into_owned())
}

/// Text normalized for comparison: composed (NFC) and in lower case.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // A lower-case letter can have a composed form even if its capital has none.
    compose(&compose(text).chars().map(small_letter).collect::<String>()).into_owned()
}

/// NFC, except that characters that it would map to ASCII are kept.
fn compose(text: &str) -> Cow<'_, str> {
    const NFC: ComposingNormalizerBorrowed<'_> = ComposingNormalizerBorrowed::new_nfc();

    if !text.contains(is_ascii_in_nfc) {
        return NFC.normalize(text);
    }
    let compose_before = |part: &str| match part.char_indices().next_back() {
        Some((end, last)) if is_ascii_in_nfc(last) => {
            format!("{}{last}", NFC.normalize(&part[..end]))
        }
        _ => NFC.normalize(part).into_owned(),
    };
    text.split_inclusive(is_ascii_in_nfc).map(compose_before).collect()
}

/// The Kelvin sign, the Greek question mark and the Greek varia, which NFC maps to `K`, `;` and a
/// grave accent. No other characters map to ASCII.
fn is_ascii_in_nfc(c: char) -> bool {
    matches!(c, '\u{212a}' | '\u{37e}' | '\u{1fef}')
}

/// Unicode's simple lower-casing, except that it does not map to ASCII: the Kelvin sign and the
/// Turkish dotted capital I are kept.
fn small_letter(c: char) -> char {
    let mut small = c.to_lowercase();
    match (small.next(), small.next()) {
        (Some(small), None) if c.is_ascii() || !small.is_ascii() => small,
        _ => c,
    }
}

/// Invisible characters that change how text looks. Real addresses do not contain them, and they
/// make different addresses look the same.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl AsRef<str> for Email {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(address: String) -> Result<Self, Self::Error> {
        Self::parse(&address).ok_or("not an e-mail address")
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Email")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn takes_addresses() {
        let longest = format!("{}@example.com", "a".repeat(MAX_BYTES - 12));
        for address in [
            "jane.doe@example.com",
            "123@gmail.com",
            "o'neil+tag@mail.example.co.uk",
            "δοκιμή@παράδειγμα.ελ",
            "a@xn--bcher-kva.example",
            longest.as_str(),
        ] {
            assert!(Email::parse(address).is_some(), "{address}");
        }
    }

    #[test]
    fn refuses_what_is_none() {
        let too_long = format!("{}@example.com", "a".repeat(MAX_BYTES - 11));
        for address in [
            "",
            "@",
            "jane",
            "jane@",
            "@example.com",
            "jane@example",
            "jane@.com",
            "jane@example.",
            "jane@example..com",
            "jane@-example.com",
            "jane@exam_ple.com",
            "jane@[127.0.0.1]",
            "jane@doe@example.com",
            "\"jane@doe\"@example.com",
            "jane doe@example.com",
            "jane @example.com",
            "jane@ example.com",
            "jane@example.com\u{0}",
            "jane@xn--a.example",
            "jane@example.com.",
            "jane@bücher..example",
            "jane@\u{ff45}xample.com",  // full-width
            "jane@\u{fb01}sh.example",  // a ligature
            "jane@ban\u{212a}.example", // the Kelvin sign
            "jane@\u{130}stanbul.example",
            "jane@日本\u{3002}jp",      // an ideographic full stop
            "jane@\u{2488}example.com", // a digit with its full stop
            "jane@example.com\r\nBcc: john@example.com",
            "jane\n@example.com",
            "jane\u{0}@example.com",
            "jane\u{7f}@example.com",
            "jane\u{a0}@example.com",
            "jane\u{202e}@example.com",
            "jane\u{200b}@example.com",
            "jane\u{200c}@example.com",
            "jane@exam\u{200c}ple.com", // IDNA allows it only between some letters
            "jane@exam\u{200b}ple.com",
            "jane@exam\u{ad}ple.com",
            "jane@exam\u{202e}ple.com",
            "jane@example.com,john@example.com",
            too_long.as_str(),
        ] {
            assert!(Email::parse(address).is_none(), "{address:?}");
        }
    }

    #[test]
    fn takes_capitals_for_small_letters() {
        let email = Email::parse("Jane.Doe@Example.COM").expect("an address");
        assert_eq!(email.as_str(), "jane.doe@example.com");
        assert_eq!(email.domain(), "example.com");
        assert!(email.is("jane.DOE@example.com"));
        assert!(!email.is("jane.doe@example.com.evil.example"));
    }

    #[test]
    fn addresses_are_the_same_whatever_their_capitals_composition_and_form_of_the_domain() {
        for (one, other) in [
            ("jane@example.com", " \tJane@Example.COM\r\n"),
            ("jane@example.com", "\u{a0}jane@example.com\u{3000}"),
            ("jane@example.com", "\u{feff}jane@example.com"),
            ("jane@نامه\u{200c}ای.example", "jane@xn--mgba3gch31f060k.example"),
            ("jane@bücher.example", "jane@xn--bcher-kva.example"),
            ("jane@BÜCHER.Example", "jane@XN--BCHER-KVA.example"),
            ("jane@bu\u{308}cher.example", "jane@bücher.example"),
            ("jane@stra\u{df}e.example", "jane@STRA\u{1e9e}E.example"),
            ("ÄNNE@example.com", "änne@example.com"),
            ("A\u{308}nne@example.com", "änne@example.com"),
            ("ΔΟΚΙΜΗ@παράδειγμα.ελ", "δοκιμη@ΠΑΡΆΔΕΙΓΜΑ.ΕΛ"),
            ("\u{212b}sa@example.com", "\u{e5}sa@example.com"), // the Ångström sign
            ("H\u{331}@example.com", "\u{1e96}@example.com"),
            ("Ж@example.com", "ж@example.com"),
        ] {
            let email = Email::parse(one).unwrap_or_else(|| panic!("{one:?}"));
            assert!(email.is(other), "{one:?} {other:?}");
            assert_eq!(Some(email), Email::parse(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn letters_that_merely_look_or_sound_alike_are_different() {
        for (one, other) in [
            ("ban\u{212a}@example.com", "bank@example.com"),
            ("ban\u{212a}@example.com", "banK@example.com"),
            ("\u{130}@example.com", "i@example.com"),
            ("\u{130}@example.com", "i\u{307}@example.com"),
            ("\u{131}@example.com", "i@example.com"),
            ("\u{131}@example.com", "I@example.com"),
            ("stra\u{df}e@example.com", "strasse@example.com"),
            ("jane@stra\u{df}e.example", "jane@strasse.example"),
            ("\u{fb01}sh@example.com", "fish@example.com"),
            ("\u{ff4a}ane@example.com", "jane@example.com"),
            ("\u{17f}am@example.com", "sam@example.com"),
            ("\u{3c2}@example.com", "\u{3c3}@example.com"),
            ("a\u{37e}@example.com", "a;@example.com"),
            ("a\u{1fef}@example.com", "a`@example.com"),
            ("jan\u{435}@example.com", "jane@example.com"), // Cyrillic
            ("\u{e9}@example.com", "e@example.com"),
        ] {
            let email = Email::parse(one).unwrap_or_else(|| panic!("{one:?}"));
            assert!(!email.is(other), "{one:?} {other:?}");
            assert!(email.is(one), "{one:?} is itself");
        }
    }

    #[test]
    fn no_character_outside_ascii_becomes_one_inside() {
        for c in ('\u{80}'..=char::MAX).filter(|c| !c.is_whitespace()) {
            let folded = fold(&c.to_string());
            // Composed of a letter and its marks, as others have it in one: that is not ASCII.
            assert!(!folded.is_ascii(), "{c:?} is {folded:?}");
        }
    }

    #[test]
    fn the_domain_is_in_ascii() {
        let email = Email::parse("Jane@BÜCHER.example").expect("an address");
        assert_eq!(email.as_str(), "jane@xn--bcher-kva.example");
        assert_eq!(email.domain(), "xn--bcher-kva.example");
        let long = format!("j@{}.example", "ü".repeat(60));
        assert!(Email::parse(&long).is_none(), "a label of more than 63 bytes in ASCII");
    }

    #[test]
    fn is_read_from_json_and_not_printed() {
        let email: Email = serde_json::from_str(r#""jane@example.com""#).expect("an address");
        assert!(!format!("{email:?}").contains("jane"));
        for other in ["12345", "null", r#"["jane@example.com"]"#, r#""jane""#] {
            assert!(serde_json::from_str::<Email>(other).is_err(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_normalized_address_is_short_and_stays_as_it_is(text in "\\PC{1,20}@\\PC{1,20}\\.[a-zß-žα-ω]{2,5}") {
            if let Some(email) = Email::parse(&text) {
                let normal = email.as_str();
                prop_assert!(normal.len() <= MAX_BYTES && email.domain().is_ascii());
                prop_assert_eq!(Email::parse(normal), Some(email.clone()));
                let padded = ["  ", &text, " "].concat();
                prop_assert!(email.is(&text) && email.is(&padded));
            }
        }

        #[test]
        fn the_case_of_ascii_letters_does_not_matter(text in "[ -~]{1,20}@[a-zA-Z0-9.-]{1,30}") {
            let small = Email::parse(&text.to_ascii_lowercase());
            prop_assert_eq!(Email::parse(&text), small.clone());
            prop_assert_eq!(Email::parse(&text.to_ascii_uppercase()), small);
        }

        #[test]
        fn any_text_is_an_address_or_none(text in any::<String>()) {
            let email = Email::parse(&text);
            prop_assert!(email.is_none_or(|email| email.as_str().matches('@').count() == 1));
        }
    }
}
