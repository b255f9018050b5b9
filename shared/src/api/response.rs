//! Responses with the headers that the contract requires.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{Response as HttpResponse, StatusCode};
use serde::Serialize;

use crate::api::Response;

/// A response with a JSON body.
pub(crate) fn json_response(
    status: StatusCode,
    body: &impl Serialize,
) -> Result<Response, serde_json::Error> {
    let body = serde_json::to_string(body)?;
    let mut response = empty_response(status);
    *response.body_mut() = body;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A response without a body. Responses are specific to a user and a moment, so no cache may store
/// them; they vary by `Origin` and `Cookie`; and browsers must not sniff their type.
pub(crate) fn empty_response(status: StatusCode) -> Response {
    let mut response = HttpResponse::default();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Origin, Cookie"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reply_has_the_contracts_headers() {
        let response = json_response(StatusCode::CREATED, &"hello").expect("JSON");

        assert_eq!(response.status(), 201);
        let headers = response.headers();
        assert_eq!(headers[CONTENT_TYPE], "application/json");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers[VARY], "Origin, Cookie");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(response.body(), r#""hello""#);
    }
}
