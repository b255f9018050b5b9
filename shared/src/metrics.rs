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

use std::io::{self, Write as _};
use std::sync::OnceLock;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;

const NAMESPACE: &str = "Anteroom";

static WRITER: OnceLock<Writer> = OnceLock::new();

/// The fields that all lines of a process share.
#[derive(Debug)]
struct Writer {
    stage: String,
    level: &'static str,
}

/// Starts writing metrics. Without this call, as in tests, no metrics are written.
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
        &[("Endpoint", endpoint), ("Outcome", outcome)],
        &[
            Directive { by: &["Stage", "Endpoint", "Outcome"], metrics: &[REQUESTS] },
            Directive { by: &["Stage", "Endpoint"], metrics: &[DURATION, COLD_STARTS] },
        ],
        &[
            (REQUESTS.name, 1.0),
            (DURATION.name, milliseconds(took)),
            (COLD_STARTS.name, f64::from(u8::from(cold))),
        ],
    );
}

/// Counts a provider call.
pub(crate) fn called(provider: &str, outcome: &str, took: Duration, now: Timestamp) {
    write(
        now,
        &[("Provider", provider), ("Outcome", outcome)],
        &[
            Directive { by: &["Stage", "Provider", "Outcome"], metrics: &[PROVIDER_CALLS] },
            Directive { by: &["Stage", "Provider"], metrics: &[PROVIDER_DURATION] },
        ],
        &[(PROVIDER_CALLS.name, 1.0), (PROVIDER_DURATION.name, milliseconds(took))],
    );
}

/// Metrics and their dimensions.
#[derive(Clone, Copy, Debug)]
struct Directive<'a> {
    by: &'a [&'a str],
    metrics: &'a [Metric],
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

const REQUESTS: Metric = Metric { name: "Requests", unit: "Count" };
const DURATION: Metric = Metric { name: "Duration", unit: "Milliseconds" };
const COLD_STARTS: Metric = Metric { name: "ColdStarts", unit: "Count" };
const PROVIDER_CALLS: Metric = Metric { name: "ProviderCalls", unit: "Count" };
const PROVIDER_DURATION: Metric = Metric { name: "ProviderDuration", unit: "Milliseconds" };

fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

fn write(
    now: Timestamp,
    dimensions: &[(&str, &str)],
    directives: &[Directive<'_>],
    values: &[(&str, f64)],
) {
    let Some(writer) = WRITER.get() else {
        return;
    };
    let line = writer.line(now, dimensions, directives, values);
    // A request must not fail because the log cannot be written.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

impl Writer {
    fn line(
        &self,
        now: Timestamp,
        dimensions: &[(&str, &str)],
        directives: &[Directive<'_>],
        values: &[(&str, f64)],
    ) -> Value {
        let directives: Vec<Value> = directives
            .iter()
            .map(|Directive { by, metrics }| {
                json!({ "Namespace": NAMESPACE, "Dimensions": [by], "Metrics": metrics })
            })
            .collect();
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), now.rfc3339().into());
        line.insert("level".to_owned(), self.level.into());
        line.insert("Stage".to_owned(), self.stage.as_str().into());
        let dimensions = dimensions.iter().map(|(name, value)| (*name, Value::from(*value)));
        let values = values.iter().map(|(name, value)| (*name, Value::from(*value)));
        line.extend(dimensions.chain(values).map(|(name, value)| (name.to_owned(), value)));
        let metadata = json!({ "Timestamp": now.unix_millis(), "CloudWatchMetrics": directives });
        line.insert("_aws".to_owned(), metadata);
        Value::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_in_the_embedded_metric_format() {
        let writer = Writer { stage: "prod".to_owned(), level: "INFO" };
        let now = Timestamp::EPOCH.after(Duration::from_millis(1_752_486_896_007));
        let by = ["Stage", "Endpoint"];
        let directives = [Directive { by: &by, metrics: &[DURATION, COLD_STARTS] }];
        let values = [(DURATION.name, 2.5), (COLD_STARTS.name, 1.0)];
        let line = writer.line(now, &[("Endpoint", "sign-in")], &directives, &values);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_752_486_896_007_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "Anteroom",
                    "Dimensions": [["Stage", "Endpoint"]],
                    "Metrics": [
                        { "Name": "Duration", "Unit": "Milliseconds" },
                        { "Name": "ColdStarts", "Unit": "Count" },
                    ],
                }],
            },
            "timestamp": "2025-07-14T09:54:56.007Z",
            "level": "INFO",
            "Stage": "prod",
            "Endpoint": "sign-in",
            "Duration": 2.5,
            "ColdStarts": 1.0,
        });
        assert_eq!(line, expected);
    }
}
