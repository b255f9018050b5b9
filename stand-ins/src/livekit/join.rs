//! Joining: the server's checks before someone may join, as `GET /rtc/validate` reports them. The
//! rules and their order come from `ValidateConnectRequest` in the server's `pkg/service/utils.go`.
//!
//! The room comes from the token. Current servers ignore a `room` parameter and reject a token
//! without a room; older ones accepted such a token for any room.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_URL_SAFE};

use super::{
    access::{Grants, VideoGrant},
    messages::ParticipantPermission,
    room::LONGEST_NAME,
    twirp::Refusal,
};
use crate::exchange::Request;

/// The longest identity, in bytes.
const LONGEST_IDENTITY: usize = 256;

/// The room and identity that a token joins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The room's name.
    pub room: String,
    /// The identity. The server evicts an earlier participant with the same identity.
    pub identity: String,
    /// The display name.
    pub name: String,
}

/// The room and identity that these grants allow.
pub(super) fn seat(grants: &Grants) -> Result<Seat, Refusal> {
    let video = video_of(grants)?;
    if !video.room_join {
        return Err(Refusal::plain(401, "permissions denied"));
    }
    if grants.identity.is_empty() {
        return Err(Refusal::plain(400, "identity cannot be empty"));
    }
    if grants.identity.len() > LONGEST_IDENTITY {
        return Err(too_long("participant identity", LONGEST_IDENTITY));
    }
    if video.room.is_empty() {
        return Err(Refusal::plain(400, "no room name"));
    }
    if video.room.len() > LONGEST_NAME {
        return Err(too_long("room name", LONGEST_NAME));
    }
    Ok(Seat {
        room: video.room.clone(),
        identity: grants.identity.clone(),
        name: grants.name.clone(),
    })
}

/// The participant's permissions that these grants give.
pub(super) fn permission(grants: &Grants) -> ParticipantPermission {
    let video = grants.video.as_ref();
    ParticipantPermission {
        can_subscribe: video.is_some_and(VideoGrant::can_subscribe),
        can_publish: video.is_some_and(VideoGrant::can_publish),
        can_publish_data: video.is_some_and(VideoGrant::can_publish_data),
        can_update_metadata: video.is_some_and(VideoGrant::can_update_own_metadata),
        ..ParticipantPermission::default()
    }
}

/// Checks a join request in the older format, with parameters in the query.
pub(super) fn check_parameters(request: &Request, grants: &Grants) -> Result<(), Refusal> {
    video_of(grants)?;
    let attributes = request.query("attributes").filter(|text| !text.is_empty());
    let attributes = match attributes.as_deref().map(read_attributes) {
        None => BTreeMap::new(),
        Some(Some(attributes)) => attributes,
        Some(None) => return Err(Refusal::plain(400, "cannot decode attributes")),
    };
    seat(grants)?;
    let video = video_of(grants)?;
    let publishes = request.query("publish").is_some_and(|name| !name.is_empty());
    let is_allowed = (!publishes || video.can_publish())
        && (attributes.is_empty() || video.can_update_own_metadata());
    if is_allowed { Ok(()) } else { Err(no_access()) }
}

/// Checks a join request in the newer format, without decoding its message.
pub(super) fn check_message(request: &Request, grants: &Grants) -> Result<(), Refusal> {
    video_of(grants)?;
    match request.query("join_request").filter(|text| !text.is_empty()) {
        None => return Err(Refusal::plain(400, "join_request is required")),
        Some(text) if BASE64_URL_SAFE.decode(&text).is_err() => {
            return Err(Refusal::plain(400, "cannot base64 decode wrapped join request"));
        }
        Some(_) => {}
    }
    seat(grants).map(drop)
}

fn video_of(grants: &Grants) -> Result<&VideoGrant, Refusal> {
    grants.video.as_ref().ok_or_else(no_access)
}

fn no_access() -> Refusal {
    Refusal::plain(401, "no permissions to access the room")
}

fn too_long(what: &str, most: usize) -> Refusal {
    Refusal::plain(400, format!("{what} length exceeds limits: max length {most}"))
}

fn read_attributes(text: &str) -> Option<BTreeMap<String, String>> {
    serde_json::from_slice(&BASE64_URL_SAFE.decode(text).ok()?).ok()
}
