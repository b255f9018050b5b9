//! Requests to `livekit-webhook`.

use std::cell::Cell;

use anteroom_stand_ins::event_bridge::EventBridge;
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET, webhook_token};
use anteroom_testing::Event;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::answer::Answer;
use crate::Failure;

pub(super) struct Webhooks<'p> {
    event: Event,
    bus: &'p EventBridge,
    /// How many events were on the bus before the latest request.
    before: Cell<usize>,
}

impl<'p> Webhooks<'p> {
    /// The documented event, signed anew.
    pub(super) fn to(event: &Event, bus: &'p EventBridge) -> Result<Self, Failure> {
        let body = event.as_json()["body"].as_str().ok_or("no body")?;
        let token = webhook_token(API_KEY, API_SECRET, &BASE64_STANDARD.decode(body)?);
        let event = event.clone().header("authorization", &token);
        Ok(Self { event, bus, before: Cell::default() })
    }

    pub(super) fn next(&self) -> Event {
        self.before.set(self.bus.events().len());
        self.event.clone()
    }

    /// Whether the event is on the bus, with what we add.
    pub(super) fn is_right(&self, answer: &Answer) -> bool {
        let events = self.bus.events();
        let [event] = &events[self.before.get()..] else { return false };
        answer.is_done()
            && event.detail_type == "egress_ended"
            && event.detail["recording"]["room"] == "test-room"
    }
}
