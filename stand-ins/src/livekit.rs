//! The parts of LiveKit's server and its recorder that this project uses. The official server SDKs'
//! `EgressClient` and `RoomServiceClient` work with the same calls. There is no media: nobody
//! connects, and no video is recorded; with [`LiveKit::record_to`], a few bytes are uploaded instead.
//! <https://docs.livekit.io/reference/server/server-apis/>
//!
//! | request | response or effect |
//! |---|---|
//! | `POST /twirp/livekit.Egress/StartRoomCompositeEgress` | starts recording a room |
//! | `POST /twirp/livekit.Egress/StartEgress` | the same, in the newer format |
//! | `POST /twirp/livekit.Egress/ListEgress` | recordings, including ended ones |
//! | `POST /twirp/livekit.Egress/StopEgress` | stops a recording |
//! | `POST /twirp/livekit.RoomService/CreateRoom`, `ListRooms`, `DeleteRoom`, `ListParticipants` | rooms |
//! | `POST /twirp/livekit.RoomService/GetParticipant`, `RemoveParticipant`, `MutePublishedTrack` | participants |
//! | `GET /rtc/validate`, `GET /rtc/v1/validate` | whether a token would be accepted |
//! | `POST /dev/rooms` | opens a room, only in the stand-in: `{"name": "daily", "participants": 2}` |
//! | `POST /dev/participants` | joins with a token and publishes: `{"token": "ey…", "publish": ["MICROPHONE"]}` |
//! | `GET /dev/participants` | who is in which room |
//! | `GET /dev/egresses` | all recordings |
//!
//! ```text
//! curl -X POST $URL/dev/rooms -d '{"name": "daily", "participants": 2}'
//! curl $URL/dev/egresses
//! ```
//!
//! **Sources of the rules.** Tokens and grants: `pkg/service/auth.go` of the server, including one
//! minute of leeway. The error for a rejected token is plain text, but the errors for a missing
//! token and a missing grant come from Twirp. Joining: `ValidateConnectRequest` in
//! `pkg/service/utils.go`. Methods: `pkg/service/egress.go`, `ioservice.go`, `redisstore.go`,
//! `roomservice.go`. What the recorder rejects and redacts, and how it names files:
//! [`pkg/config`](https://github.com/livekit/egress/tree/main/pkg/config) of the egress service.
//! Some behavior is surprising:
//!
//! - An error from inside the server reaches the client with `twirp error unknown: ` before its text,
//!   whatever its code.
//! - `ListEgress` with an egress id ignores the room and `active`, and rejects an unknown id; with
//!   a room name it is a filter. `active` means starting, active or ending.
//! - LiveKit Cloud has been observed to refuse a stop with `failed_precondition` while listing the
//!   egress as active: [`LiveKit::refuse_stops`].
//! - `StopEgress` takes no room. It aborts an egress that has not started recording, with 200, once
//!   its page has loaded ([`LiveKit::load_pages_for`]); if that takes more than three seconds, the
//!   caller gets 408, and the egress is aborted later. For an egress that is already ending it
//!   returns 200 and changes nothing; for one that has ended it returns 412.
//! - The server asks the recorders first, even about an egress that has ended or does not exist, so
//!   it takes three seconds to refuse such a stop ([`LiveKit::delay_refused_stops`]).
//! - `started_at` is set from the start. Older recorders set it when recording begins:
//!   [`LiveKit::report_start_times_late`].
//! - `RemoveParticipant` looks the participant up first, and `MutePublishedTrack` does not: for a
//!   participant who has left, it gets no response. It takes any track id, and never unmutes.
//! - If there is no recorder, or none has capacity, the server makes nine attempts with random
//!   pauses, for 18 to 27 seconds, before it reports that:
//!   [`LiveKit::without_recorder`], [`LiveKit::without_capacity`].
//!   A stop that no recorder responds to gets 408 after three seconds, or 412 if the egress was
//!   ending.
//! - Without Redis, listing and stopping egresses fails with 500, but a start still looks for a
//!   recorder: [`LiveKit::without_redis`].
//! - The templates in a file path are substituted after the path has been sanitized.
//! - If S3 rejects the object metadata, the recording fails at its end and not at its start.
//!
//! **Progress.** An egress advances with each API call: the start returns `EGRESS_STARTING`, the
//! next list `EGRESS_ACTIVE`, a stop returns `EGRESS_ENDING`, and the next list `EGRESS_COMPLETE`.
//! [`LiveKit::hold_starting`] and [`LiveKit::hold_ending`] prevent that; [`LiveKit::egress`] does
//! not advance an egress.
//!
//! **Webhooks.** [`LiveKit::send_webhooks_to`] sends an event for each room, participant and egress that
//! comes, changes or goes, signed and in the server's JSON. From then on, egresses advance by
//! themselves.
//!
//! **Not imitated.** Other methods (`unimplemented`), outputs other than one file and storage other
//! than S3; checks of codec combinations; manifests; the expiry of empty rooms and, after a day, of
//! egress information; the WebSocket of `/rtc`; CORS; the limit of 10 MiB on a body (it is 1 MiB
//! here). The server has no rate limit: [`Fault::Limiting`](crate::faults::Fault::Limiting) is
//! Twirp's own `resource_exhausted`.

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
mod upload_target;
mod webhooks;

pub use self::{
    access::{API_KEY, API_SECRET},
    dispatch::{LiveKit, RECORDINGS_BUCKET, Server},
    egress::EgressView,
    join::Seat,
    messages::{EgressStatus, TrackSource},
    state::{STOP_PATIENCE, USUAL_PATIENCE},
    upload_target::RECORDED_FILE,
    webhooks::{webhook_claims, webhook_token},
};
