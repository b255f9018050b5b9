//! A real LiveKit server: whether it accepts our tokens, and what they allow.
//! `interop/livekit/server.test.mjs` runs these tests against one.
//!
//! ```sh
//! LIVEKIT_TEST_URL=ws://127.0.0.1:7880 LIVEKIT_TEST_API_KEY=… LIVEKIT_TEST_API_SECRET=… \
//!     cargo test -p anteroom --test loopback -- --ignored livekit_server
//! ```
//!
//! The secret must have 32 bytes, so that of `livekit-server --dev` does not work. Rooms are created when
//! people join them, with names that no other test uses, and the server closes them by itself.

use std::sync::Arc;
use std::time::Duration;

use anteroom::caller::Caller;
use anteroom::livekit::{EgressId, Joins, Recordings, RoomId, Rooms, Username, Zone};
use anteroom_stand_ins::jwt;
use http::{StatusCode, header};
use reqwest::{RequestBuilder, Response};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;
use url::Url;

use crate::{Pairs, configured, within};

/// How long the server may take to let somebody in.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
#[ignore = "needs a LiveKit server named by LIVEKIT_TEST_URL"]
async fn lets_somebody_in_with_our_token() {
    let server = Server::named();
    let room = new_name();
    let answer = server.join("rtc/validate", &server.token(&room).await, &room).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.text().await.unwrap(), "success");
}

#[tokio::test]
#[ignore = "needs a LiveKit server named by LIVEKIT_TEST_URL"]
async fn refuses_a_token_that_was_changed() {
    let server = Server::named();
    let token = server.token(&new_name()).await;
    let mut claims = jwt::claims(&token).unwrap();
    claims["video"]["room"] = new_name().into();
    let elsewhere = Server { secret: new_name() + &new_name(), ..server.clone() };
    for (what, forged) in [
        ("another room", jwt::with_claims(&token, &claims)),
        ("another signature", jwt::with_signature(&token, "c2lnbmF0dXJl")),
        ("no signature", jwt::unsigned(&json!({ "alg": "none" }), &jwt::claims(&token).unwrap())),
        ("another project's secret", elsewhere.token(&new_name()).await),
    ] {
        for path in ["rtc/validate", "rtc"] {
            let answer = server.join(path, &forged, &new_name()).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{what}, {path}");
        }
    }
}

#[tokio::test]
#[ignore = "needs a LiveKit server named by LIVEKIT_TEST_URL"]
async fn a_token_opens_its_own_room_whatever_room_is_asked_for() {
    let server = Server::named();
    let (own, other) = (new_name(), new_name());
    let answer = server.join("rtc", &server.token(&own).await, &other).await;
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut socket = answer.upgrade().await.unwrap();
    let joined = timeout(PATIENCE, first_message(&mut socket)).await.expect("a message in time");
    assert!(holds(&joined, &own), "it says which room it is");
    assert!(!holds(&joined, &other), "it is not the other one");
}

#[tokio::test]
#[ignore = "needs a LiveKit server named by LIVEKIT_TEST_URL"]
async fn a_token_to_join_with_is_good_for_nothing_else() {
    let server = Server::named();
    let room = new_name();
    let token = server.token(&room).await;
    for (method, message) in [
        ("Egress/ListEgress", json!({})),
        ("RoomService/ListRooms", json!({})),
        ("RoomService/CreateRoom", json!({ "name": new_name() })),
        ("RoomService/ListParticipants", json!({ "room": room })),
        ("RoomService/ListParticipants", json!({ "room": new_name() })),
    ] {
        let url = format!("{}/twirp/livekit.{method}", server.url);
        let call = client().post(url).bearer_auth(&token).json(&message);
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method}");
    }
}

/// A token that does not allow recording is rejected before the server looks for the egress, or for an
/// egress service.
#[tokio::test]
#[ignore = "needs a LiveKit server named by LIVEKIT_TEST_URL"]
async fn takes_our_calls_about_egresses_and_no_strangers() {
    let server = Server::named();
    let ours = server.status_of_a_stop().await;
    assert!([404, 503].contains(&ours), "{ours}: none of that id, or no egress service");
    let stranger = Server { secret: new_name() + &new_name(), ..server.clone() };
    assert_eq!(stranger.status_of_a_stop().await, 502, "our key is refused");
}

/// The server, and the key pair that it knows.
#[derive(Clone)]
struct Server {
    url: String,
    key: String,
    secret: String,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "no function reads these")]
    fn named() -> Self {
        let variable = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| panic!("{name} is missing")).trim().to_owned()
        };
        let url = variable("LIVEKIT_TEST_URL");
        let url = url.strip_prefix("ws").map_or(url.clone(), |rest| format!("http{rest}"));
        Self {
            url: url.trim_end_matches('/').to_owned(),
            key: variable("LIVEKIT_TEST_API_KEY"),
            secret: variable("LIVEKIT_TEST_API_SECRET"),
        }
    }

    fn settings(&self) -> Pairs {
        let pairs = [
            ("LIVEKIT_URL", &self.url),
            ("LIVEKIT_API_KEY", &self.key),
            ("LIVEKIT_API_SECRET", &self.secret),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.clone())).into()
    }

    /// A token of ours to join `room` with.
    async fn token(&self, room: &str) -> String {
        let (rooms, joins) = configured(self.settings(), |settings| {
            Ok((Rooms::to_join(settings)?, Joins::configure(settings)?))
        })
        .await;
        let room = rooms.room(&caller(), &RoomId::parse(room).unwrap()).unwrap();
        let username = Username::parse("Anteroom's test").unwrap();
        let token = joins.token(&caller(), &room, &username).await.unwrap();
        serde_json::to_value(token).unwrap()["token"].as_str().unwrap().to_owned()
    }

    /// The answer to somebody who asks to be let into `room` with a token: at `rtc` the beginning of
    /// a WebSocket, at `rtc/validate` a text.
    async fn join(&self, path: &str, token: &str, room: &str) -> Response {
        let query = [("access_token", token), ("room", room), ("protocol", "9")];
        let url = Url::parse_with_params(&format!("{}/{path}", self.url), query).unwrap();
        let request = client().get(url);
        let request = if path == "rtc" { handshake(request) } else { request };
        request.send().await.unwrap()
    }

    /// Our status when an egress is to be stopped that does not exist.
    async fn status_of_a_stop(&self) -> u16 {
        let (rooms, recordings) = configured(self.settings(), |settings| {
            Ok((Rooms::to_record(settings)?, Recordings::configure(settings)?))
        })
        .await;
        let room = rooms.room(&caller(), &RoomId::parse(&new_name()).unwrap()).unwrap();
        let id = EgressId::parse("EG_absentabsent").unwrap();
        let zone = Zone::parse("1").unwrap();
        let stopped = within(PATIENCE, recordings.stop(&room, &zone, &id)).await;
        stopped.expect_err("there is none").status().as_u16()
    }
}

/// Asks for a WebSocket: RFC 6455, section 1.3. Any key will do, for nobody looks at the answer to it.
fn handshake(request: RequestBuilder) -> RequestBuilder {
    request
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
}

/// The first message on a WebSocket, which is short of 64 KiB: RFC 6455, section 5.2. LiveKit's is the
/// answer to the join.
async fn first_message(socket: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let [_, length] = read(socket).await;
    let length = match length {
        126 => u16::from_be_bytes(read(socket).await).into(),
        short => usize::from(short),
    };
    let mut message = vec![0; length];
    socket.read_exact(&mut message).await.unwrap();
    message
}

async fn read<const LENGTH: usize>(socket: &mut (impl AsyncRead + Unpin)) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    socket.read_exact(&mut bytes).await.unwrap();
    bytes
}

fn holds(message: &[u8], text: &str) -> bool {
    message.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A client of the test's own: it sees what nobody else needs to.
fn client() -> reqwest::Client {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    #[expect(clippy::disallowed_methods, reason = "upgraded connections are not for functions")]
    let builder = reqwest::Client::builder();
    builder.tls_backend_preconfigured(tls).timeout(PATIENCE).build().unwrap()
}

/// A name that nobody else has.
fn new_name() -> String {
    format!("anteroom-test-{:016x}", rand::random::<u64>())
}

fn caller() -> Caller {
    Caller {
        user_id: "user_of_the_test".to_owned(),
        session_id: new_name(),
        organization_id: None,
        permissions: Vec::new(),
        impersonator: None,
    }
}
