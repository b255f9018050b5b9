//! The system clock. Stand-ins use the real time, unless a fault says that theirs is wrong, and read it
//! only here: the linter bans it everywhere else.

use std::{
    future::Future,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use time::{Date, Month, PrimitiveDateTime, Time};

tokio::task_local! {
    /// By how many seconds the clock is ahead.
    static AHEAD: i64;
}

/// Runs `work` with a clock that is ahead by this many seconds, or behind.
pub(crate) async fn ahead_by<T>(seconds: i64, work: impl Future<Output = T>) -> T {
    AHEAD.scope(seconds, work).await
}

/// Seconds since 1970.
pub(crate) fn unix_seconds() -> u64 {
    now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Milliseconds since 1970.
pub(crate) fn unix_milliseconds() -> i64 {
    unix_nanoseconds() / 1_000_000
}

/// Nanoseconds since 1970.
pub(crate) fn unix_nanoseconds() -> i64 {
    let since = now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// The current time.
#[allow(clippy::disallowed_methods, reason = "the one home of the time in this package")]
pub(crate) fn now() -> SystemTime {
    let ahead = AHEAD.try_with(|seconds| *seconds).unwrap_or_default();
    let (now, by) = (SystemTime::now(), Duration::from_secs(ahead.unsigned_abs()));
    if ahead < 0 { now - by } else { now + by }
}

/// Parses the time of a signature of AWS's, `20260102T030405Z`, into Unix seconds.
pub(crate) fn parse_aws_date(date: &str) -> Option<u64> {
    if date.len() != 16 || date.as_bytes()[8] != b'T' || !date.ends_with('Z') {
        return None;
    }
    let number = |from: usize, to: usize| date.get(from..to)?.parse::<u8>().ok();
    let year = date.get(..4)?.parse().ok()?;
    let month = Month::try_from(number(4, 6)?).ok()?;
    let day = Date::from_calendar_date(year, month, number(6, 8)?).ok()?;
    let time = Time::from_hms(number(9, 11)?, number(11, 13)?, number(13, 15)?).ok()?;
    let seconds = PrimitiveDateTime::new(day, time).assume_utc().unix_timestamp();
    u64::try_from(seconds).ok()
}
