//! LiveKit's `RoomService`, as far as this project asks it: whether there is anybody in a room.
//! <https://docs.livekit.io/reference/server/server-apis/#roomservice-apis>

use serde::Deserialize;
use serde_json::json;

use crate::livekit::RoomName;
use crate::livekit::access_token::Grant;
use crate::livekit::server_api::{CallError, Method, ServerApi};

const SERVICE: &str = "livekit.RoomService";

#[derive(Deserialize)]
struct ListRooms {
    rooms: Vec<Room>,
}

#[derive(Deserialize)]
struct Room {
    name: String,
    #[serde(alias = "numParticipants")]
    num_participants: u32,
}

#[derive(Deserialize)]
struct ListParticipants {
    participants: Vec<Participant>,
}

#[derive(Deserialize)]
struct Participant {
    state: String,
    kind: String,
}

impl Participant {
    /// Whether it is somebody to record: no recorder, no agent, and not gone.
    fn is_present(&self) -> bool {
        !matches!(self.kind.as_str(), "EGRESS" | "AGENT") && self.state != "DISCONNECTED"
    }
}

impl ServerApi {
    /// Whether there is such a room with somebody in it.
    ///
    /// The number of participants that the list of rooms has is up to five seconds old, and 0 for a
    /// room that somebody has just entered. Only then are its participants asked for: of a large
    /// room they would be megabytes.
    pub(super) async fn is_occupied(&self, room: &RoomName) -> Result<bool, CallError> {
        let list = Method::repeatable(SERVICE, "ListRooms", Grant::ListRooms);
        let list: ListRooms = self.call(&list, json!({ "names": [room] })).await?;
        match list.rooms.iter().find(|found| found.name == room.as_str()) {
            None => return Ok(false),
            Some(found) if found.num_participants > 0 => return Ok(true),
            Some(_) => {}
        }
        let list = Method::repeatable(SERVICE, "ListParticipants", Grant::InspectRoom(room));
        match self.call::<ListParticipants>(&list, json!({ "room": room })).await {
            Ok(list) => Ok(list.participants.iter().any(Participant::is_present)),
            Err(CallError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
