//! The real binary under a Lambda Runtime API, with real events. Denials first.

use anteroom_stand_ins::faults::Fault;
use anteroom_testing::livekit::{PARTICIPANT, TEST_ROOM, admit_participant, path_of};
use anteroom_testing::suites::rooms::RoomEndpoint;
use anteroom_testing::{Identity, RoomWorld};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_remove-participant");

const REMOVE: &str = "livekit.RoomService/RemoveParticipant";

const ENDPOINT: RoomEndpoint = RoomEndpoint {
    identity: Identity::WorkOs,
    binary: BINARY,
    event: "remove-participant.json",
    event_status: 200,
    success: 200,
    room_field: "roomId",
    required_settings: &["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_URL"],
    malformed_settings: &[
        ("ALLOWED_ORIGINS", "everybody.example"),
        ("LIVEKIT_API_KEY", "hunter one"),
        ("LIVEKIT_API_SECRET", "hunter2"),
        ("LIVEKIT_IDENTITY", "auth0"),
        ("LIVEKIT_URL", "ws://livekit.example.com"),
        ("ROOM_NAMESPACE", "organisation"),
        ("STAGE", "production"),
    ],
    livekit_calls: &[REMOVE],
    good_input,
};

anteroom_testing::room_endpoint_suites!(ENDPOINT, moderation_suite);

/// The documented body, of a participant who is there.
fn good_input(world: &RoomWorld) -> Value {
    admit_participant(world);
    json!({ "roomId": TEST_ROOM, "identity": PARTICIPANT })
}

#[tokio::test]
async fn only_the_named_participant_is_removed() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    world.livekit.admit(TEST_ROOM, "guest:2");
    let organizations = format!("{}:{TEST_ROOM}", world.organization_id("Example"));
    let answer = world.ask(&world.event_of("jane", &input)).await;
    assert_eq!(answer.success(), json!({ "code": 200, "message": "OK" }));
    assert_eq!(world.livekit.identities(TEST_ROOM), ["guest:2"]);
    assert_eq!(world.livekit.identities(&organizations), [PARTICIPANT], "another room");
    let told = json!({ "room": TEST_ROOM, "identity": PARTICIPANT });
    assert_eq!(world.told("RemoveParticipant"), [told]);
    assert_eq!(world.asked(), ["RemoveParticipant"]);
}

#[tokio::test]
async fn a_second_removal_is_404_until_the_participant_is_back() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    for status in [200, 404, 404] {
        assert_eq!(world.ask(&event).await.status(), status);
    }
    world.livekit.admit(TEST_ROOM, PARTICIPANT);
    assert_eq!(world.ask(&event).await.status(), 200, "it is no ban");
}

#[tokio::test]
async fn a_removal_whose_connection_breaks_is_retried() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    world.livekit.inject(Fault::Down.on(path_of(REMOVE)).once());
    assert_eq!(world.ask(&event).await.status(), 200, "before it was heard");
    world.livekit.admit(TEST_ROOM, PARTICIPANT);
    world.livekit.inject(Fault::Truncated.on(path_of(REMOVE)).once());
    assert_eq!(world.ask(&event).await.status(), 200, "after it was heard: nobody is there");
    assert_eq!(world.livekit.identities(TEST_ROOM), [""; 0]);
}
