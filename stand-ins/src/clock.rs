//! The time of this machine. What runs on a laptop needs the real one, so there is nothing to fix
//! in tests; it has one home because the linter bans the call everywhere else.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub(crate) fn unix_milliseconds() -> u128 {
    now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

/// The time now.
#[allow(clippy::disallowed_methods, reason = "the one home of the time in this package")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
