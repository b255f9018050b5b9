//! The properties that every answer of every function has, whatever was sent and whatever a provider
//! said (`docs/api.md`).

use anteroom::api::Response;
use anteroom::fuzzing;
use serde_json::Value;

use crate::script::Reply;

/// The statuses of the API. 500 is not one of them: it is a bug of ours.
const STATUSES: [u64; 14] = [200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 415, 429, 502, 503];

/// The longest cookie that every browser keeps, with its attributes.
const MAX_COOKIE_BYTES: usize = 4096;

/// How many bytes of a message may also be in a provider's answer.
const MAX_SHARED: usize = 24;

/// Our sources. The fuzzer learns our messages and puts them into providers' answers.
const OWN_WORDS: &str = include_str!(concat!(env!("OUT_DIR"), "/own-words.txt"));

/// An answer that has these properties.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u64,
    /// Its body, or `null`.
    pub body: Value,
    /// Its cookies.
    pub cookies: Vec<String>,
}

/// Checks an answer to a request during which providers gave these replies.
///
/// # Panics
/// If a property does not hold.
pub fn checked(response: Response, replies: &[Reply]) -> Answer {
    let answer = fuzzing::gateway_response(response).expect("a response is JSON");
    let status = answer["statusCode"].as_u64().expect("a status");
    assert!(STATUSES.contains(&status), "{answer}");
    let headers = answer["headers"].as_object().expect("headers");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["vary"], "Origin, Cookie");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    if let Some(wait) = headers.get("retry-after") {
        assert!(matches!(status, 429 | 503), "{answer}");
        assert!(wait.as_str().is_some_and(|wait| wait.parse::<u64>().is_ok()), "{answer}");
    }
    let body = match answer.get("body") {
        Some(text) => {
            assert_eq!(headers["content-type"], "application/json");
            serde_json::from_str(text.as_str().expect("a text")).expect("a JSON body")
        }
        None => Value::Null,
    };
    assert_eq!(body.is_null(), status == 204, "{answer}");
    if status >= 400 {
        check_error(&body, status, replies);
    }
    let cookies = answer["cookies"].as_array().expect("cookies").iter();
    let cookies: Vec<_> =
        cookies.map(|cookie| cookie.as_str().expect("a text").to_owned()).collect();
    cookies.iter().for_each(|cookie| check_cookie(cookie));
    Answer { status, body, cookies }
}

fn check_error(body: &Value, status: u64, replies: &[Reply]) {
    let fields = body.as_object().expect("an object");
    assert_eq!(body["code"], status, "{body}");
    let next = fields.get("next");
    assert!(next.is_none_or(|next| next == "continue-with-authkit"), "{body}");
    assert_eq!(fields.len(), 2 + usize::from(next.is_some()), "{body}");
    let message = body["message"].as_str().expect("a message");
    assert!((1..=200).contains(&message.len()), "{body}");
    assert!(!message.chars().any(char::is_control), "{body}");
    for shared in message.as_bytes().windows(MAX_SHARED).step_by(MAX_SHARED / 3) {
        for reply in replies {
            let is_quoted = reply.body.windows(MAX_SHARED).any(|part| part == shared);
            assert!(!is_quoted || is_ours(shared), "a provider's words are in {body}");
        }
    }
}

/// Whether these are words of our own messages.
pub fn is_ours(words: &[u8]) -> bool {
    std::str::from_utf8(words).is_ok_and(|words| OWN_WORDS.contains(words))
}

fn check_cookie(cookie: &str) {
    assert!(cookie.len() <= MAX_COOKIE_BYTES, "{} bytes", cookie.len());
    assert!(cookie.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{cookie}");
    let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
    for attribute in ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"] {
        assert!(attributes.contains(&attribute), "{cookie}");
    }
    let name = cookie.split('=').next().unwrap_or_default();
    let is_host_only =
        name.starts_with("__Host-wos-sign-in-") || name.starts_with("__Host-wos-pending-");
    assert!(name == "wos-session" || is_host_only, "{cookie}");
}

impl Answer {
    /// The value of the session's cookie, if it is set or cleared. A cleared one is empty.
    pub fn session_cookie(&self) -> Option<&str> {
        let cookie = self.cookies.iter().find_map(|cookie| cookie.strip_prefix("wos-session="))?;
        cookie.split(';').next()
    }
}
