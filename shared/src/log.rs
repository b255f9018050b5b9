//! Log lines: one JSON object each, on standard output, where Lambda picks them up.
//!
//! All lines of a request, metrics included, are written at once before its response is sent, because a
//! write costs more than composing a line. A warning or an error flushes the buffer immediately, in
//! case the process does not reach the end of the request. Code whose action must be traceable even
//! then calls [`flush`] after logging it.

use std::io::{self, Write};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

/// Starts logging at `level`, the value of Lambda's own `AWS_LAMBDA_LOG_LEVEL`.
///
/// The level applies to our own lines. Libraries may log whole requests, including keys, so only
/// their warnings and errors pass, plus the Lambda runtime's span with the request id.
pub(crate) fn start(level: Option<&str>) {
    let level = match level.unwrap_or_default().to_ascii_uppercase().as_str() {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "WARN" => LevelFilter::WARN,
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    };
    let heard = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("lambda_runtime::layers::trace", LevelFilter::INFO)
        // It reports an error whenever a call fails, because it cannot see our own connections.
        .with_target("aws_smithy_runtime::client::http::connection_poisoning", LevelFilter::OFF)
        .with_target("anteroom", level);
    let lines = fmt::layer()
        .with_writer(Lines)
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false);
    // Fails if logging has already been started, as in tests.
    let _ = registry().with(lines.with_filter(heard)).try_init();
}

/// Lines that wait for [`flush`].
static HELD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Decides by its level whether a line waits.
struct Lines;

/// Takes one line.
struct Line {
    is_urgent: bool,
}

impl MakeWriter<'_> for Lines {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line { is_urgent: true }
    }

    fn make_writer_for(&self, event: &Metadata<'_>) -> Line {
        Line { is_urgent: *event.level() <= Level::WARN }
    }
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        hold(line);
        if self.is_urgent {
            flush();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Adds a line, which ends with a newline, to those that wait.
pub(crate) fn hold(line: &[u8]) {
    held().extend_from_slice(line);
}

/// Writes the lines that wait. A log that cannot be written must not fail a request, so errors are
/// ignored.
pub(crate) fn flush() {
    let lines = mem::take(&mut *held());
    if !lines.is_empty() {
        let _ = io::stdout().lock().write_all(&lines);
    }
}

fn held() -> MutexGuard<'static, Vec<u8>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wait_until_one_is_urgent_or_the_request_ends() {
        let waiting = || held().len();
        let line = |is_urgent| Line { is_urgent }.write_all(b"{}\n").expect("a line");
        hold(b"{}\n");
        line(false);
        assert_eq!(waiting(), 6);
        line(true);
        assert_eq!(waiting(), 0, "all of them have left");
        line(false);
        flush();
        assert_eq!(waiting(), 0);
    }
}
