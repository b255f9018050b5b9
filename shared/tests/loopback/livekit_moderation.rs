//! Muting and removing participants: who is out or muted afterward, and who is not. Denials first.

use anteroom::caller::Caller;
use anteroom::livekit::{Moderator, RoomName, Rooms};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::livekit::{LiveKit, TrackSource};
use serde_json::json;

use crate::{configured, read, status};

const JANE: &str = "user_jane:0123456789abcdef";
const JOHN: &str = "user_john:0123456789abcdef";

struct World {
    livekit: LiveKit,
    moderator: Moderator,
    room: RoomName,
}

impl World {
    /// A room with Jane, John and a recorder.
    async fn start() -> Self {
        let livekit = LiveKit::start().await.unwrap();
        for identity in [JANE, JOHN, "EG_recorder"] {
            livekit.admit("room", identity);
        }
        let moderator = configured(livekit.settings(), Moderator::configure).await;
        let caller = Caller {
            user_id: "user_moderator".to_owned(),
            session_id: "session_1".to_owned(),
            organization_id: None,
            permissions: vec!["moderate".to_owned()],
            impersonator: None,
        };
        let permission = ("ROOM_MODERATE_PERMISSION".to_owned(), "moderate".to_owned());
        let rooms = configured(vec![permission], Rooms::to_moderate).await;
        let id = read(json!("room"));
        let room = rooms.room(&caller, &id).unwrap();
        Self { livekit, moderator, room }
    }

    async fn remove(&self, identity: &str) -> u16 {
        let input = json!({ "roomId": "room", "identity": identity });
        status(&self.moderator.remove(&self.room, &read(input)).await)
    }

    async fn mute(&self, identity: &str, source: &str) -> u16 {
        let input = json!({ "roomId": "room", "identity": identity, "source": source });
        status(&self.moderator.mute(&self.room, &read(input)).await)
    }
}

#[tokio::test]
async fn a_recorder_and_an_absent_participant_are_404() {
    let world = World::start().await;
    for identity in ["EG_recorder", "user_nobody:0123456789abcdef", "guest:1", ""] {
        assert_eq!(world.remove(identity).await, 404, "{identity}");
        assert_eq!(world.mute(identity, "microphone").await, 404, "{identity}");
    }
    assert_eq!(world.livekit.identities("room"), [JANE, JOHN, "EG_recorder"]);
    assert_eq!(world.mute(JANE, "camera").await, 404, "Jane publishes nothing");
}

#[tokio::test]
async fn one_participant_is_removed_and_the_others_stay() {
    let world = World::start().await;
    assert_eq!(world.remove(JANE).await, 200);
    assert_eq!(world.livekit.identities("room"), [JOHN, "EG_recorder"]);
    assert_eq!(world.remove(JANE).await, 404);
}

#[tokio::test]
async fn one_source_of_one_participant_is_muted_however_often() {
    let world = World::start().await;
    let mut tracks = [(JANE, TrackSource::Microphone), (JANE, TrackSource::Camera)]
        .map(|(identity, source)| world.livekit.publish("room", identity, source).unwrap());
    world.livekit.publish("room", JOHN, TrackSource::Microphone).unwrap();
    assert_eq!(world.mute(JANE, "microphone").await, 200);
    assert_eq!(world.livekit.muted_tracks("room"), tracks[..1]);
    assert_eq!(world.mute(JANE, "microphone").await, 200);
    assert_eq!(world.mute(JANE, "camera").await, 200);
    let mut muted = world.livekit.muted_tracks("room");
    muted.sort();
    tracks.sort();
    assert_eq!(muted, tracks);
}

#[tokio::test]
async fn a_removal_whose_response_was_lost_is_a_success() {
    let world = World::start().await;
    let path = "/twirp/livekit.RoomService/RemoveParticipant";
    world.livekit.inject(Fault::Truncated.on(path).once());
    assert_eq!(world.remove(JANE).await, 200);
    assert_eq!(world.livekit.hits("POST", path), 2);
    assert_eq!(world.remove(JANE).await, 404, "and only that one");
    world.livekit.inject(Fault::Failing(500).on(path));
    assert_eq!(world.remove(JOHN).await, 503);
}
