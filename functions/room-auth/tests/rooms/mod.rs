//! What holds of every endpoint of LiveKit's rooms: the tests that `room-auth`, `start-recording` and
//! `stop-recording` share. Denials first.

#[path = "../../../session/tests/sessions/mod.rs"]
mod sessions;

use anteroom_local::instance::{Instance, StartError};
use anteroom_local::stand_ins::clerk::Clerk;
use anteroom_local::stand_ins::faults::Fault;
use anteroom_local::stand_ins::jwt;
use anteroom_local::stand_ins::livekit::{API_KEY, API_SECRET};
use anteroom_local::stand_ins::secrets_manager::SecretsManager;
use anteroom_local::testing::{Event, RoomWorld, mistaken};
use serde_json::{Value, json};

use self::sessions::cookies::{self, Endpoint, Kind};
pub(crate) use self::sessions::{COOKIE, expired_session, sealed};
use self::sessions::{access_token, assert_cleared, refresh_outages};
use super::{BINARY, EVENT, EVENT_STATUS, MALFORMED_SETTINGS, ROOM, SETTINGS, good_input};

/// What is no name, neither of a room nor of somebody, as JSON.
pub(crate) const BAD_NAMES: [&str; 20] = [
    "null",
    "12345",
    "true",
    "[\"daily\"]",
    "{\"name\":\"daily\"}",
    "\"\"",
    "\" \"",
    "\" daily\"",
    "\"daily \"",
    "\"daily\\u00a0\"",
    "\"daily\\n\"",
    "\"da\\nily\"",
    "\"da\\u0000ily\"",
    "\"\\u001b[31mdaily\"",
    "\"da\\u007fily\"",
    "\"da\\u0085ily\"",
    "\"\\u202edaily\"",
    "\"da\\u2066ily\"",
    "\"daily\\u200f\"",
    // Half of a character.
    "\"daily\\ud83c\"",
];

/// Names that mean something to somebody, and here nothing but themselves.
pub(crate) const HOSTILE_NAMES: [&str; 16] = [
    "../",
    "../../etc/passwd",
    "..",
    "/",
    "a//b",
    "{room_name}",
    "{room_id}-{time}-{utc}",
    "%2e%2e%2f",
    "a\\..\\b",
    "\"quoted\" & 'quoted'",
    "<script>alert(1)</script>",
    "https://evil.example/?a=b#c",
    "10.0.0.1",
    "👩‍👩‍👧 日本語 שלום",
    "user_01ANTER00MJANE",
    "org_01EXAMPLE:daily",
];

/// A request of Jane's that succeeds.
async fn good(world: &RoomWorld) -> Event {
    let input = good_input(world).await;
    world.livekit.forget_requests();
    world.event_of("jane", &input)
}

#[tokio::test]
async fn what_no_endpoint_answers_is_refused_and_livekit_is_not_asked() {
    let world = RoomWorld::start(BINARY).await;
    for (event, status) in mistaken(&good(&world).await) {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{event:?}");
        assert_eq!(answer.cookies(), [], "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn what_is_no_name_of_a_room_is_400_and_livekit_is_not_asked() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world).await;
    world.livekit.forget_requests();
    let too_long = ["x".repeat(129), "字".repeat(86)].map(|name| json!(name).to_string());
    let bad_names = BAD_NAMES.map(str::to_owned).into_iter().chain(too_long);
    for name in bad_names {
        let body = with_field(&input, ROOM, &name);
        let event = world.event_of("jane", &input).body("application/json", &body);
        let (status, message) = world.ask(&event).await.refusal();
        assert_eq!(status, 400, "{name}");
        assert!(message.contains(ROOM) || name.contains("ud83c"), "{message} for {name}");
    }
    let mut without = input.clone();
    without.as_object_mut().expect("an object").remove(ROOM);
    let answer = world.ask(&world.event_of("jane", &without)).await;
    assert_eq!(answer.refusal(), (400, format!("`{ROOM}` is missing")));
    assert_eq!(world.asked(), [""; 0]);
}

/// The object as text, with a field that is what `json` says, which need not be JSON.
pub(crate) fn with_field(object: &serde_json::Value, field: &str, json: &str) -> String {
    let mut object = object.clone();
    object[field] = json!("what is to be replaced");
    object.to_string().replacen("\"what is to be replaced\"", json, 1)
}

#[tokio::test]
async fn nobody_signed_in_is_401_and_livekit_is_not_asked() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world).await;
    world.livekit.forget_requests();
    for (why, event) in [
        ("nothing at all", world.event()),
        ("an empty cookie", world.event().cookie(COOKIE, "")),
        ("another cookie", world.event().cookie("theme", "dark")),
        ("no token", world.event().header("authorization", "Bearer ")),
        ("forged headers", world.event().header("x-workos-session", "session_1")),
    ] {
        let answer = world.ask(&event.json(&input)).await;
        assert_eq!(answer.refusal(), (401, "Sign in first".to_owned()), "{why}");
        assert_eq!(answer.cookies(), [], "{why}: there is nothing to clear");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn the_documented_event_has_nobody_signed_in_and_its_answer_once_somebody_is() {
    let world = RoomWorld::start(BINARY).await;
    good_input(&world).await;
    let event = Event::documented(EVENT);
    assert_eq!(world.ask(&event).await.refusal(), (401, "Sign in first".to_owned()));
    let answer = world.ask(&event.bearer(&world.workos().access_token("jane"))).await;
    assert_eq!(answer.status(), EVENT_STATUS, "{}", answer.text());
}

#[tokio::test]
async fn a_cookie_that_is_not_good_is_401_and_cleared_and_livekit_is_not_asked() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world).await;
    world.livekit.forget_requests();
    let session = world.workos().sign_in("jane", None);
    let cookie = sealed(world.settings(), &session).await;
    let claims = jwt::claims(access_token(&session)).expect("claims");
    let with_token = async |token: &str| {
        let mut session = session.clone();
        session["access_token"] = json!(token);
        sealed(world.settings(), &session).await
    };
    let by_somebody_else = {
        let mut settings = world.settings().to_vec();
        settings.retain(|(name, _)| name != "WORKOS_COOKIE_PASSWORD");
        let other = "the cookie password of somebody else altogether";
        settings.push(("WORKOS_COOKIE_PASSWORD".to_owned(), other.to_owned()));
        sealed(&settings, &session).await
    };
    let header = world.workos().header();
    let mut eve = claims.clone();
    eve["sub"] = json!("user_eve");
    let foreign = world.workos().sign_foreign(&header, &claims);
    for (why, value) in [
        ("sealed by somebody else", by_somebody_else),
        ("tampered", cookie.replacen("Fe26.2*1*", "Fe26.2*2*", 1)),
        ("shortened", cookie[..cookie.len() - 10].to_owned()),
        ("no seal", access_token(&session).to_owned()),
        ("a foreign token", with_token(&foreign).await),
        ("an unsigned token", with_token(&jwt::unsigned(&json!({"alg": "none"}), &claims)).await),
        ("another user's token", with_token(&world.workos().sign(&header, &eve)).await),
    ] {
        let answer = world.ask(&world.event().cookie(COOKIE, &value).json(&input)).await;
        assert_eq!(answer.refusal().0, 401, "{why}");
        assert_cleared(&answer, why);
    }
    let two = world.event().cookie(COOKIE, &cookie).cookie(COOKIE, &cookie);
    let answer = world.ask(&two.json(&input)).await;
    assert_eq!(answer.refusal().0, 401, "two cookies");
    assert_cleared(&answer, "two cookies");
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_token_that_is_not_good_is_401_even_with_a_good_cookie() {
    let world = RoomWorld::start(BINARY).await;
    let clerk = Clerk::start().await.expect("a free port");
    let input = good_input(&world).await;
    world.livekit.forget_requests();
    let cookie = sealed(world.settings(), &world.workos().sign_in("jane", None)).await;
    let (header, claims) = (world.workos().header(), world.workos().claims_for("jane"));
    let mut expired = claims.clone();
    expired["exp"] = json!(1_700_000_000);
    let hmac = jwt::hmac_signed(&json!({"alg": "HS256"}), &claims, API_SECRET.as_bytes());
    for (why, token) in [
        ("no token", "token".to_owned()),
        ("another environment's", world.workos().sign_foreign(&header, &claims)),
        ("unsigned", jwt::unsigned(&json!({"alg": "none"}), &claims)),
        ("expired", world.workos().sign(&header, &expired)),
        ("signed with LiveKit's secret", hmac),
        ("the sealed cookie", cookie.clone()),
    ] {
        for event in [world.event(), world.event().cookie(COOKIE, &cookie)] {
            let answer = world.ask(&event.bearer(&token).json(&input)).await;
            assert_eq!(answer.refusal().0, 401, "{why}");
            assert_eq!(answer.cookies(), [], "{why}: the cookie was not looked at");
        }
    }
    // WorkOS is asked for an unknown key once, and then not for a while, in which nobody can tell.
    for status in [401, 503] {
        let event = world.event().cookie(COOKIE, &cookie).bearer(&clerk.session_token("jane"));
        let answer = world.ask(&event.json(&input)).await;
        assert_eq!(answer.refusal().0, status, "Clerk's");
        assert_eq!(answer.cookies(), [], "the cookie was not looked at");
    }
    let of_clerk = world.event().cookie("__session", &clerk.session_token("jane"));
    assert_eq!(world.ask(&of_clerk.json(&input)).await.refusal().0, 401, "Clerk's cookie");
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn of_a_good_token_and_a_cookie_the_token_counts() {
    let world = RoomWorld::start(BINARY).await;
    let event = good(&world).await.cookie(COOKIE, "not a seal");
    let answer = world.ask(&event).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.cookies(), [], "the cookie was not looked at");
}

#[tokio::test]
async fn a_session_that_has_ended_is_401_and_the_cookie_is_cleared() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world).await;
    world.livekit.forget_requests();
    let session = expired_session(world.workos(), "jane", None);
    let claims = jwt::claims(access_token(&session)).expect("claims");
    assert!(world.workos().revoke_session(claims["sid"].as_str().expect("an id")));
    let cookie = sealed(world.settings(), &session).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie).json(&input)).await;
    assert_eq!(answer.refusal().0, 401);
    assert_cleared(&answer, "expired and revoked");
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_expired_session_is_renewed_on_the_way() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world).await;
    let session = expired_session(world.workos(), "jane", None);
    let cookie = sealed(world.settings(), &session).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie).json(&input)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let renewed = answer.cookie();
    assert_eq!(renewed.name, COOKIE);
    assert!(renewed.value.starts_with("Fe26.2*") && renewed.value != cookie);
}

#[tokio::test]
async fn an_outage_of_workos_is_never_signed_out() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world).await;
    world.livekit.forget_requests();
    let session = expired_session(world.workos(), "jane", None);
    let event = world.event().cookie(COOKIE, &sealed(world.settings(), &session).await);
    let event = event.json(&input);
    let limit = (Fault::Limiting { retry_after: Some(9) }, 503);
    for (fault, status) in refresh_outages().chain([limit]) {
        world.workos().inject(fault.on("/user_management/authenticate"));
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{fault:?}");
        assert_eq!(answer.cookies(), [], "{fault:?}");
        world.workos().clear_faults();
    }
    assert_eq!(world.asked(), [""; 0]);
    assert_eq!(world.ask(&event).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn only_what_can_never_be_good_clears_the_cookie() {
    // What any of the endpoints reads; each ignores the others' fields.
    let input: fn() -> Value = || {
        json!({
            "username": "Jane", "roomId": "lobby", "roomName": "lobby", "zoneId": "zone",
            "conferenceTopic": "", "participants": "", "egressId": "EG_none",
        })
    };
    cookies::check(Endpoint { binary: BINARY, kind: Kind::Room(input) }).await;
}

#[tokio::test]
async fn where_rooms_belong_to_organizations_a_user_without_one_is_403() {
    let world = RoomWorld::start_with(BINARY, &[("ROOM_NAMESPACE", "organization")]).await;
    let input = good_input(&world).await;
    world.livekit.forget_requests();
    let answer = world.ask(&world.event_of("loner", &input)).await;
    assert_eq!(answer.refusal().0, 403);
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_name_that_is_too_long_behind_the_organizations_is_400() {
    let world = RoomWorld::start_with(BINARY, &[("ROOM_NAMESPACE", "organization")]).await;
    let mut input = good_input(&world).await;
    input[ROOM] = json!("é".repeat(128));
    world.livekit.forget_requests();
    assert_eq!(world.ask(&world.event_of("jane", &input)).await.refusal().0, 400);
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn keys_come_from_secrets_manager_which_may_be_away_at_start() {
    let manager = SecretsManager::start().await.expect("a free port");
    let keys = json!({ "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET });
    manager.put("livekit", keys);
    manager.stop().await;
    let world = RoomWorld::start_with(BINARY, &stored_keys(&manager.settings())).await;
    let input = good_input(&world).await;
    world.livekit.forget_requests();
    let event = world.event_of("jane", &input);
    let answer = world.ask(&event).await;
    assert_eq!(answer.refusal().0, 503, "there is no key yet");
    assert_eq!(world.asked(), [""; 0]);
    manager.restart().await.expect("the same port");
    let answer = world.ask(&event).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

/// Settings that point at the keys in the secret `livekit`.
pub(crate) fn stored_keys(manager: &[(String, String)]) -> Vec<(&str, &str)> {
    let manager = manager.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let own =
        [("LIVEKIT_API_KEY", ""), ("LIVEKIT_API_SECRET", ""), ("LIVEKIT_SECRET_ID", "livekit")];
    manager.chain(own).collect()
}

#[tokio::test]
async fn stops_at_start_with_one_line_that_names_all_that_is_missing() {
    let line = refused_settings(&[]).await;
    for name in SETTINGS {
        assert!(line.contains(&format!("{name} is missing")), "{name} is not in {line}");
    }
}

#[tokio::test]
async fn stops_at_start_with_one_line_that_names_all_that_is_malformed_and_no_value() {
    let line = refused_settings(MALFORMED_SETTINGS).await;
    for (name, value) in MALFORMED_SETTINGS {
        assert!(line.contains(name), "{name} is not in {line}");
        assert!(!line.contains(value), "the value of {name} is in {line}");
    }
}

/// The only line of a function that these settings keep from starting.
async fn refused_settings(settings: &[(&str, &str)]) -> String {
    let Err(StartError::Refused { logs, .. }) =
        Instance::start(BINARY, settings.iter().copied()).await
    else {
        panic!("it started");
    };
    let [line] = &logs[..] else {
        panic!("not one line: {logs:?}");
    };
    line.clone()
}
