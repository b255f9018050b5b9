//! [`InvitationToken`]: the token in the link of an invitation.
//! <https://workos.com/docs/reference/authkit/invitation>

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::text::is_visible_ascii;

/// The longest token that is passed on. WorkOS's have 25 characters.
const MAX_BYTES: usize = 2048;

/// The token that proves an invitation: 1 to 2,048 visible ASCII characters. A sign-in that brings
/// it accepts the invitation, so it is not printed.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct InvitationToken(SecretString);

impl InvitationToken {
    /// The text as a token, if it has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        (is_visible_ascii(text) && text.len() <= MAX_BYTES).then(|| Self(text.into()))
    }

    /// The token as WorkOS takes it.
    pub(in crate::workos) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TryFrom<String> for InvitationToken {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("1 to 2,048 visible characters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_visible_ascii_of_bounded_length() {
        let long = "x".repeat(MAX_BYTES + 1);
        for (text, good) in [
            ("Z1uX3RbwcIl5fIGJJJCXXisdI", true),
            ("a.b-c_d~e", true),
            (&long[1..], true),
            (&long, false),
            ("", false),
            (" ", false),
            ("a b", false),
            ("a\n", false),
            ("a\u{0}", false),
            ("a\u{7f}", false),
            ("é", false),
        ] {
            assert_eq!(InvitationToken::parse(text).is_some(), good, "{text:?}");
        }
    }

    #[test]
    fn is_not_printed() {
        let token = InvitationToken::parse("inv_token_abc123").expect("a token");
        assert!(!format!("{token:?}").contains("abc123"));
    }
}
