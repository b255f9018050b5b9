//! Tells Lambda why a function cannot start, so that the caller of the function can read the
//! reason. Without a report, Lambda answers only `Runtime.ExitError`.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>

use std::time::Duration;

use http::Method;
use serde_json::json;
use url::Url;

use crate::http::{Http, SINGLE_SEND_IDLE_TIMEOUT};
use crate::settings::Settings;

/// How long Lambda may take to accept a report.
const LIMIT: Duration = Duration::from_secs(1);

/// An error type in the form that Lambda asks for.
const ERROR_TYPE: &str = "Runtime.ConfigInvalid";

/// Where errors of a start are reported.
pub(super) struct InitErrors {
    url: Url,
    http: Http,
}

impl InitErrors {
    /// Reads `AWS_LAMBDA_RUNTIME_API`, which Lambda sets.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let address = settings.optional("AWS_LAMBDA_RUNTIME_API")?;
        let url = format!("http://{address}/2018-06-01/runtime/init/error");
        Some(Self { url: Url::parse(&url).ok()?, http: settings.http() })
    }

    /// Reports an error. It may get lost: the log has the same text.
    pub(super) async fn report(&self, error: &str) {
        let body = json!({ "errorMessage": error, "errorType": ERROR_TYPE, "stackTrace": [] });
        let request = self
            .http
            .client(&self.url, SINGLE_SEND_IDLE_TIMEOUT)
            .request(Method::POST, self.url.clone())
            .timeout(LIMIT)
            .header("lambda-runtime-function-error-type", ERROR_TYPE)
            .json(&body);
        if let Err(error) = request.send().await {
            tracing::debug!(%error, "lambda rejected the report of the failed start");
        }
    }
}
