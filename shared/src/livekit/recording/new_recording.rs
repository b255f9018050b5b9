//! The request to start a recording, and the metadata made from it.

use serde::Deserialize;

use crate::caller::Caller;
use crate::livekit::object_metadata::{ORGANIZATION, ObjectMetadata, STARTED_BY};
use crate::livekit::recording::zone::Zone;
use crate::livekit::room::{RoomId, RoomName};

/// The topic of a conference: up to 200 characters. It may be personal, so it has no `Debug`.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Topic(String);

/// The participants of a conference, separated by commas: up to 8 KB. Personal, so it has no
/// `Debug`.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Participants(String);

impl TryFrom<String> for Topic {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().count() <= 200 { Ok(Self(text)) } else { Err("longer than 200 characters") }
    }
}

impl TryFrom<String> for Participants {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() <= 8 * 1024 { Ok(Self(text)) } else { Err("longer than 8 KB") }
    }
}

impl Participants {
    fn names(&self) -> Vec<&str> {
        self.0.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
    }
}

/// The request to start a recording.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewRecording {
    /// The room.
    pub room_name: RoomId,
    /// The zone.
    pub zone_id: Zone,
    /// The topic.
    pub conference_topic: Option<Topic>,
    /// The participants.
    pub participants: Option<Participants>,
}

impl NewRecording {
    pub(super) fn metadata(&self, caller: &Caller, room: &RoomName) -> ObjectMetadata {
        let mut metadata = ObjectMetadata::new();
        metadata.add("room", room.as_str());
        metadata.add("zone", self.zone_id.as_str());
        metadata.add(STARTED_BY, &caller.user_id);
        metadata.add(ORGANIZATION, room.organization().unwrap_or_default());
        metadata.add_sparing("impersonated-by", caller.impersonator.as_deref().unwrap_or_default());
        let topic = self.conference_topic.as_ref().map(|topic| topic.0.as_str());
        metadata.add_sparing("topic", topic.unwrap_or_default());
        let participants = self.participants.as_ref().map(Participants::names);
        metadata.add_list("participants", &participants.unwrap_or_default());
        metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_200_characters_and_the_participants_8_kilobytes() {
        for (length, is_read) in [(0, true), (200, true), (201, false)] {
            // Characters count, not bytes.
            assert_eq!(Topic::try_from("ü".repeat(length)).is_ok(), is_read, "{length}");
        }
        for (length, is_read) in [(0, true), (8192, true), (8193, false)] {
            assert_eq!(Participants::try_from("a".repeat(length)).is_ok(), is_read, "{length}");
        }
    }
}
