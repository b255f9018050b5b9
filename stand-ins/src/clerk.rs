//! The part of Clerk's Backend API that this project uses.
//! <https://clerk.com/docs/reference/backend-api>
//!
//! | request | response |
//! |---|---|
//! | `GET /v1/jwks` | the instance's public keys |
//! | `GET /v1/users/{id}` | a user |
//! | `GET /v1/sessions/{id}` | a session |
//! | `POST /v1/sessions/{id}/tokens` | a new session token |
//! | `POST /v1/sessions/{id}/tokens/{template}` | a token from a JWT template |
//! | `GET /dev/session-token?user=jane` | a new session token as plain text, only in the stand-in; `&ttl=` in seconds, `&claims=1` for version 1 |
//!
//! All but the last need the secret key. Things that need no server, such as a token with fixed
//! times, are functions of this module.

mod keys;
mod session_token;
mod user;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use self::session_token::{session_header_of, template_claims, template_header_of};
pub use self::{
    keys::{FOREIGN_KEY, INSTANCE_KEY, NEXT_INSTANCE_KEY},
    session_token::{
        AUTHORIZED_PARTY, ISSUER, SESSION_TOKEN_SECONDS, session_claims, session_claims_version_1,
        session_header, template_header,
    },
    user::{EmailAddress, Organization, User, seeded_users},
};
use super::{
    clock::unix_seconds,
    exchange::{Answer, Request},
    jwt::RsaKey,
    lock, random_hex,
    server::{Provider, StandIn},
};

/// The secret key of a new instance. It is not secret.
pub const SECRET_KEY: &str = "sk_test_of_the_stand_in_and_no_secret";

/// A running Clerk.
pub type Clerk = StandIn<Instance>;

impl Clerk {
    /// The issuer of the tokens.
    pub fn issuer(&self) -> &'static str {
        ISSUER
    }

    /// `CLERK_PUBLISHABLE_KEY`.
    pub fn publishable_key(&self) -> String {
        publishable_key()
    }

    /// The current secret key.
    pub fn secret_key(&self) -> String {
        self.state().secret_key.clone()
    }

    /// Replaces the secret key. The old one is rejected from now on.
    pub fn rotate_secret_key(&self, secret_key: &str) {
        secret_key.clone_into(&mut self.state().secret_key);
    }

    /// From now on, session tokens are issued to this page.
    pub fn issue_to(&self, origin: &str) {
        origin.clone_into(&mut self.state().authorized_party);
    }

    /// `CLERK_JWT_KEY`: the public key of the current signing key, as PEM.
    pub fn jwt_key(&self) -> &'static str {
        self.state().signing_key.public_pem
    }

    /// From now on, signs with another key. The JWKS has both until
    /// [`retire_old_signing_key`](Self::retire_old_signing_key).
    pub fn rotate_signing_key(&self) {
        let mut state = self.state();
        let is_first = std::ptr::eq(state.signing_key, &raw const INSTANCE_KEY);
        state.signing_key = if is_first { &NEXT_INSTANCE_KEY } else { &INSTANCE_KEY };
        state.published_keys = vec![&INSTANCE_KEY, &NEXT_INSTANCE_KEY];
    }

    /// Removes the old signing key from the JWKS.
    pub fn retire_old_signing_key(&self) {
        let mut state = self.state();
        state.published_keys = vec![state.signing_key];
    }

    /// Adds a user, or replaces the one with the same id.
    pub fn add_user(&self, user: User) {
        self.state().users.insert(user.id.clone(), user);
    }

    /// Removes a user, by id or short name, and the user's session. Tokens issued earlier stay
    /// valid until they expire, as at Clerk.
    pub fn remove_user(&self, name: &str) {
        self.state().users.retain(|_, user| !user.is_called(name));
    }

    /// From now on, responds with `answer` to requests for `path` that have the key.
    pub fn answer_with(&self, path: &str, answer: Answer) {
        self.state().answers.insert(path.to_owned(), answer);
    }

    /// The API path of a user, given by id or short name, and the user object as Clerk writes it.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn user_document(&self, name: &str) -> (String, Value) {
        let user = self.user(name);
        (format!("/v1/users/{}", user.id), user.to_json())
    }

    /// A user, by id or short name.
    ///
    /// # Panics
    /// If there is none.
    pub fn user(&self, name: &str) -> User {
        let found = self.state().user(name).cloned();
        found.unwrap_or_else(|| panic!("no user is called {name:?}"))
    }

    /// Adds a JWT template with these claims. The placeholder `{{user.primary_email_address}}` is
    /// substituted.
    pub fn add_template(&self, name: &str, claims: Value) {
        self.state().templates.insert(name.to_owned(), claims);
    }

    /// A new session token of a user, given by id or short name.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn session_token(&self, user: &str) -> String {
        self.sign(&self.header(), &self.claims_for(user))
    }

    /// The header of a session token, for the current signing key.
    pub fn header(&self) -> Value {
        session_header_of(self.state().signing_key)
    }

    /// The claims of a new session token of a user, given by id or short name.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn claims_for(&self, user: &str) -> Value {
        let mut claims = session_claims(&self.user(user), unix_seconds());
        claims["azp"] = json!(self.state().authorized_party);
        claims
    }

    /// Signs any token with the current signing key.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let key = self.state().signing_key;
        key.sign(header, claims)
    }

    /// Signs claims given as text, with the current signing key.
    pub fn sign_text(&self, header: &Value, claims: &str) -> String {
        let key = self.state().signing_key;
        key.sign_text(header, claims)
    }

    /// Signs any token with another instance's key.
    pub fn sign_foreign(&self, header: &Value, claims: &Value) -> String {
        FOREIGN_KEY.sign(header, claims)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.provider.state)
    }
}

/// `CLERK_PUBLISHABLE_KEY` of every stand-in: the issuer's host, encoded.
pub fn publishable_key() -> String {
    let host = ISSUER.trim_start_matches("https://");
    format!("pk_test_{}", BASE64_STANDARD.encode(format!("{host}$")))
}

/// The state of the imitated instance.
#[derive(Debug, Default)]
pub struct Instance {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    secret_key: String,
    authorized_party: String,
    users: BTreeMap<String, User>,
    templates: BTreeMap<String, Value>,
    answers: BTreeMap<String, Answer>,
    signing_key: &'static RsaKey,
    published_keys: Vec<&'static RsaKey>,
}

impl Default for State {
    fn default() -> Self {
        let supabase = json!({
            "aud": "authenticated",
            "role": "authenticated",
            "email": "{{user.primary_email_address}}",
        });
        Self {
            secret_key: SECRET_KEY.to_owned(),
            authorized_party: AUTHORIZED_PARTY.to_owned(),
            users: seeded_users().into_iter().map(|user| (user.id.clone(), user)).collect(),
            templates: BTreeMap::from([("supabase".to_owned(), supabase)]),
            answers: BTreeMap::new(),
            signing_key: &INSTANCE_KEY,
            published_keys: vec![&INSTANCE_KEY],
        }
    }
}

impl Provider for Instance {
    fn answer(&self, request: &Request) -> Answer {
        lock(&self.state).answer(request).unwrap_or_else(Refusal::into_answer)
    }

    fn dev_answer(&self, request: &Request) -> Option<Answer> {
        match (request.method.as_str(), request.path()) {
            ("GET", "/dev/session-token") => Some(lock(&self.state).dev_token(request)),
            _ => None,
        }
    }

    fn limiting(&self) -> Answer {
        let long = "Too many requests. Please try again in a bit.";
        Refusal::new(429, "too_many_requests", "Too many requests", long).into_answer()
    }

    fn failing(&self, status: u16) -> Answer {
        let long = "There was an internal error on our servers. We've been notified and are \
                    working on fixing it.";
        let short = "Oops, an unexpected error occurred";
        Refusal::new(status, "internal_clerk_error", short, long).into_answer()
    }

    fn refusing(&self) -> Answer {
        Refusal::unknown_key().into_answer()
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        vec![
            ("CLERK_SECRET_KEY", lock(&self.state).secret_key.clone()),
            ("CLERK_PUBLISHABLE_KEY", publishable_key()),
            ("CLERK_API_URL", url.to_owned()),
        ]
    }
}

impl State {
    fn answer(&self, request: &Request) -> Result<Answer, Refusal> {
        self.check_key(request)?;
        if let Some(answer) = self.answers.get(request.path()) {
            return Ok(answer.clone());
        }
        let body = match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["v1", "jwks"]) => self.jwks(),
            ("GET", ["v1", "users", id]) => {
                let found = self.users.get(*id).map(User::to_json);
                found.ok_or_else(|| Refusal::not_found("user was found with id", id))?
            }
            ("GET", ["v1", "sessions", id]) => self.session(id)?.session_json(unix_seconds()),
            ("POST", ["v1", "sessions", id, "tokens"]) => self.token(id, None, &request.body)?,
            ("POST", ["v1", "sessions", id, "tokens", template]) => {
                self.token(id, Some(template), &request.body)?
            }
            _ => return Err(Refusal::unknown_url()),
        };
        Ok(Answer::json(200, &body))
    }

    fn check_key(&self, request: &Request) -> Result<(), Refusal> {
        let header = request.header("authorization").ok_or_else(Refusal::no_key)?;
        let key = header.strip_prefix("Bearer ").ok_or_else(Refusal::no_bearer)?;
        if key == self.secret_key { Ok(()) } else { Err(Refusal::unknown_key()) }
    }

    fn jwks(&self) -> Value {
        let keys: Value = self.published_keys.iter().map(|key| key.jwk()).collect();
        json!({"keys": keys})
    }

    fn token(&self, session: &str, template: Option<&str>, body: &[u8]) -> Result<Value, Refusal> {
        let lifetime = read_lifetime(body)?;
        let user = self.session(session)?;
        let now = unix_seconds();
        let (header, mut claims) = match template {
            None => (session_header_of(self.signing_key), session_claims(user, now)),
            Some(name) => {
                let claims = template_claims(self.template(name)?, user, now);
                (template_header_of(self.signing_key), claims)
            }
        };
        if let Some(seconds) = lifetime {
            claims["exp"] = json!(now + seconds);
        }
        Ok(json!({"object": "token", "jwt": self.signing_key.sign(&header, &claims)}))
    }

    fn dev_token(&self, request: &Request) -> Answer {
        let name = request.query("user").unwrap_or_default();
        let Some(user) = self.user(&name) else {
            let names: Vec<_> = self.users.values().map(|user| user.short_name.as_str()).collect();
            let problem = format!("no such user; the users are: {}\n", names.join(", "));
            return Answer::new(404, "text/plain", problem);
        };
        let now = unix_seconds();
        let mut claims = match request.query("claims").as_deref() {
            Some("1") => session_claims_version_1(user, now),
            _ => session_claims(user, now),
        };
        claims["azp"] = json!(self.authorized_party);
        if let Some(seconds) = request.query("ttl") {
            let Ok(seconds) = seconds.parse::<u32>() else {
                return Answer::new(400, "text/plain", "ttl is a number of seconds\n");
            };
            claims["exp"] = json!(now + u64::from(seconds));
        }
        let token = self.signing_key.sign(&session_header_of(self.signing_key), &claims);
        Answer::new(200, "text/plain", token)
    }

    fn user(&self, name: &str) -> Option<&User> {
        self.users.values().find(|user| user.is_called(name))
    }

    /// The user of a session.
    fn session(&self, id: &str) -> Result<&User, Refusal> {
        let found = self.users.values().find(|user| user.session_id == id);
        found.ok_or_else(|| Refusal::not_found("session was found with id", id))
    }

    fn template(&self, name: &str) -> Result<&Value, Refusal> {
        let found = self.templates.get(name);
        found.ok_or_else(|| Refusal::not_found("JWT template exists with name:", name))
    }
}

impl User {
    fn is_called(&self, name: &str) -> bool {
        self.id == name || self.short_name == name
    }
}

/// `expires_in_seconds` of a token request, which may have no body: from half a minute to ten
/// years. <https://clerk.com/docs/reference/backend-api/tag/sessions>
fn read_lifetime(body: &[u8]) -> Result<Option<u64>, Refusal> {
    if body.is_empty() {
        return Ok(None);
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::unreadable())?;
    let body = body.as_object().ok_or_else(Refusal::unreadable)?;
    match body.get("expires_in_seconds") {
        None | Some(Value::Null) => Ok(None),
        Some(seconds) => {
            let seconds = seconds.as_u64().filter(|seconds| (30..=315_360_000).contains(seconds));
            seconds.map(Some).ok_or_else(Refusal::wrong_lifetime)
        }
    }
}

/// Clerk's error body. <https://clerk.com/docs/guides/development/errors/backend-api>
struct Refusal {
    status: u16,
    code: &'static str,
    message: &'static str,
    long_message: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: &'static str, long_message: &str) -> Self {
        Self { status, code, message, long_message: long_message.to_owned() }
    }

    fn no_key() -> Self {
        let long = "Unable to authenticate the request, you need to supply an active session";
        Self::new(401, "authentication_invalid", "Invalid authentication", long)
    }

    fn no_bearer() -> Self {
        let long = "Invalid Authorization header format. Must be 'Bearer <YOUR_API_KEY>'";
        let short = "Invalid Authorization header format";
        Self::new(401, "authorization_header_format_invalid", short, long)
    }

    fn unknown_key() -> Self {
        let message = "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret \
                       Key is correct.";
        Self::new(401, "clerk_key_invalid", message, message)
    }

    fn not_found(what: &str, name: &str) -> Self {
        Self::new(404, "resource_not_found", "not found", &format!("No {what} {name}"))
    }

    fn unknown_url() -> Self {
        Self::new(404, "url_not_found", "not found", "The URL was not found.")
    }

    fn unreadable() -> Self {
        let long = "The request body is invalid. Please consult the API documentation for more \
                    information.";
        Self::new(400, "request_body_invalid", "Request body invalid", long)
    }

    fn wrong_lifetime() -> Self {
        let long = "expires_in_seconds must be from 30 to 315360000.";
        Self::new(422, "form_param_value_invalid", "is invalid", long)
    }

    fn into_answer(self) -> Answer {
        let error =
            json!({"message": self.message, "long_message": self.long_message, "code": self.code});
        let body = json!({"errors": [error], "clerk_trace_id": random_hex(32)});
        Answer::json(self.status, &body)
    }
}
