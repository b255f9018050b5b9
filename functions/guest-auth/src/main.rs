//! `POST /api/v1/livekit/guest-auth`: lets a guest join the LiveKit room of an invitation.
//!
//! | | |
//! |---|---|
//! | session | none; the invitation takes its place |
//! | input | `invitation`, from `invite-guest`, and `username` (the display name), as in `room-auth` |
//! | output | 200 `{"token"}`, valid for that room and for ten minutes, or until the invitation expires |
//! | errors | 400, 401 the invitation has expired, was changed or is not ours, 403 guests are not admitted, 502, 503 |

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::livekit::{Guests, InvitationToken, JoinToken, Username};
use anteroom::settings::{Incomplete, Settings};
use serde::Deserialize;

struct GuestAuth {
    guests: Guests,
}

#[derive(Deserialize)]
struct Input {
    invitation: InvitationToken,
    username: Username,
}

impl Endpoint for GuestAuth {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/api/v1/livekit/guest-auth");
    type Input = Input;
    type Output = JoinToken;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { guests: Guests::configure(settings)? })
    }

    async fn handle(&self, _: &Request, input: Input) -> Result<Reply<JoinToken>, ApiError> {
        Ok(Reply::ok(self.guests.token(&input.invitation, &input.username).await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<GuestAuth>()
}
