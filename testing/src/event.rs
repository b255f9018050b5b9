//! [`Event`]: a request, as an API Gateway HTTP API sends it to a function.

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

/// The origin of the page in the stand-ins' settings.
pub const PAGE: &str = "http://localhost:3000";

/// The endpoints whose input is in the query of a `GET`.
const WITH_QUERY: [&str; 1] = ["recordings"];

/// An event of payload format 2.0, built step by step.
#[derive(Clone, Debug)]
pub struct Event(Value);

impl Event {
    /// The same as [`post`](Self::post), but a `GET` if the endpoint at `path` has a query.
    pub fn to(path: &str) -> Self {
        let has_query = path.rsplit('/').next().is_some_and(|name| WITH_QUERY.contains(&name));
        if has_query { Self::post(path).method("GET") } else { Self::post(path) }
    }

    /// A `POST` to `path` without a body or cookies, from a page at [`PAGE`].
    pub fn post(path: &str) -> Self {
        Self(json!({
            "version": "2.0",
            "routeKey": format!("ANY {path}"),
            "rawPath": path,
            "rawQueryString": "",
            "headers": {
                "accept": "*/*",
                "host": "api.example.com",
                "origin": PAGE,
                "x-forwarded-for": "203.0.113.7",
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
            },
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "a1b2c3d4e5",
                "domainName": "api.example.com",
                "domainPrefix": "api",
                "http": {
                    "method": "POST",
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.7",
                    "userAgent": "Mozilla/5.0",
                },
                "requestId": "Zr8cJjH4FiAEPRA=",
                "routeKey": format!("ANY {path}"),
                "stage": "$default",
                "time": "01/Jan/2026:00:00:00 +0000",
                "timeEpoch": 1_767_225_600_000_u64,
            },
            "isBase64Encoded": false,
        }))
    }

    /// The event as it is documented, in `events/`.
    ///
    /// # Panics
    /// If there is no such file, or it is not JSON.
    pub fn documented(file: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(file);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}")))
    }

    /// A copy with another method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.0["requestContext"]["http"]["method"] = json!(method);
        self
    }

    /// A copy with this query, as it is written after the `?`.
    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        self.0["rawQueryString"] = json!(query);
        self
    }

    /// A copy with this input, an object: as JSON or, if it is a `GET`, in the query. There, a field
    /// that is `null` is left out.
    ///
    /// # Panics
    /// If a field for the query is not text.
    #[must_use]
    pub fn input(self, input: &Value) -> Self {
        if !self.is_get() {
            return self.json(input);
        }
        let fields = input.as_object().into_iter().flatten();
        let fields = fields.filter(|(_, value)| !value.is_null());
        let fields = fields.map(|(name, value)| (name, value.as_str().expect("a text")));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        self.query(&query.extend_pairs(fields).finish())
    }

    /// Whether its method is `GET`.
    pub fn is_get(&self) -> bool {
        self.0["requestContext"]["http"]["method"] == "GET"
    }

    /// A copy with this header; its name must be lower-case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = json!(value);
        self
    }

    /// A copy without a header of that name.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        if let Some(headers) = self.0["headers"].as_object_mut() {
            headers.remove(name);
        }
        self
    }

    /// A copy with an access token in its header.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// A copy with one more cookie.
    #[must_use]
    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        let cookie = json!(format!("{name}={value}"));
        match self.0["cookies"].as_array_mut() {
            Some(cookies) => cookies.push(cookie),
            None => self.0["cookies"] = json!([cookie]),
        }
        self
    }

    /// A copy with a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    /// A copy with a body of that content type.
    #[must_use]
    pub fn body(self, content_type: &str, body: &str) -> Self {
        let mut event = self.header("content-type", content_type);
        event.0["body"] = json!(body);
        event.0["isBase64Encoded"] = json!(false);
        event
    }

    /// A copy with a body without a content type, which the gateway passes on in base64.
    #[must_use]
    pub fn untyped_body(self, body: &str) -> Self {
        let mut event = self.without_header("content-type");
        event.0["body"] = json!(BASE64_STANDARD.encode(body));
        event.0["isBase64Encoded"] = json!(true);
        event
    }

    /// A copy with any value at a JSON pointer whose parent exists, such as `/headers/host`.
    ///
    /// # Panics
    /// If the parent does not exist.
    #[must_use]
    pub fn with(mut self, pointer: &str, value: Value) -> Self {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        self.0.pointer_mut(parent).expect("a parent")[name] = value;
        self
    }

    /// The request's path.
    ///
    /// # Panics
    /// If there is none.
    pub fn path(&self) -> &str {
        self.0["rawPath"].as_str().expect("a path")
    }

    /// The event as a function gets it.
    pub fn as_json(&self) -> &Value {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_what_it_was_given() {
        let event = Event::post("/auth/sign-out")
            .cookie("a", "1")
            .cookie("b", "2")
            .bearer("token")
            .without_header("origin")
            .json(&json!({"email": "jane.doe@example.com"}));
        let event = event.as_json();
        assert_eq!(event["rawPath"], "/auth/sign-out");
        assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
        assert_eq!(event["headers"]["authorization"], "Bearer token");
        assert_eq!(event["headers"]["content-type"], "application/json");
        assert!(event["headers"].get("origin").is_none());
        assert_eq!(event["body"], r#"{"email":"jane.doe@example.com"}"#);
    }

    #[test]
    fn a_body_without_a_type_is_passed_on_in_base64() {
        let event = Event::post("/").json(&json!({})).untyped_body("{}");
        assert_eq!(event.as_json()["body"], "e30=");
        assert_eq!(event.as_json()["isBase64Encoded"], true);
        assert!(event.as_json()["headers"].get("content-type").is_none());
    }
}
