//! The session, as pages see it.

use anteroom::workos::{OrganizationId, Profile, Session, UserId};
use serde::{Serialize, Serializer};

/// The response body: user, organization, permissions, and expiry of the access token.
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

/// The user as in other endpoints' responses, or only the id if the session came as an access
/// token.
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
            // Rounded down, so that it is never later than the real expiry.
            expires_at: token.expires.whole_seconds(),
        }
        .serialize(serializer)
    }
}
