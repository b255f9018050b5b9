//! `POST /api/v1/livekit/room-auth`: lets a signed-in user join one LiveKit room.
//!
//! | | |
//! |---|---|
//! | session | WorkOS, or Clerk with `LIVEKIT_IDENTITY=clerk`: a cookie, or `Authorization: Bearer` |
//! | input | `username` (the display name) and `roomId`: 1 to 128 printable characters each, at most 256 bytes |
//! | output | 200 `{"token"}`, valid for ten minutes and for that room |
//! | errors | 400, 401 no session, 403 no organization with `ROOM_NAMESPACE=organization`, 502, 503 |

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::identity::IdentityProvider;
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::livekit::{JoinToken, Joins, RoomId, Rooms, Username};
use anteroom::settings::{Incomplete, Settings};
use serde::Deserialize;

struct RoomAuth {
    identity: IdentityProvider,
    rooms: Rooms,
    joins: Joins,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    username: Username,
    room_id: RoomId,
}

impl Endpoint for RoomAuth {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/api/v1/livekit/room-auth");
    type Input = Input;
    type Output = JoinToken;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let identity = IdentityProvider::for_livekit(settings);
        let (rooms, joins) = (Rooms::to_join(settings), Joins::configure(settings));
        Ok(Self { identity: identity?, rooms: rooms?, joins: joins? })
    }

    async fn prepare(&self) {
        self.identity.prefetch_keys().await;
    }

    async fn handle(&self, request: &Request, input: Input) -> Result<Reply<JoinToken>, ApiError> {
        let caller = self.identity.session(request).await?.caller();
        let room = self.rooms.room(&caller, &input.room_id)?;
        Ok(Reply::ok(self.joins.token(&caller, &room, &input.username).await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<RoomAuth>()
}
