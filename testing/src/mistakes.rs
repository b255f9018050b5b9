//! Callers' mistakes and providers' failures, as test data.

use serde_json::{Value, json};

use crate::event::Event;
use anteroom_stand_ins::faults::Fault;

/// Values that are not e-mail addresses, as JSON. The first one represents a missing address.
pub const MALFORMED_EMAILS: [&str; 13] = [
    "null",
    "12345",
    "true",
    "[\"jane.doe@example.com\"]",
    "{\"address\":\"jane.doe@example.com\"}",
    "\"\"",
    "\"jane.doe\"",
    "\"jane@doe@example.com\"",
    "\"jane.doe@example.com\\r\\nBcc: eve@example.com\"",
    "\"jane.doe\\n@example.com\"",
    "\"jane. doe@example.com\"",
    "\"jane.doe@example\"",
    // 255 bytes, one too many.
    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com\"",
];

/// Values that are not the name of a room or a person, as JSON.
pub const MALFORMED_NAMES: [&str; 20] = [
    "null",
    "12345",
    "true",
    "[\"daily\"]",
    "{\"name\":\"daily\"}",
    "\"\"",
    "\" \"",
    "\" daily\"",
    "\"daily \"",
    "\"daily\\u00a0\"",
    "\"daily\\n\"",
    "\"da\\nily\"",
    "\"da\\u0000ily\"",
    "\"\\u001b[31mdaily\"",
    "\"da\\u007fily\"",
    "\"da\\u0085ily\"",
    "\"\\u202edaily\"",
    "\"da\\u2066ily\"",
    "\"daily\\u200f\"",
    // `LONE_SURROGATE`.
    "\"daily\\ud83c\"",
];

/// Names that are valid but have a special meaning to a shell, a browser or LiveKit.
pub const HOSTILE_NAMES: [&str; 16] = [
    "../",
    "../../etc/passwd",
    "..",
    "/",
    "a//b",
    "{room_name}",
    "{room_id}-{time}-{utc}",
    "%2e%2e%2f",
    "a\\..\\b",
    "\"quoted\" & 'quoted'",
    "<script>alert(1)</script>",
    "https://evil.example/?a=b#c",
    "10.0.0.1",
    "👩‍👩‍👧 日本語 שלום",
    "user_01ANTER00MJANE",
    "org_01EXAMPLE:daily",
];

/// The JSON escape of a lone surrogate. No Rust string can hold it, so a body with it is rejected
/// as a whole and no field is blamed.
pub const LONE_SURROGATE: &str = "\\ud83c";

/// Ways in which a provider fails, and the status of a request that would otherwise have succeeded.
pub const OUTAGES: [(Fault, u64); 10] = [
    (Fault::Down, 503),
    (Fault::Failing(408), 503),
    (Fault::Between { status: 403, content_type: "Text/HTML", body: "<html></html>" }, 503),
    (Fault::Between { status: 429, content_type: "text/plain", body: "error code: 1015" }, 503),
    (Fault::Failing(500), 503),
    (Fault::Failing(503), 503),
    (Fault::GatewayPage, 503),
    (Fault::Garbage, 502),
    (Fault::WrongShape, 502),
    (Fault::Refusing, 502),
];

/// Requests that every endpoint rejects, each with its status. `good` is a request that succeeds.
pub fn malformed_requests(good: &Event) -> Vec<(Event, u64)> {
    let as_json = |body: &str| good.clone().body("application/json", body);
    let other = if good.is_get() { "POST" } else { "GET" };
    let mut events = vec![
        (good.clone().method(other), 405),
        (good.clone().method("PUT"), 405),
        (good.clone().method("DELETE"), 405),
        (good.clone().method("no method"), 400),
        (as_json("{"), 400),
        (as_json("not JSON"), 400),
        (as_json("[]"), 400),
        (as_json("null"), 400),
        (as_json("\"text\""), 400),
        (as_json("{\"a\":1,\"a\":2}"), 400),
        (as_json("{\"a\\u0000\":1}"), 400),
        (as_json("{}").with("/isBase64Encoded", json!(true)), 400),
        (as_json("{}").with("/body", json!({})), 400),
        (as_json(&format!("{{\"a\":\"{}\"}}", "x".repeat(16 * 1024))), 413),
        (good.clone().body("text/plain", "{\"a\":1}"), 415),
        (good.clone().body("application/x-www-form-urlencoded", "a=1"), 415),
        (good.clone().untyped_body("{\"a\":1}"), 415),
    ];
    events.extend(forged(good).into_iter().map(|event| (event, 403)));
    events
}

/// Requests that another site makes a browser send. `good` is a request that succeeds.
fn forged(good: &Event) -> Vec<Event> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let foreign = |origin: &str| good.clone().header("origin", origin);
    // A navigation. Browsers send no `Origin` with a `GET`.
    let caused_by =
        |site: &str| good.clone().without_header("origin").header("sec-fetch-site", site);
    let mut forged: Vec<_> = [
        "https://evil.example",
        "http://localhost:3000.evil.example",
        "https://localhost:3000",
        "http://LOCALHOST:3000",
        "http://localhost:3000,https://evil.example",
        "null",
        "",
    ]
    .map(foreign)
    .into();
    forged.extend(["cross-site", "Cross-Site"].map(caused_by));
    let evil = foreign("https://evil.example");
    forged.extend([
        evil.clone().body(FORM, ""),
        evil.clone().cookie("theme", "dark"),
        evil.clone().header("sec-fetch-site", "same-site"),
        evil.clone().header("sec-fetch-site", "same-origin"),
        caused_by("cross-site").cookie("theme", "dark"),
        good.clone().with("/headers/origin", json!(["http://localhost:3000"])),
        good.clone().header("origin", "http://localhost:3000\u{0}"),
    ]);
    // Additional odd fields must not turn the rejection into a function error, for which the
    // gateway responds.
    forged.extend(oddities().into_iter().map(|(pointer, value)| evil.clone().with(pointer, value)));
    forged
}

/// Odd values that API Gateway can send in fields that no endpoint reads, some of which make
/// `lambda_http` fail the invocation: JSON pointer and value. They must not change the response to
/// a request.
pub fn oddities() -> Vec<(&'static str, Value)> {
    vec![
        ("/rawQueryString", json!("a b")),
        ("/rawQueryString", json!("<\">")),
        ("/rawQueryString", json!("\u{7f}")),
        ("/rawQueryString", json!("caf\u{e9}#%zz")),
        ("/rawQueryString", json!("a".repeat(100_000))),
        ("/headers/x-forwarded-proto", json!("https, http")),
        ("/headers/x-forwarded-port", json!("443, 80")),
        ("/headers/x-forwarded-host", json!("a b")),
        ("/headers/host", json!("x:99999")),
        ("/headers/host", json!("a b")),
        ("/headers/host", json!("[::1")),
        ("/headers/x-nobody-reads-this", json!("\u{0}")),
        ("/headers/x-nobody-reads-this", json!("a\r\nb")),
        ("/headers/x-nobody-reads-this", json!("\u{7f}")),
        ("/headers/user-agent", json!("caf\u{e9} \u{1f600}")),
        ("/headers/not a name", json!("1")),
        ("/queryStringParameters", json!({"a\u{0}": [1]})),
        ("/requestContext/domainName", json!("a b")),
        ("/requestContext/authorizer", json!({"lambda": 7, "jwt": {"claims": [1]}, "iam": null})),
        ("/requestContext/authentication", json!({"clientCert": {"validity": null}})),
        ("/requestContext/stage", json!("a b")),
        ("/requestContext/timeEpoch", json!("yesterday")),
        ("/stageVariables", json!({"a": 7})),
        ("/pathParameters", json!([])),
    ]
}

/// Values that are not the token of an invitation.
pub fn invalid_invitation_tokens() -> Vec<Value> {
    vec![
        json!(""),
        json!(" "),
        json!("inv token"),
        json!("inv_token\n"),
        json!("inv\u{0}token"),
        json!("inv_token\u{7f}"),
        json!("inv_t\u{f6}ken"),
        json!("x".repeat(2049)),
        json!(7),
        json!(["inv_token"]),
    ]
}

/// The object as JSON text in which a field has the value `json`, which need not be valid JSON.
pub fn with_field(object: &Value, field: &str, json: &str) -> String {
    let mut object = object.clone();
    object[field] = json!("what is to be replaced");
    object.to_string().replacen("\"what is to be replaced\"", json, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_address_has_one_byte_too_many() {
        let long = MALFORMED_EMAILS[12].trim_matches('"');
        assert_eq!(long.len(), 255);
    }
}
