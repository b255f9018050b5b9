//! A cache of a provider's published signing keys (JWKS, RFC 7517).
//!
//! Keys are fetched once and used for [`MAX_AGE`]. An unknown key id causes another fetch, since
//! providers rotate keys, but tokens with invented key ids cannot cause one more often than every
//! [`COOL_DOWN`]. In between, an unknown id is an error and not a rejection: otherwise an attacker
//! who invents ids could make tokens signed with a newly published key look forged. While the
//! provider is unreachable, cached keys are used for up to [`MAX_STALE_AGE`]; a request whose key is
//! cached waits for a fetch, its own or another's, only for [`PATIENCE`].

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use crate::clock::{Clock, Timestamp};
use crate::json;
use crate::jwt::Rs256Key;
use crate::provider::{Answer, Failure, ProviderError};

/// How long keys are used before they are fetched again.
pub const MAX_AGE: Duration = Duration::from_hours(1);

/// How long cached keys are used while fetching fails.
pub const MAX_STALE_AGE: Duration = Duration::from_hours(24);

/// How long a request waits for a fetch if it could use a cached key instead.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The pause after a fetch that failed or did not return the requested key.
pub const COOL_DOWN: Duration = Duration::from_secs(30);

/// A provider's published RS256 keys by id. Several keys may share an id.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Document")]
pub struct KeySet(HashMap<String, Arc<[Rs256Key]>>);

impl KeySet {
    /// Reads a provider's JWKS response.
    ///
    /// # Errors
    /// If it is not a success, cannot be read, or has no usable key.
    pub(crate) fn read(answer: &Answer) -> Result<Self, ProviderError> {
        if answer.status != StatusCode::OK {
            return Err(answer.unexpected());
        }
        let keys: Self = answer.json()?;
        if keys.is_empty() {
            return Err(answer.error(Failure::Unreadable("it has no signing key")));
        }
        Ok(keys)
    }

    /// Whether it has no usable key, which is always a provider's mistake.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A JWK set (RFC 7517, section 5). Entries that cannot be read are skipped.
#[derive(Deserialize)]
struct Document {
    #[serde(deserialize_with = "json::readable_items")]
    keys: Vec<Jwk>,
}

/// A JWK (RFC 7517, section 4). Keys of other types and for other uses are skipped as well.
#[derive(Deserialize)]
struct Jwk {
    kid: Option<String>,
    kty: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl From<Document> for KeySet {
    fn from(document: Document) -> Self {
        let mut keys: HashMap<String, Vec<Rs256Key>> = HashMap::new();
        for (id, key) in document.keys.into_iter().filter_map(Jwk::into_rs256) {
            keys.entry(id).or_default().push(key);
        }
        Self(keys.into_iter().map(|(id, keys)| (id, keys.into())).collect())
    }
}

impl Jwk {
    fn into_rs256(self) -> Option<(String, Rs256Key)> {
        let is_for = |value: &Option<String>, wanted| value.as_deref().is_none_or(|v| v == wanted);
        let is_rsa = self.kty.as_deref() == Some("RSA");
        if !is_rsa || !is_for(&self.alg, "RS256") || !is_for(&self.purpose, "sig") {
            return None;
        }
        let key = Rs256Key::from_components(&self.n?, &self.e?)?;
        Some((self.kid?, key))
    }
}

/// The keys of one provider.
#[derive(Debug)]
pub struct KeyCache {
    provider: &'static str,
    state: RwLock<State>,
    /// Held during a fetch, so that requests that miss the same key share it.
    fetching: tokio::sync::Mutex<()>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct State {
    set: KeySet,
    fetched: Option<Timestamp>,
    /// The last fetch that did not return the requested key.
    missed: Option<Timestamp>,
    /// The last fetch that failed.
    failed: Option<Timestamp>,
    /// The last time that a fetch took longer than [`PATIENCE`].
    slow: Option<Timestamp>,
}

/// The result of looking up a key id in the cache.
enum Known {
    /// Its keys.
    Keys(Arc<[Rs256Key]>),
    /// No key, and no fetch until this pause ends.
    NothingFor(Duration),
}

impl KeyCache {
    /// An empty cache. `provider` is the provider's name in logs.
    pub fn new(provider: &'static str, clock: Clock) -> Self {
        let fetching = tokio::sync::Mutex::default();
        Self { provider, state: RwLock::default(), fetching, clock }
    }

    /// The keys with the id `kid`, at least one; `None` if a fetch has just shown that the provider
    /// has no such key. `fetch` requests the provider's JWKS and is awaited only if needed.
    ///
    /// # Errors
    /// If we cannot tell: the fetch failed, or it is too early for another ([`Failure::Paused`]).
    /// This says nothing about the token.
    pub async fn key(
        &self,
        kid: &str,
        fetch: impl Future<Output = Result<KeySet, ProviderError>>,
    ) -> Result<Option<Arc<[Rs256Key]>>, ProviderError> {
        if let Some(known) = self.known(kid) {
            return self.answer(known);
        }
        let fetched = async {
            let _fetching = self.fetching.lock().await;
            if let Some(known) = self.known(kid) {
                return self.answer(known);
            }
            let fetched = fetch.await;
            self.keep(fetched, kid)
        };
        let Some(cached) = self.stale(kid) else {
            return fetched.await;
        };
        if let Ok(keys) = tokio::time::timeout(PATIENCE, fetched).await {
            return keys;
        }
        tracing::warn!(
            provider = self.provider,
            "using cached signing keys, since a fetch is slow"
        );
        let now = self.clock.now();
        self.state.write().unwrap_or_else(PoisonError::into_inner).slow = Some(now);
        Ok(Some(cached))
    }

    /// The cached keys with the id `kid`, if they may be used while fetching fails.
    fn stale(&self, kid: &str) -> Option<Arc<[Rs256Key]>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let is_usable = state.is_usable(self.clock.now(), MAX_STALE_AGE);
        state.set.0.get(kid).filter(|_| is_usable).cloned()
    }

    /// Caches a fetched key set and returns its keys with the id `kid`.
    fn keep(
        &self,
        fetched: Result<KeySet, ProviderError>,
        kid: &str,
    ) -> Result<Option<Arc<[Rs256Key]>>, ProviderError> {
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(set) => {
                let keys = set.0.get(kid).cloned();
                let missed = keys.is_none().then_some(now);
                *state = State { set, fetched: Some(now), missed, failed: None, slow: None };
                Ok(keys)
            }
            Err(error) => {
                state.failed = Some(now);
                drop(state);
                let keys = self.stale(kid).ok_or_else(|| error.clone())?;
                tracing::warn!(%error, "using cached signing keys");
                Ok(Some(keys))
            }
        }
    }

    /// Fetches the keys before the first request. A failure is only logged; the request that needs
    /// the keys tries again.
    pub async fn prefetch(&self, fetch: impl Future<Output = Result<KeySet, ProviderError>>) {
        let fetched = fetch.await;
        self.keep_ahead(fetched);
    }

    fn keep_ahead(&self, fetched: Result<KeySet, ProviderError>) {
        match fetched {
            Ok(set) => {
                let fetched = Some(self.clock.now());
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                *state = State { set, fetched, missed: None, failed: None, slow: None };
            }
            Err(error) => tracing::warn!(%error, "starting without signing keys"),
        }
    }

    fn known(&self, kid: &str) -> Option<Known> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let pause = |since: Option<Timestamp>| {
            let since = since.filter(|since| now.is_within(COOL_DOWN, *since))?;
            Some(COOL_DOWN.saturating_sub(now.since(since)))
        };
        let after_failure = pause(state.failed);
        let keys = state.set.0.get(kid);
        // A slow fetch is no reason not to fetch a key that is not cached.
        let rests = after_failure.is_some() || (keys.is_some() && pause(state.slow).is_some());
        if !state.is_usable(now, if rests { MAX_STALE_AGE } else { MAX_AGE }) {
            // Without keys no request can succeed, so every request may fetch.
            return None;
        }
        match keys {
            Some(keys) => Some(Known::Keys(Arc::clone(keys))),
            // The id is probably invented, so do not keep fetching.
            None => after_failure.max(pause(state.missed)).map(Known::NothingFor),
        }
    }

    fn answer(&self, known: Known) -> Result<Option<Arc<[Rs256Key]>>, ProviderError> {
        match known {
            Known::Keys(keys) => Ok(Some(keys)),
            Known::NothingFor(retry_after) => {
                let failure = Failure::Paused { retry_after };
                Err(ProviderError { provider: self.provider, call: "jwks", failure })
            }
        }
    }
}

impl State {
    fn is_usable(&self, now: Timestamp, max_age: Duration) -> bool {
        self.fetched.is_some_and(|at| now.is_within(max_age, at))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// An odd number of 2,048 bits; whether it has two prime factors does not matter here.
    fn modulus() -> String {
        "x".repeat(341) + "Q"
    }

    fn read(document: &str) -> KeySet {
        json::from_slice(document.as_bytes()).expect("a document")
    }

    fn ids(keys: &Value) -> Vec<String> {
        let set = read(&json!({ "keys": keys, "more": { "of": ["it"] } }).to_string());
        let mut ids: Vec<_> = set.0.into_keys().collect();
        ids.sort();
        ids
    }

    #[test]
    fn an_entry_that_cannot_be_used_is_skipped_and_the_others_count() {
        let good = json!({ "kid": "good", "kty": "RSA", "n": modulus(), "e": "AQAB" });
        assert_eq!(ids(&json!([good])), ["good"]);
        for (name, value) in [
            ("kty", Value::Null),
            ("kty", json!("EC")),
            ("kty", json!("rsa")),
            ("kty", json!(1)),
            ("e", json!(65537)),
            ("e", Value::Null),
            ("e", json!("")),
            ("e", json!("AQ")),
            ("e", json!("AA")),
            ("n", json!("")),
            ("n", json!("AQAB")),
            ("n", json!("x".repeat(341) + "A")),
            ("n", json!(["AQAB"])),
            ("n", json!("\u{fffd}")),
            ("use", json!("enc")),
            ("use", json!(["sig"])),
            ("alg", json!("PS256")),
            ("alg", json!(256)),
            ("kid", Value::Null),
            ("kid", json!(7)),
        ] {
            let mut odd = good.clone();
            odd["kid"] = json!("odd");
            odd[name] = value.clone();
            assert_eq!(ids(&json!([odd, good])), ["good"], "{name}: {value}");
        }
        for odd in [json!(null), json!("key"), json!([]), json!({}), json!(1.5)] {
            assert_eq!(ids(&json!([odd, good, odd])), ["good"], "{odd}");
        }
        let mut without_kty = good.clone();
        without_kty.as_object_mut().expect("an object").remove("kty");
        assert!(ids(&json!([without_kty])).is_empty());
    }

    #[test]
    fn what_may_be_absent_may_be_null_and_what_nobody_reads_may_be_anything() {
        let absent = json!({ "kid": "a", "kty": "RSA", "n": modulus(), "e": "AQAB" });
        let nothing = json!({
            "kid": "b", "kty": "RSA", "n": modulus(), "e": "AAEAAQ", "alg": null, "use": null,
            "x5c": null, "key_ops": 1,
        });
        assert_eq!(ids(&json!([absent, nothing])), ["a", "b"]);
        let deep = "[".repeat(200) + &"]".repeat(200);
        for odd in ["1e400", r#""\ud83d""#, &deep] {
            let (n, e) = (modulus(), "AQAB");
            let key = format!(r#"{{"kid":"a","kty":"RSA","n":"{n}","e":"{e}","x":{odd}}}"#);
            let set = read(&format!(r#"{{"keys":[{key}],"x":{odd}}}"#));
            assert!(set.0.contains_key("a"), "{odd}");
        }
    }

    #[test]
    fn an_id_may_have_several_keys() {
        let key = json!({ "kid": "a", "kty": "RSA", "n": modulus(), "e": "AQAB" });
        let set = read(&json!({ "keys": [key, key, { "kid": "a", "kty": "EC" }] }).to_string());
        assert_eq!(set.0["a"].len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_keeps_silent_does_not_keep_those_waiting_whose_key_is_cached() {
        let clock = Clock::fixed(1_900_000_000);
        let cache = KeyCache::new("workos", clock.clone());
        let key = json!({ "kid": "a", "kty": "RSA", "n": modulus(), "e": "AQAB" });
        let keys = read(&json!({ "keys": [key] }).to_string());
        cache.prefetch(async { Ok(keys) }).await;
        clock.advance(MAX_AGE + Duration::from_secs(1));
        let silence = || std::future::pending();
        let began = tokio::time::Instant::now();
        let found = cache.key("a", silence()).await.expect("the cached key");
        assert!(found.is_some());
        assert_eq!(began.elapsed(), PATIENCE);
        // For a while, nothing is fetched for its sake.
        assert!(cache.key("a", silence()).await.expect("the cached key").is_some());
        assert_eq!(began.elapsed(), PATIENCE);

        // A key that is not cached is fetched at once, for as long as it takes, and whoever has one
        // does not wait for that, either.
        clock.advance(COOL_DOWN);
        let new = json!({ "kid": "b", "kty": "RSA", "n": modulus(), "e": "AQAB" });
        let keys = read(&json!({ "keys": [new] }).to_string());
        let slowly = async {
            tokio::time::sleep(PATIENCE * 2).await;
            Ok(keys)
        };
        let cached = async {
            let found = cache.key("a", silence()).await.expect("the cached key");
            assert!(found.is_some());
            assert_eq!(began.elapsed(), PATIENCE * 2);
        };
        let (found, ()) = tokio::join!(cache.key("b", slowly), cached);
        assert!(found.expect("the new key").is_some());
        assert_eq!(began.elapsed(), PATIENCE * 3);
    }

    #[test]
    fn no_keys_are_none_and_a_document_of_another_shape_is_no_document() {
        for (document, is_empty) in [
            (r#"{"keys":[]}"#, Some(true)),
            (r#"{"keys":null}"#, Some(true)),
            (r#"{"keys":{"a":1}}"#, Some(true)),
            ("{}", None),
            ("[]", None),
        ] {
            let set = json::from_slice::<KeySet>(document.as_bytes());
            assert_eq!(set.ok().map(|set| set.is_empty()), is_empty, "{document}");
        }
    }
}
