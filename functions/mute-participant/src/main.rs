//! `POST /api/v1/livekit/mute-participant`: mutes somebody's microphone, camera or screen.
//!
//! | | |
//! |---|---|
//! | session | WorkOS, or Clerk with `LIVEKIT_IDENTITY=clerk`: a cookie, or `Authorization: Bearer` |
//! | input | as in `remove-participant`, and `source`: `microphone`, `camera` or `screen_share` (with its audio) |
//! | output | 200 `{"code":200,"message":"OK"}`, even if the source is already muted |
//! | errors | as `remove-participant`, and 404 the participant does not publish that source |
//!
//! The participant can unmute.

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request, Status};
use anteroom::identity::IdentityProvider;
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::livekit::{Moderator, Muting, Rooms};
use anteroom::settings::{Incomplete, Settings};

struct MuteParticipant {
    identity: IdentityProvider,
    rooms: Rooms,
    moderator: Moderator,
}

impl Endpoint for MuteParticipant {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/api/v1/livekit/mute-participant");
    type Input = Muting;
    type Output = Status;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let identity = IdentityProvider::for_livekit(settings);
        let (rooms, moderator) = (Rooms::to_moderate(settings), Moderator::configure(settings));
        Ok(Self { identity: identity?, rooms: rooms?, moderator: moderator? })
    }

    async fn prepare(&self) {
        self.identity.prefetch_keys().await;
    }

    async fn handle(&self, request: &Request, input: Muting) -> Result<Reply<Status>, ApiError> {
        let caller = self.identity.session(request).await?.caller();
        let room = self.rooms.room(&caller, &input.room_id)?;
        self.moderator.mute(&room, &input).await?;
        Ok(Reply::done())
    }
}

fn main() -> ExitCode {
    lambda::run::<MuteParticipant>()
}
