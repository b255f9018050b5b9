//! LiveKit's `Egress` service, as far as this project uses it: recordings of whole rooms.
//! <https://docs.livekit.io/reference/other/egress/api/>

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::ids::id;
use crate::livekit::RoomName;
use crate::livekit::access_token::Grant;
use crate::livekit::server_api::{CallError, Method, ServerApi};

const SERVICE: &str = "livekit.Egress";

/// How long a recorder may take to obey. One whose page is still loading takes its time.
const STOP_LIMIT: Duration = Duration::from_secs(5);

id!(EgressId, "an egress");

/// What LiveKit says of an egress, as far as it is of interest here. Its JSON leaves no field out,
/// not even an empty one, in either spelling of names that protobuf allows.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct EgressInfo {
    #[serde(alias = "egressId")]
    pub(super) egress_id: EgressId,
    #[serde(alias = "roomName")]
    room_name: String,
    status: Status,
    #[serde(default, alias = "startedAt", deserialize_with = "nanoseconds")]
    started_at: Option<Duration>,
    #[serde(default, alias = "updatedAt", deserialize_with = "nanoseconds")]
    updated_at: Option<Duration>,
    #[serde(default, alias = "endedAt", deserialize_with = "nanoseconds")]
    ended_at: Option<Duration>,
    #[serde(default, alias = "roomComposite")]
    room_composite: Option<RoomComposite>,
}

/// The state of an egress.
/// <https://docs.livekit.io/reference/other/egress/api/#egressstatus>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Status {
    /// A recorder has been found.
    #[serde(rename = "EGRESS_STARTING")]
    Starting,
    /// It is being recorded.
    #[serde(rename = "EGRESS_ACTIVE")]
    Active,
    /// Nothing more is recorded, and what was is being written.
    #[serde(rename = "EGRESS_ENDING")]
    Ending,
    /// It is over, one way or another: complete, failed, aborted, or at a limit.
    #[serde(other)]
    Ended,
}

/// What a recording of a room was asked for with.
#[derive(Clone, Debug, Deserialize)]
struct RoomComposite {
    #[serde(default)]
    file: Option<FileOutput>,
    #[serde(default, alias = "fileOutputs")]
    file_outputs: Vec<FileOutput>,
    #[serde(default)]
    segments: Option<Ignored>,
    #[serde(default, alias = "segmentOutputs")]
    segment_outputs: Vec<Ignored>,
}

#[derive(Clone, Debug, Deserialize)]
struct FileOutput {
    #[serde(default)]
    filepath: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Ignored {}

#[derive(Deserialize)]
struct ListEgress {
    items: Vec<EgressInfo>,
}

/// Nanoseconds since the Unix epoch, which protobuf's JSON writes as text. 0 is none.
fn nanoseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    let nanoseconds = match Either::deserialize(deserializer)? {
        Either::Number(number) => number,
        Either::Text(text) => text.parse().map_err(serde::de::Error::custom)?,
    };
    Ok((nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds)))
}

impl EgressInfo {
    /// Whether it is of this room.
    pub(super) fn is_of(&self, room: &RoomName) -> bool {
        self.room_name == room.as_str()
    }

    /// Its state.
    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// Whether it records, or is about to.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.status, Status::Starting | Status::Active)
    }

    /// Whether it writes what happens in the room to files: a live stream of it does not.
    pub(super) fn is_recording(&self) -> bool {
        self.room_composite.as_ref().is_some_and(|composite| {
            composite.file.is_some()
                || !composite.file_outputs.is_empty()
                || composite.segments.is_some()
                || !composite.segment_outputs.is_empty()
        })
    }

    /// Where its file goes, as it was asked for.
    pub(super) fn object_key(&self) -> Option<&str> {
        let composite = self.room_composite.as_ref()?;
        let output = composite.file_outputs.first().or(composite.file.as_ref())?;
        Some(&output.filepath)
    }

    /// When it was started, in Unix seconds.
    pub(super) fn started(&self) -> Option<u64> {
        self.started_at.map(|at| at.as_secs())
    }

    /// When it ended, in Unix seconds.
    pub(super) fn ended(&self) -> Option<u64> {
        self.ended_at.map(|at| at.as_secs())
    }

    /// Whether it has been running for longer than `age`, as far as LiveKit says when it began.
    pub(super) fn is_older_than(&self, age: Duration, now: Timestamp) -> bool {
        let began = self.started_at.or(self.updated_at);
        began.is_some_and(|began| Timestamp::EPOCH.after(began).after(age) < now)
    }
}

impl ServerApi {
    /// Starts recording a room. A call that has failed may have started it all the same:
    /// [`leaves_open`](crate::provider::ProviderError::leaves_open) says whether to look.
    pub(super) async fn start_room_composite(
        &self,
        request: Value,
        time_limit: Duration,
    ) -> Result<EgressInfo, CallError> {
        let start = Method {
            service: SERVICE,
            name: "StartRoomCompositeEgress",
            grant: Grant::Record,
            repeatable: false,
            time_limit,
        };
        self.call(&start, request).await
    }

    /// The egresses of a room that have not ended.
    pub(super) async fn egresses_of(&self, room: &RoomName) -> Result<Vec<EgressInfo>, CallError> {
        let list = Method::repeatable(SERVICE, "ListEgress", Grant::Record);
        let message = json!({ "room_name": room, "active": true });
        let list: ListEgress = self.call(&list, message).await?;
        Ok(list.items.into_iter().filter(|egress| egress.is_of(room)).collect())
    }

    /// The egress with this id, whatever its room and state.
    pub(super) async fn egress(&self, id: &EgressId) -> Result<Option<EgressInfo>, CallError> {
        let list = Method::repeatable(SERVICE, "ListEgress", Grant::Record);
        match self.call::<ListEgress>(&list, json!({ "egress_id": id })).await {
            Ok(list) => Ok(list.items.into_iter().find(|egress| egress.egress_id == *id)),
            Err(CallError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends an egress. One that has ended already is [`CallError::FailedPrecondition`], so that
    /// telling it twice does no harm.
    pub(super) async fn stop_egress(&self, id: &EgressId) -> Result<EgressInfo, CallError> {
        let stop = Method {
            time_limit: STOP_LIMIT,
            ..Method::repeatable(SERVICE, "StopEgress", Grant::Record)
        };
        self.call(&stop, json!({ "egress_id": id })).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An active egress, but for these fields.
    fn egress(fields: Value) -> EgressInfo {
        let mut json =
            json!({ "egress_id": "EG_1", "room_name": "room", "status": "EGRESS_ACTIVE" });
        let Value::Object(fields) = fields else { panic!("no object") };
        json.as_object_mut().expect("an object").extend(fields);
        serde_json::from_value(json).expect("an egress")
    }

    #[test]
    fn reads_what_a_server_writes_in_either_spelling() {
        let snake = json!({
            "egress_id": "EG_1", "room_name": "room", "status": "EGRESS_ACTIVE",
            "started_at": "1752486896123456789", "updated_at": "0", "ended_at": "0", "error": "",
            "room_composite": {
                "room_name": "room", "segment_outputs": [],
                "file_outputs": [{ "filepath": "a.mp4", "s3": { "bucket": "b" } }],
            },
        });
        let camel = json!({
            "egressId": "EG_1", "roomName": "room", "status": "EGRESS_ACTIVE",
            "startedAt": 1_752_486_896_123_456_789_u64,
            "roomComposite": { "fileOutputs": [{ "filepath": "a.mp4" }] },
        });
        for json in [snake, camel] {
            let info: EgressInfo = serde_json::from_value(json).expect("an egress");
            assert_eq!(info.egress_id.as_str(), "EG_1");
            assert_eq!((info.started(), info.ended()), (Some(1_752_486_896), None));
            assert!(info.is_running() && info.is_recording());
            assert_eq!(info.object_key(), Some("a.mp4"));
        }
    }

    #[test]
    fn only_what_starts_or_is_active_is_running() {
        for (status, running) in [
            ("EGRESS_STARTING", true),
            ("EGRESS_ACTIVE", true),
            ("EGRESS_ENDING", false),
            ("EGRESS_COMPLETE", false),
            ("EGRESS_FAILED", false),
            ("EGRESS_ABORTED", false),
            ("EGRESS_LIMIT_REACHED", false),
        ] {
            assert_eq!(egress(json!({ "status": status })).is_running(), running, "{status}");
        }
    }

    #[test]
    fn what_is_no_egress_is_not_taken_for_one() {
        for json in [
            json!({}),
            json!({ "egress_id": "EG_1", "room_name": "room" }),
            json!({ "egress_id": "EG_1", "status": "EGRESS_ACTIVE" }),
            json!({ "egress_id": "", "room_name": "room", "status": "EGRESS_ACTIVE" }),
            json!({ "egress_id": "EG_1", "room_name": "room", "status": "EGRESS_ACTIVE",
                    "started_at": "yesterday" }),
        ] {
            assert!(serde_json::from_value::<EgressInfo>(json.clone()).is_err(), "{json}");
        }
        assert!(serde_json::from_value::<ListEgress>(json!({ "egresses": [] })).is_err());
    }

    #[test]
    fn a_live_stream_is_no_recording() {
        for (request, recording) in [
            (json!({ "room_composite": { "stream_outputs": [{}] } }), false),
            (json!({ "room_composite": { "segment_outputs": [{}] } }), true),
            (json!({ "room_composite": { "segments": {} } }), true),
            (json!({ "room_composite": { "file": { "filepath": "a.mp4" } } }), true),
            (json!({ "track": { "room_name": "room" } }), false),
        ] {
            assert_eq!(egress(request.clone()).is_recording(), recording, "{request}");
        }
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
