//! The real binary under a Lambda Runtime API, with real events. Denials first.

use std::time::Duration;

use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::livekit::TrackSource;
use anteroom_testing::livekit::{PARTICIPANT, TEST_ROOM, admit_participant, path_of};
use anteroom_testing::suites::rooms::RoomEndpoint;
use anteroom_testing::{Answer, Identity, RoomWorld};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_mute-participant");

const FIND: &str = "livekit.RoomService/GetParticipant";
const MUTE: &str = "livekit.RoomService/MutePublishedTrack";
const NOT_PUBLISHED: &str = "The participant does not publish this source";

const ENDPOINT: RoomEndpoint = RoomEndpoint {
    identity: Identity::WorkOs,
    binary: BINARY,
    event: "mute-participant.json",
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
    livekit_calls: &[FIND, MUTE],
    good_input,
};

anteroom_testing::room_endpoint_suites!(ENDPOINT, moderation_suite);

/// The documented body, of a participant who publishes a microphone and a camera.
fn good_input(world: &RoomWorld) -> Value {
    admit_participant(world);
    publish(world, TrackSource::Camera);
    of("microphone")
}

fn of(source: &str) -> Value {
    json!({ "roomId": TEST_ROOM, "identity": PARTICIPANT, "source": source })
}

fn publish(world: &RoomWorld, source: TrackSource) -> String {
    world.livekit.publish(TEST_ROOM, PARTICIPANT, source).expect("a track")
}

async fn mute(world: &RoomWorld, source: &str) -> Answer {
    world.ask(&world.event_of("jane", &of(source))).await
}

#[tokio::test]
async fn an_unknown_source_is_400() {
    let world = RoomWorld::start(BINARY).await;
    let mut input = good_input(&world);
    world.livekit.forget_requests();
    for source in [
        json!(null),
        json!(""),
        json!("MICROPHONE"),
        json!("screenShare"),
        json!("screen_share_audio"),
        json!("unknown"),
        json!(2),
        json!(["microphone"]),
        json!({ "microphone": null }),
    ] {
        input["source"] = source;
        let answer = world.ask(&world.event_of("jane", &input)).await;
        assert_eq!(answer.refusal(), (400, "`source` is not valid".to_owned()), "{input}");
    }
    input.as_object_mut().expect("an object").remove("source");
    let answer = world.ask(&world.event_of("jane", &input)).await;
    assert_eq!(answer.refusal(), (400, "`source` is missing".to_owned()));
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_unpublished_source_is_404() {
    let world = RoomWorld::start(BINARY).await;
    world.livekit.admit(TEST_ROOM, PARTICIPANT);
    publish(&world, TrackSource::Unknown);
    for source in ["microphone", "camera", "screen_share"] {
        let answer = mute(&world, source).await;
        assert_eq!(answer.refusal(), (404, NOT_PUBLISHED.to_owned()), "{source}");
    }
    assert_eq!(world.told("MutePublishedTrack"), [json!(null); 0]);
}

#[tokio::test]
async fn only_the_requested_source_is_muted() {
    let world = RoomWorld::start(BINARY).await;
    world.livekit.admit(TEST_ROOM, PARTICIPANT);
    let microphone = publish(&world, TrackSource::Microphone);
    let camera = publish(&world, TrackSource::Camera);
    let screen = publish(&world, TrackSource::ScreenShare);
    let its_audio = publish(&world, TrackSource::ScreenShareAudio);
    let mut muted = Vec::new();
    for (source, tracks) in [
        ("microphone", vec![microphone]),
        ("screen_share", vec![screen, its_audio]),
        ("camera", vec![camera]),
    ] {
        world.livekit.forget_requests();
        let answer = mute(&world, source).await;
        assert_eq!(answer.success(), json!({ "code": 200, "message": "OK" }), "{source}");
        let messages: Vec<_> = tracks.iter().map(|track| {
            json!({ "room": TEST_ROOM, "identity": PARTICIPANT, "track_sid": track, "muted": true })
        }).collect();
        assert_eq!(world.told("MutePublishedTrack"), messages);
        muted.extend(tracks);
        let mut found = world.livekit.muted_tracks(TEST_ROOM);
        found.sort();
        muted.sort();
        assert_eq!(found, muted, "{source}");
    }
}

#[tokio::test]
async fn muting_a_muted_source_succeeds_and_an_unmuted_one_is_muted_again() {
    let world = RoomWorld::start(BINARY).await;
    world.livekit.admit(TEST_ROOM, PARTICIPANT);
    let microphone = publish(&world, TrackSource::Microphone);
    for _ in 0..2 {
        assert_eq!(mute(&world, "microphone").await.status(), 200);
        assert_eq!(world.livekit.muted_tracks(TEST_ROOM), [microphone.as_str()]);
    }
    world.livekit.unmute(TEST_ROOM, PARTICIPANT, &microphone);
    assert_eq!(world.livekit.muted_tracks(TEST_ROOM), [""; 0]);
    assert_eq!(mute(&world, "microphone").await.status(), 200);
    assert_eq!(world.livekit.muted_tracks(TEST_ROOM), [microphone.as_str()]);
}

#[tokio::test]
async fn a_track_that_is_listed_as_muted_by_mistake_is_muted() {
    let world = RoomWorld::start(BINARY).await;
    world.livekit.admit(TEST_ROOM, PARTICIPANT);
    let microphone = publish(&world, TrackSource::Microphone);
    world.livekit.edit_answers("GetParticipant", |answer| {
        answer["tracks"][0]["muted"] = json!(true);
    });
    assert_eq!(mute(&world, "microphone").await.status(), 200);
    assert_eq!(world.livekit.muted_tracks(TEST_ROOM), [microphone]);
}

#[tokio::test]
async fn a_participant_who_leaves_between_the_lookup_and_the_mute_is_503() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    world.livekit.inject(Fault::Slow(Duration::from_millis(500)).on(path_of(MUTE)));
    let event = world.event_of("jane", &input);
    let leaving = async {
        while world.livekit.hits("POST", &path_of(MUTE)) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.livekit.leave(TEST_ROOM, PARTICIPANT);
    };
    let (answer, ()) = tokio::join!(world.ask(&event), leaving);
    assert_eq!(answer.refusal().0, 503, "LiveKit gets no response from the participant's node");
    world.livekit.clear_faults();
    assert_eq!(world.ask(&event).await.refusal().0, 404);
}

#[tokio::test]
async fn a_track_that_disappears_before_the_mute_is_404() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    world.livekit.edit_answers("GetParticipant", |answer| {
        answer["tracks"][0]["sid"] = json!("TR_gone");
    });
    let answer = world.ask(&world.event_of("jane", &input)).await;
    assert_eq!(answer.refusal(), (404, NOT_PUBLISHED.to_owned()));
    assert_eq!(world.livekit.muted_tracks(TEST_ROOM), [""; 0]);
}

#[tokio::test]
async fn unreadable_fields_of_a_participant_are_ignored() {
    for (change, status) in [
        (json!({ "state": 9, "kind": "OF_ANOTHER_VERSION", "name": null }), 200),
        (json!({ "tracks": [7, { "sid": 7 }, { "source": "MICROPHONE" }] }), 404),
        (json!({ "tracks": [] }), 404),
        (json!({ "tracks": 7 }), 502),
    ] {
        let world = RoomWorld::start(BINARY).await;
        let input = good_input(&world);
        let fields = change.as_object().expect("an object").clone();
        world.livekit.edit_answers("GetParticipant", move |answer| {
            answer.as_object_mut().expect("an object").extend(fields.clone());
        });
        let answer = world.ask(&world.event_of("jane", &input)).await;
        assert_eq!(answer.status(), status, "{change}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_mute_whose_connection_breaks_is_retried() {
    let world = RoomWorld::start(BINARY).await;
    let event = world.event_of("jane", &good_input(&world));
    for call in [FIND, MUTE] {
        for fault in [Fault::Down, Fault::Truncated] {
            world.livekit.inject(fault.on(path_of(call)).once());
            assert_eq!(world.ask(&event).await.status(), 200, "{fault:?} on {call}");
        }
    }
}
