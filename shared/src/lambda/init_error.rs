//! Reports to Lambda why a function cannot start, so that the function's caller sees the reason.
//! Without a report, Lambda returns only `Runtime.ExitError`.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>

use std::time::Duration;

use http::Method;
use serde_json::json;
use url::Url;

use crate::http::{Http, SINGLE_SEND_IDLE_TIMEOUT};
use crate::settings::Settings;

/// Timeout for sending a report.
const LIMIT: Duration = Duration::from_secs(1);

/// The error type, in Lambda's `Category.Reason` format.
const ERROR_TYPE: &str = "Runtime.ConfigInvalid";

/// Reports startup errors to the Runtime API.
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

    /// Reports an error. Failing to do so is harmless, because the log has the same text.
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
