//! LiveKit's webhooks: only signed ones are received, and no credential in them goes any further.

#![no_main]

use anteroom::livekit::Webhooks;
use anteroom_fuzz::world::{API_KEY, API_SECRET, NOW, World};
use anteroom_fuzz::{genuine, json, script};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use ring::digest::{SHA256, digest};
use serde_json::Value;

thread_local! {
    static WEBHOOKS: (World, Webhooks) = {
        let world = World::start();
        let webhooks = Webhooks::configure(&mut world.settings(&[])).expect("settings");
        (world, webhooks)
    };
}

/// Fields with credentials, without their separators.
const CREDENTIALS: [&str; 8] = [
    "password",
    "secret",
    "token",
    "credential",
    "accesskey",
    "accountkey",
    "streamkey",
    "externalid",
];

fuzz_target!(|data: &[u8]| {
    let (operation, rest) = script::operation(&["event", "claims", "header"], data);
    WEBHOOKS.with(|(world, webhooks)| {
        let (first, body) = script::split_at_line(rest);
        let sha256 = BASE64_STANDARD.encode(digest(&SHA256, body));
        let header = br#"{"alg":"HS256","typ":"JWT"}"#;
        let claims = match operation {
            // Claims as the fuzzer has them, after the digest.
            "claims" => {
                let claims = String::from_utf8_lossy(first);
                format!(r#"{{"sha256":"{sha256}",{claims}}}"#)
            }
            _ => format!(r#"{{"iss":"{API_KEY}","exp":{},"sha256":"{sha256}"}}"#, NOW + 300),
        };
        let genuine = genuine::hs256(API_SECRET.as_bytes(), header, claims.as_bytes());
        let (value, body) = match operation {
            "header" => (HeaderValue::from_bytes(first), body),
            "event" => (HeaderValue::from_str(&genuine), rest),
            _ => (HeaderValue::from_str(&genuine), body),
        };
        let Ok(value) = value else {
            return;
        };
        // The digest is of what follows the first line.
        let body = if operation == "event" { script::split_at_line(body).1 } else { body };
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value.clone())]);
        let event = world.run(webhooks.receive(&headers, body));
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                let status = error.status().as_u16();
                let is_genuine = operation == "event";
                return assert!(status == 400 || (status == 401 && !is_genuine), "{error:?}");
            }
        };
        if operation == "header" {
            assert_eq!(value, genuine, "somebody else's signature");
        }
        if let Some(claims) = json::strict(claims.as_bytes()) {
            assert_eq!(claims["iss"], API_KEY);
            let expiry = claims["exp"].as_f64().expect("an expiry");
            let now = NOW as f64;
            assert!((now - 61.0..=now + 361.0).contains(&expiry), "{expiry}");
        }
        assert_eq!(event.source, "anteroom.livekit");
        assert!((1..=128).contains(&event.kind.chars().count()));
        assert!(!event.kind.chars().any(char::is_control));
        let detail = json::strict(event.detail.as_bytes()).expect("JSON");
        check_redaction(&detail);
        if let Some(sent) = json::strict(body) {
            assert_eq!(sent["event"], event.kind);
            assert_eq!(sent["id"], detail["id"]);
        }
    });
});

fn check_redaction(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
                let plain = plain.to_ascii_lowercase();
                let is_credential = CREDENTIALS.iter().any(|word| plain.contains(word));
                assert!(!is_credential && plain != "proxy", "{name} is still there");
                if let ("url", Value::String(address)) = (plain.as_str(), value) {
                    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
                    assert!(!rest.contains(['/', '?', '@', '#']), "{address}");
                }
                check_redaction(value);
            }
        }
        Value::Array(items) => items.iter().for_each(check_redaction),
        _ => {}
    }
}
