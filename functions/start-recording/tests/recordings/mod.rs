//! What holds of every endpoint that calls LiveKit: the tests that `start-recording` and
//! `stop-recording` share. Denials first.

use std::time::Duration;

use anteroom::clock::Clock;
use anteroom::provider::{Call, Provider};
use anteroom::secrets::Secret;
use anteroom::settings::Settings;
use anteroom_local::stand_ins::exchange::Request;
use anteroom_local::stand_ins::faults::Fault;
use anteroom_local::stand_ins::jwt;
use anteroom_local::stand_ins::livekit::{API_KEY, API_SECRET, LiveKit};
use anteroom_local::stand_ins::secrets_manager::SecretsManager;
use anteroom_local::stand_ins::workos::RECORDING_PERMISSION;
use anteroom_local::testing::{Answer, OUTAGES, RoomWorld};
use serde_json::{Value, json};

use super::rooms::{COOKIE, HOSTILE_NAMES, expired_session, sealed, stored_keys};
use super::{BINARY, CALLS, ROOM, good_input};

/// The room of the tests.
pub(crate) const TEST_ROOM: &str = "test-room";

const LIMITING: Fault = Fault::Limiting { retry_after: Some(9) };

/// What else LiveKit may answer that is no answer. It says `not_found` where it means it: any other
/// 404 is somebody else's, at an address that is not LiveKit's.
const REFUSALS: [(Fault, u64); 4] = [
    (LIMITING, 503),
    (Fault::Failing(400), 502),
    (Fault::Failing(403), 502),
    (Fault::Failing(404), 502),
];

/// The path of a call like `livekit.Egress/ListEgress`.
pub(crate) fn path_of(call: &str) -> String {
    format!("/twirp/{call}")
}

/// Opens the test's room with two people in it, also where rooms belong to Jane's organization.
pub(crate) fn open_test_room(world: &RoomWorld) {
    let organization = world.workos().organization("Example").id;
    world.livekit.open_room(TEST_ROOM, 2);
    world.livekit.open_room(&format!("{organization}:{TEST_ROOM}"), 2);
}

/// What is answered of a recording: its id and the time in Unix seconds, and nothing else.
pub(crate) fn recording(answer: &Answer) -> (String, u64) {
    let body = answer.success();
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(2), "{body}");
    let id = body["egressId"].as_str().expect("an id").to_owned();
    (id, body["timestamp"].as_u64().expect("whole seconds"))
}

/// Now, in Unix seconds.
pub(crate) fn now() -> u64 {
    Clock::system().now().whole_seconds()
}

/// The ids of the egresses that record a room, or are about to.
pub(crate) fn running(livekit: &LiveKit, room: &str) -> Vec<String> {
    let egresses = livekit.egresses().into_iter();
    let running = egresses.filter(|egress| egress.is_running() && egress.room_name == room);
    running.map(|egress| egress.id).collect()
}

/// Starts an egress of a room to this path behind the functions' backs, as LiveKit's own console would.
pub(crate) async fn start_egress(livekit: &LiveKit, room: &str, path: &str) -> String {
    let output = json!({ "filepath": path, "s3": { "bucket": "of-somebody-else" } });
    let request = json!({ "room_name": room, "file_outputs": [output] });
    start_egress_with(livekit, "StartRoomCompositeEgress", request).await
}

/// Starts an egress with this call of LiveKit's API, as another program would.
pub(crate) async fn start_egress_with(livekit: &LiveKit, call: &str, request: Value) -> String {
    let settings = Settings::from_pairs([("LIVEKIT_URL", livekit.url())], Clock::system());
    let mut settings = settings.expect("settings");
    let provider = Provider {
        name: "livekit",
        base: settings.socket_url("LIVEKIT_URL").expect("an address"),
        http: settings.http(),
        clock: settings.clock(),
    };
    let claims = json!({ "iss": API_KEY, "exp": now() + 60, "video": { "roomRecord": true } });
    let token = jwt::hmac_signed(&json!({ "alg": "HS256" }), &claims, API_SECRET.as_bytes());
    let path = ["twirp", "livekit.Egress", call];
    let call = Call::post("start", &path, Some(request));
    let provider = provider.with_key(Secret::fixed(token.into()));
    let answer: Value = provider.send(&call).await.expect("an answer").json().expect("JSON");
    answer["egress_id"].as_str().unwrap_or_else(|| panic!("no egress: {answer}")).to_owned()
}

/// Changes these fields of an egress wherever LiveKit lists it.
pub(crate) fn change_listed(livekit: &LiveKit, id: &str, fields: &Value) {
    let (id, fields) = (id.to_owned(), fields.as_object().expect("an object").clone());
    livekit.edit_answers("ListEgress", move |answer| {
        let items = answer["items"].as_array_mut().expect("a list").iter_mut();
        for item in items.filter(|item| item["egress_id"] == json!(id)) {
            item.as_object_mut().expect("an object").extend(fields.clone());
        }
    });
}

#[tokio::test]
async fn without_the_permission_that_is_configured_it_is_403_and_livekit_is_not_asked() {
    let own = [("RECORDING_PERMISSION", RECORDING_PERMISSION)];
    let world = RoomWorld::start_with(BINARY, &own).await;
    let input = good_input(&world).await;
    world.livekit.forget_requests();
    let mut claims = world.workos().claims_for("jane");
    let header = world.workos().header();
    let without = [
        json!([]),
        json!(["recordings"]),
        json!([format!("{RECORDING_PERMISSION}:all")]),
        json!([RECORDING_PERMISSION.to_uppercase()]),
    ];
    let without = without.map(|permissions| {
        claims["permissions"] = permissions;
        world.event().bearer(&world.workos().sign(&header, &claims)).json(&input)
    });
    let others = [world.event_of("loner", &input), world.event_in("chooser", "MASADAS", &input)];
    for event in without.into_iter().chain(others) {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal(), (403, "You may not record".to_owned()), "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
    let answer = world.ask(&world.event_of("jane", &input)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

#[tokio::test]
async fn a_room_with_a_hostile_name_is_looked_for_under_that_name() {
    let world = RoomWorld::start(BINARY).await;
    let mut input = good_input(&world).await;
    world.livekit.forget_requests();
    for name in HOSTILE_NAMES {
        input[ROOM] = json!(name);
        let answer = world.ask(&world.event_of("jane", &input)).await;
        assert_eq!(answer.refusal().0, 404, "there is no room {name}");
    }
    let participants = "livekit.RoomService/ListParticipants";
    let paths: Vec<_> = CALLS.iter().chain([&participants]).map(|call| path_of(call)).collect();
    for request in world.livekit.requests() {
        assert!(paths.contains(&request.path_and_query), "{}", request.path_and_query);
    }
}

#[tokio::test]
async fn a_renewed_session_leaves_with_a_refusal_as_well() {
    let world = RoomWorld::start(BINARY).await;
    let mut input = good_input(&world).await;
    input[ROOM] = json!("no-such-room");
    let session = expired_session(world.workos(), "jane", None);
    let cookie = sealed(world.settings(), &session).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie).json(&input)).await;
    assert_eq!(answer.refusal().0, 404);
    let renewed = answer.cookie();
    assert_eq!(renewed.name, COOKIE);
    assert!(renewed.value.starts_with("Fe26.2*") && renewed.value != cookie);
    let answer = world.ask(&world.event().cookie(COOKIE, &renewed.value).json(&input)).await;
    assert_eq!(answer.refusal().0, 404, "the new one is good");
}

#[tokio::test]
async fn an_outage_of_livekit_is_never_signed_out_and_changes_nothing() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world).await;
    let session = world.workos().sign_in("jane", None);
    let cookie = sealed(world.settings(), &session).await;
    let event = world.event().cookie(COOKIE, &cookie).json(&input);
    let before = running(&world.livekit, TEST_ROOM);
    let mut unexpected = Vec::new();
    for call in CALLS {
        for (fault, status) in OUTAGES.into_iter().chain(REFUSALS) {
            world.livekit.inject(fault.on(path_of(call)));
            let answer = world.ask(&event).await;
            world.livekit.clear_faults();
            let wait = (fault == LIMITING).then_some("9");
            if (answer.status(), answer.header("retry-after")) != (status, wait) {
                unexpected.push(format!("{fault:?} on {call}: {}", answer.text()));
            }
            assert_eq!(answer.cookies(), [], "{fault:?} on {call}");
            assert_eq!(running(&world.livekit, TEST_ROOM), before, "{fault:?} on {call}");
        }
    }
    assert_eq!(unexpected, [""; 0]);
    let answer = world.ask(&event).await;
    assert_eq!(answer.status(), 200, "all is well again: {}", answer.text());
}

#[tokio::test]
async fn a_limit_is_503_whatever_status_livekit_gives_it() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world).await);
    for status in [429, 403, 400] {
        world.livekit.limit_with_status(status);
        for call in CALLS {
            world.livekit.inject(LIMITING.on(path_of(call)));
            let answer = world.ask(&event).await;
            world.livekit.clear_faults();
            assert_eq!(answer.refusal().0, 503, "{status} of {call}");
            assert_eq!(answer.header("retry-after"), Some("9"), "{status} of {call}");
        }
    }
    assert_eq!(world.ask(&event).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn a_gateways_page_is_503() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world).await);
    let page = |status, content_type| {
        let body = "<!DOCTYPE html><html><head><title>Attention Required!</title></head></html>";
        Fault::Between { status, content_type, body }
    };
    let limit =
        Fault::Between { status: 429, content_type: "text/plain", body: "error code: 1015" };
    for call in CALLS {
        for fault in [page(403, "Text/HTML; charset=UTF-8"), page(404, "TEXT/HTML"), limit] {
            world.livekit.inject(fault.on(path_of(call)));
            let answer = world.ask(&event).await;
            world.livekit.clear_faults();
            assert_eq!(answer.refusal().0, 503, "{fault:?} on {call}");
        }
    }
    assert_eq!(world.ask(&event).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn a_date_on_which_to_come_back_is_passed_on_as_seconds() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world).await);
    for call in CALLS {
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

#[tokio::test]
async fn a_connection_that_died_in_a_pause_is_not_an_outage() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world).await;
    let mut elsewhere = input.clone();
    elsewhere[ROOM] = json!("no-such-room");
    assert_eq!(world.ask(&world.event_of("jane", &elsewhere)).await.refusal().0, 404);
    world.livekit.break_connections();
    let answer = world.ask(&world.event_of("jane", &input)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

#[tokio::test]
async fn nobody_at_livekits_address_is_503() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world).await);
    world.livekit.stop().await;
    assert_eq!(world.ask(&event).await.refusal().0, 503);
    world.livekit.restart().await.expect("the same port");
    assert_eq!(world.ask(&event).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn a_livekit_that_does_not_answer_in_time_or_to_the_end_is_503() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world).await);
    let before = running(&world.livekit, TEST_ROOM);
    for fault in [Fault::Slow(Duration::from_mins(1)), Fault::Truncated] {
        world.livekit.inject(fault.on(path_of("livekit.Egress/ListEgress")));
        assert_eq!(world.ask(&event).await.refusal().0, 503, "{fault:?}");
    }
    assert_eq!(running(&world.livekit, TEST_ROOM), before);
}

#[tokio::test]
async fn our_own_key_being_wrong_is_502() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world).await);
    for (key, secret) in
        [("APISomebodyElse", API_SECRET), (API_KEY, "another secret, of thirty-two bytes and more")]
    {
        world.livekit.rotate_keys(key, secret);
        assert_eq!(world.ask(&event).await.refusal().0, 502, "{key}");
    }
}

#[tokio::test]
async fn a_rotated_key_is_taken_into_use_without_a_restart() {
    let manager = SecretsManager::start().await.expect("a free port");
    let put = |key: &str, secret: &str| {
        let keys = json!({ "LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret });
        manager.put("livekit", keys);
    };
    put(API_KEY, API_SECRET);
    let world = RoomWorld::start_with(BINARY, &stored_keys(&manager.settings())).await;
    let event = world.event_of("jane", &good_input(&world).await);
    assert_eq!(manager.requests().len(), 1, "both at once, before the first request");

    let secret = "a newer secret, of thirty-two bytes and more";
    world.livekit.rotate_keys("APINewer", secret);
    put("APINewer", secret);
    let answer = world.ask(&event).await;
    assert_eq!(answer.status(), 200, "the request that meets the new key: {}", answer.text());
    assert_eq!(manager.requests().len(), 2, "it was read again once");
}

#[tokio::test]
async fn each_call_brings_a_token_of_its_own_that_grants_no_more_than_it_needs() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world).await);
    world.livekit.forget_requests();
    assert_eq!(world.ask(&event).await.status(), 200);
    let requests = world.livekit.requests();
    assert!(!requests.is_empty());
    for request in &requests {
        assert_eq!(video_grant(request), expected_grant(request), "{}", request.path());
    }
}

fn expected_grant(request: &Request) -> Value {
    match request.segments()[1] {
        "livekit.Egress" => json!({ "roomRecord": true }),
        _ => json!({ "roomList": true }),
    }
}

/// What a request's token grants; it is good for a minute and nobody's.
fn video_grant(request: &Request) -> Value {
    let mut claims = jwt::claims(request.bearer().expect("a token")).expect("claims");
    let lifetime = claims["exp"].as_u64().zip(claims["nbf"].as_u64());
    assert_eq!(lifetime.map(|(end, start)| end - start), Some(60), "{claims}");
    let claims = claims.as_object_mut().expect("an object");
    assert_eq!(claims.keys().collect::<Vec<_>>(), ["exp", "iss", "nbf", "video"]);
    claims["video"].take()
}
