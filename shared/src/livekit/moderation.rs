//! Muting and removing participants.

use serde::Deserialize;

use crate::api::ApiError;
use crate::livekit::identity::{Identity, ParticipantId};
use crate::livekit::server_api::{CallError, ServerApi, TrackSource};
use crate::livekit::{RoomId, RoomName};
use crate::settings::{Incomplete, Settings};

/// A request to remove a participant.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removal {
    /// The room.
    pub room_id: RoomId,
    identity: ParticipantId,
}

/// A request to mute a participant.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Muting {
    /// The room.
    pub room_id: RoomId,
    identity: ParticipantId,
    source: TrackSource,
}

/// Mutes and removes the participants of a room: users and guests, but no recorders or agents.
#[derive(Clone, Debug)]
pub struct Moderator {
    api: ServerApi,
}

impl Moderator {
    /// Reads `LIVEKIT_URL`, `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { api: ServerApi::configure(settings)? })
    }

    /// Ends a participant's connection to the room. This is not a ban: a participant who still gets
    /// a join token can come back.
    ///
    /// # Errors
    /// 404 if no such participant is in the room.
    pub async fn remove(&self, room: &RoomName, removal: &Removal) -> Result<(), ApiError> {
        let identity = ours(&removal.identity)?;
        self.api.remove(room, identity).await.map_err(refusal)
    }

    /// Mutes every track that the participant publishes from the source, including those that
    /// LiveKit lists as muted, because its list may be out of date.
    ///
    /// # Errors
    /// 404 if no such participant is in the room, or the participant does not publish the source.
    pub async fn mute(&self, room: &RoomName, muting: &Muting) -> Result<(), ApiError> {
        let identity = ours(&muting.identity)?;
        let mut tracks = self.api.published(room, identity).await.map_err(refusal)?.tracks;
        tracks.retain(|track| track.is_from(muting.source));
        let mut muted = false;
        for track in &tracks {
            match self.api.mute(room, identity, track).await {
                Ok(()) => muted = true,
                // The participant has just stopped publishing it.
                Err(CallError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if muted {
            Ok(())
        } else {
            Err(ApiError::not_found("The participant does not publish this source"))
        }
    }
}

/// The identity of a participant who may be moderated.
fn ours(participant: &ParticipantId) -> Result<&Identity, ApiError> {
    participant.identity().ok_or_else(no_such_participant)
}

fn refusal(error: CallError) -> ApiError {
    match error {
        CallError::NotFound => no_such_participant(),
        error => error.into(),
    }
}

fn no_such_participant() -> ApiError {
    ApiError::not_found("There is no such participant in this room")
}
