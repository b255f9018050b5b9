//! The check of an RS256 signature.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use lambda_runtime::Error;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::Value;

/// An RSA key's modulus and exponent.
pub(crate) struct Key(RsaPublicKeyComponents<Vec<u8>>);

impl Key {
    /// The first key of a JWKS.
    pub(crate) fn first_of(jwks: &Value) -> Result<Self, Error> {
        let part = |name| BASE64.decode(jwks["keys"][0][name].as_str().unwrap_or_default());
        Ok(Self(RsaPublicKeyComponents { n: part("n")?, e: part("e")? }))
    }

    /// Checks the signature of an event's bearer token, and parses its claims.
    pub(crate) fn verify_caller(&self, event: &Value) -> Result<Value, Error> {
        let header = event["headers"]["authorization"].as_str();
        let token = header.and_then(|header| header.strip_prefix("Bearer "));
        let (message, signature) =
            token.and_then(|token| token.rsplit_once('.')).ok_or("no token")?;
        let signature = BASE64.decode(signature)?;
        let verified = self.0.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature);
        verified.map_err(|_| "the signature is invalid")?;
        let (_, claims) = message.split_once('.').ok_or("no claims")?;
        Ok(serde_json::from_slice(&BASE64.decode(claims)?)?)
    }
}
