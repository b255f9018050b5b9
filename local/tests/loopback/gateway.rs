//! The gateway and a function behind it, as a browser meets them.

use std::{fs, net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use crate::browser::{Reply, send};
use anteroom_local::{
    function::{Function, Source},
    gateway::{Cors, Gateway},
    instance::Launch,
    template::{CorsTemplate, Route},
};
use http::Method;
use serde_json::{Value, json};

const PROBE: &str = env!("CARGO_BIN_EXE_probe-function");
const PAGE: &str = "http://localhost:3000";
const JSON: (&str, &str) = ("content-type", "application/json");

/// `ANY /probe` and `PUT /narrow`, each with processes of its own.
async fn gateway() -> Gateway {
    gateway_of(probe(&[]), probe(&[("PROBE_MARK", "narrow")])).await
}

async fn gateway_of(probe: Launch, narrow: Launch) -> Gateway {
    let route = |method, path: &str| Route { method, path: path.to_owned() };
    let function = |launch| Arc::new(Function::new(launch, Source::AsItIs));
    let routes = vec![
        (route(None, "/probe"), function(probe)),
        (route(Some(Method::PUT), "/narrow"), function(narrow)),
    ];
    let cors = CorsTemplate {
        methods: vec!["POST".into()],
        headers: vec!["authorization".into()],
        credentials: true,
        max_age: Some(300),
        ..CorsTemplate::default()
    };
    let cors = Cors::new(cors, [PAGE.to_owned()]);
    Gateway::start((Ipv4Addr::LOCALHOST, 0).into(), routes, cors).await.unwrap()
}

fn probe(environment: &[(&str, &str)]) -> Launch {
    Launch { timeout: Duration::from_secs(20), ..Launch::new(PROBE, environment.iter().copied()) }
}

/// Has the probe answer with exactly this.
async fn answered(gateway: &Gateway, headers: &[(&str, &str)], answer: &Value) -> Reply {
    let headers: Vec<_> = headers.iter().copied().chain([JSON]).collect();
    send(&gateway.url(), "POST", "/probe?do=answer", &headers, &answer.to_string()).await
}

#[tokio::test]
async fn hands_a_request_to_the_function_as_an_event() {
    let gateway = gateway().await;
    let headers =
        [JSON, ("Cookie", "a=1; b=2"), ("X-Many", "1"), ("x-many", "2"), ("User-Agent", "test/1")];
    let reply = send(&gateway.url(), "POST", "/probe?x=1", &headers, r#"{"a":1}"#).await;
    assert_eq!(reply.status, 200);
    let event = reply.json();
    for (path, value) in [
        ("/version", json!("2.0")),
        ("/routeKey", json!("ANY /probe")),
        ("/rawPath", json!("/probe")),
        ("/rawQueryString", json!("x=1")),
        ("/cookies", json!(["a=1", "b=2"])),
        ("/headers/x-many", json!("1,2")),
        ("/requestContext/http/method", json!("POST")),
        ("/requestContext/http/sourceIp", json!("127.0.0.1")),
        ("/requestContext/http/userAgent", json!("test/1")),
        ("/requestContext/stage", json!("$default")),
        ("/body", json!(r#"{"a":1}"#)),
        ("/isBase64Encoded", json!(false)),
    ] {
        assert_eq!(event.pointer(path), Some(&value), "{path}");
    }
    assert_eq!(
        event.pointer("/requestContext/requestId").and_then(Value::as_str),
        reply.header("apigw-requestid")
    );
}

/// A site whose name has the address 127.0.0.1 (DNS rebinding) asks in its own name.
#[tokio::test]
async fn a_request_for_another_host_is_rejected_before_anything_else() {
    let gateway = gateway().await;
    for host in ["attacker.example", "attacker.example:3000", "localhost.attacker.example", ""] {
        for (method, path) in [("POST", "/probe"), ("GET", "/nowhere"), ("OPTIONS", "/probe")] {
            let asks = ("access-control-request-method", "POST");
            let headers = [("host", host), ("origin", PAGE), asks];
            let reply = send(&gateway.url(), method, path, &headers, "").await;
            assert_eq!(reply.status, 403, "{method} {path} of {host:?}");
            assert_eq!(reply.header("access-control-allow-origin"), None, "{host:?}");
            assert_eq!(reply.header("apigw-requestid"), None, "no function was asked");
        }
    }
    for host in ["localhost:3000", "app.localhost", "127.0.0.1", "127.3.2.1:80", "[::1]:3000"] {
        let reply = send(&gateway.url(), "POST", "/probe", &[JSON, ("host", host)], "{}").await;
        assert_eq!(reply.status, 200, "{host}");
    }
}

#[tokio::test]
async fn passes_a_body_that_is_not_text_on_in_base64() {
    let gateway = gateway().await;
    let headers = [("content-type", "application/octet-stream")];
    let event = send(&gateway.url(), "POST", "/probe", &headers, "\u{0}\u{1}").await.json();
    assert_eq!(event["body"], "AAE=");
    assert_eq!(event["isBase64Encoded"], true);
}

#[tokio::test]
async fn turns_the_functions_answer_into_a_response() {
    let gateway = gateway().await;
    let answer = json!({
        "statusCode": 418, "body": "dGVh", "isBase64Encoded": true,
        "headers": {"content-type": "text/plain", "x-a": "1"}, "cookies": ["a=1; HttpOnly", "b=2"],
    });
    let reply = answered(&gateway, &[], &answer).await;
    assert_eq!((reply.status, reply.body.as_str()), (418, "tea"));
    assert_eq!(reply.header("content-type"), Some("text/plain"));
    assert_eq!(reply.header("x-a"), Some("1"));
    assert_eq!(reply.all("set-cookie"), ["a=1; HttpOnly", "b=2"]);
}

#[tokio::test]
async fn leaves_every_method_of_an_any_route_to_the_function() {
    let gateway = gateway().await;
    for method in ["GET", "POST", "DELETE", "PATCH", "OPTIONS"] {
        let event = send(&gateway.url(), method, "/probe", &[], "").await.json();
        assert_eq!(event["requestContext"]["http"]["method"], method);
    }
}

#[tokio::test]
async fn answers_404_if_there_is_no_route() {
    let gateway = gateway().await;
    for (method, path) in
        [("POST", "/"), ("POST", "/probe/"), ("POST", "/Probe"), ("POST", "/narrow"), ("GET", "/n")]
    {
        let reply = send(&gateway.url(), method, path, &[], "").await;
        assert_eq!(
            (reply.status, reply.json()),
            (404, json!({"message": "Not Found"})),
            "{method} {path}"
        );
    }
    let reply = send(&gateway.url(), "PUT", "/narrow?do=who", &[], "").await;
    assert_eq!(reply.json()["mark"], "narrow");
}

#[tokio::test]
async fn answers_a_preflight_without_the_function() {
    let gateway = gateway_of(probe(&[("PROBE_START", "fail")]), probe(&[])).await;
    let asked = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let allowed =
        send(&gateway.url(), "OPTIONS", "/probe", &[asked[0], asked[1], ("origin", PAGE)], "")
            .await;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));

    let foreign = [asked[0], asked[1], ("origin", "https://evil.example")];
    let refused = send(&gateway.url(), "OPTIONS", "/probe", &foreign, "").await;
    assert_eq!(refused.status, 204);
    assert_eq!(refused.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn puts_its_cors_headers_in_the_place_of_the_functions() {
    let gateway = gateway().await;
    let answer = json!({"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"}});
    let allowed = answered(&gateway, &[("origin", PAGE)], &answer).await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    let foreign = answered(&gateway, &[("origin", "https://evil.example")], &answer).await;
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    assert_eq!(foreign.status, 200, "the function decides whether to serve it");
}

#[tokio::test]
async fn answers_500_for_a_function_that_fails_or_answers_nonsense_and_serves_the_next_request() {
    let gateway = gateway().await;
    for (path, body) in [
        ("/probe?do=error", ""),
        ("/probe?do=exit", ""),
        ("/probe?do=skip", ""),
        ("/probe?do=answer", "<html>"),
        ("/probe?do=answer", r#"{"statusCode":"no"}"#),
    ] {
        let reply = send(&gateway.url(), "POST", path, &[JSON], body).await;
        assert_eq!(
            (reply.status, reply.json()),
            (500, json!({"message": "Internal Server Error"})),
            "{path} {body}"
        );
        assert_eq!(
            send(&gateway.url(), "POST", "/probe", &[], "").await.status,
            200,
            "after {path} {body}"
        );
    }
}

#[tokio::test]
async fn answers_500_for_a_function_that_does_not_start() {
    let gateway = gateway_of(probe(&[("PROBE_START", "fail")]), probe(&[])).await;
    let reply = send(&gateway.url(), "POST", "/probe", &[], "").await;
    assert_eq!((reply.status, reply.json()), (500, json!({"message": "Internal Server Error"})));
}

#[tokio::test]
async fn answers_503_for_a_function_that_exceeds_its_timeout() {
    let impatient = Launch { timeout: Duration::from_millis(500), ..probe(&[]) };
    let gateway = gateway_of(impatient, probe(&[])).await;
    let reply = send(&gateway.url(), "POST", "/probe?do=wait", &[], "").await;
    assert_eq!((reply.status, reply.json()), (503, json!({"message": "Service Unavailable"})));
    assert_eq!(
        send(&gateway.url(), "POST", "/probe", &[], "").await.status,
        200,
        "in a new process"
    );
}

#[tokio::test]
async fn refuses_a_body_over_10_mib() {
    let gateway = gateway().await;
    let length = (10 * 1024 * 1024 + 1).to_string();
    let reply = send(&gateway.url(), "POST", "/probe", &[("content-length", &length)], "").await;
    assert_eq!((reply.status, reply.json()), (413, json!({"message": "Request Entity Too Large"})));
}

#[tokio::test]
async fn answers_500_for_an_event_over_lambdas_6_mb_without_the_function() {
    let gateway = gateway().await;
    let binary = ("content-type", "application/octet-stream");
    for (length, content_type, expected) in [
        (6_200_000, JSON, 200),
        (6_300_000, JSON, 500),
        (4_600_000, binary, 200),
        (4_720_000, binary, 500),
    ] {
        let body = "a".repeat(length);
        let reply = send(&gateway.url(), "POST", "/probe?do=who", &[content_type], &body).await;
        assert_eq!(reply.status, expected, "{length} {content_type:?}");
        if expected == 500 {
            assert_eq!(reply.json(), json!({"message": "Internal Server Error"}));
        }
    }
    let who = send(&gateway.url(), "POST", "/probe?do=who", &[], "").await.json();
    assert_eq!(who["handled"], 3, "two of the four and this one");
}

#[tokio::test]
async fn refuses_a_request_line_and_header_values_over_10_240_bytes() {
    let gateway = gateway().await;
    let host = gateway.url().trim_start_matches("http://").len();
    let others = "POST /probe HTTP/1.1".len() + host + "close".len() + "0".len();
    for (length, expected) in [(10_240 - others, 200), (10_241 - others, 431)] {
        let cookie = "a".repeat(length);
        let reply = send(&gateway.url(), "POST", "/probe", &[("cookie", &cookie)], "").await;
        assert_eq!(reply.status, expected, "{length}");
    }
    let names: Vec<_> = (10..60).map(|number| format!("x-{number}-{}", "a".repeat(250))).collect();
    let headers: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let reply = send(&gateway.url(), "POST", "/probe", &headers, "").await;
    assert_eq!(reply.status, 200, "the names do not count");
}

#[tokio::test]
async fn keeps_a_process_warm_and_starts_a_further_one_for_a_request_at_the_same_time() {
    let gateway = gateway().await;
    let url = gateway.url();
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let who = || async { send(&url, "POST", "/probe?do=who", &[], "").await.json()["pid"].clone() };

    let first = who().await;
    assert_eq!(who().await, first, "the process is kept");
    let path = format!("/probe?do=wait&file={}", gate.display());
    let waiting = send(&url, "POST", &path, &[], "");
    let other = async {
        assert_eq!(pid_of_the_waiting(&gate).await, first);
        let other = who().await;
        fs::write(&gate, "").unwrap();
        other
    };
    let (waiting, other) = tokio::join!(waiting, other);
    assert_eq!(waiting.json()["pid"], first);
    assert_ne!(other, first);
}

async fn pid_of_the_waiting(gate: &Path) -> u64 {
    loop {
        match fs::read_to_string(gate.with_extension("pid")).ok().and_then(|pid| pid.parse().ok()) {
            Some(pid) => return pid,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn replaces_a_process_whose_executable_changed() {
    let folder = tempfile::tempdir().unwrap();
    let executable = folder.path().join("function");
    let install = |mark: &str| {
        let script = format!("#!/bin/sh\nPROBE_MARK={mark} exec '{PROBE}'\n");
        let new = folder.path().join("new");
        fs::write(&new, script).unwrap();
        fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        fs::rename(new, &executable).unwrap();
    };
    install("one");
    let launch = Launch { executable: executable.clone(), ..probe(&[]) };
    let gateway = gateway_of(launch, probe(&[])).await;
    let mark = || async {
        send(&gateway.url(), "POST", "/probe?do=who", &[], "").await.json()["mark"].clone()
    };
    assert_eq!(mark().await, "one");
    install("second");
    assert_eq!(mark().await, "second");
}
