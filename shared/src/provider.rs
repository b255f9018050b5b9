//! Calls to a provider's HTTP API, with or without a secret key, and the ways in which they can
//! fail.
//!
//! The provider clients define the calls and interpret the responses. This module adds the key,
//! reads the response within its limits, classifies failures, switches to a rotated key, and logs
//! one line per call.

use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use url::Url;

use crate::clock::{Clock, Timestamp};
use crate::http::{CALL_TIMEOUT, Http, IDLE_TIMEOUT, Limits, SINGLE_SEND_IDLE_TIMEOUT, SendError};
use crate::json;
use crate::metrics;
use crate::request_scope;
use crate::secrets::{Secret, SecretError};
use crate::settings::Settings;

/// The longest response that we read unless a call allows more. No documented response comes close.
pub(crate) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

const NO_CONNECTION: &str = "no connection";
const BROKEN: &str = "the connection broke";
const TIMED_OUT: &str = "timed out";
const UNSENDABLE: &str = "the key has characters that are not allowed in a header";

/// The pause before the first retry. Each pause is twice the previous one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The maximum total of a call's pauses.
const MAX_PAUSES: Duration = Duration::from_secs(5);

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

/// When a failed call is retried: always on a new connection, and only while the request has time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Never, because the call is not idempotent. It gets a new connection unless the provider has
    /// responded within the last second.
    Never,
    /// Once, after a broken connection or a timeout, because the call is idempotent.
    Once,
    /// After a broken connection, a timeout, 408, 429 or 5xx, while the request has time and the
    /// pauses total less than five seconds, because the provider responds to every repetition the
    /// same way.
    WhileTimeLasts {
        /// Whether to pause before retries. Without pauses there is one retry, or none if the
        /// provider sends `Retry-After`.
        pause: bool,
    },
}

/// The attempts of one call so far.
struct Attempts {
    retry: Retry,
    failed: u32,
    paused: Duration,
    /// Whether one of them may have reached the provider.
    sent: bool,
}

impl Attempts {
    fn new(retry: Retry) -> Self {
        Self { retry, failed: 0, paused: Duration::ZERO, sent: false }
    }

    /// The pause before the next attempt after `failure`, if there is one.
    fn pause_after(&mut self, failure: &Failure) -> Option<Duration> {
        self.failed += 1;
        self.sent |= *failure != Failure::Unreachable(NO_CONNECTION);
        let is_first = self.failed == 1;
        let lost = matches!(failure, Failure::Unreachable(NO_CONNECTION | BROKEN | TIMED_OUT));
        match self.retry {
            Retry::Never => None,
            Retry::Once => (is_first && lost).then_some(Duration::ZERO),
            Retry::WhileTimeLasts { pause: false } => {
                let told = failure.retry_after().is_some_and(|wait| !wait.is_zero());
                (is_first && failure.may_pass() && !told).then_some(Duration::ZERO)
            }
            Retry::WhileTimeLasts { pause: true } if !failure.may_pass() => None,
            // The connection failed, probably not the provider.
            Retry::WhileTimeLasts { pause: true } if is_first && lost => Some(Duration::ZERO),
            Retry::WhileTimeLasts { pause: true } => self.longer_pause(failure.retry_after()),
        }
    }

    fn longer_pause(&mut self, told: Option<Duration>) -> Option<Duration> {
        let left = MAX_PAUSES.saturating_sub(self.paused);
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.failed - 1)).min(left);
        let pause = pause.max(told.unwrap_or_default());
        if left.is_zero() || pause > left {
            return None;
        }
        self.paused += pause;
        Some(pause)
    }
}

/// The place where a provider expects the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In `Authorization: Bearer`.
    Header,
    /// In this field of the JSON body.
    Body(&'static str),
}

/// A provider's complete response. It may hold secrets and personal data, so it has no `Debug`.
pub struct Answer {
    provider: &'static str,
    call: &'static str,
    /// Its status.
    pub status: StatusCode,
    /// Whether an earlier attempt may have taken effect: it had no usable response, but a connection.
    pub after_lost_attempt: bool,
    headers: HeaderMap,
    body: Vec<u8>,
    received: Timestamp,
    count: Option<CallCount>,
}

/// Counts a call when its response is dropped, because only reading the response shows whether it
/// was usable.
struct CallCount {
    provider: &'static str,
    status: StatusCode,
    failure: OnceLock<&'static str>,
    took: Duration,
    at: Timestamp,
}

impl CallCount {
    fn outcome(&self) -> &'static str {
        let answered = if self.status.is_client_error() { "refused" } else { "ok" };
        self.failure.get().copied().unwrap_or(answered)
    }
}

impl Drop for CallCount {
    fn drop(&mut self) {
        metrics::called(self.provider, self.outcome(), self.took, self.at);
    }
}

/// Why a call failed. Nothing in it is secret or personal.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{provider} {call}: {failure}")]
pub struct ProviderError {
    /// The provider's name.
    pub provider: &'static str,
    /// The call's name.
    pub call: &'static str,
    /// What went wrong.
    pub failure: Failure,
}

/// The ways in which a call can fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The provider rejected our own credentials.
    #[error("rejected our key with {0}")]
    KeyRefused(StatusCode),
    /// A status that is not documented for this call, or a rejection of our request.
    #[error("unexpected status {0}")]
    Unexpected(StatusCode),
    /// A success that cannot be read.
    #[error("unreadable response: {0}")]
    Unreadable(&'static str),
    /// No connection, a timeout, or an incomplete response.
    #[error("{0}")]
    Unreachable(&'static str),
    /// The provider, or a gateway in front of it, reports a failure.
    #[error("failed with {status}")]
    Failing {
        /// Its status.
        status: StatusCode,
        /// When to try again, if the provider says so.
        retry_after: Option<Duration>,
    },
    /// The provider is rate-limiting us.
    #[error("is rate-limiting us")]
    Limiting {
        /// When to try again, if the provider says so.
        retry_after: Option<Duration>,
    },
    /// The provider was called a moment ago and is not called again yet.
    #[error("skipped while backing off after a recent attempt")]
    Paused {
        /// When it will be called again.
        retry_after: Duration,
    },
    /// No key is available to call it with.
    #[error("no key: {0}")]
    NoKey(#[from] SecretError),
}

impl Failure {
    /// The outcome's name in metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::KeyRefused(_) => "key_refused",
            Self::Unexpected(_) => "unexpected",
            Self::Unreadable(_) => "unreadable",
            Self::Unreachable(_) => "unreachable",
            Self::Failing { .. } => "failing",
            Self::Limiting { .. } => "limited",
            Self::Paused { .. } => "paused",
            Self::NoKey(_) => "no_key",
        }
    }

    /// Whether the same call may succeed on a retry.
    fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(what) => *what != UNSENDABLE,
            Self::Failing { .. } | Self::Limiting { .. } => true,
            _ => false,
        }
    }

    /// When the provider wants to be called again, if it says so.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Failing { retry_after, .. } | Self::Limiting { retry_after } => *retry_after,
            Self::Paused { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
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
            let mut bearer = bearer.map_err(|_| Failure::Unreachable(UNSENDABLE))?;
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
        request.body(body).map_err(|_| Failure::Unreachable(UNSENDABLE))
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

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        Self::Unreachable(match error {
            SendError::NoConnection => NO_CONNECTION,
            SendError::TimedOut => TIMED_OUT,
            SendError::Broken => BROKEN,
        })
    }
}

impl Answer {
    fn unless_failing(self, hands_back_limits: bool) -> Result<Self, Failure> {
        let retry_after = self.retry_after();
        let is_page = self.is_page();
        let status = self.status;
        if status == StatusCode::TOO_MANY_REQUESTS {
            // The provider's own rate limits come with its own JSON. Gateways in front of it also
            // have rate limits, which never concern a single caller.
            let body = self.json::<Box<RawValue>>();
            let is_own = !is_page && body.is_ok_and(|body| body.get().starts_with('{'));
            if !hands_back_limits || !is_own {
                return Err(Failure::Limiting { retry_after });
            }
        }
        if status == StatusCode::REQUEST_TIMEOUT
            || status.is_server_error()
            || (is_page && !status.is_success())
        {
            return Err(Failure::Failing { status, retry_after });
        }
        Ok(self)
    }

    /// Whether it is a gateway's HTML page.
    fn is_page(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let media_type = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        let pages = ["text/html", "application/xhtml+xml"];
        pages.iter().any(|page| media_type.eq_ignore_ascii_case(page))
    }

    /// Whether the status is 401, with which most providers reject a key.
    pub fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// The body as `T`, or the reason why a success cannot be read.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        json::from_slice(&self.body).map_err(|error| {
            let failure = Failure::Unreadable(match error.classify() {
                serde_json::error::Category::Data => "it is JSON of another type",
                _ => "it is not JSON",
            });
            // Error bodies come in many formats, so an unreadable one is not counted.
            if self.status.is_success() { self.error(failure) } else { self.uncounted(failure) }
        })
    }

    /// The body as text, if it is UTF-8.
    pub fn text(&self) -> Option<&str> {
        str::from_utf8(&self.body).ok()
    }

    /// The error for a status that the call does not expect.
    pub fn unexpected(&self) -> ProviderError {
        self.error(Failure::Unexpected(self.status))
    }

    /// An error about this response.
    pub fn error(&self, failure: Failure) -> ProviderError {
        if let Some(count) = &self.count {
            let _ = count.failure.set(failure.outcome());
        }
        self.uncounted(failure)
    }

    fn uncounted(&self, failure: Failure) -> ProviderError {
        ProviderError { provider: self.provider, call: self.call, failure }
    }

    /// `Retry-After`, a number of seconds or a date. A date in the past means now.
    /// <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.headers.get(RETRY_AFTER)?.to_str().ok()?, self.received)
    }
}

/// How long to wait, according to a `Retry-After` that was received at `now`.
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let date = Timestamp::EPOCH.after(date.duration_since(UNIX_EPOCH).ok()?);
    Some(date.since(now))
}

#[cfg(test)]
impl Answer {
    /// A made-up response, for tests.
    pub(crate) fn made_up(status: u16, headers: HeaderMap, body: &serde_json::Value) -> Self {
        Self {
            provider: "provider",
            call: "call",
            status: StatusCode::from_u16(status).expect("a status"),
            headers,
            body: body.to_string().into_bytes(),
            received: Timestamp::EPOCH,
            count: None,
            after_lost_attempt: false,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, content_type: &'static str) -> Answer {
        answer_of(status, content_type, "7", "{}")
    }

    fn answer_of(
        status: u16,
        content_type: &'static str,
        retry_after: &'static str,
        body: &str,
    ) -> Answer {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (RETRY_AFTER, HeaderValue::from_static(retry_after)),
        ];
        let headers = headers.into_iter().collect();
        let body = body.as_bytes().to_vec();
        Answer { body, ..Answer::made_up(status, headers, &serde_json::json!({})) }
    }

    #[test]
    fn when_to_come_back_is_a_number_of_seconds_or_a_date() {
        // 2025-07-14T09:54:56Z
        let received = Timestamp::EPOCH.after(Duration::from_millis(1_752_486_896_250));
        for (value, milliseconds) in [
            ("7", Some(7000)),
            (" 7 ", Some(7000)),
            ("0", Some(0)),
            ("Mon, 14 Jul 2025 09:55:03 GMT", Some(6750)),
            ("Monday, 14-Jul-25 09:55:03 GMT", Some(6750)),
            ("Mon Jul 14 09:55:03 2025", Some(6750)),
            ("Mon, 14 Jul 2025 10:54:56 GMT", Some(3_599_750)),
            ("Mon, 14 Jul 2025 09:54:56 GMT", Some(0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("-7", None),
            ("7.5", None),
            ("soon", None),
            ("", None),
        ] {
            let mut answer = answer_of(503, "application/json", value, "{}");
            answer.received = received;
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(answer.retry_after(), expected, "{value}");
        }
    }

    #[test]
    fn only_a_limit_in_the_providers_own_json_is_about_the_caller() {
        let own = r#"{"code":"rate_limit_exceeded","message":"Rate limit exceeded."}"#;
        for (content_type, body, is_own) in [
            ("application/json", own, true),
            ("application/json; charset=utf-8", r#"{"name":"\ud83d","more":1e400}"#, true),
            ("text/plain", "error code: 1015", false),
            ("application/json", "error code: 1015", false),
            ("application/json", r#""error code: 1015""#, false),
            ("application/json", "1015", false),
            ("application/json", "[]", false),
            ("application/json", "null", false),
            ("application/json", "", false),
            ("Text/HTML", own, false),
        ] {
            let result = answer_of(429, content_type, "7", body).unless_failing(true);
            assert_eq!(result.is_ok(), is_own, "{content_type} {body}");
        }
    }

    #[test]
    fn the_pauses_of_a_call_grow_and_end_after_five_seconds() {
        let failing = Failure::Failing { status: StatusCode::BAD_GATEWAY, retry_after: None };
        let lost = Failure::Unreachable(TIMED_OUT);
        let pauses = |failure: &Failure| {
            let mut attempts = Attempts::new(Retry::WhileTimeLasts { pause: true });
            let pauses = std::iter::from_fn(|| attempts.pause_after(failure));
            pauses.take(20).map(|pause| pause.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(pauses(&failing), [100, 200, 400, 800, 1600, 1900]);
        assert_eq!(pauses(&lost), [0, 200, 400, 800, 1600, 2000]);
        let told = |seconds| Some(Duration::from_secs(seconds));
        let limiting = |seconds| Failure::Limiting { retry_after: told(seconds) };
        assert_eq!(pauses(&limiting(2)), [2000, 2000]);
        assert_eq!(pauses(&limiting(5)), [5000]);
        assert_eq!(pauses(&limiting(6)), [0; 0]);
    }

    #[test]
    fn an_attempt_without_a_connection_has_no_effect() {
        for (failures, sent) in [
            (&[NO_CONNECTION][..], false),
            (&[BROKEN], true),
            (&[TIMED_OUT], true),
            (&[BROKEN, NO_CONNECTION], true),
        ] {
            let mut attempts = Attempts::new(Retry::Once);
            for failure in failures {
                attempts.pause_after(&Failure::Unreachable(failure));
            }
            assert_eq!(attempts.sent, sent, "{failures:?}");
        }
    }

    #[test]
    fn a_limit_is_handed_back_to_who_asks_for_it_unless_a_gateway_says_so() {
        let limiting = Failure::Limiting { retry_after: Some(Duration::from_secs(7)) };
        for (content_type, hands_back, failure) in [
            ("application/json", false, Some(limiting.clone())),
            ("application/json", true, None),
            ("text/html; charset=utf-8", false, Some(limiting.clone())),
            ("text/html; charset=utf-8", true, Some(limiting)),
        ] {
            let result = answer(429, content_type).unless_failing(hands_back);
            assert_eq!(result.err(), failure, "{content_type} {hands_back}");
        }
    }

    #[test]
    fn an_answer_counts_as_what_its_reader_makes_of_it() {
        let counted = |status: u16, read: fn(&Answer)| {
            let mut answer = answer(status, "application/json");
            let (provider, at) = ("provider", Timestamp::EPOCH);
            let (failure, took) = (OnceLock::new(), Duration::ZERO);
            answer.count = Some(CallCount { provider, status: answer.status, failure, took, at });
            read(&answer);
            answer.count.as_ref().map(CallCount::outcome).unwrap_or_default()
        };
        let read_in_vain: fn(&Answer) = |answer| assert!(answer.json::<Vec<u8>>().is_err());
        let not_expected: fn(&Answer) = |answer| drop(answer.unexpected());
        let limited: fn(&Answer) =
            |answer| drop(answer.error(Failure::Limiting { retry_after: None }));
        for (status, read, outcome) in [
            (200, (|_| {}) as fn(&Answer), "ok"),
            (200, read_in_vain, "unreadable"),
            (200, not_expected, "unexpected"),
            (404, |_| {}, "refused"),
            (404, read_in_vain, "refused"),
            (404, not_expected, "unexpected"),
            (429, limited, "limited"),
        ] {
            assert_eq!(counted(status, read), outcome, "{status}");
        }
    }

    #[test]
    fn failures_are_errors_even_if_limits_are_handed_back() {
        for hands_back in [false, true] {
            let fails = |status, kind| answer(status, kind).unless_failing(hands_back).is_err();
            assert!(fails(500, "application/json") && fails(503, "text/html"));
            assert!(fails(408, "application/json"), "too slow for itself");
            for page in
                ["text/html", "Text/HTML", "TEXT/HTML ;charset=UTF-8", "application/xhtml+xml"]
            {
                assert!(fails(403, page), "a gateway's page: {page}");
            }
            assert!(!fails(403, "text/html-template") && !fails(403, ""));
            assert!(!fails(403, "application/json") && !fails(200, "text/html"));
        }
    }
}
