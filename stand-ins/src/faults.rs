//! The ways in which a stand-in fails when it is told to.
//!
//! From Rust by [`StandIn::inject`](super::server::StandIn::inject); from anywhere else by a request
//! to the stand-in's own port, which never fails itself:
//!
//! ```text
//! curl -X POST $URL/dev/faults -d '{"fault": "slow", "milliseconds": 3000}'
//! curl -X POST $URL/dev/faults -d '{"fault": "limiting", "retry_after": 7, "path": "/v1/users", "times": 1}'
//! curl -X POST $URL/dev/faults -d '{"fault": "failing", "status": 503}'
//! curl -X POST $URL/dev/faults -d '{"fault": "dated", "status": 503, "retry_after": 7}'
//! curl -X POST $URL/dev/faults -d '{"fault": "none"}'
//! ```

use std::{sync::Mutex, time::Duration};

use serde::Deserialize;

use super::lock;

/// A way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is read and the connection ends without an answer.
    Down,
    /// The right answer, this much later.
    Slow(Duration),
    /// Too many requests: the provider's own refusal, 429 at most of them.
    Limiting {
        /// Seconds, for the `Retry-After` header.
        retry_after: Option<u64>,
    },
    /// The provider's own error body with this status.
    Failing(u16),
    /// The same, or for 429 the provider's own limit, with `Retry-After` as a date.
    Dated {
        /// 429, 503 …
        status: u16,
        /// How far ahead the date is.
        seconds: u64,
    },
    /// An answer of somebody who stands before the provider: a gateway, a CDN.
    Between {
        /// Its status.
        status: u16,
        /// Its media type.
        content_type: &'static str,
        /// Its body.
        body: &'static str,
    },
    /// 502 with the HTML page of a gateway that stands before the provider.
    GatewayPage,
    /// 200 that claims to be JSON and is not.
    Garbage,
    /// The right answer, but the connection breaks in the middle of its body.
    Truncated,
    /// 200 with a body that never ends.
    Endless,
    /// 200 with JSON of another shape.
    WrongShape,
    /// The provider's own refusal of our key, whatever key it is.
    Refusing,
}

impl Fault {
    /// For paths that begin with `prefix` only.
    pub fn on(self, prefix: impl Into<String>) -> FaultRule {
        FaultRule { fault: self, prefix: prefix.into(), left: None }
    }

    /// For the next request only.
    pub fn once(self) -> FaultRule {
        FaultRule::from(self).once()
    }

    /// For the next requests, this many.
    pub fn times(self, count: u32) -> FaultRule {
        FaultRule::from(self).times(count)
    }
}

/// A fault with the requests that it is for: those whose path begins with a prefix, and of these the
/// next few or all until [`clear_faults`](super::server::StandIn::clear_faults).
///
/// Rules for a number of requests come first, in the order they were given. Among the others the one
/// with the longest prefix counts, and a new one replaces the one with the same prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    fault: Fault,
    prefix: String,
    left: Option<u32>,
}

impl FaultRule {
    /// For the next request only.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// For the next requests, this many.
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

/// The rules in force.
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

    /// The fault for a request to `path`, which uses it up by one.
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

/// What `POST /dev/faults` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    fault: Kind,
    path: Option<String>,
    times: Option<u32>,
    milliseconds: Option<u64>,
    status: Option<u16>,
    retry_after: Option<u64>,
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

/// Reads the body of `POST /dev/faults`: a rule, nothing for "fail no more", or what is wrong.
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
            r#"{"fault":"down","tmies":1}"#,
        ] {
            assert!(read_order(json.as_bytes()).is_err(), "{json}");
        }
    }
}
