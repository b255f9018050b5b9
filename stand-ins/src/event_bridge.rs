//! The part of Amazon EventBridge that this project uses: `PutEvents`.
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
//!
//! The protocol is AWS JSON 1.1: `POST /` with the operation in `X-Amz-Target`, signed. An entry that
//! is not accepted does not fail the call: the response is 200 and has its error.
//!
//! `GET /dev/events`, which only the stand-in has, lists all events so far as a rule's target receives
//! them: `source`, `detail-type`, `detail`.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    aws::{self, Keys, REGION, Refusal, Scope, answer, check_signature},
    exchange::{Answer, Request},
    lock,
    server::{Provider, StandIn},
};

/// `EVENT_BUS_NAME` of the stand-in.
pub const EVENT_BUS: &str = "anteroom";

/// The most entries of a call.
const MOST_ENTRIES: usize = 10;

/// The longest that the entries of a call may be together, in bytes.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-size-determine-limit>
const MOST_BYTES: usize = 256 * 1024;

/// The longest detail type, in characters.
const LONGEST_DETAIL_TYPE: usize = 128;

/// A running EventBridge with the buses `default` and [`EVENT_BUS`].
pub type EventBridge = StandIn<Buses>;

/// An event on a bus.
#[derive(Clone, Debug, PartialEq)]
pub struct BusEvent {
    /// The bus.
    pub bus: String,
    /// `source`.
    pub source: String,
    /// `detail-type`.
    pub detail_type: String,
    /// `detail`.
    pub detail: Value,
}

impl BusEvent {
    /// The event's fields that a rule's target reads.
    fn as_delivered(&self) -> Value {
        json!({ "source": self.source, "detail-type": self.detail_type, "detail": self.detail })
    }
}

impl EventBridge {
    /// All events so far, oldest first.
    pub fn events(&self) -> Vec<BusEvent> {
        self.state().events.clone()
    }

    /// From now on, calls `listener` with each event.
    pub fn on_event(&self, listener: impl Fn(&BusEvent) + Send + Sync + 'static) {
        self.state().listener = Listener(Some(Arc::new(listener)));
    }

    /// Does not accept the next `count` entries, with this error, as if AWS had refused them.
    pub fn refuse_entries(&self, count: u32, code: &'static str) {
        self.state().refused_entries = (count, code);
    }

    /// Denies access to this bus, as if no policy allowed it.
    pub fn deny(&self, bus: &str) {
        self.state().denied.insert(bus.to_owned());
    }

    /// Accepts requests that are signed for this region with this key pair. With a session token, it
    /// belongs to a role, and the token must be sent too.
    pub fn expect(&self, region: &str, id: &str, secret: &str, session_token: Option<&str>) {
        let mut state = self.state();
        region.clone_into(&mut state.region);
        state.keys = Keys {
            id: id.to_owned(),
            secret: secret.to_owned(),
            session_token: session_token.map(str::to_owned),
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.provider.state)
    }
}

/// The state of the imitated account.
#[derive(Debug, Default)]
pub struct Buses {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    region: String,
    keys: Keys,
    denied: BTreeSet<String>,
    refused_entries: (u32, &'static str),
    events: Vec<BusEvent>,
    listener: Listener,
}

#[derive(Clone, Default)]
struct Listener(Option<Arc<dyn OnEvent>>);

/// What a listener does with an event.
trait OnEvent: Fn(&BusEvent) + Send + Sync {}

impl<F: Fn(&BusEvent) + Send + Sync> OnEvent for F {}

impl fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Listener").field(&self.0.is_some()).finish()
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            region: REGION.to_owned(),
            keys: Keys::default(),
            denied: BTreeSet::new(),
            refused_entries: (0, ""),
            events: Vec::new(),
            listener: Listener::default(),
        }
    }
}

impl Provider for Buses {
    fn dev_answer(&self, request: &Request) -> Option<Answer> {
        let is_list = (request.method.as_str(), request.path()) == ("GET", "/dev/events");
        let list = || lock(&self.state).events.iter().map(BusEvent::as_delivered).collect();
        is_list.then(|| Answer::json(200, &list()))
    }

    fn answer(&self, request: &Request) -> Answer {
        let mut state = lock(&self.state);
        let before = state.events.len();
        let answer = state.answer(request).unwrap_or_else(Refusal::into_answer);
        let (new, listener) = (state.events[before..].to_vec(), state.listener.clone());
        drop(state);
        if let Some(listener) = listener.0 {
            new.iter().for_each(&*listener);
        }
        answer
    }

    /// AWS reports throttling with 400, not 429.
    fn limiting(&self) -> Answer {
        Refusal::new("ThrottlingException", "Rate exceeded").into_answer()
    }

    fn failing(&self, status: u16) -> Answer {
        Refusal::new("InternalException", "").with_status(status).into_answer()
    }

    fn refusing(&self) -> Answer {
        Refusal::unknown_key().into_answer()
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        let mut settings = aws::settings("AWS_ENDPOINT_URL_EVENTBRIDGE", url);
        settings.push(("EVENT_BUS_NAME", EVENT_BUS.to_owned()));
        settings
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Result<Answer, Refusal> {
        if (request.method.as_str(), request.path()) != ("POST", "/") {
            return Err(Refusal::unknown_operation().with_status(404));
        }
        check_signature(request, &self.keys, Scope { region: &self.region, service: "events" })?;
        match request.header("x-amz-target") {
            Some("AWSEvents.PutEvents") => self.put_events(request),
            _ => Err(Refusal::unknown_operation()),
        }
    }

    fn put_events(&mut self, request: &Request) -> Result<Answer, Refusal> {
        if request.header("content-type") != Some("application/x-amz-json-1.1") {
            return Err(Refusal::unknown_operation());
        }
        let body = request.json().ok_or_else(Refusal::unreadable)?;
        let entries = body["Entries"].as_array().ok_or_else(Refusal::unreadable)?;
        if !(1..=MOST_ENTRIES).contains(&entries.len()) {
            return Err(invalid("'entries' failed to satisfy constraint: length from 1 to 10"));
        }
        if entries.iter().map(size).sum::<usize>() > MOST_BYTES {
            return Err(invalid("Total size of the entries in the request is over the limit."));
        }
        let buses: Vec<String> =
            entries.iter().map(|entry| self.bus(entry)).collect::<Result<_, _>>()?;
        let mut failed = 0;
        let mut results = Vec::new();
        for (entry, bus) in entries.iter().zip(buses) {
            results.push(match self.put_event(entry, bus) {
                Ok(()) => json!({ "EventId": Uuid::new_v4().to_string() }),
                Err((code, message)) => {
                    failed += 1;
                    json!({ "ErrorCode": code, "ErrorMessage": message })
                }
            });
        }
        Ok(answer(200, &json!({ "FailedEntryCount": failed, "Entries": results })))
    }

    /// The bus of an entry, by name or by ARN. The whole call fails if one may not be used.
    fn bus(&self, entry: &Value) -> Result<String, Refusal> {
        let name = entry["EventBusName"].as_str().unwrap_or("default");
        let arn =
            |name: &str| format!("arn:aws:events:{}:123456789012:event-bus/{name}", self.region);
        let found = ["default", EVENT_BUS].into_iter().find(|it| *it == name || arn(it) == name);
        let Some(bus) = found else {
            let message = format!("Event bus {name} does not exist.");
            return Err(Refusal::new("ResourceNotFoundException", &message));
        };
        if self.denied.contains(bus) {
            let message = format!(
                "User: arn:aws:sts::123456789012:assumed-role/function is not authorized to \
                 perform: events:PutEvents on resource: {} because no identity-based policy allows \
                 the events:PutEvents action",
                arn(bus)
            );
            return Err(Refusal::new("AccessDeniedException", &message));
        }
        Ok(bus.to_owned())
    }

    fn put_event(&mut self, entry: &Value, bus: String) -> Result<(), (&'static str, String)> {
        let text = |name: &str| {
            let text = entry[name].as_str().filter(|text| !text.is_empty());
            let problem =
                || format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
            text.ok_or_else(|| ("InvalidArgument", problem()))
        };
        let (source, detail_type, detail) = (text("Source")?, text("DetailType")?, text("Detail")?);
        if detail_type.chars().count() > LONGEST_DETAIL_TYPE {
            let problem = "Parameter DetailType is not valid. Reason: it is too long.";
            return Err(("InvalidArgument", problem.to_owned()));
        }
        let detail: Option<Value> = serde_json::from_str(detail).ok().filter(Value::is_object);
        let detail =
            detail.ok_or_else(|| ("MalformedDetail", "Detail is malformed.".to_owned()))?;
        let (left, code) = &mut self.refused_entries;
        if *left > 0 {
            *left -= 1;
            return Err((code, "of the stand-in".to_owned()));
        }
        let (source, detail_type) = (source.to_owned(), detail_type.to_owned());
        self.events.push(BusEvent { bus, source, detail_type, detail });
        Ok(())
    }
}

/// The size that counts toward the limit.
fn size(entry: &Value) -> usize {
    let length = |name: &str| entry[name].as_str().map_or(0, str::len);
    length("Source") + length("DetailType") + length("Detail")
}

fn invalid(problem: &str) -> Refusal {
    Refusal::new("ValidationException", problem)
}
