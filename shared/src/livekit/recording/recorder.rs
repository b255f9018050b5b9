//! Starts a recording, and makes sure that a room has only one.
//!
//! LiveKit starts as many egresses for a room as it is asked to, and has no lock. Therefore a
//! request that has started one looks at the room again, and all requests apply the same rules to
//! decide which one wins:
//!
//! 1. Look at the room. If an egress is recording it, return 409. If nobody is in it, return 404.
//! 2. Start an egress with a new object key, which identifies it even if LiveKit's response is
//!    lost.
//! 3. Look again. If no other egress is recording the room, ours has won: every later request sees it.
//! 4. Otherwise rank the egresses: first those that other programs have started, which never give way,
//!    then ours by object key. Every request computes the same ranks.
//! 5. If ours is not first, stop it and return 409.
//! 6. If ours is first, wait until the others are gone. A recorder handles a stop only after its
//!    page has loaded, which takes seconds. An egress that is still recording after
//!    [`CONTENTION_TIMEOUT`] had won earlier, so stop ours and return 409.
//!
//! Two can never both win, however slow anything is: both have started before either looks for the
//! last time, so the later look sees the other.

use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::api::ApiError;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::livekit::recording::new_recording::NewRecording;
use crate::livekit::recording::object_key::{ObjectFolder, ObjectKey};
use crate::livekit::recording::recordings::{Recording, Recordings};
use crate::livekit::recording::upload::Upload;
use crate::livekit::room::RoomName;
use crate::livekit::server_api::{CallError, ConfirmedEgress, EgressId, EgressInfo, Status};
use crate::log;
use crate::provider::Failure;
use crate::request_scope;
use crate::settings::{Incomplete, Settings};

/// Time held back from a slow start so that we can still find out whether it happened. It is short
/// because LiveKit takes 18 to 27 seconds, rarely more than 26, to report that no recorder is free,
/// and we must not miss that report.
const CONFIRMATION_RESERVE: Duration = Duration::from_millis(2_500);

/// The part of that time reserved for stopping a recording that must not continue.
const STOP_RESERVE: Duration = Duration::from_millis(1_500);

/// How long the first-ranked recording waits for others that are already recording to be stopped,
/// and for LiveKit to list them.
const CONTENTION_TIMEOUT: Duration = Duration::from_secs(5);

/// How long we look for an egress after the response to its start was lost.
const LOST_START_TIMEOUT: Duration = Duration::from_secs(3);

/// The pause between two looks at the room's egresses.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The default age after which a running recording counts as stuck.
const DEFAULT_MAX_AGE: Duration = Duration::from_hours(24);

/// LiveKit's encoding presets.
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
    /// `RECORDING_PRESET` (default `H264_720P_30`), and `RECORDING_MAX_AGE`: the seconds after
    /// which a running recording counts as stuck (default one day).
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let recordings = Recordings::configure(settings);
        let upload = Upload::configure(settings);
        let preset = match settings.optional("RECORDING_PRESET") {
            None => Ok(Preset(PRESETS[0])),
            Some(_) => settings.parsed("RECORDING_PRESET"),
        };
        let max_age = settings.seconds("RECORDING_MAX_AGE", DEFAULT_MAX_AGE);
        let recordings = recordings?;
        recordings.api.open_second_ahead(settings);
        Ok(Self { recordings, upload: upload?, preset: preset?, max_age: max_age? })
    }

    /// Starts a recording and returns before the request's deadline.
    ///
    /// # Errors
    /// 404 if the room does not exist or is empty, 409 if it is already being recorded, 503 if
    /// LiveKit has no free recorder or does not respond in time.
    pub async fn start(
        &self,
        caller: &Caller,
        room: &RoomName,
        new: &NewRecording,
    ) -> Result<Recording, ApiError> {
        let deadline = request_scope::deadline();
        let (egresses, occupied) = tokio::try_join!(
            self.recordings.api.egresses_of(room),
            self.recordings.api.is_occupied(room),
        )?;
        if egresses.iter().any(|egress| self.is_in_progress(egress)) {
            return Err(being_recorded());
        }
        if !occupied {
            return Err(no_such_room());
        }
        let key = ObjectFolder::of(&new.zone_id, room).new_key(self.recordings.clock.now());
        let upload = self.upload.request(&new.metadata(caller, room).into_values()).await?;
        // Written at once, so that an operator finds the recording even if the process ends here.
        tracing::info!(recording = key.name(), "starting a recording");
        log::flush();
        let started = self.launch(room, &key, &upload, deadline).await?;
        tracing::info!(recording = key.name(), egress = %started.egress_id, "started a recording");
        log::flush();
        let own = OwnRecording { id: &started.egress_id, key: &key };
        self.win_or_withdraw(room, own, deadline).await?;
        let now = || self.recordings.clock.now().whole_seconds();
        Ok(Recording {
            timestamp: started.started().unwrap_or_else(now),
            egress_id: started.egress_id,
        })
    }

    /// Whether an egress is recording and not stuck. LiveKit lists a recorder that died silently as
    /// running forever.
    fn is_in_progress(&self, egress: &EgressInfo) -> bool {
        let now = self.recordings.clock.now();
        egress.is_running() && egress.is_recording() && !egress.is_older_than(self.max_age, now)
    }

    /// Starts an egress. If LiveKit's response is lost, finds out whether it started.
    async fn launch(
        &self,
        room: &RoomName,
        key: &ObjectKey,
        upload: &Value,
        deadline: Timestamp,
    ) -> Result<ConfirmedEgress, ApiError> {
        let request = json!({
            "room_name": room,
            "preset": self.preset.0,
            "file_outputs": [{
                "file_type": "MP4",
                "filepath": key.as_str(),
                // The recorder would otherwise upload a manifest next to the recording.
                "disable_manifest": true,
                "s3": upload,
            }],
        });
        let limit = self.left(deadline).saturating_sub(CONFIRMATION_RESERVE);
        if limit.is_zero() {
            return Err(ApiError::unavailable("there is no time left to start a recording"));
        }
        let start = self.recordings.api.start_room_composite(request, limit);
        let (error, search_time) = match timeout(limit, start).await {
            Ok(Ok(started)) => return Ok(started),
            Ok(Err(CallError::NotFound)) => return Err(no_such_room()),
            Ok(Err(CallError::Provider(error))) if error.leaves_open() => {
                let search_time = search_time(&error.failure);
                (error.into(), search_time)
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => (
                ApiError::unavailable("livekit did not confirm the start in time"),
                LOST_START_TIMEOUT,
            ),
        };
        self.look_for(room, key, error, search_time, deadline).await
    }

    /// Looks for an egress whose start ended in `error`. It is never started a second time, because
    /// the first attempt may still take effect.
    async fn look_for(
        &self,
        room: &RoomName,
        key: &ObjectKey,
        error: ApiError,
        search_time: Duration,
        deadline: Timestamp,
    ) -> Result<ConfirmedEgress, ApiError> {
        let until = self.moment(search_time, deadline);
        loop {
            let found = self.egresses(room, deadline).await.unwrap_or_default();
            let is_recorded = found.iter().any(|egress| self.is_in_progress(egress));
            let is_ours = |egress: &EgressInfo| egress.object_key() == Some(key.as_str());
            let started = found.into_iter().find(is_ours).and_then(EgressInfo::into_confirmed);
            if let Some(started) = started {
                return Ok(started);
            }
            if self.recordings.clock.now() >= until {
                if !search_time.is_zero() {
                    let recording = key.name();
                    tracing::error!(recording, "failed to start a recording; it may be running");
                }
                return Err(if is_recorded { being_recorded() } else { error });
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until `own` is the only recording of the room, or stops it.
    async fn win_or_withdraw(
        &self,
        room: &RoomName,
        own: OwnRecording<'_>,
        deadline: Timestamp,
    ) -> Result<(), ApiError> {
        let until = self.moment(Duration::MAX, deadline);
        let mut waiting_since = None;
        let refusal = loop {
            let contention = match self.egresses(room, deadline).await {
                Ok(egresses) => self.contention(own, &egresses),
                Err(error) => Contention::Unknown(error),
            };
            let now = self.recordings.clock.now();
            let may_wait = now.after(POLL_INTERVAL) < until;
            match contention {
                Contention::Alone => return Ok(()),
                Contention::Over => {
                    return Err(ApiError::unavailable(
                        "the recording ended right after it started",
                    ));
                }
                Contention::FirstOfStarting if may_wait => waiting_since = None,
                Contention::First | Contention::Unknown(_)
                    if may_wait
                        && now.is_within(CONTENTION_TIMEOUT, *waiting_since.get_or_insert(now)) => {
                }
                Contention::Behind | Contention::First | Contention::FirstOfStarting => {
                    break being_recorded();
                }
                Contention::Unknown(error) => break error,
            }
            sleep(POLL_INTERVAL).await;
        };
        self.withdraw(own.id, deadline).await?;
        Err(refusal)
    }

    fn contention(&self, own: OwnRecording<'_>, egresses: &[EgressInfo]) -> Contention {
        let Some(listed) = egresses.iter().find(|egress| own.is(egress)) else {
            let detail = "livekit does not list the recording that it has started";
            return Contention::Unknown(ApiError::unavailable(detail));
        };
        if !listed.is_running() {
            return Contention::Over;
        }
        let is_other = |egress: &&EgressInfo| !own.is(egress);
        let others =
            || egresses.iter().filter(is_other).filter(|egress| self.is_in_progress(egress));
        if others().next().is_none() {
            Contention::Alone
        } else if others().any(|other| rank(other) < own.rank()) {
            Contention::Behind
        } else if others().any(|other| other.status() == Status::Starting) {
            Contention::FirstOfStarting
        } else {
            Contention::First
        }
    }

    /// Stops an egress, and makes sure that it has stopped.
    ///
    /// # Errors
    /// 503 if it may still be running.
    async fn withdraw(&self, id: &EgressId, deadline: Timestamp) -> Result<(), ApiError> {
        let until_over = async {
            loop {
                match self.recordings.api.stop_egress(id).await {
                    Ok(_) => return,
                    Err(error) if error.is_of_state() && self.is_over(id).await => return,
                    Err(_) => sleep(POLL_INTERVAL).await,
                }
            }
        };
        // Slightly before the request times out, so that we can still log the failure.
        let limit = self.left(deadline).saturating_sub(POLL_INTERVAL);
        timeout(limit, until_over).await.map_err(|_| {
            tracing::error!(egress = %id, "failed to stop a recording; it may still be running");
            ApiError::unavailable("livekit did not stop our recording")
        })
    }

    /// Whether LiveKit says that an egress has stopped recording, or does not know its id.
    async fn is_over(&self, id: &EgressId) -> bool {
        let egress = self.recordings.api.egress(id).await;
        egress.is_ok_and(|egress| egress.is_none_or(|egress| !egress.is_running()))
    }

    /// The egresses of a room that have not ended. Leaves time to stop our own.
    async fn egresses(
        &self,
        room: &RoomName,
        deadline: Timestamp,
    ) -> Result<Vec<EgressInfo>, ApiError> {
        let limit = self.left(deadline).saturating_sub(STOP_RESERVE);
        match timeout(limit, self.recordings.api.egresses_of(room)).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ApiError::unavailable("livekit did not list the recordings in time")),
        }
    }

    fn left(&self, deadline: Timestamp) -> Duration {
        deadline.since(self.recordings.clock.now())
    }

    /// The time after `wait`, but early enough to stop our own recording.
    fn moment(&self, wait: Duration, deadline: Timestamp) -> Timestamp {
        let left = self.left(deadline).saturating_sub(STOP_RESERVE);
        self.recordings.clock.now().after(wait.min(left))
    }
}

/// How long to look for an egress after its start failed. LiveKit's own error is final. A broken
/// connection or a gateway's error leaves the outcome open.
fn search_time(failure: &Failure) -> Duration {
    match failure {
        Failure::Failing { status, .. } if matches!(status.as_u16(), 500 | 503) => Duration::ZERO,
        _ => LOST_START_TIMEOUT,
    }
}

/// How our recording ranks among those of its room.
enum Contention {
    /// It is the only one.
    Alone,
    /// It ranks first. Some of the others are still starting and may already have been stopped.
    FirstOfStarting,
    /// It ranks first, but all the others are recording.
    First,
    /// Another ranks before it.
    Behind,
    /// It has ended, or is ending.
    Over,
    /// Unknown: LiveKit does not respond, or does not list our recording.
    Unknown(ApiError),
}

/// The egress that this request has started.
#[derive(Clone, Copy)]
struct OwnRecording<'a> {
    id: &'a EgressId,
    key: &'a ObjectKey,
}

impl<'a> OwnRecording<'a> {
    fn is(self, egress: &EgressInfo) -> bool {
        egress.id() == Some(self.id) || egress.object_key() == Some(self.key.as_str())
    }

    fn rank(self) -> Rank<'a> {
        (true, self.key.as_str(), self.id.as_str())
    }
}

/// Decides which of several recordings stays: the lowest. Those that other programs have started
/// come first, because they never give way.
type Rank<'a> = (bool, &'a str, &'a str);

fn rank(egress: &EgressInfo) -> Rank<'_> {
    let key = egress.object_key().unwrap_or_default();
    (ObjectFolder::is_ours(key), key, egress.id().map_or("", EgressId::as_str))
}

fn being_recorded() -> ApiError {
    ApiError::conflict("This room is already being recorded")
}

fn no_such_room() -> ApiError {
    ApiError::not_found("No such room, or nobody is in it")
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::http::SendError;
    use crate::livekit::recording::zone::Zone;

    #[test]
    fn only_livekits_own_error_says_that_nothing_was_started() {
        let failing = |status| {
            let status = StatusCode::from_u16(status).expect("a status");
            Failure::Failing { status, retry_after: None }
        };
        for (failure, is_final) in [
            (failing(500), true),
            (failing(503), true),
            (failing(408), false),
            (failing(502), false),
            (failing(504), false),
            (Failure::Unanswered(SendError::Broken), false),
            (Failure::Unreadable("not JSON"), false),
        ] {
            assert_eq!(search_time(&failure).is_zero(), is_final, "{failure}");
        }
    }

    #[test]
    fn our_recording_is_known_by_its_id_or_by_its_key() {
        let room = RoomName::of_invitation("room".to_owned()).expect("a room");
        let folder = ObjectFolder::of(&Zone::parse("1").expect("a zone"), &room);
        let key = folder.key_of("2025-07-14/095456-0123456789abcdef.mp4").expect("a key");
        let id = EgressId::parse("EG_1").expect("an id");
        let own = OwnRecording { id: &id, key: &key };
        for (egress_id, filepath, is_ours) in [
            ("EG_1", key.as_str(), true),
            ("EG_1", "another.mp4", true),
            ("EG_2", key.as_str(), true),
            ("", key.as_str(), true),
            ("EG_2", "another.mp4", false),
            ("", "another.mp4", false),
        ] {
            let egress = serde_json::from_value(json!({
                "egress_id": egress_id,
                "room_composite": { "file_outputs": [{ "filepath": filepath }] },
            }));
            assert_eq!(own.is(&egress.expect("an egress")), is_ours, "{egress_id:?} {filepath}");
        }
    }
}
