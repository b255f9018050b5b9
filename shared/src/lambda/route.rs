//! [`Route`]: the method and the path of an endpoint.

use http::Method;

/// The method that an endpoint takes, and the path at which API Gateway calls it.
///
/// A function checks the method itself and answers 405 to any other. The path is the gateway's to
/// check; a test holds it against the template, `openapi.yaml`, the events and the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, from its first slash.
    pub path: &'static str,
}

impl Route {
    /// `GET path`, for an endpoint that changes nothing and takes no input.
    pub const fn get(path: &'static str) -> Self {
        Self { method: "GET", path }
    }

    /// `POST path`.
    pub const fn post(path: &'static str) -> Self {
        Self { method: "POST", path }
    }

    /// Whether the endpoint takes requests with `method`.
    pub fn takes(&self, method: &Method) -> bool {
        method == self.method
    }
}
