//! Encoding options, from `livekit_egress.proto` and `livekit_models.proto`.

use prost::{Enumeration, Message};
use serde::{Deserialize, Serialize};

use crate::livekit::proto_json::{ByName, number};

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct EncodingOptions {
    #[prost(int32, tag = "1")]
    #[serde(deserialize_with = "number")]
    pub(crate) width: i32,
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "number")]
    pub(crate) height: i32,
    #[prost(int32, tag = "3")]
    #[serde(deserialize_with = "number")]
    pub(crate) depth: i32,
    #[prost(int32, tag = "4")]
    #[serde(deserialize_with = "number")]
    pub(crate) framerate: i32,
    #[prost(enumeration = "AudioCodec", tag = "5")]
    #[serde(with = "ByName::<AudioCodec>")]
    pub(crate) audio_codec: i32,
    #[prost(int32, tag = "6")]
    #[serde(deserialize_with = "number")]
    pub(crate) audio_bitrate: i32,
    #[prost(int32, tag = "11")]
    #[serde(deserialize_with = "number")]
    pub(crate) audio_quality: i32,
    #[prost(int32, tag = "7")]
    #[serde(deserialize_with = "number")]
    pub(crate) audio_frequency: i32,
    #[prost(enumeration = "VideoCodec", tag = "8")]
    #[serde(with = "ByName::<VideoCodec>")]
    pub(crate) video_codec: i32,
    #[prost(int32, tag = "9")]
    #[serde(deserialize_with = "number")]
    pub(crate) video_bitrate: i32,
    #[prost(int32, tag = "12")]
    #[serde(deserialize_with = "number")]
    pub(crate) video_quality: i32,
    #[prost(double, tag = "10")]
    pub(crate) key_frame_interval: f64,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(i32)]
pub(crate) enum AudioMixing {
    DefaultMixing = 0,
    DualChannelAgent = 1,
    DualChannelAlternate = 2,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[repr(i32)]
pub(crate) enum EncodingOptionsPreset {
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
pub(crate) enum EncodedFileType {
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
pub(crate) enum AudioCodec {
    DefaultAc = 0,
    Opus = 1,
    Aac = 2,
    AcMp3 = 3,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration, Serialize, Deserialize,
)]
#[repr(i32)]
pub(crate) enum VideoCodec {
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
