//! Faults that make a stand-in fail on demand.
//!
//! Inject them from Rust with [`StandIn::inject`](super::server::StandIn::inject), or with a
//! request to the stand-in's own port, which faults do not affect:
//!
//! ```text
//! curl -X POST $URL/dev/faults -d '{"fault": "slow", "milliseconds": 3000}'
//! curl -X POST $URL/dev/faults -d '{"fault": "limiting", "retry_after": 7, "path": "/v1/users", "times": 1}'
//! curl -X POST $URL/dev/faults -d '{"fault": "failing", "status": 503}'
//! curl -X POST $URL/dev/faults -d '{"fault": "dated", "status": 503, "retry_after": 7}'
//! curl -X POST $URL/dev/faults -d '{"fault": "reset", "at": "middle"}'
//! curl -X POST $URL/dev/faults -d '{"fault": "none"}'
//! ```

use std::{sync::Mutex, time::Duration};

use serde::Deserialize;

use super::lock;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is read, and the connection closes without a response.
    Down,
    /// The normal response, delayed.
    Slow(Duration),
    /// The provider's own rate limit error, 429 at most of them.
    Limiting {
        /// Seconds, for the `Retry-After` header.
        retry_after: Option<u64>,
    },
    /// The provider's own error body with this status.
    Failing(u16),
    /// The same, or for 429 the provider's own rate limit, with `Retry-After` as a date.
    Dated {
        /// 429, 503 …
        status: u16,
        /// How many seconds in the future the date is.
        seconds: u64,
    },
    /// A response from something in front of the provider, such as a gateway or a CDN.
    Between {
        /// Its status.
        status: u16,
        /// Its media type.
        content_type: &'static str,
        /// Its body.
        body: &'static str,
    },
    /// 502 with the HTML page of a gateway in front of the provider.
    GatewayPage,
    /// 200 with invalid JSON.
    Garbage,
    /// The normal response, but the connection breaks in the middle of its body.
    Truncated,
    /// The normal response, without a declared length, and the connection breaks in the middle of its
    /// body. Without TLS, it looks complete.
    CutShort,
    /// The connection is reset (RST instead of FIN) at this point.
    Reset(Moment),
    /// The request is handled, and the body of its response comes a byte at a time and never ends.
    Drip,
    /// 307 to [`REDIRECTED`], on the same server.
    Redirect,
    /// The normal response of a provider whose clock is ahead by this many seconds, or behind.
    Clock(i64),
    /// 200 with a body that never ends.
    Endless,
    /// 200 with JSON of another type.
    WrongShape,
    /// The provider's own error for a wrong key, whatever the key is.
    Refusing,
}

/// The path to which [`Fault::Redirect`] leads. Nothing is there.
pub const REDIRECTED: &str = "/redirected";

/// A point of an exchange.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// After the request, which is not handled.
    Before,
    /// In the middle of the response's body.
    Middle,
    /// Right after the response.
    After,
}

impl Fault {
    /// Only for paths that begin with `prefix`.
    pub fn on(self, prefix: impl Into<String>) -> FaultRule {
        FaultRule { fault: self, prefix: prefix.into(), left: None }
    }

    /// Only for the next request.
    pub fn once(self) -> FaultRule {
        FaultRule::from(self).once()
    }

    /// Only for the next `count` requests.
    pub fn times(self, count: u32) -> FaultRule {
        FaultRule::from(self).times(count)
    }
}

/// A fault and the requests that it applies to: those whose path begins with a prefix, either the
/// next few or all until [`clear_faults`](super::server::StandIn::clear_faults).
///
/// Rules for a number of requests apply first, in the order they were added. Among the others, the
/// one with the longest prefix applies, and a new one replaces the one with the same prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    fault: Fault,
    prefix: String,
    left: Option<u32>,
}

impl FaultRule {
    /// Only for the next request.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Only for the next `count` requests.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.left = Some(count);
        self
    }

    fn is_for(&self, path: &str) -> bool {
        path.starts_with(&self.prefix)
    }
}

impl From<Fault> for FaultRule {
    fn from(fault: Fault) -> Self {
        fault.on("/")
    }
}

/// The active rules.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Rules>);

#[derive(Debug, Default)]
struct Rules {
    counted: Vec<FaultRule>,
    lasting: Vec<FaultRule>,
}

impl Faults {
    pub(super) fn inject(&self, rule: FaultRule) {
        let mut rules = lock(&self.0);
        match rule.left {
            Some(0) => {}
            Some(_) => rules.counted.push(rule),
            None => {
                rules.lasting.retain(|other| other.prefix != rule.prefix);
                rules.lasting.push(rule);
            }
        }
    }

    pub(super) fn clear(&self) {
        *lock(&self.0) = Rules::default();
    }

    /// The fault for a request to `path`. Counts the request against the rule.
    pub(super) fn next(&self, path: &str) -> Option<Fault> {
        let mut rules = lock(&self.0);
        rules.next_counted(path).or_else(|| rules.lasting(path))
    }
}

impl Rules {
    fn next_counted(&mut self, path: &str) -> Option<Fault> {
        let index = self.counted.iter().position(|rule| rule.is_for(path))?;
        let rule = &mut self.counted[index];
        let fault = rule.fault;
        rule.left = rule.left.map(|left| left - 1);
        if rule.left == Some(0) {
            self.counted.remove(index);
        }
        Some(fault)
    }

    fn lasting(&self, path: &str) -> Option<Fault> {
        let fitting = self.lasting.iter().filter(|rule| rule.is_for(path));
        fitting.max_by_key(|rule| rule.prefix.len()).map(|rule| rule.fault)
    }
}

/// The body of `POST /dev/faults`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    fault: Kind,
    path: Option<String>,
    times: Option<u32>,
    milliseconds: Option<u64>,
    status: Option<u16>,
    retry_after: Option<u64>,
    at: Option<Moment>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    None,
    Down,
    Slow,
    Limiting,
    Failing,
    GatewayPage,
    Dated,
    Garbage,
    Truncated,
    Reset,
    Drip,
    Redirect,
    Endless,
    WrongShape,
    Refusing,
}

impl Order {
    fn failing_status(&self, usual: u16) -> Result<u16, String> {
        match self.status.unwrap_or(usual) {
            status @ 400..=599 => Ok(status),
            _ => Err("status must be from 400 to 599".to_owned()),
        }
    }
}

/// Reads the body of `POST /dev/faults`: a rule, `None` to clear all faults, or an error message.
pub(super) fn read_order(body: &[u8]) -> Result<Option<FaultRule>, String> {
    let order: Order = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let fault = match order.fault {
        Kind::None => return Ok(None),
        Kind::Down => Fault::Down,
        Kind::Slow => {
            let milliseconds = order.milliseconds.ok_or("slow needs milliseconds")?;
            Fault::Slow(Duration::from_millis(milliseconds))
        }
        Kind::Limiting => Fault::Limiting { retry_after: order.retry_after },
        Kind::Failing => Fault::Failing(order.failing_status(500)?),
        Kind::Dated => {
            let seconds = order.retry_after.ok_or("dated needs retry_after")?;
            Fault::Dated { status: order.failing_status(503)?, seconds }
        }
        Kind::GatewayPage => Fault::GatewayPage,
        Kind::Garbage => Fault::Garbage,
        Kind::Truncated => Fault::Truncated,
        Kind::Reset => Fault::Reset(order.at.ok_or("reset needs at: before, middle or after")?),
        Kind::Drip => Fault::Drip,
        Kind::Redirect => Fault::Redirect,
        Kind::Endless => Fault::Endless,
        Kind::WrongShape => Fault::WrongShape,
        Kind::Refusing => Fault::Refusing,
    };
    let rule = fault.on(order.path.unwrap_or_else(|| "/".to_owned()));
    Ok(Some(FaultRule { left: order.times, ..rule }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_faults_come_first_and_in_order() {
        let faults = Faults::default();
        faults.inject(Fault::Garbage.into());
        faults.inject(Fault::Down.once());
        faults.inject(Fault::Truncated.times(2));
        let met: Vec<_> = (0..4).map(|_| faults.next("/v1/users")).collect();
        let expected = [Fault::Down, Fault::Truncated, Fault::Truncated, Fault::Garbage];
        assert_eq!(met, expected.map(Some));
    }

    #[test]
    fn the_longest_prefix_counts_and_the_same_prefix_replaces() {
        let faults = Faults::default();
        faults.inject(Fault::Down.on("/v1/users"));
        faults.inject(Fault::Garbage.into());
        faults.inject(Fault::WrongShape.on("/v1/users"));
        assert_eq!(faults.next("/v1/users/user_1"), Some(Fault::WrongShape));
        assert_eq!(faults.next("/v1/jwks"), Some(Fault::Garbage));
        faults.clear();
        assert_eq!(faults.next("/v1/users/user_1"), None);
    }

    #[test]
    fn reads_every_fault_from_json() {
        let cases = [
            (r#"{"fault":"down"}"#, Fault::Down.on("/")),
            (
                r#"{"fault":"slow","milliseconds":20,"path":"/v1"}"#,
                Fault::Slow(Duration::from_millis(20)).on("/v1"),
            ),
            (
                r#"{"fault":"limiting","retry_after":7,"times":2}"#,
                Fault::Limiting { retry_after: Some(7) }.times(2),
            ),
            (r#"{"fault":"failing"}"#, Fault::Failing(500).on("/")),
            (r#"{"fault":"failing","status":418}"#, Fault::Failing(418).on("/")),
            (
                r#"{"fault":"dated","status":429,"retry_after":7}"#,
                Fault::Dated { status: 429, seconds: 7 }.on("/"),
            ),
            (r#"{"fault":"endless"}"#, Fault::Endless.on("/")),
            (r#"{"fault":"gateway_page"}"#, Fault::GatewayPage.on("/")),
            (r#"{"fault":"garbage"}"#, Fault::Garbage.on("/")),
            (r#"{"fault":"truncated"}"#, Fault::Truncated.on("/")),
            (r#"{"fault":"reset","at":"middle"}"#, Fault::Reset(Moment::Middle).on("/")),
            (r#"{"fault":"drip"}"#, Fault::Drip.on("/")),
            (r#"{"fault":"redirect"}"#, Fault::Redirect.on("/")),
            (r#"{"fault":"wrong_shape"}"#, Fault::WrongShape.on("/")),
            (r#"{"fault":"refusing"}"#, Fault::Refusing.on("/")),
        ];
        for (json, rule) in cases {
            assert_eq!(read_order(json.as_bytes()), Ok(Some(rule)), "{json}");
        }
        assert_eq!(read_order(br#"{"fault":"none"}"#), Ok(None));
    }

    #[test]
    fn refuses_an_order_that_it_cannot_carry_out() {
        for json in [
            "",
            "{}",
            r#"{"fault":"tired"}"#,
            r#"{"fault":"slow"}"#,
            r#"{"fault":"failing","status":200}"#,
            r#"{"fault":"dated"}"#,
            r#"{"fault":"reset"}"#,
            r#"{"fault":"reset","at":"lunch"}"#,
            r#"{"fault":"down","tmies":1}"#,
        ] {
            assert!(read_order(json.as_bytes()).is_err(), "{json}");
        }
    }
}
