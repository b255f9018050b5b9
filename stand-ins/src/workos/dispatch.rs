//! Dispatches each request to its handler.

use std::sync::Mutex;

use http::HeaderName;
use serde_json::{Value, json};

use super::{
    application::{CLIENT_ID, COOKIE_PASSWORD},
    authorize::redirect_to,
    caller::{Caller, refuse_caller},
    fields::{Fields, Query},
    keys::published,
    magic_code::Limit,
    refusal::Refusal,
    session::magic_auth,
    state::State,
    user::User,
};
use crate::{
    clock::unix_seconds,
    exchange::{Answer, Request},
    lock,
    server::{Provider, StandIn},
};

/// A running WorkOS.
pub type WorkOs = StandIn<Environment>;

/// The state of the imitated environment.
#[derive(Debug, Default)]
pub struct Environment {
    pub(super) state: Mutex<State>,
}

impl Provider for Environment {
    fn listens_at(&self, url: &str) {
        url.clone_into(&mut lock(&self.state).url);
    }

    fn answer(&self, request: &Request) -> Answer {
        let answer = lock(&self.state).answer(request).unwrap_or_else(Refusal::into_answer);
        let request_id = uuid::Uuid::new_v4().to_string();
        answer.with_header(HeaderName::from_static("x-request-id"), &request_id)
    }

    fn dev_answer(&self, request: &Request) -> Option<Answer> {
        match (request.method.as_str(), request.path()) {
            ("GET", "/dev/access-token") => Some(lock(&self.state).dev_access_token(request)),
            ("GET", "/dev/magic-code") => Some(lock(&self.state).dev_magic_code(request)),
            ("GET", "/dev/callers") => Some(lock(&self.state).dev_callers()),
            ("GET", "/dev/invitation") => Some(lock(&self.state).dev_invitation(request)),
            ("GET", "/dev/impersonate") => {
                Some(lock(&self.state).impersonate(request, unix_seconds()))
            }
            ("GET", "/dev/identity-provider") => {
                Some(lock(&self.state).come_from_identity_provider(request, unix_seconds()))
            }
            _ => None,
        }
    }

    fn limiting(&self) -> Answer {
        Refusal::rate_limited(None).into_answer()
    }

    fn failing(&self, status: u16) -> Answer {
        Refusal::internal(status).into_answer()
    }

    fn refusing(&self) -> Answer {
        Refusal::unauthorized().into_answer()
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        let state = lock(&self.state);
        let latest = |uris: &[String]| uris.last().cloned().unwrap_or_default();
        vec![
            ("WORKOS_API_KEY", state.api_key.clone()),
            ("WORKOS_CLIENT_ID", CLIENT_ID.to_owned()),
            ("WORKOS_API_URL", url.to_owned()),
            ("WORKOS_REDIRECT_URI", latest(&state.redirect_uris)),
            ("WORKOS_LOGOUT_RETURN_TO", latest(&state.logout_uris)),
            ("WORKOS_COOKIE_PASSWORD", COOKIE_PASSWORD.to_owned()),
        ]
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Result<Answer, Refusal> {
        if let Some(answer) = self.prescribed(request.path()) {
            return Ok(answer);
        }
        let now = unix_seconds();
        let segments = request.segments();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["user_management", "authorize"]) => Ok(self.authorize(request, now)),
            ("GET", ["user_management", "sessions", "logout"]) => self.log_out(request),
            ("GET", ["sso", "jwks", client]) => Ok(Answer::json(200, &self.jwks(client)?)),
            ("POST", ["user_management", "authenticate"]) => {
                Ok(Answer::json(200, &self.authenticate(&Fields::read(request)?, now)?))
            }
            _ => self.answer_to_key_holder(request, now),
        }
    }

    fn prescribed(&mut self, path: &str) -> Option<Answer> {
        let index = self.prescriptions.iter().position(|(wanted, ..)| wanted == path)?;
        let (_, status, json) = self.prescriptions.remove(index);
        Some(Answer::new(status, "application/json", json))
    }

    pub(super) fn accepts_api_key(&self, key: &str) -> bool {
        key == self.api_key || self.second_api_key.as_deref() == Some(key)
    }

    fn answer_to_key_holder(&mut self, request: &Request, now: u64) -> Result<Answer, Refusal> {
        if !request.bearer().is_some_and(|key| self.accepts_api_key(key)) {
            return Err(Refusal::unauthorized());
        }
        let query = Query::of(request);
        let segments = request.segments();
        let body = match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["user_management", "magic_auth"]) => {
                let code = self.create_magic_auth(&Fields::read(request)?, now)?;
                return Ok(Answer::json(201, &code));
            }
            ("POST", ["user_management", "users"]) => {
                let fields = Fields::read(request)?;
                refuse_caller(&fields)?;
                let user = self.create_user(&fields, now)?;
                return Ok(Answer::json(201, &user));
            }
            ("GET", ["user_management", "users"]) => self.users_page(&query)?,
            ("GET", ["user_management", "users", id]) => {
                let user = self.user_by_id(id);
                user.ok_or_else(|| Refusal::not_found("User", id))?.to_json()
            }
            ("GET", ["user_management", "organization_memberships"]) => {
                self.memberships_page(&query)?
            }
            ("GET", ["organizations"]) => self.organizations_page(&query)?,
            ("GET", ["organizations", id]) => {
                let organization = self.organization(id);
                organization.ok_or_else(|| Refusal::not_found("Organization", id))?.to_json()
            }
            ("GET", ["connections"]) => self.connections_page(&query)?,
            (method, _) => return Err(Refusal::unknown_url(method, request.path())),
        };
        Ok(Answer::json(200, &body))
    }

    /// Ends the session, if there is one, and redirects to `return_to`, which must be registered.
    fn log_out(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let query = Query::of(request);
        let session = query.first("session_id").ok_or_else(|| {
            Refusal::invalid_parameter("session_id_required", "session_id is required.")
        })?;
        let return_to = match query.first("return_to") {
            None => self.logout_uris.first().cloned().unwrap_or_default(),
            Some(uri) if self.logout_uris.iter().any(|registered| registered == uri) => {
                uri.to_owned()
            }
            Some(_) => {
                let message = "return_to must be one of the configured sign-out redirects.";
                return Err(Refusal::invalid_parameter("return_to_invalid", message));
            }
        };
        self.sessions.end(session);
        Ok(redirect_to(&return_to))
    }

    fn jwks(&self, client: &str) -> Result<Value, Refusal> {
        if client != CLIENT_ID {
            return Err(Refusal::not_found("Client", client));
        }
        let keys: Value = self.published_keys.iter().map(|key| published(key)).collect();
        Ok(json!({"keys": keys}))
    }

    /// Sends a magic code. An unknown address gets an account, which is unverified until the code
    /// is used.
    fn create_magic_auth(&mut self, fields: &Fields, now: u64) -> Result<Value, Refusal> {
        refuse_caller(fields)?;
        let email = fields.email()?;
        if let Some(token) = fields.optional("invitation_token")? {
            self.check_invitation(token, &email)?;
        }
        self.limits.check(Limit::Send, &email.to_lowercase(), now)?;
        let user = match self.user_spelled(&email) {
            Some(user) => user,
            None if self.is_sign_up_closed => return Err(Refusal::sign_up_not_allowed()),
            None => self.new_user(User::created(&email, now)),
        };
        let (user_id, email) = (user.id.clone(), user.email.clone());
        let code = self.magic_codes.issue(&user_id, &email, now);
        (self.sink.0)(&email, &code.digits);
        Ok(code.to_json())
    }

    fn dev_access_token(&mut self, request: &Request) -> Answer {
        let query = Query::of(request);
        let name = query.first("user").unwrap_or_default();
        let Some(user) = self.users.iter().find(|user| user.is_called(name)) else {
            let names: Vec<_> = self.users.iter().map(|user| user.short_name.as_str()).collect();
            let problem = format!("no such user; the users are: {}\n", names.join(", "));
            return Answer::new(404, "text/plain", problem);
        };
        let wanted = query.first("organization");
        let mut places = self.organizations_of(&user.id).into_iter();
        let place = places.find(|place| wanted.is_none_or(|name| place.is_called(name)));
        if place.is_none() && wanted.is_some() {
            return Answer::new(404, "text/plain", "the user is in no such organization\n");
        }
        let organization_id = place.map(|place| place.id.clone());
        let session =
            self.sessions.begin(magic_auth(user.id.clone()), organization_id, unix_seconds());
        let claims = self.claims(&session, unix_seconds());
        Answer::new(200, "text/plain", self.signing_key.sign(&self.token_header(), &claims))
    }

    fn dev_callers(&self) -> Answer {
        let callers: Value = self.callers.iter().map(Caller::to_json).collect();
        Answer::json(200, &callers)
    }

    fn dev_invitation(&mut self, request: &Request) -> Answer {
        let name = request.query("organization").unwrap_or_default();
        let Some(organization) = self.organizations.iter().find(|other| other.is_called(&name))
        else {
            return Answer::new(404, "text/plain", "no such organization\n");
        };
        let organization_id = organization.id.clone();
        let email = request.query("email").unwrap_or_default();
        Answer::new(200, "text/plain", self.invite(&email, &organization_id))
    }

    fn dev_magic_code(&self, request: &Request) -> Answer {
        let email = request.query("email").unwrap_or_default();
        match self.magic_code_for(&email) {
            Some(digits) => Answer::new(200, "text/plain", digits),
            None => Answer::new(404, "text/plain", "no code was asked for that address\n"),
        }
    }

    pub(super) fn magic_code_for(&self, email: &str) -> Option<String> {
        let email = self.users.iter().find(|user| user.has_email(email)).map(|user| &user.email);
        let code = self.magic_codes.latest_for(email?)?;
        Some(code.digits.clone())
    }

    pub(super) fn token_header(&self) -> Value {
        json!({"alg": "RS256", "kid": self.signing_key.kid})
    }

    pub(super) fn issuer(&self) -> String {
        self.issuer.clone().unwrap_or_else(|| self.url.clone())
    }
}
