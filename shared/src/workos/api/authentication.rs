//! The response to a grant: the user and the session's tokens.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::ids::id;
use crate::json;
use crate::jwt::Token;
use crate::workos::{OrganizationId, User};

id!(SessionId, "a session");

/// A user who has signed in, and the tokens of the session. `Debug` omits the tokens.
#[derive(Clone, Deserialize)]
pub struct Authentication {
    /// The user.
    pub user: User,
    /// The organization that the session acts in, if any.
    #[serde(default, deserialize_with = "json::or_default")]
    pub organization_id: Option<OrganizationId>,
    /// The session's access token: a JWT that is valid for minutes. Not verified yet.
    pub access_token: SecretString,
    /// The single-use token that refreshes the session.
    pub refresh_token: SecretString,
    /// How the user signed in, in WorkOS's words (`MagicAuth`, `SSO`, `GoogleOAuth` …).
    #[serde(default, deserialize_with = "json::or_default")]
    pub authentication_method: Option<String>,
    /// The administrator who impersonates the user, if any.
    #[serde(default, deserialize_with = "json::or_default")]
    pub impersonator: Option<Impersonator>,
}

/// An administrator who impersonates a user. `Debug` omits the personal fields.
#[derive(Clone, Deserialize, PartialEq, Eq, Serialize)]
pub struct Impersonator {
    /// The administrator's e-mail address.
    pub email: String,
    /// The reason they gave.
    #[serde(default, deserialize_with = "json::or_default")]
    pub reason: Option<String>,
}

impl Authentication {
    /// The organization that the session acts in, if any: WorkOS names it in the access token, and
    /// usually beside it as well.
    pub(in crate::workos) fn organization(&self) -> Option<OrganizationId> {
        let in_token = || {
            let token = Token::parse(self.access_token.expose_secret()).ok()?;
            token.unverified_claims::<OrganizationClaim>().ok()?.org_id
        };
        self.organization_id.clone().or_else(in_token)
    }
}

#[derive(Deserialize)]
struct OrganizationClaim {
    #[serde(default, deserialize_with = "json::or_default")]
    org_id: Option<OrganizationId>,
}

impl fmt::Debug for Authentication {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Authentication")
            .field("user", &self.user)
            .field("organization_id", &self.organization_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Impersonator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Impersonator")
    }
}
