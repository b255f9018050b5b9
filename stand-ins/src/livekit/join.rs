//! Joining: what the server checks before it lets someone in, as `GET /rtc/validate` tells it. The
//! rules are those of `ValidateConnectRequest` in the server's `pkg/service/utils.go`, in its order.
//!
//! The room is the token's. A server of today does not read a `room` parameter, and refuses a token
//! without a room; an older one let such a token into any room.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_URL_SAFE};

use super::{
    access::{Grants, VideoGrant},
    room::LONGEST_NAME,
    twirp::Refusal,
};
use crate::exchange::Request;

/// The longest identity, in bytes.
const LONGEST_IDENTITY: usize = 256;

/// Where a token lets someone in, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The room's name.
    pub room: String,
    /// Who it is, to the server: whoever was there as the same before has to leave.
    pub identity: String,
    /// Who it is, to the others.
    pub name: String,
}

/// Where these grants let someone in.
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

/// Checks a request to join in the first form, with parameters in the query.
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

/// Checks a request to join in the second form, whose message is not looked into.
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
