//! Clerk's publishable key, which names the instance.

use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::address::is_host_name;

/// A publishable key: `pk_live_` or `pk_test_`, followed by the base64 of the instance's Frontend
/// API host and a `$`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishableKey {
    host: String,
    cookie_suffix: String,
    is_production: bool,
}

impl FromStr for PublishableKey {
    type Err = &'static str;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        parse(key).ok_or("a Clerk publishable key (pk_live_… or pk_test_…)")
    }
}

fn parse(key: &str) -> Option<PublishableKey> {
    let (is_production, encoded) = match key.strip_prefix("pk_live_") {
        Some(encoded) => (true, encoded),
        None => (false, key.strip_prefix("pk_test_")?),
    };
    let decoded = BASE64_STANDARD
        .decode(encoded)
        .or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')))
        .ok()?;
    let host = String::from_utf8(decoded).ok()?.strip_suffix('$')?.to_owned();
    let is_host = host.contains('.') && is_host_name(&host);
    is_host.then(|| PublishableKey { host, cookie_suffix: cookie_suffix(key), is_production })
}

/// The suffix of Clerk's cookie names, which lets several instances share a domain: eight
/// characters of the key's SHA-1 in base64url. It is an identifier, not a security measure.
fn cookie_suffix(key: &str) -> String {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..6])
}

impl PublishableKey {
    /// The host of the instance's Frontend API.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The suffix after `_` in the names of the instance's cookies.
    pub fn cookie_suffix(&self) -> &str {
        &self.cookie_suffix
    }

    /// Whether this is a production instance.
    pub fn is_production(&self) -> bool {
        self.is_production
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_host_the_kind_and_the_cookie_suffix() {
        let key: PublishableKey = "pk_test_Y2xlcmsuYW50ZXJvb20ubG9jYWxob3N0JA==".parse().unwrap();
        assert_eq!(key.host(), "clerk.anteroom.localhost");
        assert!(!key.is_production());
        assert_eq!(key.cookie_suffix().len(), 8);
        let live: PublishableKey = "pk_live_Y2xlcmsuYW50ZXJvb20ubG9jYWxob3N0JA".parse().unwrap();
        assert!(live.is_production());
        assert_ne!(live.cookie_suffix(), key.cookie_suffix());
    }

    #[test]
    fn refuses_other_keys_and_other_contents() {
        for key in [
            "",
            "pk_test_",
            "sk_test_Y2xlcmsuYW50ZXJvb20ubG9jYWxob3N0JA==",
            "pk_test_Y2xlcmsuYW50ZXJvb20ubG9jYWxob3N0", // without the $
            "pk_test_!!!!",
            "pk_test_ZXZpbC5leGFtcGxlLyQ=", // evil.example/$
            "pk_test_bG9jYWxob3N0JA==",     // localhost$
            "pk_test_Y2xlcmsuLmV4YW1wbGUk", // clerk..example$
        ] {
            assert!(key.parse::<PublishableKey>().is_err(), "{key}");
        }
    }
}
