//! Wall time, which only counts where something is waited for.

use std::time::{Duration, Instant};

/// Runs from when it is started.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "nothing freezes the machine that measures")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since it was started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
