//! A provider's HTTP API behind a secret key, and every way in which calling it can fail.
//!
//! The clients in [`clerk`](crate::clerk) and [`liveblocks`](crate::liveblocks) say what they call
//! and which answers mean what; this module adds the key, reads the answer within its limits, sorts
//! failures, takes a rotated key into use, and logs one line a call.

use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::clock::Clock;
use crate::http::Http;
use crate::secrets::{Secret, SecretError};

/// The longest answer that is read; none of the documented ones comes near it.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

const BROKEN: &str = "the connection broke";

/// A provider's API.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name in logs.
    pub name: &'static str,
    /// The base of its addresses.
    pub base: Url,
    /// The key that goes along as `Authorization: Bearer`.
    pub key: Secret,
    /// The one HTTP client.
    pub http: Http,
    /// The clock.
    pub clock: Clock,
}

/// One call of a provider's API. Its body may hold personal data: it is not printed.
pub struct Call<'a> {
    /// What it is called in logs.
    pub name: &'static str,
    /// `GET` or `POST`.
    pub method: Method,
    /// The path below the provider's base, a segment each. They are percent-encoded here, so that
    /// an identifier cannot reach another path.
    pub path: &'a [&'a str],
    /// The JSON body, if there is one.
    pub body: Option<serde_json::Value>,
    /// Whether sending it twice does no more than sending it once. Only then is it sent again on a
    /// connection that broke: after a pause Lambda may wake up with connections that are long gone.
    pub repeatable: bool,
    /// Says whether an answer is the provider's refusal of our key.
    pub refuses_key: fn(&Answer) -> bool,
}

/// A provider's answer, read whole. It may hold secrets and personal data: it is not printed.
pub struct Answer {
    provider: &'static str,
    call: &'static str,
    /// Its status.
    pub status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Why a call of a provider brought nothing. Nothing in it is secret or personal.
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

/// What can go wrong between us and a provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The provider refuses our own credentials.
    #[error("refused our key with {0}")]
    KeyRefused(StatusCode),
    /// A status that the provider does not document for this call, or a refusal of our request.
    #[error("answered {0}, which is not expected of this call")]
    Unexpected(StatusCode),
    /// A success that cannot be read.
    #[error("an unreadable answer: {0}")]
    Unreadable(&'static str),
    /// No connection, a time-out, or an answer that broke off.
    #[error("{0}")]
    Unreachable(&'static str),
    /// The provider says itself that it is failing, or a gateway in front of it does.
    #[error("is failing with {status}")]
    Failing {
        /// Its status.
        status: StatusCode,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The provider limits how often we may call it.
    #[error("limits our calls")]
    Limiting {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// There is no key to call it with.
    #[error("no key: {0}")]
    NoKey(#[from] SecretError),
}

impl Provider {
    /// Sends `call`, with a newer key when the one at hand is refused. Answers of every status
    /// come back, except those that say that the provider is failing or limits or refuses us.
    pub async fn send(&self, call: &Call<'_>) -> Result<Answer, ProviderError> {
        self.send_keyed(call).await.map_err(|failure| ProviderError {
            provider: self.name,
            call: call.name,
            failure,
        })
    }

    async fn send_keyed(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        let key = self.key.read().await?;
        let answer = self.attempt(call, &key).await?;
        if !(call.refuses_key)(&answer) {
            return Ok(answer);
        }
        let Some(newer) = self.key.after_refusal_of(&key).await else {
            return Err(Failure::KeyRefused(answer.status));
        };
        let answer = self.attempt(call, &newer).await?;
        if (call.refuses_key)(&answer) {
            return Err(Failure::KeyRefused(answer.status));
        }
        Ok(answer)
    }

    async fn attempt(&self, call: &Call<'_>, key: &SecretString) -> Result<Answer, Failure> {
        let began = self.clock.now();
        let mut result = self.exchange(call, key).await;
        if call.repeatable && matches!(result, Err(Failure::Unreachable(BROKEN))) {
            result = self.exchange(call, key).await;
        }
        let took = self.clock.now().since(began).as_secs_f64() * 1000.0;
        let status = result.as_ref().map(|answer| answer.status.as_u16()).ok();
        let failure = result.as_ref().err().map(tracing::field::display);
        tracing::info!(
            provider = self.name,
            call = call.name,
            status,
            failure,
            ms = (took * 10.0).round() / 10.0,
            "provider call"
        );
        result.and_then(Answer::unless_failing)
    }

    async fn exchange(&self, call: &Call<'_>, key: &SecretString) -> Result<Answer, Failure> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::Unreachable("has no usable address"))?
            .pop_if_empty()
            .extend(call.path);
        let mut request =
            self.http.request(call.method.clone(), url).bearer_auth(key.expose_secret());
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(Failure::Unreadable("it is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            provider: self.name,
            call: call.name,
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }
}

fn unreachable(error: &reqwest::Error) -> Failure {
    Failure::Unreachable(if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_builder() {
        "the key has characters that no header can carry"
    } else {
        BROKEN
    })
}

impl Answer {
    fn unless_failing(self) -> Result<Self, Failure> {
        let retry_after = self.retry_after();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Failure::Limiting { retry_after });
        }
        let is_page = self
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let status = self.status;
        if status.is_server_error() || (is_page && !status.is_success()) {
            return Err(Failure::Failing { status, retry_after });
        }
        Ok(self)
    }

    /// The body as `T`, or the reason why a success cannot be read.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            self.error(Failure::Unreadable(match error.classify() {
                serde_json::error::Category::Data => "it is JSON of another shape",
                _ => "it is not JSON",
            }))
        })
    }

    /// This answer as the error that it is: a status that nobody expects of the call.
    pub fn unexpected(&self) -> ProviderError {
        self.error(Failure::Unexpected(self.status))
    }

    /// This answer as an error, for a reason.
    pub fn error(&self, failure: Failure) -> ProviderError {
        ProviderError { provider: self.provider, call: self.call, failure }
    }

    /// `Retry-After` in seconds; its other form, a date, is not read.
    /// <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>
    fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        value.trim().parse().ok().map(Duration::from_secs)
    }
}

impl Call<'_> {
    /// A value as the JSON body of a call.
    pub fn json(body: &impl Serialize) -> Option<serde_json::Value> {
        serde_json::to_value(body).ok()
    }
}
