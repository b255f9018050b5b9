//! What callers get wrong, and what goes wrong behind an endpoint.

use super::Event;
use crate::stand_ins::faults::Fault;

/// What is no e-mail address, as JSON. The first stands for one that is not there.
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

/// How a provider fails, and what a caller is told whose request would otherwise have succeeded.
pub const OUTAGES: [(Fault, u64); 7] = [
    (Fault::Down, 503),
    (Fault::Failing(500), 503),
    (Fault::Failing(503), 503),
    (Fault::GatewayPage, 503),
    (Fault::Garbage, 502),
    (Fault::WrongShape, 502),
    (Fault::Refusing, 502),
];

/// Requests that no endpoint answers, each with the status that says why. `good` is one that it
/// would answer.
pub fn mistaken(good: &Event) -> Vec<(Event, u64)> {
    let as_json = |body: &str| good.clone().body("application/json", body);
    vec![
        (good.clone().method("GET"), 405),
        (good.clone().method("PUT"), 405),
        (good.clone().method("DELETE"), 405),
        (from(good, "https://evil.example"), 403),
        (from(good, "http://localhost:3000.evil.example"), 403),
        (from(good, "null"), 403),
        (as_json("{"), 400),
        (as_json("not JSON"), 400),
        (as_json("[]"), 400),
        (as_json("null"), 400),
        (as_json("\"text\""), 400),
        (as_json("{\"a\":1,\"a\":2}"), 400),
        (as_json("{\"a\\u0000\":1}"), 400),
        (as_json(&format!("{{\"a\":\"{}\"}}", "x".repeat(16 * 1024))), 413),
        (good.clone().body("text/plain", "{\"a\":1}"), 415),
        (good.clone().body("application/x-www-form-urlencoded", "a=1"), 415),
        (good.clone().untyped_body("{\"a\":1}"), 415),
    ]
}

/// A request with a cookie from another site's page.
fn from(good: &Event, origin: &str) -> Event {
    good.clone().cookie("theme", "dark").header("origin", origin)
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
