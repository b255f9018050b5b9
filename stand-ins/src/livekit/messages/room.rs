//! Rooms and participants, from `livekit_room.proto` and `livekit_models.proto`.

use std::collections::BTreeMap;

use prost::{Enumeration, Message};
use serde::{Deserialize, Serialize};

use super::unread::Unread;
use crate::livekit::proto_json::{ByName, as_text, number};

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CreateRoomRequest {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "12")]
    pub(crate) room_preset: String,
    #[prost(uint32, tag = "2")]
    #[serde(deserialize_with = "number")]
    pub(crate) empty_timeout: u32,
    #[prost(uint32, tag = "10")]
    #[serde(deserialize_with = "number")]
    pub(crate) departure_timeout: u32,
    #[prost(uint32, tag = "3")]
    #[serde(deserialize_with = "number")]
    pub(crate) max_participants: u32,
    #[prost(string, tag = "5")]
    pub(crate) metadata: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ListRoomsRequest {
    #[prost(string, repeated, tag = "1")]
    pub(crate) names: Vec<String>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(crate) struct ListRoomsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) rooms: Vec<Room>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DeleteRoomRequest {
    #[prost(string, tag = "1")]
    pub(crate) room: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ListParticipantsRequest {
    #[prost(string, tag = "1")]
    pub(crate) room: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(crate) struct ListParticipantsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) participants: Vec<ParticipantInfo>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RoomParticipantIdentity {
    #[prost(string, tag = "1")]
    pub(crate) room: String,
    #[prost(string, tag = "2")]
    pub(crate) identity: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MuteRoomTrackRequest {
    #[prost(string, tag = "1")]
    pub(crate) room: String,
    #[prost(string, tag = "2")]
    pub(crate) identity: String,
    #[prost(string, tag = "3")]
    pub(crate) track_sid: String,
    #[prost(bool, tag = "4")]
    pub(crate) muted: bool,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(crate) struct MuteRoomTrackResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) track: Option<TrackInfo>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(crate) struct Room {
    #[prost(string, tag = "1")]
    pub(crate) sid: String,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(uint32, tag = "3")]
    pub(crate) empty_timeout: u32,
    #[prost(uint32, tag = "14")]
    pub(crate) departure_timeout: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) max_participants: u32,
    #[prost(int64, tag = "5")]
    #[serde(serialize_with = "as_text")]
    pub(crate) creation_time: i64,
    #[prost(int64, tag = "15")]
    #[serde(serialize_with = "as_text")]
    pub(crate) creation_time_ms: i64,
    #[prost(string, tag = "6")]
    pub(crate) turn_password: String,
    #[prost(message, repeated, tag = "7")]
    pub(crate) enabled_codecs: Vec<Codec>,
    #[prost(string, tag = "8")]
    pub(crate) metadata: String,
    #[prost(uint32, tag = "9")]
    pub(crate) num_participants: u32,
    #[prost(uint32, tag = "11")]
    pub(crate) num_publishers: u32,
    #[prost(bool, tag = "10")]
    pub(crate) active_recording: bool,
    #[prost(message, optional, tag = "13")]
    pub(crate) version: Option<Unread>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(crate) struct Codec {
    #[prost(string, tag = "1")]
    pub(crate) mime: String,
    #[prost(string, tag = "2")]
    pub(crate) fmtp_line: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(crate) struct ParticipantInfo {
    #[prost(string, tag = "1")]
    pub(crate) sid: String,
    #[prost(string, tag = "2")]
    pub(crate) identity: String,
    #[prost(enumeration = "ParticipantState", tag = "3")]
    #[serde(with = "ByName::<ParticipantState>")]
    pub(crate) state: i32,
    #[prost(message, repeated, tag = "4")]
    pub(crate) tracks: Vec<TrackInfo>,
    #[prost(string, tag = "5")]
    pub(crate) metadata: String,
    #[prost(int64, tag = "6")]
    #[serde(serialize_with = "as_text")]
    pub(crate) joined_at: i64,
    #[prost(int64, tag = "17")]
    #[serde(serialize_with = "as_text")]
    pub(crate) joined_at_ms: i64,
    #[prost(string, tag = "9")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "11")]
    pub(crate) permission: Option<ParticipantPermission>,
    #[prost(string, tag = "12")]
    pub(crate) region: String,
    #[prost(bool, tag = "13")]
    pub(crate) is_publisher: bool,
    #[prost(enumeration = "ParticipantKind", tag = "14")]
    #[serde(with = "ByName::<ParticipantKind>")]
    pub(crate) kind: i32,
    #[prost(btree_map = "string, string", tag = "15")]
    pub(crate) attributes: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(crate) struct TrackInfo {
    #[prost(string, tag = "1")]
    pub(crate) sid: String,
    #[prost(enumeration = "TrackType", tag = "2")]
    #[serde(rename = "type", with = "ByName::<TrackType>")]
    pub(crate) kind: i32,
    #[prost(string, tag = "3")]
    pub(crate) name: String,
    #[prost(bool, tag = "4")]
    pub(crate) muted: bool,
    #[prost(uint32, tag = "5")]
    pub(crate) width: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) height: u32,
    #[prost(enumeration = "TrackSource", tag = "9")]
    #[serde(with = "ByName::<TrackSource>")]
    pub(crate) source: i32,
    #[prost(string, tag = "11")]
    pub(crate) mime_type: String,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(i32)]
pub(crate) enum TrackType {
    Audio = 0,
    Video = 1,
    Data = 2,
}

/// What a track carries.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(i32)]
pub enum TrackSource {
    /// The client did not say.
    Unknown = 0,
    /// A camera.
    Camera = 1,
    /// A microphone.
    Microphone = 2,
    /// A screen.
    ScreenShare = 3,
    /// The sound of what is on the screen.
    ScreenShareAudio = 4,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "LiveKit's own message")]
pub(crate) struct ParticipantPermission {
    #[prost(bool, tag = "1")]
    pub(crate) can_subscribe: bool,
    #[prost(bool, tag = "2")]
    pub(crate) can_publish: bool,
    #[prost(bool, tag = "3")]
    pub(crate) can_publish_data: bool,
    #[prost(bool, tag = "7")]
    pub(crate) hidden: bool,
    #[prost(bool, tag = "8")]
    pub(crate) recorder: bool,
    #[prost(bool, tag = "10")]
    pub(crate) can_update_metadata: bool,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(i32)]
pub(crate) enum ParticipantState {
    Joining = 0,
    Joined = 1,
    Active = 2,
    Disconnected = 3,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(i32)]
pub(crate) enum ParticipantKind {
    Standard = 0,
    Ingress = 1,
    Egress = 2,
    Sip = 3,
    Agent = 4,
}
