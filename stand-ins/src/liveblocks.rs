//! The part of Liveblocks' REST API that this project uses: `POST /v2/identify-user`.
//! <https://liveblocks.io/docs/api-reference/rest-api-endpoints#post-identify-user>
//!
//! The response is `{"token"}` with an ID token in the format of Liveblocks' own local server:
//! unsigned, because only Liveblocks itself verifies it.
//!
//! **Errors.** A key is rejected with 401 (`MISSING_SECRET_KEY`, `WRONG_KEY_USED` for a public one)
//! or, if it has the right format but is unknown, with **403** and `INVALID_SECRET_KEY`; these are
//! the codes in Liveblocks' OpenAPI document. Liveblocks' local server returns 403 with `"error":
//! "Forbidden"` and a message that begins with `Invalid secret key`. A 403 can also be about the
//! user or the room (`UNAUTHORIZED_ROOM_ACCESS`), so the status alone does not tell the cause, but
//! `error` does. The documentation of `identify-user` lists no error about a user, so
//! [`Liveblocks::refuse_user`] returns the one documented 403 that is about a user.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard},
};

use serde_json::{Value, json};

use super::{
    clock::unix_seconds,
    exchange::{Answer, Request},
    jwt, lock, random_hex,
    server::{Provider, StandIn},
};

/// The secret key of a new project. It is not secret.
pub const SECRET_KEY: &str = "sk_dev_of_the_stand_in_and_no_secret";

/// The lifetime of an ID token, in seconds.
const TOKEN_SECONDS: u64 = 60 * 60;

/// The longest user id, in characters as JavaScript counts them.
/// <https://liveblocks.io/docs/platform/technical-limits>
const LONGEST_USER_ID: usize = 128;

/// The longest `userInfo` as JSON, in the same unit.
const LARGEST_USER_INFO: usize = 1024;

/// A running Liveblocks.
pub type Liveblocks = StandIn<Project>;

impl Liveblocks {
    /// The current secret key.
    pub fn secret_key(&self) -> String {
        self.state().secret_key.clone()
    }

    /// Replaces the secret key. The old one is rejected from now on.
    pub fn rotate_secret_key(&self, secret_key: &str) {
        secret_key.clone_into(&mut self.state().secret_key);
    }

    /// From now on, rejects this user id with 403.
    pub fn refuse_user(&self, user_id: &str) {
        self.state().refused_users.insert(user_id.to_owned());
    }

    /// From now on, responds with `answer` to every request that has the key.
    pub fn answer_with(&self, answer: Answer) {
        self.state().answer = Some(answer);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.provider.state)
    }
}

/// The state of the imitated project.
#[derive(Debug, Default)]
pub struct Project {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    secret_key: String,
    refused_users: BTreeSet<String>,
    answer: Option<Answer>,
}

impl Default for State {
    fn default() -> Self {
        Self { secret_key: SECRET_KEY.to_owned(), refused_users: BTreeSet::new(), answer: None }
    }
}

impl Provider for Project {
    fn answer(&self, request: &Request) -> Answer {
        let state = lock(&self.state);
        match (request.method.as_str(), request.path()) {
            ("POST", "/v2/identify-user") => {
                state.identify_user(request).unwrap_or_else(Refusal::into_answer)
            }
            (_, "/v2/identify-user") => {
                Refusal::new(405, "METHOD_NOT_ALLOWED", "Method not allowed").into_answer()
            }
            _ => Refusal::new(404, "NOT_FOUND", "Not found").into_answer(),
        }
    }

    fn limiting(&self) -> Answer {
        Refusal::new(429, "TOO_MANY_REQUESTS", "Too many requests").into_answer()
    }

    fn failing(&self, status: u16) -> Answer {
        Refusal::new(status, "INTERNAL_SERVER_ERROR", "Internal server error").into_answer()
    }

    fn refusing(&self) -> Answer {
        Refusal::unknown_key().into_answer()
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        vec![
            ("LIVEBLOCKS_SECRET_KEY", lock(&self.state).secret_key.clone()),
            ("LIVEBLOCKS_API_URL", url.to_owned()),
        ]
    }
}

impl State {
    fn identify_user(&self, request: &Request) -> Result<Answer, Refusal> {
        self.check_key(request)?;
        if let Some(answer) = &self.answer {
            return Ok(answer.clone());
        }
        let identity = Identity::read(&request.body)?;
        if self.refused_users.contains(&identity.user_id) {
            return Err(Refusal::of_the_user());
        }
        Ok(Answer::json(200, &json!({"token": identity.into_token()})))
    }

    fn check_key(&self, request: &Request) -> Result<(), Refusal> {
        match request.bearer() {
            None | Some("") => Err(Refusal::missing_key()),
            Some(key) if key.starts_with("pk_") => Err(Refusal::public_key()),
            Some(key) if key == self.secret_key => Ok(()),
            Some(_) => Err(Refusal::unknown_key()),
        }
    }
}

/// The user that a token is requested for.
struct Identity {
    user_id: String,
    group_ids: Option<Value>,
    user_info: Option<Value>,
}

impl Identity {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|_| Refusal::new(400, "BAD_REQUEST", "The body is not JSON."))?;
        let object = body.as_object().ok_or_else(|| Refusal::invalid("Must be an object."))?;
        object.get("organizationId").map(check_organization_id).transpose()?;
        Ok(Self {
            user_id: read_user_id(object.get("userId"))?,
            group_ids: object.get("groupIds").map(read_group_ids).transpose()?,
            user_info: object.get("userInfo").map(read_user_info).transpose()?,
        })
    }

    fn into_token(self) -> String {
        let now = unix_seconds();
        let mut claims = json!({
            "k": "id",
            "pid": "localdev",
            "uid": self.user_id,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": random_hex(12),
        });
        if let Some(user_info) = self.user_info {
            claims["ui"] = user_info;
        }
        if let Some(group_ids) = self.group_ids {
            claims["gids"] = group_ids;
        }
        jwt::unsigned(&json!({"alg": "none", "typ": "JWT"}), &claims)
    }
}

fn read_user_id(value: Option<&Value>) -> Result<String, Refusal> {
    let value = value.ok_or_else(|| Refusal::invalid("Missing key: 'userId'."))?;
    match value.as_str() {
        Some("") => Err(Refusal::invalid("Value at key 'userId': Must be non-empty string.")),
        Some(id) if id.encode_utf16().count() > LONGEST_USER_ID => Err(Refusal::invalid(
            "Value at key 'userId': Too long, must be at most 128 characters.",
        )),
        Some(id) => Ok(id.to_owned()),
        None => Err(Refusal::invalid("Value at key 'userId': Must be string.")),
    }
}

/// Which organization's resources a token opens is not in the tokens of Liveblocks' local server.
fn check_organization_id(value: &Value) -> Result<(), Refusal> {
    match value.as_str() {
        Some(id) if !id.is_empty() => Ok(()),
        _ => Err(Refusal::invalid("Value at key 'organizationId': Must be non-empty string.")),
    }
}

fn read_group_ids(value: &Value) -> Result<Value, Refusal> {
    match value.as_array() {
        Some(ids) if ids.iter().all(Value::is_string) => Ok(value.clone()),
        _ => Err(Refusal::invalid("Value at key 'groupIds': Must be an array of strings.")),
    }
}

/// `name` and `avatar` must be strings if present; other fields are unrestricted.
fn read_user_info(value: &Value) -> Result<Value, Refusal> {
    let Some(info) = value.as_object() else {
        return Err(Refusal::invalid("Value at key 'userInfo': Must be an object."));
    };
    for name in ["name", "avatar"] {
        if info.get(name).is_some_and(|value| !value.is_string()) {
            let problem =
                format!("Value at key 'userInfo': Value at key '{name}': Must be string.");
            return Err(Refusal::invalid(&problem));
        }
    }
    if value.to_string().encode_utf16().count() > LARGEST_USER_INFO {
        return Err(Refusal::invalid(
            "Value at key 'userInfo': Too large, at most 1024 characters.",
        ));
    }
    Ok(value.clone())
}

/// Liveblocks' error body: `error` and `message`, some with `suggestion` and `docs`.
struct Refusal {
    status: u16,
    error: &'static str,
    message: String,
    suggestion: Option<&'static str>,
}

impl Refusal {
    fn new(status: u16, error: &'static str, message: &str) -> Self {
        Self { status, error, message: message.to_owned(), suggestion: None }
    }

    fn missing_key() -> Self {
        let message = "Missing secret key in authentication header";
        Self::new(401, "MISSING_SECRET_KEY", message).suggest(
            "Please use a secret key, the secret key is available in the dashboard: https://liveblocks.io/dashboard/apikeys",
        )
    }

    fn public_key() -> Self {
        Self::new(401, "WRONG_KEY_USED", "Public key instead of the secret key.").suggest(
            "Please use your secret key instead of the public key, the secret key is available in the dashboard: https://liveblocks.io/dashboard/apikeys.",
        )
    }

    fn unknown_key() -> Self {
        Self::new(403, "INVALID_SECRET_KEY", "Invalid secret key.").suggest(
            "Please use a valid secret key, the secret key is available in the dashboard: https://liveblocks.io/dashboard/apikeys.",
        )
    }

    fn of_the_user() -> Self {
        let message = "The user does not have permission to access the room.";
        Self::new(403, "UNAUTHORIZED_ROOM_ACCESS", message)
            .suggest("Please add the user’s ID or one of the user’s group IDs to the room first.")
    }

    fn invalid(message: &str) -> Self {
        Self::new(422, "UNPROCESSABLE_ENTITY", message)
            .suggest("Please ensure the data follows the correct format.")
    }

    fn suggest(mut self, suggestion: &'static str) -> Self {
        self.suggestion = Some(suggestion);
        self
    }

    fn into_answer(self) -> Answer {
        let mut body = json!({"error": self.error, "message": self.message});
        if let Some(suggestion) = self.suggestion {
            body["suggestion"] = json!(suggestion);
            body["docs"] = json!("");
        }
        Answer::json(self.status, &body)
    }
}
