//! Stops recordings, and checks who owns them.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{sleep, timeout};

use crate::api::ApiError;
use crate::clock::Clock;
use crate::livekit::recording::object_key::ObjectFolder;
use crate::livekit::recording::zone::Zone;
use crate::livekit::room::RoomName;
use crate::livekit::server_api::{CallError, EgressId, EgressInfo, ServerApi, Status};
use crate::request_scope;
use crate::settings::{Incomplete, Settings};

/// The pause before we tell LiveKit again to stop a recording that it still lists as running.
const RETRY_INTERVAL: Duration = Duration::from_millis(300);

/// Time held back from a stop so that we can still log that it failed.
const LOG_RESERVE: Duration = Duration::from_millis(200);

/// The response body of the recording endpoints.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// LiveKit's id of the recording.
    pub egress_id: EgressId,
    /// When it started, or when it ended or was told to end, in Unix seconds.
    pub timestamp: u64,
}

/// Existing recordings.
#[derive(Clone, Debug)]
pub struct Recordings {
    pub(super) api: ServerApi,
    pub(super) clock: Clock,
}

impl Recordings {
    /// Reads `LIVEKIT_URL`, `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { api: ServerApi::configure(settings)?, clock: settings.clock() })
    }

    /// Stops the recording `id` of a room and a zone before the request's deadline. LiveKit itself
    /// would stop any egress by its id.
    ///
    /// # Errors
    /// 404 if the caller's organization has not started it in that room and zone, 409 if it has
    /// ended, 503 if LiveKit refuses to stop it and still lists it as running.
    pub async fn stop(
        &self,
        room: &RoomName,
        zone: &Zone,
        id: &EgressId,
    ) -> Result<Recording, ApiError> {
        let place = Place { room, zone };
        let recording = self.find(place, id).await?.ok_or_else(not_found)?;
        if !recording.is_running() {
            return self.stopped(id, &recording);
        }
        let left = request_scope::deadline().since(self.clock.now());
        let limit = left.saturating_sub(LOG_RESERVE);
        let stopped = match timeout(limit, self.stop_running(place, id)).await {
            Ok(stopped) => stopped,
            Err(_) => Err(ApiError::unavailable("livekit did not stop a recording in time")),
        };
        if stopped.as_ref().is_err_and(|error| error.status().is_server_error()) {
            tracing::error!(egress = %id, "failed to stop a recording; it may still be running");
        }
        stopped
    }

    /// Tells LiveKit to stop a recording. Retries while LiveKit refuses but lists it as running,
    /// because its list and its internal state may briefly differ.
    async fn stop_running(&self, place: Place<'_>, id: &EgressId) -> Result<Recording, ApiError> {
        loop {
            let error = match self.api.stop_egress(id).await {
                Ok(stopped) => return Ok(self.ending(id, stopped.ended())),
                Err(error) => error,
            };
            let refused = error.is_of_state();
            let is_by_others =
                matches!(error, CallError::FailedPrecondition { after_lost_attempt: false });
            if !refused && !error.leaves_open() {
                return Err(error.into());
            }
            match self.find(place, id).await {
                Ok(None) if refused => return Err(not_found()),
                // It has ended or started to end since we looked, and not by our doing.
                Ok(Some(found)) if is_by_others && !found.is_running() => {
                    return self.stopped(id, &found);
                }
                Ok(Some(found)) if !found.is_running() => {
                    return Ok(self.ending(id, found.ended()));
                }
                _ if refused => sleep(RETRY_INTERVAL).await,
                _ => return Err(error.into()),
            }
        }
    }

    async fn find(&self, place: Place<'_>, id: &EgressId) -> Result<Option<EgressInfo>, CallError> {
        let egress = self.api.egress(id).await?;
        Ok(egress.filter(|egress| place.is_of(egress)))
    }

    /// The response for a recording that was already stopped.
    fn stopped(&self, id: &EgressId, recording: &EgressInfo) -> Result<Recording, ApiError> {
        match recording.status() {
            Status::Complete | Status::Failed => {
                Err(ApiError::conflict("The recording has already ended"))
            }
            _ => Ok(self.ending(id, recording.ended())),
        }
    }

    fn ending(&self, id: &EgressId, ended: Option<u64>) -> Recording {
        let timestamp = ended.unwrap_or_else(|| self.clock.now().whole_seconds());
        Recording { egress_id: id.clone(), timestamp }
    }
}

/// The zone and room in which a caller looks for a recording.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) room: &'a RoomName,
    pub(super) zone: &'a Zone,
}

impl Place<'_> {
    /// Whether a recording was started here by the caller's organization. The folder of its object
    /// shows that. In an old shared folder, only the object's metadata does.
    pub(super) fn is_of(self, egress: &EgressInfo) -> bool {
        let Some(key) = egress.object_key().filter(|_| egress.is_of(self.room)) else {
            return false;
        };
        match egress.is_of_organization(self.room.organization()) {
            Some(false) => false,
            Some(true) => self.folder().holds(key) || self.shared_folder().holds(key),
            None => self.folder().holds(key),
        }
    }

    pub(super) fn folder(self) -> ObjectFolder {
        ObjectFolder::of(self.zone, self.room)
    }

    pub(super) fn shared_folder(self) -> ObjectFolder {
        ObjectFolder::shared(self.zone, self.room)
    }
}

fn not_found() -> ApiError {
    ApiError::not_found("No such recording in this room and zone")
}
