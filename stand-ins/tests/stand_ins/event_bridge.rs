use std::sync::{Arc, Mutex};

use anteroom_stand_ins::event_bridge::{EVENT_BUS, EventBridge};
use anteroom_stand_ins::faults::Fault;
use serde_json::{Value, json};

use super::aws::Signed;

fn rightly() -> Signed {
    Signed::rightly("events", "AWSEvents.PutEvents")
}

async fn put(bridge: &EventBridge, entries: Value) -> (u16, Value) {
    rightly().asks(&bridge.url(), json!({ "Entries": entries })).await
}

fn entry() -> Value {
    json!({
        "EventBusName": EVENT_BUS, "Source": "a.test", "DetailType": "kind", "Detail": "{\"id\":1}",
    })
}

fn without(name: &str) -> Value {
    let mut entry = entry();
    entry.as_object_mut().expect("an object").remove(name);
    entry
}

fn with(name: &str, value: &str) -> Value {
    let mut entry = entry();
    entry[name] = json!(value);
    entry
}

fn kind(body: &Value) -> &str {
    body["__type"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_event_is_on_its_bus_and_its_listener_hears_of_it() {
    let bridge = EventBridge::start().await.expect("it starts");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    bridge.on_event(move |event| listener.lock().expect("a list").push(event.clone()));
    let (status, body) = put(&bridge, json!([entry(), without("EventBusName")])).await;
    assert_eq!((status, &body["FailedEntryCount"]), (200, &json!(0)));
    assert_eq!(body["Entries"][1]["EventId"].as_str().map(str::len), Some(36));
    let events = bridge.events();
    let buses: Vec<_> = events.iter().map(|event| event.bus.as_str()).collect();
    assert_eq!(buses, [EVENT_BUS, "default"]);
    assert_eq!((events[0].source.as_str(), events[0].detail_type.as_str()), ("a.test", "kind"));
    assert_eq!(events[0].detail, json!({ "id": 1 }));
    assert_eq!(*heard.lock().expect("a list"), events);

    let arn = format!("arn:aws:events:eu-central-1:123456789012:event-bus/{EVENT_BUS}");
    put(&bridge, json!([with("EventBusName", &arn)])).await;
    assert_eq!(bridge.events()[2].bus, EVENT_BUS);
}

#[tokio::test]
async fn an_entry_that_is_wrong_fails_alone() {
    let bridge = EventBridge::start().await.expect("it starts");
    for (wrong, code) in [
        (without("Source"), "InvalidArgument"),
        (without("DetailType"), "InvalidArgument"),
        (without("Detail"), "InvalidArgument"),
        (with("DetailType", &"x".repeat(129)), "InvalidArgument"),
        (with("Detail", "[]"), "MalformedDetail"),
        (with("Detail", "{"), "MalformedDetail"),
    ] {
        let (status, body) = put(&bridge, json!([wrong, entry()])).await;
        assert_eq!((status, &body["FailedEntryCount"]), (200, &json!(1)), "{wrong}");
        assert_eq!(body["Entries"][0]["ErrorCode"], code, "{wrong}");
        assert!(body["Entries"][1]["EventId"].is_string(), "{wrong}");
    }
    bridge.refuse_entries(1, "ThrottlingException");
    let (_, body) = put(&bridge, json!([entry(), entry()])).await;
    assert_eq!(body["Entries"][0]["ErrorCode"], "ThrottlingException");
    assert_eq!(bridge.events().len(), 7);
}

#[tokio::test]
async fn a_call_that_is_wrong_fails_as_a_whole() {
    let bridge = EventBridge::start().await.expect("it starts");
    let long = with("Detail", &json!({ "x": "x".repeat(256 * 1024) }).to_string());
    for (entries, code) in [
        (json!([]), "ValidationException"),
        (json!(vec![entry(); 11]), "ValidationException"),
        (json!([long]), "ValidationException"),
        (json!("none"), "SerializationException"),
        (json!([with("EventBusName", "of-nobody")]), "ResourceNotFoundException"),
    ] {
        let (status, body) = put(&bridge, entries).await;
        assert_eq!((status, kind(&body)), (400, code));
    }
    for (signed, code) in [
        (Signed { key: "AKIAOTHER".to_owned(), ..rightly() }, "UnrecognizedClientException"),
        (Signed { region: "us-east-1".to_owned(), ..rightly() }, "InvalidSignatureException"),
        (Signed { service: "secretsmanager", ..rightly() }, "InvalidSignatureException"),
        (Signed { secret: "other".to_owned(), ..rightly() }, "InvalidSignatureException"),
        (Signed { session_token: None, ..rightly() }, "UnrecognizedClientException"),
        (Signed { target: "AWSEvents.ListRules", ..rightly() }, "UnknownOperationException"),
    ] {
        let (status, body) = signed.asks(&bridge.url(), json!({ "Entries": [entry()] })).await;
        assert_eq!((status, kind(&body)), (400, code));
    }
    bridge.deny(EVENT_BUS);
    let (status, body) = put(&bridge, json!([entry()])).await;
    assert_eq!((status, kind(&body)), (400, "AccessDeniedException"));
    assert_eq!(bridge.events(), []);
}

#[tokio::test]
async fn fails_as_it_is_told_to_and_takes_another_key_when_told() {
    let bridge = EventBridge::start().await.expect("it starts");
    for (fault, status, code) in [
        (Fault::Limiting { retry_after: None }, 400, "ThrottlingException"),
        (Fault::Failing(500), 500, "InternalException"),
        (Fault::Refusing, 400, "UnrecognizedClientException"),
    ] {
        bridge.inject(fault.once());
        let (answered, body) = put(&bridge, json!([entry()])).await;
        assert_eq!((answered, kind(&body)), (status, code));
    }
    bridge.expect("us-east-1", "AKIAOTHER", "of another", None);
    assert_eq!(put(&bridge, json!([entry()])).await.0, 400);
    let other = || Signed {
        key: "AKIAOTHER".to_owned(),
        secret: "of another".to_owned(),
        region: "us-east-1".to_owned(),
        session_token: None,
        headers: "content-type;host;x-amz-date;x-amz-target".to_owned(),
        ..rightly()
    };
    let events = || json!({ "Entries": [entry()] });
    assert_eq!(other().asks(&bridge.url(), events()).await.0, 200);
    let with_a_token = Signed { session_token: rightly().session_token, ..other() };
    let (status, body) = with_a_token.asks(&bridge.url(), events()).await;
    assert_eq!((status, kind(&body)), (400, "UnrecognizedClientException"));
}
