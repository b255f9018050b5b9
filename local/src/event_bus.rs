//! The bus for LiveKit's events: EventBridge's stand-in, unless a bus is configured.

use std::{fmt, io};

use anteroom_stand_ins::event_bridge::{BusEvent, EventBridge};

use crate::{environment::Environment, instance::LogSink};

/// The setting that names a bus. If it is set, the bus is a real one.
const BUS: &str = "EVENT_BUS_NAME";

const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

/// A running stand-in. It stops when this is dropped.
pub struct EventBus {
    server: EventBridge,
    key: Vec<(String, String)>,
}

impl EventBus {
    /// Starts the stand-in and points the environment at it, unless a bus is configured. It writes a
    /// line about each event to `log`. Functions that send events also need [`key_for`](Self::key_for).
    pub async fn stand_in(environment: &mut Environment, log: LogSink) -> io::Result<Option<Self>> {
        if environment.value(BUS).is_some() {
            return Ok(None);
        }
        let server = EventBridge::start().await?;
        server.on_event(move |event| log(&line(event)));
        let mut key = Vec::new();
        for (name, value) in server.settings() {
            match name.as_str() {
                KEY_ID | KEY | SESSION_TOKEN => key.push((name, value)),
                // The region may be that of a real account.
                "AWS_REGION" if environment.value(&name).is_some() => {}
                _ => environment.set(name, value),
            }
        }
        // So may the key.
        if environment.value(KEY_ID).is_some() {
            key.clear();
        }
        let value = |name| {
            let own = key.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
            own.or_else(|| environment.value(name))
        };
        let required = |name| value(name).unwrap_or_default();
        server.expect(
            required("AWS_REGION"),
            required(KEY_ID),
            required(KEY),
            value(SESSION_TOKEN),
        );
        Ok(Some(Self { server, key }))
    }

    /// The key of the bus for a function with these variables, unless there is a real one. No other
    /// function gets it, because it would sign requests to real services with it.
    pub fn key_for(&self, variables: &[String]) -> &[(String, String)] {
        if variables.iter().any(|name| name == BUS) { &self.key } else { &[] }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.server.url()
    }
}

impl fmt::Debug for EventBus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EventBridge at {}", self.server.url())
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
        assert_eq!(bus.key_for(&[BUS.to_owned()]), []);

        let mut environment = Environment::default();
        environment.set("EVENT_BUS_NAME", "our-own");
        assert!(stand_in(&mut environment).await.is_none());
        assert_eq!(environment.value("AWS_ENDPOINT_URL_EVENTBRIDGE"), None);
    }

    #[tokio::test]
    async fn only_a_function_that_sends_events_gets_the_stand_ins_key() {
        let mut environment = Environment::default();
        let bus = stand_in(&mut environment).await.expect("a stand-in");
        let names = [KEY_ID, KEY, SESSION_TOKEN];
        let key = bus.key_for(&["STAGE".to_owned(), BUS.to_owned()]);
        assert_eq!(key.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
        assert_eq!(bus.key_for(&["RECORDINGS_BUCKET".to_owned()]), []);
        assert_eq!(names.map(|name| environment.value(name)), [None, None, None]);
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
