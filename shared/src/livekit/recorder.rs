//! Starting a recording, once per room.
//!
//! LiveKit starts as many egresses of a room as it is asked for, and has no lock to hold. So whoever
//! has started one looks again, and who is not alone agrees with the others on which stays:
//!
//! - Who sees no other has won: everybody who starts later sees this one, before or after.
//! - Of those who see each other, all but the first (by object key, which every one of them reads
//!   alike) stop their own.
//! - The first waits for the others to be gone. One that stays had won before; the first then stops
//!   its own as well.
//!
//! Two can never both win, however slow anything is: both have started before either looks for the
//! last time, and whoever looks later sees the other.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::livekit::egress::EgressInfo;
use crate::livekit::object_key::{ObjectFolder, ObjectKey};
use crate::livekit::object_metadata::ObjectMetadata;
use crate::livekit::recordings::{Recording, Recordings, Zone};
use crate::livekit::room::{RoomId, RoomName};
use crate::livekit::server_api::CallError;
use crate::livekit::upload::Upload;
use crate::provider::{Failure, ProviderError};
use crate::settings::{Incomplete, Settings};

/// What is kept of the request's time for looking what became of a start, and for stopping it again.
const RESERVE: Duration = Duration::from_secs(6);

/// How long the first waits for the others to stop theirs.
const COURTESY: Duration = Duration::from_secs(5);

/// How long a start whose answer was lost is looked for.
const SEARCH: Duration = Duration::from_secs(3);

/// What is kept of that for stopping it.
const STOP_RESERVE: Duration = Duration::from_millis(2_500);

/// How often is looked.
const PAUSE: Duration = Duration::from_millis(200);

/// How often an egress that must not go on is told to stop, until LiveKit has heard it.
const STOP_ATTEMPTS: u32 = 4;

/// How long a recording may take that nobody stops, unless it is configured.
const DEFAULT_MAX_AGE: Duration = Duration::from_hours(24);

/// What a conference is about: up to 200 characters.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Topic(String);

/// Who takes part in a conference, separated by commas: up to 8 KB.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Participants(String);

impl TryFrom<String> for Topic {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().count() <= 200 { Ok(Self(text)) } else { Err("not up to 200 characters") }
    }
}

impl TryFrom<String> for Participants {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() <= 8 * 1024 { Ok(Self(text)) } else { Err("not up to 8 KB") }
    }
}

impl Participants {
    fn names(&self) -> Vec<&str> {
        self.0.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
    }
}

/// A recording that is asked for.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewRecording {
    /// The room.
    pub room_name: RoomId,
    /// The zone.
    pub zone_id: Zone,
    /// What it is about.
    pub conference_topic: Option<Topic>,
    /// Who takes part.
    pub participants: Option<Participants>,
}

impl NewRecording {
    fn metadata(&self, caller: &Caller, room: &RoomName) -> ObjectMetadata {
        let mut metadata = ObjectMetadata::new();
        metadata.add("room", room.as_str());
        metadata.add("zone", self.zone_id.as_str());
        metadata.add("started-by", &caller.user_id);
        metadata.add("organization", caller.organization_id.as_deref().unwrap_or_default());
        let topic = self.conference_topic.as_ref().map(|topic| topic.0.as_str());
        metadata.add_sparing("topic", topic.unwrap_or_default());
        let participants = self.participants.as_ref().map(Participants::names);
        metadata.add_list("participants", &participants.unwrap_or_default());
        metadata
    }
}

/// LiveKit's presets for the picture of a recording.
/// <https://docs.livekit.io/reference/other/egress/api/#encodingoptionspreset>
#[derive(Clone, Copy, Debug)]
struct Preset(&'static str);

const PRESETS: [&str; 8] = [
    "H264_720P_30",
    "H264_720P_60",
    "H264_1080P_30",
    "H264_1080P_60",
    "PORTRAIT_H264_720P_30",
    "PORTRAIT_H264_720P_60",
    "PORTRAIT_H264_1080P_30",
    "PORTRAIT_H264_1080P_60",
];

impl FromStr for Preset {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let preset = PRESETS.into_iter().find(|preset| *preset == text);
        preset.map(Self).ok_or("a preset like H264_720P_30")
    }
}

/// Starts recordings.
#[derive(Clone, Debug)]
pub struct Recorder {
    recordings: Recordings,
    upload: Upload,
    preset: Preset,
    max_age: Duration,
}

impl Recorder {
    /// Reads what [`Recordings::configure`] reads, the settings of the bucket (`RECORDINGS_…`),
    /// `RECORDING_PRESET` (`H264_720P_30` without it), and `RECORDING_MAX_AGE`: the seconds after
    /// which a recording that seems to run counts as stuck, a day without it.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let recordings = Recordings::configure(settings);
        let companion = recordings.as_ref().ok().map(|all| all.api.keys().companion().clone());
        let upload = Upload::configure(settings, companion.as_ref());
        let preset = match settings.optional("RECORDING_PRESET") {
            None => Ok(Preset(PRESETS[0])),
            Some(_) => settings.parsed("RECORDING_PRESET"),
        };
        let max_age = read_max_age(settings);
        Ok(Self { recordings: recordings?, upload: upload?, preset: preset?, max_age: max_age? })
    }

    /// Starts a recording and answers before `deadline`.
    ///
    /// # Errors
    /// 404 when there is no such room or nobody in it, 409 when it is being recorded already, 503
    /// when LiveKit has no recorder to spare, or does not say in time what became of the start.
    pub async fn start(
        &self,
        caller: &Caller,
        room: &RoomName,
        new: &NewRecording,
        deadline: Timestamp,
    ) -> Result<Recording, ApiError> {
        let (egresses, occupied) = tokio::try_join!(
            self.recordings.api.egresses_of(room),
            self.recordings.api.is_occupied(room),
        )?;
        if egresses.iter().any(|egress| self.goes_on(egress)) {
            return Err(being_recorded());
        }
        if !occupied {
            return Err(no_such_room());
        }
        let key = ObjectFolder::of(&new.zone_id, room).new_key(self.recordings.clock.now());
        let upload = self.upload.request(&new.metadata(caller, room).into_values()).await?;
        let started = self.launch(room, &key, &upload, deadline).await?;
        self.settle(room, &started, deadline).await?;
        let now = || self.recordings.clock.now().whole_seconds();
        Ok(Recording {
            timestamp: started.started().unwrap_or_else(now),
            egress_id: started.egress_id,
        })
    }

    /// Whether an egress records, and has not for so long that it must be stuck: a recorder that died
    /// without a word is said to be at it for ever.
    fn goes_on(&self, egress: &EgressInfo) -> bool {
        let now = self.recordings.clock.now();
        egress.is_running() && egress.is_recording() && !egress.is_older_than(self.max_age, now)
    }

    /// Starts an egress, and finds out what became of it when LiveKit does not say.
    async fn launch(
        &self,
        room: &RoomName,
        key: &ObjectKey,
        upload: &Value,
        deadline: Timestamp,
    ) -> Result<EgressInfo, ApiError> {
        let request = json!({
            "room_name": room,
            "preset": self.preset.0,
            "file_outputs": [{
                "file_type": "MP4",
                "filepath": key.as_str(),
                // Beside the recording the recorder would leave a file about itself.
                "disable_manifest": true,
                "s3": upload,
            }],
        });
        let time_limit = deadline.since(self.recordings.clock.now()).saturating_sub(RESERVE);
        if time_limit.is_zero() {
            return Err(ApiError::unavailable("there is no time left to start a recording"));
        }
        match self.recordings.api.start_room_composite(request, time_limit).await {
            Ok(started) => Ok(started),
            Err(CallError::NotFound) => Err(no_such_room()),
            Err(CallError::Provider(error)) if error.leaves_open() => {
                self.look_for(room, key, error, deadline).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Looks for an egress whose start ended in `error`. It is never started a second time: the
    /// first may come to life any moment.
    async fn look_for(
        &self,
        room: &RoomName,
        key: &ObjectKey,
        error: ProviderError,
        deadline: Timestamp,
    ) -> Result<EgressInfo, ApiError> {
        // LiveKit's own word that it has failed is final. What became of a request on a connection
        // that broke, or behind a gateway that gave up, is open.
        let patience = match error.failure {
            Failure::Failing { status, .. } if matches!(status.as_u16(), 500 | 503) => {
                Duration::ZERO
            }
            _ => SEARCH,
        };
        let until = self.recordings.clock.now().after(patience).min(deadline);
        loop {
            let Ok(found) = self.recordings.api.egresses_of(room).await else {
                return Err(error.into());
            };
            let is_ours = |egress: &EgressInfo| egress.object_key() == Some(key.as_str());
            if let Some(started) = found.into_iter().find(is_ours) {
                tracing::warn!(%error, "the recording has started all the same");
                return Ok(started);
            }
            if self.recordings.clock.now() >= until {
                return Err(error.into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Makes sure that no other recording of the room goes on beside `own`.
    async fn settle(
        &self,
        room: &RoomName,
        own: &EgressInfo,
        deadline: Timestamp,
    ) -> Result<(), ApiError> {
        let now = self.recordings.clock.now();
        let until = now.after(deadline.since(now).saturating_sub(STOP_RESERVE).min(COURTESY));
        loop {
            let standing = match self.recordings.api.egresses_of(room).await {
                Ok(egresses) => self.standing(own, &egresses),
                Err(error) => Standing::Unknown(error.into()),
            };
            let refusal = match standing {
                Standing::Alone => return Ok(()),
                Standing::First | Standing::Unknown(_) if self.recordings.clock.now() < until => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Standing::First | Standing::Behind => being_recorded(),
                Standing::Unknown(error) => error,
            };
            self.withdraw(own).await?;
            return Err(refusal);
        }
    }

    fn standing(&self, own: &EgressInfo, egresses: &[EgressInfo]) -> Standing {
        let is_own = |egress: &&EgressInfo| egress.egress_id == own.egress_id;
        let others = || egresses.iter().filter(|egress| !is_own(egress) && self.goes_on(egress));
        if !egresses.iter().any(|egress| is_own(&egress)) {
            let detail = "livekit does not list the recording that it has started";
            Standing::Unknown(ApiError::unavailable(detail))
        } else if others().next().is_none() {
            Standing::Alone
        } else if others().all(|other| rank(own) < rank(other)) {
            Standing::First
        } else {
            Standing::Behind
        }
    }

    /// Stops an egress that must not go on.
    async fn withdraw(&self, own: &EgressInfo) -> Result<(), ApiError> {
        let mut attempt = 1;
        loop {
            match self.recordings.api.stop_egress(&own.egress_id).await {
                // It is over, whoever has told it.
                Ok(_) | Err(CallError::FailedPrecondition | CallError::NotFound) => return Ok(()),
                Err(error) if attempt == STOP_ATTEMPTS => {
                    tracing::error!(egress = %own.egress_id, "a second recording goes on");
                    return Err(error.into());
                }
                Err(_) => attempt += 1,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// How a recording stands among those of its room.
enum Standing {
    /// It is the only one.
    Alone,
    /// It comes before the others.
    First,
    /// Another comes before it.
    Behind,
    /// Nobody can tell: LiveKit does not answer, or not with what it should know.
    Unknown(ApiError),
}

/// What decides which of several recordings stays. Those that others have started, and which never
/// give way, come first.
fn rank(egress: &EgressInfo) -> (bool, &str, &str) {
    let key = egress.object_key().unwrap_or_default();
    let is_ours = ObjectFolder::is_ours(key);
    (is_ours, key, egress.egress_id.as_str())
}

fn read_max_age(settings: &mut Settings) -> Result<Duration, Incomplete> {
    match settings.optional("RECORDING_MAX_AGE").map(str::parse) {
        None => Ok(DEFAULT_MAX_AGE),
        Some(Ok(seconds @ 1_u64..)) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(settings.problem("RECORDING_MAX_AGE is not a number of seconds, 1 or more")),
    }
}

fn being_recorded() -> ApiError {
    ApiError::conflict("This room is being recorded already")
}

fn no_such_room() -> ApiError {
    ApiError::not_found("There is no such room, or nobody in it")
}

/// They are personal.
impl fmt::Debug for NewRecording {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("NewRecording").finish_non_exhaustive()
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("Topic").finish_non_exhaustive()
    }
}

impl fmt::Debug for Participants {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("Participants").finish_non_exhaustive()
    }
}
