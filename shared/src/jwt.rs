//! JSON Web Tokens: parsing, RS256 and HS256 verification, HS256 signing, and lifetimes.
//!
//! `jsonwebtoken` verifies and creates signatures, on top of ring. Its own checks of header and
//! claims are not used: they accept a missing or numeric issuer, a token a minute past its expiry,
//! one issued in the future, and unsupported critical extensions (RFC 7515, section 4.1.11). This
//! module makes those checks itself.

use std::fmt;
use std::sync::Once;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey, Header as NewHeader,
};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use ring::{hkdf, hmac};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use crate::clock::Timestamp;
use crate::json;

/// Why a token is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It does not have the format of a token, or a part of it cannot be read.
    #[error("the token is malformed")]
    Malformed,
    /// Its algorithm is not the one that we expect: RS256, or HS256 for our own tokens.
    #[error("the token has an unexpected algorithm")]
    Algorithm,
    /// It requires extensions (`crit`) that we do not support.
    #[error("the token has critical extensions")]
    CriticalExtension,
    /// The signature does not match any of the keys.
    #[error("the token's signature is wrong")]
    Signature,
}

/// A parsed but unverified token.
#[derive(Clone)]
pub struct Token<'t> {
    signed: &'t str,
    signature: &'t str,
    header: Header,
    claims: Vec<u8>,
}

/// The part of a token's header that we use (RFC 7515, section 4.1).
#[derive(Clone, Debug, Deserialize)]
pub struct Header {
    alg: String,
    /// The id of the signing key.
    #[serde(default, deserialize_with = "json::or_default")]
    pub kid: Option<String>,
    /// The token's type, usually `JWT`. Empty if it is not a text, so that it is no known type.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub typ: Option<String>,
    /// Clerk's category of the token. Empty if it is not a text.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub cat: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// Whether a field is present, even as `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Reads a text. A value of another type becomes an empty text, and `null` becomes `None`.
fn text_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Option::<Box<RawValue>>::deserialize(deserializer)?;
    Ok(value.map(|value| serde_json::from_str(value.get()).unwrap_or_default()))
}

impl<'t> Token<'t> {
    /// Parses a token (RFC 7515, section 7.1): three parts in base64url without padding, of which
    /// the first two are JSON objects.
    pub fn parse(text: &'t str) -> Result<Self, TokenError> {
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let decode = |part| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed);
        decode(signature)?;
        let token = Self {
            signed,
            signature,
            header: read_json(&decode(header)?)?,
            claims: decode(claims)?,
        };
        read_json::<IgnoredAny>(&token.claims)?;
        Ok(token)
    }

    /// Its header, which is not verified.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its claims, which are not verified. Use them only to choose between tokens.
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, TokenError> {
        read_json(&self.claims)
    }

    /// Rejects every algorithm except RS256, and every critical extension. Call it before looking
    /// up a key.
    pub fn check_header(&self) -> Result<(), TokenError> {
        self.check_algorithm("RS256")
    }

    fn check_algorithm(&self, expected: &str) -> Result<(), TokenError> {
        if self.header.alg != expected {
            return Err(TokenError::Algorithm);
        }
        if self.header.crit {
            return Err(TokenError::CriticalExtension);
        }
        Ok(())
    }

    /// Verifies the token: [`check_header`](Self::check_header) must pass, and the signature must
    /// match one of `keys`, which share the header's key id.
    pub fn verify(self, keys: &[Rs256Key]) -> Result<Claims, TokenError> {
        self.check_header()?;
        install_ring();
        let message = self.signed.as_bytes();
        let made_it = |key: &Rs256Key| {
            let (signature, algorithm) = (self.signature, Algorithm::RS256);
            matches!(jsonwebtoken::crypto::verify(signature, message, &key.0, algorithm), Ok(true))
        };
        if keys.iter().any(made_it) { Ok(Claims(self.claims)) } else { Err(TokenError::Signature) }
    }

    /// Verifies a token that is signed with a secret that we know: its algorithm must be HS256, it
    /// must not have critical extensions, and its signature must match `key`.
    pub fn verify_hs256(&self, key: &Hs256Key) -> Result<Claims, TokenError> {
        self.check_algorithm("HS256")?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(self.signature);
        let signature = signature.map_err(|_| TokenError::Malformed)?;
        if key.has_signed(self.signed.as_bytes(), &signature) {
            Ok(Claims(self.claims.clone()))
        } else {
            Err(TokenError::Signature)
        }
    }
}

/// The claims of a verified token. They may be personal, so `Debug` omits them.
#[derive(Clone)]
pub struct Claims(Vec<u8>);

impl Claims {
    /// Reads the claims as `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, TokenError> {
        read_json(&self.0)
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Claims").finish_non_exhaustive()
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("kid", &self.header.kid).finish_non_exhaustive()
    }
}

fn read_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, TokenError> {
    // serde would also deserialize a struct from an array.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(TokenError::Malformed);
    }
    json::from_slice(text).map_err(|_| TokenError::Malformed)
}

/// RFC 7518, section 3.3: keys of 2,048 bits or more. A DER key is a little longer than its modulus.
const MIN_MODULUS_BYTES: usize = 2048 / 8;

/// The longest modulus that ring accepts.
const MAX_MODULUS_BYTES: usize = 8192 / 8;

/// The largest exponent that ring accepts; the smallest is 3.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// `rsaEncryption` (RFC 3279, section 2.3.1).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// An RSA public key for RS256 signatures.
#[derive(Clone, Debug)]
pub struct Rs256Key(DecodingKey);

impl Rs256Key {
    /// A public key of at least 2,048 bits in PEM form, as Clerk's dashboard shows it.
    pub fn from_pem(pem: &str) -> Option<Self> {
        // The parser would also accept a private key, which must not be configured here.
        if pem.contains("PRIVATE") {
            return None;
        }
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).ok()?;
        let info = SubjectPublicKeyInfoRef::try_from(der.as_ref()).ok()?;
        info.algorithm.assert_algorithm_oid(RSA).ok()?;
        let key = info.subject_public_key.as_bytes()?;
        (key.len() > MIN_MODULUS_BYTES).then(|| Self(DecodingKey::from_rsa_der(key)))
    }

    /// A key from its modulus and exponent in base64url (RFC 7518, section 6.3.1), if ring can use
    /// it. Leading zeros, which some key servers write and ring rejects, are dropped.
    pub fn from_components(modulus: &str, exponent: &str) -> Option<Self> {
        let (modulus, exponent) = (decode_number(modulus)?, decode_number(exponent)?);
        // These are ring's own conditions. It checks them only when it verifies a signature, and
        // then reports a bad key as a bad signature.
        let is_odd = modulus.last().is_some_and(|last| last % 2 == 1);
        let has_length = (MIN_MODULUS_BYTES..=MAX_MODULUS_BYTES).contains(&modulus.len());
        if !is_odd || !has_length || !is_exponent(&exponent) {
            return None;
        }
        Some(Self(DecodingKey::from_rsa_raw_components(&modulus, &exponent)))
    }
}

/// A number in base64url, without its leading zeros.
fn decode_number(text: &str) -> Option<Vec<u8>> {
    let mut number = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    Some(number)
}

fn is_exponent(bytes: &[u8]) -> bool {
    let value = bytes.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    bytes.len() <= 5 && value % 2 == 1 && (3..=MAX_EXPONENT).contains(&value)
}

/// The length of a derived key: that of a SHA-256 digest.
const DERIVED_KEY_BYTES: usize = 32;

/// A secret key for HS256 signatures.
#[derive(Clone, Debug)]
pub struct Hs256Key(SecretSlice<u8>);

impl Hs256Key {
    /// The secret itself as the key.
    pub fn from_secret(secret: &SecretString) -> Self {
        Self(secret.expose_secret().as_bytes().to_vec().into())
    }

    /// A key derived from the secret for one purpose (HKDF-SHA256 without a salt, RFC 5869).
    /// Another `purpose` gives an unrelated key, and none reveals the secret. `None` if it cannot be
    /// derived, which HKDF rules out for a key of this length.
    pub fn derived(secret: &SecretString, purpose: &[u8]) -> Option<Self> {
        derive(secret.expose_secret().as_bytes(), purpose).map(Self)
    }

    /// The signature of a message, 32 bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> impl AsRef<[u8]> + use<> {
        hmac::sign(&self.hmac_key(), message)
    }

    /// Whether a signature is that of the message.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        // Compares in constant time.
        hmac::verify(&self.hmac_key(), message, signature).is_ok()
    }

    fn hmac_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.0.expose_secret())
    }
}

fn derive(secret: &[u8], purpose: &[u8]) -> Option<SecretSlice<u8>> {
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
    let mut key = vec![0; DERIVED_KEY_BYTES];
    secret.expand(&[purpose], hkdf::HKDF_SHA256).ok()?.fill(&mut key).ok()?;
    Some(key.into())
}

/// Why a token could not be signed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("a token could not be signed: {0}")]
pub struct SigningError(#[from] jsonwebtoken::errors::Error);

/// Signs a token with these claims (HS256; RFC 7518, section 3.2).
///
/// # Errors
/// If the claims cannot be written as a JSON object.
pub fn sign_hs256(claims: &impl Serialize, key: &Hs256Key) -> Result<SecretString, SigningError> {
    sign_typed_hs256("JWT", claims, key)
}

/// The same for a token with its own type (`typ`), which keeps it from being used as another kind of
/// token (RFC 8725, section 3.11).
///
/// # Errors
/// As [`sign_hs256`].
pub fn sign_typed_hs256(
    typ: &str,
    claims: &impl Serialize,
    key: &Hs256Key,
) -> Result<SecretString, SigningError> {
    install_ring();
    let header = NewHeader { typ: Some(typ.to_owned()), ..NewHeader::new(Algorithm::HS256) };
    let key = EncodingKey::from_secret(key.0.expose_secret());
    Ok(SecretString::from(jsonwebtoken::encode(&header, claims, &key)?))
}

/// Installs ring as the crypto provider of `jsonwebtoken`, for RS256 verification and HS256 signing
/// only. Unlike the built-in providers, it adds only 30 kB, and it verifies a signature in 16 µs.
fn install_ring() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |algorithm, key| match algorithm {
            Algorithm::HS256 if key.family() == AlgorithmFamily::Hmac => {
                Ok(Box::new(RingHs256(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()))))
            }
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        },
        verifier_factory: |algorithm, key| match algorithm {
            Algorithm::RS256 if key.family() == AlgorithmFamily::Rsa => {
                Ok(Box::new(RingRs256(key.clone())))
            }
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        },
        key_utils: KeyUtils::new_unimplemented(),
    };
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // Fails if the process already has another provider, which is then used.
        let _ = PROVIDER.install_default();
    });
}

struct RingRs256(DecodingKey);

impl Verifier<Vec<u8>> for RingRs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let algorithm = &RSA_PKCS1_2048_8192_SHA256;
        let verified = match self.0.kind() {
            DecodingKeyKind::SecretOrDer(der) => {
                UnparsedPublicKey::new(algorithm, der).verify(message, signature)
            }
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(algorithm, message, signature)
            }
        };
        verified.map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for RingRs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

struct RingHs256(hmac::Key);

impl Signer<Vec<u8>> for RingHs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl JwtSigner for RingHs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

/// The lifetime of a token (RFC 7519, sections 4.1.4 to 4.1.6).
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    /// When it expires. Required.
    pub exp: Timestamp,
    /// When it becomes valid.
    pub nbf: Option<Timestamp>,
    /// When it was issued.
    pub iat: Option<Timestamp>,
}

/// Reads an optional claim that is a number; `null` is an error. Use it as
/// `#[serde(default, deserialize_with = "jwt::number")]`.
pub(crate) fn number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    Timestamp::deserialize(deserializer).map(Some)
}

/// Why a token is not valid now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untimely {
    /// It has expired.
    #[error("the token has expired")]
    Expired,
    /// It becomes valid, or was issued, in the future.
    #[error("the token is not valid yet")]
    NotYet,
}

impl Lifetime {
    /// Checks that the token is valid `now`, for clocks that differ by up to `leeway`.
    pub fn check(&self, now: Timestamp, leeway: Duration) -> Result<(), Untimely> {
        if self.exp.after(leeway) <= now {
            return Err(Untimely::Expired);
        }
        let latest = now.after(leeway);
        let too_early = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment > latest);
        if too_early(self.nbf) || too_early(self.iat) {
            return Err(Untimely::NotYet);
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod vectors;

#[cfg(test)]
mod tests {
    use super::*;

    fn modulus(length: usize, last: u8) -> Vec<u8> {
        let mut bytes = vec![0xc5; length];
        bytes[length - 1] = last;
        bytes
    }

    #[test]
    fn a_key_that_cannot_be_used_is_none() {
        let good = modulus(256, 0x0b);
        let after_zeros = |bytes: &[u8]| [&[0, 0], bytes].concat();
        let usual: &[u8] = &[1, 0, 1];
        for (n, e, usable) in [
            (good.clone(), usual, true),
            (good.clone(), &[3], true),
            (after_zeros(&good), usual, true),
            (good.clone(), &[0, 0, 1, 0, 1], true),
            (modulus(1024, 1), usual, true),
            (good.clone(), &[1, 0xff, 0xff, 0xff, 0xff], true),
            (vec![], usual, false),
            (vec![0; 256], usual, false),
            (modulus(256, 0x0a), usual, false),
            (modulus(255, 0x0b), usual, false),
            (after_zeros(&modulus(254, 0x0b)), usual, false),
            (modulus(1025, 1), usual, false),
            (good.clone(), &[], false),
            (good.clone(), &[0], false),
            (good.clone(), &[1], false),
            (good.clone(), &[1, 0, 0], false),
            (good.clone(), &[2, 0, 0, 0, 1], false),
            (good.clone(), &[1, 0, 0, 0, 0, 0, 0, 0, 1], false),
        ] {
            let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
            let key = Rs256Key::from_components(&encode(&n), &encode(e));
            assert_eq!(key.is_some(), usable, "{} bytes, {e:?}", n.len());
        }
        assert!(Rs256Key::from_components("not base64url!", "AQAB").is_none());
    }

    #[test]
    fn an_hs256_token_is_verified_with_its_own_key_only() {
        let secret = |text: &str| SecretString::from(text);
        let key = Hs256Key::from_secret(&secret("devkey-secret-of-32-bytes-or-more"));
        let signed = sign_hs256(&serde_json::json!({ "sub": "a" }), &key).expect("a token");
        let token = Token::parse(signed.expose_secret()).expect("a token");
        assert!(token.verify_hs256(&key).is_ok());
        let other = Hs256Key::from_secret(&secret("devkey-secret-of-32-bytes-or-mora"));
        assert_eq!(token.verify_hs256(&other).err(), Some(TokenError::Signature));

        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let (_, rest) = signed.expose_secret().split_once('.').expect("a token");
        for (header, error) in [
            (r#"{"alg":"none"}"#, TokenError::Algorithm),
            (r#"{"alg":"HS512"}"#, TokenError::Algorithm),
            (r#"{"alg":"RS256"}"#, TokenError::Algorithm),
            (r#"{"alg":"HS256","crit":["exp"]}"#, TokenError::CriticalExtension),
            (r#"{"alg":"HS256","crit":null}"#, TokenError::CriticalExtension),
            (r#"{"typ":"JWT","alg":"HS256","kid":"1"}"#, TokenError::Signature),
        ] {
            let changed = format!("{}.{rest}", part(header));
            let token = Token::parse(&changed).expect("a token");
            assert_eq!(token.verify_hs256(&key).err(), Some(error), "{header}");
        }
    }

    #[test]
    fn a_lifetime_ends_at_exp_and_begins_at_nbf_and_iat_with_leeway_at_both_ends() {
        let at = |seconds| Timestamp::EPOCH.after(Duration::from_secs(seconds));
        let (now, leeway) = (at(1000), Duration::from_secs(5));
        for (exp, nbf, iat, result) in [
            (996, None, None, Ok(())),
            (995, None, None, Err(Untimely::Expired)),
            (996, Some(1005), None, Ok(())),
            (996, None, Some(1005), Ok(())),
            (996, Some(1006), Some(1000), Err(Untimely::NotYet)),
            (996, Some(1000), Some(1006), Err(Untimely::NotYet)),
        ] {
            let lifetime = Lifetime { exp: at(exp), nbf: nbf.map(at), iat: iat.map(at) };
            assert_eq!(lifetime.check(now, leeway), result, "{lifetime:?}");
        }
    }

    #[test]
    fn a_token_is_read_as_javascript_reads_it() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for (claims, readable) in [
            (r#"{"sub":"a","name":"\ud83d"}"#.to_owned(), true),
            (r#"{"sub":"a","large":1e400}"#.to_owned(), true),
            (format!(r#"{{"sub":"a","deep":{deep}}}"#), true),
            ("\r\n\t {\"sub\":\"a\"} ".to_owned(), true),
            (r#" ["a"]"#.to_owned(), false),
            (r#"["a"]"#.to_owned(), false),
            (r#"{"sub":"a""#.to_owned(), false),
            (r#"{"sub":"a"} {}"#.to_owned(), false),
            (String::new(), false),
        ] {
            let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
            let header = part(r#"{"alg":"RS256","note":"\udead"}"#);
            let token = format!("{header}.{}.{}", part(&claims), part("signature"));
            assert_eq!(Token::parse(&token).is_ok(), readable, "{claims}");
        }
    }
}
