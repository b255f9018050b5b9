//! What a page is told of the session that it has.

use std::time::Duration;

use anteroom::workos::{OrganizationId, Profile, Session, UserId};
use serde::{Serialize, Serializer};

/// Whose the session is, what it permits, and until when its access token is good.
pub(crate) struct Who(pub(crate) Session);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WhoReply<'s> {
    user: UserPart<'s>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<&'s OrganizationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'s str>,
    permissions: &'s [String],
    expires_at: u64,
}

/// The user as other endpoints answer it, or as much as an access token says.
#[derive(Serialize)]
#[serde(untagged)]
enum UserPart<'s> {
    Whole(Profile<'s>),
    Id { id: &'s UserId },
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let token = self.0.token();
        let only_id = UserPart::Id { id: &token.user_id };
        WhoReply {
            user: self.0.user().map_or(only_id, |user| UserPart::Whole(user.profile())),
            organization_id: token.organization_id.as_ref(),
            role: token.role.as_deref(),
            permissions: &token.permissions,
            expires_at: whole_seconds(token.expires),
        }
        .serialize(serializer)
    }
}

/// Rounded down: nobody is told that a token is good for longer than it is.
fn whole_seconds(seconds: f64) -> u64 {
    Duration::try_from_secs_f64(seconds).map_or(u64::MAX, |since_epoch| since_epoch.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_counts_when_it_is_whole() {
        for (seconds, whole) in [
            (1_752_486_896.0, 1_752_486_896),
            (1_752_486_896.999, 1_752_486_896),
            (0.5, 0),
            (1e300, u64::MAX),
        ] {
            assert_eq!(whole_seconds(seconds), whole, "{seconds}");
        }
    }
}
