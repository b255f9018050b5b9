//! `POST /api/v1/livekit/invite-guest`: invites people without an account to one LiveKit room.
//!
//! | | |
//! |---|---|
//! | session | WorkOS, or Clerk with `LIVEKIT_IDENTITY=clerk`: a cookie, or `Authorization: Bearer` |
//! | input | `roomId`, as in `room-auth`; optional `hours`, 1 to 168 (24 by default), and `canPublish` (true by default) |
//! | output | 200 `{"invitation","expiresAt"}`: for `guest-auth`, for any number of guests |
//! | errors | 400, 401 no session, 403 not permitted, or no organization with `ROOM_NAMESPACE=organization`, 502, 503 |

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::identity::IdentityProvider;
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::livekit::{Invitation, Invitations, NewInvitation, Rooms};
use anteroom::settings::{Incomplete, Settings};

struct InviteGuest {
    identity: IdentityProvider,
    rooms: Rooms,
    invitations: Invitations,
}

impl Endpoint for InviteGuest {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/api/v1/livekit/invite-guest");
    type Input = NewInvitation;
    type Output = Invitation;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let identity = IdentityProvider::for_livekit(settings);
        let (rooms, invitations) = (Rooms::to_invite(settings), Invitations::configure(settings));
        Ok(Self { identity: identity?, rooms: rooms?, invitations: invitations? })
    }

    async fn prepare(&self) {
        self.identity.prefetch_keys().await;
    }

    async fn handle(
        &self,
        request: &Request,
        input: NewInvitation,
    ) -> Result<Reply<Invitation>, ApiError> {
        let caller = self.identity.session(request).await?.caller();
        let room = self.rooms.room(&caller, &input.room_id)?;
        Ok(Reply::ok(self.invitations.invite(&caller, &room, &input).await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<InviteGuest>()
}
