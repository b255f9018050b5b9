//! API Gateway's events and responses: [`Event`], which parses without ever failing, and
//! [`GatewayResponse`].
//!
//! The usual crate, `lambda_http`, parses an event all at once: one header with a control character
//! makes the whole event unreadable, and an invalid query, host or base64 body causes a panic. The
//! gateway then returns 500, so a stranger could stop a rollout. We therefore read the event field by
//! field, and only the fields that an endpoint can see:
//!
//! | unreadable part | result |
//! |---|---|
//! | the method, or the body | the request carries a [`Flaw`], and gets 400 if the endpoint reads that part |
//! | a header's value | kept, as bytes that are not valid text, so that the header does not seem absent |
//! | a header's name, or a cookie | dropped |
//! | the caller's address or user agent | dropped |
//! | path and query | invalid characters are percent-encoded; if the result is still not a URI, it is dropped |
//! | anything else | never read |
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{COOKIE, SET_COOKIE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::{Request, Response};
use crate::client::{Client, UserAgent};
use crate::json;

/// Replaces a byte that is not allowed in a header value. It is not ASCII, so reading the value as
/// text fails.
const UNREADABLE: u8 = 0xff;

/// The characters to escape in the path and the query of a URI. `%` is not one of them, because it
/// already starts an escape.
const NOT_IN_A_URI: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// An event of payload format 2.0. Deserializing never fails, whatever Lambda delivers. It holds the whole
/// request, so it has no `Debug`.
pub(crate) struct Event(Option<Box<RawValue>>);

/// A part of a request that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Method,
    Body,
}

/// The parts of an event that an endpoint can see, still unparsed.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Parts<'e> {
    #[serde(borrow)]
    raw_path: Option<&'e RawValue>,
    #[serde(borrow)]
    raw_query_string: Option<&'e RawValue>,
    #[serde(borrow)]
    headers: Option<&'e RawValue>,
    #[serde(borrow)]
    cookies: Option<&'e RawValue>,
    #[serde(borrow)]
    request_context: Option<&'e RawValue>,
    #[serde(borrow)]
    body: Option<&'e RawValue>,
    #[serde(borrow)]
    is_base64_encoded: Option<&'e RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RequestContext<'e> {
    #[serde(borrow)]
    http: Option<&'e RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HttpDescription<'e> {
    #[serde(borrow)]
    method: Option<&'e RawValue>,
    #[serde(borrow)]
    source_ip: Option<&'e RawValue>,
    #[serde(borrow)]
    user_agent: Option<&'e RawValue>,
}

impl<'de> Deserialize<'de> for Event {
    /// Input that is not JSON becomes an empty event. If this returned an error, the runtime would
    /// respond instead of us.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(deserializer).ok()))
    }
}

impl Event {
    /// The HTTP request that the event describes.
    pub(crate) fn into_request(self) -> Request {
        let parts: Parts<'_> = self.0.as_deref().and_then(borrowed).unwrap_or_default();
        let mut request = Request::default();
        *request.uri_mut() = parts.uri();
        *request.headers_mut() = parts.all_headers();
        // An unreadable method takes precedence over an unreadable body.
        match parts.content() {
            Some(body) => *request.body_mut() = body,
            None => drop(request.extensions_mut().insert(Flaw::Body)),
        }
        let description = parts.description();
        request.extensions_mut().insert(description.client());
        match description.method() {
            Some(method) => *request.method_mut() = method,
            None => drop(request.extensions_mut().insert(Flaw::Method)),
        }
        request
    }
}

impl Flaw {
    /// The part of `request` that cannot be read, if any.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        request.extensions().get().copied()
    }
}

/// A response in the gateway's format, which lists cookies separately from headers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GatewayResponse {
    status_code: u16,
    #[serde(serialize_with = "without_cookies")]
    headers: HeaderMap,
    cookies: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    body: String,
    is_base64_encoded: bool,
}

impl From<Response> for GatewayResponse {
    fn from(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let cookies = parts.headers.get_all(SET_COOKIE).iter();
        let cookies =
            cookies.filter_map(|cookie| cookie.to_str().ok().map(str::to_owned)).collect();
        let status_code = parts.status.as_u16();
        Self { status_code, headers: parts.headers, cookies, body, is_base64_encoded: false }
    }
}

/// Our headers other than cookies have one value each, which is ASCII.
fn without_cookies<S: Serializer>(headers: &HeaderMap, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (name, value) in headers.iter().filter(|(name, _)| *name != SET_COOKIE) {
        if let Ok(value) = value.to_str() {
            map.serialize_entry(name.as_str(), value)?;
        }
    }
    map.end()
}

impl Parts<'_> {
    /// The gateway's own description of the request, in the request context.
    fn description(&self) -> HttpDescription<'_> {
        let context: Option<RequestContext<'_>> = self.request_context.and_then(borrowed);
        context.and_then(|context| context.http).and_then(borrowed).unwrap_or_default()
    }

    fn uri(&self) -> Uri {
        let path = self.raw_path.and_then(text).unwrap_or_default();
        let query = self.raw_query_string.and_then(text).unwrap_or_default();
        let path = if path.starts_with('/') { path } else { Cow::Borrowed("/") };
        let address = if query.is_empty() { path } else { Cow::Owned(format!("{path}?{query}")) };
        let encoded = utf8_percent_encode(&address, NOT_IN_A_URI).to_string();
        PathAndQuery::try_from(encoded).map(Uri::from).unwrap_or_default()
    }

    /// The headers, including the cookies, which the gateway delivers in a separate list.
    fn all_headers(&self) -> HeaderMap {
        let headers = self.headers.and_then(|headers| borrowed(headers).or_else(|| owned(headers)));
        let Headers(mut headers) = headers.unwrap_or_default();
        if let Some(cookies) = self.cookies.and_then(cookie_header) {
            headers.insert(COOKIE, cookies);
        }
        headers
    }

    /// The body, or `None` if it cannot be read.
    fn content(&self) -> Option<Vec<u8>> {
        let Some(body) = self.body else {
            return Some(Vec::new());
        };
        let text = text(body)?;
        if self.is_base64_encoded.is_some_and(|flag| flag.get() == "true") {
            return BASE64_STANDARD.decode(text.as_bytes()).ok();
        }
        Some(text.into_owned().into_bytes())
    }
}

impl HttpDescription<'_> {
    fn method(&self) -> Option<Method> {
        Method::from_bytes(text(self.method?)?.as_bytes()).ok()
    }

    /// The caller as the gateway saw it. A part that is malformed counts as absent.
    fn client(&self) -> Client {
        let address = self.source_ip.and_then(text).and_then(|address| address.parse().ok());
        let user_agent = self.user_agent.and_then(text).and_then(|name| UserAgent::parse(&name));
        Client { address, user_agent }
    }
}

/// The headers of an event: an object that maps names to strings.
#[derive(Default)]
struct Headers(HeaderMap);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of headers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = HeaderMap::with_capacity(map.size_hint().unwrap_or(32));
        while let Some((Text(name), value)) = map.next_entry::<Text<'_>, &RawValue>()? {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Some(value)) = (name, header_value(value)) {
                // The map's capacity far exceeds any browser's headers.
                let _ = headers.try_append(name, value);
            }
        }
        Ok(Headers(headers))
    }
}

/// A string that is borrowed unless it has escapes.
#[derive(Deserialize)]
struct Text<'e>(#[serde(borrow)] Cow<'e, str>);

/// The value of a header. `null` means no value; anything else that is not a string is unreadable.
fn header_value(value: &RawValue) -> Option<HeaderValue> {
    if value.get() == "null" {
        return None;
    }
    let Some(text) = text(value) else {
        return HeaderValue::from_bytes(&[UNREADABLE]).ok();
    };
    HeaderValue::from_str(&text).ok().or_else(|| {
        let bytes = text.bytes().map(|byte| match byte {
            b'\t' => byte,
            _ if byte.is_ascii_control() => UNREADABLE,
            _ => byte,
        });
        HeaderValue::from_bytes(&bytes.collect::<Vec<_>>()).ok()
    })
}

/// The readable cookies as one header. `None` if there are none; then the `Cookie` header, which
/// some gateways send as well, is used.
fn cookie_header(cookies: &RawValue) -> Option<HeaderValue> {
    let cookies: Vec<&RawValue> = borrowed(cookies)?;
    let is_readable = |cookie: &Cow<'_, str>| {
        !cookie.is_empty() && cookie.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    };
    let readable: Vec<_> = cookies.into_iter().filter_map(text).filter(is_readable).collect();
    if readable.is_empty() {
        return None;
    }
    HeaderValue::try_from(readable.join("; ")).ok()
}

/// A string, read the way JavaScript reads it.
fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    match borrowed(value) {
        Some(Text(text)) => Some(text),
        None => owned(value).map(Cow::Owned),
    }
}

fn borrowed<'e, T: Deserialize<'e>>(value: &'e RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

fn owned<T: DeserializeOwned>(value: &RawValue) -> Option<T> {
    json::from_slice(value.get().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(event: &str) -> Request {
        serde_json::from_str::<Event>(event).expect("every event is one").into_request()
    }

    fn event() -> Value {
        json!({
            "rawPath": "/auth/sign-in",
            "rawQueryString": "a=1",
            "headers": {"host": "api.example", "x-many": "1,2", "cookie": "from=header"},
            "requestContext": {"http": {"method": "POST"}, "authorizer": {"lambda": {"a": 1}}},
            "body": "{}",
            "isBase64Encoded": false,
        })
    }

    /// A request whose event has `value`, which may be anything, at `pointer`.
    fn with(pointer: &str, value: &str) -> Request {
        let mut event = event();
        if let Some((parent, name)) = pointer.rsplit_once('/') {
            event.pointer_mut(parent).expect("a parent")[name] = json!("HERE");
        }
        request(&event.to_string().replace("\"HERE\"", value))
    }

    #[test]
    fn an_event_becomes_a_request() {
        let request = request(&event().to_string());
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "/auth/sign-in?a=1");
        assert_eq!(request.headers()["x-many"], "1,2");
        assert_eq!(request.headers()[COOKIE], "from=header");
        assert_eq!(request.body(), b"{}");
        assert_eq!(Flaw::of(&request), None);
    }

    #[test]
    fn whatever_is_no_event_is_a_request_without_a_method() {
        for event in ["null", "[]", "7", "\"text\"", "{}", r#"{"requestContext":null}"#, "{"] {
            let event = serde_json::from_str::<Event>(event).expect("every event is one");
            assert_eq!(Flaw::of(&event.into_request()), Some(Flaw::Method));
        }
        let not_text = serde_json::from_slice::<Event>(b"{\"body\":\"\xff\"}");
        assert!(not_text.is_ok(), "nothing is an error of the runtime");
    }

    #[test]
    fn a_method_that_cannot_be_read_is_a_flaw() {
        let pointer = "/requestContext/http/method";
        for method in ["null", "7", "[\"POST\"]", r#""""#, r#""PO ST""#, r#""\u0000""#] {
            assert_eq!(Flaw::of(&with(pointer, method)), Some(Flaw::Method), "{method}");
        }
        assert_eq!(with(pointer, "\"BREW\"").method(), "BREW");
    }

    #[test]
    fn a_body_that_cannot_be_read_is_a_flaw_and_one_that_is_not_there_is_none() {
        for (encoded, body, expected) in [
            ("true", r#""e30=""#, Some("{}")),
            ("true", r#""e30""#, None),
            ("true", r#""%%%""#, None),
            ("true", r#""""#, Some("")),
            ("true", "null", Some("")),
            ("false", r#""e30=""#, Some("e30=")),
            ("false", r#""caf\u00e9\ud83d""#, Some("caf\u{e9}\u{fffd}")),
            ("null", r#""{}""#, Some("{}")),
            ("\"true\"", r#""{}""#, Some("{}")),
            ("false", "null", Some("")),
            ("false", "7", None),
            ("false", "{}", None),
            ("false", "[\"{}\"]", None),
        ] {
            let event = format!(
                r#"{{"requestContext":{{"http":{{"method":"POST"}}}},"body":{body},"isBase64Encoded":{encoded}}}"#
            );
            let request = request(&event);
            let read = Flaw::of(&request).is_none().then(|| request.body().as_ref());
            assert_eq!(read, expected.map(str::as_bytes), "{encoded} {body}");
        }
    }

    #[test]
    fn the_client_is_the_one_that_the_gateway_saw() {
        let http = r#"{"method":"GET","sourceIp":"203.0.113.7","userAgent":"curl/8"}"#;
        let seen = with("/requestContext/http", http);
        let client: &Client = seen.extensions().get().expect("a client");
        assert_eq!(
            client.address.map(|address| address.to_string()).as_deref(),
            Some("203.0.113.7")
        );
        assert_eq!(client.user_agent, UserAgent::parse("curl/8"));
        let http = r#"{"method":"GET","sourceIp":"here","userAgent":7}"#;
        let odd = with("/requestContext/http", http);
        assert!(odd.extensions().get() == Some(&Client::default()));
    }

    #[test]
    fn of_a_header_that_cannot_be_read_only_the_control_characters_change() {
        let request = with("/headers/x-odd", r#""a\u0001b\tc""#);
        assert_eq!(request.headers()["x-odd"].as_bytes(), b"a\xffb\tc");
    }

    #[test]
    fn a_header_that_cannot_be_read_is_still_there_and_hides_no_other() {
        for value in ["7", "{}", "[\"a\"]", r#""\u0000""#, r#""a\r\nb: c""#, r#""\u007f""#, "1e400"]
        {
            let request = with("/headers/origin", value);
            assert!(request.headers()["origin"].to_str().is_err(), "{value}");
            assert_eq!(request.headers()["x-many"], "1,2", "{value}");
            assert_eq!(Flaw::of(&request), None, "{value}");
        }
        assert!(!with("/headers/origin", "null").headers().contains_key("origin"));
        assert_eq!(with("/headers/origin", r#""a\tb""#).headers()["origin"], "a\tb");
        for name in ["", "a b", "caf\u{e9}", "\u{0}"] {
            let request = with(&format!("/headers/{name}"), r#""a""#);
            assert_eq!(request.headers().len(), 3, "{name:?}");
        }
    }

    #[test]
    fn headers_survive_a_name_with_half_a_surrogate_pair_and_a_name_that_comes_twice() {
        let event = r#"{"headers":{"\ud83d":"a","Origin":"b","origin":"c"}}"#;
        let request = request(event);
        let origins: Vec<_> = request.headers().get_all("origin").iter().collect();
        assert_eq!(origins, ["b", "c"]);
    }

    #[test]
    fn more_headers_than_a_map_holds_are_no_panic() {
        let headers: Vec<_> = (0..40_000).map(|n| format!(r#""x-{n}":"1""#)).collect();
        let request = request(&format!(r#"{{"headers":{{{}}}}}"#, headers.join(",")));
        assert!(request.headers().len() > 20_000);
    }

    #[test]
    fn the_cookies_of_the_list_count_and_the_header_where_the_list_has_none() {
        for (cookies, expected) in [
            (r#"["a=1","b=2"]"#, "a=1; b=2"),
            (r#"["a=1","a=2"]"#, "a=1; a=2"),
            (r#"["a=\u0000","b=caf\u00e9",7,null,"c=3"]"#, "c=3"),
            ("null", "from=header"),
            ("[]", "from=header"),
            (r#"[""]"#, "from=header"),
            (r#"["a=\u0000",7,null,{},"\ud83d"]"#, "from=header"),
            (r#""a=1""#, "from=header"),
            ("{}", "from=header"),
        ] {
            assert_eq!(with("/cookies", cookies).headers()[COOKIE], expected, "{cookies}");
        }
    }

    #[test]
    fn a_path_and_a_query_become_a_uri_or_nothing() {
        let long = format!("\"{}\"", "a".repeat(100_000));
        for (pointer, value, uri) in [
            ("/rawQueryString", r#""a b<\"\u007f>=%20""#, "/auth/sign-in?a%20b%3C%22%7F%3E=%20"),
            ("/rawQueryString", r#""caf\u00e9\u0000#x""#, "/auth/sign-in?caf%C3%A9%00%23x"),
            ("/rawQueryString", "7", "/auth/sign-in"),
            ("/rawQueryString", "null", "/auth/sign-in"),
            ("/rawQueryString", long.as_str(), "/"),
            ("/rawPath", r#""a b""#, "/?a=1"),
            ("/rawPath", r#""//a b""#, "//a%20b?a=1"),
            ("/rawPath", "null", "/?a=1"),
        ] {
            assert_eq!(with(pointer, value).uri(), uri, "{pointer} {value}");
        }
    }

    #[test]
    fn a_response_becomes_an_answer_with_its_cookies_apart() {
        let response = http::Response::builder()
            .status(201)
            .header("vary", "Origin, Cookie")
            .header(SET_COOKIE, "a=1")
            .header(SET_COOKIE, "b=2")
            .body("{}".to_owned())
            .expect("a response");
        let answer = serde_json::to_value(GatewayResponse::from(response)).expect("JSON");
        assert_eq!(answer["statusCode"], 201);
        assert_eq!(answer["headers"], json!({"vary": "Origin, Cookie"}));
        assert_eq!(answer["cookies"], json!(["a=1", "b=2"]));
        assert_eq!((&answer["body"], &answer["isBase64Encoded"]), (&json!("{}"), &json!(false)));
    }
}
