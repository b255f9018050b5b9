//! The real binary under a Lambda Runtime API, with real events. Denials first.

use std::time::Duration;

use anteroom_local::instance::{Instance, StartError};
use anteroom_stand_ins::event_bridge::{BusEvent, EVENT_BUS, EventBridge};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET, webhook_claims, webhook_token};
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_testing::livekit::now;
use anteroom_testing::{Answer, Event, oddities};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_livekit-webhook");
const PATH: &str = "/api/v1/livekit/webhook";
const CONTENT_TYPE: &str = "application/webhook+json";
const PREVIOUS_KEY: &str = "APIOfLastYear";
const PREVIOUS_SECRET: &str = "secret-of-last-year-and-no-secret-at-all";

/// The function, and the stand-in for its bus.
struct World {
    bus: EventBridge,
    settings: Vec<(String, String)>,
    function: Instance,
}

impl World {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With settings of its own, which win. An empty one is as good as none.
    async fn start_with(own: &[(&str, &str)]) -> Self {
        let bus = EventBridge::start().await.expect("a free port");
        let mut settings = bus.settings();
        let keys = [("LIVEKIT_API_KEY", API_KEY), ("LIVEKIT_API_SECRET", API_SECRET)];
        settings.extend(keys.map(|(name, value)| (name.to_owned(), value.to_owned())));
        settings.retain(|(name, _)| !own.iter().any(|(other, _)| name == other));
        settings.extend(own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let function = Instance::start(BINARY, settings.clone()).await;
        Self { bus, settings, function: function.unwrap_or_else(|error| panic!("{error}")) }
    }

    async fn ask(&self, event: &Event) -> Answer {
        Answer::of(&self.function, event).await
    }

    async fn refusal(&self, event: &Event) -> (u64, String) {
        self.ask(event).await.refusal()
    }

    /// The status of a genuine webhook with this body.
    async fn status_of(&self, body: &str) -> u64 {
        self.ask(&signed(body)).await.status()
    }

    /// The events on the bus.
    fn events(&self) -> Vec<BusEvent> {
        self.bus.events()
    }
}

/// A request with this body and this `Authorization`, as LiveKit's server sends it.
fn webhook(authorization: &str, body: &str) -> Event {
    let event = Event::post(PATH).without_header("origin").body(CONTENT_TYPE, body);
    event.header("authorization", authorization)
}

fn signed(body: &str) -> Event {
    webhook(&webhook_token(API_KEY, API_SECRET, body.as_bytes()), body)
}

fn header() -> Value {
    json!({ "alg": "HS256", "typ": "JWT" })
}

/// A genuine signature of claims that `edit` has changed.
fn signed_with(body: &str, edit: impl FnOnce(&mut Value)) -> Event {
    let mut claims = webhook_claims(API_KEY, body.as_bytes(), now());
    edit(&mut claims);
    webhook(&jwt::hmac_signed(&header(), &claims, API_SECRET.as_bytes()), body)
}

fn room_started() -> String {
    json!({
        "event": "room_started", "id": "EV_1", "createdAt": "1767323045",
        "room": { "sid": "RM_1", "name": "daily", "turnPassword": "hidden-password" },
    })
    .to_string()
}

const NOT_GENUINE: &str = "The LiveKit signature is missing or invalid";

#[tokio::test]
async fn a_request_without_livekits_signature_is_401_whatever_its_content() {
    let world = World::start().await;
    let body = room_started();
    let token = webhook_token(API_KEY, API_SECRET, body.as_bytes());
    let claims = webhook_claims(API_KEY, body.as_bytes(), now());
    let with_alg = |alg: &str| json!({ "alg": alg, "typ": "JWT" });
    let hmac = |header: &Value, secret: &str| {
        webhook(&jwt::hmac_signed(header, &claims, secret.as_bytes()), &body)
    };
    let join_token = json!({
        "iss": API_KEY, "sub": "user_1:0123456789abcdef", "nbf": now(), "exp": now() + 300,
        "video": { "roomJoin": true, "room": "daily" },
    });
    let digest_of_nothing = webhook_claims(API_KEY, b"", now());
    let mut attacks = vec![
        ("no signature", signed(&body).without_header("authorization")),
        ("an empty one", webhook("", &body)),
        ("another key's", hmac(&header(), PREVIOUS_SECRET)),
        ("an empty key's", hmac(&header(), "")),
        ("another issuer", signed_with(&body, |claims| claims["iss"] = json!("APIOther"))),
        ("no issuer", signed_with(&body, |claims| claims["iss"] = Value::Null)),
        ("a changed body", webhook(&token, &body.replace("daily", "weekly"))),
        ("other whitespace", webhook(&token, &body.replacen(':', ": ", 1))),
        ("a line break after the body", webhook(&token, &format!("{body}\n"))),
        ("a body without the last character", webhook(&token, &body[..body.len() - 1])),
        ("no body", webhook(&token, "")),
        ("no digest", signed_with(&body, |claims| claims["sha256"] = Value::Null)),
        ("the digest of nothing", signed_with(&body, |claims| *claims = digest_of_nothing)),
        ("an empty digest", signed_with(&body, |claims| claims["sha256"] = json!(""))),
        (
            "a join token of ours",
            webhook(&jwt::hmac_signed(&header(), &join_token, API_SECRET.as_bytes()), &body),
        ),
        ("no algorithm", webhook(&jwt::unsigned(&with_alg("none"), &claims), &body)),
        ("an algorithm called None", hmac(&with_alg("None"), API_SECRET)),
        ("RS256", hmac(&with_alg("RS256"), API_SECRET)),
        ("HS384", hmac(&with_alg("HS384"), API_SECRET)),
        ("HS512", hmac(&with_alg("HS512"), API_SECRET)),
        (
            "a critical extension",
            hmac(
                &json!({ "alg": "HS256", "typ": "JWT", "crit": ["b64"], "b64": false }),
                API_SECRET,
            ),
        ),
        ("another token's signature", webhook(&jwt::with_claims(&token, &join_token), &body)),
        // LiveKit sends none, and its own receivers accept none.
        ("a scheme", webhook(&format!("Bearer {token}"), &body)),
        ("two tokens", webhook(&format!("{token},{token}"), &body)),
        ("a token with more behind it", webhook(&format!("{token}.x"), &body)),
        ("whitespace in it", webhook(&format!("{token}\t"), &body)),
        ("no text", webhook("a", &body).with("/headers/authorization", json!("\u{0}"))),
        ("no token", webhook("a.b.c", &body)),
        (
            "another header",
            signed(&body).without_header("authorization").header("x-authorization", &token),
        ),
    ];
    let doubled = signed(&body).header("Authorization", &token);
    attacks.push(("two headers", doubled));
    for (attack, event) in attacks {
        assert_eq!(world.refusal(&event).await, (401, NOT_GENUINE.to_owned()), "{attack}");
    }
    assert_eq!(world.events(), []);
}

#[tokio::test]
async fn a_signature_is_valid_for_six_minutes_plus_one_of_leeway() {
    let world = World::start().await;
    let body = room_started();
    let expiring = |seconds: i64| {
        let at = now().checked_add_signed(seconds).expect("a time");
        signed_with(&body, |claims| claims["exp"] = json!(at))
    };
    for (event, status) in [
        (expiring(-50), 200),
        (expiring(-70), 401),
        (expiring(-86_400), 401),
        (expiring(350), 200),
        (expiring(375), 401),
        (expiring(86_400), 401),
        (signed_with(&body, |claims| claims["exp"] = Value::Null), 401),
        (signed_with(&body, |claims| drop(claims.as_object_mut().map(|it| it.remove("exp")))), 401),
        (signed_with(&body, |claims| claims["exp"] = json!(now().to_string())), 401),
        (signed_with(&body, |claims| claims["exp"] = json!(1e300)), 401),
        (signed_with(&body, |claims| claims["exp"] = json!(-1)), 401),
        (signed_with(&body, |claims| claims["nbf"] = json!(now() + 50)), 200),
        (signed_with(&body, |claims| claims["nbf"] = json!(now() + 70)), 401),
        (signed_with(&body, |claims| claims["nbf"] = Value::Null), 200),
    ] {
        assert_eq!(world.ask(&event).await.status(), status, "{event:?}");
    }
}

#[tokio::test]
async fn a_signed_body_that_is_not_an_event_is_400() {
    let world = World::start().await;
    let long = json!({ "event": "x".repeat(129), "id": "EV_1" }).to_string();
    for body in [
        "not JSON",
        "{",
        "[]",
        "null",
        "\"room_started\"",
        "[{\"event\":\"room_started\",\"id\":\"EV_1\"}]",
        "{}",
        "{\"event\":\"room_started\"}",
        "{\"id\":\"EV_1\"}",
        "{\"event\":\"\",\"id\":\"EV_1\"}",
        "{\"event\":\"room_started\",\"id\":\"\"}",
        "{\"event\":7,\"id\":\"EV_1\"}",
        "{\"event\":\"room_started\",\"id\":null}",
        "{\"event\":\"room\\u0000\",\"id\":\"EV_1\"}",
        "{\"event\":\"room_started\",\"id\":\"EV_1\"} {}",
        &long,
    ] {
        let message = "The body is not a LiveKit event: an object with `event` and `id`";
        assert_eq!(world.refusal(&signed(body)).await, (400, message.to_owned()), "{body}");
    }
    let no_text = signed("").with("/body", json!("/w==")).with("/isBase64Encoded", json!(true));
    let token = webhook_token(API_KEY, API_SECRET, b"\xff");
    assert_eq!(world.refusal(&no_text.header("authorization", &token)).await.0, 400);
    assert_eq!(world.events(), []);
}

#[tokio::test]
async fn a_wrong_method_and_a_malformed_or_oversized_body_are_rejected() {
    let world = World::start().await;
    let good = signed(&room_started());
    for (event, status) in [
        (good.clone().method("GET"), 405),
        (good.clone().method("PUT"), 405),
        (good.clone().method("no method"), 400),
        (good.clone().with("/isBase64Encoded", json!(true)), 400),
        (good.clone().with("/body", json!({})), 400),
        // Nobody has to sign what is too long.
        (webhook("", &"x".repeat(250 * 1024 + 1)), 413),
        (signed(&"x".repeat(1024 * 1024)), 413),
    ] {
        assert_eq!(world.refusal(&event).await.0, status, "{event:?}");
    }
    assert_eq!(world.events(), []);
}

#[tokio::test]
async fn an_event_goes_to_the_bus_without_credentials() {
    let world = World::start().await;
    let answer = world.ask(&signed(&room_started())).await;
    assert_eq!(answer.success(), json!({ "code": 200, "message": "OK" }));
    let detail = json!({
        "event": "room_started", "id": "EV_1", "createdAt": "1767323045",
        "room": { "sid": "RM_1", "name": "daily" },
    });
    let expected = BusEvent {
        bus: EVENT_BUS.to_owned(),
        source: "anteroom.livekit".to_owned(),
        detail_type: "room_started".to_owned(),
        detail,
    };
    assert_eq!(world.events(), [expected]);
}

#[tokio::test]
async fn the_documented_event_has_expired_and_names_the_recording_if_signed_again() {
    let world = World::start().await;
    let documented = Event::documented("livekit-webhook.json");
    assert_eq!(world.refusal(&documented).await, (401, NOT_GENUINE.to_owned()));
    let body = documented.as_json()["body"].as_str().expect("a body");
    let body = BASE64_STANDARD.decode(body).expect("base64");
    let token = webhook_token(API_KEY, API_SECRET, &body);
    let answer = world.ask(&documented.header("authorization", &token)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let [event] = &world.events()[..] else { panic!("{:?}", world.events()) };
    assert_eq!(event.detail_type, "egress_ended");
    let key = "recordings/1/_test-room-5c0195b5b0d5ba35/2025-12-31/235000-0123456789abcdef.mp4";
    assert_eq!(event.detail["recording"], json!({ "room": "test-room", "zone": "1", "key": key }));
    let upload = &event.detail["egressInfo"]["roomComposite"]["fileOutputs"][0]["s3"];
    let fields: Vec<_> = upload.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["bucket", "metadata", "region"]);
}

#[tokio::test]
async fn an_event_about_another_egress_has_no_recording() {
    let world = World::start().await;
    let egress = |egress: Value| {
        json!({ "event": "egress_ended", "id": "EV_1", "recording": { "room": "forged" },
                "egressInfo": egress })
    };
    for body in [
        egress(
            json!({ "egressId": "EG_1", "roomComposite": { "fileOutputs": [{ "filepath": "a.mp4" }] } }),
        ),
        egress(json!({ "egressId": "EG_1", "web": { "url": "https://a.example/?key=1" } })),
        egress(json!({})),
        egress(json!(null)),
        egress(json!(["recordings/1/a/2026-01-02/030405-0123456789abcdef.mp4"])),
    ] {
        assert_eq!(world.status_of(&body.to_string()).await, 200, "{body}");
        let event = world.events().pop().expect("an event");
        assert_eq!(event.detail.get("recording"), None, "{body}");
        assert!(!event.detail.to_string().contains("key=1"));
    }
}

#[tokio::test]
async fn unknown_events_and_events_that_only_javascript_can_parse_are_passed_on() {
    let world = World::start().await;
    let odd = r#"{"event":"of_next_year","id":"EV_1","text":"\ud83d","createdAt":1767323045,"x":[{"y":1.5}]}"#;
    for (body, detail) in [
        (
            odd,
            json!({ "event": "of_next_year", "id": "EV_1", "text": "\u{fffd}",
                    "createdAt": 1_767_323_045, "x": [{ "y": 1.5 }] }),
        ),
        (
            "{\"event\":\"with a space\",\"id\":\"é 1\"}",
            json!({ "event": "with a space", "id": "é 1" }),
        ),
    ] {
        assert_eq!(world.status_of(body).await, 200, "{body}");
        let event = world.events().pop().expect("an event");
        assert_eq!(event.detail, detail);
        assert_eq!(event.detail["event"], event.detail_type.as_str());
    }
}

#[tokio::test]
async fn the_same_event_twice_has_the_same_id() {
    let world = World::start().await;
    for _ in 0..2 {
        assert_eq!(world.status_of(&room_started()).await, 200);
    }
    let ids: Vec<_> = world.events().into_iter().map(|event| event.detail["id"].clone()).collect();
    assert_eq!(ids, ["EV_1", "EV_1"]);
}

#[tokio::test]
async fn the_body_may_be_in_base64_of_any_type_and_250_kib_long() {
    let world = World::start().await;
    let body = room_started();
    let encoded = signed(&body)
        .with("/body", json!(BASE64_STANDARD.encode(&body)))
        .with("/isBase64Encoded", json!(true));
    let mut long = json!({ "event": "room_started", "id": "EV_1", "x": "" });
    long["x"] = json!("x".repeat(250 * 1024 - long.to_string().len()));
    assert_eq!(long.to_string().len(), 250 * 1024);
    for event in [
        encoded,
        signed(&body).without_header("content-type"),
        signed(&body).header("content-type", "text/plain"),
        signed(&body).header("content-type", "application/json"),
        signed(&long.to_string()),
    ] {
        assert_eq!(world.ask(&event).await.status(), 200, "{event:?}");
    }
    assert_eq!(world.events().len(), 5);
}

/// Only a number that grows when it is written out can make an event longer than its body.
#[tokio::test]
async fn an_event_that_does_not_fit_on_the_bus_is_413() {
    let world = World::start().await;
    let numbers = vec!["1e15"; 50_000].join(",");
    let body = format!("{{\"event\":\"room_started\",\"id\":\"EV_1\",\"x\":[{numbers}]}}");
    assert!(body.len() <= 250 * 1024);
    assert_eq!(world.status_of(&body).await, 413);
    assert_eq!(world.events(), []);
}

#[tokio::test]
async fn the_origin_and_odd_parts_of_the_request_are_ignored() {
    let world = World::start().await;
    let good = signed(&room_started());
    let mut events = vec![
        good.clone().header("origin", "https://evil.example"),
        good.clone().header("sec-fetch-site", "cross-site"),
        good.clone().cookie("wos-session", "of somebody"),
    ];
    events.extend(oddities().into_iter().map(|(pointer, value)| good.clone().with(pointer, value)));
    for event in events {
        let answer = world.ask(&event).await;
        assert_eq!(answer.status(), 200, "{event:?}");
    }
}

#[tokio::test]
async fn a_bus_says_when_to_try_again() {
    let world = World::start().await;
    for (fault, expected) in [
        (Fault::Limiting { retry_after: Some(7) }, Some("7")),
        (Fault::Dated { status: 503, seconds: 3600 }, None),
    ] {
        world.bus.inject(fault);
        let answer = world.ask(&signed(&room_started())).await;
        assert_eq!(answer.status(), 503, "{fault:?}");
        let wait = answer.header("retry-after").expect("a Retry-After");
        let seconds: u64 = wait.parse().expect("seconds");
        assert!(expected.is_none_or(|expected| expected == wait), "{fault:?}: {wait}");
        assert!((1..=3600).contains(&seconds), "{fault:?}: {wait}");
        world.bus.clear_faults();
    }
}

#[tokio::test]
async fn a_bus_that_fails_is_503_and_one_that_rejects_us_502() {
    let world = World::start().await;
    for (fault, status) in [
        (Fault::Down, 503),
        (Fault::Failing(500), 503),
        (Fault::Failing(503), 503),
        (Fault::GatewayPage, 503),
        (Fault::Limiting { retry_after: None }, 503),
        (Fault::Garbage, 502),
        (Fault::WrongShape, 502),
        (Fault::Refusing, 502),
        (Fault::Truncated, 503),
        (Fault::Endless, 503),
    ] {
        world.bus.inject(fault);
        assert_eq!(world.refusal(&signed(&room_started())).await.0, status, "{fault:?}");
        world.bus.clear_faults();
    }
    for (code, status) in [
        ("ThrottlingException", 503),
        ("InternalFailure", 503),
        ("AccessDeniedException", 502),
        ("NotAuthorizedForSourceException", 502),
        ("InvalidArgument", 502),
    ] {
        world.bus.refuse_entries(1, code);
        assert_eq!(world.refusal(&signed(&room_started())).await.0, status, "{code}");
    }
    // Only an answer that broke off was about an event that had arrived, twice.
    let ids: Vec<_> = world.events().iter().map(|event| event.detail["id"].clone()).collect();
    assert_eq!(ids, ["EV_1", "EV_1"]);
    world.bus.stop().await;
    assert_eq!(world.refusal(&signed(&room_started())).await.0, 503, "no connection");
    world.bus.restart().await.expect("the same port");
    assert_eq!(world.status_of(&room_started()).await, 200);
    world.bus.deny(EVENT_BUS);
    assert_eq!(world.refusal(&signed(&room_started())).await.0, 502, "no policy allows it");

    let world = World::start_with(&[("EVENT_BUS_NAME", "of-nobody")]).await;
    assert_eq!(world.refusal(&signed(&room_started())).await.0, 502, "there is no such bus");
}

#[tokio::test]
async fn a_slow_bus_is_503_within_ten_seconds() {
    let world = World::start().await;
    world.bus.inject(Fault::Slow(Duration::from_secs(30)));
    let event = signed(&room_started());
    let answered = world.function.invoke_within(event.as_json(), Duration::from_secs(10)).await;
    assert_eq!(answered.expect("an answer in time")["statusCode"], 503);
}

#[tokio::test]
async fn a_failed_call_is_retried_once() {
    let world = World::start().await;
    for fault in [Fault::Down, Fault::Failing(500), Fault::Limiting { retry_after: None }] {
        world.bus.forget_requests();
        world.bus.inject(fault.once());
        assert_eq!(world.status_of(&room_started()).await, 200, "{fault:?}");
        assert_eq!(world.bus.requests().len(), 2, "{fault:?}");
    }
    world.bus.forget_requests();
    world.bus.inject(Fault::Refusing);
    assert_eq!(world.status_of(&room_started()).await, 502);
    assert_eq!(world.bus.requests().len(), 1, "a refusal is final");
}

#[tokio::test]
async fn the_bus_may_be_named_by_its_arn() {
    let arn = format!("arn:aws:events:eu-central-1:123456789012:event-bus/{EVENT_BUS}");
    let world = World::start_with(&[("EVENT_BUS_NAME", &arn)]).await;
    assert_eq!(world.status_of(&room_started()).await, 200);
    assert_eq!(world.events()[0].bus, EVENT_BUS);
}

#[tokio::test]
async fn during_a_rotation_the_previous_pair_is_accepted_and_afterward_it_is_not() {
    let body = room_started();
    let token = webhook_token(PREVIOUS_KEY, PREVIOUS_SECRET, body.as_bytes());
    let by_previous = webhook(&token, &body);
    // The secret of one pair with the key of the other.
    let mixed = webhook(&webhook_token(API_KEY, PREVIOUS_SECRET, body.as_bytes()), &body);
    let previous = [
        ("LIVEKIT_API_KEY_PREVIOUS", PREVIOUS_KEY),
        ("LIVEKIT_API_SECRET_PREVIOUS", PREVIOUS_SECRET),
    ];
    let world = World::start_with(&previous).await;
    for (event, status) in [(&by_previous, 200), (&signed(&body), 200), (&mixed, 401)] {
        assert_eq!(world.ask(event).await.status(), status);
    }
    let world = World::start().await;
    assert_eq!(world.refusal(&by_previous).await.0, 401);
}

#[tokio::test]
async fn a_rotation_in_secrets_manager_fails_no_webhook() {
    let secrets = SecretsManager::start().await.expect("a free port");
    let pair =
        |key: &str, secret: &str| json!({ "LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret });
    secrets.put("livekit", pair(PREVIOUS_KEY, PREVIOUS_SECRET));
    let settings = secrets.settings();
    let mut own: Vec<_> = settings.iter().map(|(name, value)| (&**name, &**value)).collect();
    own.extend([
        ("LIVEKIT_API_KEY", ""),
        ("LIVEKIT_API_SECRET", ""),
        ("LIVEKIT_SECRET_ID", "livekit"),
    ]);
    let world = World::start_with(&own).await;
    let body = room_started();
    let by_previous =
        webhook(&webhook_token(PREVIOUS_KEY, PREVIOUS_SECRET, body.as_bytes()), &body);
    assert_eq!(world.ask(&by_previous).await.status(), 200);

    let mut both = pair(API_KEY, API_SECRET);
    both["LIVEKIT_API_KEY_PREVIOUS"] = json!(PREVIOUS_KEY);
    both["LIVEKIT_API_SECRET_PREVIOUS"] = json!(PREVIOUS_SECRET);
    secrets.put("livekit", both);
    assert_eq!(world.status_of(&body).await, 200, "it reads the new pair");
    assert_eq!(world.ask(&by_previous).await.status(), 200);

    let forged = webhook(&webhook_token("APIOther", API_SECRET, body.as_bytes()), &body);
    assert_eq!(world.ask(&forged).await.status(), 401);
    secrets.inject(Fault::Down);
    assert_eq!(world.ask(&forged).await.status(), 503, "it cannot tell");
    // What is refused without the keys makes nobody read them.
    let calls = secrets.requests().len();
    assert_eq!(world.ask(&webhook("a.b.c", &body)).await.status(), 401);
    let changed = webhook(&webhook_token("APIOther", API_SECRET, b"{}"), &body);
    assert_eq!(world.ask(&changed).await.status(), 401);
    assert_eq!(secrets.requests().len(), calls);
}

#[tokio::test]
async fn settings_that_are_missing_or_malformed_are_reported_by_name() {
    for (own, names) in [
        (
            &[
                ("LIVEKIT_API_KEY", ""),
                ("LIVEKIT_API_SECRET", ""),
                ("EVENT_BUS_NAME", ""),
                ("AWS_REGION", ""),
            ][..],
            &["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "EVENT_BUS_NAME"][..],
        ),
        (&[("EVENT_BUS_NAME", "hunter two")], &["EVENT_BUS_NAME"]),
        (
            &[("EVENT_BUS_NAME", "arn:aws:events:us-east-1:123456789012:event-bus/hunter2")],
            &["EVENT_BUS_NAME"],
        ),
        (&[("AWS_ENDPOINT_URL_EVENTBRIDGE", "hunter2")], &["AWS_ENDPOINT_URL_EVENTBRIDGE"]),
        (&[("LIVEKIT_API_KEY_PREVIOUS", "hunter two")], &["LIVEKIT_API_KEY_PREVIOUS"]),
        (&[("LIVEKIT_API_KEY_PREVIOUS", "hunter2")], &["LIVEKIT_API_SECRET_PREVIOUS"]),
    ] {
        let world = World::start().await;
        let mut settings = world.settings.clone();
        settings.retain(|(name, _)| !own.iter().any(|(other, _)| name == other));
        settings.extend(own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let error = Instance::start(BINARY, settings).await.expect_err("invalid settings");
        let StartError::Refused { error, .. } = error else { panic!("{error}") };
        let text = error.to_string();
        assert!(names.iter().all(|name| text.contains(name)), "{text}");
        assert!(!text.contains("hunter"), "{text}");
    }
}

#[tokio::test]
async fn logs_name_the_event_and_nothing_that_is_in_it() {
    let world = World::start().await;
    let body = json!({
        "event": "participant_joined", "id": "EV_logged", "createdAt": "1",
        "room": { "name": "doctor-visit", "turnPassword": "hidden-password" },
        "participant": { "identity": "user_1:0123", "name": "Jane Doe" },
    });
    assert_eq!(world.status_of(&body.to_string()).await, 200);
    let odd = json!({ "event": "Jane Doe's", "id": "jane@example.com\n" }).to_string();
    assert_eq!(world.status_of(&odd).await, 200);
    world.bus.inject(Fault::Refusing);
    assert_eq!(world.status_of(&body.to_string()).await, 502);
    assert_eq!(world.ask(&webhook("a.b.c", &body.to_string())).await.status(), 401);
    let logs = world.function.stop().await.join("\n");
    assert!(logs.contains("EV_logged") && logs.contains("participant_joined"), "{logs}");
    assert!(logs.contains("\"provider\":\"eventbridge\""), "{logs}");
    for private in ["Jane", "jane@", "doctor", "user_1", "hidden", "eyJ", API_SECRET, API_KEY] {
        assert!(!logs.contains(private), "{private} is in {logs}");
    }
}
