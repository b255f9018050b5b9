//! A LiveKit project's API key and API secret, which signs tokens.

use secrecy::{ExposeSecret, SecretString};

use crate::address::is_this_machine;
use crate::clock::Clock;
use crate::request_scope::Moment;
use crate::secrets::{Secret, SecretError};
use crate::settings::{Incomplete, Settings};
use crate::text::is_visible_ascii;

/// The shortest API secret that LiveKit's server considers secure: an HMAC-SHA256 key has at least
/// 32 bytes (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// Reads the key pair from its secrets.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    api_key: Secret,
    api_secret: Secret,
    pub(super) clock: Clock,
}

/// A key and its secret, read together.
#[derive(Clone, Debug)]
pub(super) struct KeyPair {
    pub(super) api_key: SecretString,
    pub(super) api_secret: SecretString,
}

impl Keys {
    /// Reads `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET`, and checks whether `LIVEKIT_URL` is this
    /// machine.
    pub(super) fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let secret_form = if is_server_here(settings) { any_secret_form } else { secret_form };
        let api_key = settings.secret("LIVEKIT_API_KEY", "LIVEKIT_SECRET_ID", key_form);
        let api_secret = settings.secret("LIVEKIT_API_SECRET", "LIVEKIT_SECRET_ID", secret_form);
        Ok(Self { api_key: api_key?, api_secret: api_secret?, clock: settings.clock() })
    }

    /// The pair to use now. The two are read one after the other; if the key has changed in
    /// between, they were rotated and are read again.
    pub(super) async fn read(&self) -> Result<KeyPair, SecretError> {
        loop {
            let api_key = self.api_key.read().await?;
            let api_secret = self.api_secret.read().await?;
            if self.api_key.read().await?.expose_secret() == api_key.expose_secret() {
                return Ok(KeyPair { api_key, api_secret });
            }
        }
    }

    /// Makes sure that the pair was read after `arrived`: see [`Secret::reread_after`].
    pub(super) async fn reread_after(&self, arrived: Moment) -> Result<(), SecretError> {
        self.api_secret.reread_after(arrived).await
    }

    /// The pair to use after LiveKit has rejected `refused`, if there is another.
    pub(super) async fn after_refusal_of(&self, refused: &KeyPair) -> Option<KeyPair> {
        let newer = match self.api_secret.after_refusal_of(&refused.api_secret).await {
            Some(_) => true,
            None => self.api_key.after_refusal_of(&refused.api_key).await.is_some(),
        };
        if newer { self.read().await.ok() } else { None }
    }
}

/// Whether the server is on this machine. Its `--dev` mode has a six-byte secret.
fn is_server_here(settings: &mut Settings) -> bool {
    settings.optional("LIVEKIT_URL").is_some()
        && settings.socket_url("LIVEKIT_URL").is_ok_and(|url| is_this_machine(&url))
}

fn key_form(key: &str) -> Result<(), &'static str> {
    if is_visible_ascii(key) { Ok(()) } else { Err("an API key (API...)") }
}

fn secret_form(secret: &str) -> Result<(), &'static str> {
    if secret.len() >= MIN_SECRET_BYTES { Ok(()) } else { Err("an API secret of 32 bytes or more") }
}

fn any_secret_form(secret: &str) -> Result<(), &'static str> {
    if secret.is_empty() { Err("an API secret") } else { Ok(()) }
}
