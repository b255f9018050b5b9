//! Signing in at WorkOS's pages: where a browser goes, and what it keeps for the way back.

use http::HeaderMap;
use serde::Serialize;
use url::Url;

use crate::api;
use crate::api::ApiError;
use crate::settings::{Incomplete, Settings};
use crate::workos::{Authorization, Cookies, Email, SignInWith};

/// Sends browsers to WorkOS to sign in there.
#[derive(Debug)]
pub struct Redirects {
    authorization: Authorization,
    cookies: Cookies,
}

/// Where a browser goes to sign in.
#[derive(Clone, Debug, Serialize)]
pub struct Redirect {
    /// The address at WorkOS.
    #[serde(rename = "redirectURL")]
    pub redirect_url: Url,
    /// What comes back with the code.
    pub state: String,
}

impl Redirects {
    /// Reads what [`Authorization::configure`] and [`Cookies::configure`] read.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let authorization = Authorization::configure(settings);
        let cookies = Cookies::configure(settings);
        Ok(Self { authorization: authorization?, cookies: cookies? })
    }

    /// Begins a sign-in at WorkOS. What the callback has to prove is kept in the browser.
    pub async fn begin(
        &self,
        headers: &HeaderMap,
        with: &SignInWith,
        login_hint: Option<&Email>,
    ) -> Result<Redirect, ApiError> {
        let sign_in = self.cookies.sign_in.begin(headers).await?;
        sign_in.cookies.into_iter().for_each(api::send_cookie);
        let (state, challenge) = (sign_in.state, sign_in.code_challenge);
        let redirect_url = self.authorization.url(with, &state, &challenge, login_hint);
        Ok(Redirect { redirect_url, state })
    }
}

/// What endpoints answer that only begin something.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AuthData<T> {
    /// What comes next.
    #[serde(rename = "authData")]
    pub auth_data: T,
}
