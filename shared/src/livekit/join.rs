//! Tokens for joining a room.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

use crate::api::ApiError;
use crate::caller::Caller;
use crate::livekit::RoomName;
use crate::livekit::access_token::Joining;
use crate::livekit::keys::Keys;
use crate::livekit::room::MAX_NAME_BYTES;
use crate::settings::{Incomplete, Settings};
use crate::text::{Line, fingerprint};

/// A participant's display name: 1 to 128 printable characters. It does not identify the user.
pub type Username = Line<128, MAX_NAME_BYTES>;

/// A participant's identity: the user and one of the user's sessions. If two participants have the
/// same identity, LiveKit evicts the older one. Therefore two devices of a user do not evict each
/// other, but a device that reconnects replaces its old connection.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity(String);

impl Identity {
    /// The identity of a caller. It is the user's id, a colon and 16 hexadecimal digits, which do
    /// not reveal the session's id.
    fn of(caller: &Caller) -> Self {
        Self(format!("{}:{}", caller.user_id, fingerprint(&caller.session_id)))
    }
}

/// A token to join one room, valid for ten minutes, as endpoints return it. `Debug` omits it.
#[derive(Clone, Debug, Serialize)]
pub struct JoinToken {
    #[serde(serialize_with = "expose")]
    token: SecretString,
}

fn expose<S: Serializer>(token: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    token.expose_secret().serialize(serializer)
}

/// Issues join tokens.
#[derive(Clone)]
pub struct Joins(Keys);

impl Joins {
    /// Reads `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Keys::configure(settings).map(Self)
    }

    /// A token that lets the caller join exactly `room`, publish and subscribe, with the display
    /// name `username`.
    ///
    /// # Errors
    /// 503 if the key is unavailable.
    pub async fn token(
        &self,
        caller: &Caller,
        room: &RoomName,
        username: &Username,
    ) -> Result<JoinToken, ApiError> {
        let keys = self.0.read().await?;
        let joining = Joining { identity: &Identity::of(caller).0, name: username.as_str() };
        let token = keys.join_token(room, joining, self.0.clock.now())?;
        Ok(JoinToken { token })
    }
}

impl fmt::Debug for Joins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Joins").finish_non_exhaustive()
    }
}
