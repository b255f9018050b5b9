//! Which recording is whose, and stopping one.

use serde::Serialize;

use crate::api::ApiError;
use crate::clock::Clock;
use crate::livekit::egress::{EgressId, EgressInfo, Status};
use crate::livekit::object_key::ObjectFolder;
use crate::livekit::room::{MAX_NAME_BYTES, RoomName};
use crate::livekit::server_api::{CallError, ServerApi};
use crate::settings::{Incomplete, Settings};
use crate::text::Line;

/// A zone, in which the caller's own application keeps things together: 1 to 64 printable
/// characters.
pub type Zone = Line<64, MAX_NAME_BYTES>;

/// A recording, as endpoints answer it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// LiveKit's id of it.
    pub egress_id: EgressId,
    /// When it was started, or when it ended or was told to, in Unix seconds.
    pub timestamp: u64,
}

/// The recordings that there are.
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

    /// Stops the recording `id` of a room and a zone. LiveKit itself would stop any egress whose id
    /// it is told.
    ///
    /// # Errors
    /// 404 when there is none with that id in that room and zone, 409 when it has ended.
    pub async fn stop(
        &self,
        room: &RoomName,
        zone: &Zone,
        id: &EgressId,
    ) -> Result<Recording, ApiError> {
        let recording = self.find(room, zone, id).await?;
        if !recording.is_running() {
            return self.stopped(&recording);
        }
        match self.api.stop_egress(id).await {
            Ok(told) => Ok(self.ending(&told)),
            Err(CallError::NotFound) => Err(not_found()),
            // It has ended, or has begun to, since we looked.
            Err(CallError::FailedPrecondition) => self.stopped(&self.find(room, zone, id).await?),
            Err(CallError::Provider(error)) if error.leaves_open() => {
                match self.find(room, zone, id).await {
                    Ok(stopped) if !stopped.is_running() => Ok(self.ending(&stopped)),
                    _ => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn find(
        &self,
        room: &RoomName,
        zone: &Zone,
        id: &EgressId,
    ) -> Result<EgressInfo, ApiError> {
        let folder = ObjectFolder::of(zone, room);
        let is_that = |egress: &EgressInfo| {
            egress.is_of(room) && egress.object_key().is_some_and(|key| folder.holds(key))
        };
        self.api.egress(id).await?.filter(is_that).ok_or_else(not_found)
    }

    /// What there is to say of a recording that has been stopped before.
    fn stopped(&self, recording: &EgressInfo) -> Result<Recording, ApiError> {
        match recording.status() {
            Status::Ended => Err(ApiError::conflict("The recording has ended already")),
            _ => Ok(self.ending(recording)),
        }
    }

    fn ending(&self, recording: &EgressInfo) -> Recording {
        Recording {
            egress_id: recording.egress_id.clone(),
            timestamp: recording.ended().unwrap_or_else(|| self.clock.now().whole_seconds()),
        }
    }
}

fn not_found() -> ApiError {
    ApiError::not_found("There is no such recording in this room and zone")
}
