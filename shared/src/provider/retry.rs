//! When a failed call is sent again, and after which pause.

use std::time::Duration;

use crate::http::SendError;
use crate::provider::Failure;

/// The pause before the first retry. Each pause is twice the previous one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The maximum total of a call's pauses.
const MAX_PAUSES: Duration = Duration::from_secs(5);

/// When a failed call is retried: always on a new connection, and only while the request has time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Never, because the call is not idempotent. It gets a new connection unless the provider has
    /// just responded (`http::SINGLE_SEND_IDLE_TIMEOUT`).
    Never,
    /// Once, after a broken connection or a timeout, because the call is idempotent.
    Once,
    /// After a broken connection, a timeout, 408, 429 or 5xx, while the request has time and the
    /// pauses total less than five seconds, because the provider responds to every repetition the
    /// same way.
    WhileTimeLasts {
        /// Whether to pause before retries. Without pauses there is one retry, or none if the
        /// provider sends `Retry-After`.
        pause: bool,
    },
}

/// The attempts of one call so far.
pub(super) struct Attempts {
    retry: Retry,
    /// How many have failed.
    pub(super) failed: u32,
    paused: Duration,
    /// Whether one of them may have reached the provider.
    pub(super) sent: bool,
}

impl Attempts {
    pub(super) fn new(retry: Retry) -> Self {
        Self { retry, failed: 0, paused: Duration::ZERO, sent: false }
    }

    /// The pause before the next attempt after `failure`, if there is one.
    pub(super) fn pause_after(&mut self, failure: &Failure) -> Option<Duration> {
        self.failed += 1;
        self.sent |= *failure != Failure::Unanswered(SendError::NoConnection);
        let is_first = self.failed == 1;
        let lost = matches!(failure, Failure::Unanswered(_));
        match self.retry {
            Retry::Never => None,
            Retry::Once => (is_first && lost).then_some(Duration::ZERO),
            Retry::WhileTimeLasts { pause: false } => {
                let told = failure.retry_after().is_some_and(|wait| !wait.is_zero());
                (is_first && failure.is_transient() && !told).then_some(Duration::ZERO)
            }
            Retry::WhileTimeLasts { pause: true } if !failure.is_transient() => None,
            // The connection failed, probably not the provider.
            Retry::WhileTimeLasts { pause: true } if is_first && lost => Some(Duration::ZERO),
            Retry::WhileTimeLasts { pause: true } => self.longer_pause(failure.retry_after()),
        }
    }

    fn longer_pause(&mut self, told: Option<Duration>) -> Option<Duration> {
        let left = MAX_PAUSES.saturating_sub(self.paused);
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.failed - 1)).min(left);
        let pause = pause.max(told.unwrap_or_default());
        if left.is_zero() || pause > left {
            return None;
        }
        self.paused += pause;
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn the_pauses_of_a_call_grow_and_end_after_five_seconds() {
        let failing = Failure::Failing { status: StatusCode::BAD_GATEWAY, retry_after: None };
        let lost = Failure::Unanswered(SendError::TimedOut);
        let pauses = |failure: &Failure| {
            let mut attempts = Attempts::new(Retry::WhileTimeLasts { pause: true });
            let pauses = std::iter::from_fn(|| attempts.pause_after(failure));
            pauses.take(20).map(|pause| pause.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(pauses(&failing), [100, 200, 400, 800, 1600, 1900]);
        assert_eq!(pauses(&lost), [0, 200, 400, 800, 1600, 2000]);
        let told = |seconds| Some(Duration::from_secs(seconds));
        let limiting = |seconds| Failure::Limiting { retry_after: told(seconds) };
        assert_eq!(pauses(&limiting(2)), [2000, 2000]);
        assert_eq!(pauses(&limiting(5)), [5000]);
        assert_eq!(pauses(&limiting(6)), [0; 0]);
    }

    #[test]
    fn an_attempt_without_a_connection_has_no_effect() {
        for (failures, sent) in [
            (&[SendError::NoConnection][..], false),
            (&[SendError::Broken], true),
            (&[SendError::TimedOut], true),
            (&[SendError::Broken, SendError::NoConnection], true),
        ] {
            let mut attempts = Attempts::new(Retry::Once);
            for failure in failures {
                attempts.pause_after(&Failure::Unanswered(*failure));
            }
            assert_eq!(attempts.sent, sent, "{failures:?}");
        }
    }
}
