//! `livekit.RoomService`, and the rooms that tests and `/dev/rooms` open.

use serde::Deserialize;

use super::{
    access::Grants,
    messages::{
        CreateRoomRequest, DeleteRoomRequest, ListParticipantsRequest, ListParticipantsResponse,
        ListRoomsRequest, ListRoomsResponse, Room, Unread,
    },
    room::{self, OpenRoom, no_such_room},
    state::State,
    twirp::{Refusal, plain},
};
use crate::{
    clock,
    exchange::{Answer, Request},
};

impl State {
    pub(super) fn create_room(
        &mut self,
        request: &CreateRoomRequest,
        grants: &Grants,
    ) -> Result<Room, Refusal> {
        grants.ensure_create()?;
        room::check(request)?;
        let index = self.room_index(&request.name);
        self.rooms[index].configure(request);
        Ok(self.rooms[index].info(&self.egresses))
    }

    pub(super) fn list_rooms(
        &mut self,
        request: &ListRoomsRequest,
        grants: &Grants,
    ) -> Result<ListRoomsResponse, Refusal> {
        grants.ensure_list()?;
        self.go_on();
        let is_wanted = |room: &&OpenRoom| {
            request.names.is_empty() || request.names.iter().any(|name| name == room.name())
        };
        let wanted = self.rooms.iter().filter(is_wanted);
        Ok(ListRoomsResponse { rooms: wanted.map(|room| room.info(&self.egresses)).collect() })
    }

    pub(super) fn delete_room(
        &mut self,
        request: &DeleteRoomRequest,
        grants: &Grants,
    ) -> Result<Unread, Refusal> {
        grants.ensure_create()?;
        self.room(&request.room).ok_or_else(no_such_room)?;
        self.close_room(&request.room);
        Ok(Unread {})
    }

    /// A room that does not exist has no participants.
    pub(super) fn list_participants(
        &mut self,
        request: &ListParticipantsRequest,
        grants: &Grants,
    ) -> Result<ListParticipantsResponse, Refusal> {
        grants.ensure_admin_of(&request.room)?;
        self.go_on();
        let room = self.room(&request.room);
        let participants = room.map(|room| room.participants(&self.egresses));
        Ok(ListParticipantsResponse { participants: participants.unwrap_or_default() })
    }

    pub(super) fn room(&self, name: &str) -> Option<&OpenRoom> {
        self.rooms.iter().find(|room| room.name() == name)
    }

    pub(super) fn open_room(&mut self, name: &str) -> &mut OpenRoom {
        let index = self.room_index(name);
        &mut self.rooms[index]
    }

    /// The index of the room with this name, which is opened if necessary.
    pub(super) fn room_index(&mut self, name: &str) -> usize {
        self.rooms.iter().position(|room| room.name() == name).unwrap_or_else(|| {
            self.rooms.push(OpenRoom::new(name, clock::unix_milliseconds()));
            self.rooms.len() - 1
        })
    }

    pub(super) fn close_room(&mut self, name: &str) {
        self.rooms.retain(|room| room.name() != name);
        let now = clock::unix_nanoseconds();
        let recordings = self.egresses.iter_mut().filter(|egress| egress.room_name() == name);
        recordings.for_each(|egress| egress.lose_its_room(now));
    }

    pub(super) fn dev_open_room(&mut self, request: &Request) -> Answer {
        match serde_json::from_slice::<RoomOrder>(&request.body) {
            Ok(order) => {
                self.open_room(&order.name).fill(order.participants, clock::unix_milliseconds());
                plain(200, "done\n")
            }
            Err(problem) => plain(400, format!("{problem}\n")),
        }
    }
}

/// The body of `POST /dev/rooms`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoomOrder {
    name: String,
    #[serde(default = "one")]
    participants: u32,
}

const fn one() -> u32 {
    1
}
