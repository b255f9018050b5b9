//! LiveKit's server API, which uses Twirp: `POST /twirp/<service>/<method>` with JSON or protobuf.
//! <https://docs.livekit.io/reference/server/server-apis/>,
//! <https://twitchtv.github.io/twirp/docs/spec_v7.html>
//!
//! We use JSON: we need few messages, they are small, we already depend on serde, and generated
//! protobuf types would cost more at every cold start than they save on the wire.

mod egress;
mod egress_info;
mod room_service;

use std::time::Duration;

use http::StatusCode;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::ApiError;
use crate::http::CALL_TIMEOUT;
use crate::livekit::access_token::Grant;
use crate::livekit::keys::{KeyPair, Keys};
use crate::provider::{
    Answer, Call, Credential, Failure, KeyedProvider, MAX_ANSWER_BYTES, Provider, ProviderError,
    Retry,
};
use crate::secrets::SecretError;
use crate::settings::{Incomplete, Settings};

pub use egress_info::EgressId;
pub(super) use egress_info::{ConfirmedEgress, EgressInfo, Status};
pub(super) use room_service::TrackSource;

/// The server API of a LiveKit server or project.
#[derive(Clone, Debug)]
pub(super) struct ServerApi {
    provider: Provider,
    keys: Keys,
}

/// A call of the server API.
pub(super) struct Method<'a> {
    /// The service, with its package.
    pub(super) service: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    /// The grant of its token.
    pub(super) grant: Grant<'a>,
    /// Whether it is idempotent.
    pub(super) repeatable: bool,
    /// The timeout.
    pub(super) time_limit: Duration,
    /// The longest response that is read, in bytes.
    pub(super) max_bytes: usize,
}

impl<'a> Method<'a> {
    /// An idempotent call with the usual timeout.
    pub(super) fn repeatable(service: &'static str, name: &'static str, grant: Grant<'a>) -> Self {
        Self {
            service,
            name,
            grant,
            repeatable: true,
            time_limit: CALL_TIMEOUT,
            max_bytes: MAX_ANSWER_BYTES,
        }
    }
}

/// Why a call of the server API failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The room, participant or egress does not exist.
    #[error("livekit does not know the room, participant or egress")]
    NotFound,
    /// The egress is in the wrong state.
    #[error("livekit refuses the call in the current state")]
    FailedPrecondition {
        /// Whether an earlier attempt of this call may have changed the state.
        after_lost_attempt: bool,
    },
    /// Anything else.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl CallError {
    /// Whether LiveKit refuses the call because of an egress's state, or no longer knows the
    /// egress.
    pub(super) fn is_of_state(&self) -> bool {
        matches!(self, Self::NotFound | Self::FailedPrecondition { .. })
    }

    /// Whether the call may still have taken effect.
    pub(super) fn leaves_open(&self) -> bool {
        matches!(self, Self::Provider(error) if error.leaves_open())
    }
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Provider(error) => error.into(),
            // Callers handle these two variants where they can occur.
            unexpected => Self::bad_gateway(unexpected),
        }
    }
}

/// Twirp's error. We do not read its message, which may quote user input.
#[derive(Deserialize)]
struct TwirpError {
    code: String,
}

/// The API key as a credential, sent as a token for one call.
#[derive(Clone, Copy)]
struct ServerKey<'a> {
    keys: &'a Keys,
    grant: Grant<'a>,
}

impl Credential for ServerKey<'_> {
    type Stored = KeyPair;

    async fn load(&self) -> Result<KeyPair, SecretError> {
        self.keys.read().await
    }

    async fn after_refusal_of(&self, refused: &KeyPair) -> Option<KeyPair> {
        self.keys.after_refusal_of(refused).await
    }

    fn to_send(&self, stored: &KeyPair) -> Result<SecretString, SecretError> {
        stored
            .server_token(self.grant, self.keys.clock.now())
            .map_err(|error| SecretError::Misconfigured(error.to_string()))
    }
}

impl ServerApi {
    /// Reads `LIVEKIT_URL` and the settings of [`Keys::configure`].
    pub(super) fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (keys, base) = (Keys::configure(settings), settings.socket_url("LIVEKIT_URL"));
        let provider = Provider::new("livekit", base?, settings);
        provider.open_ahead(settings);
        Ok(Self { provider, keys: keys? })
    }

    /// Opens a second connection while the function starts, for a function whose first two calls run in
    /// parallel.
    pub(super) fn open_second_ahead(&self, settings: &mut Settings) {
        self.provider.open_two_ahead(settings);
    }

    /// Calls `method` with `message` and reads the response.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &Method<'_>,
        message: Value,
    ) -> Result<T, CallError> {
        read(&self.send(method, message).await?)
    }

    /// Calls `method` with `message`.
    pub(super) async fn send(
        &self,
        method: &Method<'_>,
        message: Value,
    ) -> Result<Answer, CallError> {
        let path = ["twirp", method.service, method.name];
        let call = Call {
            retry: if method.repeatable { Retry::Once } else { Retry::Never },
            time_limit: method.time_limit,
            max_bytes: method.max_bytes,
            refuses_key,
            // Twirp's code tells what a 429 is about.
            hands_back_limits: true,
            ..Call::post(method.name, &path, Some(message))
        };
        let key = ServerKey { keys: &self.keys, grant: method.grant };
        let keyed: KeyedProvider<ServerKey<'_>> = self.provider.clone().with_key(key);
        Ok(keyed.send(&call).await?)
    }
}

/// Reads a response.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, CallError> {
    match answer.status {
        StatusCode::OK => Ok(answer.json()?),
        _ => Err(refusal(answer)),
    }
}

/// Whether LiveKit rejects our key or signature. It rejects a missing grant the same way.
fn refuses_key(answer: &Answer) -> bool {
    answer.is_unauthorized() || twirp_code(answer).is_some_and(|code| code == "unauthenticated")
}

/// Twirp's code in an unsuccessful response.
fn twirp_code(answer: &Answer) -> Option<String> {
    if answer.status == StatusCode::OK {
        return None;
    }
    answer.json::<TwirpError>().ok().map(|error| error.code)
}

/// The error in an unsuccessful response. Twirp's code decides, not the status: versions of Twirp
/// map a code to different statuses, and a 404 may also mean a wrong address.
/// <https://twitchtv.github.io/twirp/docs/spec_v7.html#error-codes>
fn refusal(answer: &Answer) -> CallError {
    let (status, retry_after) = (answer.status, answer.retry_after());
    let failure = match twirp_code(answer).as_deref() {
        Some("not_found") => return CallError::NotFound,
        Some("failed_precondition") => {
            return CallError::FailedPrecondition { after_lost_attempt: answer.after_lost_attempt };
        }
        Some("resource_exhausted") => Failure::Limiting { retry_after },
        Some("unavailable" | "deadline_exceeded" | "canceled" | "aborted") => {
            Failure::Failing { status, retry_after }
        }
        _ if status == StatusCode::TOO_MANY_REQUESTS => Failure::Limiting { retry_after },
        _ => Failure::Unexpected(status),
    };
    answer.error(failure).into()
}

/// Reads the objects in a list and skips other items. A list that is missing or has another type is
/// an error, because it must not count as empty.
pub(super) fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let items = Option::<Vec<Box<RawValue>>>::deserialize(deserializer)?.unwrap_or_default();
    let objects = items.iter().map(|item| item.get()).filter(|item| item.starts_with('{'));
    Ok(objects.filter_map(|item| serde_json::from_str(item).ok()).collect())
}

impl ProviderError {
    /// Whether the call may still have taken effect.
    pub(super) fn leaves_open(&self) -> bool {
        match self.failure {
            Failure::Unanswered(_)
            | Failure::Unreachable(_)
            | Failure::Failing { .. }
            | Failure::Unreadable(_) => true,
            Failure::KeyRefused(_)
            | Failure::Unexpected(_)
            | Failure::Limiting { .. }
            | Failure::Paused { .. }
            | Failure::NoKey(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::RETRY_AFTER;
    use http::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::*;
    use crate::http::SendError;

    fn answer(status: u16, body: &Value) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        Answer::made_up(status, headers, body)
    }

    /// The failure that a response represents, unless it is about the state of a room or egress.
    fn failure(status: u16, body: &Value) -> Option<Failure> {
        match refusal(&answer(status, body)) {
            CallError::Provider(error) => Some(error.failure),
            CallError::NotFound | CallError::FailedPrecondition { .. } => None,
        }
    }

    #[test]
    fn twirps_code_decides_whatever_the_status_is() {
        let retry_after = Some(Duration::from_secs(7));
        for (code, statuses) in [
            ("not_found", [404, 400, 412]),
            ("failed_precondition", [412, 400, 404]),
            ("resource_exhausted", [429, 403, 400]),
            ("deadline_exceeded", [408, 504, 400]),
            ("canceled", [408, 499, 400]),
            ("aborted", [409, 408, 400]),
            ("unavailable", [503, 403, 400]),
            ("permission_denied", [403, 400, 412]),
            ("invalid_argument", [400, 403, 412]),
            ("bad_route", [404, 400, 405]),
            ("of_another_version", [400, 403, 404]),
        ] {
            for status in statuses {
                let found = refusal(&answer(status, &json!({ "code": code, "msg": "secret" })));
                assert!(!found.to_string().contains("secret"));
                let status_code = StatusCode::from_u16(status).expect("a status");
                let failing = Failure::Failing { status: status_code, retry_after };
                let is_expected = match (code, found) {
                    ("not_found", CallError::NotFound)
                    | (
                        "failed_precondition",
                        CallError::FailedPrecondition { after_lost_attempt: false },
                    ) => true,
                    ("resource_exhausted", CallError::Provider(error)) => {
                        error.failure == Failure::Limiting { retry_after }
                    }
                    (
                        "deadline_exceeded" | "canceled" | "aborted" | "unavailable",
                        CallError::Provider(error),
                    ) => error.failure == failing,
                    (_, CallError::Provider(error)) => {
                        error.failure == Failure::Unexpected(status_code)
                    }
                    _ => false,
                };
                assert!(is_expected, "{code} with {status}");
            }
        }
    }

    #[test]
    fn what_is_not_twirps_goes_by_its_status() {
        for body in [json!("404 page not found"), json!({}), json!({ "code": 403 }), json!([])] {
            assert_eq!(failure(404, &body), Some(Failure::Unexpected(StatusCode::NOT_FOUND)));
            let limiting = Failure::Limiting { retry_after: Some(Duration::from_secs(7)) };
            assert_eq!(failure(429, &body), Some(limiting), "{body}");
        }
    }

    #[test]
    fn an_error_says_whether_the_call_may_have_taken_effect() {
        let status = StatusCode::BAD_GATEWAY;
        for (failure, leaves_open) in [
            (Failure::Unanswered(SendError::Broken), true),
            (Failure::Failing { status, retry_after: None }, true),
            (Failure::Unreadable("not JSON"), true),
            (Failure::KeyRefused(status), false),
            (Failure::Unexpected(status), false),
            (Failure::Limiting { retry_after: None }, false),
            (Failure::Paused { retry_after: Duration::ZERO }, false),
            (Failure::NoKey(SecretError::Misconfigured(String::new())), false),
        ] {
            let error = CallError::from(answer(200, &json!({})).error(failure));
            assert_eq!(error.leaves_open(), leaves_open, "{error}");
            assert!(!error.is_of_state(), "{error}");
        }
        for error in
            [CallError::NotFound, CallError::FailedPrecondition { after_lost_attempt: false }]
        {
            assert!(error.is_of_state() && !error.leaves_open(), "{error}");
        }
    }

    #[test]
    fn only_a_refusal_of_our_key_is_taken_for_one() {
        for (status, code, refused) in [
            (401, "unauthenticated", true),
            (403, "unauthenticated", true),
            (401, "of_another_version", true),
            (403, "permission_denied", false),
            (403, "resource_exhausted", false),
            (200, "unauthenticated", false),
        ] {
            let answer = answer(status, &json!({ "code": code, "msg": "" }));
            assert_eq!(refuses_key(&answer), refused, "{code} with {status}");
        }
    }
}
