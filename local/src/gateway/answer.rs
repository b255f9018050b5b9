//! Converts a function's result into the client's response.
//!
//! Format:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.
//! `multiValueHeaders` belongs to format 1.0 and is ignored here, as in production.

use axum::{body::Body, response::Response};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// The headers for the connection and the length, which this server sets itself.
const NOT_FORWARDED: [HeaderName; 4] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::UPGRADE];

/// A function's result as an HTTP response, or the reason why it is invalid.
pub(super) fn response(answer: &Value) -> Result<Response, String> {
    if answer.get("statusCode").is_none() {
        return Ok(inferred(answer));
    }
    let body = body(answer)?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status(answer)?;
    *response.headers_mut() = headers(answer)?;
    response
        .headers_mut()
        .entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("text/plain;charset=UTF-8"));
    Ok(response)
}

/// One of the gateway's own error responses.
pub(super) fn message(status: StatusCode, message: &str) -> Response {
    let mut response = inferred(&json!({"message": message}));
    *response.status_mut() = status;
    response
}

/// A result without a status becomes a 200 with the result itself as JSON.
fn inferred(answer: &Value) -> Response {
    let mut response = Response::new(Body::from(answer.to_string()));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn status(answer: &Value) -> Result<StatusCode, String> {
    answer["statusCode"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok())
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(|| format!("`statusCode` is not an HTTP status: {}", answer["statusCode"]))
}

fn body(answer: &Value) -> Result<Vec<u8>, String> {
    let body = match &answer["body"] {
        Value::Null => "",
        Value::String(body) => body,
        _ => return Err("`body` is not a string".to_owned()),
    };
    if answer["isBase64Encoded"] == true {
        return BASE64_STANDARD.decode(body).map_err(|_| "`body` is not base64".to_owned());
    }
    Ok(body.as_bytes().to_vec())
}

fn headers(answer: &Value) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        let invalid = || format!("header `{name}` is invalid");
        let header: HeaderName = name.parse().map_err(|_| invalid())?;
        if !NOT_FORWARDED.contains(&header) {
            headers.insert(header, header_value(value).ok_or_else(invalid)?);
        }
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        let cookie = header_value(cookie).ok_or("a cookie is invalid")?;
        headers.append(header::SET_COOKIE, cookie);
    }
    Ok(headers)
}

fn header_value(value: &Value) -> Option<HeaderValue> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(_) | Value::Bool(_) => value.to_string().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        String::from_utf8(bytes.expect("a body").to_vec()).expect("text")
    }

    #[tokio::test]
    async fn passes_status_headers_and_body_on() {
        let answer =
            json!({"statusCode": 201, "headers": {"X-A": "1", "x-count": 2}, "body": "made"});
        let response = response(&answer).expect("a response");
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["x-a"], "1");
        assert_eq!(response.headers()["x-count"], "2");
        assert_eq!(text(response).await, "made");
    }

    #[test]
    fn gives_each_cookie_a_header_of_its_own() {
        let answer = json!({"statusCode": 200, "cookies": ["a=1; Path=/", "b=2"]});
        let response = response(&answer).expect("a response");
        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1; Path=/", "b=2"]);
    }

    #[tokio::test]
    async fn decodes_a_body_in_base64() {
        let answer = json!({"statusCode": 200, "body": "aGVsbG8=", "isBase64Encoded": true});
        assert_eq!(text(response(&answer).expect("a response")).await, "hello");
    }

    #[tokio::test]
    async fn takes_an_answer_without_a_status_for_the_body_of_a_200() {
        let response = response(&json!({"hello": "world"})).expect("a response");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(text(response).await, r#"{"hello":"world"}"#);
    }

    #[test]
    fn ignores_what_only_format_1_has() {
        let answer = json!({"statusCode": 200, "headers": {"x-a": "1"}, "multiValueHeaders": {"x-a": ["1", "2"]}});
        let response = response(&answer).expect("a response");
        assert_eq!(response.headers().get_all("x-a").iter().count(), 1);
    }

    #[test]
    fn refuses_what_is_no_response() {
        for answer in [
            json!({"statusCode": 1000}),
            json!({"statusCode": "fine"}),
            json!({"statusCode": 200, "body": {"not": "text"}}),
            json!({"statusCode": 200, "body": "%", "isBase64Encoded": true}),
            json!({"statusCode": 200, "headers": {"bad name": "1"}}),
            json!({"statusCode": 200, "headers": {"x-a": "two\nlines"}}),
            json!({"statusCode": 200, "cookies": ["two\r\nlines"]}),
        ] {
            assert!(response(&answer).is_err(), "{answer}");
        }
    }
}
