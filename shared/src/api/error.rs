//! [`ApiError`]: one message for the caller, one for the log.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use serde_json::json;

use crate::api::Response;
use crate::api::response::{empty_response, json_response};
use crate::provider::{Failure, ProviderError};
use crate::secrets::SecretError;

/// An error for the caller, with a detail for the log.
///
/// The message is for the front-end developer and is fixed in the source. The detail is for the
/// operator. Neither contains a secret, a token, an e-mail address or a provider's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    message: Cow<'static, str>,
    detail: Option<String>,
    hint: Option<Hint>,
}

/// Tells a program what it can do next, in a header or in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hint {
    /// `Allow`.
    Use(&'static str),
    /// `Retry-After`.
    RetryAfter { seconds: u64 },
    /// The body's field `next`.
    Next(&'static str),
}

impl ApiError {
    fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), detail: None, hint: None }
    }

    /// 400: the input cannot be read or is not valid.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: no valid session, or a wrong, expired or used code.
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// 401 for a request without credentials.
    pub(crate) fn not_signed_in() -> Self {
        Self::unauthorized("Sign in first")
    }

    /// 403: signed in, but not allowed.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 403 for a session that has no organization but needs one.
    pub(crate) fn no_organization() -> Self {
        Self::forbidden("Choose an organization first")
    }

    /// 404: the resource does not exist.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 405: the endpoint accepts only the method `allowed`.
    pub fn method_not_allowed(allowed: &'static str) -> Self {
        let error = Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("Use {allowed}"));
        Self { hint: Some(Hint::Use(allowed)), ..error }
    }

    /// 409: the request conflicts with the current state.
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 413: the body exceeds `limit` bytes.
    pub(crate) fn payload_too_large(limit: usize) -> Self {
        let message = format!("The body is longer than {} KiB", limit / 1024);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// 415: the body's content type is not JSON.
    pub fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send the body with content-type: application/json",
        )
    }

    /// 429: the caller made too many attempts.
    pub fn too_many_requests(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, message)
    }

    /// 500: a bug of ours.
    pub fn internal(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side")
            .with_detail(detail)
    }

    /// 502: a provider rejected our own credentials or sent an invalid response.
    pub fn bad_gateway(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "A service we depend on returned an unusable response")
            .with_detail(detail)
    }

    /// 503: a provider is down, slow or rate-limiting us.
    pub fn unavailable(detail: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "A service we depend on is not responding. Try again shortly",
        )
        .with_detail(detail)
    }

    /// Adds a detail for the log. The caller does not see it.
    #[must_use]
    pub fn with_detail(self, detail: impl fmt::Display) -> Self {
        Self { detail: Some(detail.to_string()), ..self }
    }

    /// Replaces the message for the caller. The log gets the first message as well.
    #[must_use]
    pub(crate) fn with_message(self, message: &'static str) -> Self {
        let detail = match &self.detail {
            Some(detail) => format!("{}: {detail}", self.message),
            None => self.message.to_string(),
        };
        Self { message: message.into(), detail: Some(detail), ..self }
    }

    /// Adds `Retry-After` in whole seconds, rounded up, if the time is known.
    #[must_use]
    pub fn retry_after(self, wait: Option<Duration>) -> Self {
        let Some(wait) = wait else {
            return self;
        };
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        Self { hint: Some(Hint::RetryAfter { seconds }), ..self }
    }

    /// Names the endpoint that the page should call next, in the body's field `next`. Pages act on
    /// that field, because messages may change.
    #[must_use]
    pub(crate) fn with_next(self, endpoint: &'static str) -> Self {
        Self { hint: Some(Hint::Next(endpoint)), ..self }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The message for the caller.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The detail for the log.
    pub(crate) fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    pub(crate) fn into_response(self) -> Response {
        let mut body = json!({ "code": self.status.as_u16(), "message": self.message });
        if let Some(Hint::Next(endpoint)) = self.hint {
            body["next"] = endpoint.into();
        }
        let response = json_response(self.status, &body);
        let mut response = response.unwrap_or_else(|_| empty_response(self.status));
        let headers = response.headers_mut();
        match self.hint {
            Some(Hint::Use(method)) => headers.insert(ALLOW, HeaderValue::from_static(method)),
            Some(Hint::RetryAfter { seconds }) => headers.insert(RETRY_AFTER, seconds.into()),
            Some(Hint::Next(_)) | None => None,
        };
        response
    }
}

impl From<ProviderError> for ApiError {
    fn from(error: ProviderError) -> Self {
        match &error.failure {
            Failure::KeyRefused(_) | Failure::Unexpected(_) | Failure::Unreadable(_) => {
                Self::bad_gateway(error)
            }
            Failure::Unanswered(_)
            | Failure::Unreachable(_)
            | Failure::Failing { .. }
            | Failure::Limiting { .. }
            | Failure::Paused { .. }
            | Failure::NoKey(_) => {
                let retry_after = error.failure.retry_after();
                Self::unavailable(error).retry_after(retry_after)
            }
        }
    }
}

impl From<SecretError> for ApiError {
    fn from(error: SecretError) -> Self {
        // 503 even if the operator has to act: it is not our bug, and it says nothing about the
        // caller.
        Self::unavailable(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::SendError;

    #[test]
    fn the_caller_reads_the_message_and_never_the_detail() {
        let error = ApiError::bad_gateway("clerk user: rejected our key with 401");
        let response = error.into_response();
        assert_eq!(response.status(), 502);
        let body: serde_json::Value = serde_json::from_str(response.body()).expect("JSON");
        assert_eq!(body["code"], 502);
        assert!(!body["message"].as_str().expect("text").contains("clerk"));
    }

    #[test]
    fn another_message_leaves_the_first_one_to_the_log() {
        let error = ApiError::forbidden("No").with_message("Not here");
        assert_eq!((error.message(), error.detail()), ("Not here", Some("No")));
        let error = ApiError::forbidden("No").with_detail("banned").with_message("Not here");
        assert_eq!((error.message(), error.detail()), ("Not here", Some("No: banned")));
    }

    #[test]
    fn says_when_to_try_again_and_which_method_to_use() {
        for (wait, seconds) in [(7000, "7"), (7001, "8"), (6999, "7"), (1, "1"), (0, "0")] {
            let wait = Duration::from_millis(wait);
            let error = ApiError::unavailable("slow").retry_after(Some(wait));
            assert_eq!(error.into_response().headers()[RETRY_AFTER], seconds);
        }
        let error = ApiError::method_not_allowed("GET");
        assert_eq!((error.status().as_u16(), error.message()), (405, "Use GET"));
        assert_eq!(error.into_response().headers()[ALLOW], "GET");
    }

    #[test]
    fn only_an_error_that_has_a_next_endpoint_names_one() {
        let body = |error: ApiError| -> serde_json::Value {
            serde_json::from_str(error.into_response().body()).expect("JSON")
        };
        let error = ApiError::forbidden("No");
        assert_eq!(body(error.clone()), json!({"code": 403, "message": "No"}));
        let error = error.with_next("continue-with-authkit").with_detail("mfa_enrollment");
        let expected = json!({"code": 403, "message": "No", "next": "continue-with-authkit"});
        assert_eq!(body(error), expected);
    }

    #[test]
    fn every_failure_of_a_provider_has_its_status() {
        let retry_after = Some(Duration::from_secs(3));
        let status = StatusCode::IM_A_TEAPOT;
        for (failure, expected) in [
            (Failure::KeyRefused(status), 502),
            (Failure::Unexpected(status), 502),
            (Failure::Unreadable("it is not JSON"), 502),
            (Failure::Unanswered(SendError::NoConnection), 503),
            (Failure::Unreachable("no time left"), 503),
            (Failure::Failing { status, retry_after }, 503),
            (Failure::Limiting { retry_after }, 503),
            (Failure::NoKey(SecretError::Unreachable(String::new())), 503),
            (Failure::NoKey(SecretError::Misconfigured(String::new())), 503),
            (Failure::Paused { retry_after: Duration::from_secs(3) }, 503),
        ] {
            let (provider, call) = ("clerk", "user");
            let error = ProviderError { provider, call, failure };
            let text = error.to_string();
            assert_eq!(ApiError::from(error).status(), expected, "{text}");
        }
    }
}
