//! Sealed cookies: how every cookie of ours is written, measured and opened.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::ApiError;
use crate::clock::{Clock, Timestamp};
use crate::cookie_seal::{CookieSeal, SealError, sealed_bytes};
use crate::workos::cookies::budget::MAX_COOKIE_BYTES;

/// Why a cookie was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieError {
    /// Browsers would drop it, or it would leave too little room for the others.
    #[error("the cookie {name} would have {bytes} bytes, more than there is room for ({parts})")]
    TooLong {
        /// Its name.
        name: String,
        /// What it would come to, name and attributes included.
        bytes: usize,
        /// The sizes of what makes it long.
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
            // It is the account that has too much, and trying again does not help.
            CookieError::TooLong { .. } => {
                Self::forbidden("This account's session is too large for a cookie")
                    .with_detail(error)
            }
            CookieError::Seal(_) => Self::internal(error),
        }
    }
}

/// Writes and opens sealed cookies.
#[derive(Clone, Debug)]
pub(super) struct SealedCookies {
    seal: CookieSeal,
    secure: bool,
    clock: Clock,
}

/// What one cookie is called and where it goes.
pub(super) struct Label<'a> {
    pub(super) name: &'a str,
    /// The domain whose subdomains see it as well; else the host that set it, alone.
    pub(super) domain: Option<&'a str>,
    /// For how long the browser keeps it.
    pub(super) max_age: Duration,
}

impl SealedCookies {
    pub(super) fn new(seal: CookieSeal, secure: bool, clock: Clock) -> Self {
        Self { seal, secure, clock }
    }

    /// A cookie that holds `content`, in a seal good for `lifetime`, or without an end of its own.
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

    /// A cookie whose value is no seal: everybody may read it, and whoever can plant a cookie may
    /// have written it.
    pub(super) fn plain(&self, label: &Label<'_>, value: String) -> Cookie<'static> {
        self.cookie(label, value)
    }

    /// How many bytes a cookie with so much content would have, when its seal has no end of its own.
    pub(super) fn bytes(&self, label: &Label<'_>, content: usize) -> usize {
        self.cookie(label, String::new()).to_string().len() + sealed_bytes(content)
    }

    /// A cookie that makes the browser forget the one called so.
    pub(super) fn clear(&self, name: &str, domain: Option<&str>) -> Cookie<'static> {
        self.cookie(&Label { name, domain, max_age: Duration::ZERO }, String::new())
    }

    /// What the value of a cookie holds.
    pub(super) async fn open<T: DeserializeOwned>(&self, value: &str) -> Result<T, SealError> {
        self.seal.open(value, self.clock.now()).await
    }

    /// The name of a cookie that only the host that set it shall see, and no sibling subdomain can
    /// plant: browsers see to that where the name begins so and the cookie is `Secure`.
    /// <https://www.rfc-editor.org/rfc/rfc6265#section-8.6> has what happens otherwise.
    pub(super) fn host_name(&self, name: &str) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}{name}")
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn cookie(&self, label: &Label, value: String) -> Cookie<'static> {
        let seconds = i64::try_from(label.max_age.as_secs()).unwrap_or(i64::MAX);
        let mut cookie = Cookie::build((label.name.to_owned(), value))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            // Strict would leave it out of the request that follows a sign-in elsewhere.
            .same_site(SameSite::Lax)
            .max_age(cookie::time::Duration::seconds(seconds))
            .build();
        if let Some(domain) = label.domain {
            cookie.set_domain(domain.to_owned());
        }
        cookie
    }
}
