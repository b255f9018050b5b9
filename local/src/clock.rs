//! The system clock. This package always needs the real time, so tests cannot fix it; it is read
//! only here because the linter bans the call everywhere else.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
pub(crate) fn unix_milliseconds() -> u128 {
    now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

/// The current time.
#[allow(clippy::disallowed_methods, reason = "the one home of the time in this package")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
