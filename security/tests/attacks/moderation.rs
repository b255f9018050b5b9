//! Removing and muting: which identities, in which rooms, with which rights.

use anteroom_security::Table;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::TrackSource;
use anteroom_stand_ins::workos::{INVITE_PERMISSION, MODERATE_PERMISSION};
use anteroom_testing::Event;
use anteroom_testing::livekit::{PARTICIPANT, TEST_ROOM, foreign_recording, state_of_room};
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure};
use crate::world::{Own, World, with};

const REMOVE: &str = "remove-participant";
const MUTE: &str = "mute-participant";
const ENDPOINTS: [&str; 2] = [REMOVE, MUTE];

const APART: Own = &[("ROOM_NAMESPACE", "organization")];
const CLOSED: Own = &[("ROOM_MODERATE_PERMISSION", "")];

const NO_SUCH: (u64, &str) = (404, "There is no such participant in this room");
const NOT_ALLOWED: (u64, &str) = (403, "You are not allowed to moderate");

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("Moderation", &world);
    let rooms = rooms(&world);
    for room in &rooms {
        world.livekit.open_room(room, 2);
        world.livekit.admit(room, PARTICIPANT);
        world.livekit.publish(room, PARTICIPANT, TrackSource::Microphone);
    }
    let recording = foreign_recording(TEST_ROOM, "daily.mp4");
    let recorder = world.livekit.start_egress("StartRoomCompositeEgress", recording);
    let before = state(&world, &rooms);
    let unchanged = || {
        let after = state(&world, &rooms);
        ensure(after == before, || format!("the rooms changed: {after:?}"))
    };
    for endpoint in ENDPOINTS {
        for (tried, identity) in identities(&world, &recorder) {
            let event = jane(&world, endpoint, &json!({ "identity": identity }));
            let attack = Attack::new(format!("{tried} as the identity"), &event);
            attacks.add_and(attack.refused(NO_SUCH.0, NO_SUCH.1), unchanged).await;
        }
        for (tried, identity) in [
            ("nothing", json!(null)),
            ("a number", json!(7)),
            ("a list", json!([PARTICIPANT])),
            ("an object", json!({ "$ne": "" })),
        ] {
            let event = jane(&world, endpoint, &json!({}))
                .json(&body(&json!({ "identity": identity }), true));
            let attack = Attack::new(format!("{tried} as the identity"), &event);
            attacks.add_and(attack.refused(400, "`identity` is not valid"), unchanged).await;
        }
        for attack in without_rights(&world, endpoint) {
            attacks.add_and(attack, unchanged).await;
        }
        for attack in other_rooms(&world, endpoint) {
            attacks.add_and(attack, unchanged).await;
        }
    }
    for source in ["", "all", "Microphone", "MICROPHONE", "screen_share_audio", "unknown"] {
        let event = jane(&world, MUTE, &json!({ "source": source }));
        let attack = Attack::new(format!("`{source}` as the source"), &event);
        attacks.add_and(attack.refused(400, "`source` is not valid"), unchanged).await;
    }
    let event = jane(
        &world,
        MUTE,
        &json!({ "muted": false, "trackSid": "TR_other", "track_sid": "TR_other", "source": "camera" }),
    );
    let attack = Attack::new("to unmute somebody, and a track by its id", &event)
        .refused(404, "The participant does not publish this source")
        .calling(&["livekit GetParticipant"]);
    attacks.add_and(attack, unchanged).await;
    attacks.table()
}

/// The test room, as it is shared, as it is Jane's organization's, and as it is another's.
fn rooms(world: &World) -> Vec<String> {
    let of = |name: &str| format!("{}:{TEST_ROOM}", world.workos.organization(name).id);
    vec![TEST_ROOM.to_owned(), of("MASADAS")]
}

fn state(world: &World, rooms: &[String]) -> Vec<[Vec<String>; 3]> {
    rooms.iter().map(|room| state_of_room(&world.livekit, room)).collect()
}

/// A good body with changes. `keeps_null`: `null` is a value, and does not take a field out.
fn body(changes: &Value, keeps_null: bool) -> Value {
    let good = json!({ "roomId": TEST_ROOM, "identity": PARTICIPANT, "source": "microphone" });
    if !keeps_null {
        return with(&good, changes);
    }
    let mut body = good;
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

fn jane(world: &World, endpoint: &str, changes: &Value) -> Event {
    world.to(endpoint).bearer(&world.workos.access_token("jane")).json(&body(changes, false))
}

/// Identities that Anteroom has not issued. LiveKit is not asked about them.
fn identities(world: &World, recorder: &str) -> Vec<(&'static str, String)> {
    let jane = world.workos.user("jane").id;
    vec![
        ("a recorder's", recorder.to_owned()),
        ("an agent's", "agent-AJ_2bVxQkYcJZr6".to_owned()),
        ("a telephone's", "sip_+15550100".to_owned()),
        ("a user's id without a session", jane.clone()),
        ("a user's id with a short session", format!("{jane}:0123456789abcde")),
        ("a user's id with a session in capitals", format!("{jane}:0123456789ABCDEF")),
        ("a user's id with two sessions", format!("{jane}:0123456789abcdef:0123456789abcdef")),
        ("another provider's id", "usr-1:0123456789abcdef".to_owned()),
        ("a guest without a number", "guest:".to_owned()),
        ("a guest with a space", "guest:1 ".to_owned()),
        ("a guest with a sign", "guest:-1".to_owned()),
        ("a guest in capitals", PARTICIPANT.to_uppercase()),
        ("a guest with a digit too many", format!("{PARTICIPANT}0")),
        ("a guest in full-width digits", "guest:\u{ff11}\u{ff12}".to_owned()),
        ("a guest and a NUL", format!("{PARTICIPANT}\u{0}")),
        ("a wildcard", "*".to_owned()),
        ("a path", "../rooms".to_owned()),
        ("an empty text", String::new()),
    ]
}

fn without_rights(world: &World, endpoint: &str) -> Vec<Attack> {
    let jane_with = |permissions: Value| {
        let claims = with(&world.workos.claims_for("jane"), &json!({ "permissions": permissions }));
        let token = world.workos.sign(&world.workos.header(), &claims);
        world.to(endpoint).bearer(&token).json(&body(&json!({}), false))
    };
    let refused = |tried: &str, event: &Event| {
        Attack::new(tried, event).refused(NOT_ALLOWED.0, NOT_ALLOWED.1)
    };
    let good = body(&json!({}), false);
    vec![
        refused("no permissions", &jane_with(json!([]))),
        refused("another permission", &jane_with(json!([INVITE_PERMISSION]))),
        refused(
            "the permission in capitals",
            &jane_with(json!([MODERATE_PERMISSION.to_uppercase()])),
        ),
        refused("a longer permission", &jane_with(json!([format!("{MODERATE_PERMISSION}:all")]))),
        refused("the start of the permission", &jane_with(json!(["rooms"]))),
        refused("a wildcard as the permission", &jane_with(json!(["*", "rooms:*"]))),
        refused("the permission as a text", &jane_with(json!(MODERATE_PERMISSION))),
        refused("the permission in an object", &jane_with(json!({ "0": MODERATE_PERMISSION }))),
        refused(
            "the permission while none is configured",
            &jane_with(json!([MODERATE_PERMISSION, ""])),
        )
        .with(CLOSED),
        Attack::new("no session", &world.to(endpoint).json(&good)).refused(401, "Sign in first"),
        Attack::new(
            "a join token as the session",
            &world.to(endpoint).bearer(&join_token()).json(&good),
        )
        .refused(401, "The access token is not valid"),
    ]
}

fn join_token() -> String {
    use anteroom_stand_ins::livekit::{API_KEY, API_SECRET};
    let claims = json!({
        "iss": API_KEY, "sub": "user_1:0123456789abcdef", "exp": 4_102_444_800_u64,
        "video": { "roomAdmin": true, "room": TEST_ROOM },
    });
    jwt::hmac_signed(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, API_SECRET.as_bytes())
}

/// With rooms apart, no name leads to the shared room or to another organization's.
fn other_rooms(world: &World, endpoint: &str) -> Vec<Attack> {
    let other = world.workos.organization("MASADAS").id;
    let calls =
        [if endpoint == REMOVE { "livekit RemoveParticipant" } else { "livekit GetParticipant" }];
    [
        ("the shared room's name", TEST_ROOM.to_owned()),
        ("another organization's room", format!("{other}:{TEST_ROOM}")),
        ("another organization's room behind a path", format!("../{other}:{TEST_ROOM}")),
        ("another organization's room behind a separator", format!(":{other}:{TEST_ROOM}")),
    ]
    .into_iter()
    .map(|(tried, room)| {
        Attack::new(tried, &jane(world, endpoint, &json!({ "roomId": room })))
            .with(APART)
            .refused(NO_SUCH.0, NO_SUCH.1)
            .calling(&calls)
    })
    .collect()
}
