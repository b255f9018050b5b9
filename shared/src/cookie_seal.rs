//! Sealed cookies, which a browser stores but can neither read nor modify.
//!
//! The format is iron's `Fe26.2`, as written by iron-session and WorkOS's own SDKs, so that they
//! can open our seals and we can open theirs:
//!
//! ```text
//! Fe26.2*1*<salt>*<iv>*<ciphertext>*<expiry>*<salt>*<mac>~2
//! ```
//!
//! The content is JSON, encrypted with AES-256-CBC. The MAC is HMAC-SHA256 over everything before
//! the second salt. Each key is derived from the password and its salt with one iteration of
//! PBKDF2-HMAC-SHA1; the salt is the hexadecimal text of 32 random bytes, not the bytes themselves.
//! The expiry is a Unix time in milliseconds, or nothing. `1` is the password's id, always 1 in
//! those SDKs. `~2` is iron-session's version; the MAC does not cover it, so we require exactly
//! `~2`.

use std::time::Duration;

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use ring::hmac;
use ring::pbkdf2;
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::clock::Timestamp;
use crate::json;
use crate::request_scope;
use crate::request_scope::Moment;
use crate::secrets::{OptionalSecret, Secret, SecretError};

const PREFIX: &str = "Fe26.2";
const PASSWORD_ID: &str = "1";
const VERSION: &str = "~2";

/// Leeway for clock skew between two machines: iron's default.
const LEEWAY: Duration = Duration::from_mins(1);

const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 32;
const BLOCK_BYTES: usize = 16;
const MAC_BYTES: usize = 32;

/// The shortest password that iron accepts.
const MIN_PASSWORD_CHARACTERS: usize = 32;

/// Seals with the current password, and opens with the current and the previous one.
#[derive(Clone, Debug)]
pub struct CookieSeal {
    current: Secret,
    previous: OptionalSecret,
}

/// Why sealing or opening failed. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The format is not a seal's.
    #[error("it is not a seal")]
    Malformed,
    /// It was sealed with another password, or modified. We cannot tell which.
    #[error("it was sealed with another password, or modified")]
    NotOurs,
    /// It is genuine but has expired.
    #[error("the seal has expired")]
    Expired,
    /// It is genuine, but its content has another type.
    #[error("the sealed content has an unexpected type")]
    OtherContent,
    /// No password is available right now, which says nothing about the seal.
    #[error("no password: {0}")]
    NoPassword(#[from] SecretError),
    /// The content cannot be written as JSON, or the system's random number generator failed.
    #[error("cannot be sealed: {0}")]
    Unsealable(&'static str),
}

/// Checks that a password is long enough.
pub fn password_form(password: &str) -> Result<(), &'static str> {
    if password.chars().count() >= MIN_PASSWORD_CHARACTERS {
        Ok(())
    } else {
        Err("at least 32 characters long")
    }
}

/// For `#[serde(serialize_with)]`: writes a secret into content that is about to be sealed, the
/// only place where it may go.
pub(crate) fn into_seal<S: Serializer>(
    secret: &SecretString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

impl CookieSeal {
    /// Seals with `current`. Opens with `current`, or with `previous` for seals from before a
    /// rotation.
    pub fn new(current: Secret, previous: OptionalSecret) -> Self {
        Self { current, previous }
    }

    /// Seals `content` as JSON. The seal expires after `lifetime`, if one is given.
    pub async fn seal(
        &self,
        content: &impl Serialize,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<String, SealError> {
        let content = serde_json::to_vec(content)
            .map_err(|_| SealError::Unsealable("the content is not JSON"))?;
        let password = self.current.read().await?;
        let expiry = lifetime.map(|lifetime| millis_after(now, lifetime).to_string());
        lock(&content, &expiry.unwrap_or_default(), &password)
    }

    /// Opens `sealed`.
    pub async fn open<T: DeserializeOwned>(
        &self,
        sealed: &str,
        now: Timestamp,
    ) -> Result<T, SealError> {
        let seal = Seal::parse(sealed).ok_or(SealError::Malformed)?;
        let content = self.unlock(&seal).await?;
        if seal.expiry.is_some_and(|expiry| has_passed(expiry, now)) {
            return Err(SealError::Expired);
        }
        json::from_slice(&content).map_err(|_| SealError::OtherContent)
    }

    /// A seal that no password opens is rejected only if the passwords were read after the request
    /// arrived, because another process may have sealed it with a newer one.
    async fn unlock(&self, seal: &Seal<'_>) -> Result<Vec<u8>, SealError> {
        let arrived = request_scope::arrival();
        if let Some(content) = self.unlock_with_known(seal).await? {
            return Ok(content);
        }
        // Boxed, because few requests get here.
        Box::pin(self.reread_after(arrived)).await?;
        self.unlock_with_known(seal).await?.ok_or(SealError::NotOurs)
    }

    async fn reread_after(&self, arrived: Moment) -> Result<(), SecretError> {
        self.current.reread_after(arrived).await?;
        self.previous.reread_after(arrived).await
    }

    async fn unlock_with_known(&self, seal: &Seal<'_>) -> Result<Option<Vec<u8>>, SealError> {
        if let Some(content) = seal.unlock(&self.current.read().await?) {
            return Ok(Some(content));
        }
        let previous = self.previous.read().await?;
        Ok(previous.and_then(|previous| seal.unlock(&previous)))
    }
}

/// A parsed seal. Only its form has been checked.
struct Seal<'s> {
    /// The part that the MAC covers.
    signed: &'s str,
    encryption_salt: &'s str,
    iv: [u8; BLOCK_BYTES],
    ciphertext: Vec<u8>,
    /// In milliseconds since the Unix epoch.
    expiry: Option<u64>,
    integrity_salt: &'s str,
    mac: Vec<u8>,
}

impl<'s> Seal<'s> {
    fn parse(sealed: &'s str) -> Option<Self> {
        let fields = sealed.strip_suffix(VERSION)?;
        let (rest, mac) = fields.rsplit_once('*')?;
        let (signed, integrity_salt) = rest.rsplit_once('*')?;
        let [PREFIX, PASSWORD_ID, encryption_salt, iv, ciphertext, expiry] =
            signed.split('*').collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let seal = Self {
            signed,
            encryption_salt,
            iv: URL_SAFE_NO_PAD.decode(iv).ok()?.try_into().ok()?,
            ciphertext: URL_SAFE_NO_PAD.decode(ciphertext).ok()?,
            expiry: if expiry.is_empty() { None } else { Some(parse_expiry(expiry)?) },
            integrity_salt,
            mac: URL_SAFE_NO_PAD.decode(mac).ok()?,
        };
        let sound = is_salt(encryption_salt)
            && is_salt(integrity_salt)
            && seal.mac.len() == MAC_BYTES
            && !seal.ciphertext.is_empty()
            && seal.ciphertext.len().is_multiple_of(BLOCK_BYTES);
        sound.then_some(seal)
    }

    /// The content, if it was sealed with `password` and not modified.
    fn unlock(&self, password: &SecretString) -> Option<Vec<u8>> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &derive(password, self.integrity_salt));
        // Compares in constant time.
        hmac::verify(&key, self.signed.as_bytes(), &self.mac).ok()?;
        decrypt(derive(password, self.encryption_salt), self.iv, &self.ciphertext)
    }
}

fn lock(content: &[u8], expiry: &str, password: &SecretString) -> Result<String, SealError> {
    let encryption_salt = hexadecimal(&random::<SALT_BYTES>()?);
    let iv = random::<BLOCK_BYTES>()?;
    let key = derive(password, &encryption_salt);
    let ciphertext = URL_SAFE_NO_PAD.encode(encrypt(key, iv, content));
    let iv = URL_SAFE_NO_PAD.encode(iv);
    let signed = format!("{PREFIX}*{PASSWORD_ID}*{encryption_salt}*{iv}*{ciphertext}*{expiry}");

    let integrity_salt = hexadecimal(&random::<SALT_BYTES>()?);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &derive(password, &integrity_salt));
    let mac = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    Ok(format!("{signed}*{integrity_salt}*{mac}{VERSION}"))
}

fn encrypt(key: [u8; KEY_BYTES], iv: [u8; BLOCK_BYTES], content: &[u8]) -> Vec<u8> {
    cbc::Encryptor::<Aes256>::new(&key.into(), &iv.into()).encrypt_padded_vec::<Pkcs7>(content)
}

fn decrypt(key: [u8; KEY_BYTES], iv: [u8; BLOCK_BYTES], ciphertext: &[u8]) -> Option<Vec<u8>> {
    let cipher = cbc::Decryptor::<Aes256>::new(&key.into(), &iv.into());
    cipher.decrypt_padded_vec::<Pkcs7>(ciphertext).ok()
}

/// The size in bytes of a seal with `content` bytes of content and no expiry.
pub(crate) fn sealed_bytes(content: usize) -> usize {
    let base64 = |bytes: usize| (bytes * 4).div_ceil(3);
    let ciphertext = (content / BLOCK_BYTES + 1) * BLOCK_BYTES;
    let fields = [
        PREFIX.len(),
        PASSWORD_ID.len(),
        2 * SALT_BYTES,
        base64(BLOCK_BYTES),
        base64(ciphertext),
        0,
        2 * SALT_BYTES,
        base64(MAC_BYTES),
    ];
    fields.iter().sum::<usize>() + fields.len() - 1 + VERSION.len()
}

/// One iteration, as in iron. A long random password needs no slow derivation.
fn derive(password: &SecretString, salt: &str) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    let rounds = std::num::NonZeroU32::MIN;
    let password = password.expose_secret().as_bytes();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, rounds, salt.as_bytes(), password, &mut key);
    key
}

/// Random bytes from the system, for keys and secrets.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| SealError::Unsealable("the system has no random bytes"))?;
    Ok(bytes)
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn is_salt(text: &str) -> bool {
    text.len() == 2 * SALT_BYTES
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn parse_expiry(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}

fn millis_after(now: Timestamp, lifetime: Duration) -> u64 {
    now.unix_millis().saturating_add(millis(lifetime))
}

fn has_passed(expiry: u64, now: Timestamp) -> bool {
    expiry <= now.unix_millis().saturating_sub(millis(LEEWAY))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod vectors;

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use proptest::sample::Index;
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::clock::Clock;

    const NOW: u64 = 1_900_000_000;

    fn password(text: &str) -> Secret {
        Secret::fixed(text.into())
    }

    fn first() -> SecretString {
        "the first password, of 32 characters and more".into()
    }

    fn second() -> SecretString {
        "the second password, of 32 characters and more".into()
    }

    fn seal_with(current: SecretString, previous: Option<SecretString>) -> CookieSeal {
        let previous = previous.map_or_else(OptionalSecret::absent, OptionalSecret::fixed);
        CookieSeal::new(Secret::fixed(current), previous)
    }

    async fn open(sealed: &str) -> Result<Value, SealError> {
        seal_with(first(), None).open(sealed, Clock::fixed(NOW).now()).await
    }

    async fn sealed(lifetime: Option<Duration>) -> String {
        let content = json!({ "text": "the content" });
        let seal = seal_with(first(), None);
        seal.seal(&content, lifetime, Clock::fixed(NOW).now()).await.expect("a seal")
    }

    #[derive(Deserialize)]
    struct Known {
        made_at_ms: u64,
        password: String,
        other_password: String,
        seals: Vec<KnownSeal>,
    }

    #[derive(Deserialize)]
    struct KnownSeal {
        name: String,
        sealed: String,
        holds: Option<Value>,
        lifetime_ms: Option<u64>,
        refused: Option<String>,
    }

    #[tokio::test]
    async fn opens_what_the_sdk_and_iron_session_have_sealed_and_refuses_what_they_refuse() {
        let known: Known =
            serde_json::from_str(include_str!("../tests/data/seals.json")).expect("known seals");
        let clock = Clock::fixed(known.made_at_ms / 1000);
        let seal = CookieSeal::new(password(&known.password), OptionalSecret::absent());
        let other = CookieSeal::new(password(&known.other_password), OptionalSecret::absent());
        assert!(known.seals.len() > 40);
        for KnownSeal { name, sealed, holds, refused, .. } in &known.seals {
            let opened = seal.open::<Value>(sealed, clock.now()).await;
            match (holds, refused.as_deref()) {
                (Some(holds), None) => {
                    assert_eq!(opened.as_ref(), Ok(holds), "{name}");
                    let foreign = other.open::<Value>(sealed, clock.now()).await;
                    assert_eq!(foreign, Err(SealError::NotOurs), "{name}");
                }
                (_, Some("NotOurs")) => assert_eq!(opened, Err(SealError::NotOurs), "{name}"),
                (_, Some("Malformed")) => assert_eq!(opened, Err(SealError::Malformed), "{name}"),
                _ => panic!("{name} says neither what it holds nor why it is refused"),
            }
        }
        for KnownSeal { name, sealed, lifetime_ms, .. } in &known.seals {
            let Some(lifetime) = lifetime_ms.map(Duration::from_millis) else { continue };
            let at = |age: Duration| {
                let clock = Clock::fixed(known.made_at_ms / 1000);
                clock.advance(age);
                clock.now()
            };
            assert!(seal.open::<Value>(sealed, at(lifetime)).await.is_ok(), "{name}");
            let late = at(lifetime + LEEWAY + Duration::from_secs(5));
            let opened = seal.open::<Value>(sealed, late).await;
            assert_eq!(opened, Err(SealError::Expired), "{name}");
        }
    }

    #[tokio::test]
    async fn opens_what_it_has_sealed_and_never_seals_alike() {
        let (one, two) = (sealed(None).await, sealed(None).await);
        assert_ne!(one, two);
        for sealed in [one, two] {
            assert_eq!(open(&sealed).await, Ok(json!({ "text": "the content" })));
        }
    }

    #[tokio::test]
    async fn the_length_of_a_seal_is_known_before_it_is_made() {
        for length in (0..70).chain([1000, 2800]) {
            let content = "x".repeat(length);
            let seal = seal_with(first(), None);
            let sealed = seal.seal(&content, None, Clock::fixed(NOW).now()).await.expect("a seal");
            assert_eq!(sealed.len(), sealed_bytes(length + 2), "{length} and two quotes");
        }
    }

    #[tokio::test]
    async fn a_seal_lasts_for_its_lifetime_and_irons_minute_of_grace() {
        let lifetime = Duration::from_mins(10);
        let sealed = sealed(Some(lifetime)).await;
        let seal = seal_with(first(), None);
        for (age, good) in [
            (Duration::ZERO, true),
            (lifetime, true),
            (lifetime + Duration::from_millis(59_999), true),
            (lifetime + Duration::from_mins(1), false),
            (10 * lifetime, false),
        ] {
            let clock = Clock::fixed(NOW);
            clock.advance(age);
            let opened = seal.open::<Value>(&sealed, clock.now()).await;
            assert_eq!(opened.is_ok(), good, "{age:?}");
            assert!(good || opened == Err(SealError::Expired), "{age:?}");
        }
    }

    #[tokio::test]
    async fn opens_with_the_password_before_and_seals_with_the_current_one() {
        let old = sealed(None).await;
        let now = Clock::fixed(NOW).now();
        let rotated = seal_with(second(), Some(first()));
        assert!(rotated.open::<Value>(&old, now).await.is_ok());
        let new = rotated.seal(&json!(1), None, now).await.expect("a seal");
        assert_eq!(open(&new).await, Err(SealError::NotOurs));
        let forgotten = seal_with(second(), None);
        assert_eq!(forgotten.open::<Value>(&old, now).await, Err(SealError::NotOurs));
        assert_eq!(forgotten.open(&new, now).await, Ok(json!(1)));
    }

    #[tokio::test]
    async fn refuses_every_bit_that_is_not_as_it_was() {
        let sealed = sealed(Some(Duration::from_mins(10))).await;
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut altered = sealed.clone().into_bytes();
                altered[at] ^= 1 << bit;
                // A header with other bytes cannot be read as text.
                let Ok(altered) = String::from_utf8(altered) else { continue };
                let refused = open(&altered).await.expect_err(&altered);
                let expected = [SealError::Malformed, SealError::NotOurs];
                assert!(expected.contains(&refused), "{refused}: {altered}");
            }
        }
    }

    #[tokio::test]
    async fn refuses_every_part_of_a_seal_and_whatever_is_added_to_one() {
        let sealed = sealed(None).await;
        for at in 0..sealed.len() {
            let without_one = format!("{}{}", &sealed[..at], &sealed[at + 1..]);
            let with_more = format!("{}A{}", &sealed[..at], &sealed[at..]);
            for altered in [&sealed[..at], &sealed[at + 1..], &without_one, &with_more] {
                assert!(open(altered).await.is_err(), "{altered}");
            }
        }
        for added in ["~2", "*", " ", "0", "=", "\0", "é"] {
            assert_eq!(open(&format!("{sealed}{added}")).await, Err(SealError::Malformed));
            assert_eq!(open(&format!("{added}{sealed}")).await, Err(SealError::Malformed));
        }
        let bare = sealed.strip_suffix("~2").expect("the version");
        for version in ["", "~", "~1", "~3", "~02", "~2.0", "~２", "~2~"] {
            assert_eq!(open(&format!("{bare}{version}")).await, Err(SealError::Malformed));
        }
        for nonsense in ["", "~2", "*******~2", "Fe26.2*1******~2", "Fe26.2", "a.b.c", "{}"] {
            assert_eq!(open(nonsense).await, Err(SealError::Malformed), "{nonsense}");
        }
    }

    #[tokio::test]
    async fn reads_base64url_and_hexadecimal_in_their_one_form_alone() {
        let sealed = sealed(None).await;
        let fields: Vec<&str> =
            sealed.strip_suffix("~2").expect("the version").split('*').collect();
        // 22 base64 characters encode 132 bits, but the 16 bytes of an IV have only 128.
        let loose_bits = |text: &str| {
            let (rest, last) = text.split_at(text.len() - 1);
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let value = alphabet.find(last).expect("a letter");
            format!("{rest}{}", &alphabet[value + 1..value + 2])
        };
        for (field, form) in [
            (3, loose_bits(fields[3])),
            (3, format!("{}==", fields[3])),
            (7, loose_bits(fields[7])),
            (7, format!("{}=", fields[7])),
            (4, format!("{} ", fields[4])),
            (4, format!("{}\n", fields[4])),
            (2, fields[2].to_uppercase()),
            (6, fields[6].to_uppercase()),
        ] {
            let mut altered = fields.clone();
            altered[field] = &form;
            let altered = altered.join("*") + "~2";
            assert_eq!(open(&altered).await, Err(SealError::Malformed), "{altered}");
        }
    }

    #[tokio::test]
    async fn a_genuine_seal_of_something_malformed_is_refused_as_well() {
        for expiry in ["0", "01900000000000", "-1", "1e13", "+1", " 1", "99999999999999999999999"] {
            let sealed = lock(b"1", expiry, &first()).expect("a seal");
            assert_eq!(open(&sealed).await, Err(SealError::Malformed), "{expiry}");
        }
        for content in [&b"not JSON"[..], b"", b"{} {}"] {
            let sealed = lock(content, "", &first()).expect("a seal");
            assert_eq!(open(&sealed).await, Err(SealError::OtherContent));
        }
        let number = lock(b"1", "", &first()).expect("a seal");
        let now = Clock::fixed(NOW).now();
        let opened = seal_with(first(), None).open::<String>(&number, now).await;
        assert_eq!(opened, Err(SealError::OtherContent));
    }

    #[tokio::test]
    async fn content_is_read_as_javascript_reads_it() {
        #[derive(Deserialize)]
        struct Content {
            name: String,
        }

        let deep = "[".repeat(200) + &"]".repeat(200);
        let now = Clock::fixed(NOW).now();
        for (content, name) in [
            (br#"{"name":"Jane \ud83d"}"#.to_vec(), "Jane \u{fffd}"),
            (br#"{"name":"Jane","more":1e400}"#.to_vec(), "Jane"),
            (format!(r#"{{"name":"Jane","more":{deep}}}"#).into_bytes(), "Jane"),
            (b"{\"name\":\"Jane \xff\"}".to_vec(), "Jane \u{fffd}"),
        ] {
            let sealed = lock(&content, "", &first()).expect("a seal");
            let opened = seal_with(first(), None).open::<Content>(&sealed, now).await;
            assert_eq!(opened.expect("a content").name, name);
        }
    }

    #[test]
    fn a_password_has_at_least_32_characters() {
        assert!(password_form(&"x".repeat(32)).is_ok());
        assert!(password_form(&"é".repeat(32)).is_ok());
        assert!(password_form(&"x".repeat(31)).is_err());
        assert!(password_form(&"é".repeat(31)).is_err());
    }

    #[tokio::test]
    async fn prints_no_password() {
        let seal = seal_with(first(), Some(second()));
        assert!(!format!("{seal:?}").contains("password, of"));
    }

    proptest! {
        #[test]
        fn only_the_whole_seal_opens(content in any::<Vec<u8>>(), at in any::<Index>(), to in "[ -~]") {
            let sealed = lock(&content, "", &first()).expect("a seal");
            prop_assert_eq!(sealed.len(), sealed_bytes(content.len()));
            let seal = Seal::parse(&sealed).expect("a seal");
            prop_assert_eq!(seal.unlock(&first()), Some(content));
            prop_assert_eq!(seal.unlock(&second()), None);

            let mut changed = sealed.clone();
            let at = at.index(sealed.len());
            changed.replace_range(at..=at, &to);
            let opened = Seal::parse(&changed).and_then(|seal| seal.unlock(&first()));
            prop_assert!(changed == sealed || opened.is_none(), "{} at {}", to, at);
        }

        #[test]
        fn any_text_is_a_seal_or_none(text in any::<String>(), fields in "(Fe26\\.2\\*1)?(\\*[a-f0-9A-Za-z_-]{0,70}){4,7}~2") {
            let opens = |text: &str| Seal::parse(text).and_then(|seal| seal.unlock(&first())).is_some();
            prop_assert!(!opens(&text) && !opens(&fields));
        }
    }
}
