//! The cookies that we set in a browser: its session, its pending sign-ins, and the organizations
//! that it may choose from. All of them are sealed with the same password.

mod budget;
mod flow_cookies;
mod pending_cookie;
mod sealed;
mod session_cookie;
mod sign_in_cookie;

use url::Url;

pub use pending_cookie::{PendingCookies, PendingError};
pub use sealed::CookieError;
pub(super) use session_cookie::invalid_session;
pub use session_cookie::{SealedSession, SessionCookie, SessionCookieError};
pub use sign_in_cookie::{NewSignIn, SignIn, SignInCookies, SignInError};

use crate::address::is_this_machine;
use crate::cookie_seal::{CookieSeal, password_form};
use crate::settings::{Incomplete, Settings};
use crate::workos::cookies::sealed::SealedCookies;
use crate::workos::cookies::session_cookie::CookieSettings;

/// All the cookies that we set in a browser.
#[derive(Clone, Debug)]
pub struct Cookies {
    /// Its session.
    pub session: SessionCookie,
    /// The sign-ins that it has begun.
    pub sign_in: SignInCookies,
    /// The organizations that it may choose from.
    pub pending: PendingCookies,
}

impl Cookies {
    /// Reads `WORKOS_COOKIE_PASSWORD` (or `WORKOS_SECRET_ID`), and, if set,
    /// `WORKOS_COOKIE_PASSWORD_PREVIOUS`, `WORKOS_COOKIE_NAME`, `WORKOS_COOKIE_DOMAIN`,
    /// `WORKOS_COOKIE_MAX_AGE` and `WORKOS_REDIRECT_URI`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let current =
            settings.password("WORKOS_COOKIE_PASSWORD", "WORKOS_SECRET_ID", password_form);
        let previous = settings.optional_password(
            "WORKOS_COOKIE_PASSWORD_PREVIOUS",
            "WORKOS_SECRET_ID",
            password_form,
        );
        let plain = plain_page(settings);
        let secure = !plain.as_ref().is_some_and(is_this_machine);
        let production_has_tls = match plain {
            Some(_) if settings.is_production() => {
                Err(settings.problem("WORKOS_REDIRECT_URI must be https if STAGE is prod"))
            }
            _ => Ok(()),
        };
        let session = CookieSettings::configure(settings, secure);
        production_has_tls?;
        let seal = CookieSeal::new(current?, previous?);
        let sealed = SealedCookies::new(seal, secure, settings.clock());
        Ok(Self {
            session: SessionCookie::new(sealed.clone(), session?),
            sign_in: SignInCookies::new(sealed.clone()),
            pending: PendingCookies::new(sealed),
        })
    }
}

/// The page, if it has no TLS. Browsers disagree on whether to keep a `Secure` cookie for such a
/// page on this machine.
fn plain_page(settings: &Settings) -> Option<Url> {
    let page = Url::parse(settings.optional("WORKOS_REDIRECT_URI")?).ok()?;
    (page.scheme() == "http").then_some(page)
}
