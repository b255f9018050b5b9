//! LiveKit: join tokens, recordings, events, guests and moderation.
//!
//! | to | start with |
//! |---|---|
//! | map a caller's room to LiveKit's, and check permissions | [`Rooms`], which returns a [`RoomName`] |
//! | let a caller join a room | [`Joins`], which returns a [`JoinToken`] |
//! | start a recording, one per room | [`Recorder`] |
//! | stop a recording | [`Recordings`] |
//! | receive LiveKit's events | [`Webhooks`] |
//! | invite guests | [`Invitations`], which returns an [`Invitation`] |
//! | let a guest join | [`Guests`], which takes an [`InvitationToken`] |
//! | mute or remove a participant | [`Moderator`] |
//! | list recordings, with links to their files | [`RecordingList`] |
//!
//! All of them except [`Webhooks`] and [`Guests`] take a [`Caller`](crate::caller::Caller) or a
//! caller's room, no matter which provider the session comes from.
//!
//! # Joining a room
//! ```
//! # use anteroom::api::{ApiError, Reply};
//! # use anteroom::caller::Caller;
//! # use anteroom::livekit::{JoinToken, Joins, RoomId, Rooms, Username};
//! async fn handle(
//!     rooms: &Rooms,
//!     joins: &Joins,
//!     caller: &Caller,
//!     id: &RoomId,
//!     username: &Username,
//! ) -> Result<Reply<JoinToken>, ApiError> {
//!     let room = rooms.room(caller, id)?; // 403 if it needs an organization and there is none
//!     Ok(Reply::ok(joins.token(caller, &room, username).await?))
//! }
//! ```
//! Tokens are signed here with the API secret; LiveKit is not called. [`Connections`] answers
//! LiveKit's own token request with the same token and the address of its [`Server`].
//!
//! # Recording a room
//! ```
//! # use anteroom::api::{ApiError, Reply};
//! # use anteroom::caller::Caller;
//! # use anteroom::livekit::{NewRecording, Recorder, Recording, Rooms};
//! async fn handle(
//!     rooms: &Rooms,
//!     recorder: &Recorder,
//!     caller: &Caller,
//!     input: NewRecording,
//! ) -> Result<Reply<Recording>, ApiError> {
//!     let room = rooms.room(caller, &input.room_name)?; // 403 without the permission
//!     Ok(Reply::ok(recorder.start(caller, &room, &input).await?))
//! }
//! ```
//!
//! # Guests
//! ```
//! # use anteroom::api::{ApiError, Reply};
//! # use anteroom::caller::Caller;
//! # use anteroom::livekit::{
//! #     Guests, Invitation, InvitationToken, Invitations, JoinToken, NewInvitation, Rooms, Username,
//! # };
//! async fn invite(
//!     rooms: &Rooms,
//!     invitations: &Invitations,
//!     caller: &Caller,
//!     input: NewInvitation,
//! ) -> Result<Reply<Invitation>, ApiError> {
//!     let room = rooms.room(caller, &input.room_id)?; // 403 without the permission
//!     Ok(Reply::ok(invitations.invite(caller, &room, &input).await?))
//! }
//!
//! async fn admit(
//!     guests: &Guests,
//!     invitation: &InvitationToken,
//!     username: &Username,
//! ) -> Result<Reply<JoinToken>, ApiError> {
//!     Ok(Reply::ok(guests.token(invitation, username).await?)) // 401 if it has expired
//! }
//! ```
//!
//! # Limits
//! - A join token is valid for ten minutes, for one room.
//! - An invitation is valid for 1 to 168 hours, for one room and any number of guests.
//! - Room and participant names have up to 128 characters and 256 bytes, including a namespace.
//! - LiveKit takes up to 27 seconds to start a recording or to report that no recorder is free.
//! - A recording's metadata has up to 2 KB; longer values are truncated.
//! - A page of a list has a hundred recordings, and its links are valid for ten minutes.
//!
//! # Where the rules come from
//! | rules | source |
//! |---|---|
//! | tokens | <https://docs.livekit.io/home/get-started/authentication/> |
//! | keys for invitations | [RFC 5869](https://www.rfc-editor.org/rfc/rfc5869) |
//! | the server API | <https://docs.livekit.io/reference/server/server-apis/>, <https://twitchtv.github.io/twirp/docs/spec_v7.html> |
//! | events | <https://docs.livekit.io/home/server/webhooks/> |
//! | recordings | <https://docs.livekit.io/reference/other/egress/api/> |
//! | objects and their metadata | <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html> |

mod access_token;
mod identity;
mod invitation;
mod join;
mod keys;
mod moderation;
mod object_metadata;
mod recording;
mod room;
mod server_api;
mod webhook;

pub use invitation::{Guests, Invitation, InvitationToken, Invitations, NewInvitation};
pub use join::{
    Connection, Connections, JoinToken, Joins, Server, TokenRequest, Username, default_username,
};
pub use moderation::{Moderator, Muting, Removal};
pub use recording::{
    Cursor, ListedRecording, NewRecording, Participants, Recorder, Recording, RecordingList,
    Recordings, RecordingsPage, RecordingsQuery, Topic, Zone,
};
pub use room::{RoomId, RoomName, Rooms};
pub use server_api::EgressId;
pub use webhook::Webhooks;
