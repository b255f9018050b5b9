//! Sends a browser to a sign-in page, and stores the state that the callback needs.

use http::HeaderMap;
use serde::Serialize;
use url::Url;

use crate::api;
use crate::api::ApiError;
use crate::settings::{Incomplete, Settings};
use crate::workos::{Authorization, Cookies, SignInHints, SignInWith};

/// Sends browsers to WorkOS to sign in there.
#[derive(Debug)]
pub struct Redirects {
    authorization: Authorization,
    cookies: Cookies,
}

/// The redirect to a sign-in page. It has the state and perhaps an address, so it has no `Debug`.
#[derive(Clone, Serialize)]
pub struct Redirect {
    /// The authorization URL at WorkOS.
    #[serde(rename = "redirectURL")]
    pub redirect_url: Url,
    /// Returned with the code.
    pub state: String,
}

impl Redirects {
    /// Reads the settings of [`Authorization::configure`] and [`Cookies::configure`].
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let authorization = Authorization::configure(settings);
        let cookies = Cookies::configure(settings);
        Ok(Self { authorization: authorization?, cookies: cookies? })
    }

    /// Starts a sign-in at WorkOS. A cookie stores the `state` and the verifier for the callback.
    pub async fn begin(
        &self,
        headers: &HeaderMap,
        with: &SignInWith,
        hints: &SignInHints<'_>,
    ) -> Result<Redirect, ApiError> {
        let sign_in = self.cookies.sign_in.begin(headers).await?;
        sign_in.cookies.into_iter().for_each(api::send_cookie);
        let (state, challenge) = (sign_in.state, sign_in.code_challenge);
        let redirect_url = self.authorization.url(with, &state, &challenge, hints);
        Ok(Redirect { redirect_url, state })
    }
}

/// The body of responses that start a sign-in: `{"authData": …}`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AuthData<T> {
    /// The next step.
    #[serde(rename = "authData")]
    pub auth_data: T,
}
