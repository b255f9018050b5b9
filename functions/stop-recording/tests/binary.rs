//! The real binary under a Lambda Runtime API, with real events. Denials first.

use std::time::Duration;

use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::livekit::{EgressStatus, RECORDINGS_BUCKET};
use anteroom_testing::livekit::{
    TEST_ROOM, change_listed, foreign_recording, now, open_test_room, part, path_of, recording,
    running,
};
use anteroom_testing::mistakes::{HOSTILE_NAMES, LONE_SURROGATE, MALFORMED_NAMES, with_field};
use anteroom_testing::suites::rooms::RoomEndpoint;
use anteroom_testing::{Answer, Identity, RoomWorld};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_stop-recording");

const LIST_EGRESS: &str = "livekit.Egress/ListEgress";
const STOP: &str = "livekit.Egress/StopEgress";

const NO_SUCH: &str = "No such recording in this room and zone";
const HAS_ENDED: &str = "The recording has already ended";

const ENDPOINT: RoomEndpoint = RoomEndpoint {
    identity: Identity::WorkOs,
    binary: BINARY,
    event: "stop-recording.json",
    // There is no egress of the id in the event.
    event_status: 404,
    success: 200,
    room_field: "roomName",
    required_settings: &["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_URL"],
    malformed_settings: &[
        ("ALLOWED_ORIGINS", "everybody.example"),
        ("LIVEKIT_API_KEY", "hunter one"),
        ("LIVEKIT_API_SECRET", "hunter2"),
        ("LIVEKIT_URL", "rtmp://livekit.example.com"),
        ("LIVEKIT_IDENTITY", "auth0"),
        ("ROOM_NAMESPACE", "organisation"),
        ("STAGE", "production"),
    ],
    livekit_calls: &[LIST_EGRESS, STOP],
    good_input,
};

anteroom_testing::room_endpoint_suites!(ENDPOINT, recordings_suite);

/// The documented body, for a recording that has begun.
fn good_input(world: &RoomWorld) -> Value {
    open_test_room(world);
    record(world, TEST_ROOM, "1")
}

/// Records a room, which is open, as `start-recording` does it for Jane, and gives the body that
/// stops it.
fn record(world: &RoomWorld, room: &str, zone: &str) -> Value {
    record_for(world, Some("Example"), room, zone)
}

/// The same for somebody of that organization, or of none.
fn record_for(world: &RoomWorld, organization: Option<&str>, room: &str, zone: &str) -> Value {
    let organization = organization.map(|name| world.organization_id(name));
    let owned = format!("{}:{room}", organization.as_deref().unwrap_or_default());
    let is_apart = world.settings().iter().any(|(_, value)| value == "organization");
    let name = if is_apart { &owned } else { room };
    record_to(world, organization.as_deref(), name, [zone, &part(&owned)], room, zone)
}

/// Records a room that LiveKit calls `name` to an object in a folder of these two parts.
fn record_to(
    world: &RoomWorld,
    organization: Option<&str>,
    name: &str,
    [zone_part, room_part]: [&str; 2],
    room: &str,
    zone: &str,
) -> Value {
    let path = format!(
        "recordings/{}/{room_part}/2026-01-01/000000-{:016x}.mp4",
        part(zone_part),
        world.livekit.egresses().len()
    );
    let mut metadata = json!({ "started-by": world.user_id("jane") });
    if let Some(organization) = organization {
        metadata["organization"] = json!(organization);
    }
    let s3 = json!({ "bucket": RECORDINGS_BUCKET, "metadata": metadata });
    let request = json!({ "room_name": name, "file_outputs": [{ "filepath": path, "s3": s3 }] });
    let id = world.livekit.start_egress("StartRoomCompositeEgress", request);
    json!({ "roomName": room, "egressId": id, "zoneId": zone })
}

/// Starts somebody else's recording of a room, and gives its id.
fn start_foreign(world: &RoomWorld, room: &str, path: &str) -> String {
    world.livekit.start_egress("StartRoomCompositeEgress", foreign_recording(room, path))
}

fn id_in(input: &Value) -> &str {
    input["egressId"].as_str().expect("an id")
}

async fn stop(world: &RoomWorld, input: &Value) -> Answer {
    world.ask(&world.event_of("jane", input)).await
}

/// It is 404, and LiveKit has not been told to stop anything.
async fn assert_no_such_recording(world: &RoomWorld, input: &Value) {
    let answer = stop(world, input).await;
    assert_eq!(answer.refusal(), (404, NO_SUCH.to_owned()), "{input}");
    assert_eq!(world.told("StopEgress"), [json!(null); 0], "{input}");
}

#[tokio::test]
async fn an_invalid_zone_or_id_is_400_and_livekit_is_not_called() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    world.livekit.forget_requests();
    let zones = MALFORMED_NAMES.into_iter().map(|zone| ("zoneId", zone.to_owned()));
    let zones = zones.chain([("zoneId", json!("x".repeat(65)).to_string())]);
    let ids = [
        "null",
        "456789",
        "true",
        "[\"EG_1\"]",
        "{}",
        "\"\"",
        "\" EG_1\"",
        "\"EG_1\\n\"",
        "\"EG 1\"",
        "\"EG_1\\u0000\"",
        "\"ÉG_1\"",
        "\"..\"",
        "\"../ListEgress\"",
    ];
    let ids = ids.into_iter().map(|id| ("egressId", id.to_owned()));
    for (field, json) in zones.chain(ids) {
        let body = with_field(&input, field, &json);
        let event = world.event_of("jane", &input).body("application/json", &body);
        let (status, message) = world.ask(&event).await.refusal();
        assert_eq!(status, 400, "{field}: {json}");
        assert!(message.contains(field) || json.contains(LONE_SURROGATE), "{message} for {json}");
    }
    for field in ["zoneId", "egressId"] {
        let mut without = input.clone();
        without.as_object_mut().expect("an object").remove(field);
        assert_eq!(stop(&world, &without).await.refusal(), (400, format!("`{field}` is missing")));
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_recording_of_another_room_or_zone_is_404_and_continues() {
    let world = RoomWorld::start(BINARY).await;
    let good = good_input(&world);
    world.livekit.open_room("test-room2", 1);
    let neighbour = record(&world, "test-room2", "1");
    for (field, other) in [
        ("roomName", json!("test-room2")),
        ("roomName", json!("test-roo")),
        ("roomName", json!("TEST-ROOM")),
        ("zoneId", json!("2")),
        ("zoneId", json!("11")),
        ("zoneId", json!("1/test-room")),
        ("zoneId", json!("..")),
        ("egressId", neighbour["egressId"].clone()),
    ] {
        let mut input = good.clone();
        input[field] = other;
        assert_no_such_recording(&world, &input).await;
    }
    assert_eq!(running(&world.livekit, TEST_ROOM), [id_in(&good)]);
    assert_eq!(running(&world.livekit, "test-room2"), [id_in(&neighbour)]);
}

#[tokio::test]
async fn an_unknown_id_is_404() {
    let world = RoomWorld::start(BINARY).await;
    let good = good_input(&world);
    let mut input = good.clone();
    for id in ["egress-456789", "EG_doesNotExist", &id_in(&good).to_lowercase(), "*", "EG_"] {
        input["egressId"] = json!(id);
        assert_no_such_recording(&world, &input).await;
    }
    assert_eq!(running(&world.livekit, TEST_ROOM), [id_in(&good)]);
}

#[tokio::test]
async fn an_egress_that_is_not_a_recording_of_the_room_and_zone_is_404_and_continues() {
    let world = RoomWorld::start(BINARY).await;
    open_test_room(&world);
    world.livekit.open_room("test-room2", 2);
    let name = "2026-01-01/000000-0000000000000000.mp4";
    for (room, path) in [
        (TEST_ROOM, "archive/daily.mp4".to_owned()),
        (TEST_ROOM, "recordings/daily.mp4".to_owned()),
        (TEST_ROOM, "recordings/1/test-room.mp4".to_owned()),
        (TEST_ROOM, format!("recordings/2/test-room/{name}")),
        (TEST_ROOM, format!("recordings/1/test-room2/{name}")),
        (TEST_ROOM, format!("archive/recordings/1/test-room/{name}")),
        // Of another room, with a key as if it were of this one.
        ("test-room2", format!("recordings/1/test-room/{name}")),
    ] {
        let id = start_foreign(&world, room, &path);
        let input = json!({ "roomName": TEST_ROOM, "egressId": id, "zoneId": "1" });
        assert_no_such_recording(&world, &input).await;
        assert!(world.livekit.egress(&id).is_running(), "{path}");
    }
}

#[tokio::test]
async fn another_organizations_recording_is_404_and_continues() {
    let both = [Identity::WorkOs, Identity::Clerk];
    let cases = both.into_iter().flat_map(|identity| {
        ["none", "organization"].map(|namespace| (identity.name(), namespace))
    });
    for (identity, namespace) in cases {
        let own = [("LIVEKIT_IDENTITY", identity), ("ROOM_NAMESPACE", namespace)];
        let world = RoomWorld::start_with(BINARY, &own).await;
        let masadas = world.organization_id("MASADAS");
        let taunta = world.organization_id("TAUNTA SCRE");
        let owned = format!("{masadas}:{TEST_ROOM}");
        for room in [TEST_ROOM, &owned, &format!("{taunta}:{TEST_ROOM}")] {
            world.livekit.open_room(room, 2);
        }
        let good = record_for(&world, Some("MASADAS"), TEST_ROOM, "1");
        for name in [TEST_ROOM, &owned, &part(&owned), &format!("../{}", part(&owned))] {
            let mut input = good.clone();
            input["roomName"] = json!(name);
            for event in [
                world.event_in("member_of_two", "TAUNTA SCRE", &input),
                world.event_of("jane", &input),
                world.event_of("without_organization", &input),
            ] {
                let (status, message) = world.ask(&event).await.refusal();
                let has_no_organization = status == 403 && namespace == "organization";
                assert!(
                    has_no_organization || (status, &*message) == (404, NO_SUCH),
                    "{input}: {status}"
                );
            }
        }
        assert_eq!(world.told("StopEgress"), [json!(null); 0]);
        assert!(world.livekit.egress(id_in(&good)).is_running());
        let answer = world.ask(&world.event_in("member_of_two", "MASADAS", &good)).await;
        assert_eq!(recording(&answer).0, id_in(&good), "its own organization's members may");
    }
}

#[tokio::test]
async fn a_recording_of_no_organization_is_404_for_members_of_one() {
    let world = RoomWorld::start(BINARY).await;
    open_test_room(&world);
    let good = record_for(&world, None, TEST_ROOM, "1");
    for event in [world.event_of("jane", &good), world.event_in("member_of_two", "MASADAS", &good)]
    {
        assert_eq!(world.ask(&event).await.refusal(), (404, NO_SUCH.to_owned()));
    }
    assert_eq!(world.told("StopEgress"), [json!(null); 0]);
    let answer = world.ask(&world.event_of("without_organization", &good)).await;
    assert_eq!(recording(&answer).0, id_in(&good));
}

#[tokio::test]
async fn a_recording_in_a_shared_folder_belongs_to_the_organization_in_its_metadata() {
    for (organization, user, status) in [
        (Some("Example"), "jane", 200),
        (Some("Example"), "without_organization", 404),
        (Some("MASADAS"), "jane", 404),
        (None, "jane", 404),
        (None, "without_organization", 200),
    ] {
        let world = RoomWorld::start(BINARY).await;
        open_test_room(&world);
        let id = organization.map(|name| world.organization_id(name));
        let folder = ["1", TEST_ROOM];
        let input = record_to(&world, id.as_deref(), TEST_ROOM, folder, TEST_ROOM, "1");
        let answer = world.ask(&world.event_of(user, &input)).await;
        assert_eq!(answer.status(), status, "{organization:?} {user}: {}", answer.text());
        let is_running = world.livekit.egress(id_in(&input)).is_running();
        assert_eq!(is_running, status == 404, "{organization:?} {user}");
    }
    let world = RoomWorld::start(BINARY).await;
    open_test_room(&world);
    let path = "recordings/1/test-room/2026-01-01/000000-0000000000000000.mp4";
    let id = start_foreign(&world, TEST_ROOM, path);
    let input = json!({ "roomName": TEST_ROOM, "egressId": id, "zoneId": "1" });
    for user in ["jane", "without_organization"] {
        let answer = world.ask(&world.event_of(user, &input)).await;
        assert_eq!(answer.refusal(), (404, NO_SUCH.to_owned()), "{user}: it has no metadata");
    }
    assert!(world.livekit.egress(&id).is_running());
}

#[tokio::test]
async fn a_stop_that_livekit_refuses_is_retried() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    world.livekit.refuse_stops(3);
    assert_eq!(recording(&stop(&world, &input).await).0, id_in(&input));
    assert_eq!(world.livekit.egress(id_in(&input)).status, EgressStatus::Ending);
    assert_eq!(world.told("StopEgress").len(), 4);
}

#[tokio::test]
async fn a_recording_that_livekit_refuses_to_stop_and_lists_as_running_is_503_and_logged() {
    for status in [EgressStatus::Starting, EgressStatus::Active] {
        let world = RoomWorld::start(BINARY).await;
        let input = good_input(&world);
        let process = world.another_within(Duration::from_secs(3)).await;
        world.livekit.set_egress_status(id_in(&input), status);
        world.livekit.refuse_stops(u32::MAX);
        let answer = Answer::of(&process, &world.event_of("jane", &input)).await;
        assert_eq!(answer.refusal().0, 503, "{status:?}");
        assert!(world.livekit.egress(id_in(&input)).is_running(), "{status:?}");
        assert!(world.told("StopEgress").len() > 1, "{status:?}: it was told again");
        let logs = process.stop().await.join("\n");
        assert!(logs.contains("failed to stop a recording; it may still be running"), "{logs}");
    }
}

#[tokio::test]
async fn a_recording_with_odd_fields_is_stopped() {
    for fields in [
        json!({ "status": 1 }),
        json!({ "status": "EGRESS_PAUSED" }),
        json!({ "status": null, "started_at": -1, "ended_at": null }),
        json!({ "room_name": null }),
        json!({ "egress_id": 17 }),
        json!({ "room_composite": "of another version" }),
        json!({ "file_results": 7, "error": {} }),
    ] {
        let world = RoomWorld::start(BINARY).await;
        let input = good_input(&world);
        change_listed(&world.livekit, id_in(&input), &fields);
        let answer = stop(&world, &input).await;
        assert_eq!(answer.status(), 200, "{fields}: {}", answer.text());
        assert_eq!(world.livekit.egress(id_in(&input)).status, EgressStatus::Ending, "{fields}");
    }
}

#[tokio::test]
async fn unreadable_fields_in_the_response_to_a_stop_are_ignored() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    world.livekit.edit_answers("StopEgress", |answer| {
        let fields = json!({ "status": "EGRESS_STOPPED", "ended_at": -1, "room_composite": [1] });
        let fields = fields.as_object().expect("an object").clone();
        answer.as_object_mut().expect("an object").extend(fields);
    });
    let before = now();
    let (id, timestamp) = recording(&stop(&world, &input).await);
    assert_eq!(id, id_in(&input));
    assert!((before..=now()).contains(&timestamp), "{timestamp} is not between");
}

#[tokio::test]
async fn a_recording_that_has_ended_is_409() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    for status in [
        EgressStatus::Complete,
        EgressStatus::Failed,
        EgressStatus::Aborted,
        EgressStatus::LimitReached,
    ] {
        world.livekit.set_egress_status(id_in(&input), status);
        let answer = stop(&world, &input).await;
        assert_eq!(answer.refusal(), (409, HAS_ENDED.to_owned()), "{status:?}");
    }
    assert_eq!(world.told("StopEgress"), [json!(null); 0]);
}

#[tokio::test]
async fn a_recording_that_ends_before_the_stop_is_409_and_one_that_is_still_ending_succeeds() {
    for (status, expected) in [
        (EgressStatus::Complete, 409),
        (EgressStatus::Failed, 409),
        (EgressStatus::LimitReached, 409),
        (EgressStatus::Ending, 200),
    ] {
        let world = RoomWorld::start(BINARY).await;
        let input = good_input(&world);
        world.livekit.hold_ending();
        world.livekit.inject(Fault::Slow(Duration::from_millis(500)).on(path_of(STOP)));
        let event = world.event_of("jane", &input);
        let ending = async {
            while world.livekit.hits("POST", &path_of(STOP)) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            world.livekit.set_egress_status(id_in(&input), status);
        };
        let (answer, ()) = tokio::join!(world.ask(&event), ending);
        assert_eq!(answer.status(), expected, "{status:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn stops_a_recording_and_returns_the_time() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    world.livekit.forget_requests();
    let before = now();
    let (id, timestamp) = recording(&stop(&world, &input).await);
    assert_eq!(id, id_in(&input));
    assert!((before..=now()).contains(&timestamp), "{timestamp} is not between");
    assert_eq!(world.livekit.egress(&id).status, EgressStatus::Ending);
    assert_eq!(world.told("ListEgress"), [json!({ "egress_id": id })]);
    assert_eq!(world.told("StopEgress"), [json!({ "egress_id": id })]);
    let answer = stop(&world, &input).await;
    assert_eq!(answer.refusal(), (409, HAS_ENDED.to_owned()), "it has ended meanwhile");
}

#[tokio::test]
async fn stopping_a_recording_that_is_still_ending_succeeds() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    world.livekit.hold_ending();
    for _ in 0..3 {
        let before = now();
        let (id, timestamp) = recording(&stop(&world, &input).await);
        assert_eq!(id, id_in(&input));
        assert!((before..=now()).contains(&timestamp), "{timestamp} is not between");
    }
    assert_eq!(world.told("StopEgress").len(), 1, "it was told once");
    world.livekit.release();
    assert_eq!(stop(&world, &input).await.refusal().0, 409);
}

#[tokio::test]
async fn a_recording_that_is_still_starting_is_stopped() {
    let world = RoomWorld::start(BINARY).await;
    world.livekit.hold_starting();
    let input = good_input(&world);
    let before = now();
    let (id, timestamp) = recording(&stop(&world, &input).await);
    let egress = world.livekit.egress(&id);
    assert_eq!(egress.status, EgressStatus::Aborted);
    let ended = egress.info["ended_at"].as_str().expect("nanoseconds as text");
    assert_eq!(ended[..ended.len() - 9].parse(), Ok(timestamp));
    assert!((before..=now()).contains(&timestamp), "{timestamp} is not between");
}

#[tokio::test]
async fn any_member_of_the_organization_stops_a_recording_whatever_its_name() {
    let world = RoomWorld::start(BINARY).await;
    for name in HOSTILE_NAMES {
        world.livekit.open_room(name, 1);
        let input = record(&world, name, name);
        let answer = world.ask(&world.event_in("consultant", "Example", &input)).await;
        assert_eq!(recording(&answer).0, id_in(&input), "{name}");
        assert_eq!(world.livekit.egress(id_in(&input)).status, EgressStatus::Ending, "{name}");
    }
}

#[tokio::test]
async fn a_recording_whose_room_has_closed_has_ended() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    world.livekit.hold_ending();
    world.livekit.set_egress_status(id_in(&input), EgressStatus::Active);
    world.livekit.close_room(TEST_ROOM);
    assert_eq!(recording(&stop(&world, &input).await).0, id_in(&input), "it is still ending");
    world.livekit.release();
    assert_eq!(stop(&world, &input).await.refusal(), (409, HAS_ENDED.to_owned()));
}

#[tokio::test]
async fn concurrent_stops_both_succeed_or_are_both_409() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    let another = world.another().await;
    world.livekit.hold_ending();
    let event = world.event_of("jane", &input);
    let (first, second) = tokio::join!(world.ask(&event), Answer::of(&another, &event));
    assert_eq!((first.status(), second.status()), (200, 200));
    world.livekit.release();
    let (first, second) = tokio::join!(world.ask(&event), Answer::of(&another, &event));
    assert_eq!((first.refusal().0, second.refusal().0), (409, 409));
}

#[tokio::test]
async fn a_stop_whose_connection_breaks_is_retried() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    world.livekit.hold_ending();
    world.livekit.inject(Fault::Down.on(path_of(STOP)).once());
    assert_eq!(recording(&stop(&world, &input).await).0, id_in(&input), "before it was heard");
    world.livekit.set_egress_status(id_in(&input), EgressStatus::Active);
    world.livekit.inject(Fault::Truncated.on(path_of(STOP)).once());
    assert_eq!(recording(&stop(&world, &input).await).0, id_in(&input), "after it was heard");
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = RoomWorld::start(BINARY).await;
    world.livekit.open_room("doctor-visit", 2);
    let input = record(&world, "doctor-visit", "ward-seven");
    assert_eq!(stop(&world, &input).await.status(), 200);
    assert_eq!(stop(&world, &input).await.status(), 409);
    let mut other = input.clone();
    other["zoneId"] = json!("ward-eight");
    assert_eq!(stop(&world, &other).await.status(), 404);
    world.livekit.inject(Fault::Garbage);
    assert_eq!(stop(&world, &input).await.status(), 502);
    assert_eq!(world.ask(&world.event().json(&input)).await.status(), 401);
    let jane = world.user_id("jane");
    world.logs_nothing_of(5, &["doctor", "ward", "recordings/", &jane]).await;
}
