//! LiveKit's `RoomService`: whether a room has participants, and muting and removing them.
//! <https://docs.livekit.io/reference/server/server-apis/#roomservice-apis>

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::json;
use crate::livekit::RoomName;
use crate::livekit::access_token::Grant;
use crate::livekit::identity::Identity;
use crate::livekit::server_api::{self, CallError, Method, ServerApi};

const SERVICE: &str = "livekit.RoomService";

#[derive(Deserialize)]
struct ListRooms {
    #[serde(deserialize_with = "server_api::objects")]
    rooms: Vec<Room>,
}

#[derive(Deserialize)]
struct Room {
    name: String,
    #[serde(default, alias = "numParticipants", deserialize_with = "count")]
    num_participants: u64,
}

#[derive(Deserialize)]
struct ListParticipants {
    #[serde(deserialize_with = "server_api::objects")]
    participants: Vec<Participant>,
}

/// A participant. Fields that cannot be read are absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Participant {
    #[serde(deserialize_with = "json::or_default")]
    state: Value,
    #[serde(deserialize_with = "json::or_default")]
    kind: Value,
    #[serde(deserialize_with = "json::or_default")]
    permission: Permission,
}

/// A participant's permissions, which identify recorders and agents in older versions without
/// `kind`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Permission {
    #[serde(deserialize_with = "json::or_default")]
    recorder: bool,
    #[serde(deserialize_with = "json::or_default")]
    agent: bool,
}

/// A participant's published tracks.
#[derive(Deserialize)]
pub(in crate::livekit) struct Published {
    /// The tracks.
    #[serde(deserialize_with = "server_api::objects")]
    pub(in crate::livekit) tracks: Vec<Track>,
}

/// A published track.
#[derive(Deserialize)]
pub(in crate::livekit) struct Track {
    sid: String,
    #[serde(default, deserialize_with = "json::or_default")]
    source: Value,
}

#[derive(Deserialize)]
struct Muted {
    /// `null` if the participant no longer publishes the track.
    #[serde(deserialize_with = "json::or_default")]
    track: Option<IgnoredAny>,
}

/// An empty message.
#[derive(Deserialize)]
struct Removed {}

/// The source of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::livekit) enum TrackSource {
    /// The camera.
    Camera,
    /// The microphone.
    Microphone,
    /// The screen, with its audio.
    ScreenShare,
}

/// Serde's own implementation would also accept an object with the name as its key.
impl TryFrom<String> for TrackSource {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            "camera" => Ok(Self::Camera),
            "microphone" => Ok(Self::Microphone),
            "screen_share" => Ok(Self::ScreenShare),
            _ => Err("an unknown source"),
        }
    }
}

impl TrackSource {
    /// LiveKit's names and numbers for it.
    /// <https://github.com/livekit/protocol/blob/main/protobufs/livekit_models.proto>
    fn values(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Camera => &[("CAMERA", 1)],
            Self::Microphone => &[("MICROPHONE", 2)],
            Self::ScreenShare => &[("SCREEN_SHARE", 3), ("SCREEN_SHARE_AUDIO", 4)],
        }
    }
}

impl Track {
    /// Whether it comes from this source.
    pub(in crate::livekit) fn is_from(&self, source: TrackSource) -> bool {
        source.values().iter().any(|(name, number)| is(&self.source, name, *number))
    }
}

/// A number, possibly written as a string; otherwise 0.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value: Value = json::or_default(deserializer)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default())
}

impl Participant {
    /// Whether the participant is a person who is connected, and not a recorder or an agent.
    fn is_present(&self) -> bool {
        let is_machine = is(&self.kind, "EGRESS", 2)
            || is(&self.kind, "AGENT", 4)
            || self.permission.recorder
            || self.permission.agent;
        !is_machine && !is(&self.state, "DISCONNECTED", 3)
    }
}

/// Whether an enum value is this one, by name or by number.
fn is(value: &Value, name: &str, number: u64) -> bool {
    value.as_str() == Some(name) || value.as_u64() == Some(number)
}

impl ServerApi {
    /// Whether the room exists and has a participant.
    ///
    /// The list of rooms can only prove that somebody is there. It is up to five seconds old, so a
    /// room that somebody has just joined may be missing or appear empty. Only then do we list the
    /// participants, which takes megabytes for a large room.
    pub(in crate::livekit) async fn is_occupied(&self, room: &RoomName) -> Result<bool, CallError> {
        let list = Method::repeatable(SERVICE, "ListRooms", Grant::ListRooms);
        let rooms = match self.call::<ListRooms>(&list, json!({ "names": [room] })).await {
            Ok(list) => list.rooms,
            Err(CallError::NotFound) => Vec::new(),
            Err(error) => return Err(error),
        };
        if rooms.iter().any(|found| found.name == room.as_str() && found.num_participants > 0) {
            return Ok(true);
        }
        let list = Method::repeatable(SERVICE, "ListParticipants", Grant::AdministerRoom(room));
        match self.call::<ListParticipants>(&list, json!({ "room": room })).await {
            Ok(list) => Ok(list.participants.iter().any(Participant::is_present)),
            Err(CallError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The tracks that a participant has published.
    ///
    /// # Errors
    /// [`CallError::NotFound`] if the participant is not in the room.
    pub(in crate::livekit) async fn published(
        &self,
        room: &RoomName,
        identity: &Identity,
    ) -> Result<Published, CallError> {
        let find = Method::repeatable(SERVICE, "GetParticipant", Grant::AdministerRoom(room));
        self.call(&find, json!({ "room": room, "identity": identity })).await
    }

    /// Mutes a track for everybody, even if it is muted already. Its participant is told, and can
    /// unmute it.
    ///
    /// # Errors
    /// [`CallError::NotFound`] if the participant no longer publishes the track.
    pub(in crate::livekit) async fn mute(
        &self,
        room: &RoomName,
        identity: &Identity,
        track: &Track,
    ) -> Result<(), CallError> {
        let mute = Method::repeatable(SERVICE, "MutePublishedTrack", Grant::AdministerRoom(room));
        let message =
            json!({ "room": room, "identity": identity, "track_sid": track.sid, "muted": true });
        let Muted { track } = self.call(&mute, message).await?;
        track.map(drop).ok_or(CallError::NotFound)
    }

    /// Ends a participant's connection to the room.
    ///
    /// # Errors
    /// As [`published`](Self::published), unless an earlier attempt whose response was lost may have
    /// removed the participant.
    pub(in crate::livekit) async fn remove(
        &self,
        room: &RoomName,
        identity: &Identity,
    ) -> Result<(), CallError> {
        let remove = Method::repeatable(SERVICE, "RemoveParticipant", Grant::AdministerRoom(room));
        let message = json!({ "room": room, "identity": identity });
        let answer = self.send(&remove, message).await?;
        match server_api::read(&answer) {
            Ok(Removed {}) => Ok(()),
            Err(CallError::NotFound) if answer.after_lost_attempt => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_present_and_machines_are_not() {
        for (participant, present) in [
            (json!({ "state": "ACTIVE", "kind": "STANDARD" }), true),
            (json!({ "state": "JOINING", "kind": "SIP" }), true),
            (json!({ "state": 2, "kind": 0 }), true),
            (json!({ "state": "ACTIVE" }), true),
            (json!({}), true),
            (json!({ "state": null, "kind": null, "permission": null }), true),
            (json!({ "state": "ACTIVE", "kind": "OF_ANOTHER_VERSION" }), true),
            (json!({ "state": "ACTIVE", "permission": "all" }), true),
            (json!({ "state": "DISCONNECTED", "kind": "STANDARD" }), false),
            (json!({ "state": 3 }), false),
            (json!({ "state": "ACTIVE", "kind": "EGRESS" }), false),
            (json!({ "state": "ACTIVE", "kind": "AGENT" }), false),
            (json!({ "state": "ACTIVE", "kind": 2 }), false),
            (json!({ "state": "ACTIVE", "kind": 4 }), false),
            (json!({ "state": "ACTIVE", "permission": { "recorder": true } }), false),
            (json!({ "state": "ACTIVE", "permission": { "agent": true } }), false),
        ] {
            let read: Participant = serde_json::from_value(participant.clone()).expect("somebody");
            assert_eq!(read.is_present(), present, "{participant}");
        }
    }

    #[test]
    fn a_track_is_recognized_by_its_source() {
        use TrackSource::{Camera, Microphone, ScreenShare};
        for (track, source) in [
            (json!({ "source": "CAMERA" }), Some(Camera)),
            (json!({ "source": 1 }), Some(Camera)),
            (json!({ "source": "MICROPHONE" }), Some(Microphone)),
            (json!({ "source": 2 }), Some(Microphone)),
            (json!({ "source": "SCREEN_SHARE" }), Some(ScreenShare)),
            (json!({ "source": "SCREEN_SHARE_AUDIO" }), Some(ScreenShare)),
            (json!({ "source": 4 }), Some(ScreenShare)),
            (json!({ "source": "UNKNOWN" }), None),
            (json!({ "source": "OF_ANOTHER_VERSION" }), None),
            (json!({ "source": null }), None),
            (json!({}), None),
        ] {
            let mut read = track.clone();
            read["sid"] = json!("TR_1");
            let read: Track = serde_json::from_value(read).expect("a track");
            for candidate in [Camera, Microphone, ScreenShare] {
                assert_eq!(read.is_from(candidate), source == Some(candidate), "{track}");
            }
        }
    }

    #[test]
    fn a_muted_track_is_said_to_be_there_or_not() {
        let read =
            |body: Value| serde_json::from_value::<Muted>(body).map(|muted| muted.track.is_some());
        assert!(read(json!({ "track": { "sid": "TR_1" } })).expect("a track"));
        assert!(!read(json!({ "track": null })).expect("no track"));
        assert!(read(json!({})).is_err());
    }

    #[test]
    fn a_participant_without_a_list_of_tracks_is_an_error() {
        let read = |body: Value| serde_json::from_value::<Published>(body);
        let odd = json!({ "tracks": [{ "sid": 7 }, 7, { "sid": "TR_1" }] });
        assert_eq!(read(odd).expect("a list").tracks.len(), 1);
        assert!(read(json!({})).is_err() && read(json!({ "tracks": 7 })).is_err());
    }

    #[test]
    fn a_number_of_participants_is_read_as_far_as_it_is_one() {
        for (number, expected) in [
            (json!(3), 3),
            (json!("3"), 3),
            (json!(null), 0),
            (json!(-3), 0),
            (json!("three"), 0),
            (json!([3]), 0),
        ] {
            let room = json!({ "name": "daily", "num_participants": number });
            let room: Room = serde_json::from_value(room).expect("a room");
            assert_eq!(room.num_participants, expected, "{number}");
        }
    }
}
