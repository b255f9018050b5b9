//! Reports to Lambda why a function cannot start, so that the function's caller sees the reason.
//! Without a report, Lambda returns only `Runtime.ExitError`.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{Request, Uri};
use serde_json::json;

use crate::http::{Http, Limits, SINGLE_SEND_IDLE_TIMEOUT};
use crate::settings::Settings;

/// The limits of a report. Nothing in the response is needed.
const LIMITS: Limits =
    Limits { idle: SINGLE_SEND_IDLE_TIMEOUT, time: Duration::from_secs(1), bytes: 1024 };

/// The error type, in Lambda's `Category.Reason` format.
const ERROR_TYPE: &str = "Runtime.ConfigInvalid";

/// Reports startup errors to the Runtime API.
pub(super) struct InitErrors {
    address: Uri,
    http: Http,
}

impl InitErrors {
    /// Reads `AWS_LAMBDA_RUNTIME_API`, which Lambda sets.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let address = settings.optional("AWS_LAMBDA_RUNTIME_API")?;
        let address = format!("http://{address}/2018-06-01/runtime/init/error").parse().ok()?;
        Some(Self { address, http: settings.http() })
    }

    /// Reports an error. Failing to do so is harmless, because the log has the same text.
    pub(super) async fn report(&self, error: &str) {
        let body = json!({ "errorMessage": error, "errorType": ERROR_TYPE, "stackTrace": [] });
        let request = Request::post(self.address.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("lambda-runtime-function-error-type", ERROR_TYPE)
            .body(body.to_string().into());
        let Ok(request) = request else {
            return;
        };
        if let Err(error) = self.http.send(request, LIMITS).await {
            tracing::debug!(%error, "lambda rejected the report of the failed start");
        }
    }
}
