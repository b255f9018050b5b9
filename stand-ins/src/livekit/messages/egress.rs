//! Recordings, from `livekit_egress.proto`.

use std::collections::BTreeMap;

use prost::{Enumeration, Message};
use serde::{Deserialize, Serialize};

use super::{
    encoding::{AudioMixing, EncodedFileType, EncodingOptions, EncodingOptionsPreset},
    unread::Unread,
};
use crate::livekit::proto_json::{ByName, OptionalByName, as_text};

/// A request to record a room as rendered by a web page.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RoomCompositeEgressRequest {
    #[prost(string, tag = "1")]
    pub(crate) room_name: String,
    #[prost(string, tag = "2")]
    pub(crate) layout: String,
    #[prost(bool, tag = "3")]
    pub(crate) audio_only: bool,
    #[prost(enumeration = "AudioMixing", tag = "15")]
    #[serde(with = "ByName::<AudioMixing>")]
    pub(crate) audio_mixing: i32,
    #[prost(bool, tag = "4")]
    pub(crate) video_only: bool,
    #[prost(string, tag = "5")]
    pub(crate) custom_base_url: String,
    #[prost(message, optional, tag = "6")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<EncodedFileOutput>,
    #[prost(message, optional, tag = "7")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<Unread>,
    #[prost(message, optional, tag = "10")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) segments: Option<Unread>,
    #[prost(enumeration = "EncodingOptionsPreset", optional, tag = "8")]
    #[serde(with = "OptionalByName::<EncodingOptionsPreset>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preset: Option<i32>,
    #[prost(message, optional, tag = "9")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advanced: Option<EncodingOptions>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) file_outputs: Vec<EncodedFileOutput>,
    #[prost(message, repeated, tag = "12")]
    pub(crate) stream_outputs: Vec<Unread>,
    #[prost(message, repeated, tag = "13")]
    pub(crate) segment_outputs: Vec<Unread>,
    #[prost(message, repeated, tag = "14")]
    pub(crate) image_outputs: Vec<Unread>,
    #[prost(message, repeated, tag = "16")]
    pub(crate) webhooks: Vec<WebhookConfig>,
}

/// The newer start request, for all sources.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StartEgressRequest {
    #[prost(string, tag = "1")]
    pub(crate) room_name: String,
    #[prost(message, optional, tag = "2")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<TemplateSource>,
    #[prost(message, optional, tag = "3")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) web: Option<Unread>,
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) media: Option<Unread>,
    #[prost(enumeration = "EncodingOptionsPreset", optional, tag = "5")]
    #[serde(with = "OptionalByName::<EncodingOptionsPreset>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preset: Option<i32>,
    #[prost(message, optional, tag = "6")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advanced: Option<EncodingOptions>,
    #[prost(message, repeated, tag = "7")]
    pub(crate) outputs: Vec<Output>,
    #[prost(message, optional, tag = "8")]
    pub(crate) storage: Option<StorageConfig>,
    #[prost(message, repeated, tag = "9")]
    pub(crate) webhooks: Vec<WebhookConfig>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TemplateSource {
    #[prost(string, tag = "1")]
    pub(crate) layout: String,
    #[prost(bool, tag = "2")]
    pub(crate) audio_only: bool,
    #[prost(bool, tag = "3")]
    pub(crate) video_only: bool,
    #[prost(string, tag = "4")]
    pub(crate) custom_base_url: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Output {
    #[prost(message, optional, tag = "1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<FileOutput>,
    #[prost(message, optional, tag = "2")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<Unread>,
    #[prost(message, optional, tag = "3")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) segments: Option<Unread>,
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) images: Option<Unread>,
    #[prost(message, optional, tag = "6")]
    pub(crate) storage: Option<StorageConfig>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FileOutput {
    #[prost(enumeration = "EncodedFileType", tag = "1")]
    #[serde(with = "ByName::<EncodedFileType>")]
    pub(crate) file_type: i32,
    #[prost(string, tag = "2")]
    pub(crate) filepath: String,
    #[prost(bool, tag = "3")]
    pub(crate) disable_manifest: bool,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct EncodedFileOutput {
    #[prost(enumeration = "EncodedFileType", tag = "1")]
    #[serde(with = "ByName::<EncodedFileType>")]
    pub(crate) file_type: i32,
    #[prost(string, tag = "2")]
    pub(crate) filepath: String,
    #[prost(bool, tag = "6")]
    pub(crate) disable_manifest: bool,
    #[prost(message, optional, tag = "3")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) s3: Option<S3Upload>,
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gcp: Option<Unread>,
    #[prost(message, optional, tag = "5")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) azure: Option<Unread>,
    #[prost(message, optional, tag = "7")]
    #[serde(rename = "aliOSS", alias = "ali_o_s_s", skip_serializing_if = "Option::is_none")]
    pub(crate) ali_oss: Option<Unread>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StorageConfig {
    #[prost(message, optional, tag = "1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) s3: Option<S3Upload>,
    #[prost(message, optional, tag = "2")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gcp: Option<Unread>,
    #[prost(message, optional, tag = "3")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) azure: Option<Unread>,
    #[prost(message, optional, tag = "4")]
    #[serde(rename = "aliOSS", alias = "ali_o_s_s", skip_serializing_if = "Option::is_none")]
    pub(crate) ali_oss: Option<Unread>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct S3Upload {
    #[prost(string, tag = "1")]
    pub(crate) access_key: String,
    #[prost(string, tag = "2")]
    pub(crate) secret: String,
    #[prost(string, tag = "11")]
    pub(crate) session_token: String,
    #[prost(string, tag = "12")]
    pub(crate) assume_role_arn: String,
    #[prost(string, tag = "13")]
    pub(crate) assume_role_external_id: String,
    #[prost(string, tag = "3")]
    pub(crate) region: String,
    #[prost(string, tag = "4")]
    pub(crate) endpoint: String,
    #[prost(string, tag = "5")]
    pub(crate) bucket: String,
    #[prost(bool, tag = "6")]
    pub(crate) force_path_style: bool,
    #[prost(btree_map = "string, string", tag = "7")]
    pub(crate) metadata: BTreeMap<String, String>,
    #[prost(string, tag = "8")]
    pub(crate) tagging: String,
    #[prost(string, tag = "9")]
    pub(crate) content_disposition: String,
    #[prost(message, optional, tag = "10")]
    pub(crate) proxy: Option<ProxyConfig>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ProxyConfig {
    #[prost(string, tag = "1")]
    pub(crate) url: String,
    #[prost(string, tag = "2")]
    pub(crate) username: String,
    #[prost(string, tag = "3")]
    pub(crate) password: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct WebhookConfig {
    #[prost(string, tag = "1")]
    pub(crate) url: String,
    #[prost(string, tag = "2")]
    pub(crate) signing_key: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) filter_params: Option<Unread>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ListEgressRequest {
    #[prost(string, tag = "1")]
    pub(crate) room_name: String,
    #[prost(string, tag = "2")]
    pub(crate) egress_id: String,
    #[prost(bool, tag = "3")]
    pub(crate) active: bool,
    #[prost(message, optional, tag = "4")]
    pub(crate) page_token: Option<TokenPagination>,
}

/// The position of a list's next page.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TokenPagination {
    #[prost(string, tag = "1")]
    pub(crate) token: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub(crate) struct ListEgressResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) items: Vec<EgressInfo>,
    #[prost(message, optional, tag = "2")]
    pub(crate) next_page_token: Option<TokenPagination>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StopEgressRequest {
    #[prost(string, tag = "1")]
    pub(crate) egress_id: String,
}

/// The state of an egress. Times are in nanoseconds since the Unix epoch.
#[derive(Clone, PartialEq, Message, Serialize)]
pub(crate) struct EgressInfo {
    #[prost(string, tag = "1")]
    pub(crate) egress_id: String,
    #[prost(string, tag = "2")]
    pub(crate) room_id: String,
    #[prost(string, tag = "13")]
    pub(crate) room_name: String,
    #[prost(enumeration = "EgressSourceType", tag = "26")]
    #[serde(with = "ByName::<EgressSourceType>")]
    pub(crate) source_type: i32,
    #[prost(enumeration = "EgressStatus", tag = "3")]
    #[serde(with = "ByName::<EgressStatus>")]
    pub(crate) status: i32,
    #[prost(int64, tag = "10")]
    #[serde(serialize_with = "as_text")]
    pub(crate) started_at: i64,
    #[prost(int64, tag = "11")]
    #[serde(serialize_with = "as_text")]
    pub(crate) ended_at: i64,
    #[prost(int64, tag = "18")]
    #[serde(serialize_with = "as_text")]
    pub(crate) updated_at: i64,
    #[prost(message, optional, tag = "29")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) egress: Option<StartEgressRequest>,
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) room_composite: Option<RoomCompositeEgressRequest>,
    #[prost(message, repeated, tag = "15")]
    pub(crate) stream_results: Vec<Unread>,
    #[prost(message, repeated, tag = "16")]
    pub(crate) file_results: Vec<FileInfo>,
    #[prost(message, repeated, tag = "17")]
    pub(crate) segment_results: Vec<Unread>,
    #[prost(message, repeated, tag = "20")]
    pub(crate) image_results: Vec<Unread>,
    #[prost(string, tag = "9")]
    pub(crate) error: String,
    #[prost(int32, tag = "22")]
    pub(crate) error_code: i32,
    #[prost(string, tag = "21")]
    pub(crate) details: String,
    #[prost(string, tag = "23")]
    pub(crate) manifest_location: String,
    #[prost(bool, tag = "25")]
    pub(crate) backup_storage_used: bool,
    #[prost(int32, tag = "27")]
    pub(crate) retry_count: i32,
    #[prost(message, optional, tag = "8")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<FileInfo>,
}

/// Times and durations are in nanoseconds, the size in bytes.
#[derive(Clone, PartialEq, Message, Serialize)]
pub(crate) struct FileInfo {
    #[prost(string, tag = "1")]
    pub(crate) filename: String,
    #[prost(int64, tag = "2")]
    #[serde(serialize_with = "as_text")]
    pub(crate) started_at: i64,
    #[prost(int64, tag = "3")]
    #[serde(serialize_with = "as_text")]
    pub(crate) ended_at: i64,
    #[prost(int64, tag = "6")]
    #[serde(serialize_with = "as_text")]
    pub(crate) duration: i64,
    #[prost(int64, tag = "4")]
    #[serde(serialize_with = "as_text")]
    pub(crate) size: i64,
    #[prost(string, tag = "5")]
    pub(crate) location: String,
}

/// The status of an egress.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[repr(i32)]
pub enum EgressStatus {
    /// The recorder is starting.
    #[serde(rename = "EGRESS_STARTING")]
    Starting = 0,
    /// It is recording.
    #[serde(rename = "EGRESS_ACTIVE")]
    Active = 1,
    /// It was told to stop, and is finishing and uploading the file.
    #[serde(rename = "EGRESS_ENDING")]
    Ending = 2,
    /// The file is uploaded.
    #[serde(rename = "EGRESS_COMPLETE")]
    Complete = 3,
    /// Something went wrong.
    #[serde(rename = "EGRESS_FAILED")]
    Failed = 4,
    /// It was stopped before it recorded anything.
    #[serde(rename = "EGRESS_ABORTED")]
    Aborted = 5,
    /// It ended at the maximum duration.
    #[serde(rename = "EGRESS_LIMIT_REACHED")]
    LimitReached = 6,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[repr(i32)]
pub(crate) enum EgressSourceType {
    #[serde(rename = "EGRESS_SOURCE_TYPE_WEB")]
    Web = 0,
    #[serde(rename = "EGRESS_SOURCE_TYPE_SDK")]
    Sdk = 1,
}
