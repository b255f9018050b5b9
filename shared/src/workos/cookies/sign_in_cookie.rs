//! The cookies of sign-ins that a browser has started on WorkOS's pages: the `state` and the PKCE
//! verifier of each, for ten minutes.
//!
//! They protect the callback against login CSRF. If an attacker puts a `code` for their own account
//! into a link, that code was issued for a challenge whose verifier this browser does not have, so
//! WorkOS rejects it, even if the callback contains only the `code`. If this browser has not
//! started a sign-in, WorkOS is not called.
//!
//! A callback with `state` names its sign-in. Without `state`, it may belong to a sign-in in any
//! tab, so we try their verifiers at WorkOS, the newest first. WorkOS does not
//! document whether a code survives a wrong verifier (RFC 6749 leaves it open). If it does, every
//! tab succeeds without `state`; if not, only the newest does. A front end that passes `state` does
//! not depend on this.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::Cookie;
use http::HeaderMap;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::cookie_seal::{SealError, into_seal, random};
use crate::secrets::SecretError;
use crate::workos::cookies::flow_cookies::{FlowCookies, FlowError, SIGN_IN};
use crate::workos::cookies::sealed::{CookieError, SealedCookies};

/// The sign-ins that a browser has started.
#[derive(Clone, Debug)]
pub struct SignInCookies(FlowCookies);

/// A new sign-in.
pub struct NewSignIn {
    /// The `state` that WorkOS sends back with the code.
    pub state: String,
    /// The PKCE challenge, by the method S256.
    pub code_challenge: String,
    /// The cookies to set, including those that clear older sign-ins.
    pub cookies: Vec<Cookie<'static>>,
}

/// A sign-in that this browser has started.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SignIn {
    #[serde(serialize_with = "into_seal")]
    state: SecretString,
    #[serde(serialize_with = "into_seal")]
    verifier: SecretString,
}

/// Why a callback cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// This browser has not started that sign-in, or any sign-in, in the last ten minutes.
    #[error("this browser has no sign-in that the callback could belong to")]
    NotBegun,
    /// No password is available right now, which says nothing about the callback.
    #[error("no password for the sign-in cookie: {0}")]
    NoPassword(#[from] SecretError),
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::NotBegun => {
                Self::bad_request("This sign-in was not started in this browser, or it has expired")
            }
            SignInError::NoPassword(error) => error.into(),
        }
    }
}

impl SignInCookies {
    pub(super) fn new(cookies: SealedCookies) -> Self {
        let lifetime = Duration::from_mins(10);
        Self(FlowCookies { cookies, kind: SIGN_IN, lifetime, max_flows: 4 })
    }

    /// Starts a sign-in. `headers` hold the browser's other sign-ins; beyond four, the oldest is
    /// dropped.
    pub async fn begin(&self, headers: &HeaderMap) -> Result<NewSignIn, CookieError> {
        let sign_in = SignIn { state: random_text()?, verifier: random_text()? };
        let state = sign_in.state.expose_secret().to_owned();
        let code_challenge = code_challenge(sign_in.verifier.expose_secret());
        let cookies = self.0.issue(headers, &state, &sign_in).await?;
        Ok(NewSignIn { state, code_challenge, cookies })
    }

    /// The sign-ins that a callback may belong to, at least one, the most likely first: the one
    /// with that `state`, or without a `state` all that this browser has started.
    pub async fn resume(
        &self,
        headers: &HeaderMap,
        state: Option<&str>,
    ) -> Result<Vec<SignIn>, SignInError> {
        let Some(state) = state else {
            let all = self.0.all(headers).await?;
            return if all.is_empty() { Err(SignInError::NotBegun) } else { Ok(all) };
        };
        match self.0.find::<SignIn>(headers, state).await {
            Ok(sign_in) if sign_in.has_state(state) => Ok(vec![sign_in]),
            Ok(_) | Err(FlowError::Absent | FlowError::Expired | FlowError::Used) => {
                Err(SignInError::NotBegun)
            }
            Err(FlowError::NoPassword(error)) => Err(error.into()),
        }
    }

    /// The cookie that clears a sign-in after its code was redeemed. Keep the sign-in after a
    /// rejection, because the rejected code may have been somebody else's.
    pub fn clear(&self, sign_in: &SignIn) -> Cookie<'static> {
        self.0.clear(sign_in.state.expose_secret())
    }
}

impl SignIn {
    /// The PKCE verifier that its code must be redeemed with.
    pub fn verifier(&self) -> &SecretString {
        &self.verifier
    }

    /// Compares digests, so that the time it takes reveals nothing about the state.
    fn has_state(&self, state: &str) -> bool {
        let hash = |text: &str| digest(&SHA256, text.as_bytes());
        hash(self.state.expose_secret()).as_ref() == hash(state).as_ref()
    }
}

/// 32 random bytes in base64url, as RFC 7636, section 4.1, recommends for a verifier.
fn random_text() -> Result<SecretString, SealError> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?).into())
}

/// The S256 challenge of a verifier (RFC 7636, section 4.2).
fn code_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_of_the_rfcs_verifier_is_the_rfcs() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(code_challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        // Its octets, from which the verifier is made in the same way as ours.
        let octets = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212,
            37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        assert_eq!(URL_SAFE_NO_PAD.encode(octets), verifier);
        let made = random_text().expect("random bytes");
        assert_eq!(made.expose_secret().len(), verifier.len());
    }
}
