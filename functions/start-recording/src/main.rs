//! `POST /api/v1/livekit/start-recording`: records a LiveKit room to an S3 bucket.
//!
//! | | |
//! |---|---|
//! | session | WorkOS, or Clerk with `LIVEKIT_IDENTITY=clerk`: a cookie, or `Authorization: Bearer` |
//! | input | `roomName`, `zoneId`, optional `conferenceTopic` and `participants` |
//! | output | 200 `{"egressId","timestamp"}` |
//! | errors | 400, 401 no session, 403 not permitted, or no organization with `ROOM_NAMESPACE=organization`, 404 no such room or nobody in it, 409 it is already being recorded, 502, 503 |
//!
//! It takes up to half a minute, because LiveKit may take that long to find a free recorder.

use std::process::ExitCode;
use std::time::Duration;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::identity::IdentityProvider;
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::livekit::{NewRecording, Recorder, Recording, Rooms};
use anteroom::settings::{Incomplete, Settings};

struct StartRecording {
    identity: IdentityProvider,
    rooms: Rooms,
    recorder: Recorder,
}

impl Endpoint for StartRecording {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/api/v1/livekit/start-recording");
    /// API Gateway waits for 30 seconds.
    const TIME_LIMIT: Duration = Duration::from_secs(29);
    type Input = NewRecording;
    type Output = Recording;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let identity = IdentityProvider::for_livekit(settings);
        let (rooms, recorder) = (Rooms::to_record(settings), Recorder::configure(settings));
        Ok(Self { identity: identity?, rooms: rooms?, recorder: recorder? })
    }

    async fn prepare(&self) {
        self.identity.prefetch_keys().await;
    }

    async fn handle(
        &self,
        request: &Request,
        input: NewRecording,
    ) -> Result<Reply<Recording>, ApiError> {
        let caller = self.identity.session(request).await?.caller();
        let room = self.rooms.room(&caller, &input.room_name)?;
        Ok(Reply::ok(self.recorder.start(&caller, &room, &input).await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<StartRecording>()
}
