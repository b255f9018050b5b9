//! Genuine tokens, seals and keys, made from the specifications and without our own code, so that what
//! the fuzzer puts into them gets past the signature.

use std::num::NonZeroU32;
use std::sync::OnceLock;

use aes::Aes256;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use ring::{hkdf, hmac, pbkdf2};
use serde_json::{Value, json};

use crate::world::{CLERK_HOST, CLIENT_ID, NOW, PAGE, PASSWORD};

/// The id of the signing key.
pub const KEY_ID: &str = "fuzz_key";

/// The user whose session the genuine tokens have.
pub const USER: &str = "user_01FUZZ";

/// The issuer of the genuine tokens, for every address of WorkOS's API. It is set in
/// `WORKOS_ISSUER`.
pub const ISSUER: &str = "https://auth.fuzz.example";

/// An RSA key, of the stand-ins.
fn key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| {
        let pem = include_str!("../../stand-ins/keys/workos.pem");
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = BASE64_STANDARD.decode(base64).expect("PEM");
        KeyPair::from_pkcs8(&der).expect("a key")
    })
}

/// The public half of the key: modulus and exponent in base64url.
pub fn components() -> [String; 2] {
    let key: PublicKeyComponents<Vec<u8>> = key().public_key().into();
    [key.n, key.e].map(|number| BASE64_URL_SAFE_NO_PAD.encode(number))
}

/// The JWKS with the key.
pub fn jwks() -> Value {
    let [n, e] = components();
    json!({"keys": [{"kid": KEY_ID, "kty": "RSA", "alg": "RS256", "use": "sig", "n": n, "e": e}]})
}

/// An RS256 token with this header and these claims, which need not be JSON.
///
/// # Panics
/// If the system has no random numbers.
pub fn rs256(header: &[u8], claims: &[u8]) -> String {
    let signed = signed_part(header, claims);
    let mut signature = vec![0; key().public().modulus_len()];
    let random = SystemRandom::new();
    key().sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).expect("a signature");
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// The same with HS256.
pub fn hs256(secret: &[u8], header: &[u8], claims: &[u8]) -> String {
    let signed = signed_part(header, claims);
    let signature = hmac_sha256(secret, signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn signed_part(header: &[u8], claims: &[u8]) -> String {
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}", part(header), part(claims))
}

/// HMAC-SHA256.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

/// 32 bytes derived by HKDF-SHA256 without a salt.
///
/// # Panics
/// Never: HKDF has no limit that small.
pub fn hkdf_sha256(secret: &[u8], info: &[u8]) -> [u8; 32] {
    let mut derived = [0; 32];
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
    let info = [info];
    let key = secret.expand(&info, hkdf::HKDF_SHA256).expect("a short key");
    key.fill(&mut derived).expect("a short key");
    derived
}

/// A Fe26.2 seal of these bytes. Its salts and its IV are fixed.
pub fn seal(content: &[u8], expiry: &str) -> String {
    let salt = "0123456789abcdef".repeat(4);
    let iv = [7; 16];
    let key = derived(&salt);
    let cipher = cbc::Encryptor::<Aes256>::new(&key.into(), &iv.into());
    let [iv, ciphertext] = [iv.to_vec(), cipher.encrypt_padded_vec::<Pkcs7>(content)]
        .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    authenticated(&format!("Fe26.2*1*{salt}*{iv}*{ciphertext}*{expiry}"))
}

/// A seal with this signed part, whatever is in it.
pub fn authenticated(signed: &str) -> String {
    let salt = "fedcba9876543210".repeat(4);
    let mac = BASE64_URL_SAFE_NO_PAD.encode(hmac_sha256(&derived(&salt), signed.as_bytes()));
    format!("{signed}*{salt}*{mac}~2")
}

/// The content and the expiry of a seal, if it is one in the only form that iron writes.
pub fn unsealed(text: &str) -> Option<(Vec<u8>, String)> {
    let fields: Vec<&str> = text.strip_suffix("~2")?.split('*').collect();
    let [prefix, id, salt, iv, ciphertext, expiry, mac_salt, mac] = fields[..] else {
        return None;
    };
    let signed = fields[..6].join("*");
    let expected = hmac_sha256(&derived(mac_salt), signed.as_bytes());
    if (prefix, id) != ("Fe26.2", "1") || mac != BASE64_URL_SAFE_NO_PAD.encode(expected) {
        return None;
    }
    let bytes = |field: &str| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(field).ok()?;
        (BASE64_URL_SAFE_NO_PAD.encode(&bytes) == field).then_some(bytes)
    };
    let iv: [u8; 16] = bytes(iv)?.try_into().ok()?;
    let cipher = cbc::Decryptor::<Aes256>::new(&derived(salt).into(), &iv.into());
    let content = cipher.decrypt_padded_vec::<Pkcs7>(&bytes(ciphertext)?).ok()?;
    Some((content, expiry.to_owned()))
}

fn derived(salt: &str) -> [u8; 32] {
    let mut key = [0; 32];
    let (salt, password) = (salt.as_bytes(), PASSWORD.as_bytes());
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, NonZeroU32::MIN, salt, password, &mut key);
    key
}

/// The header of a genuine access token.
pub fn header() -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": KEY_ID})
}

/// The claims of an access token that expires that many seconds after now, with every permission.
pub fn claims(expires_in: i64, organization: Option<&str>) -> Value {
    let now = i64::try_from(NOW).unwrap_or_default();
    let mut claims = json!({
        "iss": ISSUER,
        "sub": USER,
        "sid": "session_01FUZZ",
        "client_id": CLIENT_ID,
        "iat": now + expires_in - 300,
        "exp": now + expires_in,
        "permissions": ["rooms:invite", "rooms:moderate", "recordings:manage"],
    });
    if let Some(organization) = organization {
        claims["org_id"] = json!(organization);
    }
    claims
}

/// A genuine access token that is valid for five minutes.
pub fn access_token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| token(&claims(300, None)))
}

fn organization_token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| token(&claims(300, Some("org_01FUZZ"))))
}

/// A genuine access token that has expired.
pub fn expired_token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| token(&claims(-300, None)))
}

/// A genuine session token of Clerk.
pub fn clerk_token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| {
        token(&json!({
            "iss": format!("https://{CLERK_HOST}"), "sub": "user_1", "sid": "sess_1", "azp": PAGE,
            "iat": NOW - 10, "nbf": NOW - 20, "exp": NOW + 50,
        }))
    })
}

fn token(claims: &Value) -> String {
    rs256(header().to_string().as_bytes(), claims.to_string().as_bytes())
}

/// A sealed session whose access token is this one.
pub fn session_seal(access_token: &str) -> String {
    let session = json!({
        "accessToken": access_token,
        "refreshToken": "refresh-fuzz",
        "user": {"object": "user", "id": USER, "email": "jane@example.com", "emailVerified": true},
    });
    seal(session.to_string().as_bytes(), "")
}

/// A text with these marks replaced by what is genuine: `@access@`, `@access-org@`, `@expired@`,
/// `@n@` (the key's modulus).
pub fn filled_in(text: &[u8]) -> Vec<u8> {
    if !text.contains(&b'@') {
        return text.to_vec();
    }
    let [modulus, _] = components();
    let marks: [(&[u8], &str); 4] = [
        (b"@access@", access_token()),
        (b"@access-org@", organization_token()),
        (b"@expired@", expired_token()),
        (b"@n@", &modulus),
    ];
    let mut filled = text.to_vec();
    for (mark, value) in marks {
        while let Some(at) = filled.windows(mark.len()).position(|window| window == mark) {
            filled.splice(at..at + mark.len(), value.bytes());
        }
    }
    filled
}
