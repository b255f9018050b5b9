//! What the stand-ins for AWS share: Signature Version 4 and, except for S3, the errors of AWS JSON 1.1.
//!
//! A request must carry a signature, which is checked. The credentials are those of a role's session, as
//! on Lambda, so its token must be sent and signed as well.
//!
//! As at AWS, rate limits and other errors are 400, with the reason in `__type`.

use http::HeaderName;
use ring::{
    digest::{SHA256, digest},
    hmac,
};
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

/// `AWS_SESSION_TOKEN` of the stand-in: on Lambda, the credentials are those of a role's session.
pub const SESSION_TOKEN: &str = "of+the/stand-in+and/no+secret==";

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

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
        ("AWS_SESSION_TOKEN", SESSION_TOKEN.to_owned()),
    ]
}

/// A key pair.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
    /// The token of a role's session.
    pub(super) session_token: Option<String>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            id: ACCESS_KEY_ID.to_owned(),
            secret: SECRET_ACCESS_KEY.to_owned(),
            session_token: Some(SESSION_TOKEN.to_owned()),
        }
    }
}

/// What a request must be signed for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'static str,
}

/// Checks the signature of a request in AWS's JSON protocol, in its headers.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>
pub(super) fn check_signature(
    request: &Request,
    keys: &Keys,
    scope: Scope<'_>,
) -> Result<(), Refusal> {
    let authorization = request.header("authorization").ok_or_else(Refusal::unsigned)?;
    let parts = authorization
        .strip_prefix(ALGORITHM)
        .and_then(|parts| parts.strip_prefix(' '))
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
    let scope = check_credential(part("Credential")?, date, keys, scope)?;
    if request.header(SESSION_TOKEN_HEADER) != keys.session_token.as_deref() {
        return Err(Refusal::unknown_key());
    }
    let signed_headers = part("SignedHeaders")?;
    check_signed_headers(signed_headers, keys)?;
    check_time(date)?;
    let canonical = canonical_request(request, &[], signed_headers, &sha256(&request.body));
    if signature(&keys.secret, date, &scope, &canonical) == part("Signature")? {
        return Ok(());
    }
    Err(Refusal::wrong_signature(
        "The request signature we calculated does not match the signature you provided. Check your \
         AWS Secret Access Key and signing method. Consult the service documentation for details.",
    ))
}

const SESSION_TOKEN_HEADER: &str = "x-amz-security-token";

/// The scope of the signature.
fn check_credential(
    credential: &str,
    date: &str,
    keys: &Keys,
    scope: Scope<'_>,
) -> Result<String, Refusal> {
    let parts = credential.split_once('/').filter(|_| credential.split('/').count() == 5);
    let Some((id, signed_for)) = parts else {
        return Err(Refusal::incomplete(
            "Credential must have exactly 5 slash-delimited elements.",
        ));
    };
    if id != keys.id {
        return Err(Refusal::unknown_key());
    }
    let day = date.get(..8).unwrap_or_default();
    let expected = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    if signed_for == expected {
        return Ok(expected);
    }
    Err(Refusal::wrong_signature("Credential should be scoped to the day, region and service."))
}

fn check_signed_headers(names: &str, keys: &Keys) -> Result<(), Refusal> {
    let is_signed = |name: &str| names.split(';').any(|signed| signed == name);
    let token = keys.session_token.as_ref().map(|_| SESSION_TOKEN_HEADER);
    let mut required = ["host", "x-amz-date", "x-amz-target"].into_iter().chain(token);
    match required.find(|name| !is_signed(name)) {
        None => Ok(()),
        Some(name) => {
            let message =
                format!("'{name}' must be a 'SignedHeader' in the AWS Authorization Header.");
            Err(Refusal::wrong_signature(&message))
        }
    }
}

fn check_time(date: &str) -> Result<(), Refusal> {
    let signed_at = parse_aws_date(date)
        .ok_or_else(|| Refusal::incomplete("Date must be in ISO-8601 'basic format'."))?;
    if signed_at.abs_diff(unix_seconds()) <= SIGNATURE_SECONDS {
        return Ok(());
    }
    Err(Refusal::wrong_signature(&format!("Signature expired: {date} is too far from now.")))
}

/// What the signature of a request is made of.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request>
pub(super) fn canonical_request(
    request: &Request,
    query: &[&(String, String)],
    signed_headers: &str,
    payload_digest: &str,
) -> String {
    let path = encode(&decode(request.path()), true);
    let mut parameters: Vec<_> =
        query.iter().map(|(name, value)| (encode(name, false), encode(value, false))).collect();
    parameters.sort();
    let parameters: Vec<_> =
        parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let header = |name: &str| {
        let values = request.headers.get_all(name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
            .collect();
        format!("{name}:{}\n", values.join(","))
    };
    let headers: String = signed_headers.split(';').map(header).collect();
    [
        request.method.as_str(),
        &path,
        &parameters.join("&"),
        &headers,
        signed_headers,
        payload_digest,
    ]
    .join("\n")
}

/// The signature of a canonical request for `scope`: day, region, service and `aws4_request`.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#calculate-signature>
pub(super) fn signature(secret: &str, date: &str, scope: &str, canonical_request: &str) -> String {
    let digest = sha256(canonical_request.as_bytes());
    let text = format!("{ALGORITHM}\n{date}\n{scope}\n{digest}");
    let key =
        scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part));
    hex(&hmac(&key, &text))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// The digest in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// AWS's percent-encoding: everything but letters, digits and `-._~`, and `/` in paths.
pub(super) fn encode(text: &str, is_path: bool) -> String {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (is_path && byte == b'/')
    };
    let mut encoded = String::new();
    for byte in text.bytes() {
        if plain(byte) {
            encoded.push(byte.into());
        } else {
            encoded.push('%');
            encoded.push_str(&hex(&[byte]).to_uppercase());
        }
    }
    encoded
}

/// The text without its percent-encoding.
pub(super) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
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
