//! Metrics: counts and durations, written to the log in the embedded metric format, from which
//! `CloudWatch` extracts them without a call.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! | metric | unit | by |
//! |---|---|---|
//! | `Requests` | count | `Stage`, `Endpoint`, `Outcome`: `ok`, `refused` (4xx), `failed` (5xx) |
//! | `Duration` | milliseconds | `Stage`, `Endpoint` |
//! | `ColdStarts` | count | `Stage`, `Endpoint` |
//! | `ProviderCalls` | count | `Stage`, `Provider`, `Outcome`: `ok`, `refused`, or how it failed |
//! | `ProviderDuration` | milliseconds | `Stage`, `Provider` |
//!
//! There are no other dimensions, because each combination of values is a metric that costs money
//! every month. No dimension is personal.

use std::sync::OnceLock;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::log;

const NAMESPACE: &str = "Anteroom";

static WRITER: OnceLock<Writer> = OnceLock::new();

/// The fields that all lines of a process share.
#[derive(Debug)]
struct Writer {
    stage: String,
    level: &'static str,
}

/// Starts writing metrics, which are written with the request's log lines. Without this call, as in tests, no
/// metrics are written.
///
/// Lambda drops lines below the configured log level and reads a line without a level as `INFO`, so
/// metrics are written at the lowest level that passes.
pub(crate) fn start(stage: Option<&str>, log_level: Option<&str>) {
    let level = match log_level.unwrap_or_default().to_ascii_uppercase().as_str() {
        "WARN" => "WARN",
        "ERROR" => "ERROR",
        "FATAL" => "FATAL",
        _ => "INFO",
    };
    // Fails if it has already been started.
    let _ = WRITER.set(Writer { stage: stage.unwrap_or("dev").to_owned(), level });
}

/// Counts a handled request.
pub(crate) fn answered(
    endpoint: &str,
    status: StatusCode,
    took: Duration,
    cold: bool,
    now: Timestamp,
) {
    let outcome = match status.as_u16() {
        ..400 => "ok",
        400..500 => "refused",
        500.. => "failed",
    };
    write(
        now,
        &ANSWERED,
        Answered {
            endpoint,
            outcome,
            requests: 1,
            duration: milliseconds(took),
            cold_starts: cold.into(),
        },
    );
}

/// Counts a provider call.
pub(crate) fn called(provider: &str, outcome: &str, took: Duration, now: Timestamp) {
    write(
        now,
        &CALLED,
        Called { provider, outcome, provider_calls: 1, provider_duration: milliseconds(took) },
    );
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answered<'a> {
    endpoint: &'a str,
    outcome: &'a str,
    requests: u8,
    duration: f64,
    cold_starts: u8,
}

const ANSWERED: [Directive; 2] = [
    Directive {
        namespace: NAMESPACE,
        dimensions: [&["Stage", "Endpoint", "Outcome"]],
        metrics: &[Metric { name: "Requests", unit: "Count" }],
    },
    Directive {
        namespace: NAMESPACE,
        dimensions: [&["Stage", "Endpoint"]],
        metrics: &[
            Metric { name: "Duration", unit: "Milliseconds" },
            Metric { name: "ColdStarts", unit: "Count" },
        ],
    },
];

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Called<'a> {
    provider: &'a str,
    outcome: &'a str,
    provider_calls: u8,
    provider_duration: f64,
}

const CALLED: [Directive; 2] = [
    Directive {
        namespace: NAMESPACE,
        dimensions: [&["Stage", "Provider", "Outcome"]],
        metrics: &[Metric { name: "ProviderCalls", unit: "Count" }],
    },
    Directive {
        namespace: NAMESPACE,
        dimensions: [&["Stage", "Provider"]],
        metrics: &[Metric { name: "ProviderDuration", unit: "Milliseconds" }],
    },
];

/// Metrics and their dimensions.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [&'static [&'static str]; 1],
    metrics: &'static [Metric],
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

/// A line in the embedded metric format. It is written straight into a buffer: two of these lines
/// as trees of values were a tenth of a warm request's instructions.
#[derive(Serialize)]
struct Line<'a, T> {
    timestamp: String,
    level: &'static str,
    #[serde(rename = "Stage")]
    stage: &'a str,
    #[serde(flatten)]
    values: T,
    #[serde(rename = "_aws")]
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    timestamp: u64,
    cloud_watch_metrics: &'a [Directive],
}

fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

fn write(now: Timestamp, directives: &[Directive], values: impl Serialize) {
    let Some(writer) = WRITER.get() else {
        return;
    };
    if let Ok(mut line) = serde_json::to_vec(&writer.line(now, directives, values)) {
        line.push(b'\n');
        log::hold(&line);
    }
}

impl Writer {
    fn line<'a, T>(
        &'a self,
        now: Timestamp,
        directives: &'a [Directive],
        values: T,
    ) -> Line<'a, T> {
        let metadata = Metadata { timestamp: now.unix_millis(), cloud_watch_metrics: directives };
        Line { timestamp: now.rfc3339(), level: self.level, stage: &self.stage, values, metadata }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_in_the_embedded_metric_format() {
        let writer = Writer { stage: "prod".to_owned(), level: "INFO" };
        let now = Timestamp::EPOCH.after(Duration::from_millis(1_752_486_896_007));
        let answered = Answered {
            endpoint: "sign-in",
            outcome: "ok",
            requests: 1,
            duration: 2.5,
            cold_starts: 1,
        };
        let line = writer.line(now, &ANSWERED, answered);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_752_486_896_007_u64,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Anteroom",
                        "Dimensions": [["Stage", "Endpoint", "Outcome"]],
                        "Metrics": [{ "Name": "Requests", "Unit": "Count" }],
                    },
                    {
                        "Namespace": "Anteroom",
                        "Dimensions": [["Stage", "Endpoint"]],
                        "Metrics": [
                            { "Name": "Duration", "Unit": "Milliseconds" },
                            { "Name": "ColdStarts", "Unit": "Count" },
                        ],
                    },
                ],
            },
            "timestamp": "2025-07-14T09:54:56.007Z",
            "level": "INFO",
            "Stage": "prod",
            "Endpoint": "sign-in",
            "Outcome": "ok",
            "Requests": 1,
            "Duration": 2.5,
            "ColdStarts": 1,
        });
        assert_eq!(serde_json::to_value(line).expect("JSON"), expected);
    }
}
