//! Callbacks with codes, states and cookies of other browsers.

use anteroom_security::Table;
use anteroom_stand_ins::workos::COOKIE_PASSWORD;
use anteroom_testing::Event;
use anteroom_testing::sessions::{COOKIE, sealed, sealed_sign_in};
use serde_json::{Value, json};
use url::Url;

use crate::attack::{Attack, Attacks};
use crate::world::World;

const ENDPOINT: &str = "finalize-oauth";
const NOT_BEGUN: (u64, &str) =
    (400, "This sign-in was not started in this browser, or it has expired");
const REJECTED: (u64, &str) = (401, "The code is no longer valid. Sign in again");
const REDEEM: [&str; 1] = ["workos authenticate"];

/// A sign-in that a browser has begun: the cookie, and what its callback brings.
struct Begun {
    name: String,
    value: String,
    state: String,
    challenge: String,
}

impl Begun {
    async fn new(world: &World) -> Self {
        let answer = world.ask(&world.to("continue-with-google")).await;
        let (cookie, body) = (answer.cookie(), answer.success());
        let url: Url = body["authData"]["redirectURL"].as_str().unwrap().parse().unwrap();
        let challenge = url.query_pairs().find(|(name, _)| name == "code_challenge");
        Self {
            name: cookie.name,
            value: cookie.value,
            state: body["authData"]["state"].as_str().unwrap().to_owned(),
            challenge: challenge.unwrap().1.into_owned(),
        }
    }

    /// The code of a user who has signed in where this browser was sent.
    fn code(&self, world: &World, user: &str) -> String {
        world.workos.authorization_code(user, Some(&self.challenge))
    }

    fn with_cookie(&self, event: Event) -> Event {
        event.cookie(&self.name, &self.value)
    }
}

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("OAuth callbacks", &world);
    for (tried, event) in not_begun(&world).await {
        attacks.add(Attack::new(tried, &event).refused(NOT_BEGUN.0, NOT_BEGUN.1)).await;
    }
    for (tried, code) in odd_codes() {
        let begun = Begun::new(&world).await;
        let event = begun
            .with_cookie(world.to(ENDPOINT))
            .json(&json!({ "code": code, "state": begun.state }));
        attacks.add(Attack::new(tried, &event).refused(400, "`code` is not valid")).await;
    }
    for (tried, state) in
        [("a number", json!(1)), ("a list", json!(["a"])), ("an object", json!({}))]
    {
        let begun = Begun::new(&world).await;
        let event = begun
            .with_cookie(world.to(ENDPOINT))
            .json(&json!({ "code": "01CODE", "state": state }));
        let attack = Attack::new(format!("{tried} as the state"), &event);
        attacks.add(attack.refused(400, "`state` is not valid")).await;
    }
    for attack in rejected(&world).await {
        attacks.add(attack).await;
    }
    for attack in replayed(&world).await {
        attacks.add(attack).await;
    }
    attacks.table()
}

/// Callbacks to a browser that has not begun their sign-in. WorkOS is not called, so that the code,
/// which may be an attacker's own, signs nobody in.
async fn not_begun(world: &World) -> Vec<(&'static str, Event)> {
    let (own, other) = (Begun::new(world).await, Begun::new(world).await);
    let code = own.code(world, "jane");
    let with_state =
        |state: &str| world.to(ENDPOINT).json(&json!({ "code": code, "state": state }));
    let without_state = || world.to(ENDPOINT).json(&json!({ "code": code }));
    let foreign = sealed_sign_in("another password, of thirty-two characters and more").await;
    let session = sealed(&world.settings, &world.workos.sign_in("jane", None)).await;
    let genuine = sealed_sign_in(COOKIE_PASSWORD).await;
    let oversized = "A".repeat(9000);
    let upper = own.state.to_uppercase();
    let longer = format!("{}A", own.state);
    let under = |name: &str, value: &str| with_state(&own.state).cookie(name, value);
    vec![
        ("no cookie", with_state(&own.state)),
        ("no cookie and no state", without_state()),
        ("another browser's cookie", other.with_cookie(with_state(&own.state))),
        ("another browser's cookie under this one's name", under(&own.name, &other.value)),
        ("a genuine seal of another sign-in under this name", under(&own.name, &genuine)),
        ("another state", own.with_cookie(with_state("another"))),
        ("another browser's state", own.with_cookie(with_state(&other.state))),
        ("an empty state", own.with_cookie(with_state(""))),
        ("the state in capitals", own.with_cookie(with_state(&upper))),
        ("the state and a letter more", own.with_cookie(with_state(&longer))),
        (
            "the state without its last letter",
            own.with_cookie(with_state(&own.state[..own.state.len() - 1])),
        ),
        (
            "the state with a space before it",
            own.with_cookie(with_state(&format!(" {}", own.state))),
        ),
        ("a state of 10,000 letters", own.with_cookie(with_state(&"A".repeat(10_000)))),
        ("a tampered cookie", under(&own.name, &format!("{}x", own.value))),
        ("a cookie cut short", under(&own.name, &own.value[..own.value.len() - 20])),
        ("a cookie of 9,000 bytes", under(&own.name, &oversized)),
        ("a cookie of another password", under(&own.name, &foreign)),
        ("a foreign cookie and no state", without_state().cookie(&own.name, &foreign)),
        ("a session's seal as the cookie", under(&own.name, &session)),
        (
            "a session's seal as the cookie, and no state",
            without_state().cookie(&own.name, &session),
        ),
        ("the cookie under the session's name", under(COOKIE, &own.value)),
        ("the cookie under a name in capitals", under(&own.name.to_uppercase(), &own.value)),
        (
            "the cookie in another header",
            with_state(&own.state).header("x-cookie", &format!("{}={}", own.name, own.value)),
        ),
        (
            "the state in the query",
            own.with_cookie(with_state("another")).query(&format!("state={}", own.state)),
        ),
    ]
}

fn odd_codes() -> Vec<(&'static str, Value)> {
    vec![
        ("no code", json!(null)),
        ("an empty code", json!("")),
        ("a number as the code", json!(1)),
        ("a list of codes", json!(["01CODE"])),
        ("an object as the code", json!({ "code": "01CODE" })),
        ("a line break in the code", json!("01CODE\r\nx: y")),
        ("a NUL in the code", json!("01CODE\u{0}")),
        ("a space in the code", json!("01 CODE")),
        ("a letter outside ASCII in the code", json!("01C\u{f6}DE")),
        ("a full-width letter in the code", json!("\u{ff21}BC")),
        ("a character that is not visible in the code", json!("01\u{200b}CODE")),
        ("a code of 2,049 letters", json!("x".repeat(2049))),
    ]
}

/// Codes that WorkOS does not accept from this browser.
async fn rejected(world: &World) -> Vec<Attack> {
    let (own, other) = (Begun::new(world).await, Begun::new(world).await);
    let attack = |tried: &str, code: &str, state: Option<&str>| {
        let event =
            own.with_cookie(world.to(ENDPOINT)).json(&json!({ "code": code, "state": state }));
        Attack::new(tried, &event).refused(REJECTED.0, REJECTED.1).calling(&REDEEM)
    };
    let state = Some(own.state.as_str());
    let attackers = other.code(world, "without_organization");
    let unbound = world.workos.authorization_code("without_organization", None);
    let slashes = "../../user_management/users/user_1?x=";
    vec![
        attack("a made-up code", "01MADEUP", state),
        attack("a code like a path", slashes, state),
        attack("a code like markup", "<script>alert(1)</script>", state),
        attack("a code like another parameter", "01CODE&client_secret=x", state),
        attack("an attacker's code from another browser", &attackers, state),
        attack("an attacker's code without a state", &attackers, None),
        attack("an attacker's code that was asked for without a challenge", &unbound, state),
    ]
}

/// A code and a cookie that were used before, and of two cookies the wrong one.
async fn replayed(world: &World) -> Vec<Attack> {
    let own = Begun::new(world).await;
    let code = own.code(world, "jane");
    let event =
        own.with_cookie(world.to(ENDPOINT)).json(&json!({ "code": code, "state": own.state }));
    world.ask(&event).await.success();
    let expired = Begun::new(world).await;
    let late = expired.code(world, "jane");
    world.workos.expire_codes();
    let late = expired
        .with_cookie(world.to(ENDPOINT))
        .json(&json!({ "code": late, "state": expired.state }));
    let two = Begun::new(world).await;
    let planted = Begun::new(world).await;
    let good = two.code(world, "jane");
    let planted_first = world
        .to(ENDPOINT)
        .cookie(&two.name, &planted.value)
        .cookie(&two.name, &two.value)
        .json(&json!({ "code": good, "state": two.state }));
    vec![
        Attack::new("a code and its cookie a second time", &event)
            .refused(REJECTED.0, REJECTED.1)
            .calling(&REDEEM),
        Attack::new("a code that has expired", &late)
            .refused(REJECTED.0, REJECTED.1)
            .calling(&REDEEM),
        Attack::new("another sign-in's cookie planted before the browser's own", &planted_first)
            .refused(NOT_BEGUN.0, NOT_BEGUN.1),
    ]
}
