//! For `remove-participant` and `mute-participant`. Denials first.

#![allow(missing_docs, reason = "the name of a test is a sentence")]
#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails")]

use anteroom_stand_ins::livekit::TrackSource;
use serde_json::{Value, json};

use crate::livekit::{
    PARTICIPANT, TEST_ROOM, admit, foreign_recording, open_test_room, state_of_room,
};
use crate::mistakes::HOSTILE_NAMES;
use crate::room_world::RoomWorld;
use crate::suites::rooms::RoomEndpoint;

const NO_SUCH: &str = "There is no such participant in this room";

/// Asserts that Jane gets 404 for this identity.
async fn assert_no_such_participant(world: &RoomWorld, input: &Value, identity: &str) {
    let mut input = input.clone();
    input["identity"] = json!(identity);
    let answer = world.ask(&world.event_of("jane", &input)).await;
    assert_eq!(answer.refusal(), (404, NO_SUCH.to_owned()), "{identity}");
}

pub async fn without_the_permission_it_is_403_and_livekit_is_not_called(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let permission = endpoint.identity.moderate_permission();
    let (longer, louder) = (format!("{permission}:all"), permission.to_uppercase());
    let others = [endpoint.identity.recording_permission(), endpoint.identity.invite_permission()];
    let without = [&[][..], &["rooms"], &["org:rooms"], &[&longer], &[&louder], &others];
    let without = without.map(|permissions| world.event_with_permissions(permissions, &input));
    let others = [
        world.event_of("without_organization", &input),
        world.event_in("member_of_two", "MASADAS", &input),
    ];
    for event in without.into_iter().chain(others) {
        let answer = world.ask(&event).await;
        let refused = (403, "You are not allowed to moderate".to_owned());
        assert_eq!(answer.refusal(), refused, "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
    let event = world.event_with_permissions(&[permission], &input);
    assert_eq!(world.ask(&event).await.status(), endpoint.success);
}

pub async fn without_a_configured_permission_nobody_moderates(endpoint: &RoomEndpoint) {
    let world = endpoint.start_with(&[("ROOM_MODERATE_PERMISSION", "")]).await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let permission = endpoint.identity.moderate_permission();
    for event in [
        world.event_of("jane", &input),
        world.event_with_permissions(&["", permission, "*"], &input),
    ] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal(), (403, "You are not allowed to moderate".to_owned()));
    }
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn an_invalid_identity_is_400(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    for identity in [json!(null), json!(7), json!(true), json!([PARTICIPANT]), json!({})] {
        let mut input = input.clone();
        input["identity"] = identity;
        let answer = world.ask(&world.event_of("jane", &input)).await;
        assert_eq!(answer.refusal(), (400, "`identity` is not valid".to_owned()));
    }
    let mut without = input.clone();
    without.as_object_mut().expect("an object").remove("identity");
    let answer = world.ask(&world.event_of("jane", &without)).await;
    assert_eq!(answer.refusal(), (400, "`identity` is missing".to_owned()));
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn a_recorder_an_agent_and_every_other_identity_is_404_and_livekit_is_not_called(
    endpoint: &RoomEndpoint,
) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    let recording = foreign_recording(TEST_ROOM, "daily.mp4");
    let recorder = world.livekit.start_egress("StartRoomCompositeEgress", recording);
    let jane = world.user_id("jane");
    let agent = "agent-AJ_2bVxQkYcJZr6";
    for identity in [agent, &jane, "participant-9"] {
        admit(&world, TEST_ROOM, identity);
    }
    let before = state_of_room(&world.livekit, TEST_ROOM);
    world.livekit.forget_requests();
    let longer = format!("{PARTICIPANT}0");
    let upper = PARTICIPANT.to_uppercase();
    let others =
        ["", "guest:", "guest:1 ", &recorder, agent, &jane, "participant-9", &longer, &upper];
    for identity in others.into_iter().chain(HOSTILE_NAMES) {
        assert_no_such_participant(&world, &input, identity).await;
    }
    assert_eq!(world.asked(), [""; 0]);
    assert_eq!(state_of_room(&world.livekit, TEST_ROOM), before);
}

pub async fn a_participant_who_left_or_never_joined_is_404(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    admit(&world, "another-room", "guest:2");
    let stranger = format!("{}:0123456789abcdef", world.user_id("jane"));
    for identity in ["guest:2", "guest:3", &stranger] {
        assert_no_such_participant(&world, &input, identity).await;
    }
    assert_eq!(world.livekit.identities("another-room"), ["guest:2"]);
    assert_eq!(world.livekit.muted_tracks("another-room"), [""; 0]);
    world.livekit.leave(TEST_ROOM, PARTICIPANT);
    assert_no_such_participant(&world, &input, PARTICIPANT).await;
    world.livekit.close_room(TEST_ROOM);
    assert_no_such_participant(&world, &input, PARTICIPANT).await;
}

pub async fn another_organizations_room_cannot_be_reached(endpoint: &RoomEndpoint) {
    let world = endpoint.start_with(&[("ROOM_NAMESPACE", "organization")]).await;
    let input = (endpoint.good_input)(&world);
    let own = format!("{}:{TEST_ROOM}", world.organization_id("Example"));
    world.livekit.close_room(&own);
    let theirs = format!("{}:{TEST_ROOM}", world.organization_id("MASADAS"));
    admit(&world, &theirs, PARTICIPANT);
    let others = [TEST_ROOM, &theirs].map(|room| state_of_room(&world.livekit, room));
    world.livekit.forget_requests();
    for name in [TEST_ROOM, &theirs, &format!("../{theirs}"), &format!("{theirs}:")] {
        let mut input = input.clone();
        input["roomId"] = json!(name);
        assert_no_such_participant(&world, &input, PARTICIPANT).await;
        let asked: Vec<_> = world.livekit.requests().into_iter().map(|it| it.json()).collect();
        let prefix = format!("{}:", world.organization_id("Example"));
        assert!(
            asked.iter().all(|message| {
                message
                    .as_ref()
                    .is_some_and(|it| it["room"].as_str().unwrap_or("").starts_with(&prefix))
            }),
            "{asked:?}"
        );
    }
    let after = [TEST_ROOM, &theirs].map(|room| state_of_room(&world.livekit, room));
    assert_eq!(after, others);
    open_test_room(&world);
    admit(&world, &own, PARTICIPANT);
    let answer = world.ask(&world.event_of("jane", &input)).await;
    assert_eq!(answer.status(), endpoint.success, "the organization's own room");
}

pub async fn users_guests_and_oneself_are_moderated_alike(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    let oneself = format!("{}:0123456789abcdef", world.user_id("jane"));
    let other = format!("{}:fedcba9876543210", world.user_id("member_of_two"));
    for identity in [PARTICIPANT, &oneself, &other, "guest:00000000000000000000"] {
        admit(&world, TEST_ROOM, identity);
        let mut input = input.clone();
        input["identity"] = json!(identity);
        let answer = world.ask(&world.event_of("jane", &input)).await;
        assert_eq!(answer.success(), json!({ "code": 200, "message": "OK" }), "{identity}");
    }
}

pub async fn logs_name_neither_the_room_nor_anybody_in_it(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let mut input = (endpoint.good_input)(&world);
    input["roomId"] = json!("doctor-visit");
    assert_eq!(world.ask(&world.event_of("jane", &input)).await.status(), 404);
    admit(&world, "doctor-visit", PARTICIPANT);
    world.livekit.publish("doctor-visit", PARTICIPANT, TrackSource::Camera);
    assert_eq!(world.ask(&world.event_of("jane", &input)).await.status(), endpoint.success);
    let jane = world.user_id("jane");
    world.logs_nothing_of(2, &["doctor", PARTICIPANT, &jane]).await;
}

/// Declares the suite's tests for a [`RoomEndpoint`](crate::suites::rooms::RoomEndpoint), the
/// constant of this name.
#[macro_export]
macro_rules! moderation_suite {
    ($endpoint:ident) => {
        $crate::tests! { moderation($endpoint):
            without_the_permission_it_is_403_and_livekit_is_not_called,
            without_a_configured_permission_nobody_moderates,
            an_invalid_identity_is_400,
            a_recorder_an_agent_and_every_other_identity_is_404_and_livekit_is_not_called,
            a_participant_who_left_or_never_joined_is_404,
            another_organizations_room_cannot_be_reached,
            users_guests_and_oneself_are_moderated_alike,
            logs_name_neither_the_room_nor_anybody_in_it,
        }
        $crate::livekit_calls_suite!($endpoint);
    };
}
