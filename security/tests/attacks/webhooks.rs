//! Webhooks that LiveKit has not signed, or not for this body and this moment.

use anteroom_security::Table;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET, webhook_claims, webhook_token};
use anteroom_testing::Event;
use anteroom_testing::livekit::now;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure};
use crate::world::{Own, World, with};

const ENDPOINT: &str = "livekit-webhook";
const CONTENT_TYPE: &str = "application/webhook+json";
const NOT_SIGNED: (u64, &str) = (401, "The LiveKit signature is missing or invalid");
const NO_EVENT: (u64, &str) =
    (400, "The body is not a LiveKit event: an object with `event` and `id`");

/// A rotation, in which the previous pair counts too, each key with its own secret.
const ROTATED: Own = &[
    ("LIVEKIT_API_KEY_PREVIOUS", "APIOfLastYear"),
    ("LIVEKIT_API_SECRET_PREVIOUS", "secret-of-last-year-and-no-secret-at-all"),
];

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("Webhooks", &world);
    let none = || ensure(world.bus.events().is_empty(), || "an event is on the bus".to_owned());
    for (tried, event) in not_signed(&world) {
        let attack = Attack::new(tried, &event).refused(NOT_SIGNED.0, NOT_SIGNED.1);
        attacks.add_and(attack, none).await;
    }
    for (tried, event) in of_a_rotation(&world) {
        let attack = Attack::new(tried, &event).with(ROTATED).refused(NOT_SIGNED.0, NOT_SIGNED.1);
        attacks.add_and(attack, none).await;
    }
    for (tried, body) in no_events() {
        let attack = Attack::new(tried, &signed(&world, &body)).refused(NO_EVENT.0, NO_EVENT.1);
        attacks.add_and(attack, none).await;
    }
    for attack in bodies(&world) {
        attacks.add_and(attack, none).await;
    }
    for attack in credentials(&world) {
        let clean = || {
            let text: String = world.bus.events().iter().map(|it| it.detail.to_string()).collect();
            ensure(!text.contains("hunter2"), || text.clone())
        };
        attacks.add_and(attack, clean).await;
    }
    attacks.table()
}

fn webhook(world: &World, authorization: &str, body: &str) -> Event {
    let event = world.to(ENDPOINT).without_header("origin").body(CONTENT_TYPE, body);
    event.header("authorization", authorization)
}

fn signed(world: &World, body: &str) -> Event {
    webhook(world, &webhook_token(API_KEY, API_SECRET, body.as_bytes()), body)
}

fn body() -> String {
    json!({ "event": "room_started", "id": "EV_1", "room": { "sid": "RM_1", "name": "daily" } })
        .to_string()
}

fn not_signed(world: &World) -> Vec<(String, Event)> {
    let body = body();
    let good = webhook_token(API_KEY, API_SECRET, body.as_bytes());
    let claims = webhook_claims(API_KEY, body.as_bytes(), now());
    let alg = |alg: &str| json!({ "alg": alg, "typ": "JWT" });
    let hmac = |header: &Value, secret: &str| {
        webhook(world, &jwt::hmac_signed(header, &claims, secret.as_bytes()), &body)
    };
    let changed = |changes: &Value| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        webhook(world, &jwt::hmac_signed(&alg("HS256"), &claims, API_SECRET.as_bytes()), &body)
    };
    let without = |name: &str| {
        let claims = with(&claims, &json!({ name: null }));
        webhook(world, &jwt::hmac_signed(&alg("HS256"), &claims, API_SECRET.as_bytes()), &body)
    };
    let join = json!({
        "iss": API_KEY, "sub": "user_1:0123456789abcdef", "nbf": now(), "exp": now() + 300,
        "video": { "roomAdmin": true, "room": "daily" },
    });
    let digest = claims["sha256"].as_str().unwrap();
    let hex = BASE64_STANDARD
        .decode(digest)
        .unwrap()
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let bearer = world.workos.access_token("jane");
    let mut attempts: Vec<(String, Event)> = [
        ("no signature", signed(world, &body).without_header("authorization")),
        ("an empty signature", webhook(world, "", &body)),
        ("another secret", hmac(&alg("HS256"), "secret-of-last-year-and-no-secret-at-all")),
        ("an empty secret", hmac(&alg("HS256"), "")),
        ("the key as the secret", hmac(&alg("HS256"), API_KEY)),
        ("the secret and a line break", hmac(&alg("HS256"), &format!("{API_SECRET}\n"))),
        ("`none`", webhook(world, &jwt::unsigned(&alg("none"), &claims), &body)),
        ("`None` with a genuine signature", hmac(&alg("None"), API_SECRET)),
        ("`RS256` over a genuine signature", hmac(&alg("RS256"), API_SECRET)),
        ("`HS384` over a genuine signature", hmac(&alg("HS384"), API_SECRET)),
        ("`HS512` over a genuine signature", hmac(&alg("HS512"), API_SECRET)),
        ("`hs256` over a genuine signature", hmac(&alg("hs256"), API_SECRET)),
        ("a critical extension", hmac(&json!({ "alg": "HS256", "crit": ["b64"], "b64": false }), API_SECRET)),
        ("a changed body", webhook(world, &good, &body.replace("daily", "weekly"))),
        ("other whitespace in the body", webhook(world, &good, &body.replacen(':', ": ", 1))),
        ("a line break behind the body", webhook(world, &good, &format!("{body}\n"))),
        ("a body without its last letter", webhook(world, &good, &body[..body.len() - 1])),
        ("a second event behind the body", webhook(world, &good, &format!("{body}{body}"))),
        ("no body", webhook(world, &good, "")),
        ("another event's signature", webhook(world, &webhook_token(API_KEY, API_SECRET, b"{}"), &body)),
        ("the digest in hexadecimal", changed(&json!({ "sha256": hex }))),
        ("the digest in base64url", changed(&json!({ "sha256": digest.replace('+', "-").replace('/', "_").trim_end_matches('=') }))),
        ("the digest with more behind it", changed(&json!({ "sha256": format!("{digest}x") }))),
        ("an empty digest", changed(&json!({ "sha256": "" }))),
        ("two digests", changed(&json!({ "sha256": [digest] }))),
        ("a join token", webhook(world, &jwt::hmac_signed(&alg("HS256"), &join, API_SECRET.as_bytes()), &body)),
        ("a session's token", webhook(world, &bearer, &body)),
        ("claims of another token", webhook(world, &jwt::with_claims(&good, &join), &body)),
        ("a scheme", webhook(world, &format!("Bearer {good}"), &body)),
        ("two tokens", webhook(world, &format!("{good},{good}"), &body)),
        ("a fourth part", webhook(world, &format!("{good}.x"), &body)),
        ("padding", webhook(world, &format!("{good}="), &body)),
        ("a tab behind the token", webhook(world, &format!("{good}\t"), &body)),
        ("a NUL behind the token", webhook(world, &format!("{good}\u{0}"), &body)),
        ("a list as the header", signed(world, &body).with("/headers/authorization", json!([good]))),
        ("two headers", signed(world, &body).with("/headers/Authorization", json!(good))),
        ("the token in another header", webhook(world, "", &body).without_header("authorization").header("x-livekit-signature", &good)),
        ("the token in the query", webhook(world, "", &body).without_header("authorization").query(&format!("access_token={good}"))),
        ("the token in a cookie", webhook(world, "", &body).without_header("authorization").cookie("authorization", &good)),
        ("a page's own request", world.to(ENDPOINT).body(CONTENT_TYPE, &body)),
    ]
    .map(|(tried, event)| (tried.to_owned(), event))
    .into();
    for (name, tried, value) in [
        ("iss", "another key", json!("APIOther")),
        ("iss", "nothing", json!("")),
        ("iss", "a list", json!([API_KEY])),
        ("iss", "the key in small letters", json!(API_KEY.to_lowercase())),
        ("exp", "two minutes ago", json!(now() - 120)),
        ("exp", "in an hour", json!(now() + 3600)),
        ("exp", "in the next century", json!(4_102_444_800_u64)),
        ("exp", "after the end of time", json!(1e300)),
        ("exp", "before the epoch", json!(-1)),
        ("exp", "a text", json!((now() + 60).to_string())),
        ("exp", "null", json!(null)),
        ("nbf", "in two minutes", json!(now() + 120)),
        ("nbf", "a text", json!("0")),
    ] {
        attempts.push((format!("`{name}`: {tried}"), changed(&json!({ name: value }))));
    }
    for name in ["iss", "exp", "sha256"] {
        attempts.push((format!("no `{name}`"), without(name)));
    }
    attempts
}

fn of_a_rotation(world: &World) -> Vec<(&'static str, Event)> {
    let (key, secret) = (ROTATED[0].1, ROTATED[1].1);
    let body = body();
    let token = |key: &str, secret: &str| webhook_token(key, secret, body.as_bytes());
    vec![
        (
            "the previous key with the current secret",
            webhook(world, &token(key, API_SECRET), &body),
        ),
        (
            "the current key with the previous secret",
            webhook(world, &token(API_KEY, secret), &body),
        ),
        ("a third key with the previous secret", webhook(world, &token("APIThird", secret), &body)),
        (
            "both secrets, one behind the other",
            webhook(world, &token(key, &format!("{API_SECRET}{secret}")), &body),
        ),
    ]
}

fn no_events() -> Vec<(&'static str, String)> {
    [
        ("no JSON", "not JSON"),
        ("half an object", "{"),
        ("a list", "[]"),
        ("a list of an event", "[{\"event\":\"room_started\",\"id\":\"EV_1\"}]"),
        ("a text", "\"room_started\""),
        ("nothing", "null"),
        ("an empty object", "{}"),
        ("no id", "{\"event\":\"room_started\"}"),
        ("no event", "{\"id\":\"EV_1\"}"),
        ("an empty id", "{\"event\":\"room_started\",\"id\":\"\"}"),
        ("a number as the event", "{\"event\":7,\"id\":\"EV_1\"}"),
        ("an event with a NUL", "{\"event\":\"room\\u0000\",\"id\":\"EV_1\"}"),
        ("two objects", "{\"event\":\"room_started\",\"id\":\"EV_1\"} {}"),
    ]
    .map(|(tried, body)| (tried, body.to_owned()))
    .into_iter()
    .chain([
        (
            "an event's name of 129 letters",
            json!({ "event": "x".repeat(129), "id": "EV_1" }).to_string(),
        ),
        ("a body nested a hundred thousand deep", "[".repeat(100_000)),
    ])
    .collect()
}

/// Bodies that cannot be read, or that are too long, genuine or not.
fn bodies(world: &World) -> Vec<Attack> {
    let good = signed(world, &body());
    let too_long = "x".repeat(250 * 1024 + 1);
    vec![
        Attack::new(
            "a body that is said to be base64",
            &good.clone().with("/isBase64Encoded", json!(true)),
        )
        .refused(400, "The body is malformed"),
        Attack::new("an object as the body", &good.clone().with("/body", json!({})))
            .refused(400, "The body is malformed"),
        Attack::new(
            "a body in base64 that is not said to be",
            &good.clone().with("/body", json!(BASE64_STANDARD.encode(body()))),
        )
        .refused(NOT_SIGNED.0, NOT_SIGNED.1),
        Attack::new("a body of 250 KiB and a byte", &webhook(world, "", &too_long))
            .refused(413, "The body is longer than 250 KiB"),
        Attack::new("a genuine body of a megabyte", &signed(world, &"x".repeat(1024 * 1024)))
            .refused(413, "The body is longer than 250 KiB"),
        Attack::new("a `GET`", &good.method("GET")).refused(405, "Use POST"),
    ]
}

/// Genuine events that would carry credentials to every reader of the bus.
fn credentials(world: &World) -> Vec<Attack> {
    [
        ("a room's password", json!({ "room": { "turnPassword": "hunter2" } })),
        ("a secret key deep in a list", json!({ "egressInfo": { "a": [[{ "s3": { "secret": "hunter2", "accessKey": "hunter2", "access_key": "hunter2" } }]] } })),
        ("credentials of Google's and Azure's", json!({ "egressInfo": { "gcp": { "credentials": "hunter2" }, "azure": { "accountKey": "hunter2", "account_key": "hunter2" } } })),
        ("a stream's key in its URL", json!({ "egressInfo": { "stream": { "urls": ["rtmp://live.example/app/hunter2"] } } })),
        ("a token under a name of its own", json!({ "egressInfo": { "SessionToken": "hunter2", "x_token_y": "hunter2" } })),
        ("a proxy's password", json!({ "egressInfo": { "proxy": { "url": "http://a:hunter2@proxy" } } })),
    ]
    .into_iter()
    .map(|(tried, about)| {
        let event = with(&json!({ "event": "egress_ended", "id": "EV_2" }), &about);
        Attack::new(format!("{tried}, signed"), &signed(world, &event.to_string()))
            .served(200, "without the credentials", |body| {
                ensure(body["message"] == "OK", || body.to_string())
            })
            .calling(&["eventbridge AWSEvents.PutEvents"])
            .hiding("hunter2")
    })
    .collect()
}
