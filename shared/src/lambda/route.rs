//! [`Route`]: the method and the path of an endpoint.

use http::Method;
use serde::de::DeserializeOwned;

use crate::api::{self, ApiError, Empty, Request};

/// The method that an endpoint accepts, and the path that API Gateway routes to it.
///
/// A function checks the method itself and returns 405 for any other. The gateway checks the path;
/// a test compares it with the template, `openapi.yaml`, the events and the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, with its leading slash.
    pub path: &'static str,
}

impl Route {
    /// `GET path`, for an endpoint that changes nothing. Its input is the query.
    pub const fn get(path: &'static str) -> Self {
        Self { method: "GET", path }
    }

    /// `POST path`.
    pub const fn post(path: &'static str) -> Self {
        Self { method: "POST", path }
    }

    /// The input of a request with that method: its body, or the query of a `GET`, which has no
    /// body.
    pub(super) fn read_input<T: DeserializeOwned>(&self, request: &Request) -> Result<T, ApiError> {
        if self.method == "GET" {
            let Empty {} = api::read_body(request.headers(), request.body())?;
            return api::read_query(request.uri());
        }
        api::read_body(request.headers(), request.body())
    }

    /// Whether the endpoint accepts requests with `method`.
    pub fn takes(&self, method: &Method) -> bool {
        method == self.method
    }
}
