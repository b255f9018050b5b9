//! The part of AWS Secrets Manager that this project uses: `GetSecretValue`.
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
//!
//! The protocol is AWS JSON 1.1: `POST /` with the operation in `X-Amz-Target`. A request must
//! carry a Signature Version 4, whose format, key, region, service and time are checked, but not
//! the signature itself. As at AWS, rate limits and other errors are 400, with the reason in
//! `__type`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    sync::{Mutex, MutexGuard},
};

use http::HeaderName;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    clock::{parse_aws_date, unix_seconds},
    exchange::{Answer, Request},
    lock,
    server::{Provider, StandIn},
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

/// A running Secrets Manager, initially empty.
pub type SecretsManager = StandIn<Account>;

impl SecretsManager {
    /// Stores a secret's text, usually a JSON object: `put("clerk", json!({…}))`. The old value
    /// remains as `AWSPREVIOUS`.
    pub fn put(&self, secret_id: &str, text: impl Display) {
        let current = Version::new(text.to_string());
        let secrets = &mut self.state().secrets;
        let previous = secrets.remove(secret_id).map(|secret| secret.current);
        secrets.insert(secret_id.to_owned(), Secret { current, previous });
    }

    /// Removes a secret.
    pub fn remove(&self, secret_id: &str) {
        self.state().secrets.remove(secret_id);
    }

    /// Denies access to this secret until [`allow`](Self::allow), as a policy would.
    pub fn deny(&self, secret_id: &str) {
        self.state().denied.insert(secret_id.to_owned());
    }

    /// Reverts [`deny`](Self::deny).
    pub fn allow(&self, secret_id: &str) {
        self.state().denied.remove(secret_id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.provider.state)
    }
}

/// The state of the imitated account.
#[derive(Debug, Default)]
pub struct Account {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    secrets: BTreeMap<String, Secret>,
    denied: BTreeSet<String>,
}

#[derive(Debug)]
struct Secret {
    current: Version,
    previous: Option<Version>,
}

#[derive(Debug)]
struct Version {
    id: String,
    text: String,
    created_at: u64,
}

impl Version {
    fn new(text: String) -> Self {
        Self { id: Uuid::new_v4().to_string(), text, created_at: unix_seconds() }
    }
}

impl Provider for Account {
    fn answer(&self, request: &Request) -> Answer {
        lock(&self.state).answer(request).unwrap_or_else(Refusal::into_answer)
    }

    /// AWS reports throttling with 400, not 429.
    fn limiting(&self) -> Answer {
        Refusal::new("ThrottlingException", "Rate exceeded").into_answer()
    }

    fn failing(&self, status: u16) -> Answer {
        let message = "An error occurred on the server side.";
        Refusal { status, ..Refusal::new("InternalServiceError", message) }.into_answer()
    }

    fn refusing(&self) -> Answer {
        Refusal::unknown_key().into_answer()
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url.to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
        ]
    }
}

impl State {
    fn answer(&self, request: &Request) -> Result<Answer, Refusal> {
        if (request.method.as_str(), request.path()) != ("POST", "/") {
            return Err(Refusal { status: 404, ..Refusal::unknown_operation() });
        }
        check_signature(request)?;
        match request.header("x-amz-target") {
            Some("secretsmanager.GetSecretValue") => self.get_secret_value(request),
            _ => Err(Refusal::unknown_operation()),
        }
    }

    fn get_secret_value(&self, request: &Request) -> Result<Answer, Refusal> {
        let query = Query::read(request)?;
        let name = self.name(&query.secret_id);
        if self.denied.contains(name) {
            return Err(Refusal::denied(&query.secret_id));
        }
        let secret = self.secrets.get(name).ok_or_else(Refusal::not_found)?;
        let (version, stage) = query.choose(secret)?;
        let body = json!({
            "ARN": arn(name),
            "CreatedDate": version.created_at,
            "Name": name,
            "SecretString": version.text,
            "VersionId": version.id,
            "VersionStages": [stage],
        });
        Ok(answer(200, &body))
    }

    /// The name of the secret: an id is a name or an ARN.
    fn name<'a>(&'a self, secret_id: &'a str) -> &'a str {
        self.secrets.keys().find(|name| arn(name) == secret_id).map_or(secret_id, String::as_str)
    }
}

/// The parameters of `GetSecretValue`.
struct Query {
    secret_id: String,
    version_id: Option<String>,
    stage: Option<String>,
}

impl Query {
    fn read(request: &Request) -> Result<Self, Refusal> {
        if request.header("content-type") != Some("application/x-amz-json-1.1") {
            return Err(Refusal::unknown_operation());
        }
        let body = request.json().ok_or_else(Refusal::unreadable)?;
        let body = body.as_object().ok_or_else(Refusal::unreadable)?;
        let text = |name: &str| match body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Refusal::unreadable()),
        };
        let secret_id = text("SecretId")?.filter(|id| !id.is_empty()).ok_or_else(|| {
            Refusal::new("InvalidParameterException", "You must provide a value for SecretId.")
        })?;
        Ok(Self { secret_id, version_id: text("VersionId")?, stage: text("VersionStage")? })
    }

    fn choose<'a>(&self, secret: &'a Secret) -> Result<(&'a Version, &'static str), Refusal> {
        let previous = secret.previous.as_ref().map(|version| (version, "AWSPREVIOUS"));
        let mut versions = [Some((&secret.current, "AWSCURRENT")), previous].into_iter().flatten();
        let stage = match (&self.stage, &self.version_id) {
            (None, None) => Some("AWSCURRENT"),
            (stage, _) => stage.as_deref(),
        };
        let found = versions.find(|(version, its_stage)| {
            stage.is_none_or(|stage| stage == *its_stage)
                && self.version_id.as_ref().is_none_or(|id| *id == version.id)
        });
        found.ok_or_else(|| match stage {
            Some(stage) => Refusal::no_version(&format!("staging label: {stage}")),
            None => Refusal::no_version("VersionId"),
        })
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:123456789012:secret:{name}-AbCdEf")
}

/// Checks a Signature Version 4, except for the signature itself.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>
fn check_signature(request: &Request) -> Result<(), Refusal> {
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
    check_credential(part("Credential")?, date)?;
    check_signed_headers(part("SignedHeaders")?)?;
    let signature = part("Signature")?;
    if signature.len() != 64 || !signature.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::wrong_signature("The request signature does not match."));
    }
    check_time(date)
}

fn check_credential(credential: &str, date: &str) -> Result<(), Refusal> {
    let parts: Vec<_> = credential.split('/').collect();
    let [key, day, region, service, end] = parts.as_slice() else {
        return Err(Refusal::incomplete(
            "Credential must have exactly 5 slash-delimited elements.",
        ));
    };
    if *key != ACCESS_KEY_ID {
        return Err(Refusal::unknown_key());
    }
    let expected = [&date[..date.len().min(8)], REGION, "secretsmanager", "aws4_request"];
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
struct Refusal {
    status: u16,
    kind: &'static str,
    message: String,
}

impl Refusal {
    fn new(kind: &'static str, message: &str) -> Self {
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

    fn unknown_key() -> Self {
        let message = "The security token included in the request is invalid.";
        Self::new("UnrecognizedClientException", message)
    }

    fn unknown_operation() -> Self {
        Self::new("UnknownOperationException", "")
    }

    fn unreadable() -> Self {
        Self::new("SerializationException", "")
    }

    fn not_found() -> Self {
        let message = "Secrets Manager can't find the specified secret.";
        Self::new("ResourceNotFoundException", message)
    }

    fn no_version(what: &str) -> Self {
        let message = format!("Secrets Manager can't find the specified secret value for {what}");
        Self::new("ResourceNotFoundException", &message)
    }

    fn denied(secret_id: &str) -> Self {
        let message = format!(
            "User: arn:aws:sts::123456789012:assumed-role/function is not authorized to perform: \
             secretsmanager:GetSecretValue on resource: {secret_id} because no identity-based \
             policy allows the secretsmanager:GetSecretValue action"
        );
        Self::new("AccessDeniedException", &message)
    }

    fn into_answer(self) -> Answer {
        answer(self.status, &json!({"__type": self.kind, "Message": self.message}))
    }
}

fn answer(status: u16, body: &Value) -> Answer {
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
