//! Sessions, their refresh tokens and their access tokens.
//! <https://workos.com/docs/reference/authkit/session-tokens>

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{identifier, organization::Membership, refusal::Refusal, unsolicited::Impersonator};

/// The default lifetime of an access token, in seconds. See
/// [`WorkOs::set_access_token_seconds`](super::WorkOs::set_access_token_seconds).
pub const ACCESS_TOKEN_SECONDS: i64 = 5 * 60;

/// How long WorkOS returns the same new tokens for an exchanged refresh token, in seconds. Two
/// concurrent refreshes both succeed, and so does a retry.
/// <https://workos.com/docs/authkit/session-resilience>
pub const REPLAY_SECONDS: u64 = 30;

/// How a user signed in.
#[derive(Clone, Debug)]
pub(super) struct SignIn {
    pub(super) user_id: String,
    /// `MagicAuth`, `GoogleOAuth` …
    pub(super) method: String,
    /// The SSO connection, if any.
    pub(super) connection_id: Option<String>,
    /// The organization requested at the start, if any.
    pub(super) organization_id: Option<String>,
    /// The token of the invitation that it accepts.
    pub(super) invitation: Option<String>,
    /// The hosted page has taken the user through every step that WorkOS asks for.
    pub(super) has_taken_steps: bool,
    /// The administrator who is impersonating the user.
    pub(super) impersonator: Option<Impersonator>,
}

/// A sign-in by magic code.
pub(super) fn magic_auth(user_id: String) -> SignIn {
    let method = "MagicAuth".to_owned();
    SignIn {
        user_id,
        method,
        connection_id: None,
        organization_id: None,
        invitation: None,
        has_taken_steps: false,
        impersonator: None,
    }
}

/// A session. Its id never changes.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) sign_in: SignIn,
    pub(super) organization_id: Option<String>,
    authenticated_at: u64,
    has_ended: bool,
}

/// The sessions and the refresh tokens, each of which can be exchanged once.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_id: HashMap<String, Session>,
    refresh_tokens: HashMap<String, RefreshToken>,
}

#[derive(Debug)]
struct RefreshToken {
    session_id: String,
    exchange: Option<Exchange>,
}

/// The result of exchanging a refresh token.
#[derive(Debug)]
struct Exchange {
    answer: Value,
    repeatable_until: u64,
}

impl Exchange {
    /// Whether a replay that requests this organization, or none, gets the same result. WorkOS's
    /// SDKs request the session's current organization.
    fn is_for(&self, wanted: Option<&str>) -> bool {
        wanted.is_none_or(|id| self.answer["organization_id"] == id)
    }
}

impl Sessions {
    pub(super) fn begin(
        &mut self,
        sign_in: SignIn,
        organization_id: Option<String>,
        now: u64,
    ) -> Session {
        let id = identifier::new("session");
        let session = Session {
            id: id.clone(),
            sign_in,
            organization_id,
            authenticated_at: now,
            has_ended: false,
        };
        self.by_id.insert(id, session.clone());
        session
    }

    pub(super) fn new_refresh_token(&mut self, session: &Session) -> String {
        let token = identifier::new_token();
        let refresh = RefreshToken { session_id: session.id.clone(), exchange: None };
        self.refresh_tokens.insert(token.clone(), refresh);
        token
    }

    /// The session of a refresh token, exchanged or not.
    pub(super) fn of_refresh_token(&self, token: &str) -> Result<&Session, Refusal> {
        let refresh = self.refresh_tokens.get(token).ok_or_else(Refusal::unknown_refresh_token)?;
        let session =
            self.by_id.get(&refresh.session_id).ok_or_else(Refusal::unknown_refresh_token)?;
        if session.has_ended {
            return Err(Refusal::ended_session());
        }
        Ok(session)
    }

    /// The earlier result of a refresh token, while it can be replayed.
    pub(super) fn exchanged(
        &self,
        token: &str,
        wanted: Option<&str>,
        now: u64,
    ) -> Result<Option<Value>, Refusal> {
        let Some(exchange) = self.refresh_tokens.get(token).and_then(|it| it.exchange.as_ref())
        else {
            return Ok(None);
        };
        if exchange.repeatable_until <= now || !exchange.is_for(wanted) {
            return Err(Refusal::used_refresh_token());
        }
        Ok(Some(exchange.answer.clone()))
    }

    /// Exchanges a refresh token for the tokens in `answer`, which belong to its session.
    pub(super) fn exchange(&mut self, token: &str, session: Session, answer: &Value, now: u64) {
        if let Some(refresh) = self.refresh_tokens.get_mut(token) {
            refresh.exchange =
                Some(Exchange { answer: answer.clone(), repeatable_until: now + REPLAY_SECONDS });
        }
        self.by_id.insert(session.id.clone(), session);
    }

    /// Ends all replays.
    pub(super) fn end_replays(&mut self) {
        let exchanges = self.refresh_tokens.values_mut().filter_map(|it| it.exchange.as_mut());
        exchanges.for_each(|exchange| exchange.repeatable_until = 0);
    }

    /// Ends a session, and returns whether it existed.
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
        "auth_time": session.authenticated_at,
    });
    if let Some(impersonator) = &session.sign_in.impersonator {
        claims["act"] = impersonator.as_actor();
    }
    if let Some(membership) = membership {
        claims["org_id"] = json!(membership.organization_id);
        claims["role"] = json!(membership.role);
        claims["roles"] = json!([membership.role]);
        claims["permissions"] = json!(membership.permissions);
        claims["entitlements"] = json!(membership.entitlements);
        claims["feature_flags"] = json!(membership.feature_flags);
    }
    claims
}
