//! An egress from its start to its end. Times and end reasons are set as in `livekit_egress.go` of
//! LiveKit's protocol library and `pkg/pipeline/controller.go` of the recorder.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    identifier::random_id,
    messages::{EgressInfo, EgressStatus, FileInfo, S3Upload},
    plan::{Plan, location, upload_problem},
    twirp::{Code, Refusal},
    upload_target::{RECORDED_FILE, UploadTarget},
};

/// The reported size of every finished file, in bytes.
const FILE_SIZE: i64 = 1_048_576;

/// An egress as a test sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct EgressView {
    /// `EG_…`
    pub id: String,
    /// The room that it records.
    pub room_name: String,
    /// The status.
    pub status: EgressStatus,
    /// The key of its object.
    pub filename: String,
    /// The full object, as `ListEgress` returns it.
    pub info: Value,
}

impl EgressView {
    /// Whether it is recording or starting to.
    pub fn is_running(&self) -> bool {
        matches!(self.status, EgressStatus::Starting | EgressStatus::Active)
    }
}

/// An egress, as the server stores it.
#[derive(Debug)]
pub(super) struct Egress {
    info: EgressInfo,
    file: FileInfo,
    upload: Option<S3Upload>,
    /// Whether a test has fixed its status.
    is_pinned: bool,
    /// When its page has loaded, so that it handles stops.
    loaded_at: i64,
    /// Whether it was told to stop before then.
    is_told_to_stop: bool,
}

/// The transitions that egresses do not make by themselves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holds {
    pub(super) starting: bool,
    pub(super) ending: bool,
}

impl Egress {
    /// A new egress. All times in this file are in nanoseconds since the Unix epoch.
    pub(super) fn start(plan: Plan, page_load: Duration, now: i64) -> Self {
        let info = EgressInfo {
            egress_id: random_id("EG_"),
            status: EgressStatus::Starting.into(),
            started_at: now,
            updated_at: now,
            ..plan.info
        };
        let file = FileInfo { filename: plan.filename, ..FileInfo::default() };
        let loaded_at = now.saturating_add(i64::try_from(page_load.as_nanos()).unwrap_or(i64::MAX));
        Self {
            info,
            file,
            upload: plan.upload,
            is_pinned: false,
            loaded_at,
            is_told_to_stop: false,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.info.egress_id
    }

    pub(super) fn room_name(&self) -> &str {
        &self.info.room_name
    }

    pub(super) fn status(&self) -> EgressStatus {
        self.info.status()
    }

    /// Whether the server lists it as active.
    pub(super) fn is_active(&self) -> bool {
        self.status() < EgressStatus::Complete
    }

    /// Whether its recorder is in this room.
    pub(super) fn is_in_room(&self, room: &str) -> bool {
        self.room_name() == room
            && matches!(self.status(), EgressStatus::Active | EgressStatus::Ending)
    }

    /// When recording began.
    pub(super) fn recording_since(&self) -> i64 {
        self.file.started_at
    }

    /// The egress as the API returns it.
    pub(super) fn info(&self) -> EgressInfo {
        EgressInfo {
            file_results: vec![self.file.clone()],
            file: Some(self.file.clone()),
            ..self.info.clone()
        }
    }

    pub(super) fn view(&self) -> EgressView {
        EgressView {
            id: self.id().to_owned(),
            room_name: self.room_name().to_owned(),
            status: self.status(),
            filename: self.file.filename.clone(),
            info: json!(self.info()),
        }
    }

    /// Makes the next transition that happens by itself.
    pub(super) fn go_on(&mut self, holds: Holds, upload_target: Option<&UploadTarget>, now: i64) {
        match self.status() {
            _ if self.is_pinned => {}
            EgressStatus::Starting if now < self.loaded_at => {}
            EgressStatus::Starting if self.is_told_to_stop => self.abort(now),
            EgressStatus::Starting if !holds.starting => self.activate(now),
            EgressStatus::Ending if !holds.ending => self.complete(upload_target, now),
            _ => {}
        }
    }

    /// Handles a stop: aborts an egress that has not started recording; one that is ending
    /// continues to end.
    pub(super) fn stop(&mut self, now: i64) -> Result<(), Refusal> {
        match self.status() {
            EgressStatus::Starting => {
                self.set_end_reason("StopEgress API");
                if now < self.loaded_at {
                    self.is_told_to_stop = true;
                } else {
                    self.abort(now);
                }
            }
            EgressStatus::Active => {
                self.set_end_reason("StopEgress API");
                self.begin_to_end(now);
            }
            EgressStatus::Ending => {}
            _ => return Err(self.refuse_stop()),
        }
        Ok(())
    }

    /// How long until it handles a stop.
    pub(super) fn until_it_obeys(&self, now: i64) -> Duration {
        let waits = self.is_told_to_stop && self.status() == EgressStatus::Starting;
        let nanoseconds = if waits { self.loaded_at.saturating_sub(now) } else { 0 };
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
    }

    /// The error if no recorder responds to a stop, as for an ended egress.
    pub(super) fn refuse_stop(&self) -> Refusal {
        if matches!(self.status(), EgressStatus::Starting | EgressStatus::Active) {
            return Refusal::from_inside(Code::DeadlineExceeded, "request timed out");
        }
        self.cannot_be_stopped()
    }

    /// The error for a stop in the wrong state.
    pub(super) fn cannot_be_stopped(&self) -> Refusal {
        let name = json!(self.status());
        let name = name.as_str().unwrap_or_default();
        let problem = format!("egress with status {name} cannot be stopped");
        Refusal::new(Code::FailedPrecondition, problem)
    }

    /// Ends it because its room has closed.
    pub(super) fn lose_its_room(&mut self, now: i64) {
        match self.status() {
            EgressStatus::Starting => self.abort(now),
            EgressStatus::Active => {
                self.set_end_reason("Source closed");
                self.begin_to_end(now);
            }
            _ => {}
        }
    }

    /// Sets its status for a test, and keeps it until it is stopped.
    pub(super) fn put(
        &mut self,
        status: EgressStatus,
        upload_target: Option<&UploadTarget>,
        now: i64,
    ) {
        match status {
            EgressStatus::Starting => self.update(status, now),
            EgressStatus::Active => self.activate(now),
            EgressStatus::Ending => self.begin_to_end(now),
            EgressStatus::Complete => self.complete(upload_target, now),
            EgressStatus::Failed => {
                self.set_end_reason("Failure");
                self.end(status, "failed to launch the page", 500, now);
            }
            EgressStatus::Aborted => self.abort(now),
            EgressStatus::LimitReached => {
                self.set_end_reason("Session limit reached");
                self.finish_file(now);
                self.end(status, "Session limit reached", 413, now);
            }
        }
        self.is_pinned = true;
    }

    /// Moves its times into the past.
    pub(super) fn age(&mut self, by: Duration) {
        let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        for time in [
            &mut self.info.started_at,
            &mut self.info.updated_at,
            &mut self.info.ended_at,
            &mut self.file.started_at,
            &mut self.file.ended_at,
        ] {
            // Zero means that the time is not set.
            if *time != 0 {
                *time -= by;
            }
        }
    }

    /// Clears its start time, like an old recorder until recording begins.
    pub(super) fn forget_start_time(&mut self) {
        self.info.started_at = 0;
    }

    fn activate(&mut self, now: i64) {
        self.file.started_at = now;
        if self.info.started_at == 0 {
            self.info.started_at = now;
        }
        self.update(EgressStatus::Active, now);
    }

    fn begin_to_end(&mut self, now: i64) {
        self.is_pinned = false;
        self.finish_file(now);
        self.update(EgressStatus::Ending, now);
    }

    /// The upload comes last, so a recording that S3 rejects fails here.
    fn complete(&mut self, upload_target: Option<&UploadTarget>, now: i64) {
        if self.file.ended_at == 0 {
            self.finish_file(now);
        }
        self.file.size = FILE_SIZE;
        let Some(upload) = &self.upload else {
            self.file.location.clone_from(&self.file.filename);
            return self.end(EgressStatus::Complete, "", 0, now);
        };
        let key = &self.file.filename;
        let uploaded = match (upload_problem(upload, key), upload_target) {
            (Some(problem), _) => Err(problem),
            (None, Some(upload_target)) => upload_target.upload(upload, key),
            (None, None) => Ok(false),
        };
        if uploaded == Ok(true) {
            self.file.size = i64::try_from(RECORDED_FILE.len()).unwrap_or_default();
        }
        if let Err(problem) = uploaded {
            let problem = format!("S3 upload failed: {problem}");
            return self.end(EgressStatus::Failed, &problem, 400, now);
        }
        self.file.location = location(upload, &self.file.filename);
        self.end(EgressStatus::Complete, "", 0, now);
    }

    fn abort(&mut self, now: i64) {
        self.end(EgressStatus::Aborted, "Stop called before pipeline could start", 412, now);
    }

    fn end(&mut self, status: EgressStatus, error: &str, code: i32, now: i64) {
        error.clone_into(&mut self.info.error);
        self.info.error_code = code;
        self.info.ended_at = now;
        self.update(status, now);
    }

    fn finish_file(&mut self, now: i64) {
        if self.file.started_at == 0 {
            self.file.started_at = now;
        }
        self.file.ended_at = now;
        self.file.duration = now - self.file.started_at;
    }

    fn update(&mut self, status: EgressStatus, now: i64) {
        self.info.set_status(status);
        self.info.updated_at = now;
    }

    fn set_end_reason(&mut self, reason: &str) {
        self.info.details = format!("End reason: {reason}");
    }
}

/// The error of a server without Redis.
pub(super) fn not_connected() -> Refusal {
    Refusal::from_inside(Code::Internal, "egress not connected (redis required)")
}

/// The error for an egress that does not exist.
pub(super) fn no_such_egress() -> Refusal {
    Refusal::from_inside(Code::NotFound, "egress does not exist")
}
