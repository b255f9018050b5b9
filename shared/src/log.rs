//! Log lines: one JSON object each, on standard output, where Lambda picks them up.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
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
        .with_target("anteroom", level);
    let lines = fmt::layer().json().flatten_event(true).with_span_list(false).with_target(false);
    // Fails if logging has already been started, as in tests.
    let _ = registry().with(lines.with_filter(heard)).try_init();
}
