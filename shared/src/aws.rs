//! The shared HTTP client, the region and the credentials for the AWS SDK.
//!
//! An SDK client is built from Lambda's own variables, without `aws-config`
//! (`docs/decisions/0003-secrets-manager-without-aws-config.md`).

use aws_sdk_secretsmanager::config::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

use crate::http::{CALL_TIMEOUT, Http, Limits, SINGLE_SEND_IDLE_TIMEOUT, SendError};

/// A secret has up to 64 KB, and JSON escapes can make it six times as long.
const LIMITS: Limits =
    Limits { idle: SINGLE_SEND_IDLE_TIMEOUT, time: CALL_TIMEOUT, bytes: 512 * 1024 };

/// What an SDK client needs to reach an AWS service.
pub(crate) struct AwsAccess {
    pub(crate) region: String,
    pub(crate) credentials: Credentials,
    /// Its address, if it is not AWS's own for the region.
    pub(crate) endpoint: Option<String>,
    pub(crate) http: Http,
}

/// The client of a service. A macro, because each crate of the SDK has its own types of the same
/// shape.
///
/// Lambda allows ten seconds for startup, and a caller waits for most requests; the SDK's default is
/// three attempts with growing pauses.
macro_rules! sdk_client {
    ($sdk:ident, $access:expr) => {{
        let access: $crate::aws::AwsAccess = $access;
        let mut config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .http_client($crate::aws::http_client(&access.http))
            .sleep_impl($sdk::config::SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .region($sdk::config::Region::new(access.region))
            .credentials_provider(access.credentials)
            .retry_config($sdk::config::retry::RetryConfig::standard().with_max_attempts(2));
        config.set_endpoint_url(access.endpoint);
        $sdk::Client::from_conf(config.build())
    }};
}

pub(crate) use sdk_client;

/// Why a call failed without an error from AWS.
pub(crate) fn unanswered<E>(error: &SdkError<E, HttpResponse>) -> &'static str {
    const UNREADABLE: &str = "an unreadable response";
    match error {
        SdkError::TimeoutError(_) => "timed out",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "timed out",
        SdkError::DispatchFailure(failure) if failure.is_other() => UNREADABLE,
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => UNREADABLE,
        _ => "the request could not be made",
    }
}

/// The shared client for the SDK.
pub(crate) fn http_client(http: &Http) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector(http.clone()));
    http_client_fn(move |_, _| connector.clone())
}

/// Sends the SDK's requests through the shared client, with the client's timeouts. The SDK makes few
/// calls, so it gets a new connection instead of an idle one, and also after a failure.
#[derive(Debug)]
struct Connector(Http);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?
                .map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let received = http.send(request, LIMITS).await.map_err(|error| match error {
                SendError::TimedOut => ConnectorError::timeout(error.into()),
                SendError::NoConnection | SendError::Broken => ConnectorError::io(error.into()),
            })?;
            if !received.is_whole {
                return Err(ConnectorError::other("the response is too long".into(), None));
            }
            let mut response = http::Response::new(SdkBody::from(received.body));
            *response.status_mut() = received.status;
            *response.headers_mut() = received.headers;
            response.try_into().map_err(|error: aws_smithy_runtime_api::http::HttpError| {
                ConnectorError::other(error.into(), None)
            })
        })
    }
}
