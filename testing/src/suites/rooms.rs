//! Every endpoint of LiveKit's rooms: `room-auth`, `start-recording`, `stop-recording`. Denials first.

#![allow(missing_docs, reason = "the name of a test is a sentence")]
#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails")]

use anteroom_local::instance::{Instance, StartError};
use anteroom_stand_ins::clerk::Clerk;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET};
use anteroom_stand_ins::secrets_manager::SecretsManager;
use serde_json::{Value, json};

use crate::event::Event;
use crate::livekit::stored_keys;
use crate::mistakes::{LONE_SURROGATE, MALFORMED_NAMES, malformed_requests, with_field};
use crate::room_world::RoomWorld;
use crate::sessions::{
    COOKIE, access_token, assert_cleared, expired_session, refresh_outages, sealed,
    with_access_token,
};
use crate::suites::session_cookies::{self, Endpoint, Kind};

/// An endpoint under `/api/v1/livekit/`.
#[derive(Clone, Copy, Debug)]
pub struct RoomEndpoint {
    /// The executable.
    pub binary: &'static str,
    /// The documented event: a file in `events/`.
    pub event: &'static str,
    /// The response's status if a signed-in user sends that event.
    pub event_status: u64,
    /// The field of the body that names the room.
    pub room_field: &'static str,
    /// The settings that the function needs to start.
    pub required_settings: &'static [&'static str],
    /// Settings with malformed values, which must not show in the log.
    pub malformed_settings: &'static [(&'static str, &'static str)],
    /// The LiveKit API methods that it calls: `livekit.Egress/ListEgress`.
    pub livekit_calls: &'static [&'static str],
    /// Prepares the world for a request that succeeds, and returns the request's body.
    pub good_input: fn(&RoomWorld) -> Value,
}

/// A request from Jane that succeeds.
fn good(endpoint: &RoomEndpoint, world: &RoomWorld) -> Event {
    let input = (endpoint.good_input)(world);
    world.livekit.forget_requests();
    world.event_of("jane", &input)
}

pub async fn what_no_endpoint_answers_is_refused_and_livekit_is_not_asked(endpoint: &RoomEndpoint) {
    let world = RoomWorld::start(endpoint.binary).await;
    for (event, status) in malformed_requests(&good(endpoint, &world)) {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{event:?}");
        assert_eq!(answer.cookies(), [], "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn what_is_no_name_of_a_room_is_400_and_livekit_is_not_asked(endpoint: &RoomEndpoint) {
    let world = RoomWorld::start(endpoint.binary).await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let too_long = ["x".repeat(129), "字".repeat(86)].map(|name| json!(name).to_string());
    let bad_names = MALFORMED_NAMES.map(str::to_owned).into_iter().chain(too_long);
    for name in bad_names {
        let body = with_field(&input, endpoint.room_field, &name);
        let event = world.event_of("jane", &input).body("application/json", &body);
        let (status, message) = world.ask(&event).await.refusal();
        assert_eq!(status, 400, "{name}");
        assert!(
            message.contains(endpoint.room_field) || name.contains(LONE_SURROGATE),
            "{message} for {name}"
        );
    }
    let mut without = input.clone();
    without.as_object_mut().expect("an object").remove(endpoint.room_field);
    let answer = world.ask(&world.event_of("jane", &without)).await;
    assert_eq!(answer.refusal(), (400, format!("`{}` is missing", endpoint.room_field)));
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn nobody_signed_in_is_401_and_livekit_is_not_asked(endpoint: &RoomEndpoint) {
    let world = RoomWorld::start(endpoint.binary).await;
    let input = (endpoint.good_input)(&world);
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

pub async fn the_documented_event_has_nobody_signed_in_and_its_answer_once_somebody_is(
    endpoint: &RoomEndpoint,
) {
    let world = RoomWorld::start(endpoint.binary).await;
    (endpoint.good_input)(&world);
    let event = Event::documented(endpoint.event);
    assert_eq!(world.ask(&event).await.refusal(), (401, "Sign in first".to_owned()));
    let answer = world.ask(&event.bearer(&world.workos().access_token("jane"))).await;
    assert_eq!(answer.status(), endpoint.event_status, "{}", answer.text());
}

pub async fn a_cookie_that_is_not_good_is_401_and_cleared_and_livekit_is_not_asked(
    endpoint: &RoomEndpoint,
) {
    let world = RoomWorld::start(endpoint.binary).await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let session = world.workos().sign_in("jane", None);
    let cookie = sealed(world.settings(), &session).await;
    let claims = jwt::claims(access_token(&session)).expect("claims");
    let with_token =
        async |token: &str| sealed(world.settings(), &with_access_token(&session, token)).await;
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

pub async fn a_token_that_is_not_good_is_401_even_with_a_good_cookie(endpoint: &RoomEndpoint) {
    let world = RoomWorld::start(endpoint.binary).await;
    let clerk = Clerk::start().await.expect("a free port");
    let input = (endpoint.good_input)(&world);
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
    // WorkOS is asked for an unknown key once and then not for a while, during which the function
    // cannot tell.
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

pub async fn of_a_good_token_and_a_cookie_the_token_counts(endpoint: &RoomEndpoint) {
    let world = RoomWorld::start(endpoint.binary).await;
    let event = good(endpoint, &world).cookie(COOKIE, "not a seal");
    let answer = world.ask(&event).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.cookies(), [], "the cookie was not looked at");
}

pub async fn a_session_that_has_ended_is_401_and_the_cookie_is_cleared(endpoint: &RoomEndpoint) {
    let world = RoomWorld::start(endpoint.binary).await;
    let input = (endpoint.good_input)(&world);
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

pub async fn an_expired_session_is_renewed_on_the_way(endpoint: &RoomEndpoint) {
    let world = RoomWorld::start(endpoint.binary).await;
    let input = (endpoint.good_input)(&world);
    let session = expired_session(world.workos(), "jane", None);
    let cookie = sealed(world.settings(), &session).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie).json(&input)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let renewed = answer.cookie();
    assert_eq!(renewed.name, COOKIE);
    assert!(renewed.value.starts_with("Fe26.2*") && renewed.value != cookie);
}

pub async fn an_outage_of_workos_is_never_signed_out(endpoint: &RoomEndpoint) {
    let world = RoomWorld::start(endpoint.binary).await;
    let input = (endpoint.good_input)(&world);
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

pub async fn only_what_can_never_be_good_clears_the_cookie(endpoint: &RoomEndpoint) {
    // The union of the endpoints' inputs; each endpoint ignores the others' fields.
    let input: fn() -> Value = || {
        json!({
            "username": "Jane", "roomId": "lobby", "roomName": "lobby", "zoneId": "zone",
            "conferenceTopic": "", "participants": "", "egressId": "EG_none",
        })
    };
    session_cookies::check(Endpoint { binary: endpoint.binary, kind: Kind::Room(input) }).await;
}

pub async fn where_rooms_belong_to_organizations_a_user_without_one_is_403(
    endpoint: &RoomEndpoint,
) {
    let world = RoomWorld::start_with(endpoint.binary, &[("ROOM_NAMESPACE", "organization")]).await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let answer = world.ask(&world.event_of("without_organization", &input)).await;
    assert_eq!(answer.refusal().0, 403);
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn a_name_that_is_too_long_behind_the_organizations_is_400(endpoint: &RoomEndpoint) {
    let world = RoomWorld::start_with(endpoint.binary, &[("ROOM_NAMESPACE", "organization")]).await;
    let mut input = (endpoint.good_input)(&world);
    input[endpoint.room_field] = json!("é".repeat(128));
    world.livekit.forget_requests();
    assert_eq!(world.ask(&world.event_of("jane", &input)).await.refusal().0, 400);
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn keys_come_from_secrets_manager_which_may_be_away_at_start(endpoint: &RoomEndpoint) {
    let manager = SecretsManager::start().await.expect("a free port");
    let keys = json!({ "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET });
    manager.put("livekit", keys);
    manager.stop().await;
    let world = RoomWorld::start_with(endpoint.binary, &stored_keys(&manager.settings())).await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let event = world.event_of("jane", &input);
    let answer = world.ask(&event).await;
    assert_eq!(answer.refusal().0, 503, "there is no key yet");
    assert_eq!(world.asked(), [""; 0]);
    manager.restart().await.expect("the same port");
    let answer = world.ask(&event).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

pub async fn stops_at_start_with_one_line_that_names_all_that_is_missing(endpoint: &RoomEndpoint) {
    let line = refused_settings(endpoint, &[]).await;
    for name in endpoint.required_settings {
        assert!(line.contains(&format!("{name} is missing")), "{name} is not in {line}");
    }
}

pub async fn stops_at_start_with_one_line_that_names_all_that_is_malformed_and_no_value(
    endpoint: &RoomEndpoint,
) {
    let line = refused_settings(endpoint, endpoint.malformed_settings).await;
    for (name, value) in endpoint.malformed_settings {
        assert!(line.contains(name), "{name} is not in {line}");
        assert!(!line.contains(value), "the value of {name} is in {line}");
    }
}

/// The only log line of a function that cannot start with these settings.
async fn refused_settings(endpoint: &RoomEndpoint, settings: &[(&str, &str)]) -> String {
    let Err(StartError::Refused { logs, .. }) =
        Instance::start(endpoint.binary, settings.iter().copied()).await
    else {
        panic!("it started");
    };
    let [line] = &logs[..] else {
        panic!("not one line: {logs:?}");
    };
    line.clone()
}

/// Declares the suite's tests for a [`RoomEndpoint`](crate::suites::rooms::RoomEndpoint), the
/// constant of this name.
#[macro_export]
macro_rules! rooms_suite {
    ($endpoint:ident) => {
        $crate::tests! { rooms($endpoint):
            what_no_endpoint_answers_is_refused_and_livekit_is_not_asked,
            what_is_no_name_of_a_room_is_400_and_livekit_is_not_asked,
            nobody_signed_in_is_401_and_livekit_is_not_asked,
            the_documented_event_has_nobody_signed_in_and_its_answer_once_somebody_is,
            a_cookie_that_is_not_good_is_401_and_cleared_and_livekit_is_not_asked,
            a_token_that_is_not_good_is_401_even_with_a_good_cookie,
            of_a_good_token_and_a_cookie_the_token_counts,
            a_session_that_has_ended_is_401_and_the_cookie_is_cleared,
            an_expired_session_is_renewed_on_the_way,
            an_outage_of_workos_is_never_signed_out,
            only_what_can_never_be_good_clears_the_cookie,
            where_rooms_belong_to_organizations_a_user_without_one_is_403,
            a_name_that_is_too_long_behind_the_organizations_is_400,
            keys_come_from_secrets_manager_which_may_be_away_at_start,
            stops_at_start_with_one_line_that_names_all_that_is_missing,
            stops_at_start_with_one_line_that_names_all_that_is_malformed_and_no_value,
        }
    };
}
