//! A provider's published signing keys (JWKS, RFC 7517), kept between requests.
//!
//! Keys are fetched once and used for [`MAX_AGE`]. A key that is not among them has them fetched
//! again, since providers rotate keys; tokens with invented key ids cannot make us fetch more
//! often than every [`COOL_DOWN`]. While the provider is out of reach the keys at hand go on being
//! used for up to [`MAX_STALE_AGE`].

use std::collections::HashMap;
use std::future::Future;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use serde::Deserialize;

use crate::clock::{Clock, Timestamp};
use crate::jwt::Rs256Key;
use crate::provider::ProviderError;

/// How long keys are used before they are fetched again.
pub const MAX_AGE: Duration = Duration::from_hours(1);

/// How long keys are used while they cannot be fetched again.
pub const MAX_STALE_AGE: Duration = Duration::from_hours(24);

/// How long no fetch follows one that failed or that did not bring the key looked for.
pub const COOL_DOWN: Duration = Duration::from_secs(30);

/// The RS256 keys, by id, of the document that a provider publishes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Document")]
pub struct KeySet(HashMap<String, Rs256Key>);

impl KeySet {
    /// Whether there is no usable key in it: no provider means that.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// RFC 7517, section 5.
#[derive(Deserialize)]
struct Document {
    keys: Vec<Jwk>,
}

/// RFC 7517, section 4. Keys of other kinds and for other purposes are passed over.
#[derive(Deserialize)]
struct Jwk {
    kid: Option<String>,
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl From<Document> for KeySet {
    fn from(document: Document) -> Self {
        Self(document.keys.into_iter().filter_map(Jwk::into_rs256).collect())
    }
}

impl Jwk {
    fn into_rs256(self) -> Option<(String, Rs256Key)> {
        let is_for = |value: &Option<String>, wanted| value.as_deref().is_none_or(|v| v == wanted);
        if self.kty != "RSA" || !is_for(&self.alg, "RS256") || !is_for(&self.purpose, "sig") {
            return None;
        }
        let key = Rs256Key::from_components(&self.n?, &self.e?)?;
        Some((self.kid?, key))
    }
}

/// The keys of one provider.
#[derive(Debug)]
pub struct KeyCache {
    state: RwLock<State>,
    /// Held while fetching, so that requests that miss the same key fetch it once.
    fetching: tokio::sync::Mutex<()>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct State {
    keys: HashMap<String, Rs256Key>,
    fetched: Option<Timestamp>,
    /// The last fetch that did not bring the key looked for.
    missed: Option<Timestamp>,
    /// The last fetch that failed, and how.
    failed: Option<(Timestamp, ProviderError)>,
}

impl KeyCache {
    /// A cache with nothing in it.
    pub fn new(clock: Clock) -> Self {
        Self { state: RwLock::default(), fetching: tokio::sync::Mutex::default(), clock }
    }

    /// The key `kid`; nothing when the provider has no such key. `fetch` gets the provider's
    /// document and is awaited only if need be; its error comes back when without it nothing can
    /// be said.
    pub async fn key(
        &self,
        kid: &str,
        fetch: impl Future<Output = Result<KeySet, ProviderError>>,
    ) -> Result<Option<Rs256Key>, ProviderError> {
        if let Some(answer) = self.at_hand(kid) {
            return answer;
        }
        let _fetching = self.fetching.lock().await;
        if let Some(answer) = self.at_hand(kid) {
            return answer;
        }
        let fetched = fetch.await;
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(set) => {
                let key = set.0.get(kid).cloned();
                *state = State { missed: key.is_none().then_some(now), ..State::fetched(set, now) };
                Ok(key)
            }
            Err(error) => {
                state.failed = Some((now, error.clone()));
                match state.keys.get(kid).filter(|_| state.is_usable(now, MAX_STALE_AGE)) {
                    Some(key) => {
                        tracing::warn!(%error, "using the signing keys at hand");
                        Ok(Some(key.clone()))
                    }
                    None => Err(error),
                }
            }
        }
    }

    /// Fetches the keys ahead of the first request. That it fails is logged; the request that
    /// needs them tries again.
    pub async fn prefetch(&self, fetch: impl Future<Output = Result<KeySet, ProviderError>>) {
        match fetch.await {
            Ok(set) => {
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                *state = State::fetched(set, self.clock.now());
            }
            Err(error) => tracing::warn!(%error, "starting without signing keys"),
        }
    }

    /// What can be said of a key without fetching: which it is, that there is none, or that the
    /// provider has just failed to say.
    fn at_hand(&self, kid: &str) -> Option<Result<Option<Rs256Key>, ProviderError>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let rests = |since: Timestamp| now.since(since) < COOL_DOWN;
        let failure = state.failed.as_ref().filter(|(at, _)| rests(*at)).map(|(_, error)| error);
        let is_fresh = state.is_usable(now, MAX_AGE);
        let is_stopgap = failure.is_some() && state.is_usable(now, MAX_STALE_AGE);
        match (state.keys.get(kid), failure) {
            (Some(key), _) if is_fresh || is_stopgap => Some(Ok(Some(key.clone()))),
            // With keys at hand an unknown one is likely an invention, and no reason to keep asking
            // a provider that fails. Without any, every request may ask.
            (None, Some(error)) if is_fresh || is_stopgap => Some(Err(error.clone())),
            (None, None) if is_fresh && state.missed.is_some_and(rests) => Some(Ok(None)),
            _ => None,
        }
    }
}

impl State {
    fn fetched(set: KeySet, now: Timestamp) -> Self {
        Self { keys: set.0, fetched: Some(now), missed: None, failed: None }
    }

    fn is_usable(&self, now: Timestamp, max_age: Duration) -> bool {
        self.fetched.is_some_and(|at| now.since(at) < max_age)
    }
}
