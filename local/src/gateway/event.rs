//! Converts a request into an event of payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::{collections::BTreeMap, net::SocketAddr};

use axum::body::Bytes;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header, request::Parts};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::{clock, runtime_api::trace_id, template::Route};

/// Placeholders for the account and the API in events.
const ACCOUNT: &str = "000000000000";
const API: &str = "local";

/// The event for a request from `peer` that matched `route`.
pub(super) fn of_request(
    route: &Route,
    request: &Parts,
    body: &Bytes,
    peer: SocketAddr,
    request_id: &str,
) -> Value {
    let headers = headers(request, peer);
    let path = request.uri.path();
    let query = request.uri.query().unwrap_or_default();
    let host = headers.get("host").map_or("localhost", String::as_str);
    let domain = host.split(':').next().unwrap_or(host);
    let now = clock::now();

    let mut event = json!({
        "version": "2.0",
        "routeKey": route.key(),
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API,
            "domainName": domain,
            "domainPrefix": domain.split('.').next(),
            "http": {
                "method": request.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", request.version),
                "sourceIp": peer.ip().to_string(),
                "userAgent": headers.get("user-agent").map_or("", String::as_str),
            },
            "requestId": request_id,
            "routeKey": route.key(),
            "stage": "$default",
            "time": log_time(now.into()),
            "timeEpoch": u64::try_from(clock::unix_milliseconds()).unwrap_or_default(),
        },
        "isBase64Encoded": false,
    });
    if let Some(event) = event.as_object_mut() {
        add_cookies(event, &request.headers);
        add_query(event, query);
        add_body(event, &request.headers, body);
    }
    event
}

/// The headers with lower-case names, repeated ones joined by commas, without cookies, and with
/// those that the gateway adds.
fn headers(request: &Parts, peer: SocketAddr) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for name in request.headers.keys().filter(|name| *name != header::COOKIE) {
        headers.insert(name.to_string(), joined(&request.headers, name, ","));
    }
    let forwarded_for = [headers.get("x-forwarded-for").cloned(), Some(peer.ip().to_string())];
    let port = request
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok()?.rsplit_once(':'))
        .map_or("80", |(_, port)| port);
    headers.extend([
        ("x-amzn-trace-id".to_owned(), trace_id()),
        (
            "x-forwarded-for".to_owned(),
            forwarded_for.into_iter().flatten().collect::<Vec<_>>().join(", "),
        ),
        ("x-forwarded-port".to_owned(), port.to_owned()),
        ("x-forwarded-proto".to_owned(), "http".to_owned()),
    ]);
    headers
}

/// Adds each cookie as `name=value`, in the order sent. Omits the field if there are none.
fn add_cookies(event: &mut Map<String, Value>, headers: &HeaderMap) {
    let header = joined(headers, &header::COOKIE, ";");
    let cookies: Vec<_> =
        header.split(';').map(str::trim).filter(|cookie| !cookie.is_empty()).collect();
    if !cookies.is_empty() {
        event.insert("cookies".to_owned(), json!(cookies));
    }
}

/// Adds the decoded query parameters, repeated ones joined by commas.
fn add_query(event: &mut Map<String, Value>, query: &str) {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    if !parameters.is_empty() {
        event.insert("queryStringParameters".to_owned(), json!(parameters));
    }
}

/// Adds the body as text or, for content types that are not text, in base64. Omits the field if
/// there is no body.
fn add_body(event: &mut Map<String, Value>, headers: &HeaderMap, body: &Bytes) {
    if body.is_empty() {
        return;
    }
    let text = is_text(headers).then(|| std::str::from_utf8(body).ok()).flatten();
    event.insert("isBase64Encoded".to_owned(), json!(text.is_none()));
    event.insert(
        "body".to_owned(),
        text.map_or_else(|| json!(BASE64_STANDARD.encode(body)), |text| json!(text)),
    );
}

/// Whether API Gateway passes the body on as text. Its documentation says only that "binary" is
/// base64; measurements by others show that a form and a body without a content type also count as
/// binary: <https://github.com/ministackorg/ministack/pull/766>.
fn is_text(headers: &HeaderMap) -> bool {
    let Some(content_type) =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"]
            .contains(&media_type.as_str())
}

fn joined(headers: &HeaderMap, name: &header::HeaderName, separator: &str) -> String {
    headers
        .get_all(name)
        .into_iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect::<Vec<_>>()
        .join(separator)
}

/// The time in the Common Log Format, such as `12/Mar/2020:19:03:58 +0000`.
fn log_time(time: OffsetDateTime) -> String {
    let month = &time.month().to_string()[..3];
    format!(
        "{:02}/{month}/{}:{:02}:{:02}:{:02} +0000",
        time.day(),
        time.year(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(request: http::request::Builder, body: &'static str) -> Value {
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let route = Route { method: None, path: parts.uri.path().to_owned() };
        of_request(&route, &parts, &body.into(), ([192, 0, 2, 7], 999).into(), "an-id")
    }

    #[test]
    fn takes_the_cookies_out_of_the_headers() {
        let request =
            http::Request::post("/a").header("cookie", "a=1; b=2").header("cookie", "c=3");
        let event = event(request, "");
        assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=3"]));
        assert_eq!(event["headers"]["cookie"], Value::Null);
    }

    #[test]
    fn joins_repeated_headers_and_parameters_with_commas() {
        let request =
            http::Request::post("/a?x=1&x=2&y=a%20b").header("X-Many", "1").header("x-many", "2");
        let event = event(request, "");
        assert_eq!(event["headers"]["x-many"], "1,2");
        assert_eq!(event["rawQueryString"], "x=1&x=2&y=a%20b");
        assert_eq!(event["queryStringParameters"], json!({"x": "1,2", "y": "a b"}));
    }

    #[test]
    fn leaves_out_what_the_request_does_not_have() {
        let event = event(http::Request::post("/a"), "");
        for field in ["cookies", "queryStringParameters", "body"] {
            assert_eq!(event.get(field), None, "{field}");
        }
    }

    #[test]
    fn says_who_asked_and_how() {
        let request = http::Request::post("/a")
            .header("host", "localhost:3000")
            .header("user-agent", "test/1");
        let event = event(request, "");
        let context = &event["requestContext"];
        assert_eq!(event["routeKey"], "ANY /a");
        assert_eq!(context["domainName"], "localhost");
        assert_eq!(context["stage"], "$default");
        assert_eq!(
            context["http"],
            json!({
                "method": "POST", "path": "/a", "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7", "userAgent": "test/1",
            })
        );
        assert_eq!(event["headers"]["x-forwarded-for"], "192.0.2.7");
        assert_eq!(event["headers"]["x-forwarded-port"], "3000");
    }

    #[test]
    fn passes_text_on_as_it_is_and_everything_else_in_base64() {
        for (content_type, is_text) in [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=utf-8"), true),
            (Some("text/plain"), true),
            (Some("application/xml"), true),
            (Some("application/x-www-form-urlencoded"), false),
            (Some("application/octet-stream"), false),
            (None, false),
        ] {
            let request = http::Request::post("/a");
            let request = match content_type {
                Some(content_type) => request.header("content-type", content_type),
                None => request,
            };
            let event = event(request, "{}");
            assert_eq!(event["isBase64Encoded"], !is_text, "{content_type:?}");
            assert_eq!(event["body"], if is_text { "{}" } else { "e30=" }, "{content_type:?}");
        }
    }

    #[test]
    fn writes_the_time_as_a_log_does() {
        let time = OffsetDateTime::from_unix_timestamp(1_583_348_638).expect("a time");
        assert_eq!(log_time(time), "04/Mar/2020:19:03:58 +0000");
    }
}
