//! Bodies up to the largest that is accepted, whose size comes from fields that nothing reads.

use anteroom_local::instance::Instance;
use anteroom_testing::Event;
use serde_json::Value;

use super::Bench;
use crate::Failure;
use crate::curve::{Curves, Panel, Series};
use crate::providers::Providers;
use crate::requests::Requests;
use crate::subject::{Endpoint, Identity, Subject};

/// The kinds of content, each with a part that is repeated.
const KINDS: [(&str, &str, &str, &str); 4] = [
    ("a text", "\"", "x", "\""),
    ("escapes", "\"", "\\u00e9", "\""),
    ("numbers", "[0", ",1234567890.5", "]"),
    ("objects", "[0", r#",{"a":[true,null]}"#, "]"),
];

pub(super) async fn curves(bench: &Bench) -> Result<Curves, Failure> {
    let providers = Providers::start().await?;
    let endpoint = Endpoint::RoomAuth(Identity::WorkOs);
    let environment = providers.environment(Subject::anteroom(endpoint));
    let instance = Instance::launch(&bench.functions.launch(endpoint.name(), environment)).await?;
    let requests = Requests::to(endpoint, &providers).await;
    let sizes: &[u32] = bench.either(&[2, 16], &[0, 2, 4, 6, 8, 10, 12, 14, 16]);
    let mut series = Vec::new();
    for (name, begin, part, end) in KINDS {
        let mut one = Series::new(name);
        for &kib in sizes {
            let bytes = usize::try_from(kib)? * 1024;
            let event = with_body(&requests.next(), bytes, (begin, part, end));
            let is_right = |answer: &Value| requests.check(answer).is_ok();
            let next = async || Ok(event.clone());
            one.push(kib.into(), bench.cpu_per_request(&instance, next, is_right).await?);
        }
        series.push(one);
    }
    instance.stop().await;
    Ok(Curves {
        title: "Bodies of room-auth with fields that nothing reads".to_owned(),
        panels: vec![Panel::new("CPU per request, ms", "KiB", series)],
    })
}

/// The event with a body of at most this many bytes, and nearly as many.
fn with_body(event: &Event, bytes: usize, (begin, part, end): (&str, &str, &str)) -> Event {
    let own = event.as_json()["body"].as_str().unwrap_or_default();
    let own = own.trim_end().trim_end_matches('}');
    let fixed = own.len() + r#","more":}"#.len() + begin.len() + end.len();
    let parts = part.repeat(bytes.saturating_sub(fixed) / part.len());
    event.clone().body("application/json", &format!(r#"{own},"more":{begin}{parts}{end}}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_the_size() {
        let event = Event::documented("room-auth.json");
        for (name, begin, part, end) in KINDS {
            let event = with_body(&event, 16 * 1024, (begin, part, end));
            let body = event.as_json()["body"].as_str().unwrap();
            let size = body.len();
            assert!(size <= 16 * 1024 && size > 16 * 1024 - 32, "{name}: {size}");
            let body: Value = serde_json::from_str(body).unwrap();
            assert!(body["roomId"].is_string() && !body["more"].is_null(), "{name}");
        }
    }
}
