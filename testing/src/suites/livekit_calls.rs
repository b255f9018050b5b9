//! For endpoints that call LiveKit's API: those of recordings, `remove-participant` and
//! `mute-participant`. Denials first.

#![allow(missing_docs, reason = "the name of a test is a sentence")]
#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails")]

use std::time::Duration;

use anteroom_stand_ins::exchange::Request;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET};
use anteroom_stand_ins::secrets_manager::SecretsManager;
use serde_json::{Value, json};

use crate::livekit::{TEST_ROOM, path_of, state_of_room, stored_keys};
use crate::mistakes::{HOSTILE_NAMES, OUTAGES};
use crate::suites::rooms::RoomEndpoint;

const LIMITING: Fault = Fault::Limiting { retry_after: Some(9) };

/// Other invalid responses from LiveKit. A real "not found" has the code `not_found`; any other 404
/// comes from a wrong address.
const REFUSALS: [(Fault, u64); 4] = [
    (LIMITING, 503),
    (Fault::Failing(400), 502),
    (Fault::Failing(403), 502),
    (Fault::Failing(404), 502),
];

/// A call that is made without looking anything up first. Its response is an empty message, so any
/// object is one.
const REMOVE: &str = "livekit.RoomService/RemoveParticipant";

pub async fn a_room_with_a_hostile_name_is_looked_up_under_that_name(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let mut input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    for name in HOSTILE_NAMES {
        input[endpoint.room_field] = json!(name);
        let answer = world.ask(&world.event_of("jane", &input)).await;
        assert_eq!(answer.refusal().0, 404, "there is no room {name}");
    }
    let participants = "livekit.RoomService/ListParticipants";
    let paths: Vec<_> =
        endpoint.livekit_calls.iter().chain([&participants]).map(|call| path_of(call)).collect();
    for request in world.livekit.requests() {
        assert!(paths.contains(&request.path_and_query), "{}", request.path_and_query);
    }
}

pub async fn an_outage_of_livekit_never_signs_anybody_out_and_changes_nothing(
    endpoint: &RoomEndpoint,
) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    let event = world.cookie_event_of("jane", &input).await;
    let before = state_of_room(&world.livekit, TEST_ROOM);
    let mut unexpected = Vec::new();
    for call in endpoint.livekit_calls {
        for (fault, status) in OUTAGES.into_iter().chain(REFUSALS) {
            if fault == Fault::WrongShape && *call == REMOVE {
                continue;
            }
            world.livekit.inject(fault.on(path_of(call)));
            let answer = world.ask(&event).await;
            world.livekit.clear_faults();
            let wait = (fault == LIMITING).then_some("9");
            if (answer.status(), answer.header("retry-after")) != (status, wait) {
                unexpected.push(format!("{fault:?} on {call}: {}", answer.text()));
            }
            assert_eq!(answer.cookies(), [], "{fault:?} on {call}");
            let after = state_of_room(&world.livekit, TEST_ROOM);
            assert_eq!(after, before, "{fault:?} on {call}");
        }
    }
    assert_eq!(unexpected, [""; 0]);
    let answer = world.ask(&event).await;
    assert_eq!(answer.status(), endpoint.success, "all is well again: {}", answer.text());
}

pub async fn a_limit_is_503_whatever_status_livekit_gives_it(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let event = world.event_of("jane", &(endpoint.good_input)(&world));
    for status in [429, 403, 400] {
        world.livekit.limit_with_status(status);
        for call in endpoint.livekit_calls {
            world.livekit.inject(LIMITING.on(path_of(call)));
            let answer = world.ask(&event).await;
            world.livekit.clear_faults();
            assert_eq!(answer.refusal().0, 503, "{status} of {call}");
            assert_eq!(answer.header("retry-after"), Some("9"), "{status} of {call}");
        }
    }
    assert_eq!(world.ask(&event).await.status(), endpoint.success, "all is well again");
}

pub async fn a_gateways_page_is_503(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let event = world.event_of("jane", &(endpoint.good_input)(&world));
    let page = |status, content_type| {
        let body = "<!DOCTYPE html><html><head><title>Attention Required!</title></head></html>";
        Fault::Between { status, content_type, body }
    };
    let limit =
        Fault::Between { status: 429, content_type: "text/plain", body: "error code: 1015" };
    for call in endpoint.livekit_calls {
        for fault in [page(403, "Text/HTML; charset=UTF-8"), page(404, "TEXT/HTML"), limit] {
            world.livekit.inject(fault.on(path_of(call)));
            let answer = world.ask(&event).await;
            world.livekit.clear_faults();
            assert_eq!(answer.refusal().0, 503, "{fault:?} on {call}");
        }
    }
    assert_eq!(world.ask(&event).await.status(), endpoint.success, "all is well again");
}

pub async fn a_retry_after_date_is_passed_on_as_seconds(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let event = world.event_of("jane", &(endpoint.good_input)(&world));
    for call in endpoint.livekit_calls {
        for status in [429, 503] {
            world.livekit.inject(Fault::Dated { status, seconds: 90 }.on(path_of(call)));
            let answer = world.ask(&event).await;
            world.livekit.clear_faults();
            assert_eq!(answer.refusal().0, 503, "{status} of {call}");
            let seconds = answer.header("retry-after").and_then(|value| value.parse::<u64>().ok());
            assert!(
                seconds.is_some_and(|seconds| seconds <= 90),
                "{status} of {call}: {seconds:?}"
            );
        }
    }
}

pub async fn a_connection_that_died_while_idle_is_not_an_outage(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    let mut elsewhere = input.clone();
    elsewhere[endpoint.room_field] = json!("no-such-room");
    assert_eq!(world.ask(&world.event_of("jane", &elsewhere)).await.refusal().0, 404);
    world.livekit.break_connections();
    let answer = world.ask(&world.event_of("jane", &input)).await;
    assert_eq!(answer.status(), endpoint.success, "{}", answer.text());
}

pub async fn an_unreachable_livekit_is_503(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let event = world.event_of("jane", &(endpoint.good_input)(&world));
    world.livekit.stop().await;
    assert_eq!(world.ask(&event).await.refusal().0, 503);
    world.livekit.restart().await.expect("the same port");
    assert_eq!(world.ask(&event).await.status(), endpoint.success, "all is well again");
}

pub async fn a_slow_or_truncated_response_of_livekit_is_503(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let event = world.event_of("jane", &(endpoint.good_input)(&world));
    let before = state_of_room(&world.livekit, TEST_ROOM);
    let call = path_of(endpoint.livekit_calls[0]);
    for fault in [Fault::Slow(Duration::from_mins(1)), Fault::Truncated] {
        world.livekit.inject(fault.on(&call));
        assert_eq!(world.ask(&event).await.refusal().0, 503, "{fault:?}");
    }
    // A removal whose response breaks off has happened.
    if endpoint.livekit_calls != [REMOVE] {
        assert_eq!(state_of_room(&world.livekit, TEST_ROOM), before);
    }
}

pub async fn a_wrong_key_of_ours_is_502(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let event = world.event_of("jane", &(endpoint.good_input)(&world));
    for (key, secret) in
        [("APISomebodyElse", API_SECRET), (API_KEY, "another secret, of thirty-two bytes and more")]
    {
        world.livekit.rotate_keys(key, secret);
        assert_eq!(world.ask(&event).await.refusal().0, 502, "{key}");
    }
}

pub async fn a_rotated_key_is_used_without_a_restart(endpoint: &RoomEndpoint) {
    let manager = SecretsManager::start().await.expect("a free port");
    let put = |key: &str, secret: &str| {
        let keys = json!({ "LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret });
        manager.put("livekit", keys);
    };
    put(API_KEY, API_SECRET);
    let world = endpoint.start_with(&stored_keys(&manager.settings())).await;
    let event = world.event_of("jane", &(endpoint.good_input)(&world));
    assert_eq!(manager.requests().len(), 1, "both at once, before the first request");

    let secret = "a newer secret, of thirty-two bytes and more";
    world.livekit.rotate_keys("APINewer", secret);
    put("APINewer", secret);
    let answer = world.ask(&event).await;
    assert_eq!(
        answer.status(),
        endpoint.success,
        "the request that meets the new key: {}",
        answer.text()
    );
    assert_eq!(manager.requests().len(), 2, "it was read again once");
}

pub async fn each_call_has_its_own_token_that_grants_no_more_than_it_needs(
    endpoint: &RoomEndpoint,
) {
    let world = endpoint.start().await;
    let event = world.event_of("jane", &(endpoint.good_input)(&world));
    world.livekit.forget_requests();
    assert_eq!(world.ask(&event).await.status(), endpoint.success);
    let requests = world.livekit.requests();
    assert!(!requests.is_empty());
    for request in &requests {
        assert_eq!(video_grant(request), expected_grant(request), "{}", request.path());
    }
}

fn expected_grant(request: &Request) -> Value {
    match request.segments()[1] {
        "livekit.Egress" => json!({ "roomRecord": true }),
        _ if request.path().ends_with("/ListRooms") => json!({ "roomList": true }),
        _ => {
            let room = request.json().expect("JSON")["room"].take();
            json!({ "roomAdmin": true, "room": room })
        }
    }
}

/// The grants in a request's token, which must be valid for a minute and have no identity.
fn video_grant(request: &Request) -> Value {
    let mut claims = jwt::claims(request.bearer().expect("a token")).expect("claims");
    let lifetime = claims["exp"].as_u64().zip(claims["nbf"].as_u64());
    assert_eq!(lifetime.map(|(end, start)| end - start), Some(60), "{claims}");
    let claims = claims.as_object_mut().expect("an object");
    assert_eq!(claims.keys().collect::<Vec<_>>(), ["exp", "iss", "nbf", "video"]);
    claims["video"].take()
}

/// Declares the suite's tests for a [`RoomEndpoint`](crate::suites::rooms::RoomEndpoint), the
/// constant of this name.
#[macro_export]
macro_rules! livekit_calls_suite {
    ($endpoint:ident) => {
        $crate::tests! { livekit_calls($endpoint):
            a_room_with_a_hostile_name_is_looked_up_under_that_name,
            an_outage_of_livekit_never_signs_anybody_out_and_changes_nothing,
            a_limit_is_503_whatever_status_livekit_gives_it,
            a_gateways_page_is_503,
            a_retry_after_date_is_passed_on_as_seconds,
            a_connection_that_died_while_idle_is_not_an_outage,
            an_unreachable_livekit_is_503,
            a_slow_or_truncated_response_of_livekit_is_503,
            a_wrong_key_of_ours_is_502,
            a_rotated_key_is_used_without_a_restart,
            each_call_has_its_own_token_that_grants_no_more_than_it_needs,
        }
    };
}
