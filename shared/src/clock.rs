//! The current time, read in one place so that tests can fix it.
//!
//! Ages are measured on the wall clock, because the monotonic clock may stop while Lambda freezes a
//! function between two requests, and the function must see that time has passed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;

/// The system clock, or a clock that a test has fixed.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Fixed(Arc<AtomicU64>),
}

impl Clock {
    /// The system clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stays at `unix_seconds` until [`advance`](Self::advance) is called. Clones
    /// share the time.
    pub fn fixed(unix_seconds: u64) -> Self {
        Self(Source::Fixed(Arc::new(AtomicU64::new(unix_seconds * 1000))))
    }

    /// Moves a fixed clock forward. Has no effect on the system clock.
    pub fn advance(&self, by: Duration) {
        if let Source::Fixed(now) = &self.0 {
            let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
            now.fetch_add(by, Ordering::Relaxed);
        }
    }

    /// Moves a fixed clock backward, as a clock correction would. Has no effect on the system
    /// clock.
    pub fn set_back(&self, by: Duration) {
        if let Source::Fixed(now) = &self.0 {
            let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
            // The closure always gives a new value, so this always succeeds.
            let _ = now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                Some(now.saturating_sub(by))
            });
        }
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "this is the one home of the system's clock")]
    pub fn now(&self) -> Timestamp {
        Timestamp(match &self.0 {
            Source::System => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Source::Fixed(now) => Duration::from_millis(now.load(Ordering::Relaxed)),
        })
    }
}

/// A point in time, stored as the time since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(Duration);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(Duration::ZERO);

    /// The time that many seconds after the Unix epoch, clamped to the range from the epoch to the
    /// latest time that can be represented.
    pub fn from_unix_seconds(seconds: f64) -> Self {
        if seconds <= 0.0 {
            return Self::EPOCH;
        }
        Self(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }

    /// Seconds since the Unix epoch, with fraction: the `NumericDate` of RFC 7519, section 2.
    pub fn unix_seconds(self) -> f64 {
        self.0.as_secs_f64()
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub fn whole_seconds(self) -> u64 {
        self.0.as_secs()
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// The time `wait` later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }

    /// The time in RFC 3339 format, in UTC, with milliseconds.
    pub(crate) fn rfc3339(self) -> String {
        let moment = self.utc();
        let (year, month, day) = moment.to_calendar_date();
        let (hour, minute, second) = moment.to_hms();
        let (month, millisecond) = (u8::from(month), self.0.subsec_millis());
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
    }

    /// The time as a calendar date and time. The epoch if it is beyond the calendar's range.
    pub(crate) fn utc(self) -> OffsetDateTime {
        let seconds = i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX);
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The time as libraries take it.
    pub(crate) fn system_time(self) -> SystemTime {
        UNIX_EPOCH.checked_add(self.0).unwrap_or(UNIX_EPOCH)
    }

    /// The time since `earlier`, or zero if that is in the future.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Whether less than `period` has passed since `start`.
    ///
    /// A start in the future counts as expired: the wall clock has been set back, and nothing may
    /// wait until it has caught up. Use this for every pause and every age.
    pub fn is_within(self, period: Duration, start: Self) -> bool {
        start <= self && self.since(start) < period
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    /// Reads a `NumericDate` (RFC 7519, section 2).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from_unix_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_counts_when_it_is_whole() {
        for (seconds, whole) in [
            (1_752_486_896.0, 1_752_486_896),
            (1_752_486_896.999, 1_752_486_896),
            (0.5, 0),
            (-0.5, 0),
            (1e300, u64::MAX),
        ] {
            assert_eq!(Timestamp::from_unix_seconds(seconds).whole_seconds(), whole, "{seconds}");
        }
    }

    #[test]
    fn a_moment_is_written_as_rfc_3339_has_it() {
        let clock = Clock::fixed(1_752_486_896);
        clock.advance(Duration::from_millis(7));
        assert_eq!(clock.now().rfc3339(), "2025-07-14T09:54:56.007Z");
        assert_eq!(Timestamp::EPOCH.rfc3339(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told_to_and_its_clones_follow() {
        let clock = Clock::fixed(1_700_000_000);
        let clone = clock.clone();
        let start = clock.now();
        assert_eq!(start, clone.now());

        clock.advance(Duration::from_millis(1500));

        assert_eq!(clone.now().since(start), Duration::from_millis(1500));
        assert!((clone.now().unix_seconds() - 1_700_000_001.5).abs() < 1e-6);
        assert_eq!(start.since(clone.now()), Duration::ZERO);
    }

    #[test]
    fn a_period_ends_when_its_time_is_over_or_the_clock_is_set_back() {
        let clock = Clock::fixed(1_700_000_000);
        let (start, period) = (clock.now(), Duration::from_secs(30));
        assert!(clock.now().is_within(period, start));
        clock.advance(Duration::from_millis(29_999));
        assert!(clock.now().is_within(period, start));
        clock.advance(Duration::from_millis(1));
        assert!(!clock.now().is_within(period, start));
        clock.set_back(Duration::from_mins(10));
        assert!(!clock.now().is_within(period, start), "the start is in the future");
    }

    #[test]
    fn the_system_clock_is_after_this_was_written() {
        assert!(Clock::system().now().unix_seconds() > 1_700_000_000.0);
    }
}
