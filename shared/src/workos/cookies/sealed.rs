//! Writes, measures and opens our sealed cookies.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::ApiError;
use crate::clock::{Clock, Timestamp};
use crate::cookie_seal::{CookieSeal, SealError, sealed_bytes};
use crate::workos::cookies::budget::MAX_COOKIE_BYTES;

/// Why a cookie could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieError {
    /// It would exceed the browsers' limit or its share of the budget.
    #[error("the cookie {name} would be {bytes} bytes, which is too large ({parts})")]
    TooLong {
        /// Its name.
        name: String,
        /// Its size in bytes, including name and attributes.
        bytes: usize,
        /// The sizes of its parts, for the log.
        parts: String,
    },
    /// It could not be sealed.
    #[error("the cookie could not be sealed: {0}")]
    Seal(#[from] SealError),
}

impl From<CookieError> for ApiError {
    fn from(error: CookieError) -> Self {
        match error {
            CookieError::Seal(SealError::NoPassword(error)) => error.into(),
            // The account's data is too large, so retrying does not help.
            CookieError::TooLong { .. } => {
                Self::forbidden("This account's session is too large for a cookie")
                    .with_detail(error)
            }
            CookieError::Seal(_) => Self::internal(error),
        }
    }
}

/// Writes, measures and opens sealed cookies.
#[derive(Clone, Debug)]
pub(super) struct SealedCookies {
    seal: CookieSeal,
    secure: bool,
    clock: Clock,
}

/// The name and the attributes of one cookie.
pub(super) struct Label<'a> {
    pub(super) name: &'a str,
    /// The domain that shares it with its subdomains. Without one, only the host that set it sees
    /// it.
    pub(super) domain: Option<&'a str>,
    /// How long the browser keeps it.
    pub(super) max_age: Duration,
}

impl SealedCookies {
    pub(super) fn new(seal: CookieSeal, secure: bool, clock: Clock) -> Self {
        Self { seal, secure, clock }
    }

    /// A cookie with sealed `content`. The seal expires after `lifetime`, if given.
    pub(super) async fn write(
        &self,
        label: &Label<'_>,
        content: &impl Serialize,
        lifetime: Option<Duration>,
    ) -> Result<Cookie<'static>, CookieError> {
        let sealed = self.seal.seal(content, lifetime, self.clock.now()).await?;
        let cookie = self.cookie(label, sealed);
        let bytes = cookie.to_string().len();
        if bytes > MAX_COOKIE_BYTES {
            let (name, parts) = (label.name.to_owned(), "sealed".to_owned());
            return Err(CookieError::TooLong { name, bytes, parts });
        }
        Ok(cookie)
    }

    /// An unsealed cookie. The browser's user can read it, and anybody who can plant a cookie can
    /// forge it.
    pub(super) fn plain(&self, label: &Label<'_>, value: String) -> Cookie<'static> {
        self.cookie(label, value)
    }

    /// The size in bytes of a cookie with `content` bytes of content in a seal that does not
    /// expire.
    pub(super) fn bytes(&self, label: &Label<'_>, content: usize) -> usize {
        self.cookie(label, String::new()).to_string().len() + sealed_bytes(content)
    }

    /// A cookie that clears the one called `name`.
    pub(super) fn clear(&self, name: &str, domain: Option<&str>) -> Cookie<'static> {
        self.cookie(&Label { name, domain, max_age: Duration::ZERO }, String::new())
    }

    /// Opens the value of a cookie.
    pub(super) async fn open<T: DeserializeOwned>(&self, value: &str) -> Result<T, SealError> {
        self.seal.open(value, self.clock.now()).await
    }

    /// A cookie name that no sibling subdomain can read or plant. Browsers enforce that for
    /// `Secure` cookies with the prefix `__Host-`.
    /// <https://www.rfc-editor.org/rfc/rfc6265#section-8.6> describes the attack.
    pub(super) fn host_name(&self, name: &str) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}{name}")
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn cookie(&self, label: &Label<'_>, value: String) -> Cookie<'static> {
        let seconds = i64::try_from(label.max_age.as_secs()).unwrap_or(i64::MAX);
        let mut cookie = Cookie::build((label.name.to_owned(), value))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            // `Strict` would omit it from the first request after a sign-in on another site.
            .same_site(SameSite::Lax)
            .max_age(cookie::time::Duration::seconds(seconds))
            .build();
        if let Some(domain) = label.domain {
            cookie.set_domain(domain.to_owned());
        }
        cookie
    }
}
