//! A provider's response.

use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::json;
use crate::metrics;
use crate::provider::{Failure, ProviderError};

/// A provider's complete response. It may hold secrets and personal data, so it has no `Debug`.
pub struct Answer {
    pub(super) provider: &'static str,
    pub(super) call: &'static str,
    /// Its status.
    pub status: StatusCode,
    /// Whether an earlier attempt may have taken effect: it had no usable response, but a connection.
    pub after_lost_attempt: bool,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) received: Timestamp,
    pub(super) count: Option<CallCount>,
}

/// Counts a call when its response is dropped, because only reading the response shows whether it
/// was usable.
pub(super) struct CallCount {
    pub(super) provider: &'static str,
    pub(super) status: StatusCode,
    pub(super) failure: OnceLock<&'static str>,
    pub(super) took: Duration,
    pub(super) at: Timestamp,
}

impl CallCount {
    fn outcome(&self) -> &'static str {
        let answered = if self.status.is_client_error() { "refused" } else { "ok" };
        self.failure.get().copied().unwrap_or(answered)
    }
}

impl Drop for CallCount {
    fn drop(&mut self) {
        metrics::called(self.provider, self.outcome(), self.took, self.at);
    }
}

impl Answer {
    /// The response, unless it says that the provider is failing or rate-limiting us.
    pub(super) fn unless_failing(self, hands_back_limits: bool) -> Result<Self, Failure> {
        let retry_after = self.retry_after();
        let is_page = self.is_page();
        let status = self.status;
        if status == StatusCode::TOO_MANY_REQUESTS {
            // The provider's own rate limits come with its own JSON. Gateways in front of it also
            // have rate limits, which never concern a single caller.
            let body = self.json::<Box<RawValue>>();
            let is_own = !is_page && body.is_ok_and(|body| body.get().starts_with('{'));
            if !hands_back_limits || !is_own {
                return Err(Failure::Limiting { retry_after });
            }
        }
        if status == StatusCode::REQUEST_TIMEOUT
            || status.is_server_error()
            || (is_page && !status.is_success())
        {
            return Err(Failure::Failing { status, retry_after });
        }
        Ok(self)
    }

    /// Whether it is a gateway's HTML page.
    fn is_page(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let media_type = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        let pages = ["text/html", "application/xhtml+xml"];
        pages.iter().any(|page| media_type.eq_ignore_ascii_case(page))
    }

    /// Whether the status is 401, with which most providers reject a key.
    pub fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// The body as `T`, or the reason why a success cannot be read.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        json::from_slice(&self.body).map_err(|error| {
            let failure = Failure::Unreadable(match error.classify() {
                serde_json::error::Category::Data => "it is JSON of another type",
                _ => "it is not JSON",
            });
            // Error bodies come in many formats, so an unreadable one is not counted.
            if self.status.is_success() { self.error(failure) } else { self.uncounted(failure) }
        })
    }

    /// The body as text, if it is UTF-8.
    pub fn text(&self) -> Option<&str> {
        str::from_utf8(&self.body).ok()
    }

    /// The error for a status that the call does not expect.
    pub fn unexpected(&self) -> ProviderError {
        self.error(Failure::Unexpected(self.status))
    }

    /// An error about this response.
    pub fn error(&self, failure: Failure) -> ProviderError {
        if let Some(count) = &self.count {
            let _ = count.failure.set(failure.outcome());
        }
        self.uncounted(failure)
    }

    fn uncounted(&self, failure: Failure) -> ProviderError {
        ProviderError { provider: self.provider, call: self.call, failure }
    }

    /// `Retry-After`, a number of seconds or a date. A date in the past means now.
    /// <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.headers.get(RETRY_AFTER)?.to_str().ok()?, self.received)
    }
}

/// How long to wait, according to a `Retry-After` that was received at `now`.
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let date = Timestamp::EPOCH.after(date.duration_since(UNIX_EPOCH).ok()?);
    Some(date.since(now))
}

#[cfg(test)]
impl Answer {
    /// A made-up response, for tests.
    pub(crate) fn made_up(status: u16, headers: HeaderMap, body: &serde_json::Value) -> Self {
        Self {
            provider: "provider",
            call: "call",
            status: StatusCode::from_u16(status).expect("a status"),
            headers,
            body: body.to_string().into_bytes(),
            received: Timestamp::EPOCH,
            count: None,
            after_lost_attempt: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn answer(status: u16, content_type: &'static str) -> Answer {
        answer_of(status, content_type, "7", "{}")
    }

    fn answer_of(
        status: u16,
        content_type: &'static str,
        retry_after: &'static str,
        body: &str,
    ) -> Answer {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (RETRY_AFTER, HeaderValue::from_static(retry_after)),
        ];
        let headers = headers.into_iter().collect();
        let body = body.as_bytes().to_vec();
        Answer { body, ..Answer::made_up(status, headers, &serde_json::json!({})) }
    }

    #[test]
    fn when_to_come_back_is_a_number_of_seconds_or_a_date() {
        // 2025-07-14T09:54:56Z
        let received = Timestamp::EPOCH.after(Duration::from_millis(1_752_486_896_250));
        for (value, milliseconds) in [
            ("7", Some(7000)),
            (" 7 ", Some(7000)),
            ("0", Some(0)),
            ("Mon, 14 Jul 2025 09:55:03 GMT", Some(6750)),
            ("Monday, 14-Jul-25 09:55:03 GMT", Some(6750)),
            ("Mon Jul 14 09:55:03 2025", Some(6750)),
            ("Mon, 14 Jul 2025 10:54:56 GMT", Some(3_599_750)),
            ("Mon, 14 Jul 2025 09:54:56 GMT", Some(0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("-7", None),
            ("7.5", None),
            ("soon", None),
            ("", None),
        ] {
            let mut answer = answer_of(503, "application/json", value, "{}");
            answer.received = received;
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(answer.retry_after(), expected, "{value}");
        }
    }

    #[test]
    fn only_a_limit_in_the_providers_own_json_is_about_the_caller() {
        let own = r#"{"code":"rate_limit_exceeded","message":"Rate limit exceeded."}"#;
        for (content_type, body, is_own) in [
            ("application/json", own, true),
            ("application/json; charset=utf-8", r#"{"name":"\ud83d","more":1e400}"#, true),
            ("text/plain", "error code: 1015", false),
            ("application/json", "error code: 1015", false),
            ("application/json", r#""error code: 1015""#, false),
            ("application/json", "1015", false),
            ("application/json", "[]", false),
            ("application/json", "null", false),
            ("application/json", "", false),
            ("Text/HTML", own, false),
        ] {
            let result = answer_of(429, content_type, "7", body).unless_failing(true);
            assert_eq!(result.is_ok(), is_own, "{content_type} {body}");
        }
    }

    #[test]
    fn a_limit_is_handed_back_to_who_asks_for_it_unless_a_gateway_says_so() {
        let limiting = Failure::Limiting { retry_after: Some(Duration::from_secs(7)) };
        for (content_type, hands_back, failure) in [
            ("application/json", false, Some(limiting.clone())),
            ("application/json", true, None),
            ("text/html; charset=utf-8", false, Some(limiting.clone())),
            ("text/html; charset=utf-8", true, Some(limiting)),
        ] {
            let result = answer(429, content_type).unless_failing(hands_back);
            assert_eq!(result.err(), failure, "{content_type} {hands_back}");
        }
    }

    #[test]
    fn an_answer_counts_as_what_its_reader_makes_of_it() {
        let counted = |status: u16, read: fn(&Answer)| {
            let mut answer = answer(status, "application/json");
            let (provider, at) = ("provider", Timestamp::EPOCH);
            let (failure, took) = (OnceLock::new(), Duration::ZERO);
            answer.count = Some(CallCount { provider, status: answer.status, failure, took, at });
            read(&answer);
            answer.count.as_ref().map(CallCount::outcome).unwrap_or_default()
        };
        let read_in_vain: fn(&Answer) = |answer| assert!(answer.json::<Vec<u8>>().is_err());
        let not_expected: fn(&Answer) = |answer| drop(answer.unexpected());
        let limited: fn(&Answer) =
            |answer| drop(answer.error(Failure::Limiting { retry_after: None }));
        for (status, read, outcome) in [
            (200, (|_| {}) as fn(&Answer), "ok"),
            (200, read_in_vain, "unreadable"),
            (200, not_expected, "unexpected"),
            (404, |_| {}, "refused"),
            (404, read_in_vain, "refused"),
            (404, not_expected, "unexpected"),
            (429, limited, "limited"),
        ] {
            assert_eq!(counted(status, read), outcome, "{status}");
        }
    }

    #[test]
    fn failures_are_errors_even_if_limits_are_handed_back() {
        for hands_back in [false, true] {
            let fails = |status, kind| answer(status, kind).unless_failing(hands_back).is_err();
            assert!(fails(500, "application/json") && fails(503, "text/html"));
            assert!(fails(408, "application/json"), "too slow for itself");
            for page in
                ["text/html", "Text/HTML", "TEXT/HTML ;charset=UTF-8", "application/xhtml+xml"]
            {
                assert!(fails(403, page), "a gateway's page: {page}");
            }
            assert!(!fails(403, "text/html-template") && !fails(403, ""));
            assert!(!fails(403, "application/json") && !fails(200, "text/html"));
        }
    }
}
