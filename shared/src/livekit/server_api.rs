//! LiveKit's server API: Twirp, which is `POST /twirp/<service>/<method>` with JSON or protobuf.
//! <https://docs.livekit.io/reference/server/server-apis/>,
//! <https://twitchtv.github.io/twirp/docs/spec_v7.html>
//!
//! JSON it is: the handful of messages here is small, serde is there already, and a protobuf library
//! with generated types would be more to load at every cold start than it saves on the wire.

use std::time::Duration;

use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::ApiError;
use crate::http::CALL_TIMEOUT;
use crate::livekit::access_token::Grant;
use crate::livekit::keys::{KeyPair, Keys};
use crate::provider::{Answer, Call, Failure, Key, KeyedProvider, Provider, ProviderError, Retry};
use crate::secrets::SecretError;
use crate::settings::{Incomplete, Settings};

/// The server API of a LiveKit server or project.
#[derive(Clone, Debug)]
pub(super) struct ServerApi {
    provider: Provider,
    keys: Keys,
}

/// A call of the server API.
pub(super) struct Method<'a> {
    /// Its service, with the package.
    pub(super) service: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    /// What the token for it grants.
    pub(super) grant: Grant<'a>,
    /// Whether calling it twice does no more than calling it once.
    pub(super) repeatable: bool,
    /// How long it may take.
    pub(super) time_limit: Duration,
}

impl<'a> Method<'a> {
    /// A call that may be sent twice, within the usual time.
    pub(super) fn repeatable(service: &'static str, name: &'static str, grant: Grant<'a>) -> Self {
        Self { service, name, grant, repeatable: true, time_limit: CALL_TIMEOUT }
    }
}

/// Why a call of the server API brought nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum CallError {
    /// What it is about does not exist.
    #[error("livekit knows nothing of that name")]
    NotFound,
    /// What it is about is not in a state for it.
    #[error("livekit says that the state does not allow it")]
    FailedPrecondition,
    /// Anything else.
    #[error("{0}")]
    Provider(#[from] ProviderError),
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Provider(error) => error.into(),
            // Whoever calls what can end so says what it means before it comes to this.
            unexpected => Self::bad_gateway(unexpected),
        }
    }
}

/// Twirp's error. Its message may quote what people wrote and is not read.
#[derive(Deserialize)]
struct TwirpError {
    code: String,
}

/// A key that is shown as a token made for one call.
#[derive(Clone, Copy)]
struct ServerKey<'a> {
    keys: &'a Keys,
    grant: Grant<'a>,
}

impl Key for ServerKey<'_> {
    type Kept = KeyPair;

    async fn kept(&self) -> Result<KeyPair, SecretError> {
        self.keys.read().await
    }

    async fn after_refusal_of(&self, refused: &KeyPair) -> Option<KeyPair> {
        self.keys.after_refusal_of(refused).await
    }

    fn shown(&self, kept: &KeyPair) -> Result<SecretString, SecretError> {
        kept.server_token(self.grant, self.keys.clock.now())
            .map_err(|error| SecretError::Misconfigured(error.to_string()))
    }
}

impl ServerApi {
    /// Reads `LIVEKIT_URL` and what [`Keys::configure`] reads.
    pub(super) fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (keys, base) = (Keys::configure(settings), settings.socket_url("LIVEKIT_URL"));
        let (http, clock) = (settings.http(), settings.clock());
        Ok(Self { provider: Provider { name: "livekit", base: base?, http, clock }, keys: keys? })
    }

    /// Calls `method` with `message` and reads the answer.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &Method<'_>,
        message: Value,
    ) -> Result<T, CallError> {
        let path = ["twirp", method.service, method.name];
        let call = Call {
            retry: if method.repeatable { Retry::Once } else { Retry::Never },
            time_limit: method.time_limit,
            ..Call::post(method.name, &path, Some(message))
        };
        let key = ServerKey { keys: &self.keys, grant: method.grant };
        let keyed: KeyedProvider<ServerKey> = self.provider.clone().with_key(key);
        let answer = keyed.send(&call).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.json()?),
            _ => Err(refusal(&answer)),
        }
    }
}

/// What an answer that is no success means. LiveKit's codes decide, not the statuses that Twirp
/// gives them: a wrong address is 404 as well, and a recorder that is slow 408.
fn refusal(answer: &Answer) -> CallError {
    let Ok(TwirpError { code }) = answer.json() else {
        return answer.unexpected().into();
    };
    match code.as_str() {
        "not_found" => CallError::NotFound,
        "failed_precondition" => CallError::FailedPrecondition,
        "deadline_exceeded" | "canceled" | "aborted" => {
            let (status, retry_after) = (answer.status, answer.retry_after());
            answer.error(Failure::Failing { status, retry_after }).into()
        }
        _ => answer.unexpected().into(),
    }
}

impl ProviderError {
    /// Whether a call that ended so may have done its work all the same.
    pub(super) fn leaves_open(&self) -> bool {
        match self.failure {
            Failure::Unreachable(_) | Failure::Failing { .. } | Failure::Unreadable(_) => true,
            Failure::KeyRefused(_)
            | Failure::Unexpected(_)
            | Failure::Limiting { .. }
            | Failure::Paused { .. }
            | Failure::NoKey(_) => false,
        }
    }
}
