//! `GET /api/v1/livekit/recordings`: lists the recordings of a LiveKit room, with links to play them.
//!
//! | | |
//! |---|---|
//! | session | WorkOS, or Clerk with `LIVEKIT_IDENTITY=clerk`: a cookie, or `Authorization: Bearer` |
//! | input | in the query: `roomName`, `zoneId`, and for the next page the `cursor` of the previous one |
//! | output | 200 `{"recordings":[…],"cursor"}`, newest first, a hundred per page; the last page has no cursor |
//! | errors | 400, 401 no session, 403 not permitted, or no permission is configured, or no organization with `ROOM_NAMESPACE=organization`, 502, 503 |

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::identity::IdentityProvider;
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::livekit::{RecordingList, RecordingsPage, RecordingsQuery, Rooms};
use anteroom::settings::{Incomplete, Settings};

struct ListRecordings {
    identity: IdentityProvider,
    rooms: Rooms,
    list: RecordingList,
}

impl Endpoint for ListRecordings {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::get("/api/v1/livekit/recordings");
    type Input = RecordingsQuery;
    type Output = RecordingsPage;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let identity = IdentityProvider::for_livekit(settings);
        let rooms = Rooms::to_list_recordings(settings);
        let list = RecordingList::configure(settings);
        Ok(Self { identity: identity?, rooms: rooms?, list: list? })
    }

    async fn prepare(&self) {
        self.identity.prefetch_keys().await;
    }

    async fn handle(
        &self,
        request: &Request,
        input: RecordingsQuery,
    ) -> Result<Reply<RecordingsPage>, ApiError> {
        let caller = self.identity.session(request).await?.caller();
        let room = self.rooms.room(&caller, &input.room_name)?;
        Ok(Reply::ok(self.list.page(&room, &input).await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<ListRecordings>()
}
