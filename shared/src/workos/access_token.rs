//! WorkOS's access tokens: whose they are, and whether they are good.
//! <https://workos.com/docs/reference/authkit/session-tokens/access-token>

use std::time::Duration;

use serde::Deserialize;

use crate::api::ApiError;
use crate::clock::Clock;
use crate::jwks::KeyCache;
use crate::jwt::{Lifetime, Token, TokenError, Untimely};
use crate::provider::ProviderError;
use crate::workos::{Application, OrganizationId, SessionId, UserId};

/// By how much WorkOS's clock and ours may differ.
const LEEWAY: Duration = Duration::from_secs(5);

/// What a verified access token says.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// Whose it is.
    pub user_id: UserId,
    /// The session that it is of. It stays when the token is renewed.
    pub session_id: SessionId,
    /// The organization that the session acts in, if any.
    pub organization_id: Option<OrganizationId>,
    /// The user's role there.
    pub role: Option<String>,
    /// What the role permits, as slugs.
    pub permissions: Vec<String>,
    /// Until when it is good, as a Unix time.
    pub expires: f64,
}

/// What there is to say of an access token.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// It is good.
    Good(AccessToken),
    /// It was good.
    Expired(AccessToken),
}

/// Why nothing can be said for an access token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccessTokenError {
    /// Its form, its algorithm or its signature.
    #[error("{0}")]
    Token(#[from] TokenError),
    /// WorkOS has no such signing key.
    #[error("the token's signing key is unknown")]
    UnknownKey,
    /// It was issued by somebody else.
    #[error("the token's issuer is not WorkOS for this application")]
    Issuer,
    /// It is not a session's, or lacks what a session's has.
    #[error("the token is not a session's access token")]
    NotASession,
    /// It is not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// WorkOS's keys cannot be had.
    #[error("{0}")]
    Provider(#[from] ProviderError),
}

impl From<AccessTokenError> for ApiError {
    fn from(error: AccessTokenError) -> Self {
        match error {
            AccessTokenError::Provider(error) => error.into(),
            refused => Self::unauthorized("The access token is not valid").because(refused),
        }
    }
}

/// The claims that are checked or used here.
#[derive(Deserialize)]
struct AccessClaims {
    iss: Option<String>,
    sub: Option<UserId>,
    sid: Option<SessionId>,
    org_id: Option<OrganizationId>,
    role: Option<String>,
    #[serde(default)]
    permissions: Vec<String>,
}

/// Verifies access tokens, with keys that are kept between requests.
#[derive(Debug)]
pub(super) struct AccessTokens {
    application: Application,
    keys: KeyCache,
    clock: Clock,
}

impl AccessTokens {
    pub(super) fn new(application: Application, clock: Clock) -> Self {
        Self { application, keys: KeyCache::new("workos", clock.clone()), clock }
    }

    pub(super) async fn prefetch_keys(&self) {
        self.keys.prefetch(self.application.signing_keys()).await;
    }

    /// Judges a token: its signature, then who issued it and what it is, then whether it is time.
    pub(super) async fn judge(&self, text: &str) -> Result<Verdict, AccessTokenError> {
        let token = Token::parse(text)?;
        token.check_header()?;
        let header = token.header();
        if header.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(AccessTokenError::NotASession);
        }
        let kid = header.kid.as_deref().ok_or(AccessTokenError::UnknownKey)?;
        let key = self.keys.key(kid, self.application.signing_keys()).await?;
        let verified = token.verify(&key.ok_or(AccessTokenError::UnknownKey)?)?;

        let claims: AccessClaims = verified.read()?;
        if !claims.iss.is_some_and(|issuer| self.application.is_issuer(&issuer)) {
            return Err(AccessTokenError::Issuer);
        }
        let (Some(user_id), Some(session_id)) = (claims.sub, claims.sid) else {
            return Err(AccessTokenError::NotASession);
        };
        let lifetime: Lifetime = verified.read()?;
        let token = AccessToken {
            user_id,
            session_id,
            organization_id: claims.org_id,
            role: claims.role,
            permissions: claims.permissions,
            expires: lifetime.exp,
        };
        match lifetime.check(self.clock.now(), LEEWAY) {
            Ok(()) => Ok(Verdict::Good(token)),
            Err(Untimely::Expired) => Ok(Verdict::Expired(token)),
            Err(Untimely::NotYet) => Err(AccessTokenError::NotYetValid),
        }
    }
}

/// Which session a token of a genuine cookie names, without asking whether it is good.
pub(super) fn named_session(text: &str) -> Option<(UserId, SessionId)> {
    let claims: AccessClaims = Token::parse(text).ok()?.unverified_claims().ok()?;
    Some((claims.sub?, claims.sid?))
}
