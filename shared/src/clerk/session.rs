//! The auth state of a request: finds the token and verifies it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::ORIGIN;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::api::{ApiError, Authorization};
use crate::caller::Caller;
use crate::clerk::backend::Backend;
use crate::clerk::cookies::{self, ClientUpdated, SessionCookies};
use crate::clerk::organization::{Organization, OrganizationClaims};
use crate::clerk::{ClerkRefusal, PublishableKey, SessionId, TemplateError, UserId};
use crate::clock::{Clock, Timestamp};
use crate::ids;
use crate::json;
use crate::jwks::KeyCache;
use crate::jwt;
use crate::jwt::{Claims, Lifetime, Rs256Key, Token, TokenError, Untimely};
use crate::provider::ProviderError;

/// Leeway for the difference between Clerk's clock and ours; the default of Clerk's SDK.
const LEEWAY: Duration = Duration::from_secs(5);

/// The token categories (`cat`) that Clerk gives session tokens; the second one is unspecific.
const SESSION_CATEGORIES: [&str; 2] = ["cl_B7d4PD111AAA", "cl_I7d4PD111III"];

/// The prefix of the subject in machine tokens.
const MACHINE_SUBJECT: &str = "mch_";

/// The auth state of a request.
#[derive(Clone, Debug)]
pub enum Auth {
    /// A signed-in user.
    SignedIn(Box<SignedIn>),
    /// Nobody is signed in: there are no credentials, or valid ones show that the user is signed
    /// out.
    SignedOut(SignedOut),
}

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignedOut {
    /// The request has no session token.
    #[error("no session token")]
    NoToken,
    /// The session's token has expired.
    #[error("the session token has expired")]
    Expired,
    /// The session is pending: the user must complete a step before it becomes active.
    #[error("the session is pending")]
    Pending,
    /// Clerk's `__client_uat` cookie says that the user has signed out since the token was issued.
    #[error("signed out since the token was issued")]
    SignedOutSince,
}

/// Why a request's auth state could not be determined.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthError {
    /// The credentials were rejected.
    #[error(transparent)]
    Refused(#[from] ClerkRefusal),
    /// Clerk's keys are not available.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Refused(refusal) => {
                Self::unauthorized("The session token is not valid").with_detail(refusal)
            }
            AuthError::Provider(error) => error.into(),
        }
    }
}

impl Auth {
    /// The user's id, if someone is signed in.
    pub fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::SignedIn(session) => Some(session.user_id()),
            Self::SignedOut(_) => None,
        }
    }

    /// The session, or 401 without a valid session.
    pub fn require(self) -> Result<SignedIn, ApiError> {
        self.signed_in_or(ApiError::not_signed_in)
    }

    /// The session, or `error` if nobody is signed in.
    pub fn signed_in_or(self, error: impl FnOnce() -> ApiError) -> Result<SignedIn, ApiError> {
        match self {
            Self::SignedIn(session) => Ok(*session),
            Self::SignedOut(reason) => Err(error().with_detail(reason)),
        }
    }
}

/// A signed-in user's verified session.
#[derive(Clone)]
pub struct SignedIn {
    backend: Arc<Backend>,
    token: SecretString,
    claims: Claims,
    user_id: UserId,
    session_id: SessionId,
    organization: Option<Organization>,
    actor: Option<String>,
}

impl SignedIn {
    /// The user's id.
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The session's id.
    pub fn session_id(&self) -> &SessionId {
        &self.session_id
    }

    /// The active organization, if any.
    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_ref()
    }

    /// The id of the organization that the user acts in, if it has the form of one.
    pub fn organization_id(&self) -> Option<&str> {
        let id = self.organization.as_ref().map(|organization| organization.id.as_str());
        id.filter(|id| ids::has_form(id))
    }

    /// The caller that the session vouches for.
    pub fn caller(&self) -> Caller {
        let organization = self.organization.as_ref().filter(|_| self.organization_id().is_some());
        Caller {
            user_id: self.user_id.to_string(),
            session_id: self.session_id.to_string(),
            organization_id: organization.map(|organization| organization.id.clone()),
            permissions: organization.map(|it| it.permissions.clone()).unwrap_or_default(),
            impersonator: self.actor.clone(),
        }
    }

    /// The token's claims as `T`, for an application's custom claims.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, TokenError> {
        self.claims.read()
    }

    /// The session's own token.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// A token made from one of the instance's JWT templates, by Clerk's Backend API.
    pub async fn token_from_template(&self, template: &str) -> Result<SecretString, TemplateError> {
        self.backend.session_token(&self.session_id, template).await
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignedIn").finish_non_exhaustive()
    }
}

/// The settings and keys that tokens are verified with.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) backend: Arc<Backend>,
    pub(super) issuer: String,
    pub(super) publishable_key: PublishableKey,
    pub(super) authorized_parties: Vec<String>,
    pub(super) keys: SigningKeys,
    pub(super) clock: Clock,
}

/// The source of the keys that signatures are checked with.
#[derive(Debug)]
pub(super) enum SigningKeys {
    /// From `CLERK_JWT_KEY`: no call is made.
    Fixed(Rs256Key),
    /// From Clerk's JWKS.
    Published(KeyCache),
}

/// The claims of a session token that are checked here.
/// <https://clerk.com/docs/guides/sessions/session-tokens>
#[derive(Deserialize)]
struct SessionClaims {
    iss: Option<String>,
    azp: Option<String>,
    sub: Option<String>,
    sid: Option<String>,
    sts: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    act: Option<Actor>,
    exp: Timestamp,
    #[serde(default, deserialize_with = "jwt::number")]
    nbf: Option<Timestamp>,
    #[serde(default, deserialize_with = "jwt::number")]
    iat: Option<Timestamp>,
}

/// The administrator who is impersonating the user.
/// <https://clerk.com/docs/guides/users/impersonation>
#[derive(Deserialize)]
struct Actor {
    sub: String,
}

/// The session that a token is for.
struct Subject {
    user_id: UserId,
    session_id: SessionId,
    status: Option<String>,
    actor: Option<String>,
    lifetime: Lifetime,
}

/// The token of a request.
struct Presented<'r> {
    text: &'r str,
    /// When the user last signed in, according to the `__client_uat` cookie.
    client_updated: Option<Timestamp>,
    /// Whether the token may lack the claim `azp`.
    may_lack_party: bool,
}

impl Verifier {
    /// Finds and verifies a request's token.
    pub(super) async fn auth(&self, headers: &HeaderMap) -> Result<Auth, AuthError> {
        match Authorization::as_clerk_reads_it(headers) {
            // The header takes precedence over the cookie.
            Authorization::Bearer(text) => {
                let token = Presented { text, client_updated: None, may_lack_party: false };
                self.verify(&token).await
            }
            Authorization::Empty => Ok(Auth::SignedOut(SignedOut::NoToken)),
            Authorization::None => {
                let SessionCookies { token, client_updated } = cookies::choose(
                    headers,
                    &self.publishable_key,
                    &self.issuer,
                    self.clock.now(),
                )?;
                let Some(text) = token else {
                    return Ok(Auth::SignedOut(SignedOut::NoToken));
                };
                let client_updated = match client_updated {
                    ClientUpdated::SignedOut => {
                        return Ok(Auth::SignedOut(SignedOut::SignedOutSince));
                    }
                    ClientUpdated::At(at) => Some(at),
                    ClientUpdated::Absent => None,
                };
                // Clerk issues tokens without `azp` on page navigations, but only as cookies.
                let may_lack_party = self.comes_from_authorized_party(headers);
                self.verify(&Presented { text, client_updated, may_lack_party }).await
            }
        }
    }

    /// Verifies a token in the order of Clerk's SDK: kind, signature, claims.
    async fn verify(&self, presented: &Presented<'_>) -> Result<Auth, AuthError> {
        let token = Token::parse(presented.text).map_err(ClerkRefusal::Token)?;
        check_kind(&token)?;
        let keys = self.signing_keys(&token).await?;
        let claims = token.verify(&keys).map_err(ClerkRefusal::Token)?;
        let subject = self.check_parties(&claims, presented)?;

        match subject.lifetime.check(self.clock.now(), LEEWAY) {
            Ok(()) => {}
            Err(Untimely::Expired) => return Ok(Auth::SignedOut(SignedOut::Expired)),
            Err(Untimely::NotYet) => return Err(ClerkRefusal::NotYetValid.into()),
        }
        // A token without `iat` counts as older than any sign-out.
        let issued = subject.lifetime.iat.unwrap_or(Timestamp::EPOCH);
        if presented.client_updated.is_some_and(|updated| updated > issued) {
            return Ok(Auth::SignedOut(SignedOut::SignedOutSince));
        }
        if subject.status.is_some_and(|status| status != "active") {
            return Ok(Auth::SignedOut(SignedOut::Pending));
        }
        let organization: OrganizationClaims = claims.read().map_err(ClerkRefusal::Token)?;
        Ok(Auth::SignedIn(Box::new(SignedIn {
            backend: Arc::clone(&self.backend),
            token: SecretString::from(presented.text),
            claims,
            user_id: subject.user_id,
            session_id: subject.session_id,
            organization: organization.into_organization(),
            actor: subject.actor,
        })))
    }

    async fn signing_keys(&self, token: &Token<'_>) -> Result<Arc<[Rs256Key]>, AuthError> {
        match &self.keys {
            SigningKeys::Fixed(key) => Ok(Arc::new([key.clone()])),
            SigningKeys::Published(keys) => {
                let kid = token.header().kid.as_deref().ok_or(ClerkRefusal::UnknownKey)?;
                let key = keys.key(kid, self.backend.signing_keys()).await?;
                Ok(key.ok_or(ClerkRefusal::UnknownKey)?)
            }
        }
    }

    /// Checks the issuer, the authorized party and the subject. A missing claim matches nothing.
    fn check_parties(
        &self,
        claims: &Claims,
        presented: &Presented<'_>,
    ) -> Result<Subject, ClerkRefusal> {
        let claims: SessionClaims = claims.read()?;
        if claims.iss.as_deref() != Some(self.issuer.as_str()) {
            return Err(ClerkRefusal::Issuer);
        }
        match claims.azp {
            Some(azp) if !self.authorized_parties.contains(&azp) => {
                return Err(ClerkRefusal::AuthorizedParty);
            }
            None if !presented.may_lack_party => return Err(ClerkRefusal::NoAuthorizedParty),
            _ => {}
        }
        let subject = claims.sub.filter(|subject| !subject.starts_with(MACHINE_SUBJECT));
        let user_id = subject.as_deref().and_then(UserId::parse);
        let session_id = claims.sid.as_deref().and_then(SessionId::parse);
        match (user_id, session_id) {
            (Some(user_id), Some(session_id)) => Ok(Subject {
                user_id,
                session_id,
                status: claims.sts,
                actor: claims.act.map(|actor| actor.sub),
                lifetime: Lifetime { exp: claims.exp, nbf: claims.nbf, iat: claims.iat },
            }),
            _ => Err(ClerkRefusal::NotASession),
        }
    }

    /// Whether the request's `Origin` is an authorized party. Scripts cannot forge `Origin`, so it
    /// can replace a missing `azp`.
    fn comes_from_authorized_party(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) => {
                self.authorized_parties.iter().any(|party| origin == party.as_str())
            }
            _ => false,
        }
    }
}

/// Accepts session tokens only. The same key also signs machine tokens and template tokens.
fn check_kind(token: &Token<'_>) -> Result<(), ClerkRefusal> {
    token.check_header()?;
    let header = token.header();
    let is_session = |category: &str| SESSION_CATEGORIES.contains(&category);
    if header.typ.as_deref().is_some_and(|typ| typ != "JWT")
        || !header.cat.as_deref().is_none_or(is_session)
    {
        return Err(ClerkRefusal::NotASession);
    }
    Ok(())
}
