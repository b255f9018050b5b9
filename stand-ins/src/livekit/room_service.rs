//! `livekit.RoomService`, and the rooms that tests and `/dev/rooms` open.

use serde::Deserialize;
use serde_json::json;

use super::{
    access::Grants,
    join::{self, Seat},
    messages::{
        CreateRoomRequest, DeleteRoomRequest, ListParticipantsRequest, ListParticipantsResponse,
        ListRoomsRequest, ListRoomsResponse, MuteRoomTrackRequest, MuteRoomTrackResponse,
        ParticipantInfo, Room, RoomParticipantIdentity, TrackSource, Unread,
    },
    room::{self, OpenRoom, no_such_participant, no_such_room},
    state::State,
    twirp::{Code, Refusal, plain},
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

    pub(super) fn find_participant(
        &mut self,
        request: &RoomParticipantIdentity,
        grants: &Grants,
    ) -> Result<ParticipantInfo, Refusal> {
        grants.ensure_admin_of(&request.room)?;
        self.go_on();
        let room = self.room(&request.room).ok_or_else(no_such_participant)?;
        let mut participants = room.participants(&self.egresses).into_iter();
        participants
            .find(|participant| participant.identity == request.identity)
            .ok_or_else(no_such_participant)
    }

    /// Also ends the recording of a recorder that is removed.
    pub(super) fn remove_participant(
        &mut self,
        request: &RoomParticipantIdentity,
        grants: &Grants,
    ) -> Result<Unread, Refusal> {
        self.find_participant(request, grants)?;
        if !self.open_room(&request.room).leave(&request.identity) {
            self.known_egress(&request.identity).lose_its_room(clock::unix_nanoseconds());
        }
        Ok(Unread {})
    }

    /// The server does not look the participant up first, but waits for the participant's node.
    pub(super) fn mute_published_track(
        &mut self,
        request: &MuteRoomTrackRequest,
        grants: &Grants,
    ) -> Result<MuteRoomTrackResponse, Refusal> {
        grants.ensure_admin_of(&request.room)?;
        let index = self.rooms.iter().position(|room| room.name() == request.room);
        let room = index.map(|index| &mut self.rooms[index]);
        let participant = room.and_then(|room| room.participant_mut(&request.identity));
        let Some(participant) = participant else {
            let problem = "no response from servers";
            return Err(Refusal::from_inside(Code::Unavailable, problem).after(self.stop_patience));
        };
        if !request.muted {
            let problem = "remote unmute not enabled";
            return Err(Refusal::from_inside(Code::FailedPrecondition, problem));
        }
        Ok(MuteRoomTrackResponse { track: participant.mute(&request.track_sid, true) })
    }

    /// Lets the holder of a token into its room.
    pub(super) fn join_with(&mut self, token: &str) -> Result<Seat, Refusal> {
        let grants = self.keys.grants_in(token, clock::unix_seconds())?;
        let seat = join::seat(&grants)?;
        let permission = join::permission(&grants);
        self.open_room(&seat.room).join(&seat, permission, clock::unix_milliseconds());
        Ok(seat)
    }

    pub(super) fn dev_join(&mut self, request: &Request) -> Answer {
        let order = match serde_json::from_slice::<JoinOrder>(&request.body) {
            Ok(order) => order,
            Err(problem) => return plain(400, format!("{problem}\n")),
        };
        let seat = match self.join_with(&order.token) {
            Ok(seat) => seat,
            Err(refusal) => return refusal.into_answer(),
        };
        if let Some(participant) = self.open_room(&seat.room).participant_mut(&seat.identity) {
            for source in order.publish {
                participant.publish(source);
            }
        }
        Answer::json(200, &json!({ "room": seat.room, "identity": seat.identity }))
    }

    pub(super) fn dev_participants(&self) -> Answer {
        let people =
            |room: &OpenRoom| json!({ "room": room.name(), "participants": room.people() });
        Answer::json(200, &self.rooms.iter().map(people).collect())
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

/// The body of `POST /dev/participants`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JoinOrder {
    token: String,
    #[serde(default)]
    publish: Vec<TrackSource>,
}

const fn one() -> u32 {
    1
}
