//! Requests to the endpoints with which users join a room and moderate it.

use anteroom_stand_ins::livekit::{LiveKit, TrackSource};
use anteroom_testing::Event;
use anteroom_testing::livekit::{PARTICIPANT, TEST_ROOM};
use serde_json::Value;

use super::answer::Answer;
use crate::subject::Endpoint;

pub(super) struct Rooms<'p> {
    endpoint: Endpoint,
    event: Event,
    livekit: &'p LiveKit,
}

impl<'p> Rooms<'p> {
    pub(super) fn to(endpoint: Endpoint, event: Event, livekit: &'p LiveKit) -> Self {
        Self { endpoint, event, livekit }
    }

    /// The participant who is removed or muted joins anew each time.
    pub(super) fn next(&self) -> Event {
        match self.endpoint {
            Endpoint::RemoveParticipant => self.livekit.admit(TEST_ROOM, PARTICIPANT),
            Endpoint::MuteParticipant => {
                self.livekit.leave(TEST_ROOM, PARTICIPANT);
                self.livekit.admit(TEST_ROOM, PARTICIPANT);
                self.livekit.publish(TEST_ROOM, PARTICIPANT, TrackSource::Microphone);
            }
            _ => {}
        }
        self.event.clone()
    }

    pub(super) fn is_right(&self, answer: &Answer) -> bool {
        let livekit = self.livekit;
        match self.endpoint {
            Endpoint::LiveKitToken => {
                answer.status == 201 && self.opens_the_room(&answer.body["participant_token"])
            }
            Endpoint::RemoveParticipant => {
                answer.is_done() && livekit.identities(TEST_ROOM).is_empty()
            }
            Endpoint::MuteParticipant => {
                answer.is_done() && livekit.muted_tracks(TEST_ROOM).len() == 1
            }
            _ => answer.status == 200 && self.opens_the_room(&answer.body["token"]),
        }
    }

    /// Whether LiveKit lets the holder of a token in, under the right name.
    fn opens_the_room(&self, token: &Value) -> bool {
        let seat = self.livekit.seat(token.as_str().unwrap_or_default());
        seat.is_ok_and(|seat| seat.room == "room123" && seat.name == "Jane Doe")
    }
}
