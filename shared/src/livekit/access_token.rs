//! LiveKit's access tokens: JWTs signed with the API secret.
//! <https://docs.livekit.io/home/get-started/authentication/#token-example>

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::clock::Timestamp;
use crate::jwt::{self, Hs256Key};
use crate::livekit::RoomName;
use crate::livekit::identity::Identity;
use crate::livekit::keys::KeyPair;

/// How long a token can be used to join. Connected participants stay, because the server refreshes
/// their tokens.
pub(super) const JOIN_LIFETIME: Duration = Duration::from_mins(10);

/// The lifetime of a token for the server API, which is made for one call.
const SERVER_LIFETIME: Duration = Duration::from_mins(1);

/// The grant of a token, which permits nothing else.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grant<'a> {
    /// To join exactly this room, and to see and hear the others.
    Join(&'a RoomName, Rights),
    /// To start, list and stop egresses.
    Record,
    /// To list rooms.
    ListRooms,
    /// To see, mute and remove the participants of exactly this room.
    AdministerRoom(&'a RoomName),
}

/// What a participant may do in a room, in addition to seeing and hearing the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rights {
    /// Microphone, camera, screen and data.
    pub(super) publish: bool,
    /// To change their own name and attributes.
    pub(super) own_metadata: bool,
}

impl Grant<'_> {
    /// LiveKit's `video` claim. LiveKit denies an absent grant, except for `canPublishData` and the
    /// sources, which default to `canPublish`.
    fn claim(&self) -> Value {
        match self {
            Self::Join(room, rights) => {
                let mut claim = json!({
                    "roomJoin": true,
                    "room": room,
                    "canPublish": rights.publish,
                    "canSubscribe": true,
                });
                if !rights.publish {
                    claim["canPublishData"] = json!(false);
                }
                if rights.own_metadata {
                    claim["canUpdateOwnMetadata"] = json!(true);
                }
                claim
            }
            Self::Record => json!({ "roomRecord": true }),
            Self::ListRooms => json!({ "roomList": true }),
            Self::AdministerRoom(room) => json!({ "roomAdmin": true, "room": room }),
        }
    }
}

/// The participant who joins.
#[derive(Clone, Copy)]
pub(super) struct Joining<'a> {
    /// The identity.
    pub(super) identity: &'a Identity,
    /// The display name.
    pub(super) name: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    nbf: u64,
    exp: u64,
    video: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl KeyPair {
    /// A token to join `room`, valid from `now` until `end`.
    pub(super) fn join_token(
        &self,
        room: &RoomName,
        rights: Rights,
        joining: Joining<'_>,
        now: Timestamp,
        end: Timestamp,
    ) -> Result<SecretString, ApiError> {
        let grant = Grant::Join(room, rights);
        self.sign(grant, Some(joining), now, end).map_err(ApiError::internal)
    }

    /// A token for a server API call.
    pub(super) fn server_token(
        &self,
        grant: Grant<'_>,
        now: Timestamp,
    ) -> Result<SecretString, jwt::SigningError> {
        self.sign(grant, None, now, now.after(SERVER_LIFETIME))
    }

    fn sign(
        &self,
        grant: Grant<'_>,
        joining: Option<Joining<'_>>,
        now: Timestamp,
        end: Timestamp,
    ) -> Result<SecretString, jwt::SigningError> {
        let claims = Claims {
            iss: self.api_key.expose_secret(),
            nbf: now.whole_seconds(),
            exp: end.whole_seconds(),
            video: grant.claim(),
            sub: joining.map(|joining| joining.identity.as_str()),
            name: joining.map(|joining| joining.name),
        };
        jwt::sign_hs256(&claims, &Hs256Key::from_secret(&self.api_secret))
    }
}
