//! Participants' identities.

use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::text::{FINGERPRINT_DIGITS, fingerprint};

/// The prefix of a guest's identity. No user id at either identity provider starts with it.
const GUEST: &str = "guest:";

/// The prefix of a user's id at either identity provider.
const USER: &str = "user_";

/// The number of digits in a guest's identity: those of a `u64`.
const GUEST_DIGITS: usize = 20;

/// A participant's identity: the user and one of the user's sessions, or a guest. If two
/// participants have the same identity, LiveKit evicts the older one. Therefore two devices of a
/// user do not evict each other, but a device that reconnects replaces its old connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Identity(String);

impl Identity {
    /// The identity of a caller. It is the user's id, a colon and 16 hexadecimal digits, which do
    /// not reveal the session's id.
    pub(super) fn of(caller: &Caller) -> Self {
        Self(format!("{}:{}", caller.user_id, fingerprint(&caller.session_id)))
    }

    /// A new identity of a guest: `guest:` and random digits.
    pub(super) fn new_guest() -> Self {
        let random: u64 = rand::random();
        Self(format!("{GUEST}{random:0GUEST_DIGITS$}"))
    }

    /// The identity as text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses an identity that has the form of ours. A recorder's or an agent's has another form.
    fn parse(text: String) -> Option<Self> {
        let is_guest = text.strip_prefix(GUEST).is_some_and(is_guest_number);
        let is_user = text
            .rsplit_once(':')
            .is_some_and(|(user, session)| is_user_id(user) && is_fingerprint(session));
        (is_guest || is_user).then_some(Self(text))
    }
}

fn is_guest_number(text: &str) -> bool {
    (1..=GUEST_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_user_id(text: &str) -> bool {
    text.strip_prefix(USER).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn is_fingerprint(text: &str) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == FINGERPRINT_DIGITS && text.bytes().all(is_digit)
}

/// The `identity` in a request. It may be any text; only one that has the form of ours is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct ParticipantId(Option<Identity>);

impl ParticipantId {
    /// The identity, or `None` if we never issue an identity of this form.
    pub(super) fn identity(&self) -> Option<&Identity> {
        self.0.as_ref()
    }
}

impl From<String> for ParticipantId {
    fn from(text: String) -> Self {
        Self(Identity::parse(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ours(text: &str) -> bool {
        ParticipantId::from(text.to_owned()).identity().is_some()
    }

    #[test]
    fn recognizes_the_identities_that_it_makes() {
        for user_id in
            ["user_01HXYZ4QABCDEFGHJKMNPQRSTV", "user_2bVxQkYcJZr6QW0FZ1n9q8QkXyZ", "user_1_2"]
        {
            let caller = Caller {
                user_id: user_id.to_owned(),
                session_id: "session_1".to_owned(),
                organization_id: None,
                permissions: Vec::new(),
                impersonator: None,
            };
            assert!(is_ours(Identity::of(&caller).as_str()), "{user_id}");
        }
        let guest = Identity::new_guest();
        assert!(is_ours(guest.as_str()), "{guest:?}");
        assert_eq!(guest.as_str().len(), GUEST.len() + GUEST_DIGITS);
        assert_ne!(guest, Identity::new_guest());
    }

    #[test]
    fn recognizes_no_other_identity() {
        for text in [
            "",
            ":",
            "user_1",
            "user_1:",
            "user_1:0123456789abcde",
            "user_1:0123456789abcdef0",
            "user_1:0123456789ABCDEF",
            "user_1:0123456789abcdeg",
            "user_:0123456789abcdef",
            "user_1:user_1:0123456789abcdef",
            "user 1:0123456789abcdef",
            "user_1-2:0123456789abcdef",
            " user_1:0123456789abcdef",
            "user_1:0123456789abcdef\n",
            "org_1:0123456789abcdef",
            "agent-AJ_1:0123456789abcdef",
            "guest:",
            "guest:1x",
            "guest:-1",
            "guest:٣",
            "guest:123456789012345678901",
            "Guest:1",
            "EG_3nTgUkrvMZ4p",
            "agent-AJ_2bVxQkYcJZr6",
            "participant-1",
        ] {
            assert!(!is_ours(text), "{text:?}");
        }
    }
}
