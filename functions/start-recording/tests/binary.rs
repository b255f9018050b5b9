//! The real binary under a Lambda Runtime API, with real events. Denials first.

mod contention;

use std::time::Duration;

use anteroom_local::instance::{Instance, StartError};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET, EgressStatus, RECORDINGS_BUCKET};
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_testing::livekit::{
    TEST_ROOM, change_listed, now, open_test_room, path_of, recording, running, stored_keys,
};
use anteroom_testing::mistakes::{HOSTILE_NAMES, LONE_SURROGATE, MALFORMED_NAMES, with_field};
use anteroom_testing::sessions::{COOKIE, sealed};
use anteroom_testing::suites::rooms::RoomEndpoint;
use anteroom_testing::{Answer, Identity, RoomWorld};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_start-recording");

const LIST_EGRESS: &str = "livekit.Egress/ListEgress";
const LIST_ROOMS: &str = "livekit.RoomService/ListRooms";
const START: &str = "livekit.Egress/StartRoomCompositeEgress";
const STOP: &str = "livekit.Egress/StopEgress";

const ENDPOINT: RoomEndpoint = RoomEndpoint {
    identity: Identity::WorkOs,
    binary: BINARY,
    event: "start-recording.json",
    event_status: 200,
    success: 200,
    room_field: "roomName",
    // The region is Lambda's own unless it is configured.
    required_settings: &[
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "LIVEKIT_URL",
        "RECORDINGS_BUCKET",
    ],
    malformed_settings: &[
        ("ALLOWED_ORIGINS", "everybody.example"),
        ("LIVEKIT_API_KEY", "hunter one"),
        ("LIVEKIT_API_SECRET", "hunter2"),
        ("LIVEKIT_URL", "ws://livekit.example.com"),
        ("RECORDINGS_ACCESS_KEY_ID", "hunter three"),
        ("RECORDINGS_ASSUME_ROLE_ARN", "arn:aws:iam::hunter4"),
        ("RECORDINGS_BUCKET", "Hunter_5"),
        ("RECORDINGS_ENDPOINT", "ftp://hunter6"),
        ("RECORDINGS_REGION", "hunter/7"),
        ("RECORDING_MAX_AGE", "a hunter's day"),
        ("RECORDING_PRESET", "H264_9000P_30"),
        ("LIVEKIT_IDENTITY", "auth0"),
        ("ROOM_NAMESPACE", "organisation"),
        ("STAGE", "production"),
    ],
    livekit_calls: &[LIST_EGRESS, LIST_ROOMS, START],
    good_input,
};

anteroom_testing::room_endpoint_suites!(ENDPOINT, recordings_suite);

/// The documented body, of a room that is open.
fn good_input(world: &RoomWorld) -> Value {
    open_test_room(world);
    json!({
        "roomName": TEST_ROOM, "conferenceTopic": "Weekly Sync Meeting", "zoneId": "1",
        "participants": "alice,bob,charlie",
    })
}

/// The request that started the latest egress.
fn started_with(world: &RoomWorld) -> Value {
    world.told("StartRoomCompositeEgress").pop().expect("a start")
}

/// The metadata of a recording as it was before it was encoded.
fn metadata(request: &Value) -> Vec<(String, String)> {
    let values = request["file_outputs"][0]["s3"]["metadata"].as_object().expect("an object");
    let decode = |value: &Value| {
        let value = value.as_str().expect("a text");
        assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{value}");
        percent_decode_str(value).decode_utf8().expect("UTF-8").into_owned()
    };
    values.iter().map(|(name, value)| (name.clone(), decode(value))).collect()
}

/// The part of a key that is of the room. The key has its form, and the organization is in that part.
fn room_part(key: &str, organization: &str) -> String {
    let parts: Vec<_> = key.split('/').collect();
    let [first, zone, room, date, name] = parts[..] else {
        panic!("not five parts: {key}");
    };
    assert_eq!(first, "recordings", "{key}");
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    assert!(zone.bytes().chain(room.bytes()).all(is_harmless), "{key}");
    assert!(room.starts_with(&format!("{organization}_")), "{key} is not of {organization}");
    let shape = |text: &str| {
        text.chars().map(|c| if c.is_ascii_hexdigit() { '0' } else { c }).collect::<String>()
    };
    assert_eq!(shape(&room[room.len() - 17..]), "-0000000000000000", "{key}");
    let name = name.strip_suffix(".mp4").unwrap_or_else(|| panic!("{key} is no MP4"));
    assert_eq!(shape(&format!("{date}/{name}")), "0000-00-00/000000-0000000000000000", "{key}");
    room.to_owned()
}

/// The key that the latest egress was started with.
fn latest_key(world: &RoomWorld) -> String {
    let key = started_with(world)["file_outputs"][0]["filepath"].clone();
    key.as_str().expect("a key").to_owned()
}

#[tokio::test]
async fn an_invalid_zone_topic_or_participant_list_is_400_and_livekit_is_not_called() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    let long = |character: &str, count: usize| json!(character.repeat(count)).to_string();
    let too_long = [long("x", 65), long("字", 86)];
    let zones = MALFORMED_NAMES.into_iter().chain(too_long.iter().map(String::as_str));
    let zones = zones.map(|zone| ("zoneId", zone.to_owned()));
    let topics = ["12345", "true", "[\"topic\"]", "{}"].map(str::to_owned).into_iter();
    let topics = topics.chain([long("x", 10 * 1024), long("🎉", 201)]);
    let topics = topics.map(|topic| ("conferenceTopic", topic));
    let participants = ["12345", "[\"alice\",\"bob\"]", "{}"].map(str::to_owned).into_iter();
    let participants = participants.chain([long("x", 8 * 1024 + 1), long("🎉", 2049)]);
    let participants = participants.map(|participants| ("participants", participants));
    for (field, json) in zones.chain(topics).chain(participants) {
        let body = with_field(&input, field, &json);
        let event = world.event_of("jane", &input).body("application/json", &body);
        let (status, message) = world.ask(&event).await.refusal();
        let start = json.get(..20).unwrap_or(&json);
        assert_eq!(status, 400, "{field}: {start}");
        assert!(message.contains(field) || json.contains(LONE_SURROGATE), "{message} for {start}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_missing_or_empty_room_is_404() {
    let world = RoomWorld::start(BINARY).await;
    let mut input = good_input(&world);
    world.livekit.open_room("empty", 0);
    for room in ["empty", "no-such-room", "TEST-ROOM"] {
        input["roomName"] = json!(room);
        let answer = world.ask(&world.event_of("jane", &input)).await;
        let message = "No such room, or nobody is in it".to_owned();
        assert_eq!(answer.refusal(), (404, message), "{room}");
    }
    assert_eq!(world.livekit.egresses(), []);
}

#[tokio::test]
async fn a_room_that_is_being_recorded_is_409() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    world.livekit.hold_starting();
    let (id, _) = recording(&world.ask(&event).await);
    for status in [EgressStatus::Starting, EgressStatus::Active] {
        world.livekit.set_egress_status(&id, status);
        let answer = world.ask(&event).await;
        let message = "This room is already being recorded".to_owned();
        assert_eq!(answer.refusal(), (409, message), "{status:?}");
    }
    assert_eq!(world.livekit.egresses().len(), 1);
}

#[tokio::test]
async fn a_room_that_another_program_records_is_409_whichever_call_it_used() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    let (file, storage) =
        (json!({ "filepath": "archive/daily.mp4" }), json!({ "s3": { "bucket": "b" } }));
    for (call, request) in [
        ("StartRoomCompositeEgress", json!({ "file_outputs": [file] })),
        ("StartRoomCompositeEgress", json!({ "file": file })),
        ("StartEgress", json!({ "template": { "layout": "grid" }, "outputs": [{ "file": file }] })),
        (
            "StartEgress",
            json!({
                "template": {}, "outputs": [{ "file": file, "storage": storage }],
            }),
        ),
        (
            "StartEgress",
            json!({
                "template": { "audio_only": true }, "outputs": [{ "file": file }], "storage": storage,
            }),
        ),
    ] {
        let mut request = request;
        request["room_name"] = json!(TEST_ROOM);
        let id = world.livekit.start_egress(call, request.clone());
        assert_eq!(world.ask(&event).await.refusal().0, 409, "{call} {request}");
        assert_eq!(running(&world.livekit, TEST_ROOM), [id.as_str()], "{call} {request}");
        world.livekit.set_egress_status(&id, EgressStatus::Complete);
    }
    assert_eq!(world.ask(&event).await.status(), 200, "nobody records it any more");
}

#[tokio::test]
async fn only_an_egress_that_records_the_room_to_files_is_a_conflict() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    let template = json!({ "template": {}, "outputs": [{ "file": { "filepath": "a.mp4" } }] });
    let request = json!({ "room_name": TEST_ROOM, "template": {}, "outputs": template["outputs"] });
    let id = world.livekit.start_egress("StartEgress", request);
    let outputs = &template["outputs"];
    for (egress, status) in [
        (template.clone(), 409),
        (json!({ "web": { "url": "https://a.example" }, "outputs": outputs }), 409),
        (json!({ "media": { "audio": { "capture_all": true } }, "outputs": outputs }), 409),
        (json!({ "template": {}, "outputs": [{ "segments": {} }] }), 409),
        (json!({ "template": {}, "outputs": [{ "stream": {} }, { "images": {} }] }), 200),
        (json!({ "media": { "video_track_id": "TR_1" }, "outputs": outputs }), 200),
        (json!({ "media": { "participant_video": { "identity": "a" } }, "outputs": outputs }), 200),
    ] {
        change_listed(&world.livekit, &id, &json!({ "egress": egress }));
        let answer = world.ask(&event).await;
        assert_eq!(answer.status(), status, "{egress}: {}", answer.text());
        if status == 200 {
            world.livekit.set_egress_status(&recording(&answer).0, EgressStatus::Complete);
        }
    }
}

#[tokio::test]
async fn unreadable_fields_of_an_egress_are_ignored() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    let (id, _) = recording(&world.ask(&event).await);
    for (fields, status) in [
        (json!({ "started_at": -1, "updated_at": null, "ended_at": "-62135596800000000000" }), 409),
        (json!({ "started_at": null, "ended_at": {}, "file_results": 7 }), 409),
        (json!({ "status": 1 }), 409),
        (json!({ "status": 0 }), 409),
        (json!({ "status": "EGRESS_PAUSED" }), 409),
        (json!({ "status": null }), 409),
        (json!({ "egress_id": 17 }), 409),
        (json!({ "egress_id": null, "room_name": null }), 409),
        (json!({ "room_composite": "of another version" }), 409),
        (json!({ "room_composite": { "file_outputs": [17] } }), 409),
        (json!({ "source_type": {}, "error": 3, "details": [[]] }), 409),
        (json!({ "status": 3 }), 200),
        (json!({ "status": "EGRESS_FAILED", "started_at": -1 }), 200),
        (json!({ "status": "EGRESS_ARCHIVED", "ended_at": "1752486896123456789" }), 200),
    ] {
        change_listed(&world.livekit, &id, &fields);
        let answer = world.ask(&event).await;
        assert_eq!(answer.status(), status, "{fields}: {}", answer.text());
        if status == 200 {
            world.livekit.set_egress_status(&recording(&answer).0, EgressStatus::Complete);
        }
    }
    world.livekit.edit_answers("ListEgress", |answer| {
        let items = answer["items"].as_array_mut().expect("a list");
        items.splice(0..0, [json!(null), json!(17), json!("EG_1"), json!([])]);
    });
    assert_eq!(world.ask(&event).await.refusal().0, 409, "odd items are skipped");
}

#[tokio::test]
async fn a_recording_on_a_later_page_of_the_list_is_found() {
    let world = RoomWorld::start_with(BINARY, &[("RECORDING_MAX_AGE", "3600")]).await;
    let event = world.event_of("jane", &good_input(&world));
    // Stuck recordings lock no room, and fill the first pages.
    for _ in 0..2 {
        let (stuck, _) = recording(&world.ask(&event).await);
        world.livekit.age_egress(&stuck, Duration::from_hours(2));
    }
    assert_eq!(world.ask(&event).await.status(), 200);
    world.livekit.list_pages_of(1);
    assert_eq!(world.ask(&event).await.refusal().0, 409);
    assert_eq!(world.livekit.egresses().len(), 3);
}

#[tokio::test]
async fn a_room_that_the_list_leaves_out_is_recorded_if_somebody_is_in_it() {
    let world = RoomWorld::start(BINARY).await;
    let mut input = good_input(&world);
    world.livekit.open_room("empty", 0);
    world.livekit.edit_answers("ListRooms", |answer| answer["rooms"] = json!([]));
    for room in ["empty", "no-such-room"] {
        input["roomName"] = json!(room);
        assert_eq!(world.ask(&world.event_of("jane", &input)).await.refusal().0, 404, "{room}");
    }
    input["roomName"] = json!(TEST_ROOM);
    let answer = world.ask(&world.event_of("jane", &input)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(world.told("ListParticipants").pop(), Some(json!({ "room": TEST_ROOM })));
}

#[tokio::test]
async fn unreadable_fields_of_rooms_and_participants_are_ignored() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    for (room, participant) in [
        (json!({ "num_participants": "2" }), json!({})),
        (json!({ "num_participants": null }), json!({ "state": 2, "kind": 0 })),
        (json!({ "num_participants": -2 }), json!({ "state": null, "kind": null })),
        (json!({ "num_participants": {} }), json!({ "kind": "OF_ANOTHER_VERSION" })),
        (json!({ "name": 7 }), json!({ "identity": 7, "joined_at": -1, "tracks": null })),
    ] {
        let case = format!("{room} {participant}");
        for (call, list, fields) in
            [("ListRooms", "rooms", room), ("ListParticipants", "participants", participant)]
        {
            let fields = fields.as_object().expect("an object").clone();
            world.livekit.edit_answers(call, move |answer| {
                let items = answer[list].as_array_mut().expect("a list");
                let objects = items.iter_mut().filter_map(Value::as_object_mut);
                objects.for_each(|item| item.extend(fields.clone()));
                items.push(json!(17));
            });
        }
        let answer = world.ask(&event).await;
        assert_eq!(answer.status(), 200, "{case}: {}", answer.text());
        world.livekit.set_egress_status(&recording(&answer).0, EgressStatus::Complete);
    }
    world.livekit.edit_answers("ListParticipants", |answer| {
        let participants = answer["participants"].as_array_mut().expect("a list");
        for participant in participants.iter_mut().filter_map(Value::as_object_mut) {
            participant.remove("kind");
            participant.insert("permission".to_owned(), json!({ "recorder": true }));
        }
    });
    assert_eq!(world.ask(&event).await.refusal().0, 404, "a recorder alone is nobody");
}

#[tokio::test]
async fn a_start_with_an_unknown_outcome_is_503_and_logged() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    let function = world.another().await;
    world.livekit.inject(Fault::GatewayPage.on(path_of(START)));
    assert_eq!(Answer::of(&function, &event).await.refusal().0, 503);
    let logs = function.stop().await.join("\n");
    assert!(logs.contains("failed to start a recording; it may be running"), "{logs}");
}

#[tokio::test]
async fn a_room_whose_recording_ends_or_has_ended_is_recorded_again() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    world.livekit.hold_ending();
    for status in [
        EgressStatus::Ending,
        EgressStatus::Complete,
        EgressStatus::Failed,
        EgressStatus::Aborted,
        EgressStatus::LimitReached,
    ] {
        let (id, _) = recording(&world.ask(&event).await);
        assert_eq!(running(&world.livekit, TEST_ROOM), [id.as_str()]);
        world.livekit.set_egress_status(&id, status);
    }
    assert_eq!(world.ask(&event).await.status(), 200);
}

#[tokio::test]
async fn another_room_is_recorded_at_the_same_time() {
    let world = RoomWorld::start(BINARY).await;
    let mut input = good_input(&world);
    assert_eq!(world.ask(&world.event_of("jane", &input)).await.status(), 200);
    world.livekit.open_room("test-room2", 1);
    input["roomName"] = json!("test-room2");
    assert_eq!(world.ask(&world.event_of("jane", &input)).await.status(), 200);
    assert_eq!(running(&world.livekit, TEST_ROOM).len(), 1);
}

#[tokio::test]
async fn a_recording_older_than_the_maximum_age_does_not_block_its_room() {
    let world = RoomWorld::start_with(BINARY, &[("RECORDING_MAX_AGE", "3600")]).await;
    let event = world.event_of("jane", &good_input(&world));
    let (id, _) = recording(&world.ask(&event).await);
    world.livekit.age_egress(&id, Duration::from_mins(50));
    assert_eq!(world.ask(&event).await.refusal().0, 409);
    world.livekit.age_egress(&id, Duration::from_mins(11));
    let (next, _) = recording(&world.ask(&event).await);
    assert_eq!(running(&world.livekit, TEST_ROOM), [id, next], "what is stuck is left alone");
}

#[tokio::test]
async fn the_maximum_age_of_a_recording_defaults_to_a_day() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    let (id, _) = recording(&world.ask(&event).await);
    world.livekit.age_egress(&id, Duration::from_hours(23));
    assert_eq!(world.ask(&event).await.refusal().0, 409);
    world.livekit.age_egress(&id, Duration::from_hours(2));
    assert_eq!(world.ask(&event).await.status(), 200);
}

#[tokio::test]
async fn a_livekit_without_a_recorder_is_503_and_nothing_is_recorded() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    let soon = Duration::from_millis(300);
    world.livekit.without_recorder(soon);
    assert_eq!(world.ask(&event).await.refusal().0, 503, "no recorder");
    world.livekit.without_capacity(soon);
    assert_eq!(world.ask(&event).await.refusal().0, 503, "no recorder that has time");
    assert_eq!(world.livekit.egresses(), []);
    assert_eq!(world.told("StartRoomCompositeEgress").len(), 2, "once for each request");
    world.livekit.with_recorder();
    assert_eq!(world.ask(&event).await.status(), 200, "there is one again");
}

#[tokio::test]
async fn a_start_that_times_out_is_503_before_the_function_times_out() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    world.livekit.without_recorder(Duration::from_mins(1));
    let hasty = world.another_within(Duration::from_secs(5)).await;
    assert_eq!(Answer::of(&hasty, &event).await.refusal().0, 503);
    assert_eq!(world.livekit.egresses(), []);
    assert_eq!(world.told("StartRoomCompositeEgress").len(), 1, "it was not tried again");
}

/// As slow as LiveKit has been seen to be. Lambda would end the function after thirty seconds, and so
/// does the runtime of this test.
#[tokio::test]
async fn a_long_search_for_a_recorder_is_503_before_the_gateway_times_out() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    world.livekit.without_recorder(Duration::from_secs(27));
    assert_eq!(world.ask(&event).await.refusal().0, 503);
    assert_eq!(world.livekit.egresses(), []);
}

#[tokio::test]
async fn a_start_whose_response_is_lost_is_found_and_not_retried() {
    for way in ["lost", "cut off", "late"] {
        let world = RoomWorld::start(BINARY).await;
        let event = world.event_of("jane", &good_input(&world));
        let function = world.another_within(Duration::from_secs(5)).await;
        match way {
            "lost" => world.livekit.lose_next_start_answer(),
            "cut off" => world.livekit.inject(Fault::Truncated.on(path_of(START))),
            _ => world.livekit.delay_next_start_answer(Duration::from_mins(1)),
        }
        let (id, _) = recording(&Answer::of(&function, &event).await);
        assert_eq!(running(&world.livekit, TEST_ROOM), [id], "{way}");
        assert_eq!(world.told("StartRoomCompositeEgress").len(), 1, "{way}: it was not repeated");
    }
}

#[tokio::test]
async fn a_recording_that_may_not_be_the_only_one_is_stopped() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    // The look before the start succeeds, and none after it does.
    world.livekit.inject(Fault::Slow(Duration::ZERO).on(path_of(LIST_EGRESS)).once());
    world.livekit.inject(Fault::Failing(503).on(path_of(LIST_EGRESS)));
    assert_eq!(world.ask(&event).await.refusal().0, 503);
    assert_eq!(world.livekit.egresses().len(), 1);
    assert_eq!(running(&world.livekit, TEST_ROOM), [""; 0]);
}

#[tokio::test]
async fn a_stop_that_fails_at_first_is_retried() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    world.livekit.inject(Fault::Slow(Duration::ZERO).on(path_of(LIST_EGRESS)).once());
    world.livekit.inject(Fault::Garbage.on(path_of(LIST_EGRESS)));
    world.livekit.inject(Fault::Failing(500).on(path_of(STOP)).times(2));
    assert_eq!(world.ask(&event).await.refusal().0, 502);
    assert_eq!(running(&world.livekit, TEST_ROOM), [""; 0]);
    assert_eq!(world.told("StopEgress").len(), 3);
}

#[tokio::test]
async fn the_log_names_a_recording_while_livekit_is_still_starting_it() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    world.livekit.inject(Fault::Slow(Duration::from_mins(1)).on(path_of(START)));
    let function = world.another().await;
    let names_it = async {
        while !function.logs().iter().any(|line| line.contains("\"starting a recording\"")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // LiveKit's silence, which is logged at once as well, takes longer to be noticed.
    let in_time = tokio::time::timeout(Duration::from_secs(10), names_it);
    tokio::select! {
        named = in_time => named.expect("the line is written before LiveKit answers"),
        answer = Answer::of(&function, &event) => panic!("not before the answer {answer:?}"),
    }
}

#[tokio::test]
async fn starts_a_recording_and_returns_its_id_and_start_time() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    let before = now();
    let (id, timestamp) = recording(&world.ask(&event).await);
    assert!((before..=now()).contains(&timestamp), "{timestamp} is not between");
    let egress = world.livekit.egress(&id);
    assert_eq!((egress.room_name.as_str(), egress.is_running()), (TEST_ROOM, true));
    let started = egress.info["started_at"].as_str().expect("nanoseconds as text");
    assert_eq!(started[..started.len() - 9].parse(), Ok(timestamp));
    room_part(&egress.filename, &world.organization_id("Example"));
}

#[tokio::test]
async fn the_start_time_defaults_to_now() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    world.livekit.report_start_times_late();
    let before = now();
    let (_, timestamp) = recording(&world.ask(&event).await);
    assert!((before..=now()).contains(&timestamp), "{timestamp} is not between");
}

#[tokio::test]
async fn livekit_is_asked_for_one_file_and_given_no_credentials() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    assert_eq!(world.ask(&world.event_of("jane", &input)).await.status(), 200);
    let request = started_with(&world);
    let key = request["file_outputs"][0]["filepath"].as_str().expect("a key");
    let jane = world.user_id("jane");
    let organization = world.organization_id("Example");
    assert!(key.starts_with("recordings/1/"), "{key}");
    room_part(key, &organization);
    let expected = json!({
        "room_name": TEST_ROOM,
        "preset": "H264_720P_30",
        "file_outputs": [{
            "file_type": "MP4",
            "filepath": key,
            "disable_manifest": true,
            "s3": {
                "bucket": RECORDINGS_BUCKET,
                "region": "us-east-1",
                "metadata": {
                    "room": TEST_ROOM, "zone": "1", "topic": "Weekly%20Sync%20Meeting",
                    "participants": "alice,bob,charlie", "started-by": jane,
                    "organization": organization,
                },
            },
        }],
    });
    assert_eq!(request, expected);
}

#[tokio::test]
async fn credentials_a_role_an_endpoint_and_a_preset_are_passed_on_if_configured() {
    let role = "arn:aws:iam::123456789012:role/recorder";
    let own = [
        ("RECORDINGS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("RECORDINGS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("RECORDINGS_ASSUME_ROLE_ARN", role),
        ("RECORDINGS_ASSUME_ROLE_EXTERNAL_ID", "external-hunter"),
        ("RECORDINGS_ENDPOINT", "https://minio.internal:9000"),
        ("RECORDINGS_REGION", "eu-central-1"),
        ("RECORDING_PRESET", "PORTRAIT_H264_1080P_30"),
    ];
    let world = RoomWorld::start_with(BINARY, &own).await;
    let event = world.event_of("jane", &good_input(&world));
    assert_eq!(world.ask(&event).await.status(), 200);
    let request = started_with(&world);
    assert_eq!(request["preset"], "PORTRAIT_H264_1080P_30");
    let mut upload = request["file_outputs"][0]["s3"].clone();
    upload.as_object_mut().expect("an object").remove("metadata");
    let expected = json!({
        "bucket": RECORDINGS_BUCKET,
        "region": "eu-central-1",
        "endpoint": "https://minio.internal:9000/",
        "force_path_style": true,
        "assume_role_arn": role,
        "assume_role_external_id": "external-hunter",
        "access_key": "AKIAIOSFODNN7EXAMPLE",
        "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    });
    assert_eq!(upload, expected);
    assert_eq!(world.ask(&event).await.refusal().0, 409);
    world.logs_nothing_of(2, &["AKIA", "wJalr", "external-hunter", "minio"]).await;
}

#[tokio::test]
async fn the_buckets_region_defaults_to_the_functions() {
    let own = [("RECORDINGS_REGION", ""), ("AWS_REGION", "eu-north-1")];
    let world = RoomWorld::start_with(BINARY, &own).await;
    let event = world.event_of("jane", &good_input(&world));
    assert_eq!(world.ask(&event).await.status(), 200);
    assert_eq!(started_with(&world)["file_outputs"][0]["s3"]["region"], "eu-north-1");
}

#[tokio::test]
async fn a_key_pair_in_secrets_manager_is_passed_on() {
    let manager = SecretsManager::start().await.expect("a free port");
    manager.put("livekit", stored_key_pair());
    let world = RoomWorld::start_with(BINARY, &stored_keys(&manager.settings())).await;
    assert_eq!(world.ask(&world.event_of("jane", &good_input(&world))).await.status(), 200);
    let upload = &started_with(&world)["file_outputs"][0]["s3"];
    assert_eq!(upload["access_key"], "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(upload["secret"], "wJalrXUtnFEMI");
}

fn stored_key_pair() -> Value {
    json!({
        "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET,
        "RECORDINGS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "RECORDINGS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
    })
}

/// Also if its other half is misspelled.
#[tokio::test]
async fn one_half_of_a_key_pair_in_secrets_manager_stops_the_function_at_start() {
    let world = RoomWorld::start(BINARY).await;
    for half in ["RECORDINGS_ACCESS_KEY_ID", "RECORDINGS_SECRET_ACCESS_KEY"] {
        let manager = SecretsManager::start().await.expect("a free port");
        let mut secret = stored_key_pair();
        let value = secret[half].take();
        secret.as_object_mut().expect("an object").remove(half);
        secret["RECORDINGS_SECRET_KEY"] = value;
        manager.put("livekit", secret);
        let own = manager.settings();
        let own =
            stored_keys(&own).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = world.settings().iter().cloned().chain(own);
        let started = Instance::start(BINARY, settings).await;
        let Err(StartError::Refused { logs, .. }) = started else {
            panic!("it started without {half}");
        };
        let line = logs.join("\n");
        assert!(line.contains(&format!(" without {half}")) && !line.contains("AKIA"), "{line}");
    }
}

#[tokio::test]
async fn one_half_of_a_key_pair_stops_the_function_at_start() {
    let world = RoomWorld::start(BINARY).await;
    let settings = world.settings().iter().cloned();
    let half = ("RECORDINGS_ACCESS_KEY_ID".to_owned(), "AKIAIOSFODNN7EXAMPLE".to_owned());
    let started = Instance::start(BINARY, settings.chain([half])).await;
    let Err(StartError::Refused { logs, .. }) = started else {
        panic!("it started");
    };
    let line = logs.join("\n");
    assert!(line.contains("RECORDINGS_SECRET_ACCESS_KEY") && !line.contains("AKIA"), "{line}");
}

#[tokio::test]
async fn hostile_names_are_recorded_and_have_no_special_meaning() {
    let world = RoomWorld::start(BINARY).await;
    let mut input = good_input(&world);
    for name in HOSTILE_NAMES {
        world.livekit.open_room(name, 1);
        input["roomName"] = json!(name);
        input["zoneId"] = json!(name);
        input["conferenceTopic"] = json!(name);
        let (id, _) = recording(&world.ask(&world.event_of("jane", &input)).await);
        let egress = world.livekit.egress(&id);
        assert_eq!(egress.room_name, name);

        let key = latest_key(&world);
        assert_eq!(egress.filename, key, "nothing was filled in or cleaned");
        room_part(&key, &world.organization_id("Example"));
        for (field, value) in metadata(&started_with(&world)) {
            if ["room", "zone", "topic"].contains(&field.as_str()) {
                assert_eq!(value, name, "{field}");
            }
        }
        // Its end is where S3 has a say in it.
        world.livekit.set_egress_status(&id, EgressStatus::Complete);
        let status = world.livekit.egress(&id).status;
        assert_eq!(status, EgressStatus::Complete, "{}", world.livekit.egress(&id).info);
    }
}

#[tokio::test]
async fn names_that_look_alike_in_a_key_do_not_share_a_folder() {
    let world = RoomWorld::start(BINARY).await;
    let mut input = good_input(&world);
    let mut folders = Vec::new();
    let (first, second) = ("x".repeat(127) + "1", "x".repeat(127) + "2");
    for name in ["a b", "a_b", "a/b", "A B", "a%20b", &first, &second] {
        world.livekit.open_room(name, 1);
        input["roomName"] = json!(name);
        assert_eq!(world.ask(&world.event_of("jane", &input)).await.status(), 200, "{name}");
        let folder = room_part(&latest_key(&world), &world.organization_id("Example"));
        assert!(!folders.contains(&folder), "{name}: {folder}");
        folders.push(folder);
    }
}

#[tokio::test]
async fn organizations_that_share_a_room_share_no_folder() {
    let world = RoomWorld::start(BINARY).await;
    let mut input = good_input(&world);
    let masadas = world.organization_id("MASADAS");
    let taunta = world.organization_id("TAUNTA SCRE");
    let there = world.event_in("member_of_two", "MASADAS", &input);
    let (id, _) = recording(&world.ask(&there).await);
    let theirs = room_part(&latest_key(&world), &masadas);
    world.livekit.set_egress_status(&id, EgressStatus::Complete);
    let mut folders = vec![theirs.clone()];
    for room in [TEST_ROOM, &format!("{masadas}:{TEST_ROOM}"), &format!(":{TEST_ROOM}"), &theirs] {
        world.livekit.open_room(room, 1);
        input["roomName"] = json!(room);
        for (event, organization) in [
            (world.event_in("member_of_two", "TAUNTA SCRE", &input), taunta.as_str()),
            (world.event_of("without_organization", &input), ""),
        ] {
            let (id, _) = recording(&world.ask(&event).await);
            let folder = room_part(&latest_key(&world), organization);
            assert!(!folders.contains(&folder), "{room}: {folder}");
            folders.push(folder);
            world.livekit.set_egress_status(&id, EgressStatus::Complete);
        }
    }
}

#[tokio::test]
async fn an_impersonators_recording_names_the_impersonator() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    let mut session = world.workos().sign_in("jane", None);
    let cookie = sealed(world.settings(), &session).await;
    session["impersonator"] = json!({ "email": "admin@example.com", "reason": "support" });
    let impersonated = sealed(world.settings(), &session).await;
    let mut claims = world.workos().claims_for("jane");
    claims["act"] = json!({ "sub": "admin@example.com" });
    let token = world.workos().sign(&world.workos().header(), &claims);
    let jane = world.user_id("jane");
    for (event, impersonator) in [
        (world.event().cookie(COOKIE, &cookie), None),
        (world.event_of("jane", &input), None),
        (world.event().cookie(COOKIE, &impersonated), Some("admin@example.com")),
        (world.event().bearer(&token), Some("admin@example.com")),
    ] {
        let (id, _) = recording(&world.ask(&event.json(&input)).await);
        let values = metadata(&started_with(&world));
        let value = |wanted: &str| {
            values.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        assert_eq!(value("impersonated-by"), impersonator);
        assert_eq!(value("started-by"), Some(jane.as_str()));
        world.livekit.set_egress_status(&id, EgressStatus::Complete);
    }
    world.logs_nothing_of(4, &["admin", "support"]).await;
}

#[tokio::test]
async fn the_metadata_names_clerks_user_organization_and_impersonator() {
    let world = RoomWorld::start_with(BINARY, &[("LIVEKIT_IDENTITY", "clerk")]).await;
    let input = good_input(&world);
    let token = world.token_of("jane");
    let mut claims = jwt::claims(&token).expect("claims");
    claims["act"] = json!({ "iss": "https://dashboard.clerk.com", "sub": "user_admin" });
    let impersonated = world.clerk().sign(&world.clerk().header(), &claims);
    for (token, impersonator) in [(token, None), (impersonated, Some("user_admin"))] {
        let (id, _) = recording(&world.ask(&world.event().bearer(&token).json(&input)).await);
        let values = metadata(&started_with(&world));
        let value = |wanted: &str| {
            values.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
        };
        assert_eq!(value("started-by"), Some(world.user_id("jane")));
        assert_eq!(value("organization"), Some(world.organization_id("Example")));
        assert_eq!(value("impersonated-by").as_deref(), impersonator);
        world.livekit.set_egress_status(&id, EgressStatus::Complete);
    }
}

#[tokio::test]
async fn optional_fields_that_are_missing_are_left_out_of_the_metadata() {
    let world = RoomWorld::start(BINARY).await;
    open_test_room(&world);
    for (room, (topic, participants)) in
        [(Value::Null, Value::Null), (json!(""), json!("")), (json!(""), json!(" , ,,"))]
            .into_iter()
            .enumerate()
    {
        let room = format!("room-{room}");
        world.livekit.open_room(&room, 1);
        let input = json!({
            "roomName": room, "zoneId": "1", "conferenceTopic": topic, "participants": participants,
        });
        // Without an organization either.
        assert_eq!(
            world.ask(&world.event_of("without_organization", &input)).await.status(),
            200,
            "{input}"
        );
        let other = world.user_id("without_organization");
        let expected = [("room", room.as_str()), ("started-by", &other), ("zone", "1")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(metadata(&started_with(&world)), expected);
    }
    let input = json!({ "roomName": TEST_ROOM, "zoneId": "1" });
    assert_eq!(world.ask(&world.event_of("without_organization", &input)).await.status(), 200);
}

#[tokio::test]
async fn metadata_never_exceeds_s3s_limit() {
    let world = RoomWorld::start(BINARY).await;
    let (wide, party) = ("字".repeat(85), "🎉".repeat(200));
    world.livekit.open_room(&wide, 1);
    let names: Vec<String> = (1..=580).map(|number| format!("Teilnehmer{number}")).collect();
    let all = names.join(",");
    assert!(all.len() <= 8 * 1024, "{}", all.len());
    let longest = "x".repeat(8 * 1024);
    let mut claims = world.workos().claims_for("jane");
    claims["act"] = json!({ "sub": "a".repeat(64) + "@" + &"b".repeat(185) + ".com" });
    let token = world.workos().sign(&world.workos().header(), &claims);
    for participants in [&all, &longest, &",".repeat(8 * 1024)] {
        let input = json!({
            "roomName": wide, "zoneId": "字".repeat(64), "conferenceTopic": party,
            "participants": participants,
        });
        let (id, _) = recording(&world.ask(&world.event().bearer(&token).json(&input)).await);
        let request = started_with(&world);
        let values = request["file_outputs"][0]["s3"]["metadata"].as_object().expect("an object");
        assert!(values.contains_key("impersonated-by") && values.contains_key("organization"));
        let length = |value: &Value| value.as_str().map_or(0, str::len);
        let size: usize = values.iter().map(|(name, value)| name.len() + length(value)).sum();
        assert!(size <= 2048, "{size} bytes");
        world.livekit.set_egress_status(&id, EgressStatus::Complete);
        assert_eq!(world.livekit.egress(&id).status, EgressStatus::Complete);
    }
}

#[tokio::test]
async fn participants_that_do_not_fit_are_counted() {
    let world = RoomWorld::start(BINARY).await;
    let mut input = good_input(&world);
    let names: Vec<String> = (1..=2000).map(|number| format!("p{number}")).collect();
    let fitting = names.iter().scan(0, |length, name| {
        *length += name.len() + 1;
        (*length <= 8 * 1024).then_some(name.as_str())
    });
    let fitting: Vec<_> = fitting.collect();
    assert!(fitting.len() > 1000, "{}", fitting.len());
    input["participants"] = json!(fitting.join(","));
    assert_eq!(world.ask(&world.event_of("jane", &input)).await.status(), 200);
    let values = metadata(&started_with(&world));
    let (_, kept) = values.iter().find(|(name, _)| name == "participants").expect("participants");
    let (kept, others) = kept.rsplit_once(",+").expect("a count");
    let kept: Vec<_> = kept.split(',').collect();
    assert_eq!(kept[..], fitting[..kept.len()], "the first of them");
    assert_eq!(others.parse(), Ok(fitting.len() - kept.len()));
}

#[tokio::test]
async fn with_isolated_rooms_organizations_record_their_own_rooms() {
    let world = RoomWorld::start_with(BINARY, &[("ROOM_NAMESPACE", "organization")]).await;
    let input = good_input(&world);
    let id = |name: &str| world.organization_id(name);
    let (masadas, taunta) = (id("MASADAS"), id("TAUNTA SCRE"));
    let room = |organization: &str| format!("{organization}:{TEST_ROOM}");
    world.livekit.open_room(&room(&masadas), 1);
    let there = world.event_in("member_of_two", "TAUNTA SCRE", &input);
    assert_eq!(world.ask(&there).await.refusal().0, 404, "another organization's room is open");
    let mut borrowed = input.clone();
    borrowed["roomName"] = json!(room(&masadas));
    let borrowed = world.event_in("member_of_two", "TAUNTA SCRE", &borrowed);
    assert_eq!(world.ask(&borrowed).await.refusal().0, 404, "its name does not help");

    let here = world.event_in("member_of_two", "MASADAS", &input);
    let (first, _) = recording(&world.ask(&here).await);
    assert_eq!(world.livekit.egress(&first).room_name, room(&masadas));
    world.livekit.open_room(&room(&taunta), 1);
    let (second, _) = recording(&world.ask(&there).await);
    assert_eq!(world.livekit.egress(&second).room_name, room(&taunta));
}

#[tokio::test]
async fn other_fields_are_ignored() {
    let world = RoomWorld::start(BINARY).await;
    let mut input = good_input(&world);
    let wishes = json!({
        "room_name": "another", "filepath": "../evil.mp4", "bucket": "evil", "layout": "speaker",
        "customBaseUrl": "https://evil.example", "streamOutputs": ["rtmp://evil.example"],
        "webhooks": [{ "url": "https://evil.example" }], "startedBy": "user_eve",
    });
    let wishes = wishes.as_object().expect("an object").clone();
    input.as_object_mut().expect("an object").extend(wishes);
    assert_eq!(world.ask(&world.event_of("jane", &input)).await.status(), 200);
    let request = started_with(&world);
    let fields: Vec<_> = request.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["file_outputs", "preset", "room_name"]);
    let text = request.to_string();
    assert!(!text.contains("evil") && !text.contains("eve"), "{text}");
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = RoomWorld::start(BINARY).await;
    let room = "doctor-visit";
    world.livekit.open_room(room, 2);
    let input = json!({
        "roomName": room, "conferenceTopic": "Blood pressure", "zoneId": "ward-seven",
        "participants": "John Doe,Dr. House",
    });
    let event = world.event_of("jane", &input);
    world.livekit.lose_next_start_answer();
    let (id, _) = recording(&world.ask(&event).await);
    assert_eq!(world.ask(&event).await.status(), 409);
    world.livekit.set_egress_status(&id, EgressStatus::Complete);
    world.livekit.inject(Fault::Refusing.on(path_of(START)));
    assert_eq!(world.ask(&event).await.status(), 502);
    assert_eq!(world.ask(&world.event().json(&input)).await.status(), 401);
    let jane = world.user_id("jane");
    let private = ["doctor", "Blood", "ward", "John", "House", &jane, RECORDINGS_BUCKET];
    world.logs_nothing_of(4, &private).await;
}
