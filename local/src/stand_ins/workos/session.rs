//! Sessions, their refresh tokens and their access tokens.
//! <https://workos.com/docs/reference/authkit/session-tokens>

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{identifier, organization::Membership, refusal::Refusal};

/// How many seconds an access token lives, unless
/// [`WorkOs::set_access_token_seconds`](super::WorkOs::set_access_token_seconds) says otherwise.
pub const ACCESS_TOKEN_SECONDS: i64 = 5 * 60;

/// How someone came in.
#[derive(Clone, Debug)]
pub(super) struct SignIn {
    pub(super) user_id: String,
    /// `MagicAuth`, `GoogleOAuth` …
    pub(super) method: String,
    /// The SSO connection that it was.
    pub(super) connection_id: Option<String>,
    /// The organization that was asked for at the start.
    pub(super) organization_id: Option<String>,
}

/// A session. Its id is the same from the sign-in to its end.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) sign_in: SignIn,
    pub(super) organization_id: Option<String>,
    has_ended: bool,
}

/// The sessions and the refresh tokens, each of which counts once.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_id: HashMap<String, Session>,
    refresh_tokens: HashMap<String, RefreshToken>,
}

#[derive(Debug)]
struct RefreshToken {
    session_id: String,
    is_used: bool,
}

impl Sessions {
    pub(super) fn begin(&mut self, sign_in: SignIn, organization_id: Option<String>) -> Session {
        let id = identifier::new("session");
        let session = Session { id: id.clone(), sign_in, organization_id, has_ended: false };
        self.by_id.insert(id, session.clone());
        session
    }

    pub(super) fn new_refresh_token(&mut self, session: &Session) -> String {
        let token = identifier::new_token();
        let refresh = RefreshToken { session_id: session.id.clone(), is_used: false };
        self.refresh_tokens.insert(token.clone(), refresh);
        token
    }

    /// The session of a refresh token that still counts; the token is not spent yet.
    pub(super) fn of_refresh_token(&self, token: &str) -> Result<&Session, Refusal> {
        let refresh = self.refresh_tokens.get(token).ok_or_else(Refusal::unknown_refresh_token)?;
        let session =
            self.by_id.get(&refresh.session_id).ok_or_else(Refusal::unknown_refresh_token)?;
        if session.has_ended {
            return Err(Refusal::ended_session());
        }
        if refresh.is_used {
            return Err(Refusal::used_refresh_token());
        }
        Ok(session)
    }

    /// Spends a refresh token for its session, which is in that organization from now on.
    pub(super) fn refresh(&mut self, token: &str, session: &Session) {
        if let Some(refresh) = self.refresh_tokens.get_mut(token) {
            refresh.is_used = true;
        }
        self.by_id.insert(session.id.clone(), session.clone());
    }

    /// Ends a session, and says whether there was one.
    pub(super) fn end(&mut self, id: &str) -> bool {
        match self.by_id.get_mut(id) {
            Some(session) => !std::mem::replace(&mut session.has_ended, true),
            None => false,
        }
    }

    pub(super) fn is_live(&self, id: &str) -> bool {
        self.by_id.get(id).is_some_and(|session| !session.has_ended)
    }
}

/// The claims of a new access token.
pub(super) fn access_claims(
    session: &Session,
    membership: Option<&Membership>,
    issuer: &str,
    now: u64,
    seconds: i64,
) -> Value {
    let mut claims = json!({
        "iss": issuer,
        "sub": session.sign_in.user_id,
        "sid": session.id,
        "jti": identifier::new_letters(),
        "iat": now,
        "exp": now.saturating_add_signed(seconds),
    });
    if let Some(membership) = membership {
        claims["org_id"] = json!(membership.organization_id);
        claims["role"] = json!(membership.role);
        claims["roles"] = json!([membership.role]);
        claims["permissions"] = json!(membership.permissions);
        claims["entitlements"] = json!([]);
        claims["feature_flags"] = json!([]);
    }
    claims
}
