//! The part of AWS Secrets Manager that this project uses: `GetSecretValue`.
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
//!
//! The protocol is AWS JSON 1.1: `POST /` with the operation in `X-Amz-Target`, signed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    sync::{Mutex, MutexGuard},
};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    aws::{self, Keys, Refusal, Scope, answer, check_signature},
    clock::unix_seconds,
    exchange::{Answer, Request},
    lock,
    server::{Provider, StandIn},
};

pub use super::aws::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, SESSION_TOKEN};

/// What a request must be signed for.
const SCOPE: Scope<'_> = Scope { region: REGION, service: "secretsmanager" };

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
        Refusal::new("InternalServiceError", message).with_status(status).into_answer()
    }

    fn refusing(&self) -> Answer {
        Refusal::unknown_key().into_answer()
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        aws::settings("AWS_ENDPOINT_URL_SECRETS_MANAGER", url)
    }
}

impl State {
    fn answer(&self, request: &Request) -> Result<Answer, Refusal> {
        if (request.method.as_str(), request.path()) != ("POST", "/") {
            return Err(Refusal::unknown_operation().with_status(404));
        }
        check_signature(request, &Keys::default(), SCOPE)?;
        match request.header("x-amz-target") {
            Some("secretsmanager.GetSecretValue") => self.get_secret_value(request),
            _ => Err(Refusal::unknown_operation()),
        }
    }

    fn get_secret_value(&self, request: &Request) -> Result<Answer, Refusal> {
        let query = Query::read(request)?;
        let name = self.name(&query.secret_id);
        if self.denied.contains(name) {
            return Err(denied(&query.secret_id));
        }
        let secret = self.secrets.get(name).ok_or_else(not_found)?;
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
            Some(stage) => no_version(&format!("staging label: {stage}")),
            None => no_version("VersionId"),
        })
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:123456789012:secret:{name}-AbCdEf")
}

fn not_found() -> Refusal {
    let message = "Secrets Manager can't find the specified secret.";
    Refusal::new("ResourceNotFoundException", message)
}

fn no_version(what: &str) -> Refusal {
    let message = format!("Secrets Manager can't find the specified secret value for {what}");
    Refusal::new("ResourceNotFoundException", &message)
}

fn denied(secret_id: &str) -> Refusal {
    let message = format!(
        "User: arn:aws:sts::123456789012:assumed-role/function is not authorized to perform: \
         secretsmanager:GetSecretValue on resource: {secret_id} because no identity-based \
         policy allows the secretsmanager:GetSecretValue action"
    );
    Refusal::new("AccessDeniedException", &message)
}
