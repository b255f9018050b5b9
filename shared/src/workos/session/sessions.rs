//! Finds a request's session: in its cookie, or by the access token in its header.
//!
//! | the request has | result |
//! |---|---|
//! | `Authorization: Bearer` | its token counts, and nothing falls back to the cookie, which stays |
//! | a cookie with a valid token | that is the session |
//! | a cookie whose token has expired, or soon will | the session is refreshed; the new cookie is sent with the response |
//! | a cookie that can never become valid | 401, and the cookie is cleared; see [`SessionError::clears`] |
//! | a cookie that cannot be verified right now | 503, and the cookie is kept |

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::api;
use crate::api::{ApiError, Authorization, Request};
use crate::caller::Caller;
use crate::clock::{Clock, Timestamp};
use crate::provider::ProviderError;
use crate::settings::{Incomplete, Settings};
use crate::workos::api::Urgency;
use crate::workos::cookies::invalid_session;
use crate::workos::session::access_token::{AccessTokens, Verdict, cannot_tell};
use crate::workos::session::refreshes::Refreshes;
use crate::workos::{
    AccessToken, AccessTokenError, AuthenticateError, CookieError, Cookies, Email, Grant,
    Impersonator, OrganizationId, SealedSession, SessionCookieError, SessionId, User, UserId,
    WorkOs,
};

/// Backoff after a failed early refresh. The current token is still valid, so requests should not
/// keep waiting on a slow WorkOS.
const EARLY_REFRESH_BACKOFF: Duration = Duration::from_secs(15);

/// Finds, refreshes, switches and ends the sessions of requests.
#[derive(Debug)]
pub struct Sessions {
    workos: WorkOs,
    cookies: Cookies,
    tokens: AccessTokens,
    refreshes: Refreshes,
    early_failure: Mutex<Option<Timestamp>>,
    clock: Clock,
}

/// A verified session.
#[derive(Clone)]
pub struct Session {
    token: AccessToken,
    /// The content of its cookie. A session from a bearer token has none.
    sealed: Option<SealedSession>,
}

impl Session {
    /// The claims of its access token: user, session, organization, permissions.
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// The caller that the session vouches for.
    pub fn caller(&self) -> Caller {
        Caller {
            user_id: self.token.user_id.to_string(),
            session_id: self.token.session_id.to_string(),
            organization_id: self.token.organization_id.as_ref().map(ToString::to_string),
            permissions: self.token.permissions.clone(),
            impersonator: self.impersonator().map(|impersonator| impersonator.email.clone()),
        }
    }

    /// The user, if the session came in a cookie.
    pub fn user(&self) -> Option<&User> {
        self.sealed.as_ref().map(|sealed| &sealed.user)
    }

    /// Checks that `email` is the user's. An access token alone does not say, so it is accepted.
    ///
    /// # Errors
    /// 403 if it is somebody else's.
    pub fn check_email(&self, email: &Email) -> Result<(), ApiError> {
        match self.user() {
            Some(user) if !email.is(&user.email) => {
                Err(ApiError::forbidden("This is not the e-mail address of the signed-in user"))
            }
            _ => Ok(()),
        }
    }

    /// The administrator who impersonates the user, if any. An access token alone does not include
    /// the reason.
    pub fn impersonator(&self) -> Option<&Impersonator> {
        let sealed = self.sealed.as_ref().and_then(|sealed| sealed.impersonator.as_ref());
        sealed.or(self.token.impersonator.as_ref())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").finish_non_exhaustive()
    }
}

/// Why a request has no usable session.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error("there is no session cookie")]
    NotSignedIn,
    /// The access token in `Authorization` is refused, or cannot be judged.
    #[error(transparent)]
    Bearer(AccessTokenError),
    #[error("the access token has expired")]
    BearerExpired,
    #[error(transparent)]
    Cookie(#[from] SessionCookieError),
    #[error(transparent)]
    Token(#[from] AccessTokenError),
    #[error("the token and the cookie belong to different users")]
    OtherUser,
    #[error("the token has expired, and there is no refresh token")]
    NotRefreshable,
    #[error(transparent)]
    Refresh(#[from] AuthenticateError),
    /// WorkOS responded to a refresh with a session that cannot be used.
    #[error("workos refreshed the session with {0}")]
    Unusable(Unusable),
    /// The refreshed session does not fit into a cookie.
    #[error(transparent)]
    Unsendable(#[from] CookieError),
}

/// Why a refreshed session cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("another user's session")]
    OtherUser,
    #[error("another session")]
    OtherSession,
    #[error("a session in another organization")]
    OtherOrganization,
    #[error("an expired token")]
    Expired,
    #[error("a rejected token: {0}")]
    Token(#[from] AccessTokenError),
}

/// When a failure clears the session's cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClearsCookie {
    /// The cookie can never become valid.
    Always,
    /// The cookie may become valid again, so only signing out clears it.
    OnSignOut,
    /// We cannot tell whether the cookie is valid.
    Never,
}

impl SessionError {
    /// When the browser's cookie is cleared. Only this function decides: a cookie that can never
    /// become valid is cleared, and one that cannot be verified right now is kept.
    fn clears(&self) -> ClearsCookie {
        match self {
            Self::Cookie(SessionCookieError::TwoCookies | SessionCookieError::Refused(_))
            // An available key refutes the signature, or the token is malformed, so no key could
            // verify it.
            | Self::Token(AccessTokenError::Token(_))
            | Self::OtherUser
            | Self::NotRefreshable => ClearsCookie::Always,
            Self::Refresh(error) if error.ends_session() => ClearsCookie::Always,
            // A genuine but rejected token may be accepted once keys are available again or
            // settings are corrected.
            Self::NotSignedIn
            | Self::Token(
                AccessTokenError::UnknownKey
                | AccessTokenError::Issuer
                | AccessTokenError::OtherApplication
                | AccessTokenError::NotASession,
            ) => ClearsCookie::OnSignOut,
            Self::Bearer(_)
            | Self::BearerExpired
            | Self::Cookie(SessionCookieError::NoPassword(_))
            | Self::Token(AccessTokenError::NotYetValid | AccessTokenError::Provider(_))
            | Self::Refresh(_)
            | Self::Unusable(_)
            | Self::Unsendable(_) => ClearsCookie::Never,
        }
    }

    /// Whether nobody is signed in: there are no credentials, or the session has ended. A forged or
    /// foreign credential does not count.
    fn is_signed_out(&self) -> bool {
        match self {
            Self::NotSignedIn | Self::BearerExpired | Self::NotRefreshable => true,
            Self::Refresh(error) => error.rejects_grant(),
            _ => false,
        }
    }

    /// Whether WorkOS is unavailable, so that an immediate retry is pointless.
    fn is_outage(&self) -> bool {
        matches!(self, Self::Refresh(error) if !error.is_refusal())
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::NotSignedIn => Self::not_signed_in(),
            SessionError::BearerExpired => Self::unauthorized("The access token has expired"),
            SessionError::Cookie(error) => error.into(),
            SessionError::Bearer(error)
            | SessionError::Token(
                error @ (AccessTokenError::Provider(_) | AccessTokenError::NotYetValid),
            ) => error.into(),
            SessionError::Token(refused) => invalid_session().with_detail(refused),
            SessionError::OtherUser => invalid_session().with_detail(error),
            SessionError::NotRefreshable => {
                Self::unauthorized(Grant::RefreshToken.refusal()).with_detail(error)
            }
            SessionError::Refresh(AuthenticateError::Provider(error)) => cannot_tell(error),
            SessionError::Refresh(error) => error.into(),
            // The key may be newer than our copy, and clocks may differ.
            SessionError::Unusable(Unusable::Token(
                AccessTokenError::UnknownKey | AccessTokenError::NotYetValid,
            )) => Self::unavailable(error),
            SessionError::Unusable(Unusable::Token(AccessTokenError::Provider(error))) => {
                cannot_tell(error)
            }
            SessionError::Unusable(_) => Self::bad_gateway(error),
            SessionError::Unsendable(error) => error.into(),
        }
    }
}

impl Sessions {
    /// Reads the settings of [`WorkOs::configure`] and [`Cookies::configure`].
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let workos = WorkOs::configure(settings);
        Self::at(workos, settings)
    }

    /// The same for an endpoint that only ends sessions, and never refreshes one: without
    /// `WORKOS_API_KEY`.
    pub fn to_end(settings: &mut Settings) -> Result<Self, Incomplete> {
        let workos = WorkOs::without_key(settings);
        Self::at(workos, settings)
    }

    fn at(workos: Result<WorkOs, Incomplete>, settings: &mut Settings) -> Result<Self, Incomplete> {
        let cookies = Cookies::configure(settings);
        let (workos, clock) = (workos?, settings.clock());
        Ok(Self {
            tokens: AccessTokens::new(workos.application().clone(), clock.clone()),
            refreshes: Refreshes::new(clock.clone()),
            early_failure: Mutex::default(),
            cookies: cookies?,
            workos,
            clock,
        })
    }

    /// Fetches the signing keys before the first request.
    pub async fn prefetch_keys(&self) {
        self.tokens.prefetch_keys().await;
    }

    /// The session of a request, refreshed if its access token has expired or soon will.
    pub async fn session(&self, request: &Request) -> Result<Session, ApiError> {
        Ok(self.find(request).await?)
    }

    /// The session of a request, or the given error if nobody is signed in. Forged or foreign
    /// credentials get 401, and 503 if that cannot be determined.
    pub async fn session_or(
        &self,
        request: &Request,
        nobody: impl FnOnce() -> ApiError,
    ) -> Result<Session, ApiError> {
        self.find(request).await.map_err(|error| {
            if error.is_signed_out() { nobody().with_detail(error) } else { error.into() }
        })
    }

    /// The user `id`, if it still exists: for a session that came as an access token, which does not
    /// describe its user.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, ProviderError> {
        self.workos.user(id).await
    }

    async fn find(&self, request: &Request) -> Result<Session, SessionError> {
        self.refreshes.forget_old();
        match Authorization::of(request.headers()) {
            Authorization::Bearer(token) => match self.tokens.judge(token).await {
                Ok(Verdict::Good(token)) => Ok(Session { token, sealed: None }),
                Ok(Verdict::Expired(_)) => Err(SessionError::BearerExpired),
                Err(error) => Err(SessionError::Bearer(error)),
            },
            Authorization::Empty => Err(SessionError::NotSignedIn),
            Authorization::None => {
                self.clear_if_invalid(self.session_from_cookie(request.headers()).await)
            }
        }
    }

    /// Switches the session to another of the user's organizations.
    ///
    /// # Errors
    /// 401 if the session cannot be refreshed, for example because it came as a bearer token, or if
    /// WorkOS has ended it (its cookie is cleared); 403 if the user may not act there (the session
    /// is kept); 502 if WorkOS returns another organization.
    pub async fn switch_organization(
        &self,
        session: &Session,
        organization: &OrganizationId,
    ) -> Result<User, ApiError> {
        let sealed = session.sealed.as_ref();
        let Some(token) = sealed.and_then(|sealed| sealed.refresh_token.as_ref()) else {
            return Err(ApiError::unauthorized(
                "Switching organizations requires the session cookie",
            ));
        };
        let refreshed =
            self.refreshed(token, &session.token, Some(organization), Urgency::Due).await;
        let (_, sealed) = self.clear_if_invalid(refreshed)?;
        Ok(sealed.user)
    }

    /// The URL that ends the request's session at WorkOS. Clears the browser's cookie, even on most
    /// errors, unless it cannot be verified right now or the request has a bearer token.
    pub async fn sign_out(&self, request: &Request) -> Result<Url, ApiError> {
        self.refreshes.forget_old();
        let headers = request.headers();
        let session = match Authorization::of(headers) {
            Authorization::Bearer(_) => {
                let session = self.session(request).await?;
                return Ok(self.workos.application().logout_url(&session.token.session_id));
            }
            // `Bearer` without a token names no session, so the cookie's ends: with its cookie
            // cleared and nothing else, it would live on at WorkOS.
            Authorization::Empty | Authorization::None => {
                self.session_id_from_cookie(headers).await
            }
        };
        if !session.as_ref().is_err_and(|error| error.clears() == ClearsCookie::Never) {
            self.clear_cookie();
        }
        Ok(self.workos.application().logout_url(&session?))
    }

    async fn session_id_from_cookie(&self, headers: &HeaderMap) -> Result<SessionId, SessionError> {
        let sealed = self.cookies.session.read(headers).await?.ok_or(SessionError::NotSignedIn)?;
        let text = sealed.access_token.expose_secret();
        let verdict = match self.tokens.judge_sealed(text).await {
            // The seal is genuine, so signing out neither waits for WorkOS nor fails because a key
            // has been retired.
            Err(AccessTokenError::Provider(_) | AccessTokenError::UnknownKey) => {
                self.tokens.unverified(text)
            }
            judged => judged,
        };
        let (Verdict::Good(token) | Verdict::Expired(token)) = verdict?;
        if token.user_id != sealed.user.id {
            return Err(SessionError::OtherUser);
        }
        Ok(token.session_id)
    }

    async fn session_from_cookie(&self, headers: &HeaderMap) -> Result<Session, SessionError> {
        let sealed = self.cookies.session.read(headers).await?.ok_or(SessionError::NotSignedIn)?;
        let text = sealed.access_token.expose_secret();
        // The seal vouches for the token, and nothing can prolong it, so its key does not matter.
        if sealed.refresh_token.is_none()
            && let Ok(Verdict::Expired(token)) = self.tokens.unverified(text)
            && token.user_id == sealed.user.id
        {
            return Err(SessionError::NotRefreshable);
        }
        let verdict = self.tokens.judge_sealed(text).await?;
        let (Verdict::Good(token) | Verdict::Expired(token)) = &verdict;
        if token.user_id != sealed.user.id {
            return Err(SessionError::OtherUser);
        }
        let (token, urgency) = match verdict {
            Verdict::Good(token) if !self.is_due_early(&token, sealed.refresh_token.as_ref()) => {
                return Ok(Session { token, sealed: Some(sealed) });
            }
            Verdict::Good(token) => (token, Urgency::Early),
            Verdict::Expired(token) => (token, Urgency::Due),
        };
        let refreshed = match &sealed.refresh_token {
            Some(refresh_token) => self.refreshed(refresh_token, &token, None, urgency).await,
            None => Err(SessionError::NotRefreshable),
        };
        match refreshed {
            Ok((token, sealed)) => Ok(Session { token, sealed: Some(sealed) }),
            Err(error) if urgency == Urgency::Early => {
                self.note_early_failure(&error);
                Ok(Session { token, sealed: Some(sealed) })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a token that is still valid is refreshed. If another request is refreshing it, this one
    /// does not wait: WorkOS may be slow.
    fn is_due_early(&self, token: &AccessToken, refresh_token: Option<&SecretString>) -> bool {
        let now = self.clock.now();
        let failed = self.early_failure.lock().map_or(None, |failed| *failed);
        let rests = failed.is_some_and(|at| now.is_within(EARLY_REFRESH_BACKOFF, at));
        token.expires.since(now) < token.early_refresh_window()
            && !rests
            && !refresh_token.is_some_and(|token| self.refreshes.is_underway(token))
    }

    fn note_early_failure(&self, error: &SessionError) {
        // No attempt was made.
        if matches!(error, SessionError::NotRefreshable) {
            return;
        }
        tracing::warn!(%error, "failed to refresh the session early");
        // A rejection concerns one session and is remembered with it.
        if error.is_outage()
            && let Ok(mut failed) = self.early_failure.lock()
        {
            *failed = Some(self.clock.now());
        }
    }

    /// Refreshes the session of `before`. The result is sent to the browser only if it is valid,
    /// belongs to the same user and session, and fits into a cookie.
    async fn refreshed(
        &self,
        refresh_token: &SecretString,
        before: &AccessToken,
        organization: Option<&OrganizationId>,
        urgency: Urgency,
    ) -> Result<(AccessToken, SealedSession), SessionError> {
        let refreshed = self.refreshes.refresh(&self.workos, refresh_token, organization, urgency);
        let sealed = refreshed.await?;
        let token = self.check_refreshed(&sealed, before, organization).await;
        let token = token.map_err(SessionError::Unusable)?;
        self.cookies.session.send(&sealed).await?;
        Ok((token, sealed))
    }

    async fn check_refreshed(
        &self,
        sealed: &SealedSession,
        before: &AccessToken,
        organization: Option<&OrganizationId>,
    ) -> Result<AccessToken, Unusable> {
        let token = match self.tokens.judge(sealed.access_token.expose_secret()).await? {
            Verdict::Good(token) => token,
            Verdict::Expired(_) => return Err(Unusable::Expired),
        };
        if sealed.user.id != before.user_id || token.user_id != before.user_id {
            return Err(Unusable::OtherUser);
        }
        if token.session_id != before.session_id {
            return Err(Unusable::OtherSession);
        }
        if organization.is_some() && token.organization_id.as_ref() != organization {
            return Err(Unusable::OtherOrganization);
        }
        Ok(token)
    }

    /// Clears the cookie if the failure is permanent.
    fn clear_if_invalid<T>(&self, result: Result<T, SessionError>) -> Result<T, SessionError> {
        result.inspect_err(|error| {
            if error.clears() == ClearsCookie::Always {
                self.clear_cookie();
            }
        })
    }

    fn clear_cookie(&self) {
        for cookie in self.cookies.session.clear() {
            api::send_cookie(cookie);
        }
    }
}
