//! The address and the user agent of a request's client.

use std::fmt;
use std::net::IpAddr;

/// The longest user agent that is passed on, in characters. Browsers' have about 150.
const MAX_USER_AGENT: usize = 512;

/// The client of a request. It is personal, so `Debug` prints nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// Its IP address, if the gateway or the deployment's proxy names one.
    pub address: Option<IpAddr>,
    /// Its `User-Agent`, if it sent one.
    pub user_agent: Option<UserAgent>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Client")
    }
}

/// The name that a client gives itself: 1 to 512 characters, without control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct UserAgent(Box<str>);

impl UserAgent {
    /// The first 512 characters of a `User-Agent` without its control characters, or `None` if
    /// nothing remains.
    pub fn parse(text: &str) -> Option<Self> {
        let printable = text.trim().chars().filter(|character| !character.is_control());
        let name: String = printable.take(MAX_USER_AGENT).collect();
        (!name.is_empty()).then(|| Self(name.into()))
    }

    /// The user agent as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserAgent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UserAgent")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_one_line_of_bounded_length() {
        let parsed = |text: &str| UserAgent::parse(text).map(|name| name.as_str().to_owned());
        assert_eq!(parsed("Mozilla/5.0 (X11)").as_deref(), Some("Mozilla/5.0 (X11)"));
        assert_eq!(parsed(" curl/8\r\n\u{0}").as_deref(), Some("curl/8"));
        assert_eq!(parsed(&"é".repeat(600)), Some("é".repeat(512)));
        for nothing in ["", " ", "\r\n", "\u{7f}"] {
            assert_eq!(parsed(nothing), None);
        }
    }

    #[test]
    fn prints_nothing_of_the_caller() {
        let client = Client {
            address: "203.0.113.7".parse().ok(),
            user_agent: UserAgent::parse("Mozilla/5.0"),
        };
        let printed = format!("{client:?} {:?}", client.user_agent);
        assert!(!printed.contains("203") && !printed.contains("Mozilla"), "{printed}");
    }
}
