//! [`Reply`]: an endpoint's successful response.

use http::StatusCode;
use serde::Serialize;

use crate::api::response::json_response;
use crate::api::{ApiError, Response};

/// A response with a JSON body of type `T`.
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
        json_response(self.status, &self.body)
            .unwrap_or_else(|error| ApiError::internal(error).into_response())
    }
}

/// The body of a success without content.
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
