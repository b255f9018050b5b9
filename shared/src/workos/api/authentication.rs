//! What a grant brings: who it is, and the session's tokens.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::ids::id;
use crate::json;
use crate::workos::{OrganizationId, User};

id!(SessionId, "a session");

/// A user who has signed in, and the tokens of the session. Nothing of it is printed.
#[derive(Clone, Deserialize)]
pub struct Authentication {
    /// Who it is.
    pub user: User,
    /// The organization that the session acts in, if any.
    #[serde(default, deserialize_with = "json::or_default")]
    pub organization_id: Option<OrganizationId>,
    /// The session's access token: a JWT that lives for minutes. It has not been verified.
    pub access_token: SecretString,
    /// What brings the next access token. It can be used once.
    pub refresh_token: SecretString,
    /// How the user signed in, in WorkOS's words (`MagicAuth`, `SSO`, `GoogleOAuth` …).
    #[serde(default, deserialize_with = "json::or_default")]
    pub authentication_method: Option<String>,
    /// Who acts in the user's name, where an administrator does.
    #[serde(default, deserialize_with = "json::or_default")]
    pub impersonator: Option<Impersonator>,
}

/// An administrator who acts in a user's name. It is personal: it is not printed.
#[derive(Clone, Deserialize, PartialEq, Eq, Serialize)]
pub struct Impersonator {
    /// The administrator's e-mail address.
    pub email: String,
    /// Why they do it.
    #[serde(default, deserialize_with = "json::or_default")]
    pub reason: Option<String>,
}

impl fmt::Debug for Authentication {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter
            .debug_struct("Authentication")
            .field("user", &self.user)
            .field("organization_id", &self.organization_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Impersonator {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("Impersonator")
    }
}
