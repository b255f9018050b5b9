//! Authorization codes. Each is redeemed once, with its PKCE verifier.

use std::collections::HashMap;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};

use super::{identifier, refusal::Refusal, session::SignIn};

/// The lifetime of an authorization code, in seconds.
pub const AUTHORIZATION_CODE_SECONDS: u64 = 10 * 60;

/// A code that was issued to a browser and can be redeemed once.
#[derive(Debug)]
pub(super) struct AuthorizationCode {
    sign_in: SignIn,
    challenge: Option<String>,
    expires_at: u64,
}

/// The authorization codes that have not been redeemed yet.
#[derive(Debug, Default)]
pub(super) struct AuthorizationCodes(HashMap<String, AuthorizationCode>);

impl AuthorizationCodes {
    pub(super) fn issue(&mut self, sign_in: SignIn, challenge: Option<&str>, now: u64) -> String {
        let code = identifier::new_letters();
        let authorization = AuthorizationCode {
            sign_in,
            challenge: challenge.map(str::to_owned),
            expires_at: now + AUTHORIZATION_CODE_SECONDS,
        };
        self.0.insert(code.clone(), authorization);
        code
    }

    /// Redeems a code. An attempt with a wrong verifier also uses it up.
    pub(super) fn redeem(
        &mut self,
        code: &str,
        verifier: Option<&str>,
        now: u64,
    ) -> Result<SignIn, Refusal> {
        let authorization = self.0.remove(code).filter(|found| found.expires_at > now);
        let authorization =
            authorization.ok_or_else(|| Refusal::invalid_authorization_code(code))?;
        match (&authorization.challenge, verifier) {
            (None, None) => {}
            (None, Some(_)) => return Err(Refusal::no_code_challenge()),
            (Some(challenge), Some(verifier)) if is_answer(verifier, challenge) => {}
            (Some(_), _) => return Err(Refusal::wrong_code_verifier()),
        }
        Ok(authorization.sign_in)
    }

    pub(super) fn expire_all(&mut self) {
        self.0.values_mut().for_each(|code| code.expires_at = 0);
    }
}

/// Verifies PKCE's S256 for verifiers of the length that RFC 7636 requires.
fn is_answer(verifier: &str, challenge: &str) -> bool {
    let hash = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    (43..=128).contains(&verifier.len()) && hash == challenge
}
