//! WorkOS's API, as far as this project uses it. <https://workos.com/docs/reference>
//!
//! | request | answers |
//! |---|---|
//! | `GET /user_management/authorize` | a page to sign in on; see [`WorkOs::authorization_code`] for its code without it |
//! | `POST /user_management/authenticate` | a session for a code, a magic code, a refresh token, or a choice of organization |
//! | `GET /user_management/sessions/logout` | ends the session and redirects |
//! | `GET /sso/jwks/{client}` | the public keys |
//! | `POST /user_management/magic_auth` | a magic code; for an unknown address it makes the account too |
//! | `GET`, `POST /user_management/users`, `GET …/{id}` | users |
//! | `GET /user_management/organization_memberships` | who belongs to what |
//! | `GET /organizations`, `GET …/{id}` | organizations, by domain too |
//! | `GET /connections` | SSO connections |
//! | `GET /dev/access-token?user=jane` | an access token of a new session as plain text, which only the stand-in does; `&organization=` a name or an id |
//! | `GET /dev/magic-code?email=jane.doe@example.com` | the latest magic code as plain text, likewise |
//!
//! A request needs the API key as its bearer token, and gets 401 for a wrong one; `authenticate` takes
//! it as `client_secret`, and says 400 `invalid_client`; a browser's requests and the keys need none.
//! [`seeded_users`] says who is there.
//!
//! An address may ask for three codes and try ten within a minute, as WorkOS documents it; what is too
//! much gets 429 with `Retry-After`, until [`WorkOs::lift_limits`].

mod authenticate;
mod authorize;
mod directory;
mod fields;
mod identifier;
mod list;
mod magic_code;
mod organization;
mod refusal;
mod seeds;
mod session;
mod user;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use http::HeaderName;
use ring::digest::{SHA256, digest};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};

pub use self::{
    authenticate::PENDING_SECONDS,
    authorize::AUTHORIZATION_CODE_SECONDS,
    magic_code::{MAGIC_CODE_GUESSES, MAGIC_CODE_SECONDS},
    organization::{Connection, Domain, Membership, Organization},
    seeds::{RECORDING_PERMISSION, seeded_organizations, seeded_users},
    session::{ACCESS_TOKEN_SECONDS, REPLAY_SECONDS},
    user::{Step, User},
};
use self::{
    authenticate::{Pending, magic_auth},
    authorize::{AuthorizationCodes, redirect_to},
    fields::{Fields, Query},
    magic_code::{Limit, Limits, MagicCodes},
    refusal::Refusal,
    session::{Sessions, SignIn},
};
use super::{
    exchange::{Answer, Request},
    jwt::RsaKey,
    lock,
    server::{Provider, StandIn},
    unix_seconds,
};

/// 1 January 2025, in seconds: when everything was created that was there from the start.
const CREATED_AT: u64 = 1_735_689_600;

/// The client id.
pub const CLIENT_ID: &str = "client_01ANTER00MSTANDIN000000000";

/// The API key of a new environment. It is no secret.
pub const API_KEY: &str = "sk_test_of_the_stand_in_for_workos_and_no_secret";

/// The password that the settings have for the session cookie. It is no secret.
pub const COOKIE_PASSWORD: &str = "the stand-in's own cookie password, which is no secret";

/// The redirect URI that is registered from the start.
pub const REDIRECT_URI: &str = "http://localhost:3000/callback";

/// The place to go after signing out that is registered from the start.
pub const LOGOUT_RETURN_TO: &str = "http://localhost:3000";

/// The key that signs access tokens.
pub static SIGNING_KEY: RsaKey = RsaKey::new(
    "sso_oidc_key_pair_01ANTER00MFIRST0000000000",
    include_str!("../keys/workos.pem"),
    include_str!("../keys/workos.public.pem"),
);

/// The key that signs them after [`WorkOs::rotate_signing_key`].
pub static NEXT_SIGNING_KEY: RsaKey = RsaKey::new(
    "sso_oidc_key_pair_01ANTER00MNEXT00000000000",
    include_str!("../keys/workos-next.pem"),
    include_str!("../keys/workos-next.public.pem"),
);

/// The key of another environment.
pub static FOREIGN_KEY: RsaKey = RsaKey::new(
    "sso_oidc_key_pair_01ANTER00MFOREIGN00000000",
    include_str!("../keys/workos-foreign.pem"),
    include_str!("../keys/workos-foreign.public.pem"),
);

const CERTIFICATE: &str = include_str!("../keys/workos.certificate.pem");
const NEXT_CERTIFICATE: &str = include_str!("../keys/workos-next.certificate.pem");

/// A running WorkOS.
pub type WorkOs = StandIn<Environment>;

impl WorkOs {
    /// The API key that counts now.
    pub fn api_key(&self) -> String {
        self.state().api_key.clone()
    }

    /// From now on only this API key counts.
    pub fn rotate_api_key(&self, api_key: &str) {
        api_key.clone_into(&mut self.state().api_key);
    }

    /// The client id.
    pub fn client_id(&self) -> &'static str {
        CLIENT_ID
    }

    /// Who issues the access tokens: where the stand-in listens, unless
    /// [`set_issuer`](Self::set_issuer) says otherwise.
    pub fn issuer(&self) -> String {
        self.state().issuer()
    }

    /// Issues access tokens under another name from now on. WorkOS's own is its address, in older
    /// environments, or the address with `/user_management/<client id>`.
    pub fn set_issuer(&self, issuer: &str) {
        self.state().issuer = Some(issuer.to_owned());
    }

    /// From now on access tokens live that long; those with less than nothing have expired already.
    pub fn set_access_token_seconds(&self, seconds: i64) {
        self.state().access_token_seconds = seconds;
    }

    /// From now on access tokens are issued as if that had been so many seconds ago: of a token that
    /// lives for five minutes, backdating by 270 seconds leaves half a minute.
    pub fn backdate_access_tokens(&self, seconds: u64) {
        self.state().access_token_age = seconds;
    }

    /// Adds a user, or replaces the one with the same id.
    pub fn add_user(&self, user: User) {
        let mut state = self.state();
        state.users.retain(|other| other.id != user.id);
        state.users.push(user);
    }

    /// Removes a user, by id, short name or address.
    pub fn remove_user(&self, name: &str) {
        self.state().users.retain(|user| !user.is_called(name));
    }

    /// A user, by id, short name or address.
    ///
    /// # Panics
    /// When there is none.
    pub fn user(&self, name: &str) -> User {
        self.state().user_called(name).clone()
    }

    /// Whether there is such a user, by id, short name or address.
    pub fn has_user(&self, name: &str) -> bool {
        self.state().users.iter().any(|user| user.is_called(name))
    }

    /// Adds an organization, or replaces the one with the same id.
    pub fn add_organization(&self, organization: Organization) {
        let mut state = self.state();
        state.organizations.retain(|other| other.id != organization.id);
        state.organizations.push(organization);
    }

    /// An organization, by id or name.
    ///
    /// # Panics
    /// When there is none.
    pub fn organization(&self, name: &str) -> Organization {
        self.state().organization_called(name).clone()
    }

    /// Gives a user a place in an organization, as a member without permissions; both by id or name.
    ///
    /// # Panics
    /// When there is no such user or organization.
    pub fn add_member(&self, organization: &str, user: &str) {
        let mut state = self.state();
        let user_id = state.user_called(user).id.clone();
        let organization_id = state.organization_called(organization).id.clone();
        state.memberships.push(Membership::as_member(&user_id, &organization_id));
    }

    /// Takes a user's place in an organization away; both by id or name.
    ///
    /// # Panics
    /// When there is no such user or organization.
    pub fn remove_member(&self, organization: &str, user: &str) {
        let mut state = self.state();
        let user_id = state.user_called(user).id.clone();
        let organization_id = state.organization_called(organization).id.clone();
        state.memberships.retain(|membership| {
            membership.user_id != user_id || membership.organization_id != organization_id
        });
    }

    /// Signs a user in by a magic code, and gives what `authenticate` would: `user`, `access_token`,
    /// `refresh_token`. The organization, by id or name, must be given for a user who has several.
    ///
    /// # Panics
    /// When there is no such user or organization, or the sign-in is refused.
    pub fn sign_in(&self, user: &str, organization: Option<&str>) -> Value {
        let mut state = self.state();
        let sign_in = SignIn {
            organization_id: organization.map(|name| state.organization_called(name).id.clone()),
            ..magic_auth(state.user_called(user).id.clone())
        };
        let outcome = state.complete(sign_in, unix_seconds());
        outcome.unwrap_or_else(|refusal| panic!("{user} is not let in: {refusal:?}"))
    }

    /// An authorization code for a user who has signed in with Google, and the PKCE challenge that it
    /// was asked for with.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn authorization_code(&self, user: &str, challenge: Option<&str>) -> String {
        let mut state = self.state();
        let method = "GoogleOAuth".to_owned();
        let sign_in = SignIn { method, ..magic_auth(state.user_called(user).id.clone()) };
        state.codes.issue(sign_in, challenge, unix_seconds())
    }

    /// The digits of the magic code that an address was sent last.
    pub fn magic_code_for(&self, email: &str) -> Option<String> {
        self.state().magic_code_for(email)
    }

    /// Tells of every magic code from now on, as the e-mail would: the address and the digits. The sink
    /// must not ask the stand-in anything, which waits for it.
    pub fn on_magic_code(&self, sink: impl Fn(&str, &str) + Send + Sync + 'static) {
        self.state().sink = Sink(Arc::new(sink));
    }

    /// Every code and every choice of an organization that is still open has expired.
    pub fn expire_codes(&self) {
        let mut state = self.state();
        state.codes.expire_all();
        state.magic_codes.expire_all();
        state.pending.values_mut().for_each(|pending| pending.expires_at = 0);
    }

    /// Half a minute has passed since every exchange of a refresh token: who comes with such a token
    /// again is refused.
    pub fn end_replays(&self) {
        self.state().sessions.end_replays();
    }

    /// No address can ask too often any more.
    pub fn lift_limits(&self) {
        self.state().limits.are_lifted = true;
    }

    /// Nobody can sign up from now on by asking for a magic code.
    pub fn close_sign_up(&self) {
        self.state().is_sign_up_closed = true;
    }

    /// Ends a session, by the `sid` of its tokens, and says whether there was one. Access tokens that
    /// are out stay valid until they expire, as at WorkOS.
    pub fn revoke_session(&self, sid: &str) -> bool {
        self.state().sessions.end(sid)
    }

    /// Whether a session, by the `sid` of its tokens, goes on.
    pub fn has_session(&self, sid: &str) -> bool {
        self.state().sessions.is_live(sid)
    }

    /// From now on every refresh ends up in this organization, by id or name, whatever was asked for.
    /// WorkOS does no such thing; whoever relies on it must notice.
    ///
    /// # Panics
    /// When there is no such organization.
    pub fn misplace_refreshes(&self, organization: &str) {
        let mut state = self.state();
        state.misplaced_refreshes = Some(state.organization_called(organization).id.clone());
    }

    /// Answers the next request to that path with this and nothing else, whoever asks: for what WorkOS
    /// documents and the stand-in has no occasion to say. Several are given in their order.
    ///
    /// The body may be a text with JSON that no [`Value`] holds, such as JavaScript writes.
    pub fn prescribe(&self, path: &str, status: u16, body: impl fmt::Display) {
        self.state().prescriptions.push((path.to_owned(), status, body.to_string()));
    }

    /// Registers one more redirect URI, which is the one that the settings have from now on.
    pub fn register_redirect_uri(&self, uri: &str) {
        self.state().redirect_uris.push(uri.to_owned());
    }

    /// Registers one more place to go after signing out, likewise.
    pub fn register_logout_uri(&self, uri: &str) {
        self.state().logout_uris.push(uri.to_owned());
    }

    /// Publishes the next key beside the one that signs, as WorkOS does some time before it signs with
    /// it: see [`rotate_signing_key`](Self::rotate_signing_key).
    pub fn publish_next_signing_key(&self) {
        self.state().published_keys = vec![&SIGNING_KEY, &NEXT_SIGNING_KEY];
    }

    /// Signs with another key from now on. The JWKS has both until
    /// [`retire_old_signing_key`](Self::retire_old_signing_key).
    pub fn rotate_signing_key(&self) {
        let mut state = self.state();
        let is_first = std::ptr::eq(state.signing_key, &raw const SIGNING_KEY);
        state.signing_key = if is_first { &NEXT_SIGNING_KEY } else { &SIGNING_KEY };
        state.published_keys = vec![&SIGNING_KEY, &NEXT_SIGNING_KEY];
    }

    /// Takes the key that no longer signs out of the JWKS.
    pub fn retire_old_signing_key(&self) {
        let mut state = self.state();
        state.published_keys = vec![state.signing_key];
    }

    /// The header of an access token, under the key that signs now.
    pub fn header(&self) -> Value {
        self.state().token_header()
    }

    /// The claims of an access token of a new session in the user's first organization.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn claims_for(&self, user: &str) -> Value {
        let mut state = self.state();
        let user_id = state.user_called(user).id.clone();
        let organization = state.organizations_of(&user_id).first().map(|first| first.id.clone());
        let session = state.sessions.begin(magic_auth(user_id), organization);
        state.claims(&session, unix_seconds())
    }

    /// An access token of a new session in the user's first organization.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn access_token(&self, user: &str) -> String {
        self.sign(&self.header(), &self.claims_for(user))
    }

    /// Signs any token with the key that signs now.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let key = self.state().signing_key;
        key.sign(header, claims)
    }

    /// Signs any token with another environment's key.
    pub fn sign_foreign(&self, header: &Value, claims: &Value) -> String {
        FOREIGN_KEY.sign(header, claims)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.provider.state)
    }
}

/// What the imitated environment knows.
#[derive(Debug, Default)]
pub struct Environment {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    url: String,
    issuer: Option<String>,
    api_key: String,
    redirect_uris: Vec<String>,
    logout_uris: Vec<String>,
    signing_key: &'static RsaKey,
    published_keys: Vec<&'static RsaKey>,
    access_token_seconds: i64,
    access_token_age: u64,
    is_sign_up_closed: bool,
    misplaced_refreshes: Option<String>,
    users: Vec<User>,
    organizations: Vec<Organization>,
    memberships: Vec<Membership>,
    codes: AuthorizationCodes,
    magic_codes: MagicCodes,
    limits: Limits,
    pending: HashMap<String, Pending>,
    sessions: Sessions,
    prescriptions: Vec<(String, u16, String)>,
    sink: Sink,
}

/// Whom to tell of magic codes.
struct Sink(Arc<Told>);

/// Gets an address and the digits that it would be sent.
type Told = dyn Fn(&str, &str) + Send + Sync;

impl fmt::Debug for Sink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sink")
    }
}

impl Default for State {
    fn default() -> Self {
        let (users, organizations) = (seeded_users(), seeded_organizations());
        Self {
            url: String::new(),
            issuer: None,
            api_key: API_KEY.to_owned(),
            redirect_uris: vec![REDIRECT_URI.to_owned()],
            logout_uris: vec![LOGOUT_RETURN_TO.to_owned()],
            signing_key: &SIGNING_KEY,
            published_keys: vec![&SIGNING_KEY],
            access_token_seconds: ACCESS_TOKEN_SECONDS,
            access_token_age: 0,
            is_sign_up_closed: false,
            misplaced_refreshes: None,
            memberships: seeds::memberships(&users, &organizations),
            users,
            organizations,
            codes: AuthorizationCodes::default(),
            magic_codes: MagicCodes::default(),
            limits: Limits::default(),
            pending: HashMap::new(),
            sessions: Sessions::default(),
            prescriptions: Vec::new(),
            sink: Sink(Arc::new(|_, _| {})),
        }
    }
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

    fn answer_to_key_holder(&mut self, request: &Request, now: u64) -> Result<Answer, Refusal> {
        if request.bearer() != Some(self.api_key.as_str()) {
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
                let user = self.create_user(&Fields::read(request)?, now)?;
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

    /// Ends the session, if there is one, and goes where the application said; only to a place that
    /// is registered.
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

    /// A magic code. Whoever is not known yet gets an account, unverified until the code comes back.
    fn create_magic_auth(&mut self, fields: &Fields, now: u64) -> Result<Value, Refusal> {
        let email = fields.email()?;
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
            let problem = format!("no such user; there are: {}\n", names.join(", "));
            return Answer::new(404, "text/plain", problem);
        };
        let wanted = query.first("organization");
        let mut places = self.organizations_of(&user.id).into_iter();
        let place = places.find(|place| wanted.is_none_or(|name| place.is_called(name)));
        if place.is_none() && wanted.is_some() {
            return Answer::new(404, "text/plain", "the user is in no such organization\n");
        }
        let organization_id = place.map(|place| place.id.clone());
        let session = self.sessions.begin(magic_auth(user.id.clone()), organization_id);
        let claims = self.claims(&session, unix_seconds());
        Answer::new(200, "text/plain", self.signing_key.sign(&self.token_header(), &claims))
    }

    fn dev_magic_code(&self, request: &Request) -> Answer {
        let email = request.query("email").unwrap_or_default();
        match self.magic_code_for(&email) {
            Some(digits) => Answer::new(200, "text/plain", digits),
            None => Answer::new(404, "text/plain", "no code was asked for that address\n"),
        }
    }

    fn magic_code_for(&self, email: &str) -> Option<String> {
        let email = self.users.iter().find(|user| user.has_email(email)).map(|user| &user.email);
        let code = self.magic_codes.latest_for(email?)?;
        Some(code.digits.clone())
    }

    fn token_header(&self) -> Value {
        json!({"alg": "RS256", "kid": self.signing_key.kid})
    }

    fn issuer(&self) -> String {
        self.issuer.clone().unwrap_or_else(|| self.url.clone())
    }
}

/// A key as the JWKS has it: WorkOS publishes each with a certificate of its own making.
fn published(key: &RsaKey) -> Value {
    let is_first = std::ptr::eq(key, &raw const SIGNING_KEY);
    let pem = if is_first { CERTIFICATE } else { NEXT_CERTIFICATE };
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
        .expect("stand-ins/keys holds a certificate of each key");
    let mut jwk = key.jwk();
    jwk["x5c"] = json!([BASE64_STANDARD.encode(&certificate)]);
    jwk["x5t#S256"] = json!(BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate)));
    jwk
}
