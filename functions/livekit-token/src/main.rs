//! `POST /api/v1/livekit/token`: answers the token request of LiveKit's own SDKs (`TokenSource.endpoint()`).
//!
//! | | |
//! |---|---|
//! | session | WorkOS, or Clerk with `LIVEKIT_IDENTITY=clerk`: a cookie, or `Authorization: Bearer` |
//! | input | `room_name`, and optionally `participant_name`, as in `room-auth`; other fields are ignored |
//! | output | 201 `{"server_url","participant_token"}`, the token of `room-auth` |
//! | errors | as `room-auth`, and 403 the user is banned or locked |

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::identity::IdentityProvider;
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::livekit::{Connection, Connections, Rooms, TokenRequest, default_username};
use anteroom::settings::{Incomplete, Settings};

struct LiveKitToken {
    identity: IdentityProvider,
    rooms: Rooms,
    connections: Connections,
}

impl Endpoint for LiveKitToken {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/api/v1/livekit/token");
    type Input = TokenRequest;
    type Output = Connection;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let identity = IdentityProvider::for_livekit_with_profiles(settings);
        let (rooms, connections) = (Rooms::to_join(settings), Connections::configure(settings));
        Ok(Self { identity: identity?, rooms: rooms?, connections: connections? })
    }

    async fn prepare(&self) {
        self.identity.prefetch_keys().await;
    }

    async fn handle(
        &self,
        request: &Request,
        input: TokenRequest,
    ) -> Result<Reply<Connection>, ApiError> {
        let session = self.identity.session(request).await?;
        let caller = session.caller();
        let room = self.rooms.room(&caller, &input.room_name)?;
        let username = match input.participant_name {
            Some(name) => name,
            None => default_username(session.person().await?.as_ref(), &caller)?,
        };
        Ok(Reply::created(self.connections.connection(&caller, &room, &username).await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<LiveKitToken>()
}
