//! The one user who may sign in without being sent a code.

use anteroom::api::ApiError;
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{Email, Outcome, SignIns, UserId};
use http::HeaderMap;
use serde::Serialize;

/// The user, and the client that signs them in.
pub(crate) struct Developer {
    email: Email,
    sign_ins: SignIns,
}

/// `{"user":{"id","email"}}`
#[derive(Serialize)]
pub(crate) struct DeveloperReply {
    user: Identity,
}

#[derive(Serialize)]
struct Identity {
    id: UserId,
    email: String,
}

impl Developer {
    /// `None` unless `DEV_SIGN_IN_EMAIL` is set and `STAGE` is `dev` or `staging`, since an unset
    /// stage could be production. WorkOS's settings are required only if there is a developer.
    pub(crate) fn configure(settings: &mut Settings) -> Result<Option<Self>, Incomplete> {
        let Some(email) = settings.optional("DEV_SIGN_IN_EMAIL").map(Email::parse) else {
            return Ok(None);
        };
        if !matches!(settings.optional("STAGE"), Some("dev" | "staging")) {
            return Ok(None);
        }
        let sign_ins = SignIns::configure(settings);
        let Some(email) = email else {
            return Err(settings.problem("DEV_SIGN_IN_EMAIL is not an e-mail address"));
        };
        Ok(Some(Self { email, sign_ins: sign_ins? }))
    }

    pub(crate) async fn sign_in(&self, headers: &HeaderMap) -> Result<DeveloperReply, ApiError> {
        match self.sign_ins.finish_without_mailbox(headers, &self.email).await? {
            Outcome::SignedIn(user) => {
                Ok(DeveloperReply { user: Identity { id: user.id, email: user.email } })
            }
            Outcome::ChooseOrganization(_) => {
                Err(ApiError::bad_gateway("workos asks for an organization twice"))
            }
        }
    }
}
