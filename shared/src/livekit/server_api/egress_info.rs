//! LiveKit's `EgressInfo`, read leniently: another program or a later API version may have started
//! an egress, and it must not keep us from reading the others.
//! <https://docs.livekit.io/reference/other/egress/api/#egressinfo>
//!
//! LiveKit's JSON includes empty fields, except members of a `oneof`. Names come in either of
//! protobuf's two spellings.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::ids::id;
use crate::json;
use crate::livekit::RoomName;
use crate::livekit::object_metadata::{self, ORGANIZATION, STARTED_BY};

id!(EgressId, "an egress");

/// An egress in a list. Fields that cannot be read are absent. Its metadata may be personal, so it has
/// no `Debug`.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::livekit) struct EgressInfo {
    #[serde(alias = "egressId", deserialize_with = "json::or_default")]
    egress_id: Option<EgressId>,
    #[serde(alias = "roomName", deserialize_with = "json::or_default")]
    room_name: Option<String>,
    #[serde(deserialize_with = "json::or_default")]
    status: Status,
    #[serde(alias = "startedAt", deserialize_with = "nanoseconds")]
    started_at: Option<Timestamp>,
    #[serde(alias = "updatedAt", deserialize_with = "nanoseconds")]
    updated_at: Option<Timestamp>,
    #[serde(alias = "endedAt", deserialize_with = "nanoseconds")]
    ended_at: Option<Timestamp>,
    #[serde(alias = "roomComposite", deserialize_with = "json::or_default")]
    room_composite: Option<RoomComposite>,
    #[serde(deserialize_with = "json::or_default")]
    egress: Option<StartEgress>,
    web: Option<IgnoredAny>,
    participant: Option<IgnoredAny>,
    #[serde(alias = "trackComposite")]
    track_composite: Option<IgnoredAny>,
    track: Option<IgnoredAny>,
    replay: Option<IgnoredAny>,
    #[serde(alias = "fileResults", deserialize_with = "json::readable_items")]
    file_results: Vec<FileResult>,
}

/// LiveKit's confirmation that an egress has started or stopped. The id is required.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::livekit) struct ConfirmedEgress {
    /// Its id.
    #[serde(alias = "egressId")]
    pub(in crate::livekit) egress_id: EgressId,
    #[serde(default, alias = "startedAt", deserialize_with = "nanoseconds")]
    started_at: Option<Timestamp>,
    #[serde(default, alias = "endedAt", deserialize_with = "nanoseconds")]
    ended_at: Option<Timestamp>,
}

/// The state of an egress, by name or by number.
/// <https://docs.livekit.io/reference/other/egress/api/#egressstatus>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Value")]
pub(in crate::livekit) enum Status {
    /// A recorder has accepted it.
    Starting,
    /// It is recording.
    Active,
    /// Recording has stopped, and the file is being written.
    Ending,
    /// It has ended, and its file is or will soon be in the bucket: complete, or limit reached.
    Complete,
    /// It has failed or was aborted.
    Failed,
    /// An unknown state.
    #[default]
    Unknown,
}

impl From<Value> for Status {
    fn from(value: Value) -> Self {
        match (value.as_str(), value.as_i64()) {
            (Some("EGRESS_STARTING"), _) | (_, Some(0)) => Self::Starting,
            (Some("EGRESS_ACTIVE"), _) | (_, Some(1)) => Self::Active,
            (Some("EGRESS_ENDING"), _) | (_, Some(2)) => Self::Ending,
            (Some("EGRESS_COMPLETE" | "EGRESS_LIMIT_REACHED"), _) | (_, Some(3 | 6)) => {
                Self::Complete
            }
            (Some("EGRESS_FAILED" | "EGRESS_ABORTED"), _) | (_, Some(4 | 5)) => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// The request of `StartRoomCompositeEgress`.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct RoomComposite {
    #[serde(deserialize_with = "json::or_default")]
    file: Option<FileOutput>,
    #[serde(alias = "fileOutputs", deserialize_with = "json::readable_items")]
    file_outputs: Vec<FileOutput>,
    segments: Option<IgnoredAny>,
    #[serde(alias = "segmentOutputs", deserialize_with = "json::readable_items")]
    segment_outputs: Vec<IgnoredAny>,
    stream: Option<IgnoredAny>,
    #[serde(alias = "streamOutputs", deserialize_with = "json::readable_items")]
    stream_outputs: Vec<IgnoredAny>,
    #[serde(alias = "imageOutputs", deserialize_with = "json::readable_items")]
    image_outputs: Vec<IgnoredAny>,
}

/// The request of `StartEgress`. Its one source is a template, a web page or media.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct StartEgress {
    #[serde(deserialize_with = "json::or_default")]
    media: Option<Media>,
    #[serde(deserialize_with = "json::readable_items")]
    outputs: Vec<Output>,
    #[serde(deserialize_with = "json::or_default")]
    storage: Storage,
}

/// Tracks of a room, without a page that shows them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Media {
    #[serde(deserialize_with = "json::or_default")]
    audio: Audio,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Audio {
    #[serde(alias = "captureAll", deserialize_with = "json::or_default")]
    capture_all: bool,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Output {
    #[serde(deserialize_with = "json::or_default")]
    file: Option<FileOutput>,
    segments: Option<IgnoredAny>,
    stream: Option<IgnoredAny>,
    images: Option<IgnoredAny>,
    #[serde(deserialize_with = "json::or_default")]
    storage: Storage,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct FileOutput {
    #[serde(deserialize_with = "json::or_default")]
    filepath: Option<String>,
    #[serde(deserialize_with = "json::or_default")]
    s3: Option<S3Upload>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Storage {
    #[serde(deserialize_with = "json::or_default")]
    s3: Option<S3Upload>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct S3Upload {
    #[serde(deserialize_with = "json::or_default")]
    metadata: Option<BTreeMap<String, Value>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct FileResult {
    #[serde(deserialize_with = "json::or_default")]
    filename: Option<String>,
    #[serde(deserialize_with = "positive")]
    size: Option<u64>,
}

/// Nanoseconds since the Unix epoch, which protobuf's JSON writes as text. Zero, and anything else
/// that is not a positive number, means that there is no time.
fn nanoseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let since_epoch = positive(deserializer)?.map(Duration::from_nanos);
    Ok(since_epoch.map(|since_epoch| Timestamp::EPOCH.after(since_epoch)))
}

/// A 64-bit number, which protobuf's JSON writes as text. Zero and anything else count as absent.
fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value: Value = json::or_default(deserializer)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    Ok(number.filter(|number| *number > 0))
}

impl EgressInfo {
    /// Its id.
    pub(in crate::livekit) fn id(&self) -> Option<&EgressId> {
        self.egress_id.as_ref()
    }

    /// Whether it belongs to this room. We ask LiveKit for the egresses of one room, so one without
    /// a room name belongs to that room.
    pub(in crate::livekit) fn is_of(&self, room: &RoomName) -> bool {
        self.room_name.as_deref().is_none_or(|name| name.is_empty() || name == room.as_str())
    }

    /// The state.
    pub(in crate::livekit) fn status(&self) -> Status {
        match self.status {
            Status::Unknown if self.ended_at.is_some() => Status::Complete,
            status => status,
        }
    }

    /// Whether it is starting or recording, or may be.
    pub(in crate::livekit) fn is_running(&self) -> bool {
        matches!(self.status(), Status::Starting | Status::Active | Status::Unknown)
    }

    /// Whether it has ended, whether well or not.
    pub(in crate::livekit) fn has_ended(&self) -> bool {
        matches!(self.status(), Status::Complete | Status::Failed)
    }

    /// Whether it records the whole room to files. Single participants and tracks, exports of
    /// earlier recordings, live streams and images do not count; a request that we cannot read
    /// does.
    pub(in crate::livekit) fn is_recording(&self) -> bool {
        match (&self.room_composite, &self.egress) {
            (Some(composite), _) => composite.writes_files(),
            (None, Some(start)) => start.is_of_whole_room() && start.writes_files(),
            (None, None) => {
                let others =
                    [self.web, self.participant, self.track_composite, self.track, self.replay];
                others.iter().all(Option::is_none)
            }
        }
    }

    /// The key of its object: from the request or, if that cannot be read, from the result.
    pub(in crate::livekit) fn object_key(&self) -> Option<&str> {
        let asked = self.file_outputs().find_map(|output| output.filepath.as_deref());
        asked.or_else(|| self.file_results.iter().find_map(|file| file.filename.as_deref()))
    }

    /// Whether the metadata of its object names this organization, or no organization if this is
    /// `None`. Returns `None` if the metadata is not ours or LiveKit does not show it.
    pub(in crate::livekit) fn is_of_organization(
        &self,
        organization: Option<&str>,
    ) -> Option<bool> {
        let metadata = self.all_own_metadata()?;
        let expected = organization.map(object_metadata::encode);
        let named = metadata.get(ORGANIZATION).map(|value| value.as_str().unwrap_or_default());
        Some(named == expected.as_deref())
    }

    /// An encoded value in the metadata of its object, if the metadata is ours.
    pub(in crate::livekit) fn own_metadata(&self, name: &str) -> Option<&str> {
        self.all_own_metadata()?.get(name)?.as_str()
    }

    /// When it started, in Unix seconds.
    pub(in crate::livekit) fn started(&self) -> Option<u64> {
        self.started_at.map(Timestamp::whole_seconds)
    }

    /// When it ended, in Unix seconds.
    pub(in crate::livekit) fn ended(&self) -> Option<u64> {
        self.ended_at.map(Timestamp::whole_seconds)
    }

    /// The size of its file in bytes, once it is known.
    pub(in crate::livekit) fn size(&self) -> Option<u64> {
        self.file_results.iter().find_map(|file| file.size)
    }

    /// Whether it has been running for longer than `age`, if LiveKit says when it began.
    pub(in crate::livekit) fn is_older_than(&self, age: Duration, now: Timestamp) -> bool {
        let began = self.started_at.or(self.updated_at);
        began.is_some_and(|began| began.after(age) < now)
    }

    /// Confirms a start whose response was lost.
    pub(in crate::livekit) fn into_confirmed(self) -> Option<ConfirmedEgress> {
        let Self { egress_id, started_at, ended_at, .. } = self;
        Some(ConfirmedEgress { egress_id: egress_id?, started_at, ended_at })
    }

    fn file_outputs(&self) -> impl Iterator<Item = &FileOutput> {
        let composite = self.room_composite.iter();
        let composite = composite.flat_map(|it| it.file_outputs.iter().chain(&it.file));
        let outputs = self.egress.iter().flat_map(|it| &it.outputs);
        composite.chain(outputs.filter_map(|output| output.file.as_ref()))
    }

    fn all_own_metadata(&self) -> Option<&BTreeMap<String, Value>> {
        self.metadata().filter(|metadata| metadata.contains_key(STARTED_BY))
    }

    fn metadata(&self) -> Option<&BTreeMap<String, Value>> {
        let of_files = self.file_outputs().map(|output| &output.s3);
        let of_start = self.egress.iter();
        let of_start = of_start
            .flat_map(|it| it.outputs.iter().map(|output| &output.storage).chain([&it.storage]));
        let mut uploads = of_files.chain(of_start.map(|storage| &storage.s3)).flatten();
        uploads.find_map(|upload| upload.metadata.as_ref())
    }
}

impl ConfirmedEgress {
    /// When it was started, in Unix seconds.
    pub(in crate::livekit) fn started(&self) -> Option<u64> {
        self.started_at.map(Timestamp::whole_seconds)
    }

    /// When it ended, in Unix seconds.
    pub(in crate::livekit) fn ended(&self) -> Option<u64> {
        self.ended_at.map(Timestamp::whole_seconds)
    }
}

impl RoomComposite {
    fn writes_files(&self) -> bool {
        let writes = self.file.is_some()
            || !self.file_outputs.is_empty()
            || self.segments.is_some()
            || !self.segment_outputs.is_empty();
        let does_otherwise = self.stream.is_some()
            || !self.stream_outputs.is_empty()
            || !self.image_outputs.is_empty();
        writes || !does_otherwise
    }
}

impl StartEgress {
    /// Whether it covers the whole room and not only some participants or tracks.
    fn is_of_whole_room(&self) -> bool {
        self.media.is_none_or(|media| media.audio.capture_all)
    }

    fn writes_files(&self) -> bool {
        let writes = |output: &Output| output.file.is_some() || output.segments.is_some();
        let does_otherwise = |output: &Output| output.stream.is_some() || output.images.is_some();
        self.outputs.iter().any(writes) || !self.outputs.iter().any(does_otherwise)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: Value) -> EgressInfo {
        serde_json::from_value(json).expect("an egress")
    }

    /// An active egress that also has these fields.
    fn egress(fields: Value) -> EgressInfo {
        let mut json =
            json!({ "egress_id": "EG_1", "room_name": "room", "status": "EGRESS_ACTIVE" });
        let Value::Object(fields) = fields else { panic!("no object") };
        json.as_object_mut().expect("an object").extend(fields);
        read(json)
    }

    #[test]
    fn reads_what_a_server_writes_in_either_spelling() {
        let metadata = json!({ "started-by": "user_1", "organization": "org_1" });
        let snake = json!({
            "egress_id": "EG_1", "room_name": "room", "status": "EGRESS_ACTIVE",
            "started_at": "1752486896123456789", "updated_at": "0", "ended_at": "0", "error": "",
            "room_composite": {
                "room_name": "room", "segment_outputs": [],
                "file_outputs": [{
                    "filepath": "a.mp4", "s3": { "metadata": metadata },
                }],
            },
        });
        let camel = json!({
            "egressId": "EG_1", "roomName": "room", "status": "EGRESS_ACTIVE",
            "startedAt": 1_752_486_896_123_456_789_u64,
            "roomComposite": { "fileOutputs": [{
                "filepath": "a.mp4", "s3": { "metadata": metadata },
            }] },
        });
        let later = json!({
            "egress_id": "EG_1", "room_name": "room", "status": 1,
            "started_at": "1752486896123456789",
            "egress": {
                "room_name": "room", "template": { "layout": "grid" },
                "outputs": [{ "file": { "filepath": "a.mp4" } }],
                "storage": { "s3": { "metadata": metadata } },
            },
        });
        for json in [snake, camel, later] {
            let info = read(json);
            assert!(info.is_running() && info.is_recording());
            assert_eq!(info.object_key(), Some("a.mp4"));
            assert_eq!(info.is_of_organization(Some("org_1")), Some(true));
            assert_eq!((info.started(), info.ended()), (Some(1_752_486_896), None));
            let confirmed = info.into_confirmed().expect("an id");
            assert_eq!(confirmed.egress_id.as_str(), "EG_1");
            assert_eq!((confirmed.started(), confirmed.ended()), (Some(1_752_486_896), None));
        }
    }

    #[test]
    fn what_may_go_on_is_running() {
        for (status, running) in [
            (json!("EGRESS_STARTING"), true),
            (json!("EGRESS_ACTIVE"), true),
            (json!("EGRESS_ENDING"), false),
            (json!("EGRESS_COMPLETE"), false),
            (json!("EGRESS_FAILED"), false),
            (json!("EGRESS_ABORTED"), false),
            (json!("EGRESS_LIMIT_REACHED"), false),
            (json!(0), true),
            (json!(1), true),
            (json!(2), false),
            (json!(3), false),
            (json!(6), false),
            (json!(7), true),
            (json!(-1), true),
            (json!("EGRESS_PAUSED"), true),
            (json!(null), true),
            (json!({}), true),
        ] {
            assert_eq!(egress(json!({ "status": status })).is_running(), running, "{status}");
        }
        let ended = json!({ "status": "EGRESS_ARCHIVED", "ended_at": "1752486896123456789" });
        assert!(!egress(ended).is_running(), "it says when it ended");
    }

    #[test]
    fn a_state_has_a_name_and_a_number() {
        for (name, number, state) in [
            ("EGRESS_STARTING", 0, Status::Starting),
            ("EGRESS_ACTIVE", 1, Status::Active),
            ("EGRESS_ENDING", 2, Status::Ending),
            ("EGRESS_COMPLETE", 3, Status::Complete),
            ("EGRESS_FAILED", 4, Status::Failed),
            ("EGRESS_ABORTED", 5, Status::Failed),
            ("EGRESS_LIMIT_REACHED", 6, Status::Complete),
            ("EGRESS_OF_ANOTHER_VERSION", 7, Status::Unknown),
        ] {
            for status in [json!(name), json!(number)] {
                assert_eq!(egress(json!({ "status": status })).status(), state, "{status}");
            }
        }
    }

    #[test]
    fn what_has_ended_says_when_and_how_long_its_file_is() {
        let fields = json!({
            "egress_id": "EG_1",
            "ended_at": "1752486999123456789",
            "file_results": [{ "filename": "a.mp4", "size": "0" }, { "size": "1234567" }],
        });
        let info = read(fields.clone());
        assert_eq!((info.ended(), info.size()), (Some(1_752_486_999), Some(1_234_567)));
        let confirmed: ConfirmedEgress = serde_json::from_value(fields).expect("an egress");
        assert_eq!(confirmed.ended(), Some(1_752_486_999));
        for file_results in [json!([]), json!([{ "size": "0" }]), json!([{ "size": "large" }])] {
            let fields = json!({ "file_results": file_results });
            assert_eq!(egress(fields.clone()).size(), None, "{fields}");
        }
    }

    #[test]
    fn what_is_being_written_has_not_ended() {
        for (status, ended) in [
            ("EGRESS_ACTIVE", false),
            ("EGRESS_ENDING", false),
            ("EGRESS_PAUSED", false),
            ("EGRESS_COMPLETE", true),
            ("EGRESS_FAILED", true),
            ("EGRESS_ABORTED", true),
            ("EGRESS_LIMIT_REACHED", true),
        ] {
            assert_eq!(egress(json!({ "status": status })).has_ended(), ended, "{status}");
        }
    }

    #[test]
    fn an_egress_of_another_room_is_not_of_this_one() {
        let room = RoomName::of_invitation("room".to_owned()).expect("a room");
        for (name, is_of) in [("room", true), ("", true), ("room2", false), ("Room", false)] {
            assert_eq!(egress(json!({ "room_name": name })).is_of(&room), is_of, "{name:?}");
        }
        assert!(read(json!({ "egress_id": "EG_1" })).is_of(&room));
    }

    #[test]
    fn an_odd_field_is_absent_and_the_others_are_read() {
        for (field, value) in [
            ("egress_id", json!(17)),
            ("egress_id", json!("")),
            ("room_name", json!(null)),
            ("started_at", json!(-1)),
            ("started_at", json!("-62135596800000000000")),
            ("started_at", json!(null)),
            ("started_at", json!("yesterday")),
            ("started_at", json!(1.5)),
            ("ended_at", json!({})),
            ("status", json!([])),
            ("egress", json!("of another version")),
            ("track", json!(null)),
            ("file_results", json!({})),
            ("file_results", json!([null, 1])),
        ] {
            let mut fields =
                json!({ "room_composite": { "file_outputs": [{ "filepath": "a.mp4" }] } });
            fields[field] = value.clone();
            let info = egress(fields);
            assert!(info.is_running() && info.is_recording(), "{field}: {value}");
            assert_eq!(info.object_key(), Some("a.mp4"), "{field}: {value}");
            assert_eq!(info.id().is_none(), field == "egress_id", "{field}: {value}");
            assert!(!info.is_older_than(Duration::ZERO, Timestamp::EPOCH), "{field}: {value}");
        }
    }

    #[test]
    fn the_object_is_found_where_the_request_cannot_be_read() {
        for request in [
            json!({}),
            json!({ "room_composite": null }),
            json!({ "room_composite": "of another version" }),
            json!({ "room_composite": { "file_outputs": "one" } }),
            json!({ "room_composite": { "file_outputs": [7] } }),
            json!({ "of_another_version": { "file": {} } }),
        ] {
            let mut fields = request.clone();
            fields["file_results"] = json!([{ "filename": "a.mp4" }]);
            let info = egress(fields);
            assert!(info.is_recording(), "{request}");
            assert_eq!(info.object_key(), Some("a.mp4"), "{request}");
            assert_eq!(info.is_of_organization(None), None, "{request}");
        }
    }

    #[test]
    fn only_an_egress_of_the_whole_room_to_files_records_it() {
        let file = json!([{ "file": { "filepath": "a.mp4" } }]);
        for (request, recording) in [
            (json!({ "room_composite": { "stream_outputs": [{}] } }), false),
            (json!({ "room_composite": { "stream": {} } }), false),
            (json!({ "room_composite": { "image_outputs": [{}] } }), false),
            (json!({ "room_composite": { "segment_outputs": [{}] } }), true),
            (json!({ "room_composite": { "segments": {} } }), true),
            (json!({ "room_composite": { "file": { "filepath": "a.mp4" } } }), true),
            (json!({ "room_composite": { "stream": {}, "file": {} } }), true),
            (json!({ "room_composite": { "stream": {}, "segments": {} } }), true),
            (json!({ "room_composite": { "stream_outputs": [{}], "file_outputs": [{}] } }), true),
            (json!({ "room_composite": { "image_outputs": [{}], "segment_outputs": [{}] } }), true),
            (json!({ "room_composite": {} }), true),
            (json!({ "egress": { "template": {}, "outputs": file } }), true),
            (json!({ "egress": { "template": {}, "outputs": [{ "segments": {} }] } }), true),
            (json!({ "egress": { "template": {}, "outputs": [{ "stream": {} }] } }), false),
            (json!({ "egress": { "template": {}, "outputs": [{ "images": {} }] } }), false),
            (json!({ "egress": { "template": {}, "outputs": [{ "stream": {} }, file[0]] } }), true),
            (json!({ "egress": { "web": { "url": "https://a.example" }, "outputs": file } }), true),
            (json!({ "egress": { "of_another_version": {}, "outputs": file } }), true),
            (
                json!({ "egress": { "media": { "video_track_id": "TR_1" }, "outputs": file } }),
                false,
            ),
            (
                json!({ "egress": { "media": { "audio": { "routes": [{}] } }, "outputs": file } }),
                false,
            ),
            (
                json!({ "egress": { "media": { "audio": { "capture_all": true } }, "outputs": file } }),
                true,
            ),
            (json!({ "web": { "file_outputs": [{}] } }), false),
            (json!({ "participant": { "room_name": "room" } }), false),
            (json!({ "trackComposite": { "room_name": "room" } }), false),
            (json!({ "track": { "room_name": "room" } }), false),
            (json!({ "replay": { "outputs": file } }), false),
            (json!({}), true),
        ] {
            assert_eq!(egress(request.clone()).is_recording(), recording, "{request}");
        }
    }

    #[test]
    fn the_metadata_says_whose_it_is() {
        let of = |metadata: Value| {
            egress(json!({ "room_composite": {
                "file_outputs": [{ "filepath": "a.mp4", "s3": { "metadata": metadata } }],
            } }))
        };
        for (metadata, organization, expected) in [
            (json!({ "started-by": "u", "organization": "org_1" }), Some("org_1"), Some(true)),
            (json!({ "started-by": "u", "organization": "org_1" }), Some("org_2"), Some(false)),
            (json!({ "started-by": "u", "organization": "org_1" }), None, Some(false)),
            (json!({ "started-by": "u", "organization": 1 }), None, Some(false)),
            (json!({ "started-by": "u", "organization": null }), None, Some(false)),
            (json!({ "started-by": "u" }), None, Some(true)),
            (json!({ "started-by": "u" }), Some("org_1"), Some(false)),
            (json!({ "organization": "org_1" }), Some("org_1"), None),
            (json!({}), None, None),
            (json!(null), None, None),
            (json!([]), Some("org_1"), None),
        ] {
            let found = of(metadata.clone()).is_of_organization(organization);
            assert_eq!(found, expected, "{metadata} {organization:?}");
        }
    }

    #[test]
    fn a_confirmation_names_the_egress() {
        for json in
            [json!({}), json!({ "egress_id": "" }), json!({ "egress_id": 1 }), json!("EG_1")]
        {
            assert!(serde_json::from_value::<ConfirmedEgress>(json.clone()).is_err(), "{json}");
        }
        let odd = json!({ "egressId": "EG_1", "started_at": -1, "ended_at": null, "status": {} });
        let confirmed: ConfirmedEgress = serde_json::from_value(odd).expect("an egress");
        assert_eq!((confirmed.started(), confirmed.ended()), (None, None));
    }

    #[test]
    fn age_counts_from_the_start_and_without_one_nothing_is_old() {
        let day = Duration::from_hours(24);
        let now = Timestamp::EPOCH.after(Duration::from_secs(1_752_486_896));
        for (fields, old) in [
            (json!({ "started_at": "1752400496000000000" }), false),
            (json!({ "started_at": "1752400495000000000" }), true),
            (json!({ "started_at": "0", "updated_at": "1752400495000000000" }), true),
            (json!({}), false),
        ] {
            assert_eq!(egress(fields.clone()).is_older_than(day, now), old, "{fields}");
        }
    }
}
