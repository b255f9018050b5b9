//! LiveKit: tokens that let people join a room, and recordings of what happens in it.
//! <https://docs.livekit.io/home/get-started/authentication/>
//!
//! | part | what it is |
//! |---|---|
//! | `keys` | the API key and the secret that signs tokens with it |
//! | `access_token` | the tokens themselves: what they grant, to whom, for how long |
//! | `room` | which of LiveKit's a caller's room is, and who may do what there |
//! | `join` | tokens that people join a room with |
//! | `server_api` | Twirp, the form of LiveKit's server API, and its errors |
//! | `room_service`, `egress` | the calls of that API that are made here |
//! | `egress_info` | what LiveKit says of a recording, its own or another program's |
//! | `recordings` | which recording is whose, and stopping one |
//! | `recorder` | starting one, once per room |
//! | `object_key`, `object_metadata`, `upload` | where a recording goes, and what is kept beside it |

mod access_token;
mod join;
mod keys;
mod object_metadata;
mod recording;
mod room;
mod server_api;

pub use join::{JoinToken, Joins, Username};
pub use recording::{NewRecording, Participants, Recorder, Recording, Recordings, Topic, Zone};
pub use room::{RoomId, RoomName, Rooms};
pub use server_api::EgressId;
