//! A request's way through a function: what every endpoint has in common.

use std::time::Duration;

use anteroom::api::{ApiError, Reply, Request, Response};
use anteroom::clock::Clock;
use anteroom::lambda::{Endpoint, Function, Invocation, Route};
use anteroom::settings::{Incomplete, Settings};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::log_lines::LogLines;

/// Does as its input says.
struct Parrot;

#[derive(Deserialize)]
struct Say {
    what: String,
}

impl Endpoint for Parrot {
    const NAME: &'static str = "parrot";
    const ROUTE: Route = Route::post("/parrot");
    type Input = Say;
    type Output = Value;

    fn configure(_: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self)
    }

    async fn handle(&self, _: &Request, input: Say) -> Result<Reply<Value>, ApiError> {
        match input.what.as_str() {
            "panic" => panic!("a secret text"),
            "sleep" => std::future::pending().await,
            "refuse" => Err(ApiError::forbidden("No").with_detail("a detail")),
            _ => Ok(Reply::ok(json!({ "said": input.what }))),
        }
    }
}

async fn parrot() -> Function<Parrot> {
    let pairs = [("ALLOWED_ORIGINS", "https://app.example, https://other.example")];
    let settings = Settings::from_pairs(pairs, Clock::system()).unwrap();
    Function::start(settings).await.unwrap()
}

fn post(body: &str) -> http::request::Builder {
    let request = http::Request::post("/parrot");
    if body.is_empty() { request } else { request.header("content-type", "application/json") }
}

async fn ask(request: http::request::Builder, body: &str) -> Response {
    parrot().await.answer(request.body(body.into()).unwrap()).await
}

fn body(response: &Response) -> Value {
    serde_json::from_str(response.body()).unwrap()
}

#[tokio::test]
async fn every_response_has_the_required_headers() {
    for (said, status) in [("hello", 200), ("refuse", 403), ("panic", 500)] {
        let say = json!({ "what": said }).to_string();
        let response = ask(post(&say), &say).await;
        assert_eq!(response.status(), status);
        for (name, value) in [
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
            ("vary", "Origin, Cookie"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(response.headers()[name], value, "{said}");
        }
    }
}

#[tokio::test]
async fn errors_have_a_code_and_a_message_and_nothing_more() {
    let say = json!({ "what": "refuse" }).to_string();
    let response = ask(post(&say), &say).await;
    assert_eq!(body(&response), json!({ "code": 403, "message": "No" }));
    let say = json!({ "what": "panic" }).to_string();
    let response = ask(post(&say), &say).await;
    assert_eq!(body(&response)["code"], 500);
    assert!(!response.body().contains("secret"));
}

#[tokio::test]
async fn only_post_is_accepted() {
    for method in ["GET", "PUT", "PATCH", "DELETE", "HEAD"] {
        let response = ask(http::Request::builder().method(method).uri("/parrot"), "").await;
        assert_eq!(response.status(), 405, "{method}");
        assert_eq!(response.headers()["allow"], "POST");
    }
    let options = http::Request::builder().method("OPTIONS").uri("/parrot");
    assert_eq!(ask(options, "").await.status(), 204, "the gateway answers preflights");
}

#[tokio::test]
async fn input_is_validated_before_any_action() {
    assert_eq!(body(&ask(post(""), "").await)["message"], "`what` is missing");
    assert_eq!(ask(post("{"), "{").await.status(), 400);
    let say = json!({ "what": "hello" }).to_string();
    assert_eq!(ask(http::Request::post("/parrot"), &say).await.status(), 415);
    let long = json!({ "what": "a".repeat(20_000) }).to_string();
    assert_eq!(ask(post(&long), &long).await.status(), 413);
}

#[tokio::test]
async fn a_page_needs_an_allowed_origin_with_a_cookie_and_without() {
    let say = json!({ "what": "hello" }).to_string();
    for (origin, site, status) in [
        (None, None, 200),
        (None, Some("same-origin"), 200),
        (None, Some("none"), 200),
        (None, Some("cross-site"), 403),
        (Some("https://app.example"), None, 200),
        (Some("https://other.example"), Some("cross-site"), 200),
        (Some("https://evil.example"), None, 403),
        (Some("https://evil.example"), Some("same-site"), 403),
        (Some("null"), None, 403),
    ] {
        for cookie in [None, Some("a=1")] {
            let mut request = post(&say);
            for (name, value) in [("origin", origin), ("sec-fetch-site", site), ("cookie", cookie)]
            {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let response = ask(request, &say).await;
            assert_eq!(response.status(), status, "{origin:?} {site:?} {cookie:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_takes_longer_than_ten_seconds() {
    let say = json!({ "what": "sleep" }).to_string();
    let answer = tokio::time::timeout(Duration::from_secs(10), ask(post(&say), &say));
    assert_eq!(answer.await.unwrap().status(), 503);
}

#[tokio::test(start_paused = true)]
async fn the_response_is_sent_before_lambda_ends_the_function() {
    let deadline = Clock::system().now().after(Duration::from_secs(3));
    let say = json!({ "what": "sleep" }).to_string();
    let invocation = Invocation { id: "1".to_owned(), deadline };
    let request = post(&say).extension(invocation).body(say.as_str().into()).unwrap();
    let parrot = parrot().await;
    let answer = tokio::time::timeout(Duration::from_secs(3), parrot.answer(request));
    assert_eq!(answer.await.unwrap().status(), 503);
}

#[tokio::test]
async fn a_proxy_that_does_not_name_the_client_is_logged_once() {
    let pairs = [("ALLOWED_ORIGINS", "https://app.example"), ("CLIENT_IP_HEADER", "x-client-ip")];
    let settings = Settings::from_pairs(pairs, Clock::system()).unwrap();
    let function: Function<Parrot> = Function::start(settings).await.unwrap();
    let lines = LogLines::start();
    let say = json!({ "what": "hello" }).to_string();
    for (address, logged) in [("192.0.2.7", 0), ("unknown", 1), ("unknown", 1), ("192.0.2.7", 1)] {
        let request = post(&say).header("x-client-ip", address).body(say.clone().into()).unwrap();
        assert_eq!(function.answer(request).await.status(), 200);
        assert_eq!(lines.with("no client address in the configured header"), logged, "{address}");
    }
}
