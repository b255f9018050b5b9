//! The session's cookie: AuthKit's own, in the format of `@workos-inc/node`, so that pages built on
//! that or on authkit-nextjs share the session.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use cookie::Cookie;
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api;
use crate::api::ApiError;
use crate::cookie_seal::{SealError, into_seal};
use crate::json;
use crate::secrets::SecretError;
use crate::settings::{Incomplete, Settings};
use crate::workos::cookies::budget::MAX_COOKIE_BYTES;
use crate::workos::cookies::sealed::{CookieError, Label, SealedCookies};
use crate::workos::{Authentication, Impersonator, Metadata, OrganizationId, User};

/// AuthKit's name for the cookie.
const DEFAULT_NAME: &str = "wos-session";

/// AuthKit's default, and the longest lifetime that browsers allow. The session itself ends at
/// WorkOS.
const DEFAULT_MAX_AGE: Duration = Duration::from_hours(400 * 24);

/// The shortest possible access token: the signature alone has 342 characters, and the claims more
/// than a hundred.
const MIN_ACCESS_TOKEN_BYTES: usize = 500;

/// The shortest possible refresh token, with a margin: WorkOS's have 25 characters.
const MIN_REFRESH_TOKEN_BYTES: usize = 20;

/// The content of a session's cookie. Opening it proves only that it was sealed with our password;
/// nothing else is verified. `Debug` prints only the user's id.
///
/// Other fields that a page's SDK adds are lost when the session is refreshed. No SDK reads them,
/// and the SDKs drop them as well.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedSession {
    /// The organization that the session acts in, if any. The access token's claim takes
    /// precedence.
    #[serde(
        default,
        deserialize_with = "json::or_default",
        skip_serializing_if = "Option::is_none"
    )]
    pub organization_id: Option<OrganizationId>,
    /// The session's user.
    pub user: User,
    /// The session's access token.
    #[serde(serialize_with = "into_seal")]
    pub access_token: SecretString,
    /// The single-use token that refreshes the session. A session without one lasts as long as its
    /// access token.
    #[serde(
        default,
        deserialize_with = "token_if_any",
        serialize_with = "token_into_seal",
        skip_serializing_if = "Option::is_none"
    )]
    pub refresh_token: Option<SecretString>,
    /// How the user signed in, in WorkOS's words.
    #[serde(
        default,
        deserialize_with = "json::or_default",
        skip_serializing_if = "Option::is_none"
    )]
    pub authentication_method: Option<String>,
    /// The administrator who impersonates the user, if any.
    #[serde(
        default,
        deserialize_with = "json::or_default",
        skip_serializing_if = "Option::is_none"
    )]
    pub impersonator: Option<Impersonator>,
}

/// Treats an empty token as absent.
fn token_if_any<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    let token: Option<String> = json::or_default(deserializer)?;
    Ok(token.filter(|token| !token.is_empty()).map(SecretString::from))
}

#[expect(clippy::ref_option, reason = "serde calls it like this")]
fn token_into_seal<S: Serializer>(
    token: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match token {
        Some(token) => into_seal(token, serializer),
        None => serializer.serialize_none(),
    }
}

/// Reads and writes the session's cookie.
#[derive(Clone, Debug)]
pub struct SessionCookie {
    cookies: SealedCookies,
    settings: CookieSettings,
}

/// Why a request's session cookie cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionCookieError {
    /// There are two with that name. A sibling subdomain may have planted one, and we cannot tell
    /// which.
    #[error("two session cookies")]
    TwoCookies,
    /// It is not a valid seal of a session.
    #[error("the session cookie is rejected: {0}")]
    Refused(SealError),
    /// No password is available right now, which says nothing about the cookie.
    #[error("no password for the session cookie: {0}")]
    NoPassword(SecretError),
}

impl From<SealError> for SessionCookieError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::NoPassword(error) => Self::NoPassword(error),
            error => Self::Refused(error),
        }
    }
}

impl From<SessionCookieError> for ApiError {
    fn from(error: SessionCookieError) -> Self {
        match error {
            SessionCookieError::NoPassword(error) => error.into(),
            refused => invalid_session().with_detail(refused),
        }
    }
}

/// 401 for a session that can never be accepted.
pub(in crate::workos) fn invalid_session() -> ApiError {
    ApiError::unauthorized("The session is not valid. Sign in again")
}

impl SessionCookie {
    pub(super) fn new(cookies: SealedCookies, settings: CookieSettings) -> Self {
        Self { cookies, settings }
    }

    /// The session in a request's cookie, if there is one.
    pub async fn read(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<SealedSession>, SessionCookieError> {
        let mut values = api::cookies(headers, &self.settings.name);
        let first = values.next();
        if values.next().is_some() {
            return Err(SessionCookieError::TwoCookies);
        }
        let Some(value) = first.filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        Ok(Some(self.cookies.open(value).await?))
    }

    /// Sends this session to the browser with the response.
    ///
    /// The domain's cookie replaces a host-only one from before the domain was configured. If both
    /// existed, neither would be accepted. The removal comes first: for a domain like `localhost`,
    /// browsers take both for the same cookie.
    pub async fn send(&self, session: &SealedSession) -> Result<(), CookieError> {
        let cookie = self.write(session).await?;
        if self.settings.domain.is_some() {
            api::send_cookie(self.cookies.clear(&self.settings.name, None));
        }
        api::send_cookie(cookie);
        Ok(())
    }

    /// The cookie for this session. If it is too large, it leaves out fields that we do not read:
    /// first the user's metadata, then the picture.
    pub async fn write(&self, session: &SealedSession) -> Result<Cookie<'static>, CookieError> {
        let session = self.fitting(session)?;
        // The seal does not expire, as in the SDKs; the tokens inside do.
        self.cookies.write(&self.label(), &*session, None).await
    }

    /// Rejects a user whose session would not fit into a cookie even with the shortest tokens.
    ///
    /// # Errors
    /// 403 if the session cannot fit.
    pub fn ensure_fits(&self, user: &User) -> Result<(), ApiError> {
        let session = SealedSession {
            organization_id: None,
            user: user.clone(),
            access_token: "x".repeat(MIN_ACCESS_TOKEN_BYTES).into(),
            refresh_token: Some("x".repeat(MIN_REFRESH_TOKEN_BYTES).into()),
            authentication_method: None,
            impersonator: None,
        };
        self.fitting(&session).map(drop).map_err(ApiError::from)
    }

    fn fitting<'s>(
        &self,
        session: &'s SealedSession,
    ) -> Result<Cow<'s, SealedSession>, CookieError> {
        let mut fitting = Cow::Borrowed(session);
        if self.bytes(&fitting) <= MAX_COOKIE_BYTES {
            return Ok(fitting);
        }
        fitting.to_mut().user.metadata = Metadata::EMPTY;
        if self.bytes(&fitting) <= MAX_COOKIE_BYTES {
            return Ok(fitting);
        }
        fitting.to_mut().user.profile_picture_url = None;
        match self.bytes(&fitting) {
            ..=MAX_COOKIE_BYTES => Ok(fitting),
            bytes => {
                let (name, parts) = (self.settings.name.clone(), fitting.sizes());
                Err(CookieError::TooLong { name, bytes, parts })
            }
        }
    }

    fn bytes(&self, session: &SealedSession) -> usize {
        self.cookies.bytes(&self.label(), json_bytes(session))
    }

    fn label(&self) -> Label<'_> {
        Label {
            name: &self.settings.name,
            domain: self.settings.domain.as_deref(),
            max_age: self.settings.max_age,
        }
    }

    /// The cookies that clear the session: one for the configured domain, and one for a host-only
    /// cookie, which would otherwise remain.
    pub fn clear(&self) -> Vec<Cookie<'static>> {
        let clear = |domain| self.cookies.clear(&self.settings.name, domain);
        let wide = self.settings.domain.as_deref().map(|domain| clear(Some(domain)));
        wide.into_iter().chain([clear(None)]).collect()
    }
}

impl SealedSession {
    /// The sizes of its parts, for the log.
    fn sizes(&self) -> String {
        let token = |token: &SecretString| token.expose_secret().len();
        format!(
            "access token {}, refresh token {}, user {}",
            token(&self.access_token),
            self.refresh_token.as_ref().map_or(0, token),
            json_bytes(&self.user),
        )
    }
}

fn json_bytes(content: &impl Serialize) -> usize {
    // Sealing reports an error if the content cannot be written as JSON.
    serde_json::to_vec(content).map_or(0, |json| json.len())
}

impl From<Authentication> for SealedSession {
    fn from(authentication: Authentication) -> Self {
        Self {
            organization_id: authentication.organization_id,
            user: authentication.user,
            access_token: authentication.access_token,
            refresh_token: Some(authentication.refresh_token),
            authentication_method: authentication.authentication_method,
            impersonator: authentication.impersonator,
        }
    }
}

impl fmt::Debug for SealedSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SealedSession").field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// The name, the domain and the lifetime of the session's cookie.
#[derive(Clone, Debug)]
pub(super) struct CookieSettings {
    name: String,
    domain: Option<String>,
    max_age: Duration,
}

impl CookieSettings {
    /// Reads `WORKOS_COOKIE_NAME`, `WORKOS_COOKIE_DOMAIN` and `WORKOS_COOKIE_MAX_AGE` (in seconds).
    /// `secure` tells whether the cookie will be `Secure`.
    pub(super) fn configure(settings: &mut Settings, secure: bool) -> Result<Self, Incomplete> {
        let name = settings.optional("WORKOS_COOKIE_NAME").unwrap_or(DEFAULT_NAME).to_owned();
        let has_domain = settings.optional("WORKOS_COOKIE_DOMAIN").is_some();

        let mut problem = Ok(());
        if !name.bytes().all(is_plain) {
            problem = Err(settings.problem(
                "WORKOS_COOKIE_NAME has characters other than letters, digits, `-`, `_` and `.`",
            ));
        } else if (name.starts_with("__Host-") && (has_domain || !secure))
            || (name.starts_with("__Secure-") && !secure)
        {
            problem = Err(settings.problem(
                "WORKOS_COOKIE_NAME begins with a prefix that browsers allow with https only, and \
                 `__Host-` without WORKOS_COOKIE_DOMAIN only",
            ));
        }
        let domain = settings.cookie_domain("WORKOS_COOKIE_DOMAIN");
        let max_age = settings.seconds("WORKOS_COOKIE_MAX_AGE", DEFAULT_MAX_AGE);
        problem?;
        Ok(Self { name, domain: domain?, max_age: max_age? })
    }
}

/// A subset of the characters that RFC 6265 allows, without those that some software
/// percent-encodes.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}
