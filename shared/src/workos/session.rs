//! Who a request comes from: the session in its cookie, or the access token in its header.
//!
//! | the request has | and then |
//! |---|---|
//! | `Authorization: Bearer` | its token counts, and nothing falls back to the cookie |
//! | a cookie with a good token | that is the session |
//! | a cookie whose token has expired, or soon will | it is renewed; the new cookie leaves with the answer |
//! | a cookie that is not ours, two of them, or one that WorkOS refuses to renew | 401, and the cookie is cleared |
//! | a cookie, and WorkOS cannot be asked where it has to be | 503, and the cookie is kept |

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use http::HeaderMap;
use secrecy::ExposeSecret as _;
use url::Url;

use crate::api;
use crate::api::{ApiError, Authorization, Request};
use crate::caller::Caller;
use crate::clock::{Clock, Timestamp};
use crate::settings::{Incomplete, Settings};
use crate::workos::access_token::{AccessTokens, Verdict, named_session};
use crate::workos::renewal::Renewals;
use crate::workos::{
    AccessToken, AccessTokenError, AuthenticateError, Cookies, OrganizationId, SealedSession,
    SessionCookieError, SessionId, User, WorkOs,
};

/// A token that is good for less than this is renewed ahead of time, so that few requests have to
/// wait for a renewal.
const EARLY: f64 = 60.0;

/// After a renewal ahead of time that failed, the next is this far off: the tokens at hand are good,
/// and requests do not wait again and again for a WorkOS that is slow.
const PAUSE: Duration = Duration::from_secs(15);

/// Users' sessions.
#[derive(Debug)]
pub struct Sessions {
    workos: WorkOs,
    cookies: Cookies,
    tokens: AccessTokens,
    renewals: Renewals,
    early_failure: Mutex<Option<Timestamp>>,
    clock: Clock,
}

/// A verified session.
#[derive(Clone)]
pub struct Session {
    token: AccessToken,
    /// What its cookie holds; a session that came as an access token has none.
    sealed: Option<SealedSession>,
}

impl Session {
    /// What its access token says: the user, the session, the organization, what is permitted.
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Who the session is of.
    pub fn caller(&self) -> Caller {
        Caller {
            user_id: self.token.user_id.to_string(),
            session_id: self.token.session_id.to_string(),
            organization_id: self.token.organization_id.as_ref().map(ToString::to_string),
            permissions: self.token.permissions.clone(),
        }
    }

    /// The user, where the session came in a cookie.
    pub fn user(&self) -> Option<&User> {
        self.sealed.as_ref().map(|sealed| &sealed.user)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("Session").finish_non_exhaustive()
    }
}

fn not_signed_in() -> ApiError {
    ApiError::unauthorized("Sign in first")
}

fn not_valid() -> ApiError {
    ApiError::unauthorized("The session is not valid. Sign in again")
}

impl Sessions {
    /// Reads what [`WorkOs::configure`] and [`Cookies::configure`] read.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (workos, cookies) = (WorkOs::configure(settings), Cookies::configure(settings));
        let (workos, clock) = (workos?, settings.clock());
        Ok(Self {
            tokens: AccessTokens::new(workos.application().clone(), clock.clone()),
            renewals: Renewals::new(clock.clone()),
            early_failure: Mutex::default(),
            cookies: cookies?,
            workos,
            clock,
        })
    }

    /// Fetches the signing keys ahead of the first request.
    pub async fn prefetch_keys(&self) {
        self.tokens.prefetch_keys().await;
    }

    /// The session of a request, renewed where that is due.
    pub async fn session(&self, request: &Request) -> Result<Session, ApiError> {
        match Authorization::of(request.headers()) {
            Authorization::Bearer(token) => match self.tokens.judge(token).await? {
                Verdict::Good(token) => Ok(Session { token, sealed: None }),
                Verdict::Expired(_) => Err(ApiError::unauthorized("The access token has expired")),
            },
            Authorization::Empty => Err(not_signed_in()),
            Authorization::None => self.of_cookie(request.headers()).await,
        }
    }

    /// Takes the session into another organization of the user's.
    ///
    /// # Errors
    /// 401 for a session that came as an access token, which nothing can renew, and for one that
    /// WorkOS has ended, whose cookie is cleared; 403 where the user may not act there, and the
    /// session stays as it is; 502 when WorkOS answers for another organization.
    pub async fn switch_organization(
        &self,
        session: &Session,
        organization: &OrganizationId,
    ) -> Result<User, ApiError> {
        let Some(sealed) = &session.sealed else {
            return Err(ApiError::unauthorized("An access token alone cannot switch"));
        };
        let renewed = match self.renewals.renew(&self.workos, sealed, Some(organization)).await {
            Ok(renewed) => renewed,
            Err(error) => {
                if matches!(error, AuthenticateError::NotGood { .. }) {
                    self.forget();
                }
                return Err(error.into());
            }
        };
        let session = self.take_on(renewed, &session.token).await?;
        if session.token.organization_id.as_ref() != Some(organization) {
            return Err(ApiError::bad_gateway("workos switched to another organization"));
        }
        session.sealed.map(|sealed| sealed.user).ok_or_else(not_valid)
    }

    /// The address that ends the request's session at WorkOS. The browser forgets its cookie
    /// whatever comes of it, unless nobody can tell what the cookie is.
    pub async fn leave(&self, request: &Request) -> Result<Url, ApiError> {
        let left = match Authorization::of(request.headers()) {
            Authorization::None => self.left_by_cookie(request.headers()).await,
            _ => self.session(request).await.map(|session| session.token.session_id),
        };
        if !left.as_ref().is_err_and(|error| error.status().is_server_error()) {
            self.forget();
        }
        Ok(self.workos.application().logout_url(&left?))
    }

    async fn left_by_cookie(&self, headers: &HeaderMap) -> Result<SessionId, ApiError> {
        let sealed = self.cookies.session.read(headers).await?.ok_or_else(not_signed_in)?;
        let text = sealed.access_token.expose_secret();
        let (user, session) = match self.tokens.judge(text).await {
            Ok(Verdict::Good(token) | Verdict::Expired(token)) => (token.user_id, token.session_id),
            // The seal is genuine; leaving does not have to wait until WorkOS is back, and does not
            // fail because a key has been retired since.
            Err(AccessTokenError::Provider(_) | AccessTokenError::UnknownKey) => {
                named_session(text).ok_or_else(not_valid)?
            }
            Err(refused) => return Err(not_valid().because(refused)),
        };
        if user == sealed.user.id { Ok(session) } else { Err(not_valid()) }
    }

    async fn of_cookie(&self, headers: &HeaderMap) -> Result<Session, ApiError> {
        let sealed = match self.cookies.session.read(headers).await {
            Ok(Some(sealed)) => sealed,
            Ok(None) => return Err(not_signed_in()),
            Err(error @ SessionCookieError::NoPassword(_)) => return Err(error.into()),
            Err(refused) => {
                self.forget();
                return Err(refused.into());
            }
        };
        let verdict = match self.tokens.judge(sealed.access_token.expose_secret()).await {
            Ok(verdict) => verdict,
            Err(AccessTokenError::Provider(error)) => return Err(error.into()),
            Err(refused) => {
                self.forget();
                return Err(not_valid().because(refused));
            }
        };
        let (Verdict::Good(token) | Verdict::Expired(token)) = &verdict;
        if token.user_id != sealed.user.id {
            self.forget();
            return Err(not_valid().because("the token is of another user than the cookie"));
        }
        match verdict {
            Verdict::Good(token) if !self.is_renewed_early(&token) => {
                Ok(Session { token, sealed: Some(sealed) })
            }
            Verdict::Good(token) => self.renew_early(token, sealed).await,
            Verdict::Expired(token) => self.renew(&token, &sealed).await,
        }
    }

    fn is_renewed_early(&self, token: &AccessToken) -> bool {
        let now = self.clock.now();
        let failed = self.early_failure.lock().map_or(None, |failed| *failed);
        let rests = failed.is_some_and(|at| now.since(at) < PAUSE);
        token.expires - now.unix_seconds() < EARLY && !rests
    }

    /// Renews a session whose token is still good, or goes on with it as it is.
    async fn renew_early(
        &self,
        token: AccessToken,
        sealed: SealedSession,
    ) -> Result<Session, ApiError> {
        match self.renewals.renew(&self.workos, &sealed, None).await {
            Ok(renewed) => self.take_on(renewed, &token).await,
            Err(error) => {
                tracing::warn!(%error, "going on with a token that is about to expire");
                if let Ok(mut failed) = self.early_failure.lock() {
                    *failed = Some(self.clock.now());
                }
                Ok(Session { token, sealed: Some(sealed) })
            }
        }
    }

    async fn renew(
        &self,
        token: &AccessToken,
        sealed: &SealedSession,
    ) -> Result<Session, ApiError> {
        match self.renewals.renew(&self.workos, sealed, None).await {
            Ok(renewed) => self.take_on(renewed, token).await,
            Err(error) if error.ends_session() => {
                self.forget();
                Err(ApiError::unauthorized("The session has ended. Sign in again").because(error))
            }
            Err(error) => Err(ApiError::from(error)),
        }
    }

    /// Sends the renewed session to the browser, whose old one is spent, and then makes sure that
    /// it is the same user's and the same session.
    async fn take_on(
        &self,
        renewed: SealedSession,
        before: &AccessToken,
    ) -> Result<Session, ApiError> {
        let nonsense = |what: &str| Err(ApiError::bad_gateway(what));
        if renewed.user.id != before.user_id {
            return nonsense("workos renewed the session for another user");
        }
        api::send_cookie(self.cookies.session.write(&renewed).await?);
        let token = match self.tokens.judge(renewed.access_token.expose_secret()).await {
            Ok(Verdict::Good(token)) => token,
            Ok(Verdict::Expired(_)) => return nonsense("workos gave a token that has expired"),
            Err(AccessTokenError::Provider(error)) => return Err(error.into()),
            Err(error) => {
                return nonsense(&format!("workos gave a token that is refused: {error}"));
            }
        };
        if token.user_id != before.user_id || token.session_id != before.session_id {
            return nonsense("workos renewed another session");
        }
        Ok(Session { token, sealed: Some(renewed) })
    }

    fn forget(&self) {
        for cookie in self.cookies.session.clear() {
            api::send_cookie(cookie);
        }
    }
}
