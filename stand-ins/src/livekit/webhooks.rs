//! Webhooks: compares the server's state with what it last reported, and sends what has changed, as
//! `webhook/url_notifier.go` and `telemetry/events.go` of the real server do.
//!
//! The same task advances egresses, so that a recording goes through its states without anybody
//! asking for them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::body::Body;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{Request, StatusCode, Uri, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::sleep};

use super::{
    access::Keys,
    dispatch::{LiveKit, Server},
    egress::Egress,
    identifier::random_id,
    messages::{EgressStatus, ParticipantKind},
    proto_json,
    room::OpenRoom,
    state::State,
};
use crate::{clock, jwt, lock, random_hex};

/// How often the state is compared.
const INTERVAL: Duration = Duration::from_millis(100);

/// The pauses between attempts to send an event.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2)];

/// The lifetime of a webhook's token.
const LIFETIME_SECONDS: u64 = 5 * 60;

impl LiveKit {
    /// From now on, sends webhooks to this `http` address, in order, and advances egresses by itself.
    /// An event that is not accepted is sent again three times.
    ///
    /// # Panics
    /// Outside a tokio runtime, or if the address cannot be read.
    pub fn send_webhooks_to(&self, address: &str) {
        let address = address.parse().expect("an address");
        let server = Arc::downgrade(&self.provider);
        tokio::spawn(send_changes(server, address));
    }
}

/// The claims of the token with which LiveKit signs an event, at this Unix time.
pub fn webhook_claims(api_key: &str, body: &[u8], now: u64) -> Value {
    json!({
        "iss": api_key,
        "nbf": now,
        "exp": now + LIFETIME_SECONDS,
        "sha256": BASE64_STANDARD.encode(digest(&SHA256, body)),
    })
}

/// The token with which LiveKit signs an event. It is sent in `Authorization`, without a scheme.
pub fn webhook_token(api_key: &str, api_secret: &str, body: &[u8]) -> String {
    let claims = webhook_claims(api_key, body, clock::unix_seconds());
    jwt::hmac_signed(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, api_secret.as_bytes())
}

/// Ends when the stand-in is dropped.
async fn send_changes(server: Weak<Server>, address: Uri) {
    let mut reported = Reported::default();
    loop {
        let Some(running) = server.upgrade() else { return };
        let (events, keys) = {
            let mut state = lock(&running.state);
            let events = reported.changes(&state);
            state.go_on();
            (events, state.keys.clone())
        };
        drop(running);
        for event in events {
            send(&address, &keys, &event).await;
        }
        sleep(INTERVAL).await;
    }
}

/// The state as it was last reported.
#[derive(Default)]
struct Reported {
    /// The rooms by id, each with its participants by id.
    rooms: BTreeMap<String, (Value, BTreeMap<String, Value>)>,
    egresses: BTreeMap<String, EgressStatus>,
}

impl Reported {
    fn changes(&mut self, state: &State) -> Vec<Value> {
        let mut events = Vec::new();
        let open: BTreeSet<&str> = state.rooms.iter().map(OpenRoom::id).collect();
        let closed: Vec<String> =
            self.rooms.keys().filter(|id| !open.contains(id.as_str())).cloned().collect();
        for id in closed {
            let (room, participants) = self.rooms.remove(&id).unwrap_or_default();
            events.extend(participants.values().map(|gone| left(&room, gone)));
            events.push(event("room_finished", json!({ "room": room })));
        }
        for room in &state.rooms {
            let mut info = proto_json::sparse(json!(room.info(&state.egresses)));
            let known = self.rooms.get(room.id());
            let password = known.and_then(|(room, _)| room["turnPassword"].as_str());
            info["turnPassword"] = password.map_or_else(|| random_hex(32), str::to_owned).into();
            if known.is_none() {
                events.push(event("room_started", json!({ "room": info })));
            }
            let (_, before) = self.rooms.remove(room.id()).unwrap_or_default();
            let is_person = |kind: i32| kind != i32::from(ParticipantKind::Egress);
            let people = room.participants(&state.egresses).into_iter();
            let now: BTreeMap<String, Value> = people
                .filter(|participant| is_person(participant.kind))
                .map(|participant| {
                    (participant.sid.clone(), proto_json::sparse(json!(participant)))
                })
                .collect();
            let gone = before.iter().filter(|(id, _)| !now.contains_key(*id));
            events.extend(gone.map(|(_, participant)| left(&info, participant)));
            let new = now.iter().filter(|(id, _)| !before.contains_key(*id));
            events.extend(new.map(|(_, participant)| {
                event("participant_joined", json!({ "room": info, "participant": participant }))
            }));
            self.rooms.insert(room.id().to_owned(), (info, now));
        }
        for egress in &state.egresses {
            self.report_egress(egress, &mut events);
        }
        events
    }

    fn report_egress(&mut self, egress: &Egress, events: &mut Vec<Value>) {
        let before = self.egresses.insert(egress.id().to_owned(), egress.status());
        let info = json!({ "egressInfo": proto_json::sparse(json!(egress.info())) });
        if before.is_none() {
            events.push(event("egress_started", info.clone()));
        }
        if before.unwrap_or(EgressStatus::Starting) != egress.status() {
            let name = if egress.is_active() { "egress_updated" } else { "egress_ended" };
            events.push(event(name, info));
        }
    }
}

fn left(room: &Value, participant: &Value) -> Value {
    let mut participant = participant.clone();
    participant["state"] = json!("DISCONNECTED");
    event("participant_left", json!({ "room": room, "participant": participant }))
}

fn event(name: &str, about: Value) -> Value {
    let mut event = about;
    event["event"] = json!(name);
    event["id"] = json!(random_id("EV_"));
    event["createdAt"] = json!(clock::unix_seconds().to_string());
    event
}

async fn send(address: &Uri, keys: &Keys, event: &Value) {
    let body = event.to_string();
    for pause in [Duration::ZERO].into_iter().chain(PAUSES) {
        sleep(pause).await;
        let token = webhook_token(&keys.api_key, &keys.api_secret, body.as_bytes());
        let status = post(address, &token, &body).await;
        // Like the real server, which gives up on what is refused for good.
        if status.is_ok_and(|status| !status.is_server_error()) {
            return;
        }
    }
}

async fn post(address: &Uri, token: &str, body: &str) -> io::Result<StatusCode> {
    let host = address.authority().ok_or(io::ErrorKind::InvalidInput)?.as_str();
    let stream = TcpStream::connect(host).await?;
    let connection = http1::handshake::<_, Body>(TokioIo::new(stream)).await;
    let (mut sender, connection) = connection.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let request = Request::post(address.path())
        .header(header::HOST, host)
        .header(header::AUTHORIZATION, token)
        .header(header::CONTENT_TYPE, "application/webhook+json")
        .body(Body::from(body.to_owned()))
        .map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    Ok(response.status())
}
