//! Calls to a provider's HTTP API, with or without a secret key, and the ways in which they can
//! fail.
//!
//! The provider clients define the calls and interpret the responses. This module adds the key,
//! reads the response within its limits, switches to a rotated key, and logs one line per call.
//! `answer` recognizes responses that are failures, `failure` lists what can go wrong, and `retry`
//! decides when a call is sent again.

mod answer;
mod failure;
mod retry;

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::clock::{Clock, Timestamp};
use crate::http::{CALL_TIMEOUT, Http, IDLE_TIMEOUT, Limits, SINGLE_SEND_IDLE_TIMEOUT};
use crate::metrics;
use crate::provider::answer::CallCount;
use crate::provider::retry::Attempts;
use crate::request_scope;
use crate::secrets::{Secret, SecretError};
use crate::settings::Settings;

pub use answer::Answer;
pub(crate) use answer::retry_after;
pub use failure::{Failure, ProviderError};
pub use retry::Retry;

/// The longest response that we read unless a call allows more. No documented response comes close.
pub(crate) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

const UNSENDABLE: Failure =
    Failure::Unreachable("the key has characters that are not allowed in a header");

/// A call is not retried if the request has less time left than this, and one that may be sent only
/// once is not sent at all.
const MIN_TIME_LEFT: Duration = Duration::from_millis(300);

/// A provider's API without a key.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name in logs.
    pub name: &'static str,
    /// The base URL.
    pub base: Url,
    /// The shared HTTP client.
    pub http: Http,
    /// The clock.
    pub clock: Clock,
}

/// A provider's API with our credential.
#[derive(Clone, Debug)]
pub struct KeyedProvider<K = Secret> {
    provider: Provider,
    key: K,
}

/// A credential for a provider's API: where it is stored and how it is sent.
pub trait Credential: Sync {
    /// The form in which it is stored.
    type Stored: Send + Sync;

    /// The credential to use now.
    fn load(&self) -> impl Future<Output = Result<Self::Stored, SecretError>> + Send;

    /// The credential to use after the provider has rejected `refused`, if there is another.
    fn after_refusal_of(
        &self,
        refused: &Self::Stored,
    ) -> impl Future<Output = Option<Self::Stored>> + Send;

    /// The form in which it is sent.
    fn to_send(&self, stored: &Self::Stored) -> Result<SecretString, SecretError>;
}

impl Credential for Secret {
    type Stored = SecretString;

    async fn load(&self) -> Result<SecretString, SecretError> {
        self.read().await
    }

    async fn after_refusal_of(&self, refused: &SecretString) -> Option<SecretString> {
        Secret::after_refusal_of(self, refused).await
    }

    fn to_send(&self, stored: &SecretString) -> Result<SecretString, SecretError> {
        Ok(stored.clone())
    }
}

/// One call to a provider's API. Its body may be personal, so it has no `Debug`.
pub struct Call<'a> {
    /// Its name in logs.
    pub name: &'static str,
    /// `GET` or `POST`.
    pub method: Method,
    /// The segments of the path below the provider's base URL. They are percent-encoded here, so
    /// that an identifier cannot change the path.
    pub path: &'a [&'a str],
    /// The query parameters. They are encoded here as well.
    pub query: &'a [(&'a str, &'a str)],
    /// Additional headers.
    pub headers: &'a [(&'static str, &'a str)],
    /// The JSON body, if there is one.
    pub body: Option<serde_json::Value>,
    /// Where the key is sent, if the call has one.
    pub key: KeyPlace,
    /// Whether to retry it after a failure.
    pub retry: Retry,
    /// Timeout for one attempt, from its first byte to its last. The time left for the request also
    /// limits it.
    pub time_limit: Duration,
    /// The longest response that is read, in bytes.
    pub max_bytes: usize,
    /// Tells whether a response means that the provider rejected our key.
    pub refuses_key: fn(&Answer) -> bool,
    /// Whether a 429 is returned as a response, because it may be about our own caller, instead of
    /// as a failure.
    pub hands_back_limits: bool,
}

/// The place where a provider expects the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In `Authorization: Bearer`.
    Header,
    /// In this field of the JSON body.
    Body(&'static str),
}

impl<K: Credential> KeyedProvider<K> {
    /// Sends `call`, and a second time with a newer key if the provider rejects the first. Returns
    /// responses of any status, except those that mean that the provider is failing, rate-limiting
    /// us or rejecting our key.
    pub async fn send(&self, call: &Call<'_>) -> Result<Answer, ProviderError> {
        let began = self.provider.clock.now();
        let result = self.send_keyed(call).await;
        self.provider.ended(call, began, result)
    }

    async fn send_keyed(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        let stored = self.key.load().await?;
        let answer = self.provider.attempt(call, Some(&self.key.to_send(&stored)?)).await?;
        if !(call.refuses_key)(&answer) {
            return Ok(answer);
        }
        let Some(newer) = self.key.after_refusal_of(&stored).await else {
            return Err(Failure::KeyRefused(answer.status));
        };
        let answer = self.provider.attempt(call, Some(&self.key.to_send(&newer)?)).await?;
        if (call.refuses_key)(&answer) {
            return Err(Failure::KeyRefused(answer.status));
        }
        Ok(answer)
    }
}

impl Provider {
    /// The provider at `base`.
    pub(crate) fn new(name: &'static str, base: Url, settings: &Settings) -> Self {
        Self { name, base, http: settings.http(), clock: settings.clock() }
    }

    /// Opens a connection to the provider while the function starts, for a function whose first
    /// request is likely to need it.
    pub(crate) fn open_ahead(&self, settings: &mut Settings) {
        settings.open_ahead(&self.base, 1);
    }

    /// The same for a function whose first two calls are made side by side, so that neither of them
    /// waits for a connection of its own.
    pub(crate) fn open_two_ahead(&self, settings: &mut Settings) {
        settings.open_ahead(&self.base, 2);
    }

    /// The same API with a credential.
    pub fn with_key<K: Credential>(self, key: K) -> KeyedProvider<K> {
        KeyedProvider { provider: self, key }
    }

    /// Sends `call` without a key. Returns responses of any status, except those that mean that the
    /// provider is failing or rate-limiting us.
    pub async fn send(&self, call: &Call<'_>) -> Result<Answer, ProviderError> {
        let began = self.clock.now();
        let result = self.attempt(call, None).await;
        self.ended(call, began, result)
    }

    /// Counts a call that has ended.
    fn ended(
        &self,
        call: &Call<'_>,
        began: Timestamp,
        result: Result<Answer, Failure>,
    ) -> Result<Answer, ProviderError> {
        let at = self.clock.now();
        let took = at.since(began);
        match result {
            Ok(mut answer) => {
                let (provider, status) = (self.name, answer.status);
                let failure = OnceLock::new();
                answer.count = Some(CallCount { provider, status, failure, took, at });
                Ok(answer)
            }
            Err(failure) => {
                metrics::called(self.name, failure.outcome(), took, at);
                Err(ProviderError { provider: self.name, call: call.name, failure })
            }
        }
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        key: Option<&SecretString>,
    ) -> Result<Answer, Failure> {
        let began = self.clock.now();
        let mut attempts = Attempts::new(call.retry);
        let (status, mut result) = loop {
            // Boxed, because it is large and part of every request's future.
            let result = Box::pin(self.exchange(call, key)).await;
            let status = result.as_ref().map(|answer| answer.status.as_u16()).ok();
            let result = result.and_then(|answer| answer.unless_failing(call.hands_back_limits));
            let Some(pause) = result.as_ref().err().and_then(|error| attempts.pause_after(error))
            else {
                break (status, result);
            };
            let left = request_scope::time_left(self.clock.now());
            if left.is_some_and(|left| left < pause + MIN_TIME_LEFT) {
                break (status, result);
            }
            tokio::time::sleep(pause).await;
        };
        if let Ok(answer) = &mut result {
            answer.after_lost_attempt = attempts.sent;
        }
        let took = self.clock.now().since(began).as_secs_f64() * 1000.0;
        let failure = result.as_ref().err().map(tracing::field::display);
        tracing::info!(
            provider = self.name,
            call = call.name,
            status,
            failure,
            attempts = attempts.failed + u32::from(result.is_ok()),
            ms = (took * 10.0).round() / 10.0,
            "provider call"
        );
        result
    }

    async fn exchange(
        &self,
        call: &Call<'_>,
        key: Option<&SecretString>,
    ) -> Result<Answer, Failure> {
        let left = request_scope::time_left(self.clock.now()).unwrap_or(call.time_limit);
        // A call that is sent once must not use up its code and then have no time for the answer.
        let is_late = call.retry == Retry::Never && left < MIN_TIME_LEFT;
        if left.is_zero() || is_late {
            return Err(Failure::Unreachable("no time left"));
        }
        let idle = if call.retry == Retry::Never { SINGLE_SEND_IDLE_TIMEOUT } else { IDLE_TIMEOUT };
        let limits = Limits { idle, time: call.time_limit.min(left), bytes: call.max_bytes };
        let received = self.http.send(self.request(call, key)?, limits).await?;
        // A failure is recognized without its body.
        if !received.is_whole && received.status.is_success() {
            return Err(Failure::Unreadable("it is too long"));
        }
        Ok(Answer {
            provider: self.name,
            call: call.name,
            status: received.status,
            after_lost_attempt: false,
            headers: received.headers,
            body: received.body,
            received: self.clock.now(),
            count: None,
        })
    }

    fn request(
        &self,
        call: &Call<'_>,
        key: Option<&SecretString>,
    ) -> Result<http::Request<Bytes>, Failure> {
        let url = self.address(call.path, call.query);
        let mut request = http::Request::builder().method(call.method.clone()).uri(url.as_str());
        if let (Some(key), KeyPlace::Header) = (key, call.key) {
            let bearer = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()));
            let mut bearer = bearer.map_err(|_| UNSENDABLE)?;
            bearer.set_sensitive(true);
            request = request.header(AUTHORIZATION, bearer);
        }
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        let body = match call.body_with(key) {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                body.to_string().into()
            }
            None => Bytes::new(),
        };
        request.body(body).map_err(|_| UNSENDABLE)
    }

    /// The URL of `path`, given by segment, and `query` below the base URL, which can have paths
    /// because [`Settings::base_url`](crate::settings::Settings::base_url) accepts no others.
    pub fn address(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

impl<'a> Call<'a> {
    /// A `GET` with one retry and no query. The key goes in the header, and 401 means that it was
    /// rejected.
    pub fn get(name: &'static str, path: &'a [&'a str]) -> Self {
        Self {
            name,
            method: Method::GET,
            path,
            query: &[],
            headers: &[],
            body: None,
            key: KeyPlace::Header,
            retry: Retry::Once,
            time_limit: CALL_TIMEOUT,
            max_bytes: MAX_ANSWER_BYTES,
            refuses_key: Answer::is_unauthorized,
            hands_back_limits: false,
        }
    }

    /// A `POST` without retries, otherwise like [`get`](Self::get).
    pub fn post(name: &'static str, path: &'a [&'a str], body: Option<serde_json::Value>) -> Self {
        Self { method: Method::POST, body, retry: Retry::Never, ..Self::get(name, path) }
    }

    fn body_with(&self, key: Option<&SecretString>) -> Option<serde_json::Value> {
        let mut body = self.body.clone();
        if let (Some(serde_json::Value::Object(fields)), Some(key), KeyPlace::Body(field)) =
            (&mut body, key, self.key)
        {
            fields.insert(field.to_owned(), key.expose_secret().into());
        }
        body
    }
}
