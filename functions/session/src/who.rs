//! The session, as pages see it.

use anteroom::clock::Timestamp;
use anteroom::workos::{Impersonator, OrganizationId, Profile, Session, UserId};
use serde::{Serialize, Serializer};

/// The answer about a session: the user, the organization with the user's rights in it, the
/// administrator who is impersonating the user, and times in Unix seconds.
pub(crate) struct Who(pub(crate) Session);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WhoReply<'s> {
    user: UserPart<'s>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<&'s OrganizationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entitlements: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_flags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impersonator: Option<ImpersonatorPart<'s>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated_at: Option<u64>,
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

/// The administrator who is impersonating the user. An access token does not have the reason.
#[derive(Serialize)]
struct ImpersonatorPart<'s> {
    email: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'s str>,
}

impl<'s> From<&'s Impersonator> for ImpersonatorPart<'s> {
    fn from(impersonator: &'s Impersonator) -> Self {
        Self { email: &impersonator.email, reason: impersonator.reason.as_deref() }
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let token = self.0.token();
        let details = token.details();
        let only_id = UserPart::Id { id: &token.user_id };
        WhoReply {
            user: self.0.user().map_or(only_id, |user| UserPart::Whole(user.profile())),
            organization_id: token.organization_id.as_ref(),
            role: token.role.as_deref(),
            roles: details.roles,
            permissions: details.permissions,
            entitlements: details.entitlements,
            feature_flags: details.feature_flags,
            impersonator: self.0.impersonator().map(ImpersonatorPart::from),
            authenticated_at: details.authenticated.map(Timestamp::whole_seconds),
            // Rounded down: nobody is told that a token is good for longer than it is.
            expires_at: token.expires.whole_seconds(),
        }
        .serialize(serializer)
    }
}
