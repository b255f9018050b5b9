//! Signed and forged tokens, for tests of rejected tokens.
//!
//! A forgery is built from a header and claims as JSON, so that any part can be wrong:
//!
//! ```
//! use anteroom_stand_ins::{clerk, jwt};
//! use serde_json::json;
//!
//! let user = clerk::User::seeded("jane");
//! let (mut header, claims) = (clerk::session_header(), clerk::session_claims(&user, 0));
//! header["alg"] = json!("none");
//! let unsigned = jwt::unsigned(&header, &claims);
//! assert!(unsigned.ends_with('.'));
//! ```

use std::sync::OnceLock;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair, PublicKeyComponents},
    signature,
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};

/// One of the fixed RSA keys in `stand-ins/keys/`.
#[derive(Debug)]
pub struct RsaKey {
    /// The key's id in a JWKS and in a token's header.
    pub kid: &'static str,
    /// The public key, as a PEM `PUBLIC KEY`.
    pub public_pem: &'static str,
    private_pem: &'static str,
    pair: OnceLock<KeyPair>,
}

impl RsaKey {
    /// A key from its two PEM files.
    pub const fn new(
        kid: &'static str,
        private_pem: &'static str,
        public_pem: &'static str,
    ) -> Self {
        Self { kid, public_pem, private_pem, pair: OnceLock::new() }
    }

    /// The token with a genuine RS256 signature by this key, whatever its header says.
    ///
    /// # Panics
    /// If a file in `stand-ins/keys/` is damaged.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(header, &claims.to_string())
    }

    /// The same, with claims given as text.
    ///
    /// # Panics
    /// If a file in `stand-ins/keys/` is damaged.
    pub fn sign_text(&self, header: &Value, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), BASE64_URL_SAFE_NO_PAD.encode(claims));
        let pair = self.pair();
        let mut signed = vec![0; pair.public().modulus_len()];
        pair.sign(
            &signature::RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message.as_bytes(),
            &mut signed,
        )
        .expect("an RSA key of stand-ins/keys can sign");
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signed))
    }

    /// The public key, as a member of a JWKS.
    ///
    /// # Panics
    /// If a file in `stand-ins/keys/` is damaged.
    pub fn jwk(&self) -> Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.pair().public());
        json!({
            "use": "sig",
            "kty": "RSA",
            "kid": self.kid,
            "alg": "RS256",
            "n": BASE64_URL_SAFE_NO_PAD.encode(public.n),
            "e": BASE64_URL_SAFE_NO_PAD.encode(public.e),
        })
    }

    fn pair(&self) -> &KeyPair {
        self.pair.get_or_init(|| {
            let der = PrivatePkcs8KeyDer::from_pem_slice(self.private_pem.as_bytes())
                .expect("stand-ins/keys holds PEM");
            KeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("stand-ins/keys holds RSA keys")
        })
    }
}

/// The token with an empty signature.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.", message(header, claims))
}

/// The token with an HMAC-SHA256 signature. With a public key's PEM as the secret, it is an
/// algorithm confusion attack.
pub fn hmac_signed(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = message(header, claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signed = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signed))
}

/// The token with other claims and its old signature.
pub fn with_claims(token: &str, claims: &Value) -> String {
    with_part(token, 1, encode(claims))
}

/// The token with another header and its old signature.
pub fn with_header(token: &str, header: &Value) -> String {
    with_part(token, 0, encode(header))
}

/// The token with another signature, given as raw text.
pub fn with_signature(token: &str, signature: &str) -> String {
    with_part(token, 2, signature.to_owned())
}

/// The unverified claims of a token, if it can be read.
pub fn claims(token: &str) -> Option<Value> {
    part(token, 1)
}

/// The unverified header of a token, if it can be read.
pub fn header(token: &str) -> Option<Value> {
    part(token, 0)
}

fn part(token: &str, index: usize) -> Option<Value> {
    let part = token.split('.').nth(index)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn with_part(token: &str, index: usize, part: String) -> String {
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    if let Some(place) = parts.get_mut(index) {
        *place = part;
    }
    parts.join(".")
}

fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header), encode(claims))
}

fn encode(part: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::SubjectPublicKeyInfoDer;

    use super::*;
    use crate::{
        clerk::{FOREIGN_KEY, INSTANCE_KEY, NEXT_INSTANCE_KEY},
        workos,
    };

    const KEYS: [&RsaKey; 6] = [
        &INSTANCE_KEY,
        &NEXT_INSTANCE_KEY,
        &FOREIGN_KEY,
        &workos::SIGNING_KEY,
        &workos::NEXT_SIGNING_KEY,
        &workos::FOREIGN_KEY,
    ];

    fn is_signed_by(token: &str, key: &RsaKey) -> bool {
        let (message, signed) = token.rsplit_once('.').expect("three parts");
        let signed = BASE64_URL_SAFE_NO_PAD.decode(signed).expect("base64url");
        let public = PublicKeyComponents::<Vec<u8>>::from(key.pair().public());
        let algorithm = &signature::RSA_PKCS1_2048_8192_SHA256;
        public.verify(algorithm, message.as_bytes(), &signed).is_ok()
    }

    #[test]
    fn the_public_files_belong_to_the_private_ones() {
        for key in KEYS {
            let info = SubjectPublicKeyInfoDer::from_pem_slice(key.public_pem.as_bytes())
                .expect("a public key");
            assert!(info.ends_with(key.pair().public().as_ref()), "{}", key.kid);
        }
    }

    #[test]
    fn a_signature_is_the_signing_keys_and_no_others() {
        let token = INSTANCE_KEY.sign(&json!({"alg": "RS256"}), &json!({"sub": "user_1"}));
        let signers = KEYS.map(|key| is_signed_by(&token, key));
        assert_eq!(signers, [true, false, false, false, false, false]);
        let altered = with_claims(&token, &json!({"sub": "user_2"}));
        assert!(!is_signed_by(&altered, &INSTANCE_KEY));
        assert_eq!(claims(&altered), Some(json!({"sub": "user_2"})));
        assert_eq!(header(&altered), header(&token));
    }

    #[test]
    fn replaces_one_part_and_keeps_the_others() {
        let token = unsigned(&json!({"alg": "none"}), &json!({"sub": "user_1"}));
        let other = with_signature(&with_header(&token, &json!({"alg": "HS256"})), "AAAA");
        assert_eq!(header(&other), Some(json!({"alg": "HS256"})));
        assert_eq!(claims(&other), claims(&token));
        assert_eq!(other.split('.').nth(2), Some("AAAA"));
    }

    #[test]
    fn an_hmac_signature_is_the_secrets_own() {
        let token = hmac_signed(&json!({"alg": "HS256"}), &json!({"sub": "user_1"}), b"secret");
        let (message, signed) = token.rsplit_once('.').expect("three parts");
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
        let signed = BASE64_URL_SAFE_NO_PAD.decode(signed).expect("base64url");
        assert!(hmac::verify(&key, message.as_bytes(), &signed).is_ok());
        let other = hmac::Key::new(hmac::HMAC_SHA256, b"another");
        assert!(hmac::verify(&other, message.as_bytes(), &signed).is_err());
    }
}
