//! The bus for LiveKit's events: EventBridge's stand-in, unless a bus is configured.

use std::{fmt, io};

use anteroom_stand_ins::event_bridge::{BusEvent, EventBridge};

use crate::{environment::Environment, instance::LogSink};

/// The setting that names a bus. If it is set, the bus is a real one.
const BUS: &str = "EVENT_BUS_NAME";

/// A running stand-in. It stops when this is dropped.
pub struct EventBus(EventBridge);

impl EventBus {
    /// Starts the stand-in and points the environment at it, unless a bus is configured. It writes a
    /// line about each event to `log`.
    pub async fn stand_in(environment: &mut Environment, log: LogSink) -> io::Result<Option<Self>> {
        if environment.value(BUS).is_some() {
            return Ok(None);
        }
        let stand_in = EventBridge::start().await?;
        stand_in.on_event(move |event| log(&line(event)));
        for (name, value) in stand_in.settings() {
            // The region and the key may be those of a real account, for its Secrets Manager.
            if name.starts_with("AWS_ENDPOINT_") || environment.value(&name).is_none() {
                environment.set(name, value);
            }
        }
        let value = |name| environment.value(name).unwrap_or_default();
        stand_in.expect(value("AWS_REGION"), value("AWS_ACCESS_KEY_ID"));
        Ok(Some(Self(stand_in)))
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.0.url()
    }
}

impl fmt::Debug for EventBus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EventBridge at {}", self.0.url())
    }
}

/// `egress_ended of test-room: EV_abc`
fn line(event: &BusEvent) -> String {
    let detail = &event.detail;
    let names =
        [&detail["recording"]["room"], &detail["room"]["name"], &detail["egressInfo"]["roomName"]];
    let room = names.iter().find_map(|name| name.as_str());
    let room = room.map_or_else(String::new, |room| format!(" of {}", room.escape_debug()));
    let id = detail["id"].as_str().unwrap_or_default();
    format!("{}{room}: {}", event.detail_type.escape_debug(), id.escape_debug())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    async fn stand_in(environment: &mut Environment) -> Option<EventBus> {
        EventBus::stand_in(environment, Arc::new(|_: &str| {})).await.expect("it starts")
    }

    #[tokio::test]
    async fn stands_in_for_a_bus_that_is_not_configured() {
        let mut environment = Environment::default();
        environment.set("AWS_REGION", "us-east-1");
        environment.set("AWS_ACCESS_KEY_ID", "of-a-real-account");
        let bus = stand_in(&mut environment).await.expect("a stand-in");
        assert_eq!(environment.value("AWS_ENDPOINT_URL_EVENTBRIDGE"), Some(bus.url().as_str()));
        assert!(environment.value("EVENT_BUS_NAME").is_some());
        assert_eq!(environment.value("AWS_REGION"), Some("us-east-1"));
        assert_eq!(environment.value("AWS_ACCESS_KEY_ID"), Some("of-a-real-account"));
        assert!(environment.value("AWS_SECRET_ACCESS_KEY").is_some());

        let mut environment = Environment::default();
        environment.set("EVENT_BUS_NAME", "our-own");
        assert!(stand_in(&mut environment).await.is_none());
        assert_eq!(environment.value("AWS_ENDPOINT_URL_EVENTBRIDGE"), None);
    }

    #[test]
    fn an_event_is_one_line() {
        let line = |detail_type: &str, detail| {
            let (bus, source) = ("anteroom".to_owned(), "anteroom.livekit".to_owned());
            line(&BusEvent { bus, source, detail_type: detail_type.to_owned(), detail })
        };
        let ended = json!({
            "id": "EV_1", "egressInfo": { "roomName": "org_1:a\nb" }, "recording": { "room": "a\nb" },
        });
        assert_eq!(line("egress_ended", ended), "egress_ended of a\\nb: EV_1");
        let joined = json!({ "id": "EV_2", "room": { "name": "daily" } });
        assert_eq!(line("participant_joined", joined), "participant_joined of daily: EV_2");
        assert_eq!(line("of_next_year", json!({ "id": "EV_3" })), "of_next_year: EV_3");
    }
}
