//! `POST /api/v1/livekit/stop-recording`: stops a recording of a LiveKit room.
//!
//! | | |
//! |---|---|
//! | session | WorkOS, or Clerk with `LIVEKIT_IDENTITY=clerk`: a cookie, or `Authorization: Bearer` |
//! | input | `roomName`, `zoneId` and `egressId` of the recording |
//! | output | 200 `{"egressId","timestamp"}`, even if it is already ending |
//! | errors | 400, 401 no session, 403 not permitted, or no organization with `ROOM_NAMESPACE=organization`, 404 the caller's organization has no such recording in that room and zone, 409 it has already ended, 502, 503 (it may still be running) |

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::identity::IdentityProvider;
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::livekit::{EgressId, Recording, Recordings, RoomId, Rooms, Zone};
use anteroom::settings::{Incomplete, Settings};
use serde::Deserialize;

struct StopRecording {
    identity: IdentityProvider,
    rooms: Rooms,
    recordings: Recordings,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    room_name: RoomId,
    zone_id: Zone,
    egress_id: EgressId,
}

impl Endpoint for StopRecording {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/api/v1/livekit/stop-recording");
    type Input = Input;
    type Output = Recording;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let identity = IdentityProvider::for_livekit(settings);
        let (rooms, recordings) = (Rooms::to_record(settings), Recordings::configure(settings));
        Ok(Self { identity: identity?, rooms: rooms?, recordings: recordings? })
    }

    async fn prepare(&self) {
        self.identity.prefetch_keys().await;
    }

    async fn handle(&self, request: &Request, input: Input) -> Result<Reply<Recording>, ApiError> {
        let caller = self.identity.session(request).await?.caller();
        let room = self.rooms.room(&caller, &input.room_name)?;
        Ok(Reply::ok(self.recordings.stop(&room, &input.zone_id, &input.egress_id).await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<StopRecording>()
}
