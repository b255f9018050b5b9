//! CORS as in an HTTP API: the gateway handles preflights and replaces the function's CORS headers
//! with its own.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::template::CorsTemplate;

/// The headers that only the gateway may set.
const CORS_HEADERS: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

/// Which origins may read responses, and what they may send.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    template: CorsTemplate,
    origins: Vec<String>,
}

impl Cors {
    /// The template's configuration for these origins, which are compared exactly.
    pub fn new(template: CorsTemplate, origins: impl IntoIterator<Item = String>) -> Self {
        Self { template, origins: origins.into_iter().collect() }
    }

    /// The response to a preflight, with CORS headers if the origin is allowed. `None` if the
    /// request is not a preflight.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        let is_preflight = method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight || self.origins.is_empty() {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if self.allowed_origin(headers).is_some() {
            let max_age = self.template.max_age.map(|seconds| seconds.to_string());
            for (name, value) in [
                (header::ACCESS_CONTROL_ALLOW_METHODS, self.template.methods.join(",")),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, self.template.headers.join(",")),
                (header::ACCESS_CONTROL_MAX_AGE, max_age.unwrap_or_default()),
            ] {
                insert(response.headers_mut(), name, &value);
            }
            self.allow(headers, response.headers_mut());
        }
        Some(response)
    }

    /// Removes the function's own CORS headers, and adds the gateway's for an allowed origin.
    pub(super) fn apply(&self, request: &HeaderMap, response: &mut HeaderMap) {
        if self.origins.is_empty() {
            return;
        }
        for name in &CORS_HEADERS {
            response.remove(name);
        }
        insert(response, header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.exposed(request));
        self.allow(request, response);
    }

    fn allow(&self, request: &HeaderMap, response: &mut HeaderMap) {
        let Some(origin) = self.allowed_origin(request) else {
            return;
        };
        response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if self.template.credentials {
            response
                .insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    fn exposed(&self, request: &HeaderMap) -> String {
        self.allowed_origin(request)
            .map_or_else(String::new, |_| self.template.exposed_headers.join(","))
    }

    fn allowed_origin<'a>(&self, request: &'a HeaderMap) -> Option<&'a HeaderValue> {
        request.get(header::ORIGIN).filter(|origin| {
            self.origins.iter().any(|allowed| origin.as_bytes() == allowed.as_bytes())
        })
    }
}

/// Sets the header unless the value is empty.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let (false, Ok(value)) = (value.is_empty(), value.parse()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "http://localhost:3000";

    fn cors() -> Cors {
        let template = CorsTemplate {
            methods: vec!["POST".into(), "OPTIONS".into()],
            headers: vec!["authorization".into(), "content-type".into()],
            exposed_headers: vec!["retry-after".into()],
            credentials: true,
            max_age: Some(600),
        };
        Cors::new(template, [PAGE.to_owned()])
    }

    fn asked_by(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        insert(&mut headers, header::ORIGIN, origin);
        insert(&mut headers, header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
        headers
    }

    #[test]
    fn answers_the_preflight_of_an_allowed_origin() {
        let response = cors().preflight(&Method::OPTIONS, &asked_by(PAGE)).expect("an answer");
        assert_eq!(response.status(), 204);
        for (name, value) in [
            ("access-control-allow-origin", PAGE),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "POST,OPTIONS"),
            ("access-control-allow-headers", "authorization,content-type"),
            ("access-control-max-age", "600"),
        ] {
            assert_eq!(response.headers()[name], value, "{name}");
        }
    }

    #[test]
    fn allows_a_foreign_origin_nothing() {
        for origin in ["https://evil.example", "http://localhost:3000.evil.example", "null"] {
            let response =
                cors().preflight(&Method::OPTIONS, &asked_by(origin)).expect("an answer");
            assert_eq!(response.status(), 204);
            assert!(response.headers().is_empty(), "{origin}: {:?}", response.headers());
        }
    }

    #[test]
    fn takes_options_without_cors_headers_for_an_ordinary_request() {
        assert!(cors().preflight(&Method::OPTIONS, &HeaderMap::new()).is_none());
        assert!(cors().preflight(&Method::POST, &asked_by(PAGE)).is_none());
    }

    #[test]
    fn puts_its_own_headers_in_the_place_of_the_functions() {
        let mut headers = HeaderMap::new();
        insert(&mut headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        insert(&mut headers, header::ACCESS_CONTROL_ALLOW_METHODS, "DELETE");
        cors().apply(&asked_by(PAGE), &mut headers);
        assert_eq!(headers["access-control-allow-origin"], PAGE);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["access-control-expose-headers"], "retry-after");
        assert_eq!(headers.get("access-control-allow-methods"), None);

        insert(&mut headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        cors().apply(&asked_by("https://evil.example"), &mut headers);
        assert!(headers.is_empty(), "{headers:?}");
    }
}
