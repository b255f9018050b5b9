//! `POST /api/v1/livekit/remove-participant`: removes somebody from a LiveKit room.
//!
//! | | |
//! |---|---|
//! | session | WorkOS, or Clerk with `LIVEKIT_IDENTITY=clerk`: a cookie, or `Authorization: Bearer` |
//! | input | `roomId`, as in `room-auth`, and the participant's `identity` |
//! | output | 200 `{"code":200,"message":"OK"}` |
//! | errors | 400, 401 no session, 403 not permitted, or no organization with `ROOM_NAMESPACE=organization`, 404 not in the room, or neither a user nor a guest, 502, 503 |
//!
//! Removing somebody is not a ban: users and guests who are still admitted can come back.

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request, Status};
use anteroom::identity::IdentityProvider;
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::livekit::{Moderator, Removal, Rooms};
use anteroom::settings::{Incomplete, Settings};

struct RemoveParticipant {
    identity: IdentityProvider,
    rooms: Rooms,
    moderator: Moderator,
}

impl Endpoint for RemoveParticipant {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/api/v1/livekit/remove-participant");
    type Input = Removal;
    type Output = Status;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let identity = IdentityProvider::for_livekit(settings);
        let (rooms, moderator) = (Rooms::to_moderate(settings), Moderator::configure(settings));
        Ok(Self { identity: identity?, rooms: rooms?, moderator: moderator? })
    }

    async fn prepare(&self) {
        self.identity.prefetch_keys().await;
    }

    async fn handle(&self, request: &Request, input: Removal) -> Result<Reply<Status>, ApiError> {
        let caller = self.identity.session(request).await?.caller();
        let room = self.rooms.room(&caller, &input.room_id)?;
        self.moderator.remove(&room, &input).await?;
        Ok(Reply::done())
    }
}

fn main() -> ExitCode {
    lambda::run::<RemoveParticipant>()
}
