//! What the stand-ins for AWS share: Signature Version 4 and the errors of AWS JSON 1.1.
//!
//! A request must carry a signature, whose format, key, region, service and time are checked, but not
//! the signature itself. As at AWS, rate limits and other errors are 400, with the reason in
//! `__type`.

use http::HeaderName;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    clock::{parse_aws_date, unix_seconds},
    exchange::{Answer, Request},
};

/// `AWS_REGION` of the stand-in.
pub const REGION: &str = "eu-central-1";

/// `AWS_ACCESS_KEY_ID` of the stand-in.
pub const ACCESS_KEY_ID: &str = "AKIAOFTHESTANDIN";

/// `AWS_SECRET_ACCESS_KEY` of the stand-in. It is not secret.
pub const SECRET_ACCESS_KEY: &str = "of-the-stand-in-and-no-secret";

/// The maximum clock difference of a request. AWS rejects a request signed earlier.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>
const SIGNATURE_SECONDS: u64 = 5 * 60;

/// The variables of a function that uses a stand-in at `url`, whose own address is in `endpoint`.
pub(super) fn settings(endpoint: &'static str, url: &str) -> Vec<(&'static str, String)> {
    vec![
        (endpoint, url.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
    ]
}

/// What a request must be signed for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'static str,
}

/// Checks a Signature Version 4, except for the signature itself.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>
pub(super) fn check_signature(request: &Request, scope: Scope<'_>) -> Result<(), Refusal> {
    let authorization = request.header("authorization").ok_or_else(Refusal::unsigned)?;
    let parts = authorization
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or_else(|| Refusal::incomplete("Authorization header requires AWS4-HMAC-SHA256."))?;
    let part = |name: &str| {
        let found =
            parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        let missing =
            || Refusal::incomplete(&format!("Authorization header requires '{name}' parameter."));
        found.ok_or_else(missing)
    };
    let date = request.header("x-amz-date").ok_or_else(|| {
        Refusal::incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })?;
    check_credential(part("Credential")?, date, scope)?;
    check_signed_headers(part("SignedHeaders")?)?;
    let signature = part("Signature")?;
    if signature.len() != 64 || !signature.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::wrong_signature("The request signature does not match."));
    }
    check_time(date)
}

fn check_credential(credential: &str, date: &str, scope: Scope<'_>) -> Result<(), Refusal> {
    let parts: Vec<_> = credential.split('/').collect();
    let [key, day, region, service, end] = parts.as_slice() else {
        return Err(Refusal::incomplete(
            "Credential must have exactly 5 slash-delimited elements.",
        ));
    };
    if *key != scope.access_key_id {
        return Err(Refusal::unknown_key());
    }
    let expected = [&date[..date.len().min(8)], scope.region, scope.service, "aws4_request"];
    if [*day, *region, *service, *end] == expected {
        return Ok(());
    }
    Err(Refusal::wrong_signature("Credential should be scoped to the day, region and service."))
}

fn check_signed_headers(names: &str) -> Result<(), Refusal> {
    let is_signed = |name: &str| names.split(';').any(|signed| signed == name);
    if ["host", "x-amz-date", "x-amz-target"].into_iter().all(is_signed) {
        return Ok(());
    }
    Err(Refusal::wrong_signature("'host', 'x-amz-date' and 'x-amz-target' must be signed."))
}

fn check_time(date: &str) -> Result<(), Refusal> {
    let signed_at = parse_aws_date(date)
        .ok_or_else(|| Refusal::incomplete("Date must be in ISO-8601 'basic format'."))?;
    if signed_at.abs_diff(unix_seconds()) <= SIGNATURE_SECONDS {
        return Ok(());
    }
    Err(Refusal::wrong_signature(&format!("Signature expired: {date} is too far from now.")))
}

/// An error of AWS's JSON protocol.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html>
pub(super) struct Refusal {
    status: u16,
    kind: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(kind: &'static str, message: &str) -> Self {
        Self { status: 400, kind, message: message.to_owned() }
    }

    fn unsigned() -> Self {
        Self::new("MissingAuthenticationTokenException", "Missing Authentication Token")
    }

    fn incomplete(message: &str) -> Self {
        Self::new("IncompleteSignatureException", message)
    }

    fn wrong_signature(message: &str) -> Self {
        Self::new("InvalidSignatureException", message)
    }

    pub(super) fn unknown_key() -> Self {
        let message = "The security token included in the request is invalid.";
        Self::new("UnrecognizedClientException", message)
    }

    pub(super) fn unknown_operation() -> Self {
        Self::new("UnknownOperationException", "")
    }

    pub(super) fn unreadable() -> Self {
        Self::new("SerializationException", "")
    }

    /// The same with another status.
    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn into_answer(self) -> Answer {
        answer(self.status, &json!({"__type": self.kind, "Message": self.message}))
    }
}

pub(super) fn answer(status: u16, body: &Value) -> Answer {
    const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
    Answer::new(status, "application/x-amz-json-1.1", body.to_string())
        .with_header(REQUEST_ID, &Uuid::new_v4().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_time_of_a_signature() {
        assert_eq!(parse_aws_date("19700101T000001Z"), Some(1));
        assert_eq!(parse_aws_date("20260102T030405Z"), Some(1_767_323_045));
        for wrong in
            ["", "20260102", "20260102T030405", "20261302T030405Z", "2026-01-02T03:04Z", "ääääääää"]
        {
            assert_eq!(parse_aws_date(wrong), None, "{wrong}");
        }
    }
}
