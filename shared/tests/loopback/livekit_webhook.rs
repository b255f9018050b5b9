//! LiveKit's webhooks: which are genuine, and what of them goes on the bus. Denials first.

use anteroom::api::{ApiError, Request};
use anteroom::clock::Clock;
use anteroom::livekit::Webhooks;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET, webhook_claims};
use anteroom_stand_ins::secrets_manager::SecretsManager;
use serde_json::{Value, json};

use crate::{configured_at, status};

const NOW: u64 = 1_900_000_000;
const EVENT: &str = r#"{"event":"room_started","id":"EV_1","room":{"name":"room"}}"#;

async fn webhooks() -> Webhooks {
    let pairs = [("LIVEKIT_API_KEY", API_KEY), ("LIVEKIT_API_SECRET", API_SECRET)];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    configured_at(Clock::fixed(NOW), pairs.into(), Webhooks::configure).await
}

/// The kind and the content of a genuine webhook with this body, if it is accepted.
async fn received(body: &str) -> Result<(String, Value), ApiError> {
    received_with(body, &webhook_claims(API_KEY, body.as_bytes(), NOW)).await
}

/// The same with these claims.
async fn received_with(body: &str, claims: &Value) -> Result<(String, Value), ApiError> {
    let request = signed_with(API_SECRET, claims);
    let event = webhooks().await.receive(request.headers(), body.as_bytes()).await?;
    assert_eq!(event.source, "anteroom.livekit");
    Ok((event.kind, serde_json::from_str(&event.detail).unwrap()))
}

fn signed_with(secret: &str, claims: &Value) -> Request {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let token = jwt::hmac_signed(&header, claims, secret.as_bytes());
    crate::request(&[("authorization", &token)])
}

#[tokio::test]
async fn a_signature_is_for_one_body_and_ends_a_minute_after_its_expiry() {
    let genuine = webhook_claims(API_KEY, EVENT.as_bytes(), NOW);
    let other = webhook_claims(API_KEY, b"{}", NOW)["sha256"].clone();
    for (claim, value, expected) in [
        ("sha256", other, 401),
        ("iss", json!("APIOfAnother"), 401),
        ("exp", json!(NOW - 61), 401),
        ("exp", json!(NOW - 60), 200),
        ("exp", json!(NOW + 360), 200),
        ("exp", json!(NOW + 361), 401),
        ("nbf", json!(NOW + 60), 200),
        ("nbf", json!(NOW + 61), 401),
        ("nbf", Value::Null, 200),
    ] {
        let mut claims = genuine.clone();
        claims[claim] = value.clone();
        let received = received_with(EVENT, &claims).await;
        assert_eq!(status(&received), expected, "{claim}: {value}");
    }
    for headers in [&[][..], &[("authorization", "a.b.c"), ("authorization", "a.b.c")]] {
        let request = crate::request(headers);
        let event = webhooks().await.receive(request.headers(), EVENT.as_bytes()).await;
        assert_eq!(status(&event), 401, "{headers:?}");
    }
}

#[tokio::test]
async fn an_event_has_a_name_of_up_to_128_characters_and_an_id() {
    let longest = "x".repeat(128);
    for (kind, id, expected) in [
        (json!("room_started"), json!("EV_1"), 200),
        (json!(longest), json!("EV_1"), 200),
        (json!(longest.clone() + "x"), json!("EV_1"), 400),
        (json!("room\nstarted"), json!("EV_1"), 400),
        (json!(""), json!("EV_1"), 400),
        (json!(7), json!("EV_1"), 400),
        (json!("room_started"), json!(""), 400),
        (json!("room_started"), Value::Null, 400),
    ] {
        let body = json!({ "event": kind, "id": id }).to_string();
        assert_eq!(status(&received(&body).await), expected, "{body}");
    }
    assert_eq!(status(&received("[]").await), 400);
}

#[tokio::test]
async fn the_bus_learns_whose_recording_it_is_and_no_credentials() {
    let (kind, detail) = received(EVENT).await.unwrap();
    assert_eq!((kind.as_str(), &detail["id"]), ("room_started", &json!("EV_1")));
    assert_eq!(detail.get("recording"), None);

    let secret = json!({ "event": "room_started", "id": "EV_1", "recording": 1,
        "room": { "name": "room", "turnPassword": "a password" } });
    let (_, detail) = received(&secret.to_string()).await.unwrap();
    assert_eq!(detail["room"], json!({ "name": "room" }));
    assert_eq!(detail.get("recording"), None, "the field is ours");
}

#[tokio::test]
async fn a_recording_of_ours_is_named_by_its_key() {
    let key = "recordings/1/org_1_room-0123456789abcdef/2026-01-01/000000-0123456789abcdef.mp4";
    let metadata = json!({ "room": "room", "zone": "1", "organization": "org_1" });
    let s3 = json!({ "bucket": "a-bucket", "metadata": metadata });
    let output = json!({ "filepath": key, "s3": s3 });
    let egress = json!({
        "egressId": "EG_1", "roomName": "room", "status": "EGRESS_COMPLETE",
        "roomComposite": { "roomName": "room", "fileOutputs": [output] },
    });
    let event = json!({ "event": "egress_ended", "id": "EV_1", "egressInfo": egress });
    let (_, detail) = received(&event.to_string()).await.unwrap();
    assert_eq!(detail["recording"]["key"], key, "{detail}");
}

#[tokio::test]
async fn during_a_rotation_both_pairs_are_accepted_without_a_restart() {
    const PREVIOUS: (&str, &str) = ("APIOfLastYear", "secret-of-last-year-and-no-secret-at-all");
    let secrets = SecretsManager::start().await.unwrap();
    let pair = |(key, secret)| json!({ "LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret });
    secrets.put("livekit", pair(PREVIOUS));
    let mut pairs = secrets.settings();
    pairs.push(("LIVEKIT_SECRET_ID".to_owned(), "livekit".to_owned()));
    let clock = Clock::system();
    let webhooks = configured_at(clock.clone(), pairs, Webhooks::configure).await;
    let received = async |(key, secret): (&str, &str)| {
        let now = clock.now().whole_seconds();
        let request = signed_with(secret, &webhook_claims(key, EVENT.as_bytes(), now));
        status(&webhooks.receive(request.headers(), EVENT.as_bytes()).await)
    };
    assert_eq!(received(PREVIOUS).await, 200);

    let current = (API_KEY, API_SECRET);
    let mut both = pair(current);
    both["LIVEKIT_API_KEY_PREVIOUS"] = json!(PREVIOUS.0);
    both["LIVEKIT_API_SECRET_PREVIOUS"] = json!(PREVIOUS.1);
    secrets.put("livekit", both);
    assert_eq!(received(current).await, 200);
    assert_eq!(received(PREVIOUS).await, 200);
    assert_eq!(received((API_KEY, PREVIOUS.1)).await, 401);
}
