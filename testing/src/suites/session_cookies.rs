//! Which responses clear the session cookie: every way in which a request with a session cookie can
//! fail, and its effect on the cookie. Only a cookie that can never become valid is cleared; if in
//! doubt, it is kept. `cargo test -- --nocapture` prints the table.

use std::fmt;
use std::sync::Arc;

use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::LiveKit;
use anteroom_stand_ins::s3::S3;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_stand_ins::workos::COOKIE_PASSWORD;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::auth_world::AuthWorld;
use crate::event::Event;
use crate::identity::Identity;
use crate::room_world::permissions;
use crate::sessions::{
    self, COOKIE, access_token, expired_session, sealed, session_near_its_end, sid,
};

const AUTHENTICATE: &str = "/user_management/authenticate";

/// How often an error is repeated, because an endpoint may retry.
const OFTEN: usize = 8;

/// How many cases run at once, each with its own processes. They mostly wait: for pauses before
/// retries.
const AT_ONCE: usize = 24;

/// An endpoint that accepts WorkOS sessions.
#[derive(Clone, Copy)]
pub struct Endpoint {
    /// The executable.
    pub binary: &'static str,
    /// What it does with a session.
    pub kind: Kind,
}

/// What an endpoint does with a session.
#[derive(Clone, Copy)]
pub enum Kind {
    /// It returns the session's user.
    WhoAmI,
    /// It ends the session.
    SignOut,
    /// It switches the session to another organization, which requires a refresh.
    Switch,
    /// It acts in a room. The function returns the request's body.
    Room(fn() -> Value),
}

/// The effect of a response on the session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Kept,
    Cleared,
    Refreshed,
}

use Effect::{Cleared, Kept, Refreshed};

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Kept => "-",
            Cleared => "CLEARED",
            Refreshed => "refreshed",
        })
    }
}

/// The status of a response: a specific one, or that of a request with a valid session.
#[derive(Clone, Copy, Debug)]
enum Status {
    Served,
    Is(u64),
}

use Status::{Is, Served};

/// A request's credential.
#[derive(Clone, Copy)]
enum Credential {
    /// A cookie that is not a genuine session.
    Forged(Forgery),
    /// A genuine session with this in its access token.
    Token(Token),
    /// A genuine session that is due for a refresh, or soon will be.
    Refresh(Age, Refresh),
    /// A token in the header, valid or not, together with an expired cookie.
    Bearer { good: bool },
    /// A valid session, sent by a page on another site.
    ForeignOrigin,
}

#[derive(Clone, Copy)]
enum Forgery {
    Empty,
    Text(&'static str),
    Change(fn(&str) -> String),
    OtherPassword,
    OtherContent,
    Two,
    TwoDifferent,
    NoPassword,
    NoNewerPassword,
}

#[derive(Clone, Copy)]
enum Token {
    Text(&'static str),
    Unsigned,
    ForeignKey,
    ChangedClaims,
    Claim(&'static str, fn() -> Value),
    Header(&'static str, fn() -> Value),
    /// Its key is unknown, and the key set was just fetched for another token, so it is not fetched
    /// again yet.
    NewKeyWhileResting,
    /// Its key is new, and the key set cannot be fetched.
    NewKeyWhile(Fault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Expired,
    NearItsEnd,
}

#[derive(Clone, Copy)]
enum Refresh {
    Succeeds,
    KeyGone,
    NoToken,
    Revoked,
    UserGone,
    ExchangedBefore,
    Refused(u16, fn() -> Value),
    Fails(Fault),
    Brings(fn(&mut Value, &AuthWorld)),
}

struct Case {
    why: &'static str,
    credential: Credential,
    status: Status,
    effect: Effect,
}

/// Sends every kind of request to the endpoint, and compares the effect on the cookie with the
/// table.
///
/// # Panics
/// If a row differs.
pub async fn check(endpoint: Endpoint) {
    let good = Credential::Refresh(Age::NearItsEnd, Refresh::NoToken);
    let served = Scene::start(endpoint, good).await.served().await;
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut asked = JoinSet::new();
    for (index, case) in cases(endpoint.kind).into_iter().enumerate() {
        let turns = Arc::clone(&turns);
        asked.spawn(async move {
            let _turn = turns.acquire().await.expect("it is never closed");
            (index, case.ask(endpoint, served).await)
        });
    }
    let mut rows = asked.join_all().await;
    rows.sort_by_key(|(index, _)| *index);
    for (_, row) in &rows {
        print_row(row);
    }
    let wrong: Vec<_> =
        rows.iter().filter(|(_, row)| !row.is_right()).map(|(_, row)| row.to_string()).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[expect(clippy::print_stdout, reason = "the table is for people to read")]
fn print_row(row: &Row) {
    println!("{row}");
}

/// A line of the table.
struct Row {
    endpoint: String,
    why: String,
    expected: (u64, Effect),
    seen: (u64, Effect),
}

impl Row {
    fn is_right(&self) -> bool {
        self.expected == self.seen
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, why, expected, seen: (status, effect) } = self;
        write!(formatter, "{endpoint:20} {why:58} {status} {effect:8}")?;
        if !self.is_right() {
            write!(formatter, " but expected {} {}", expected.0, expected.1)?;
        }
        Ok(())
    }
}

/// Every case, with the expected result for an endpoint of this kind.
fn cases(kind: Kind) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |why, credential, status, effect| {
        cases.push(Case { why, credential, status, effect });
    };
    // Signing out clears any cookie, unless it cannot be verified right now.
    let signs_out = matches!(kind, Kind::SignOut);
    let refused = |effect| if signs_out { Cleared } else { effect };
    // For signing out, a genuine seal is enough to trust the session that it names.
    let leaves_or = |status, effect| {
        if signs_out { (Served, Cleared) } else { (status, effect) }
    };

    for (why, forgery) in forgeries() {
        let (status, effect) = match forgery {
            Forgery::Empty => (401, refused(Kept)),
            Forgery::NoPassword | Forgery::NoNewerPassword => (503, Kept),
            _ => (401, Cleared),
        };
        add(why, Credential::Forged(forgery), Is(status), effect);
    }
    for (why, token) in forged_tokens() {
        add(why, Credential::Token(token), Is(401), Cleared);
    }
    for (why, token) in unaccepted_tokens() {
        add(why, Credential::Token(token), Is(401), refused(Kept));
    }
    let nbf = Token::Claim("nbf", || json!(4_000_000_000_u64));
    add("a token that is not valid yet", Credential::Token(nbf), Is(503), Kept);
    let unknown = Token::Header("kid", || json!("sso_oidc_key_pair_unknown"));
    let (status, effect) = leaves_or(Is(401), Kept);
    add("a token of an unknown key", Credential::Token(unknown), status, effect);
    for (why, token) in untellable_tokens() {
        let (status, effect) = leaves_or(Is(503), Kept);
        add(why, Credential::Token(token), status, effect);
    }
    for (why, refresh, status, effect) in refreshes() {
        let credential = Credential::Refresh(Age::Expired, refresh);
        let (status, effect) = leaves_or(status, effect);
        add(why, credential, status, effect);
    }
    for (why, refresh, status, effect) in refreshes() {
        let credential = Credential::Refresh(Age::NearItsEnd, refresh);
        // A switch always needs its refresh; the old session is no fallback.
        let (status, effect) = match (kind, refresh) {
            (Kind::SignOut, _) => (Served, Cleared),
            (Kind::Switch, Refresh::NoToken) => (Is(401), Kept),
            (Kind::Switch, _) => (status, effect),
            (_, Refresh::Succeeds | Refresh::KeyGone) => (Served, Refreshed),
            _ => (Served, Kept),
        };
        add(why, credential, status, effect);
    }
    let as_bearer = if matches!(kind, Kind::Switch) { Is(401) } else { Served };
    add("a good bearer beside it", Credential::Bearer { good: true }, as_bearer, Kept);
    add("a bad bearer beside it", Credential::Bearer { good: false }, Is(401), Kept);
    add("a page of another site", Credential::ForeignOrigin, Is(403), Kept);
    cases
}

fn forgeries() -> Vec<(&'static str, Forgery)> {
    vec![
        ("an empty cookie", Forgery::Empty),
        ("no seal", Forgery::Text("hello")),
        ("a cookie of 9,000 bytes", Forgery::Change(|_| "x".repeat(9000))),
        ("a seal cut short", Forgery::Change(|seal| seal[..seal.len() - 10].to_owned())),
        ("a seal without its version", Forgery::Change(|seal| seal.replace("~2", ""))),
        ("a seal of another version", Forgery::Change(|seal| seal.replace("~2", "~1"))),
        ("a seal of a second password", Forgery::Change(|seal| seal.replacen("*1*", "*2*", 1))),
        ("an altered seal", Forgery::Change(altered)),
        ("a seal of another password", Forgery::OtherPassword),
        ("a seal of something else", Forgery::OtherContent),
        ("the same cookie twice", Forgery::Two),
        ("two cookies", Forgery::TwoDifferent),
        ("no password to open it with", Forgery::NoPassword),
        ("a foreign seal, and no newer password to be had", Forgery::NoNewerPassword),
    ]
}

/// The seal with one character changed in the middle of the ciphertext.
fn altered(seal: &str) -> String {
    let (at, own) = (seal.len() / 2, seal.as_bytes()[seal.len() / 2]);
    let other = if own == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &seal[..at], &seal[at + 1..])
}

fn forged_tokens() -> Vec<(&'static str, Token)> {
    vec![
        ("no token in the seal", Token::Text("token")),
        ("an unsigned token", Token::Unsigned),
        ("a token that a known key refutes", Token::ForeignKey),
        ("a token with changed claims", Token::ChangedClaims),
        ("another user's token", Token::Claim("sub", || json!("user_eve"))),
    ]
}

fn unaccepted_tokens() -> Vec<(&'static str, Token)> {
    vec![
        ("another issuer's token", Token::Claim("iss", || json!("https://evil.example"))),
        ("another client's token", Token::Claim("client_id", || json!("client_01OTHER"))),
        ("a token for another client", Token::Claim("aud", || json!("client_01OTHER"))),
        ("a token of no session", Token::Claim("sid", || json!(null))),
        ("a token of a consent", Token::Claim("sid", || json!("app_consent_1"))),
        ("a token without an end", Token::Claim("exp", || json!(null))),
        ("a token of another type", Token::Header("typ", || json!("dpop+jwt"))),
    ]
}

fn untellable_tokens() -> Vec<(&'static str, Token)> {
    vec![
        ("a new key while the set rests", Token::NewKeyWhileResting),
        ("a new key, the set is down", Token::NewKeyWhile(Fault::Down)),
        ("a new key, the set fails", Token::NewKeyWhile(Fault::Failing(500))),
        ("a new key, the set is a page", Token::NewKeyWhile(Fault::GatewayPage)),
        ("a new key, the set is garbage", Token::NewKeyWhile(Fault::Garbage)),
        ("a new key, the set has another shape", Token::NewKeyWhile(Fault::WrongShape)),
    ]
}

/// The outcomes of a refresh, for a session that needs it.
fn refreshes() -> impl Iterator<Item = Outcome> {
    answers().into_iter().chain(unusable_tokens())
}

/// The outcome of a refresh: status and cookie of the request that needed it.
type Outcome = (&'static str, Refresh, Status, Effect);

/// WorkOS's possible responses to a refresh.
fn answers() -> Vec<Outcome> {
    vec![
        ("a refresh", Refresh::Succeeds, Served, Refreshed),
        ("a refresh of a token whose key is gone", Refresh::KeyGone, Served, Refreshed),
        ("no refresh token", Refresh::NoToken, Is(401), Cleared),
        ("invalid_grant: revoked", Refresh::Revoked, Is(401), Cleared),
        ("invalid_grant: the user is gone", Refresh::UserGone, Is(401), Cleared),
        ("invalid_grant: already exchanged", Refresh::ExchangedBefore, Is(401), Kept),
        ("refused: SSO", Refresh::Refused(400, || error("sso_required")), Is(403), Kept),
        (
            "refused: a second factor",
            Refresh::Refused(400, || error("mfa_enrollment")),
            Is(403),
            Kept,
        ),
        ("refused: access denied", Refresh::Refused(400, || error("access_denied")), Is(403), Kept),
        (
            "refused: proof of the address",
            Refresh::Refused(403, || code("email_verification_required")),
            Is(403),
            Kept,
        ),
        (
            "refused: an expired token",
            Refresh::Refused(400, || error("expired_token")),
            Is(401),
            Kept,
        ),
        (
            "refused: no such user",
            Refresh::Refused(404, || code("entity_not_found")),
            Is(401),
            Kept,
        ),
        ("refused: a new code", Refresh::Refused(400, || error("code_of_2031")), Is(401), Kept),
        ("refused: a new requirement", Refresh::Refused(403, || code("new_check")), Is(403), Kept),
        ("refused: our key", Refresh::Fails(Fault::Refusing), Is(502), Kept),
        ("refused: our client", Refresh::Refused(400, || error("invalid_client")), Is(502), Kept),
        ("an outage: no answer", Refresh::Fails(Fault::Down), Is(503), Kept),
        ("an outage: 408", Refresh::Fails(Fault::Failing(408)), Is(503), Kept),
        ("an outage: 500", Refresh::Fails(Fault::Failing(500)), Is(503), Kept),
        ("an outage: 503", Refresh::Fails(Fault::Failing(503)), Is(503), Kept),
        ("an outage: a gateway's page", Refresh::Fails(Fault::GatewayPage), Is(503), Kept),
        ("an outage: half an answer", Refresh::Fails(Fault::Truncated), Is(503), Kept),
        ("an outage: garbage", Refresh::Fails(Fault::Garbage), Is(503), Kept),
        ("an outage: another shape", Refresh::Fails(Fault::WrongShape), Is(503), Kept),
        (
            "an outage: 429",
            Refresh::Fails(Fault::Limiting { retry_after: Some(60) }),
            Is(503),
            Kept,
        ),
    ]
}

/// Refresh results that cannot be used.
fn unusable_tokens() -> Vec<Outcome> {
    vec![
        (
            "a refresh brings too much",
            Refresh::Brings(|answer, _| {
                answer["user"]["first_name"] = json!("J".repeat(3000));
            }),
            Is(403),
            Kept,
        ),
        (
            "a refresh brings an unknown key's token",
            Refresh::Brings(|answer, world| {
                let mut header = world.workos.header();
                header["kid"] = json!("sso_oidc_key_pair_unknown");
                answer["access_token"] = json!(world.workos.sign(&header, &claims(answer)));
            }),
            Is(503),
            Kept,
        ),
        (
            "a refresh brings a token that is not valid yet",
            Refresh::Brings(|answer, world| {
                resign(answer, world, "nbf", json!(4_000_000_000_u64));
            }),
            Is(503),
            Kept,
        ),
        (
            "a refresh brings an expired token",
            Refresh::Brings(|answer, world| {
                resign(answer, world, "exp", json!(1));
            }),
            Is(502),
            Kept,
        ),
        (
            "a refresh brings another session",
            Refresh::Brings(|answer, world| {
                resign(answer, world, "sid", json!("session_1"));
            }),
            Is(502),
            Kept,
        ),
        (
            "a refresh brings another user's token",
            Refresh::Brings(|answer, world| {
                resign(answer, world, "sub", json!("user_eve"));
            }),
            Is(502),
            Kept,
        ),
        (
            "a refresh brings another user",
            Refresh::Brings(|answer, _| {
                answer["user"]["id"] = json!("user_eve");
            }),
            Is(502),
            Kept,
        ),
        (
            "a refresh brings a forged token",
            Refresh::Brings(|answer, world| {
                let token = world.workos.sign_foreign(&world.workos.header(), &claims(answer));
                answer["access_token"] = json!(token);
            }),
            Is(502),
            Kept,
        ),
    ]
}

fn error(error: &str) -> Value {
    json!({ "error": error, "error_description": "The request failed." })
}

fn code(code: &str) -> Value {
    json!({ "code": code, "message": "Request could not be processed." })
}

fn claims(session: &Value) -> Value {
    jwt::claims(access_token(session)).expect("claims")
}

/// Changes a claim of the access token in a response.
fn resign(answer: &mut Value, world: &AuthWorld, name: &str, value: Value) {
    let mut claims = claims(answer);
    claims[name] = value;
    answer["access_token"] = json!(world.workos.sign(&world.workos.header(), &claims));
}

impl Case {
    async fn ask(&self, endpoint: Endpoint, served: u64) -> Row {
        let scene = Scene::start(endpoint, self.credential).await;
        let event = scene.event(self.credential).await;
        let answer = scene.world.ask(&event).await;
        let expected = match self.status {
            Served => served,
            Is(status) => status,
        };
        let age = match self.credential {
            Credential::Refresh(age, _) => format!(" ({age:?})"),
            _ => String::new(),
        };
        Row {
            endpoint: scene.world.path.rsplit('/').next().unwrap_or_default().to_owned(),
            why: self.why.to_owned() + &age,
            expected: (expected, self.effect),
            seen: (answer.status(), effect(&answer)),
        }
    }
}

fn effect(answer: &Answer) -> Effect {
    let mut own = answer.cookies();
    own.retain(|cookie| cookie.name == COOKIE);
    match &own[..] {
        [] => Kept,
        [cookie] if cookie.is_cleared() => Cleared,
        [cookie] if cookie.value.starts_with("Fe26.2*") => Refreshed,
        other => panic!("{other:?}"),
    }
}

/// The endpoint and its stand-ins.
struct Scene {
    kind: Kind,
    world: AuthWorld,
    _livekit: Option<LiveKit>,
    _s3: Option<S3>,
    _secrets: Option<SecretsManager>,
}

impl Scene {
    async fn start(endpoint: Endpoint, credential: Credential) -> Self {
        let mut settings: Vec<(String, String)> = Vec::new();
        let livekit = match endpoint.kind {
            Kind::Room(_) => Some(LiveKit::start().await.expect("a free port")),
            _ => None,
        };
        settings.extend(livekit.iter().flat_map(LiveKit::settings));
        let permissions = permissions(Identity::WorkOs);
        settings.extend(permissions.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let s3 = match endpoint.kind {
            Kind::Room(_) => Some(S3::start().await.expect("a free port")),
            _ => None,
        };
        settings.extend(s3.iter().flat_map(S3::settings));
        let secrets = match credential {
            Credential::Forged(Forgery::NoPassword | Forgery::NoNewerPassword) => {
                let manager = SecretsManager::start().await.expect("a free port");
                let id = "anteroom/workos";
                manager.put(id, json!({ "WORKOS_COOKIE_PASSWORD": COOKIE_PASSWORD }));
                settings.extend(manager.settings());
                settings.push(("WORKOS_SECRET_ID".to_owned(), id.to_owned()));
                settings.push(("WORKOS_COOKIE_PASSWORD".to_owned(), String::new()));
                Some(manager)
            }
            _ => None,
        };
        if let (Credential::Forged(Forgery::NoPassword), Some(manager)) = (credential, &secrets) {
            manager.inject(Fault::Down);
        }
        let own: Vec<_> =
            settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut world = AuthWorld::start_with(endpoint.binary, &own).await;
        // From now on no newer password can be fetched.
        if let Some(manager) = &secrets {
            manager.inject(Fault::Down);
        }
        if livekit.is_some() {
            world.path = world.path.replacen("/auth/", "/api/v1/livekit/", 1);
        }
        Self { kind: endpoint.kind, world, _livekit: livekit, _s3: s3, _secrets: secrets }
    }

    /// The status for a valid session.
    async fn served(&self) -> u64 {
        let cookie = self.cookie_of(&self.session()).await;
        self.world.ask(&self.request().cookie(COOKIE, &cookie)).await.status()
    }

    fn user(&self) -> (&'static str, &'static str) {
        if matches!(self.kind, Kind::Switch) {
            ("member_of_two", "MASADAS")
        } else {
            ("jane", "Example")
        }
    }

    fn session(&self) -> Value {
        let (user, organization) = self.user();
        self.world.workos.sign_in(user, Some(organization))
    }

    fn request(&self) -> Event {
        let event = self.world.event();
        match self.kind {
            Kind::WhoAmI => event.method("GET"),
            Kind::SignOut => event,
            Kind::Switch => {
                let id = self.world.workos.organization("TAUNTA SCRE").id;
                event.json(&json!({ "email": "123@gmail.com", "organizationId": id }))
            }
            Kind::Room(body) => event.input(&body()),
        }
    }

    async fn cookie_of(&self, session: &Value) -> String {
        let password = ("WORKOS_COOKIE_PASSWORD".to_owned(), COOKIE_PASSWORD.to_owned());
        sealed(&[password], session).await
    }

    /// The request with this credential.
    async fn event(&self, credential: Credential) -> Event {
        let request = self.request();
        match credential {
            Credential::Forged(forgery) => self.forged(request, forgery).await,
            Credential::Token(token) => {
                let session = self.with_token(token).await;
                request.cookie(COOKIE, &self.cookie_of(&session).await)
            }
            Credential::Refresh(age, refresh) => {
                let cookie = self.to_be_refreshed(age, refresh).await;
                request.cookie(COOKIE, &cookie)
            }
            Credential::Bearer { good } => {
                let session = self.session();
                let expired =
                    expired_session(&self.world.workos, self.user().0, Some(self.user().1));
                let cookie = self.cookie_of(&expired).await;
                let token = if good { access_token(&session) } else { "token" };
                request.cookie(COOKIE, &cookie).bearer(token)
            }
            Credential::ForeignOrigin => {
                let expired =
                    expired_session(&self.world.workos, self.user().0, Some(self.user().1));
                let cookie = self.cookie_of(&expired).await;
                request.cookie(COOKIE, &cookie).header("origin", "https://evil.example")
            }
        }
    }

    async fn forged(&self, request: Event, forgery: Forgery) -> Event {
        let good = self.cookie_of(&self.session()).await;
        let value = match forgery {
            Forgery::Empty => String::new(),
            Forgery::Text(text) => text.to_owned(),
            Forgery::Change(change) => change(&good),
            Forgery::OtherPassword | Forgery::NoNewerPassword => {
                let password = "another password, of thirty-two characters and more".to_owned();
                let other = ("WORKOS_COOKIE_PASSWORD".to_owned(), password);
                sealed(&[other], &self.session()).await
            }
            Forgery::OtherContent => sessions::sealed_sign_in(COOKIE_PASSWORD).await,
            Forgery::Two => return request.cookie(COOKIE, &good).cookie(COOKIE, &good),
            Forgery::TwoDifferent => {
                let other = self.cookie_of(&self.session()).await;
                return request.cookie(COOKIE, &good).cookie(COOKIE, &other);
            }
            Forgery::NoPassword => good,
        };
        request.cookie(COOKIE, &value)
    }

    /// A session with this as its access token.
    async fn with_token(&self, token: Token) -> Value {
        let workos = &self.world.workos;
        let mut session = self.session();
        let (header, mut claims) = (workos.header(), claims(&session));
        let text = match token {
            Token::Text(text) => text.to_owned(),
            Token::Unsigned => jwt::unsigned(&json!({ "alg": "none" }), &claims),
            Token::ForeignKey => workos.sign_foreign(&header, &claims),
            Token::ChangedClaims => {
                claims["permissions"] = json!(["everything"]);
                jwt::with_claims(access_token(&session), &claims)
            }
            Token::Claim(name, value) => {
                claims[name] = value();
                workos.sign(&header, &claims)
            }
            Token::Header(name, value) => {
                let mut header = header;
                header[name] = value();
                workos.sign(&header, &claims)
            }
            Token::NewKeyWhileResting => {
                let mut invented = header;
                invented["kid"] = json!("invented");
                let stranger = workos.sign_foreign(&invented, &claims);
                let asked = self.world.ask(&self.request().bearer(&stranger)).await;
                assert_eq!(asked.status(), 401, "an invented key");
                workos.rotate_signing_key();
                workos.sign(&workos.header(), &claims)
            }
            Token::NewKeyWhile(fault) => {
                workos.rotate_signing_key();
                workos.inject(fault.on("/sso/jwks/"));
                workos.sign(&workos.header(), &claims)
            }
        };
        session["access_token"] = json!(text);
        session
    }

    /// The cookie of a session that is or soon will be due for a refresh. Prepares WorkOS for it.
    async fn to_be_refreshed(&self, age: Age, refresh: Refresh) -> String {
        let workos = &self.world.workos;
        let (user, organization) = self.user();
        let session = match (age, self.kind) {
            (Age::Expired, _) => expired_session(workos, user, Some(organization)),
            // The outcome must affect the switch itself, not an early refresh before it.
            (Age::NearItsEnd, Kind::Switch) => self.session(),
            (Age::NearItsEnd, _) => session_near_its_end(workos, user, Some(organization)),
        };
        match refresh {
            Refresh::Succeeds => {}
            Refresh::KeyGone => {
                workos.rotate_signing_key();
                if age == Age::Expired {
                    workos.retire_old_signing_key();
                }
            }
            Refresh::NoToken => return sessions::sealed_without_refresh_token(&session).await,
            Refresh::Revoked => {
                workos.revoke_session(&sid(&session));
            }
            Refresh::UserGone => workos.remove_user(user),
            Refresh::ExchangedBefore => {
                let body = json!({
                    "error": "invalid_grant",
                    "error_description": "Refresh token already exchanged.",
                });
                self.prescribe(400, &body);
            }
            Refresh::Refused(status, body) => self.prescribe(status, &body()),
            Refresh::Fails(fault) => workos.inject(fault.on(AUTHENTICATE)),
            Refresh::Brings(change) => {
                let organization = match (age, self.kind) {
                    (Age::NearItsEnd, Kind::Switch) => "TAUNTA SCRE",
                    _ => organization,
                };
                let mut answer = workos.sign_in(user, Some(organization));
                resign(&mut answer, &self.world, "sid", json!(sid(&session)));
                change(&mut answer, &self.world);
                self.prescribe(200, &answer);
            }
        }
        self.cookie_of(&session).await
    }

    fn prescribe(&self, status: u16, body: &Value) {
        for _ in 0..OFTEN {
            self.world.workos.prescribe(AUTHENTICATE, status, body.clone());
        }
    }
}
