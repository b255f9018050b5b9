//! The messages of LiveKit's server API, with the field numbers and names of `livekit_egress.proto`,
//! `livekit_room.proto` and `livekit_models.proto`.
//! <https://github.com/livekit/protocol/tree/main/protobufs>
//!
//! A member of a `oneof` is an optional field here: on the wire that is the same, and in JSON it is
//! left out when it is not set, where any other message is null. [`Unread`] stands for messages that
//! the stand-in takes and does not look into.

use std::collections::BTreeMap;

use prost::{Enumeration, Message};
use serde::{Deserialize, Serialize};

use super::proto_json::{ByName, OptionalByName, as_text, number};

/// A message whose fields are not read.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
pub(super) struct Unread {}

/// Records a room as a web page shows it.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RoomCompositeEgressRequest {
    #[prost(string, tag = "1")]
    pub(super) room_name: String,
    #[prost(string, tag = "2")]
    pub(super) layout: String,
    #[prost(bool, tag = "3")]
    pub(super) audio_only: bool,
    #[prost(enumeration = "AudioMixing", tag = "15")]
    #[serde(with = "ByName::<AudioMixing>")]
    pub(super) audio_mixing: i32,
    #[prost(bool, tag = "4")]
    pub(super) video_only: bool,
    #[prost(string, tag = "5")]
    pub(super) custom_base_url: String,
    #[prost(message, optional, tag = "6")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<EncodedFileOutput>,
    #[prost(message, optional, tag = "7")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<Unread>,
    #[prost(message, optional, tag = "10")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) segments: Option<Unread>,
    #[prost(enumeration = "EncodingOptionsPreset", optional, tag = "8")]
    #[serde(with = "OptionalByName::<EncodingOptionsPreset>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) preset: Option<i32>,
    #[prost(message, optional, tag = "9")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advanced: Option<EncodingOptions>,
    #[prost(message, repeated, tag = "11")]
    pub(super) file_outputs: Vec<EncodedFileOutput>,
    #[prost(message, repeated, tag = "12")]
    pub(super) stream_outputs: Vec<Unread>,
    #[prost(message, repeated, tag = "13")]
    pub(super) segment_outputs: Vec<Unread>,
    #[prost(message, repeated, tag = "14")]
    pub(super) image_outputs: Vec<Unread>,
    #[prost(message, repeated, tag = "16")]
    pub(super) webhooks: Vec<WebhookConfig>,
}

/// The later form of a start, for every source.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StartEgressRequest {
    #[prost(string, tag = "1")]
    pub(super) room_name: String,
    #[prost(message, optional, tag = "2")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) template: Option<TemplateSource>,
    #[prost(message, optional, tag = "3")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) web: Option<Unread>,
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) media: Option<Unread>,
    #[prost(enumeration = "EncodingOptionsPreset", optional, tag = "5")]
    #[serde(with = "OptionalByName::<EncodingOptionsPreset>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) preset: Option<i32>,
    #[prost(message, optional, tag = "6")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advanced: Option<EncodingOptions>,
    #[prost(message, repeated, tag = "7")]
    pub(super) outputs: Vec<Output>,
    #[prost(message, optional, tag = "8")]
    pub(super) storage: Option<StorageConfig>,
    #[prost(message, repeated, tag = "9")]
    pub(super) webhooks: Vec<WebhookConfig>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TemplateSource {
    #[prost(string, tag = "1")]
    pub(super) layout: String,
    #[prost(bool, tag = "2")]
    pub(super) audio_only: bool,
    #[prost(bool, tag = "3")]
    pub(super) video_only: bool,
    #[prost(string, tag = "4")]
    pub(super) custom_base_url: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Output {
    #[prost(message, optional, tag = "1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<FileOutput>,
    #[prost(message, optional, tag = "2")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<Unread>,
    #[prost(message, optional, tag = "3")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) segments: Option<Unread>,
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) images: Option<Unread>,
    #[prost(message, optional, tag = "6")]
    pub(super) storage: Option<StorageConfig>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FileOutput {
    #[prost(enumeration = "EncodedFileType", tag = "1")]
    #[serde(with = "ByName::<EncodedFileType>")]
    pub(super) file_type: i32,
    #[prost(string, tag = "2")]
    pub(super) filepath: String,
    #[prost(bool, tag = "3")]
    pub(super) disable_manifest: bool,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct EncodedFileOutput {
    #[prost(enumeration = "EncodedFileType", tag = "1")]
    #[serde(with = "ByName::<EncodedFileType>")]
    pub(super) file_type: i32,
    #[prost(string, tag = "2")]
    pub(super) filepath: String,
    #[prost(bool, tag = "6")]
    pub(super) disable_manifest: bool,
    #[prost(message, optional, tag = "3")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) s3: Option<S3Upload>,
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gcp: Option<Unread>,
    #[prost(message, optional, tag = "5")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) azure: Option<Unread>,
    #[prost(message, optional, tag = "7")]
    #[serde(rename = "aliOSS", alias = "ali_o_s_s", skip_serializing_if = "Option::is_none")]
    pub(super) ali_oss: Option<Unread>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StorageConfig {
    #[prost(message, optional, tag = "1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) s3: Option<S3Upload>,
    #[prost(message, optional, tag = "2")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gcp: Option<Unread>,
    #[prost(message, optional, tag = "3")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) azure: Option<Unread>,
    #[prost(message, optional, tag = "4")]
    #[serde(rename = "aliOSS", alias = "ali_o_s_s", skip_serializing_if = "Option::is_none")]
    pub(super) ali_oss: Option<Unread>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct S3Upload {
    #[prost(string, tag = "1")]
    pub(super) access_key: String,
    #[prost(string, tag = "2")]
    pub(super) secret: String,
    #[prost(string, tag = "11")]
    pub(super) session_token: String,
    #[prost(string, tag = "12")]
    pub(super) assume_role_arn: String,
    #[prost(string, tag = "13")]
    pub(super) assume_role_external_id: String,
    #[prost(string, tag = "3")]
    pub(super) region: String,
    #[prost(string, tag = "4")]
    pub(super) endpoint: String,
    #[prost(string, tag = "5")]
    pub(super) bucket: String,
    #[prost(bool, tag = "6")]
    pub(super) force_path_style: bool,
    #[prost(btree_map = "string, string", tag = "7")]
    pub(super) metadata: BTreeMap<String, String>,
    #[prost(string, tag = "8")]
    pub(super) tagging: String,
    #[prost(string, tag = "9")]
    pub(super) content_disposition: String,
    #[prost(message, optional, tag = "10")]
    pub(super) proxy: Option<ProxyConfig>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ProxyConfig {
    #[prost(string, tag = "1")]
    pub(super) url: String,
    #[prost(string, tag = "2")]
    pub(super) username: String,
    #[prost(string, tag = "3")]
    pub(super) password: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct WebhookConfig {
    #[prost(string, tag = "1")]
    pub(super) url: String,
    #[prost(string, tag = "2")]
    pub(super) signing_key: String,
    #[prost(message, optional, tag = "3")]
    pub(super) filter_params: Option<Unread>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct EncodingOptions {
    #[prost(int32, tag = "1")]
    #[serde(deserialize_with = "number")]
    pub(super) width: i32,
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "number")]
    pub(super) height: i32,
    #[prost(int32, tag = "3")]
    #[serde(deserialize_with = "number")]
    pub(super) depth: i32,
    #[prost(int32, tag = "4")]
    #[serde(deserialize_with = "number")]
    pub(super) framerate: i32,
    #[prost(enumeration = "AudioCodec", tag = "5")]
    #[serde(with = "ByName::<AudioCodec>")]
    pub(super) audio_codec: i32,
    #[prost(int32, tag = "6")]
    #[serde(deserialize_with = "number")]
    pub(super) audio_bitrate: i32,
    #[prost(int32, tag = "11")]
    #[serde(deserialize_with = "number")]
    pub(super) audio_quality: i32,
    #[prost(int32, tag = "7")]
    #[serde(deserialize_with = "number")]
    pub(super) audio_frequency: i32,
    #[prost(enumeration = "VideoCodec", tag = "8")]
    #[serde(with = "ByName::<VideoCodec>")]
    pub(super) video_codec: i32,
    #[prost(int32, tag = "9")]
    #[serde(deserialize_with = "number")]
    pub(super) video_bitrate: i32,
    #[prost(int32, tag = "12")]
    #[serde(deserialize_with = "number")]
    pub(super) video_quality: i32,
    #[prost(double, tag = "10")]
    pub(super) key_frame_interval: f64,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ListEgressRequest {
    #[prost(string, tag = "1")]
    pub(super) room_name: String,
    #[prost(string, tag = "2")]
    pub(super) egress_id: String,
    #[prost(bool, tag = "3")]
    pub(super) active: bool,
    #[prost(message, optional, tag = "4")]
    pub(super) page_token: Option<TokenPagination>,
}

/// Where the next page of a list begins.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TokenPagination {
    #[prost(string, tag = "1")]
    pub(super) token: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(super) struct ListEgressResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) items: Vec<EgressInfo>,
    #[prost(message, optional, tag = "2")]
    pub(super) next_page_token: Option<TokenPagination>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StopEgressRequest {
    #[prost(string, tag = "1")]
    pub(super) egress_id: String,
}

/// What is known of an egress. Times are in nanoseconds since 1970.
#[derive(Clone, PartialEq, Message, Serialize)]
pub(super) struct EgressInfo {
    #[prost(string, tag = "1")]
    pub(super) egress_id: String,
    #[prost(string, tag = "2")]
    pub(super) room_id: String,
    #[prost(string, tag = "13")]
    pub(super) room_name: String,
    #[prost(enumeration = "EgressSourceType", tag = "26")]
    #[serde(with = "ByName::<EgressSourceType>")]
    pub(super) source_type: i32,
    #[prost(enumeration = "EgressStatus", tag = "3")]
    #[serde(with = "ByName::<EgressStatus>")]
    pub(super) status: i32,
    #[prost(int64, tag = "10")]
    #[serde(serialize_with = "as_text")]
    pub(super) started_at: i64,
    #[prost(int64, tag = "11")]
    #[serde(serialize_with = "as_text")]
    pub(super) ended_at: i64,
    #[prost(int64, tag = "18")]
    #[serde(serialize_with = "as_text")]
    pub(super) updated_at: i64,
    #[prost(message, optional, tag = "29")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) egress: Option<StartEgressRequest>,
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room_composite: Option<RoomCompositeEgressRequest>,
    #[prost(message, repeated, tag = "15")]
    pub(super) stream_results: Vec<Unread>,
    #[prost(message, repeated, tag = "16")]
    pub(super) file_results: Vec<FileInfo>,
    #[prost(message, repeated, tag = "17")]
    pub(super) segment_results: Vec<Unread>,
    #[prost(message, repeated, tag = "20")]
    pub(super) image_results: Vec<Unread>,
    #[prost(string, tag = "9")]
    pub(super) error: String,
    #[prost(int32, tag = "22")]
    pub(super) error_code: i32,
    #[prost(string, tag = "21")]
    pub(super) details: String,
    #[prost(string, tag = "23")]
    pub(super) manifest_location: String,
    #[prost(bool, tag = "25")]
    pub(super) backup_storage_used: bool,
    #[prost(int32, tag = "27")]
    pub(super) retry_count: i32,
    #[prost(message, optional, tag = "8")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<FileInfo>,
}

/// Times and durations are in nanoseconds, the size in bytes.
#[derive(Clone, PartialEq, Message, Serialize)]
pub(super) struct FileInfo {
    #[prost(string, tag = "1")]
    pub(super) filename: String,
    #[prost(int64, tag = "2")]
    #[serde(serialize_with = "as_text")]
    pub(super) started_at: i64,
    #[prost(int64, tag = "3")]
    #[serde(serialize_with = "as_text")]
    pub(super) ended_at: i64,
    #[prost(int64, tag = "6")]
    #[serde(serialize_with = "as_text")]
    pub(super) duration: i64,
    #[prost(int64, tag = "4")]
    #[serde(serialize_with = "as_text")]
    pub(super) size: i64,
    #[prost(string, tag = "5")]
    pub(super) location: String,
}

/// How far an egress is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[repr(i32)]
pub enum EgressStatus {
    /// The recorder prepares.
    #[serde(rename = "EGRESS_STARTING")]
    Starting = 0,
    /// It records.
    #[serde(rename = "EGRESS_ACTIVE")]
    Active = 1,
    /// It was told to stop, and finishes and uploads the file.
    #[serde(rename = "EGRESS_ENDING")]
    Ending = 2,
    /// The file is where it should be.
    #[serde(rename = "EGRESS_COMPLETE")]
    Complete = 3,
    /// Something went wrong on the way.
    #[serde(rename = "EGRESS_FAILED")]
    Failed = 4,
    /// It was stopped before it recorded.
    #[serde(rename = "EGRESS_ABORTED")]
    Aborted = 5,
    /// It ended by itself, at the longest duration allowed.
    #[serde(rename = "EGRESS_LIMIT_REACHED")]
    LimitReached = 6,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[repr(i32)]
pub(super) enum EgressSourceType {
    #[serde(rename = "EGRESS_SOURCE_TYPE_WEB")]
    Web = 0,
    #[serde(rename = "EGRESS_SOURCE_TYPE_SDK")]
    Sdk = 1,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(i32)]
pub(super) enum AudioMixing {
    DefaultMixing = 0,
    DualChannelAgent = 1,
    DualChannelAlternate = 2,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[repr(i32)]
pub(super) enum EncodingOptionsPreset {
    #[serde(rename = "H264_720P_30")]
    P720At30 = 0,
    #[serde(rename = "H264_720P_60")]
    P720At60 = 1,
    #[serde(rename = "H264_1080P_30")]
    P1080At30 = 2,
    #[serde(rename = "H264_1080P_60")]
    P1080At60 = 3,
    #[serde(rename = "PORTRAIT_H264_720P_30")]
    Portrait720At30 = 4,
    #[serde(rename = "PORTRAIT_H264_720P_60")]
    Portrait720At60 = 5,
    #[serde(rename = "PORTRAIT_H264_1080P_30")]
    Portrait1080At30 = 6,
    #[serde(rename = "PORTRAIT_H264_1080P_60")]
    Portrait1080At60 = 7,
    #[serde(rename = "PASSTHROUGH")]
    Passthrough = 8,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[repr(i32)]
pub(super) enum EncodedFileType {
    #[serde(rename = "DEFAULT_FILETYPE")]
    Default = 0,
    #[serde(rename = "MP4")]
    Mp4 = 1,
    #[serde(rename = "OGG")]
    Ogg = 2,
    #[serde(rename = "MP3")]
    Mp3 = 3,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(i32)]
pub(super) enum AudioCodec {
    DefaultAc = 0,
    Opus = 1,
    Aac = 2,
    AcMp3 = 3,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[repr(i32)]
pub(super) enum VideoCodec {
    #[serde(rename = "DEFAULT_VC")]
    Default = 0,
    #[serde(rename = "H264_BASELINE")]
    H264Baseline = 1,
    #[serde(rename = "H264_MAIN")]
    H264Main = 2,
    #[serde(rename = "H264_HIGH")]
    H264High = 3,
    #[serde(rename = "VP8")]
    Vp8 = 4,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CreateRoomRequest {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "12")]
    pub(super) room_preset: String,
    #[prost(uint32, tag = "2")]
    #[serde(deserialize_with = "number")]
    pub(super) empty_timeout: u32,
    #[prost(uint32, tag = "10")]
    #[serde(deserialize_with = "number")]
    pub(super) departure_timeout: u32,
    #[prost(uint32, tag = "3")]
    #[serde(deserialize_with = "number")]
    pub(super) max_participants: u32,
    #[prost(string, tag = "5")]
    pub(super) metadata: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ListRoomsRequest {
    #[prost(string, repeated, tag = "1")]
    pub(super) names: Vec<String>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(super) struct ListRoomsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) rooms: Vec<Room>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct DeleteRoomRequest {
    #[prost(string, tag = "1")]
    pub(super) room: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ListParticipantsRequest {
    #[prost(string, tag = "1")]
    pub(super) room: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(super) struct ListParticipantsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) participants: Vec<ParticipantInfo>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(super) struct Room {
    #[prost(string, tag = "1")]
    pub(super) sid: String,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(uint32, tag = "3")]
    pub(super) empty_timeout: u32,
    #[prost(uint32, tag = "14")]
    pub(super) departure_timeout: u32,
    #[prost(uint32, tag = "4")]
    pub(super) max_participants: u32,
    #[prost(int64, tag = "5")]
    #[serde(serialize_with = "as_text")]
    pub(super) creation_time: i64,
    #[prost(int64, tag = "15")]
    #[serde(serialize_with = "as_text")]
    pub(super) creation_time_ms: i64,
    #[prost(string, tag = "6")]
    pub(super) turn_password: String,
    #[prost(message, repeated, tag = "7")]
    pub(super) enabled_codecs: Vec<Codec>,
    #[prost(string, tag = "8")]
    pub(super) metadata: String,
    #[prost(uint32, tag = "9")]
    pub(super) num_participants: u32,
    #[prost(uint32, tag = "11")]
    pub(super) num_publishers: u32,
    #[prost(bool, tag = "10")]
    pub(super) active_recording: bool,
    #[prost(message, optional, tag = "13")]
    pub(super) version: Option<Unread>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(super) struct Codec {
    #[prost(string, tag = "1")]
    pub(super) mime: String,
    #[prost(string, tag = "2")]
    pub(super) fmtp_line: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(super) struct ParticipantInfo {
    #[prost(string, tag = "1")]
    pub(super) sid: String,
    #[prost(string, tag = "2")]
    pub(super) identity: String,
    #[prost(enumeration = "ParticipantState", tag = "3")]
    #[serde(with = "ByName::<ParticipantState>")]
    pub(super) state: i32,
    #[prost(message, repeated, tag = "4")]
    pub(super) tracks: Vec<Unread>,
    #[prost(string, tag = "5")]
    pub(super) metadata: String,
    #[prost(int64, tag = "6")]
    #[serde(serialize_with = "as_text")]
    pub(super) joined_at: i64,
    #[prost(int64, tag = "17")]
    #[serde(serialize_with = "as_text")]
    pub(super) joined_at_ms: i64,
    #[prost(string, tag = "9")]
    pub(super) name: String,
    #[prost(message, optional, tag = "11")]
    pub(super) permission: Option<ParticipantPermission>,
    #[prost(string, tag = "12")]
    pub(super) region: String,
    #[prost(bool, tag = "13")]
    pub(super) is_publisher: bool,
    #[prost(enumeration = "ParticipantKind", tag = "14")]
    #[serde(with = "ByName::<ParticipantKind>")]
    pub(super) kind: i32,
    #[prost(btree_map = "string, string", tag = "15")]
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "LiveKit's own message")]
pub(super) struct ParticipantPermission {
    #[prost(bool, tag = "1")]
    pub(super) can_subscribe: bool,
    #[prost(bool, tag = "2")]
    pub(super) can_publish: bool,
    #[prost(bool, tag = "3")]
    pub(super) can_publish_data: bool,
    #[prost(bool, tag = "7")]
    pub(super) hidden: bool,
    #[prost(bool, tag = "8")]
    pub(super) recorder: bool,
    #[prost(bool, tag = "10")]
    pub(super) can_update_metadata: bool,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(i32)]
pub(super) enum ParticipantState {
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
pub(super) enum ParticipantKind {
    Standard = 0,
    Ingress = 1,
    Egress = 2,
    Sip = 3,
    Agent = 4,
}
