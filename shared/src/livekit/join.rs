//! Tokens that people join a room with.

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

/// The name under which others in a room see somebody: 1 to 128 printable characters. It says
/// nothing about who that is.
pub type Username = Line<128, MAX_NAME_BYTES>;

/// A participant's identity: the user and one of the user's sessions. LiveKit lets the newer of two
/// participants with one identity take over, so two devices of a user do not evict each other, and
/// a device that reconnects does take over.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity(String);

impl Identity {
    /// The identity of a caller. It is the user's id, a colon and 16 hexadecimal digits;
    /// the session's id, which is nobody else's business, cannot be read from them.
    fn of(caller: &Caller) -> Self {
        Self(format!("{}:{}", caller.user_id, fingerprint(&caller.session_id)))
    }
}

/// A token to join one room with, within ten minutes, as endpoints answer it. It is not printed.
#[derive(Clone, Debug, Serialize)]
pub struct JoinToken {
    #[serde(serialize_with = "expose")]
    token: SecretString,
}

fn expose<S: Serializer>(token: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    token.expose_secret().serialize(serializer)
}

/// Lets people into rooms.
#[derive(Clone)]
pub struct Joins(Keys);

impl Joins {
    /// Reads `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Keys::configure(settings).map(Self)
    }

    /// A token with which the caller joins exactly `room`, speaks and listens there, and is called
    /// `username`.
    ///
    /// # Errors
    /// 503 when the key cannot be had.
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
