//! The cursor of a list: the last recording of a page, signed.
//!
//! A cursor is `base64url(<date>/<time>-<random>.mp4 || HMAC)`. The HMAC covers the folder too, so
//! a cursor is valid for one room, zone and organization. It is not a secret: it contains part of a
//! key that the page has shown.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest::SHA256_OUTPUT_LEN;
use serde::Deserialize;

use crate::api::ApiError;
use crate::jwt::Hs256Key;
use crate::livekit::keys::{KeyPair, Keys};
use crate::livekit::recording::object_key::{ObjectFolder, ObjectKey};
use crate::request_scope;

/// Keeps keys derived for other purposes from being valid here.
const PURPOSE: &[u8] = b"anteroom recordings cursor 1";

/// The longest text that is decoded. Ours are shorter.
const MAX_LENGTH: usize = 256;

/// A cursor as a caller sends it, not yet verified.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Cursor {
    own_part: String,
    tag: [u8; SHA256_OUTPUT_LEN],
}

impl fmt::Debug for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Cursor")
    }
}

impl TryFrom<String> for Cursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const PROBLEM: &str = "not a cursor";
        if text.len() > MAX_LENGTH {
            return Err(PROBLEM);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| PROBLEM)?;
        let (own_part, tag) = bytes.split_last_chunk().ok_or(PROBLEM)?;
        let own_part = str::from_utf8(own_part).map_err(|_| PROBLEM)?.to_owned();
        Ok(Self { own_part, tag: *tag })
    }
}

impl Cursor {
    /// A cursor for the recordings after `key` in the list, as text.
    pub(super) async fn after(
        key: &ObjectKey,
        folder: &ObjectFolder,
        keys: &Keys,
    ) -> Result<String, ApiError> {
        let own_part = key.own_part().as_bytes();
        let tag = signing_key(&keys.read().await?)?.sign(&message(folder, own_part));
        Ok(BASE64_URL_SAFE_NO_PAD.encode([own_part, tag.as_ref()].concat()))
    }

    /// The key after which the list continues.
    ///
    /// # Errors
    /// 400 if we have not issued it for this folder. Another process may have signed it with a newer
    /// secret, so the secret is read again first, and 503 if that fails.
    pub(super) async fn key(
        &self,
        folder: &ObjectFolder,
        keys: &Keys,
    ) -> Result<ObjectKey, ApiError> {
        if !self.is_signed_with(&keys.read().await?, folder)? {
            keys.reread_after(request_scope::arrival()).await?;
            if !self.is_signed_with(&keys.read().await?, folder)? {
                return Err(foreign());
            }
        }
        folder.key_of(&self.own_part).ok_or_else(foreign)
    }

    fn is_signed_with(&self, pair: &KeyPair, folder: &ObjectFolder) -> Result<bool, ApiError> {
        let message = message(folder, self.own_part.as_bytes());
        Ok(signing_key(pair)?.has_signed(&message, &self.tag))
    }
}

/// The folder ends in `/` and a key's own part has a fixed length, so no two pairs are the same
/// text.
fn message(folder: &ObjectFolder, own_part: &[u8]) -> Vec<u8> {
    [folder.as_str().as_bytes(), own_part].concat()
}

/// A key derived from the API secret, so that the secret itself signs no cursors.
fn signing_key(pair: &KeyPair) -> Result<Hs256Key, ApiError> {
    let key = Hs256Key::derived(&pair.api_secret, PURPOSE);
    key.ok_or_else(|| ApiError::internal("the cursor's key cannot be derived"))
}

fn foreign() -> ApiError {
    ApiError::bad_request("`cursor` is not valid for this room and zone")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_cursor_looks_like_is_refused_when_it_is_read() {
        for text in ["", "A", "not a cursor", "////", "Y3Vyc29y", &"A".repeat(MAX_LENGTH + 1)] {
            assert!(serde_json::from_value::<Cursor>(text.into()).is_err(), "{text}");
        }
    }
}
