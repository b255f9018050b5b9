//! Tokens for joining a room.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::ApiError;
use crate::caller::{Caller, Person};
use crate::livekit::access_token::{JOIN_LIFETIME, Joining, Rights};
use crate::livekit::identity::Identity;
use crate::livekit::keys::Keys;
use crate::livekit::room::{MAX_NAME_BYTES, PublishPermission};
use crate::livekit::{RoomId, RoomName};
use crate::settings::{Incomplete, Settings};
use crate::text::Line;

/// A participant's display name: 1 to 128 printable characters. It does not identify the user.
pub type Username = Line<128, MAX_NAME_BYTES>;

/// A token to join one room, valid for ten minutes at most, as endpoints return it. `Debug` omits
/// it.
#[derive(Clone, Debug, Serialize)]
pub struct JoinToken {
    #[serde(serialize_with = "expose")]
    token: SecretString,
}

impl JoinToken {
    pub(super) fn new(token: SecretString) -> Self {
        Self { token }
    }
}

/// A token to join one room, and the server's address: the response to LiveKit's own token request.
/// <https://docs.livekit.io/frontends/build/authentication/endpoint>
#[derive(Clone, Debug, Serialize)]
pub struct Connection {
    server_url: String,
    #[serde(serialize_with = "expose")]
    participant_token: SecretString,
}

/// For `#[serde(serialize_with)]`: writes a token into the response to the caller who requested it.
pub(super) fn expose<S: Serializer>(
    token: &SecretString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    token.expose_secret().serialize(serializer)
}

/// LiveKit's own token request. Its other fields, such as an identity, metadata and a room
/// configuration, are ignored.
#[derive(Clone, Debug, Deserialize)]
pub struct TokenRequest {
    /// The room.
    pub room_name: RoomId,
    /// The name that others see, unless it is absent or empty.
    #[serde(default, deserialize_with = "unless_empty")]
    pub participant_name: Option<Username>,
}

fn unless_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Username>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    let name = name.filter(|name| !name.is_empty());
    name.map(Username::try_from).transpose().map_err(D::Error::custom)
}

/// Issues join tokens.
#[derive(Clone)]
pub struct Joins {
    keys: Keys,
    publish_permission: PublishPermission,
    own_metadata: bool,
}

impl Joins {
    /// Reads `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET`, and if they are set,
    /// `ROOM_PUBLISH_PERMISSION`, the slug of the permission without which a caller can only watch
    /// and listen, and `ROOM_OWN_METADATA`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (keys, own_metadata) = (Keys::configure(settings), settings.flag("ROOM_OWN_METADATA"));
        let publish_permission = PublishPermission::configure(settings);
        Ok(Self { keys: keys?, publish_permission, own_metadata: own_metadata? })
    }

    /// A token that lets the caller join exactly `room`, with the display name `username`.
    ///
    /// # Errors
    /// 503 if the key is unavailable.
    pub async fn token(
        &self,
        caller: &Caller,
        room: &RoomName,
        username: &Username,
    ) -> Result<JoinToken, ApiError> {
        let token = self.sign(caller, room, username).await?;
        Ok(JoinToken::new(token))
    }

    async fn sign(
        &self,
        caller: &Caller,
        room: &RoomName,
        username: &Username,
    ) -> Result<SecretString, ApiError> {
        let keys = self.keys.read().await?;
        let joining = Joining { identity: &Identity::of(caller), name: username.as_str() };
        let publish = self.publish_permission.is_held_by(caller);
        let rights = Rights { publish, own_metadata: self.own_metadata };
        let now = self.keys.clock.now();
        keys.join_token(room, rights, joining, now, now.after(JOIN_LIFETIME))
    }
}

/// Issues join tokens, with the address of the server that accepts them.
#[derive(Clone, Debug)]
pub struct Connections {
    joins: Joins,
    server: Server,
}

impl Connections {
    /// Reads what [`Joins::configure`] and [`Server::configure`] read.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (joins, server) = (Joins::configure(settings), Server::configure(settings));
        Ok(Self { joins: joins?, server: server? })
    }

    /// As [`Joins::token`], with the server's address.
    ///
    /// # Errors
    /// As [`Joins::token`].
    pub async fn connection(
        &self,
        caller: &Caller,
        room: &RoomName,
        username: &Username,
    ) -> Result<Connection, ApiError> {
        let participant_token = self.joins.sign(caller, room, username).await?;
        Ok(Connection { server_url: self.server.url.clone(), participant_token })
    }
}

/// The server that participants connect to.
#[derive(Clone, Debug)]
pub struct Server {
    url: String,
}

impl Server {
    /// Reads `LIVEKIT_PUBLIC_URL`, or `LIVEKIT_URL` if it is absent.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let public = settings.optional("LIVEKIT_PUBLIC_URL").is_some();
        let name = if public { "LIVEKIT_PUBLIC_URL" } else { "LIVEKIT_URL" };
        let url = String::from(settings.socket_url(name)?);
        // `http` becomes `ws`, and `https` becomes `wss`.
        let url = url.replacen("http", "ws", 1);
        Ok(Self { url: url.trim_end_matches('/').to_owned() })
    }

    /// Its address: `wss`, or `ws` on this machine.
    pub fn as_str(&self) -> &str {
        &self.url
    }
}

/// The display name for a request without one: the person's name or, if there is none, the user's
/// id.
///
/// # Errors
/// 500 if the id is not a valid name; neither provider has such ids.
pub fn default_username(person: Option<&Person>, caller: &Caller) -> Result<Username, ApiError> {
    let name = person.and_then(|person| Username::start_of(person.name.as_deref()?));
    name.or_else(|| Username::start_of(&caller.user_id))
        .ok_or_else(|| ApiError::internal("the user's id cannot be a name"))
}

impl fmt::Debug for Joins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Joins").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_counts_as_absent() {
        for (name, expected) in [
            ("", None),
            (r#","participant_name":null"#, None),
            (r#","participant_name":"""#, None),
            (r#","participant_name":"Jane""#, Some("Jane")),
        ] {
            let request = format!(r#"{{"room_name":"daily"{name}}}"#);
            let request: TokenRequest = serde_json::from_str(&request).expect("a request");
            let name = request.participant_name;
            assert_eq!(name.as_ref().map(Username::as_str), expected);
        }
    }
}
