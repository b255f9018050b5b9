//! [`Answer`]: a function's response, as an API Gateway HTTP API reads it.

use anteroom_local::instance::Instance;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::{
    event::Event,
    openapi::{Observed, OpenApi},
};

/// A response with all required headers, and as `openapi.yaml` describes it.
#[derive(Clone, Debug)]
pub struct Answer(Value);

/// A cookie in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Its attributes, in alphabetical order: `["HttpOnly", "Max-Age=600", "Path=/"]`.
    pub attributes: Vec<String>,
}

impl Answer {
    /// A function's response to an event.
    ///
    /// # Panics
    /// If there is no response; if it lacks a required header, has `Set-Cookie` among its headers
    /// (where two would be merged into one), or has a cookie that scripts can read; or if
    /// `openapi.yaml` does not describe it for the event's path.
    pub async fn of(function: &Instance, event: &Event) -> Self {
        Self::of_text(function, &event.as_json().to_string(), event.path()).await
    }

    /// A function's response to an event given as text, at the path of its endpoint.
    ///
    /// # Panics
    /// Same as above.
    pub async fn of_text(function: &Instance, event: &str, path: &str) -> Self {
        let answer = function.invoke_text(event).await;
        let answer = Self::new(answer.unwrap_or_else(|error| panic!("{error} for {event:.300}")));
        answer.is_described_for(path);
        answer
    }

    fn new(answer: Value) -> Self {
        let headers = &answer["headers"];
        for (name, value) in [
            ("cache-control", "no-store"),
            ("content-type", "application/json"),
            ("vary", "Origin, Cookie"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(headers[name], value, "{name} of {answer}");
        }
        for headers in [headers, &answer["multiValueHeaders"]] {
            assert!(headers.get("set-cookie").is_none(), "{answer}");
        }
        let answer = Self(answer);
        for cookie in answer.cookies() {
            assert!(cookie.has("HttpOnly") && cookie.has("SameSite=Lax"), "{cookie:?}");
            assert!(cookie.has("Path=/"), "{cookie:?}");
        }
        answer
    }

    fn is_described_for(&self, path: &str) {
        let status = u16::try_from(self.status()).expect("a status of three digits");
        let observed = Observed { path, status, headers: self.headers(), body: self.text() };
        if let Err(mismatch) = OpenApi::of_this_repository().check(&observed) {
            panic!("openapi.yaml does not describe this answer: {mismatch}\n{}", self.0);
        }
    }

    /// The headers as a client gets them, including cookies.
    fn headers(&self) -> HeaderMap {
        let headers = self.0["headers"].as_object().into_iter().flatten();
        let headers = headers.map(|(name, value)| (name.as_str(), value));
        let cookies = self.0["cookies"].as_array().into_iter().flatten();
        let cookies = cookies.map(|cookie| ("set-cookie", cookie));
        let mut all = HeaderMap::new();
        for (name, value) in headers.chain(cookies) {
            let name = HeaderName::try_from(name).expect("the name of a header");
            let value = value.as_str().map(HeaderValue::try_from).expect("a text");
            all.append(name, value.expect("the value of a header"));
        }
        all
    }

    /// The status.
    ///
    /// # Panics
    /// If there is none.
    pub fn status(&self) -> u64 {
        self.0["statusCode"].as_u64().expect("a status")
    }

    /// The body.
    ///
    /// # Panics
    /// If it is not JSON.
    pub fn body(&self) -> Value {
        serde_json::from_str(self.text()).expect("a body of JSON")
    }

    /// The body of a success.
    ///
    /// # Panics
    /// If the status is not 200.
    pub fn success(&self) -> Value {
        assert_eq!(self.status(), 200, "{}", self.text());
        self.body()
    }

    /// The status and the message of an error.
    ///
    /// # Panics
    /// If the body is not exactly an error body with this status.
    pub fn refusal(&self) -> (u64, String) {
        let body = self.body();
        assert_eq!(body["code"], self.0["statusCode"], "{body}");
        let fields = if self.next().is_some() { 3 } else { 2 };
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(fields), "{body}");
        (self.status(), body["message"].as_str().expect("a message").to_owned())
    }

    /// The endpoint that a refusal names for what WorkOS asks first. Only a 403 has one.
    ///
    /// # Panics
    /// When another status has one, or it is another.
    pub fn next(&self) -> Option<String> {
        let next = self.body()["next"].as_str().map(str::to_owned);
        assert!(next.is_none() || self.status() == 403, "{next:?}");
        assert!(next.as_deref().is_none_or(|next| next == "continue-with-authkit"), "{next:?}");
        next
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0["headers"][name].as_str()
    }

    /// The cookies, in order.
    ///
    /// # Panics
    /// If one of them is malformed.
    pub fn cookies(&self) -> Vec<SetCookie> {
        let cookies = self.0["cookies"].as_array().map_or(&[][..], Vec::as_slice);
        cookies.iter().map(|cookie| SetCookie::parse(cookie.as_str().expect("a text"))).collect()
    }

    /// The only cookie.
    ///
    /// # Panics
    /// If there is none, or there are several.
    pub fn cookie(&self) -> SetCookie {
        let mut cookies = self.cookies();
        assert_eq!(cookies.len(), 1, "{cookies:?} with {}", self.text());
        cookies.remove(0)
    }

    /// The body as it was sent.
    ///
    /// # Panics
    /// If there is none.
    pub fn text(&self) -> &str {
        self.0["body"].as_str().expect("a body")
    }
}

impl SetCookie {
    fn parse(text: &str) -> Self {
        let mut parts = text.split("; ");
        let pair = parts.next().and_then(|pair| pair.split_once('='));
        let (name, value) = pair.unwrap_or_else(|| panic!("{text} is no cookie"));
        let mut attributes: Vec<_> = parts.map(str::to_owned).collect();
        attributes.sort();
        Self { name: name.to_owned(), value: value.to_owned(), attributes }
    }

    /// Whether it has this attribute.
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|own| own == attribute)
    }

    /// Whether it makes the browser delete the cookie.
    pub fn is_cleared(&self) -> bool {
        self.value.is_empty() && self.has("Max-Age=0")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(cookies: &[&str]) -> Answer {
        Answer::new(json!({
            "statusCode": 401,
            "headers": {
                "cache-control": "no-store",
                "content-type": "application/json",
                "vary": "Origin, Cookie",
                "x-content-type-options": "nosniff",
            },
            "body": r#"{"code":401,"message":"Sign in first"}"#,
            "cookies": cookies,
        }))
    }

    #[test]
    fn is_read_part_by_part() {
        let answer = answer(&["a=; SameSite=Lax; Path=/; HttpOnly; Max-Age=0"]);
        assert_eq!(answer.refusal(), (401, "Sign in first".to_owned()));
        assert_eq!(answer.header("vary"), Some("Origin, Cookie"));
        let cookie = answer.cookie();
        assert_eq!(cookie.name, "a");
        assert!(cookie.is_cleared() && !cookie.has("Secure"));
        assert_eq!(cookie.attributes, ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax"]);
    }

    #[test]
    #[should_panic(expected = "SetCookie")]
    fn a_cookie_that_scripts_can_read_is_noticed() {
        answer(&["a=1; SameSite=Lax; Path=/"]);
    }
}
