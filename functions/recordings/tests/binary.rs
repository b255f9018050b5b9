//! The real binary under a Lambda Runtime API, with real events. Denials first.

use std::collections::BTreeSet;
use std::time::Duration;

use anteroom_stand_ins::exchange::Request;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET, EgressStatus};
use anteroom_stand_ins::s3::{ACCESS_KEY_ID, BUCKET, REGION, S3, SECRET_ACCESS_KEY};
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_testing::link::open;
use anteroom_testing::livekit::{
    TEST_ROOM, change_listed, folder_of, now, open_test_room, stored_keys,
};
use anteroom_testing::mistakes::{HOSTILE_NAMES, MALFORMED_NAMES, OUTAGES};
use anteroom_testing::suites::rooms::RoomEndpoint;
use anteroom_testing::{Answer, Event, Identity, RoomWorld};
use serde_json::{Value, json};
use time::OffsetDateTime;

const BINARY: &str = env!("CARGO_BIN_EXE_recordings");

const LIST_EGRESS: &str = "livekit.Egress/ListEgress";

const NOT_ALLOWED: &str = "You are not allowed to manage recordings";
const FOREIGN_CURSOR: &str = "`cursor` is not valid for this room and zone";

const ENDPOINT: RoomEndpoint = RoomEndpoint {
    identity: Identity::WorkOs,
    binary: BINARY,
    event: "recordings.json",
    event_status: 200,
    success: 200,
    room_field: "roomName",
    required_settings: &[
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "LIVEKIT_URL",
        "RECORDINGS_ACCESS_KEY_ID",
        "RECORDINGS_BUCKET",
    ],
    malformed_settings: &[
        ("ALLOWED_ORIGINS", "everybody.example"),
        ("AWS_CREDENTIAL_EXPIRATION", "tomorrow"),
        ("LIVEKIT_API_KEY", "hunter one"),
        ("LIVEKIT_API_SECRET", "hunter2"),
        ("LIVEKIT_URL", "rtmp://livekit.example.com"),
        ("LIVEKIT_IDENTITY", "auth0"),
        ("RECORDINGS_ACCESS_KEY_ID", "two words"),
        ("RECORDINGS_BUCKET", "No Bucket"),
        ("RECORDINGS_ENDPOINT", "s3.example.com"),
        ("RECORDINGS_REGION", "eu/central"),
        ("ROOM_NAMESPACE", "organisation"),
        ("STAGE", "production"),
    ],
    livekit_calls: &[LIST_EGRESS],
    good_input,
};

anteroom_testing::room_endpoint_suites!(ENDPOINT, recordings_list_suite);

/// The documented input, for a room with one recording in the bucket.
fn good_input(world: &RoomWorld) -> Value {
    open_test_room(world);
    put(world, Some("Example"), TEST_ROOM, "1", "2026-01-01/000000-0000000000000000");
    json!({ "roomName": TEST_ROOM, "zoneId": "1" })
}

/// Puts a recording into the bucket, and gives its key.
fn put(
    world: &RoomWorld,
    organization: Option<&str>,
    room: &str,
    zone: &str,
    own_part: &str,
) -> String {
    let organization = organization.map(|name| world.organization_id(name));
    let key = format!("{}/{own_part}.mp4", folder_of(organization.as_deref(), room, zone));
    world.s3.put(&key, key.as_bytes());
    key
}

/// Starts a recording of the test room as `start-recording` does it for Jane, and gives its id.
fn start(world: &RoomWorld, key: &str) -> String {
    let settings = world.s3.settings();
    let value = |name: &str| settings.iter().find(|(own, _)| own == name).map(|(_, value)| value);
    let s3 = json!({
        "bucket": BUCKET,
        "endpoint": value("RECORDINGS_ENDPOINT"),
        "access_key": ACCESS_KEY_ID,
        "secret": SECRET_ACCESS_KEY,
        "metadata": { "started-by": "user_1", "organization": world.organization_id("Example") },
    });
    let output = json!({ "filepath": key, "s3": s3 });
    let request = json!({ "room_name": TEST_ROOM, "file_outputs": [output] });
    world.livekit.start_egress("StartRoomCompositeEgress", request)
}

/// A key of Jane's in the test room and zone 1.
fn key(world: &RoomWorld, own_part: &str) -> String {
    let organization = world.organization_id("Example");
    format!("{}/{own_part}.mp4", folder_of(Some(&organization), TEST_ROOM, "1"))
}

async fn list(world: &RoomWorld, input: &Value) -> Answer {
    world.ask(&world.event_of("jane", input)).await
}

/// The recordings of a response, and its cursor.
fn page(answer: &Answer) -> (Vec<Value>, Option<String>) {
    let body = answer.success();
    let recordings = body["recordings"].as_array().expect("a list").clone();
    (recordings, body["cursor"].as_str().map(str::to_owned))
}

fn keys_in(recordings: &[Value]) -> Vec<&str> {
    recordings.iter().map(|recording| recording["key"].as_str().expect("a key")).collect()
}

/// The keys of the test room's first pages, which is all if there are no more.
async fn keys_of_pages(world: &RoomWorld, pages: usize) -> Vec<String> {
    let mut input = test_room();
    let mut keys = Vec::new();
    for _ in 0..pages {
        let (recordings, cursor) = page(&list(world, &input).await);
        keys.extend(keys_in(&recordings).into_iter().map(str::to_owned));
        let Some(cursor) = cursor else { break };
        assert_eq!(recordings.len(), 100, "only the last page is shorter");
        input["cursor"] = json!(cursor);
    }
    keys
}

fn test_room() -> Value {
    json!({ "roomName": TEST_ROOM, "zoneId": "1" })
}

/// A recording a minute, the first on this day. The number is the minute.
fn own_part(day: &str, minute: usize) -> String {
    let (hour, minute_of_hour) = (minute / 60, minute % 60);
    format!("{day}/{hour:02}{minute_of_hour:02}00-{minute:016x}")
}

fn lists(s3: &S3) -> Vec<Request> {
    s3.requests().into_iter().filter(|request| request.query("list-type").is_some()).collect()
}

#[tokio::test]
async fn without_a_configured_permission_nobody_may_list() {
    for identity in [Identity::WorkOs, Identity::Clerk] {
        let own = [("LIVEKIT_IDENTITY", identity.name()), ("RECORDING_PERMISSION", "")];
        let world = RoomWorld::start_with(BINARY, &own).await;
        let input = good_input(&world);
        for event in [
            world.event_of("jane", &input),
            world.event_of("without_organization", &input),
            world.event_with_permissions(&[""], &input),
        ] {
            assert_eq!(world.ask(&event).await.refusal(), (403, NOT_ALLOWED.to_owned()));
        }
        assert_eq!((world.asked(), world.s3.requests().len()), (vec![], 0));
    }
}

#[tokio::test]
async fn an_invalid_zone_or_cursor_is_400_and_no_provider_is_called() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    let texts = MALFORMED_NAMES.iter().filter_map(|json| serde_json::from_str(json).ok());
    let zones = texts.chain(["x".repeat(65)]).map(|zone: String| ("zoneId", zone));
    let cursors = ["", " ", "null", "a cursor", "AAAA", "=", "%", "..", &"A".repeat(300)];
    let cursors = cursors.map(|cursor| ("cursor", cursor.to_owned()));
    for (field, text) in zones.chain(cursors) {
        let mut input = input.clone();
        input[field] = json!(text);
        let answer = list(&world, &input).await;
        assert_eq!(answer.refusal(), (400, format!("`{field}` is not valid")), "{text:?}");
    }
    let event = world.event_of("jane", &input);
    for (query, field) in [
        ("roomName=test-room&zoneId=1&zoneId=1", "zoneId"),
        ("roomName=test-room&roomName=other&zoneId=1", "roomName"),
        ("roomName=test-room&zoneId=1&cursor=AAAA&cursor=AAAA", "cursor"),
        ("roomName=test-room&zoneId=%ff", "zoneId"),
        ("roomName=%ed%a0%bd&zoneId=1", "roomName"),
        ("roomName=test%00room&zoneId=1", "roomName"),
    ] {
        let answer = world.ask(&event.clone().query(query)).await;
        assert_eq!(answer.refusal(), (400, format!("`{field}` is not valid")), "{query}");
    }
    for (query, field) in [("roomName=a", "zoneId"), ("zoneId=1&room[Name]=a", "roomName")] {
        let answer = world.ask(&event.clone().query(query)).await;
        assert_eq!(answer.refusal(), (400, format!("`{field}` is missing")), "{query}");
    }
    assert_eq!((world.asked(), world.s3.requests().len()), (vec![], 0));
    for query in ["roomName=test-room&zoneId=1&x=1&x=2", "&roomName=test%2Droom&zoneId=1&=&%ff"] {
        assert_eq!(world.ask(&event.clone().query(query)).await.status(), 200, "{query}");
    }
}

#[tokio::test]
async fn another_organizations_recordings_are_not_listed() {
    for identity in [Identity::WorkOs, Identity::Clerk] {
        for namespace in ["none", "organization"] {
            let own = [("LIVEKIT_IDENTITY", identity.name()), ("ROOM_NAMESPACE", namespace)];
            let world = RoomWorld::start_with(BINARY, &own).await;
            let masadas = world.organization_id("MASADAS");
            let own_part = "2026-01-01/000000-0000000000000000";
            let theirs = put(&world, Some("MASADAS"), TEST_ROOM, "1", own_part);
            let nobodys = put(&world, None, TEST_ROOM, "1", own_part);
            let folder = theirs.split('/').nth(2).expect("a folder").to_owned();
            let permission = [identity.recording_permission()];
            let names =
                [TEST_ROOM, &format!("{masadas}:{TEST_ROOM}"), &format!(":{TEST_ROOM}"), &folder];
            for name in names.map(str::to_owned).into_iter().chain([format!("../{folder}")]) {
                let input = json!({ "roomName": name, "zoneId": "1" });
                for (user, organization) in [("jane", "Example"), ("member_of_two", "TAUNTA SCRE")]
                {
                    let event = world.event_in_with_permissions(
                        user,
                        Some(organization),
                        &permission,
                        &input,
                    );
                    let (recordings, _) = page(&world.ask(&event).await);
                    assert_eq!(keys_in(&recordings), [""; 0], "{name} {organization}");
                }
            }
            let input = test_room();
            let event = |user, organization| {
                world.event_in_with_permissions(user, organization, &permission, &input)
            };
            let answer = world.ask(&event("member_of_two", Some("MASADAS"))).await;
            assert_eq!(keys_in(&page(&answer).0), [&theirs], "their own members see it");
            // At Clerk, nobody has a permission without an organization.
            if namespace == "none" && identity == Identity::WorkOs {
                let answer = world.ask(&event("without_organization", None)).await;
                assert_eq!(keys_in(&page(&answer).0), [&nobodys]);
            }
        }
    }
}

#[tokio::test]
async fn another_organizations_egresses_are_not_listed_although_the_room_is_shared() {
    let world = RoomWorld::start(BINARY).await;
    open_test_room(&world);
    let masadas = world.organization_id("MASADAS");
    let own_part = "2026-01-01/000000-0000000000000000";
    let folders = [folder_of(Some(&masadas), TEST_ROOM, "1"), folder_of(None, TEST_ROOM, "1")];
    for folder in folders {
        start(&world, &format!("{folder}/{own_part}.mp4"));
    }
    for path in ["archive/daily.mp4", "recordings/1/test-room.mp4", "recordings/1/test-room/x.mp4"]
    {
        start(&world, path);
    }
    let ours = start(&world, &key(&world, own_part));
    let (recordings, _) = page(&list(&world, &test_room()).await);
    assert_eq!(recordings.len(), 1, "{recordings:?}");
    assert_eq!(recordings[0]["egressId"], ours);
}

#[tokio::test]
async fn a_recording_of_another_room_or_zone_is_not_listed() {
    let world = RoomWorld::start(BINARY).await;
    let own_part = "2026-01-01/000000-0000000000000000";
    put(&world, Some("Example"), TEST_ROOM, "1", own_part);
    for (room, zone) in [
        ("test-roo", "1"),
        ("test-room2", "1"),
        ("TEST-ROOM", "1"),
        ("test-room", "11"),
        ("test-room", "2"),
        ("test-room", "1/"),
        ("test-room", "1/.."),
        ("..", "1"),
        ("/", "1"),
        ("*", "*"),
    ] {
        let input = json!({ "roomName": room, "zoneId": zone });
        let (recordings, cursor) = page(&list(&world, &input).await);
        assert_eq!((recordings.len(), cursor), (0, None), "{room} {zone}");
    }
}

#[tokio::test]
async fn a_cursor_is_valid_only_for_its_room_zone_and_organization() {
    let world = RoomWorld::start(BINARY).await;
    let permission = [Identity::WorkOs.recording_permission()];
    let places = [
        ("jane", Some("Example"), TEST_ROOM, "1"),
        ("jane", Some("Example"), "test-room2", "1"),
        ("jane", Some("Example"), TEST_ROOM, "2"),
        ("member_of_two", Some("MASADAS"), TEST_ROOM, "1"),
        ("without_organization", None, TEST_ROOM, "1"),
    ];
    let mut cursors = Vec::new();
    for (user, organization, room, zone) in places {
        for minute in 0..101 {
            put(&world, organization, room, zone, &own_part("2026-01-01", minute));
        }
        let input = json!({ "roomName": room, "zoneId": zone });
        let event = world.event_in_with_permissions(user, organization, &permission, &input);
        cursors.push(page(&world.ask(&event).await).1.expect("a second page"));
    }
    for (place, (user, organization, room, zone)) in places.into_iter().enumerate() {
        for (of, cursor) in cursors.iter().enumerate() {
            let input = json!({ "roomName": room, "zoneId": zone, "cursor": cursor });
            let event = world.event_in_with_permissions(user, organization, &permission, &input);
            let answer = world.ask(&event).await;
            if place == of {
                let (recordings, cursor) = page(&answer);
                assert_eq!((recordings.len(), cursor), (1, None));
            } else {
                assert_eq!(answer.refusal(), (400, FOREIGN_CURSOR.to_owned()), "{place} {of}");
            }
        }
    }
}

#[tokio::test]
async fn a_modified_cursor_is_400() {
    let world = RoomWorld::start(BINARY).await;
    for minute in 0..101 {
        put(&world, Some("Example"), TEST_ROOM, "1", &own_part("2026-01-01", minute));
    }
    let mut input = test_room();
    let cursor = page(&list(&world, &input).await).1.expect("a second page");
    for at in 0..cursor.len() {
        let old = cursor.as_bytes()[at];
        let new = if old == b'A' { "B" } else { "A" };
        let mut changed = cursor.clone();
        changed.replace_range(at..=at, new);
        input["cursor"] = json!(changed);
        assert_eq!(list(&world, &input).await.refusal().0, 400, "{at}");
    }
    for changed in [&cursor[1..], &cursor[..cursor.len() - 1], &cursor[..48], &cursor.repeat(2)] {
        input["cursor"] = json!(changed);
        assert_eq!(list(&world, &input).await.refusal().0, 400, "{changed}");
    }
    input["cursor"] = json!(cursor);
    assert_eq!(list(&world, &input).await.status(), 200);
}

#[tokio::test]
async fn a_cursor_from_another_process_is_valid_after_a_rotation() {
    let manager = SecretsManager::start().await.expect("a free port");
    let store = |secret: &str| {
        let keys = json!({ "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": secret });
        manager.put("livekit", keys);
    };
    store(API_SECRET);
    let world = RoomWorld::start_with(BINARY, &stored_keys(&manager.settings())).await;
    for minute in 0..101 {
        put(&world, Some("Example"), TEST_ROOM, "1", &own_part("2026-01-01", minute));
    }
    let newer = "a newer secret, of thirty-two bytes and more";
    store(newer);
    world.livekit.rotate_keys(API_KEY, newer);
    let mut input = test_room();
    let another = world.another().await;
    let answer = Answer::of(&another, &world.event_of("jane", &input)).await;
    input["cursor"] = json!(page(&answer).1.expect("a second page"));
    assert_eq!(page(&list(&world, &input).await).0.len(), 1, "it has read the newer secret");
}

#[tokio::test]
async fn an_outage_of_the_bucket_is_never_an_empty_list() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    let event = world.cookie_event_of("jane", &input).await;
    let limiting = (Fault::Limiting { retry_after: Some(9) }, 503);
    let others = [(Fault::Failing(400), 502), (Fault::Failing(404), 502), limiting];
    for (fault, status) in OUTAGES.into_iter().chain(others) {
        world.s3.inject(fault);
        let answer = world.ask(&event).await;
        world.s3.clear_faults();
        assert_eq!(answer.refusal().0, status, "{fault:?}");
        let wait = (fault == limiting.0).then_some("9");
        assert_eq!(answer.header("retry-after"), wait, "{fault:?}");
        assert_eq!(answer.cookies(), [], "{fault:?}");
    }
    for body in [
        "<ListBucketResult/>",
        "<ListBucketResult><Contents/></ListBucketResult>",
        "<Error><Code>InternalError</Code></Error>",
        "<ListAllMyBucketsResult><IsTruncated>false</IsTruncated></ListAllMyBucketsResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated>",
        "",
    ] {
        world.s3.inject(Fault::Between { status: 200, content_type: "application/xml", body });
        assert_eq!(world.ask(&event).await.refusal().0, 502, "{body}");
        world.s3.clear_faults();
    }
    for fault in [Fault::Slow(Duration::from_mins(1)), Fault::Truncated] {
        world.s3.inject(fault);
        assert_eq!(world.ask(&event).await.refusal().0, 503, "{fault:?}");
        world.s3.clear_faults();
    }
    world.s3.stop().await;
    assert_eq!(world.ask(&event).await.refusal().0, 503, "nobody is there");
    world.s3.restart().await.expect("the same port");
    assert_eq!(world.ask(&event).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn a_broken_connection_is_retried_once() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    for fault in [Fault::Down.once(), Fault::Truncated.once()] {
        world.s3.inject(fault);
        assert_eq!(page(&list(&world, &input).await).0.len(), 1);
    }
    world.s3.break_connections();
    assert_eq!(page(&list(&world, &input).await).0.len(), 1);
}

/// A way in which a bucket refuses us, and its name.
type Refusal = (&'static str, fn(&S3));

#[tokio::test]
async fn a_bucket_that_rejects_us_is_502() {
    let refuse: [Refusal; 4] = [
        ("denied", S3::deny),
        ("deleted", S3::delete_bucket),
        ("elsewhere", S3::move_away),
        ("another key", |s3| s3.rotate_keys("AKIANOTHER", "another secret", None)),
    ];
    for (why, refuse) in refuse {
        let world = RoomWorld::start(BINARY).await;
        let input = good_input(&world);
        refuse(&world.s3);
        assert_eq!(list(&world, &input).await.refusal().0, 502, "{why}");
    }
    let own = [("RECORDINGS_REGION", "eu-central-1")];
    let world = RoomWorld::start_with(BINARY, &own).await;
    let input = good_input(&world);
    assert_eq!(list(&world, &input).await.refusal().0, 502, "signed for another region");
}

#[tokio::test]
async fn lists_nothing_if_there_are_no_recordings() {
    let world = RoomWorld::start(BINARY).await;
    for name in HOSTILE_NAMES {
        let input = json!({ "roomName": name, "zoneId": name });
        assert_eq!(list(&world, &input).await.success(), json!({ "recordings": [] }), "{name}");
    }
}

#[tokio::test]
async fn lists_a_recording_with_a_link_that_only_plays_it() {
    let world = RoomWorld::start(BINARY).await;
    let own_part = "2025-07-14/095456-0123456789abcdef";
    let key = put(&world, Some("Example"), TEST_ROOM, "1", own_part);
    let before = now();
    let (mut recordings, cursor) = page(&list(&world, &test_room()).await);
    assert_eq!((recordings.len(), cursor), (1, None));
    let recording = recordings[0].as_object_mut().expect("an object");
    let url = recording.remove("url").expect("a link");
    let url = url.as_str().expect("text");
    let expires = recording.remove("urlExpiresAt").and_then(|at| at.as_u64()).expect("a time");
    assert!((before + 600..=now() + 600).contains(&expires), "{expires}");
    let ended = recording.remove("endedAt").and_then(|at| at.as_u64()).expect("a time");
    assert!((before.saturating_sub(60)..=now()).contains(&ended), "{ended}");
    let rest = json!({
        "status": "complete", "startedAt": 1_752_486_896, "sizeBytes": key.len(), "key": key,
    });
    assert_eq!(recordings[0], rest);

    let opened = open(url).await;
    assert_eq!((opened.status, &*opened.body), (200, key.as_bytes()));
    assert!(opened.headers.contains("content-type: video/mp4"), "{}", opened.headers);
    assert!(!url.contains(SECRET_ACCESS_KEY));
    let other = put(&world, Some("Example"), TEST_ROOM, "1", "2025-07-14/095456-0123456789abcdee");
    for changed in [
        url.replace(&key, &other),
        url.replace("X-Amz-Expires=600", "X-Amz-Expires=601"),
        url.replace("video%2Fmp4", "text%2Fhtml"),
        url[..url.len() - 1].to_owned(),
        url.split("&X-Amz-Signature").next().expect("a start").to_owned(),
        url.split('?').next().expect("a path").to_owned(),
    ] {
        assert_ne!(&changed, url);
        assert!(matches!(open(&changed).await.status, 400 | 403), "{changed}");
    }
}

#[tokio::test]
async fn rooms_and_zones_with_unusual_names_have_their_own_lists() {
    let world = RoomWorld::start(BINARY).await;
    for (minute, name) in HOSTILE_NAMES.into_iter().enumerate() {
        put(&world, Some("Example"), name, name, &own_part("2026-01-01", minute));
    }
    for name in HOSTILE_NAMES {
        let input = json!({ "roomName": name, "zoneId": name });
        let (recordings, _) = page(&list(&world, &input).await);
        assert_eq!(recordings.len(), 1, "{name}");
        let url = recordings[0]["url"].as_str().expect("a link");
        assert_eq!(open(url).await.body, recordings[0]["key"].as_str().expect("a key").as_bytes());
    }
    let event = Event::documented("recordings.names.json").bearer(&world.token_of("jane"));
    put(&world, Some("Example"), "Weekly 🎉 50%", "eu/1", "2026-01-01/000000-0000000000000000");
    assert_eq!(page(&world.ask(&event).await).0.len(), 1, "as a browser writes it");
}

#[tokio::test]
async fn foreign_objects_under_the_prefix_are_skipped() {
    let world = RoomWorld::start(BINARY).await;
    let ours = put(&world, Some("Example"), TEST_ROOM, "1", "2026-01-01/000000-0000000000000000");
    let folder = ours.split("/2026").next().expect("a folder").to_owned();
    for other in [
        "notes.txt",
        "0",
        "2026-01-01",
        "2026-01-01/",
        "2026-01-01/000000-0000000000000000.mp4.json",
        "2026-01-01/000000-0000000000000000.MP4",
        "2026-01-01/000000-000000000000000G.mp4",
        "2026-02-30/000000-0000000000000000.mp4",
        "2026-01-01/000000-0000000000000000/x.mp4",
        "2026-01-02/<&>\"'\u{1}\u{fffe} +%2F🎉.mp4",
        "zzz/2026-01-01/000000-0000000000000000.mp4",
    ] {
        world.s3.put(&format!("{folder}/{other}"), "not ours");
    }
    let (recordings, cursor) = page(&list(&world, &test_room()).await);
    assert_eq!((keys_in(&recordings), cursor), (vec![&*ours], None));
}

#[tokio::test]
async fn each_state_of_a_recording_has_its_status_and_only_a_file_has_a_link() {
    for (egress, status, has_file) in [
        (EgressStatus::Starting, "starting", false),
        (EgressStatus::Active, "active", false),
        (EgressStatus::Ending, "ending", false),
        (EgressStatus::Complete, "complete", true),
        (EgressStatus::LimitReached, "complete", false),
        (EgressStatus::Failed, "failed", false),
        (EgressStatus::Aborted, "failed", false),
    ] {
        let world = RoomWorld::start(BINARY).await;
        open_test_room(&world);
        let key = key(&world, "2026-01-01/000000-0000000000000000");
        let id = start(&world, &key);
        world.livekit.hold_starting();
        world.livekit.hold_ending();
        world.livekit.set_egress_status(&id, egress);
        let older =
            put(&world, Some("Example"), TEST_ROOM, "1", "2025-12-31/000000-0000000000000000");
        let (recordings, _) = page(&list(&world, &test_room()).await);
        assert_eq!(keys_in(&recordings), [&key, &older], "{egress:?}: once, and first");
        let recording = &recordings[0];
        assert_eq!((&recording["status"], &recording["egressId"]), (&json!(status), &json!(id)));
        assert_eq!(recording.get("url").is_some(), has_file, "{egress:?}");
        assert!(recording["startedAt"].is_u64(), "{egress:?}");
        let is_over = egress >= EgressStatus::Complete;
        assert_eq!(recording.get("endedAt").is_some(), is_over, "{egress:?}");
        assert!(recordings[1].get("egressId").is_none(), "LiveKit does not list it");
    }
}

#[tokio::test]
async fn an_odd_egress_does_not_hide_others() {
    for fields in [
        json!({ "egress_id": 17 }),
        json!({ "status": "EGRESS_PAUSED", "started_at": -1 }),
        json!({ "status": null, "room_name": null, "file_results": 7 }),
    ] {
        let world = RoomWorld::start(BINARY).await;
        good_input(&world);
        let id = start(&world, &key(&world, "2026-01-02/000000-0000000000000000"));
        change_listed(&world.livekit, &id, &fields);
        let (recordings, _) = page(&list(&world, &test_room()).await);
        assert_eq!(recordings.len(), 2, "{fields}");
        assert_eq!(recordings[1]["status"], "complete", "{fields}");
    }
}

#[tokio::test]
async fn a_recording_is_listed_once_on_the_page_of_its_time() {
    let world = RoomWorld::start(BINARY).await;
    open_test_room(&world);
    for minute in 0..150 {
        put(&world, Some("Example"), TEST_ROOM, "1", &own_part("2026-01-01", minute));
    }
    let old = start(&world, &key(&world, &own_part("2026-01-01", 10)));
    let failed = start(&world, &key(&world, "2025-01-01/000000-0000000000000000"));
    let running = start(&world, &key(&world, "2026-01-02/000000-0000000000000000"));
    world.livekit.set_egress_status(&old, EgressStatus::Complete);
    world.livekit.set_egress_status(&failed, EgressStatus::Failed);
    let mut input = test_room();
    let (first, cursor) = page(&list(&world, &input).await);
    input["cursor"] = json!(cursor.expect("a second page"));
    let (second, cursor) = page(&list(&world, &input).await);
    assert_eq!((first.len(), second.len(), cursor), (101, 51, None));
    assert_eq!(first[0]["egressId"], running);
    assert_eq!((&second[0]["egressId"], &second[0]["status"]), (&json!(failed), &json!("failed")));
    let with_ids = |page: &[Value]| page.iter().filter(|it| it.get("egressId").is_some()).count();
    assert_eq!((with_ids(&first), with_ids(&second)), (1, 2));
    let keys: BTreeSet<_> = keys_in(&first).into_iter().chain(keys_in(&second)).collect();
    assert_eq!(keys.len(), 152, "none twice");
}

#[tokio::test]
async fn pages_are_newest_first_and_complete_however_many_recordings_there_are() {
    // Days, recordings per day, pages that are read, and calls per page at most.
    for (days, per_day, pages, most_calls) in
        [(2, 120, 3, 1), (1, 1000, 2, 1), (1, 1001, 2, 4), (28, 40, 12, 4), (2, 1300, 2, 7)]
    {
        let world = RoomWorld::start(BINARY).await;
        let mut expected = Vec::new();
        for day in 1..=days {
            for minute in 0..per_day {
                let day = format!("2026-01-{day:02}");
                expected.push(put(
                    &world,
                    Some("Example"),
                    TEST_ROOM,
                    "1",
                    &own_part(&day, minute),
                ));
            }
        }
        expected.reverse();
        world.s3.forget_requests();
        let listed = keys_of_pages(&world, pages).await;
        assert_eq!(listed, expected[..expected.len().min(pages * 100)], "{days} {per_day}");
        let calls = lists(&world.s3).len();
        assert!(calls <= pages * most_calls, "{days} {per_day}: {calls} calls for {pages} pages");
    }
}

#[tokio::test]
async fn listing_recordings_of_ten_thousand_days_takes_few_calls() {
    let world = RoomWorld::start(BINARY).await;
    for day in 0..10_000 {
        let (year, month, day) = (2000 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
        let own_part = format!("{year}-{month:02}-{day:02}/000000-0000000000000000");
        put(&world, Some("Example"), TEST_ROOM, "1", &own_part);
    }
    let mut input = test_room();
    for _ in 0..3 {
        world.s3.forget_requests();
        let (recordings, cursor) = page(&list(&world, &input).await);
        assert_eq!(recordings.len(), 100);
        let mut keys = keys_in(&recordings);
        assert!(keys.is_sorted_by(|newer, older| newer > older));
        keys.dedup();
        assert_eq!(keys.len(), 100);
        let calls = lists(&world.s3).len();
        assert!(calls <= 1 + 10 + 3, "{calls} calls");
        input["cursor"] = json!(cursor.expect("a next page"));
    }
}

#[tokio::test]
async fn without_a_key_pair_the_functions_role_signs_links_that_expire_with_its_credentials() {
    for (left, life) in [(None, 600), (Some(7200), 600), (Some(90), 90)] {
        let expires = left.map(|left| date(now() + left));
        let own = [
            ("RECORDINGS_ACCESS_KEY_ID", ""),
            ("RECORDINGS_SECRET_ACCESS_KEY", ""),
            ("AWS_ACCESS_KEY_ID", "ASIAOFTHEROLE"),
            ("AWS_SECRET_ACCESS_KEY", "the secret of the role"),
            ("AWS_SESSION_TOKEN", "the+token/of=the=session"),
            ("AWS_CREDENTIAL_EXPIRATION", expires.as_deref().unwrap_or_default()),
        ];
        let world = RoomWorld::start_with(BINARY, &own).await;
        let token = Some("the+token/of=the=session");
        world.s3.rotate_keys("ASIAOFTHEROLE", "the secret of the role", token);
        let input = good_input(&world);
        let before = now();
        let (recordings, _) = page(&list(&world, &input).await);
        let url = recordings[0]["url"].as_str().expect("a link");
        assert_eq!(open(url).await.status, 200, "{url}");
        let at = recordings[0]["urlExpiresAt"].as_u64().expect("a time");
        assert!((before + life - 5..=now() + life).contains(&at), "{left:?}: {at} at {before}");
    }
}

#[tokio::test]
async fn a_rotated_key_pair_is_used_without_a_restart() {
    let manager = SecretsManager::start().await.expect("a free port");
    let store = |id: &str, secret: &str| {
        manager.put(
            "livekit",
            json!({
                "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET,
                "RECORDINGS_ACCESS_KEY_ID": id, "RECORDINGS_SECRET_ACCESS_KEY": secret,
            }),
        );
    };
    store(ACCESS_KEY_ID, SECRET_ACCESS_KEY);
    let of_manager = manager.settings();
    let mut own = stored_keys(&of_manager);
    own.extend([("RECORDINGS_ACCESS_KEY_ID", ""), ("RECORDINGS_SECRET_ACCESS_KEY", "")]);
    let world = RoomWorld::start_with(BINARY, &own).await;
    let input = good_input(&world);
    assert_eq!(list(&world, &input).await.status(), 200);
    world.s3.rotate_keys("AKIANEWER", "a-newer-secret", None);
    store("AKIANEWER", "a-newer-secret");
    let (recordings, _) = page(&list(&world, &input).await);
    let url = recordings[0]["url"].as_str().expect("a link");
    assert!(url.contains("AKIANEWER") && open(url).await.status == 200, "{url}");
}

#[tokio::test]
async fn asks_livekit_and_the_bucket_for_no_more_than_it_needs() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    assert_eq!(list(&world, &input).await.status(), 200);
    assert_eq!(world.told("ListEgress"), [json!({ "room_name": TEST_ROOM })]);
    let [request] = &lists(&world.s3)[..] else { panic!("not one list") };
    assert_eq!((&*request.method, request.path()), ("GET", format!("/{BUCKET}").as_str()));
    let folder = key(&world, "").replace(".mp4", "");
    assert_eq!(request.query("prefix"), Some(folder));
    let authorization = request.header("authorization").expect("a signature");
    assert!(authorization.contains(&format!("/{REGION}/s3/aws4_request")), "{authorization}");
}

#[tokio::test]
async fn a_remote_endpoint_without_tls_stops_it_at_start() {
    let own =
        [("RECORDINGS_BUCKET", "recordings"), ("RECORDINGS_ENDPOINT", "http://minio.example:9000")];
    let started = anteroom_local::instance::Instance::start(BINARY, own.into_iter()).await;
    let error = started.err().map(|error| format!("{error:?}")).unwrap_or_default();
    assert!(error.contains("RECORDINGS_ENDPOINT is not an https address"), "{error}");
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = RoomWorld::start(BINARY).await;
    let own_part = "2026-01-01/000000-0000000000000000";
    put(&world, Some("Example"), "doctor-visit", "ward-seven", own_part);
    let input = json!({ "roomName": "doctor-visit", "zoneId": "ward-seven" });
    assert_eq!(list(&world, &input).await.status(), 200);
    world.s3.inject(Fault::Refusing);
    assert_eq!(list(&world, &input).await.status(), 502);
    world.s3.inject(Fault::Garbage);
    assert_eq!(list(&world, &input).await.status(), 502);
    assert_eq!(world.ask(&world.event().input(&input)).await.status(), 401);
    let jane = world.user_id("jane");
    let private =
        ["doctor", "ward", "recordings/", "X-Amz", ACCESS_KEY_ID, SECRET_ACCESS_KEY, &jane];
    world.logs_nothing_of(4, &private).await;
}

/// A date as `aws configure export-credentials` writes it.
fn date(unix_seconds: u64) -> String {
    let seconds = i64::try_from(unix_seconds).expect("a number");
    let at = OffsetDateTime::from_unix_timestamp(seconds).expect("a time");
    let ((year, month, day), (hour, minute, second)) = (at.to_calendar_date(), at.to_hms());
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00")
}
