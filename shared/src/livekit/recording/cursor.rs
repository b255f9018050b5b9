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
use crate::livekit::keys::{AcceptedKeys, KeyPair, Keys};
use crate::livekit::recording::object_key::{ObjectFolder, ObjectKey};

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
        keys: &AcceptedKeys,
    ) -> Result<ObjectKey, ApiError> {
        if keys.has(|pair| self.is_signed_with(pair, folder)).await? {
            folder.key_of(&self.own_part).ok_or_else(foreign)
        } else {
            Err(foreign())
        }
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
    use std::time::Duration;

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use proptest::sample::Index;

    use super::*;
    use crate::caller::Caller;
    use crate::clock::{Clock, Timestamp};
    use crate::livekit::recording::zone::Zone;
    use crate::livekit::{RoomId, Rooms};
    use crate::settings::Settings;

    #[test]
    fn what_no_cursor_looks_like_is_refused_when_it_is_read() {
        for text in ["", "A", "not a cursor", "////", "Y3Vyc29y", &"A".repeat(MAX_LENGTH + 1)] {
            assert!(serde_json::from_value::<Cursor>(text.into()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_is_read_up_to_its_longest_length() {
        // Of these lengths, base64url can have any.
        for (length, is_read) in
            [(MAX_LENGTH, true), (MAX_LENGTH + 2, false), (MAX_LENGTH + 4, false)]
        {
            assert_eq!(Cursor::try_from("A".repeat(length)).is_ok(), is_read, "{length}");
        }
    }

    fn keys() -> AcceptedKeys {
        let pairs = [
            ("LIVEKIT_URL", "wss://a.livekit.cloud"),
            ("LIVEKIT_API_KEY", "APICursors"),
            ("LIVEKIT_API_SECRET", "the secret of the cursors, of 32 bytes and more"),
        ];
        let mut settings = Settings::from_pairs(pairs, Clock::fixed(0)).expect("settings");
        AcceptedKeys::configure(&mut settings).expect("keys")
    }

    fn folder(zone: &str, room: &str, organization: Option<&str>) -> ObjectFolder {
        let caller = Caller {
            user_id: "user_1".to_owned(),
            session_id: "session_1".to_owned(),
            organization_id: organization.map(str::to_owned),
            permissions: Vec::new(),
            impersonator: None,
        };
        let mut settings =
            Settings::from_pairs([("ROOM_NAMESPACE", "none")], Clock::fixed(0)).expect("settings");
        let rooms = Rooms::to_join(&mut settings).expect("rooms");
        let room = rooms.room(&caller, &RoomId::parse(room).expect("a name")).expect("a room");
        ObjectFolder::of(&Zone::parse(zone).expect("a zone"), &room)
    }

    /// Runs `work`, which never waits.
    fn run<F: Future>(work: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(work)
    }

    proptest! {
        #[test]
        fn a_cursor_gives_its_key_in_its_own_folder_only(
            room in "[a-z 🎉/]{0,9}x", seconds in 0_u64..253_402_300_800, at in any::<Index>(), to in "[A-Za-z0-9_-]",
        ) {
            let (room, keys) = (room.trim_start(), keys());
            let own = folder("1", room, Some("org_1"));
            let key = own.new_key(Timestamp::EPOCH.after(Duration::from_secs(seconds)));
            let text = run(Cursor::after(&key, &own, keys.current())).expect("a cursor");
            prop_assert!(text.len() <= MAX_LENGTH);
            let read = |text: &str, folder: &ObjectFolder| {
                let cursor = Cursor::try_from(text.to_owned()).ok()?;
                run(cursor.key(folder, &keys)).ok()
            };
            prop_assert_eq!(read(&text, &own), Some(key));
            for other in [
                folder("2", room, Some("org_1")),
                folder("1", &format!("{room}x"), Some("org_1")),
                folder("1", room, Some("org_2")),
                folder("1", room, None),
            ] {
                prop_assert_eq!(read(&text, &other), None);
            }
            let mut changed = text.clone();
            let at = at.index(text.len());
            changed.replace_range(at..=at, &to);
            prop_assert!(changed == text || read(&changed, &own).is_none(), "{} at {}", to, at);
        }
    }
}
