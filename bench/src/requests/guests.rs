//! Requests to the endpoints with which guests are invited and join a room.

use std::time::Duration;

use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::LiveKit;
use anteroom_testing::Event;
use anteroom_testing::livekit::invitation;
use serde_json::json;

use super::answer::Answer;

const ROOM: &str = "room123";
const NAME: &str = "Gus Guest";

pub(super) struct Guests<'p> {
    event: Event,
    livekit: &'p LiveKit,
}

impl<'p> Guests<'p> {
    pub(super) fn to_invite(event: Event, livekit: &'p LiveKit) -> Self {
        Self { event, livekit }
    }

    pub(super) async fn to_join(
        event: &Event,
        settings: &[(String, String)],
        livekit: &'p LiveKit,
    ) -> Self {
        let invitation = invitation(settings, &json!({ "roomId": ROOM }), Duration::ZERO).await;
        let input = json!({ "invitation": invitation, "username": NAME });
        Self { event: event.clone().json(&input), livekit }
    }

    pub(super) fn next(&self) -> Event {
        self.event.clone()
    }

    /// Whether the answer has an invitation to the room, or a guest's token for it.
    pub(super) fn is_right(&self, answer: &Answer) -> bool {
        let text = |field: &str| answer.body[field].as_str();
        let is_right = match (text("invitation"), text("token")) {
            (Some(invitation), None) => {
                jwt::claims(invitation).is_some_and(|claims| claims["room"] == ROOM)
            }
            (None, Some(token)) => self.livekit.seat(token).is_ok_and(|seat| {
                seat.room == ROOM && seat.name == NAME && seat.identity.starts_with("guest:")
            }),
            _ => false,
        };
        answer.status == 200 && is_right
    }
}
