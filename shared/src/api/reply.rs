//! [`Reply`]: what an endpoint answers, and the headers that every answer has.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{Response as HttpResponse, StatusCode};
use serde::Serialize;

use crate::api::{ApiError, Response};

/// An answer with a JSON body of type `T`.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    status: StatusCode,
    body: T,
}

impl<T> Reply<T> {
    /// 200 with `body`.
    pub fn ok(body: T) -> Self {
        Self::new(StatusCode::OK, body)
    }

    /// 201 with `body`.
    pub fn created(body: T) -> Self {
        Self::new(StatusCode::CREATED, body)
    }

    pub(crate) fn new(status: StatusCode, body: T) -> Self {
        Self { status, body }
    }
}

impl<T: Serialize> Reply<T> {
    pub(crate) fn into_response(self) -> Response {
        let body = match serde_json::to_string(&self.body) {
            Ok(body) => body,
            Err(error) => return ApiError::internal(error).into_response(),
        };
        let mut response = empty_response(self.status);
        *response.body_mut() = body.into();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json);
        response
    }
}

/// The body of a success that has nothing to tell but itself.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Status {
    code: u16,
    message: &'static str,
}

impl Reply<Status> {
    /// 200 `{"code":200,"message":"OK"}`.
    pub fn done() -> Self {
        Self::ok(Status { code: 200, message: "OK" })
    }

    /// 201 `{"code":201,"message":"Created"}`.
    pub fn made() -> Self {
        Self::created(Status { code: 201, message: "Created" })
    }
}

/// A response without a body, with the headers that every response has: answers are for one user
/// and one moment, and are what they say they are.
pub(crate) fn empty_response(status: StatusCode) -> Response {
    let mut response = HttpResponse::default();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Origin, Cookie"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reply_has_the_contracts_headers() {
        let response = Reply::created("hello").into_response();

        assert_eq!(response.status(), 201);
        let headers = response.headers();
        assert_eq!(headers[CONTENT_TYPE], "application/json");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers[VARY], "Origin, Cookie");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(response.body().as_ref(), br#""hello""#);
    }
}
