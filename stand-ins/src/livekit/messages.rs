//! The messages of LiveKit's server API, with the field numbers and names of `livekit_egress.proto`,
//! `livekit_room.proto` and `livekit_models.proto`.
//! <https://github.com/livekit/protocol/tree/main/protobufs>
//!
//! A member of a `oneof` is an optional field here: on the wire that is the same, and in JSON it is
//! left out if it is not set, whereas any other message is null. [`Unread`] stands for messages
//! that the stand-in accepts but does not read.

mod egress;
mod encoding;
mod room;
mod unread;

pub use self::{egress::EgressStatus, room::TrackSource};
pub(super) use self::{
    egress::{
        EgressInfo, EgressSourceType, FileInfo, ListEgressRequest, ListEgressResponse, Output,
        RoomCompositeEgressRequest, S3Upload, StartEgressRequest, StopEgressRequest,
        TokenPagination,
    },
    encoding::{EncodedFileType, EncodingOptions, EncodingOptionsPreset},
    room::{
        Codec, CreateRoomRequest, DeleteRoomRequest, ListParticipantsRequest,
        ListParticipantsResponse, ListRoomsRequest, ListRoomsResponse, MuteRoomTrackRequest,
        MuteRoomTrackResponse, ParticipantInfo, ParticipantKind, ParticipantPermission,
        ParticipantState, Room, RoomParticipantIdentity, TrackInfo, TrackType,
    },
    unread::Unread,
};
