//! LiveKit's server and its recorder, as far as this project uses them, and the official server SDKs'
//! `EgressClient` and `RoomServiceClient` with the same calls. There is no media: nobody is connected,
//! and no file is made. <https://docs.livekit.io/reference/server/server-apis/>
//!
//! | request | answers |
//! |---|---|
//! | `POST /twirp/livekit.Egress/StartRoomCompositeEgress` | begins to record a room |
//! | `POST /twirp/livekit.Egress/StartEgress` | the same, in the later form |
//! | `POST /twirp/livekit.Egress/ListEgress` | recordings, also ended ones |
//! | `POST /twirp/livekit.Egress/StopEgress` | ends a recording |
//! | `POST /twirp/livekit.RoomService/CreateRoom`, `ListRooms`, `DeleteRoom`, `ListParticipants` | rooms |
//! | `GET /rtc/validate`, `GET /rtc/v1/validate` | whether a token would be let in |
//! | `POST /dev/rooms` | opens a room, which only the stand-in does: `{"name": "daily", "participants": 2}` |
//! | `GET /dev/egresses` | all recordings |
//!
//! ```text
//! curl -X POST $URL/dev/rooms -d '{"name": "daily", "participants": 2}'
//! curl $URL/dev/egresses
//! ```
//!
//! **Where the rules are from.** Tokens and grants: `pkg/service/auth.go` of the server, the one
//! minute's leeway included, so that a refused token is answered in plain text and a missing one or a
//! missing grant by Twirp. Joining: `ValidateConnectRequest` in `pkg/service/utils.go`. Methods:
//! `pkg/service/egress.go`, `ioservice.go`, `redisstore.go`, `roomservice.go`. What the recorder refuses,
//! hides and calls its files: [`pkg/config`](https://github.com/livekit/egress/tree/main/pkg/config)
//! of the egress service. These are the points that surprise:
//!
//! - An error from inside the server reaches the client with `twirp error unknown: ` before its text,
//!   whatever its code.
//! - `ListEgress` with an egress's id looks at neither the room nor `active`, and refuses an unknown id;
//!   with a room's name it is a filter. `active` means starting, active or ending.
//! - LiveKit Cloud has been seen to refuse a stop with `failed_precondition` and to list the egress as
//!   active all the while: [`LiveKit::refuse_stops`].
//! - `StopEgress` asks for no room. An egress that has not begun to record is aborted by it with 200,
//!   once its page has loaded ([`LiveKit::load_pages_for`]); where that takes more than three seconds
//!   the caller gets 408 meanwhile, and the egress is aborted later. One that ends already is left to
//!   end, with 200; one that has ended is refused with 412.
//! - The server asks the recorders first, also about an egress that has ended or does not exist: it
//!   takes three seconds to refuse such a stop ([`LiveKit::take_its_time`]).
//! - `started_at` is set from the beginning. Older recorders set it when they begin to record:
//!   [`LiveKit::report_start_times_late`].
//! - Where no recorder is there, or none has room, the server tries nine times before it says so, with
//!   random pauses, for 18 to 27 seconds: [`LiveKit::without_recorder`], [`LiveKit::without_capacity`].
//!   A stop that no recorder answers is refused with 408 after three, and with 412 where the egress was
//!   ending.
//! - A server without Redis lists no egresses and stops none, with 500, and looks for a recorder to
//!   start one all the same: [`LiveKit::without_redis`].
//! - The templates in a file's path are filled in after the path has been cleaned.
//! - Object metadata that S3 does not take fails the recording at its end and not at its start.
//!
//! **How time goes by.** An egress takes its next step when the API is asked the next time: the start
//! answers `EGRESS_STARTING`, whoever lists it then finds `EGRESS_ACTIVE`, a stop answers
//! `EGRESS_ENDING` and the next look `EGRESS_COMPLETE`. [`LiveKit::hold_starting`] and
//! [`LiveKit::hold_ending`] keep them from it; [`LiveKit::egress`] is no look.
//!
//! **What is not imitated.** Other methods (`unimplemented`), other outputs than one file and other
//! storages than S3; whether codecs go together; manifests; the end of rooms that stay empty, and of
//! what is known of an egress after a day; the WebSocket of `/rtc`; CORS; the limit of 10 MiB on a body (it is 1 MiB here). The server has no rate
//! limit: [`Fault::Limiting`](crate::faults::Fault::Limiting) is Twirp's own `resource_exhausted`.

mod access;
mod control;
mod dispatch;
mod egress;
mod egress_service;
mod identifier;
mod join;
mod messages;
mod plan;
mod proto_json;
mod recorder;
mod room;
mod room_service;
mod state;
mod twirp;

pub use self::{
    access::{API_KEY, API_SECRET},
    dispatch::{LiveKit, RECORDINGS_BUCKET, Server},
    egress::EgressView,
    join::Seat,
    messages::EgressStatus,
    state::{STOP_PATIENCE, USUAL_PATIENCE},
};
