//! Signing keys: the environment's own, and one of another environment.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::digest::{SHA256, digest};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};

use crate::jwt::RsaKey;

/// The key that signs access tokens.
pub static SIGNING_KEY: RsaKey = RsaKey::new(
    "sso_oidc_key_pair_01ANTER00MFIRST0000000000",
    include_str!("../../keys/workos.pem"),
    include_str!("../../keys/workos.public.pem"),
);

/// The key that signs them after [`WorkOs::rotate_signing_key`](super::WorkOs::rotate_signing_key).
pub static NEXT_SIGNING_KEY: RsaKey = RsaKey::new(
    "sso_oidc_key_pair_01ANTER00MNEXT00000000000",
    include_str!("../../keys/workos-next.pem"),
    include_str!("../../keys/workos-next.public.pem"),
);

/// The key of another environment.
pub static FOREIGN_KEY: RsaKey = RsaKey::new(
    "sso_oidc_key_pair_01ANTER00MFOREIGN00000000",
    include_str!("../../keys/workos-foreign.pem"),
    include_str!("../../keys/workos-foreign.public.pem"),
);

const CERTIFICATE: &str = include_str!("../../keys/workos.certificate.pem");
const NEXT_CERTIFICATE: &str = include_str!("../../keys/workos-next.certificate.pem");

/// A key as published in the JWKS. WorkOS publishes each with a self-signed certificate.
pub(super) fn published(key: &RsaKey) -> Value {
    let is_first = std::ptr::eq(key, &raw const SIGNING_KEY);
    let pem = if is_first { CERTIFICATE } else { NEXT_CERTIFICATE };
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
        .expect("stand-ins/keys holds a certificate of each key");
    let mut jwk = key.jwk();
    jwk["x5c"] = json!([BASE64_STANDARD.encode(&certificate)]);
    jwk["x5t#S256"] = json!(BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate)));
    jwk
}
