//! What both endpoints share: the variables, the secrets, the public keys and the replies.

use std::collections::HashMap;
use std::env;
use std::sync::RwLock;
use std::time::Instant;

use aws_config::BehaviorVersion;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Error, Request, Response, tracing};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A refusal: a status, and a message for the caller.
pub type Refusal = (StatusCode, &'static str);

/// A variable that must be set.
pub fn variable(name: &str) -> Result<String, Error> {
    env::var(name).map_err(|_| format!("{name} is missing").into())
}

/// The secrets: from Secrets Manager where a variable names one, otherwise from variables. Each
/// pair is the variable that names a secret and a name in it.
pub async fn secrets(names: &[(&str, &str)]) -> Result<HashMap<String, String>, Error> {
    let mut secrets = HashMap::new();
    let mut client = None;
    for (id_variable, name) in names {
        if secrets.contains_key(*name) {
            continue;
        }
        let Ok(id) = env::var(id_variable) else {
            secrets.insert((*name).to_owned(), variable(name)?);
            continue;
        };
        if client.is_none() {
            let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
            client = Some(aws_sdk_secretsmanager::Client::new(&config));
        }
        let Some(client) = &client else { continue };
        let secret = client.get_secret_value().secret_id(id).send().await?;
        let text = secret.secret_string().ok_or("the secret has no text")?;
        secrets.extend(serde_json::from_str::<HashMap<String, String>>(text)?);
    }
    Ok(secrets)
}

/// The provider's public keys, fetched at start and again for an unknown key id.
pub struct PublicKeys {
    http: reqwest::Client,
    url: String,
    keys: RwLock<JwkSet>,
}

impl PublicKeys {
    /// Fetches the keys.
    pub async fn fetch(http: reqwest::Client, url: String) -> Result<Self, Error> {
        let keys = RwLock::new(get_keys(&http, &url).await?);
        Ok(Self { http, url, keys })
    }

    /// The claims of a token that one of the keys has signed.
    pub async fn verify<T: DeserializeOwned + Clone>(
        &self,
        token: &str,
        issuers: &[String],
    ) -> Result<T, Refusal> {
        let invalid = (StatusCode::UNAUTHORIZED, "The access token is not valid");
        let header = decode_header(token).map_err(|_| invalid)?;
        let kid = header.kid.ok_or(invalid)?;
        let mut key = self.key(&kid);
        if key.is_none() {
            let unavailable = (StatusCode::SERVICE_UNAVAILABLE, "The keys are not available");
            let keys = get_keys(&self.http, &self.url).await.map_err(|_| unavailable)?;
            *self.keys.write().expect("no panic while it was locked") = keys;
            key = self.key(&kid);
        }
        claims(token, &key.ok_or(invalid)?, issuers)
    }

    fn key(&self, kid: &str) -> Option<DecodingKey> {
        let keys = self.keys.read().expect("no panic while it was locked");
        DecodingKey::from_jwk(keys.find(kid)?).ok()
    }
}

async fn get_keys(http: &reqwest::Client, url: &str) -> Result<JwkSet, Error> {
    Ok(http.get(url).send().await?.error_for_status()?.json().await?)
}

/// The claims of a token that this key has signed.
pub fn claims<T: DeserializeOwned + Clone>(
    token: &str,
    key: &DecodingKey,
    issuers: &[String],
) -> Result<T, Refusal> {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(issuers);
    validation.validate_aud = false;
    let decoded = decode::<T>(token, key, &validation);
    let invalid = (StatusCode::UNAUTHORIZED, "The access token is not valid");
    decoded.map(|data| data.claims).map_err(|_| invalid)
}

/// The bearer token of a request.
pub fn bearer(request: &Request) -> Option<&str> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Refuses pages of other origins.
pub fn check_origin(request: &Request, allowed: &[String]) -> Result<(), Refusal> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_foreign = match header("origin") {
        Some(origin) => !allowed.iter().any(|allowed| allowed == origin),
        None => header("sec-fetch-site") == Some("cross-site"),
    };
    if is_foreign { Err((StatusCode::FORBIDDEN, "This origin is not allowed")) } else { Ok(()) }
}

/// The response to a request that arrived at `began`, with its log line and metrics.
pub fn respond(
    endpoint: &str,
    began: Instant,
    result: Result<Value, Refusal>,
) -> Result<Response<Body>, Error> {
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, body),
        Err((status, message)) => (status, json!({"code": status.as_u16(), "message": message})),
    };
    log(endpoint, status, began);
    Ok(Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("cache-control", "no-store")
        .header("vary", "Origin, Cookie")
        .header("x-content-type-options", "nosniff")
        .body(body.to_string().into())?)
}

fn log(endpoint: &str, status: StatusCode, began: Instant) {
    let duration = began.elapsed().as_secs_f64() * 1e3;
    tracing::info!(endpoint, status = status.as_u16(), duration, "answered");
    let metric = |name, unit| json!({"Name": name, "Unit": unit});
    let metrics = json!({
        "_aws": {
            "Timestamp": std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis() as u64,
            "CloudWatchMetrics": [{
                "Namespace": "Anteroom",
                "Dimensions": [["Stage", "Endpoint"]],
                "Metrics": [metric("Requests", "Count"), metric("Duration", "Milliseconds")],
            }],
        },
        "Stage": "dev",
        "Endpoint": endpoint,
        "Requests": 1,
        "Duration": duration,
    });
    println!("{metrics}");
}
