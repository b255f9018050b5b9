//! The system clock. Stand-ins always use the real time, and read it only here: the linter bans it
//! everywhere else.

use std::time::{SystemTime, UNIX_EPOCH};

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
    SystemTime::now()
}
