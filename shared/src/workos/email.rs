//! [`Email`]: an e-mail address that somebody typed in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest address that mail can be sent to, in bytes (RFC 5321, section 4.5.3.1.3, with the
/// correction of RFC 3696's errata).
const MAX_BYTES: usize = 254;

/// An e-mail address, in small letters. It is personal: it is not printed.
///
/// It has one `@`, something before it, and behind it a domain with a dot; at most 254 bytes; no
/// blank and no control character, line breaks least of all. Whether mail arrives there, only
/// sending some can tell.
///
/// Capitals from A to Z are taken for small letters. WorkOS does not say how it compares addresses, phones
/// begin them with a capital, and there is no mailbox that is one with and another without: so that
/// signing up, signing in and asking again mean the same account, they all send the same spelling.
#[derive(Clone, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "String")]
pub struct Email(String);

impl Email {
    /// Takes an address in its form.
    pub fn parse(address: &str) -> Option<Self> {
        let (name, domain) = address.split_once('@')?;
        let is_text = |c: char| !c.is_control() && !c.is_whitespace() && !is_invisible(c);
        let good = address.len() <= MAX_BYTES
            && !name.is_empty()
            && is_domain(domain)
            && address.chars().all(is_text);
        good.then(|| Self(address.to_ascii_lowercase()))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// Whether `address` is the same but for capitals.
    pub fn is(&self, address: &str) -> bool {
        self.0.eq_ignore_ascii_case(address)
    }
}

/// Two or more labels. An `@` is in none of them; what else is, the domain's owner has to know.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    domain.contains('.') && domain.split('.').all(is_label)
}

/// Characters that change how text looks without being seen: no address that somebody reads out
/// has them, and with them two addresses look like one.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(address: String) -> Result<Self, Self::Error> {
        Self::parse(&address).ok_or("not an e-mail address")
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("Email")
    }
}

#[cfg(test)]
mod tests {
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
            " jane@example.com",
            "jane@example.com ",
            "jane@example.com\r\nBcc: john@example.com",
            "jane\n@example.com",
            "jane\u{0}@example.com",
            "jane\u{7f}@example.com",
            "jane\u{a0}@example.com",
            "jane\u{202e}@example.com",
            "jane\u{200b}@example.com",
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
    fn is_read_from_json_and_not_printed() {
        let email: Email = serde_json::from_str(r#""jane@example.com""#).expect("an address");
        assert!(!format!("{email:?}").contains("jane"));
        for other in ["12345", "null", r#"["jane@example.com"]"#, r#""jane""#] {
            assert!(serde_json::from_str::<Email>(other).is_err(), "{other}");
        }
    }
}
