//! A LiveKit project's API key and API secret, which signs tokens.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::address::is_this_machine;
use crate::api::ApiError;
use crate::clock::Clock;
use crate::jwt::{Claims, Hs256Key, Token, TokenError};
use crate::request_scope::{self, Moment};
use crate::secrets::{Check, OptionalSecret, Secret, SecretError};
use crate::settings::{Incomplete, Settings};
use crate::text::is_visible_ascii;

/// The variable that names the secret of the group.
const SECRET_ID: &str = "LIVEKIT_SECRET_ID";

/// The shortest API secret that LiveKit's server considers secure: an HMAC-SHA256 key has at least
/// 32 bytes (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// Accepts every API secret. A blank one counts as absent anyway.
const ANY_FORM: Check = |_| Ok(());

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
        let secret_form = secret_form_of(settings);
        let api_key = settings.secret("LIVEKIT_API_KEY", SECRET_ID, key_form);
        let api_secret = settings.secret("LIVEKIT_API_SECRET", SECRET_ID, secret_form);
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
        self.api_secret.reread_after(arrived).await?;
        self.api_key.reread_after(arrived).await
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

/// The key pairs whose signatures we accept: the current one and, during a rotation, the previous
/// one.
#[derive(Clone, Debug)]
pub(super) struct AcceptedKeys {
    current: Keys,
    previous_key: OptionalSecret,
    previous_secret: OptionalSecret,
}

/// Why a token is not accepted.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum NotAccepted {
    /// It is malformed, or none of our keys has signed it.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It names another key.
    #[error("the token names an unknown API key")]
    Issuer,
    /// The keys cannot be read, so we cannot tell.
    #[error(transparent)]
    Keys(#[from] SecretError),
}

#[derive(Deserialize)]
struct Issued {
    iss: String,
}

impl AcceptedKeys {
    /// Reads the settings of [`Keys::configure`], and `LIVEKIT_API_KEY_PREVIOUS` and
    /// `LIVEKIT_API_SECRET_PREVIOUS`.
    pub(super) fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let current = Keys::configure(settings);
        let secret_form = secret_form_of(settings);
        let previous = settings.optional_pair(
            ["LIVEKIT_API_KEY_PREVIOUS", "LIVEKIT_API_SECRET_PREVIOUS"],
            SECRET_ID,
            [key_form, secret_form],
        );
        let current = current?;
        let [previous_key, previous_secret] = previous?;
        Ok(Self { current, previous_key, previous_secret })
    }

    /// The keys to sign with.
    pub(super) fn current(&self) -> &Keys {
        &self.current
    }

    /// Verifies the signature of `token`, whose issuer is an API key. `signing_key` makes the
    /// signing key from the pair. Only the signature and the issuer are checked.
    ///
    /// A token is rejected only if the keys were read after the request arrived, because another
    /// process may already use newer ones.
    ///
    /// # Errors
    /// [`NotAccepted::Keys`] if we cannot tell.
    pub(super) async fn verify(
        &self,
        token: &Token<'_>,
        signing_key: impl Fn(&KeyPair) -> Option<Hs256Key>,
    ) -> Result<Claims, NotAccepted> {
        let arrived = request_scope::arrival();
        let verdict = self.verify_with_known(token, &signing_key).await;
        if !matches!(verdict, Err(NotAccepted::Issuer | NotAccepted::Token(TokenError::Signature)))
        {
            return verdict;
        }
        self.reread_after(arrived).await?;
        self.verify_with_known(token, &signing_key).await
    }

    async fn verify_with_known(
        &self,
        token: &Token<'_>,
        signing_key: impl Fn(&KeyPair) -> Option<Hs256Key>,
    ) -> Result<Claims, NotAccepted> {
        let Issued { iss } = token.unverified_claims()?;
        let mut refusal = NotAccepted::Issuer;
        for pair in self.pairs().await? {
            if pair.api_key.expose_secret() != iss {
                continue;
            }
            match signing_key(&pair)
                .ok_or(TokenError::Signature)
                .and_then(|key| token.verify_hs256(&key))
            {
                Ok(claims) => return Ok(claims),
                Err(error) => refusal = error.into(),
            }
        }
        Err(refusal)
    }

    /// Whether a pair passes `check`. The answer is no only if the keys were read after the request
    /// arrived.
    ///
    /// # Errors
    /// 503 if the keys cannot be read, so that we cannot tell.
    pub(super) async fn has(
        &self,
        check: impl Fn(&KeyPair) -> Result<bool, ApiError>,
    ) -> Result<bool, ApiError> {
        let arrived = request_scope::arrival();
        if self.has_known(&check).await? {
            return Ok(true);
        }
        self.reread_after(arrived).await?;
        self.has_known(&check).await
    }

    async fn has_known(
        &self,
        check: impl Fn(&KeyPair) -> Result<bool, ApiError>,
    ) -> Result<bool, ApiError> {
        for pair in self.pairs().await? {
            if check(&pair)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn pairs(&self) -> Result<impl Iterator<Item = KeyPair>, SecretError> {
        let current = self.current.read().await?;
        let previous = match (self.previous_key.read().await?, self.previous_secret.read().await?) {
            (Some(api_key), Some(api_secret)) => Some(KeyPair { api_key, api_secret }),
            _ => None,
        };
        Ok([Some(current), previous].into_iter().flatten())
    }

    async fn reread_after(&self, arrived: Moment) -> Result<(), SecretError> {
        self.current.reread_after(arrived).await?;
        self.previous_secret.reread_after(arrived).await?;
        self.previous_key.reread_after(arrived).await
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

/// The form of the API secrets: a server on this machine may have any, like `livekit-server --dev`.
fn secret_form_of(settings: &mut Settings) -> Check {
    if is_server_here(settings) { ANY_FORM } else { secret_form }
}

fn secret_form(secret: &str) -> Result<(), &'static str> {
    if secret.len() >= MIN_SECRET_BYTES { Ok(()) } else { Err("an API secret of 32 bytes or more") }
}
