//! Recordings of other organizations, rooms and zones: listing, starting and stopping them.

use anteroom_security::Table;
use anteroom_stand_ins::livekit::RECORDINGS_BUCKET;
use anteroom_stand_ins::workos::{MODERATE_PERMISSION, RECORDING_PERMISSION};
use anteroom_testing::Event;
use anteroom_testing::livekit::{TEST_ROOM, folder_of, foreign_recording, part, running};
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure};
use crate::world::{Own, World, with};

const LIST: &str = "recordings";
const START: &str = "start-recording";
const STOP: &str = "stop-recording";

const APART: Own = &[("ROOM_NAMESPACE", "organization")];
const CLOSED: Own = &[("RECORDING_PERMISSION", "")];

const NOT_ALLOWED: (u64, &str) = (403, "You are not allowed to manage recordings");
const NO_SUCH: (u64, &str) = (404, "No such recording in this room and zone");
const FOREIGN_CURSOR: (u64, &str) = (400, "`cursor` is not valid for this room and zone");
const INVALID_CURSOR: (u64, &str) = (400, "`cursor` is not valid");

/// The end of a recording's key.
const OWN_PART: &str = "2026-01-01/000000-0000000000000000.mp4";

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("Recordings", &world);
    let masadas = world.workos.organization("MASADAS").id;
    let example = world.workos.organization("Example").id;
    for organization in [Some(&*masadas), None] {
        let folder = folder_of(organization, TEST_ROOM, "1");
        world.s3.put(&format!("{folder}/{OWN_PART}"), "theirs");
    }
    let ours = format!("{}/{OWN_PART}", folder_of(Some(&example), TEST_ROOM, "1"));
    world.s3.put(&ours, "ours");
    for (tried, room, zone) in other_places(&masadas) {
        let event = list(&world, &json!({ "roomName": room, "zoneId": zone }));
        for own in [&[][..], APART] {
            let place = if own.is_empty() { "shared rooms" } else { "rooms apart" };
            let attack = Attack::new(format!("{tried}, with {place}"), &event).with(own);
            let attack = attack.served(200, "an empty list", |body| {
                ensure(*body == json!({ "recordings": [] }), || body.to_string())
            });
            attacks.add(attack.calling(&["livekit ListEgress", "s3 list"])).await;
        }
    }
    for attack in cursors(&world).await {
        attacks.add(attack).await;
    }
    for attack in queries(&world).into_iter().chain(without_rights(&world)) {
        attacks.add(attack).await;
    }
    stops(&world, &mut attacks, &masadas).await;
    starts(&world, &mut attacks, &example).await;
    attacks.table()
}

fn jane(world: &World, endpoint: &str) -> Event {
    world.to(endpoint).bearer(&world.workos.access_token("jane"))
}

/// Jane's session with these permissions, or another user's in an organization.
fn permitted(world: &World, endpoint: &str, permissions: &Value) -> Event {
    let claims = with(&world.workos.claims_for("jane"), &json!({ "permissions": permissions }));
    world.to(endpoint).bearer(&world.workos.sign(&world.workos.header(), &claims))
}

fn list(world: &World, input: &Value) -> Event {
    jane(world, LIST).input(input)
}

/// Rooms and zones that look as if they led to another organization's recordings, or to others of
/// one's own.
fn other_places(masadas: &str) -> Vec<(&'static str, String, &'static str)> {
    let folder = part(&format!("{masadas}:{TEST_ROOM}"));
    vec![
        ("another organization's room", format!("{masadas}:{TEST_ROOM}"), "1"),
        ("another organization's folder", folder.clone(), "1"),
        ("another organization's folder behind a path", format!("../{folder}"), "1"),
        ("another organization's folder behind two paths", format!("../../1/{folder}"), "2"),
        ("nobody's room", format!(":{TEST_ROOM}"), "1"),
        ("the start of the room's name", "test-roo".to_owned(), "1"),
        ("a longer room's name", format!("{TEST_ROOM}2"), "1"),
        ("the room's name in capitals", TEST_ROOM.to_uppercase(), "1"),
        ("another zone", TEST_ROOM.to_owned(), "2"),
        ("a zone that the zone begins", TEST_ROOM.to_owned(), "11"),
        ("a zone with a slash", TEST_ROOM.to_owned(), "1/"),
        ("a zone with a path", TEST_ROOM.to_owned(), "1/../1"),
        ("a zone of two dots", TEST_ROOM.to_owned(), ".."),
        ("wildcards", "*".to_owned(), "*"),
        ("a template of the recorder's", "{room_name}".to_owned(), "{time}"),
        ("an encoded path", "%2e%2e%2f".to_owned(), "1"),
    ]
}

/// Cursors that are not of this room, zone and organization.
async fn cursors(world: &World) -> Vec<Attack> {
    let example = world.workos.organization("Example").id;
    for (room, zone) in [("paged", "1"), ("paged2", "1"), ("paged", "2")] {
        for minute in 0..101_u64 {
            let own_part =
                format!("2026-01-01/{:02}{:02}00-{minute:016x}.mp4", minute / 60, minute % 60);
            world.s3.put(&format!("{}/{own_part}", folder_of(Some(&example), room, zone)), "x");
        }
    }
    let mut cursors = Vec::new();
    for (room, zone) in [("paged", "1"), ("paged2", "1"), ("paged", "2")] {
        let answer = world.ask(&list(world, &json!({ "roomName": room, "zoneId": zone }))).await;
        cursors.push(answer.success()["cursor"].as_str().expect("a second page").to_owned());
    }
    let [own, of_room, of_zone] = &cursors[..] else { unreachable!() };
    let with_cursor = |cursor: &str| {
        list(world, &json!({ "roomName": "paged", "zoneId": "1", "cursor": cursor }))
    };
    let elsewhere = world
        .to(LIST)
        .bearer(&{
            let session = world.workos.sign_in("member_of_two", Some("MASADAS"));
            let claims = anteroom_stand_ins::jwt::claims(session["access_token"].as_str().unwrap());
            let claims = with(&claims.unwrap(), &json!({ "permissions": [RECORDING_PERMISSION] }));
            world.workos.sign(&world.workos.header(), &claims)
        })
        .input(&json!({ "roomName": "paged", "zoneId": "1", "cursor": own }));
    let flipped = format!("{}{}", if own.starts_with('A') { "B" } else { "A" }, &own[1..]);
    let end = own.len() - 2;
    let last = format!(
        "{}{}{}",
        &own[..end],
        if own[end..].starts_with('A') { "B" } else { "A" },
        &own[end + 1..]
    );
    let foreign = |tried: &str, event: &Event| {
        Attack::new(tried, event).refused(FOREIGN_CURSOR.0, FOREIGN_CURSOR.1)
    };
    let mut attacks = vec![
        foreign("another room's cursor", &with_cursor(of_room)),
        foreign("another zone's cursor", &with_cursor(of_zone)),
        foreign("another organization's cursor", &elsewhere),
        foreign("a cursor with another first letter", &with_cursor(&flipped)),
        foreign("a cursor with another signature", &with_cursor(&last)),
    ];
    for (tried, cursor) in [
        ("an empty cursor", String::new()),
        ("no cursor", "null".to_owned()),
        ("a key as the cursor", "recordings/1/paged/x.mp4".to_owned()),
        ("a cursor with padding", format!("{own}=")),
        ("a cursor and a NUL", format!("{own}\u{0}")),
        ("a cursor of 300 letters", "A".repeat(300)),
        ("a cursor of ten letters", own[..10].to_owned()),
    ] {
        attacks.push(
            Attack::new(tried, &with_cursor(&cursor)).refused(INVALID_CURSOR.0, INVALID_CURSOR.1),
        );
    }
    attacks
}

/// Queries that two parsers could read differently.
fn queries(world: &World) -> Vec<Attack> {
    let invalid = |tried: &str, query: &str, field: &str| {
        Attack::new(tried, &jane(world, LIST).query(query))
            .refused(400, format!("`{field}` is not valid"))
    };
    let missing = |tried: &str, query: &str, field: &str| {
        Attack::new(tried, &jane(world, LIST).query(query))
            .refused(400, format!("`{field}` is missing"))
    };
    vec![
        invalid("two rooms", "roomName=test-room&roomName=other&zoneId=1", "roomName"),
        invalid(
            "the same room twice",
            "roomName=test-room&roomName=test-room&zoneId=1",
            "roomName",
        ),
        invalid(
            "a second room under an encoded name",
            "roomName=test-room&r%6fomName=other&zoneId=1",
            "roomName",
        ),
        invalid("two zones", "roomName=test-room&zoneId=1&zoneId=2", "zoneId"),
        invalid("two cursors", "roomName=test-room&zoneId=1&cursor=AAAA&cursor=AAAA", "cursor"),
        invalid("a room that is not UTF-8", "roomName=%ff&zoneId=1", "roomName"),
        invalid("a room with half a surrogate pair", "roomName=%ed%a0%bd&zoneId=1", "roomName"),
        invalid("a room with an overlong slash", "roomName=a%c0%afb&zoneId=1", "roomName"),
        invalid("a room with a NUL", "roomName=test%00room&zoneId=1", "roomName"),
        invalid("a zone with a line break", "roomName=test-room&zoneId=1%0d%0a", "zoneId"),
        missing("the room in a list", "roomName[]=test-room&zoneId=1", "roomName"),
        missing("the room behind a semicolon", "zoneId=1;roomName=test-room", "roomName"),
        missing("the room in small letters", "roomname=test-room&zoneId=1", "roomName"),
        missing("the room encoded twice", "room%254Eame=test-room&zoneId=1", "roomName"),
        missing("nothing", "", "roomName"),
    ]
}

fn without_rights(world: &World) -> Vec<Attack> {
    let input = json!({ "roomName": TEST_ROOM, "zoneId": "1", "egressId": "EG_1" });
    let mut attacks = Vec::new();
    for endpoint in [LIST, START, STOP] {
        for (tried, permissions) in [
            ("no permissions", json!([])),
            ("another permission", json!([MODERATE_PERMISSION])),
            ("the permission in capitals", json!([RECORDING_PERMISSION.to_uppercase()])),
            ("a longer permission", json!([format!("{RECORDING_PERMISSION}:all")])),
            ("a wildcard as the permission", json!(["*", "recordings:*"])),
            ("the permission as a text", json!(RECORDING_PERMISSION)),
        ] {
            let event = permitted(world, endpoint, &permissions).input(&input);
            attacks.push(Attack::new(tried, &event).refused(NOT_ALLOWED.0, NOT_ALLOWED.1));
        }
        let event = world.to(endpoint).input(&input);
        attacks.push(Attack::new("no session", &event).refused(401, "Sign in first"));
    }
    let event = permitted(world, LIST, &json!([RECORDING_PERMISSION, ""])).input(&input);
    attacks.push(
        Attack::new("the permission while none is configured", &event)
            .with(CLOSED)
            .refused(NOT_ALLOWED.0, NOT_ALLOWED.1),
    );
    attacks
}

/// Starts an egress of an organization's, as `start-recording` does it, and gives its id.
fn record(world: &World, organization: &str, room: &str, name: &str) -> String {
    let path = format!(
        "{}/2026-01-01/000000-{:016x}.mp4",
        folder_of(Some(organization), room, "1"),
        world.livekit.egresses().len()
    );
    let metadata = json!({ "started-by": "user_1", "organization": organization });
    let s3 = json!({ "bucket": RECORDINGS_BUCKET, "metadata": metadata });
    let request = json!({ "room_name": name, "file_outputs": [{ "filepath": path, "s3": s3 }] });
    world.livekit.start_egress("StartRoomCompositeEgress", request)
}

async fn stops(world: &World, attacks: &mut Attacks<'_>, masadas: &str) {
    let example = world.workos.organization("Example").id;
    for room in [TEST_ROOM, "other-room"] {
        world.livekit.open_room(room, 2);
    }
    let own = record(world, &example, TEST_ROOM, TEST_ROOM);
    let neighbour = record(world, &example, "other-room", "other-room");
    let theirs = record(world, masadas, TEST_ROOM, TEST_ROOM);
    let foreign = |room: &str, path: &str| {
        world.livekit.start_egress("StartRoomCompositeEgress", foreign_recording(room, path))
    };
    let archive = foreign(TEST_ROOM, "archive/daily.mp4");
    let alike = foreign(TEST_ROOM, &format!("archive/recordings/1/test-room/{OWN_PART}"));
    let going = |room: &str| running(&world.livekit, room);
    let before = (going(TEST_ROOM), going("other-room"));
    let unchanged = || {
        let after = (going(TEST_ROOM), going("other-room"));
        ensure(after == before, || format!("running: {after:?}"))
    };
    let good = json!({ "roomName": TEST_ROOM, "zoneId": "1", "egressId": own });
    for (tried, changes) in [
        ("another room's egress", json!({ "egressId": neighbour })),
        ("another organization's egress", json!({ "egressId": theirs })),
        (
            "another organization's egress in its room",
            json!({ "egressId": theirs, "roomName": format!("{masadas}:{TEST_ROOM}") }),
        ),
        ("another program's egress", json!({ "egressId": archive })),
        ("another program's egress with a path like ours", json!({ "egressId": alike })),
        ("one's own egress in another room", json!({ "roomName": "other-room" })),
        ("one's own egress in another zone", json!({ "zoneId": "2" })),
        ("one's own egress in a zone with a path", json!({ "zoneId": "1/.." })),
        (
            "one's own egress in the room in capitals",
            json!({ "roomName": TEST_ROOM.to_uppercase() }),
        ),
        ("an egress that there is not", json!({ "egressId": "EG_none" })),
        ("an egress's id in small letters", json!({ "egressId": own.to_lowercase() })),
        ("a wildcard as the egress", json!({ "egressId": "*" })),
    ] {
        let event = jane(world, STOP).json(&with(&good, &changes));
        let attack = Attack::new(tried, &event).refused(NO_SUCH.0, NO_SUCH.1);
        attacks.add_and(attack.calling(&["livekit ListEgress"]), unchanged).await;
    }
    for (tried, id) in [
        ("a number", json!(7)),
        ("a list", json!([own])),
        ("an empty text", json!("")),
        ("a path", json!("../ListEgress")),
        ("a text with a line break", json!("EG_1\r\nx: y")),
        ("a letter outside ASCII", json!("\u{c9}G_1")),
    ] {
        let event = jane(world, STOP).json(&with(&good, &json!({ "egressId": id })));
        let attack = Attack::new(format!("{tried} as the egress"), &event);
        attacks.add_and(attack.refused(400, "`egressId` is not valid"), unchanged).await;
    }
}

async fn starts(world: &World, attacks: &mut Attacks<'_>, example: &str) {
    let input = json!({ "roomName": TEST_ROOM, "zoneId": "1" });
    let event = jane(world, START).json(&input);
    let attack = Attack::new("a room that is being recorded", &event)
        .refused(409, "This room is already being recorded")
        .calling(&["livekit ListEgress", "livekit ListRooms"]);
    attacks.add(attack).await;
    let masadas = world.workos.organization("MASADAS").id;
    world.livekit.open_room(&format!("{masadas}:private"), 2);
    for (tried, name) in [
        ("another organization's room", format!("{masadas}:private")),
        ("another organization's room behind a path", format!("../{masadas}:private")),
    ] {
        let event = jane(world, START).json(&with(&input, &json!({ "roomName": name })));
        let attack = Attack::new(tried, &event)
            .with(APART)
            .refused(404, "No such room, or nobody is in it")
            .calling(&["livekit ListEgress", "livekit ListRooms", "livekit ListParticipants"]);
        let unchanged = || {
            let running = running(&world.livekit, &format!("{masadas}:private"));
            ensure(running.is_empty(), || format!("running: {running:?}"))
        };
        attacks.add_and(attack, unchanged).await;
    }
    for (tried, field, value) in [
        ("201 letters", "conferenceTopic", json!("x".repeat(201))),
        ("a number", "conferenceTopic", json!(7)),
        ("8,193 letters", "participants", json!("x".repeat(8193))),
        ("a list", "participants", json!(["alice"])),
        ("65 letters", "zoneId", json!("x".repeat(65))),
        ("a line break", "zoneId", json!("1\r\nx: y")),
        ("a NUL", "roomName", json!("test\u{0}room")),
    ] {
        let event = jane(world, START).json(&with(&input, &json!({ field: value })));
        let attack = Attack::new(format!("{tried} as `{field}`"), &event);
        attacks.add(attack.refused(400, format!("`{field}` is not valid"))).await;
    }
    hostile_starts(world, attacks, example).await;
}

/// Recordings that are started, and whose names and wishes must not matter.
async fn hostile_starts(world: &World, attacks: &mut Attacks<'_>, example: &str) {
    let wishes = json!({
        "filepath": "../../other.mp4", "bucket": "evil", "key": "evil", "organization": "org_evil",
        "file_outputs": [{ "filepath": "evil" }], "s3": { "bucket": "evil" }, "stream_outputs": ["rtmp://evil"],
        "started-by": "user_eve", "layout": "https://evil.example", "custom_base_url": "https://evil.example",
    });
    for (tried, room, zone, topic) in [
        ("a path of the bucket", "../../evil", "../..", "../"),
        ("a template of the recorder's", "{room_name}-{time}", "{room_id}", "{utc}"),
        ("a header in the topic", "hostile-1", "1", "x\r\nx-amz-acl: public-read"),
        ("markup", "<script>alert(1)</script>", "<b>", "<script>"),
        ("letters of other scripts", "\u{65e5}\u{672c}\u{8a9e}", "\u{5d0}", "\u{202e}evil"),
    ] {
        world.livekit.open_room(room, 2);
        let input = json!({
            "roomName": room, "zoneId": zone, "conferenceTopic": topic, "participants": "eve,\r\nx: y",
        });
        let event = jane(world, START).json(&with(&input, &wishes));
        let attack = Attack::new(format!("{tried}, and wishes"), &event)
            .served(200, "to a harmless key in the configured bucket", |body| {
                ensure(body["egressId"].is_string(), || body.to_string())
            })
            .calling(&STARTING);
        let (folder, told) = (folder_of(Some(example), room, zone), || told(world));
        let is_harmless = move || {
            let request = told();
            let text = request.to_string();
            let key = request["file_outputs"][0]["filepath"].as_str().unwrap_or_default();
            let is_ours = key.starts_with(&format!("{folder}/"))
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte))
                && !key.contains("..");
            ensure(
                is_ours
                    && !text.contains("rtmp")
                    && !text.contains("org_evil")
                    && !text.contains("evil.example")
                    && !text.contains("\\r"),
                || text.clone(),
            )
        };
        attacks.add_and(attack, is_harmless).await;
    }
}

const STARTING: [&str; 4] = [
    "livekit ListEgress",
    "livekit ListRooms",
    "livekit StartRoomCompositeEgress",
    "livekit ListEgress",
];

/// The request with which LiveKit was told to record.
fn told(world: &World) -> Value {
    let requests = world.livekit.requests();
    let start = requests.iter().find(|it| it.path().ends_with("StartRoomCompositeEgress"));
    start.and_then(anteroom_stand_ins::exchange::Request::json).unwrap_or_default()
}
