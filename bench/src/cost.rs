//! Estimates what a million requests cost on AWS, from CPU time and log lines measured here, list prices,
//! and stated assumptions about the providers. See `docs/costs.md`.

use std::fs;
use std::path::Path;

use anteroom_local::instance::Instance;

use crate::Failure;
use crate::measurement::ask;
use crate::process::{cpu_ms, peak_memory_mib};
use crate::programs::Programs;
use crate::providers::Providers;
use crate::requests::Requests;
use crate::subject::{Endpoint, Identity, Subject};

/// List prices in US dollars: us-east-1, arm64, the first tier, no free tier. From AWS's 2025 pages
/// "AWS Lambda Pricing", "Amazon API Gateway pricing", "Amazon `CloudWatch` Pricing", "AWS Secrets
/// Manager pricing", "AWS X-Ray pricing" and "Amazon EC2 On-Demand Pricing" (data transfer).
mod price {
    pub(super) const LAMBDA_MILLION_REQUESTS: f64 = 0.20;
    pub(super) const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
    pub(super) const HTTP_API_MILLION_REQUESTS: f64 = 1.00;
    pub(super) const LOGS_GB: f64 = 0.50;
    pub(super) const TRANSFER_GB: f64 = 0.09;
    pub(super) const XRAY_MILLION_TRACES: f64 = 5.00;
    pub(super) const METRIC_MONTH: f64 = 0.30;
    pub(super) const ALARM_METRIC_MONTH: f64 = 0.10;
    pub(super) const DASHBOARD_MONTH: f64 = 3.00;
    pub(super) const SECRET_MONTH: f64 = 0.40;
    pub(super) const SECRET_TEN_THOUSAND_READS: f64 = 0.05;
}

/// Warm requests measured per function.
const REQUESTS: u32 = 500;

/// The memory size at which Lambda gives a function one full vCPU.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const MEGABYTES_OF_A_PROCESSOR: f64 = 1769.0;

/// X-Ray's default for Lambda: one request per second and function, and this fraction of the rest.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html>
const TRACED_OF_OTHERS: f64 = 0.05;

/// The lines that Lambda itself logs for each request, as its documentation shows them.
const LAMBDA_LINES: [&str; 2] = [
    r#"{"time":"2026-01-01T00:00:00.000Z","type":"platform.start","record":{"requestId":"8c8ee87f-57a9-4da4-94b2-1031cae84902","version":"41","tracing":{"spanId":"54565fb41ac79632","type":"X-Amzn-Trace-Id","value":"Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"}}}"#,
    r#"{"time":"2026-01-01T00:00:00.000Z","type":"platform.report","record":{"requestId":"8c8ee87f-57a9-4da4-94b2-1031cae84902","metrics":{"durationMs":123.45,"billedDurationMs":124,"memorySizeMB":256,"maxMemoryUsedMB":23},"tracing":{"spanId":"54565fb41ac79632","type":"X-Amzn-Trace-Id","value":"Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"},"status":"success"}}"#,
];

/// A typical value for each variable of API Gateway's access log format.
const ACCESS_LOG_VALUES: [(&str, &str); 12] = [
    ("${Stage}", "prod"),
    ("$context.requestId", "Zr8cJjH4FiAEPRA="),
    ("$context.requestTime", "01/Jan/2026:00:00:00 +0000"),
    ("$context.routeKey", "ANY /api/v1/livekit/room-auth"),
    ("$context.status", "200"),
    ("$context.responseLatency", "123"),
    ("$context.responseLength", "456"),
    ("$context.error.responseType", "-"),
    ("$context.integration.status", "200"),
    ("$context.integration.latency", "121"),
    ("$context.integration.integrationStatus", "200"),
    ("$context.integration.requestId", "8c8ee87f-57a9-4da4-94b2-1031cae84902"),
];

/// The assumptions that command-line options change.
struct Assumptions {
    /// Duration of one provider call, in milliseconds.
    provider_ms: f64,
    /// The functions' memory size, in megabytes.
    memory_mb: f64,
    /// How many times slower a Lambda vCPU is than this machine's.
    slower: f64,
    /// Requests per second and function.
    per_second: f64,
    /// Processes alive, averaged over a month.
    processes: f64,
}

impl Assumptions {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut read = Self {
            provider_ms: 100.0,
            memory_mb: 256.0,
            slower: 2.0,
            per_second: 10.0,
            processes: 10.0,
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or("an option lacks its value")?.parse()?;
            match name.as_str() {
                "--provider-ms" => read.provider_ms = value,
                "--memory-mb" => read.memory_mb = value,
                "--slower" => read.slower = value,
                "--per-second" => read.per_second = value,
                "--processes" => read.processes = value,
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(read)
    }
}

/// The measurements of one kind of request.
struct Measured {
    name: &'static str,
    cpu_ms: f64,
    memory_mib: f64,
    /// Provider calls, one after the other.
    calls: f64,
    log_bytes: f64,
    answer_bytes: f64,
}

/// Measures the functions and prints the tables of `docs/costs.md`. `sign-in` sends a one-time code,
/// with three WorkOS calls: the domain's organization, the user, and sending the code.
pub(crate) async fn print(
    root: &Path,
    arguments: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    let assumed = Assumptions::read(arguments)?;
    let template = fs::read_to_string(root.join("template.yaml"))?;
    let access_log = access_log_bytes(&template)?;
    let subjects = [
        Endpoint::RoomAuth(Identity::WorkOs),
        Endpoint::LiveblocksAuth(Identity::Clerk),
        Endpoint::SignIn,
    ]
    .map(Subject::anteroom);
    let programs = Programs::build(root, &subjects)?;
    let providers = Providers::start().await?;
    let mut measured = Vec::new();
    for subject in subjects {
        measured.push(measure(subject, &programs, &providers).await?);
    }

    print_inputs(&measured, access_log);
    print_million(&measured, access_log, &assumed);
    print_month(root, &template, &assumed)
}

async fn measure(
    subject: Subject,
    programs: &Programs,
    providers: &Providers,
) -> Result<Measured, Failure> {
    let name = subject.endpoint.name();
    let launch = programs.launch(subject, providers.environment(subject));
    let instance = Instance::launch(&launch).await?;
    let requests = Requests::to(subject.endpoint, providers).await?;
    let mut answer = ask(&instance, &requests).await?;
    let before = cpu_ms(instance.pid()).await?;
    for _ in 0..REQUESTS {
        answer = ask(&instance, &requests).await?;
    }
    let cpu_ms = (cpu_ms(instance.pid()).await? - before) / f64::from(REQUESTS);
    let memory_mib = peak_memory_mib(instance.pid())?;
    let lines = instance.stop().await;
    // Skip the lines from startup and the first request.
    let is_end = |line: &&String| line.contains(r#""message":"answered""#);
    let first = lines.iter().position(|line| is_end(&line)).ok_or("no request was logged")?;
    let warm = &lines[first + 2..];
    Ok(Measured {
        name,
        cpu_ms,
        memory_mib,
        calls: per_request(warm.iter().filter(|line| line.contains(r#""provider call""#)).count()),
        log_bytes: per_request(warm.iter().map(String::len).sum()),
        answer_bytes: count(answer.to_string().len()),
    })
}

fn per_request(sum: usize) -> f64 {
    count(sum) / f64::from(REQUESTS)
}

#[expect(clippy::cast_precision_loss, reason = "what is counted here is far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}

/// The length of a line of API Gateway's access log, in the template's format.
fn access_log_bytes(template: &str) -> Result<f64, Failure> {
    let format = template.lines().map(str::trim).find(|line| line.starts_with(r#"{"stage":"#));
    let mut line = format.ok_or("template.yaml has no access log in JSON")?.to_owned();
    let mut values = ACCESS_LOG_VALUES;
    // Longest first: some names are prefixes of others.
    values.sort_by_key(|(variable, _)| std::cmp::Reverse(variable.len()));
    for (variable, value) in values {
        line = line.replace(variable, value);
    }
    if line.contains('$') {
        return Err(format!("no typical value for a variable in: {line}").into());
    }
    Ok(count(line.len()))
}

fn print_inputs(measured: &[Measured], access_log: f64) {
    let platform = count(LAMBDA_LINES.iter().map(|line| line.len()).sum());
    println!("| measured, per warm request | {} |", names(measured));
    println!("|---|{}", "---|".repeat(measured.len()));
    row("CPU time here, ms", measured, |one| format!("{:.2}", one.cpu_ms));
    row("provider calls", measured, |one| format!("{:.0}", one.calls));
    row("peak memory, MiB", measured, |one| format!("{:.1}", one.memory_mib));
    row("our log lines, including metrics, bytes", measured, |one| format!("{:.0}", one.log_bytes));
    row("Lambda's log lines, bytes", measured, |_| format!("{platform:.0}"));
    row("API Gateway's log line, bytes", measured, |_| format!("{access_log:.0}"));
    row("response with headers, bytes", measured, |one| format!("{:.0}", one.answer_bytes));
    println!();
}

/// A cost item, and its dollars per million requests of a kind.
type Line<'a> = (&'static str, &'a dyn Fn(&Measured) -> f64);

fn print_million(measured: &[Measured], access_log: f64, assumed: &Assumptions) {
    let platform = count(LAMBDA_LINES.iter().map(|line| line.len()).sum());
    let billed = |one: &Measured| assumed.billed_ms(one);
    // A million times a million bytes is a thousand GB.
    let gigabytes = |bytes: f64| bytes / 1000.0;
    let lines: [Line<'_>; 6] = [
        ("API Gateway, HTTP API", &|_| price::HTTP_API_MILLION_REQUESTS),
        ("Lambda, requests", &|_| price::LAMBDA_MILLION_REQUESTS),
        ("Lambda, GB-seconds", &|one| {
            billed(one) * 1000.0 * assumed.memory_mb / 1024.0 * price::LAMBDA_GB_SECOND
        }),
        ("CloudWatch Logs, ingestion", &|one| {
            gigabytes(one.log_bytes + platform + access_log) * price::LOGS_GB
        }),
        ("X-Ray, traces", &|_| assumed.traced() * price::XRAY_MILLION_TRACES),
        ("data transfer to the internet", &|one| gigabytes(one.answer_bytes) * price::TRANSFER_GB),
    ];
    println!("| US dollars per million requests | {} |", names(measured));
    println!("|---|{}", "---|".repeat(measured.len()));
    row("billed, ms", measured, |one| format!("{:.0}", billed(one)));
    for (name, dollars) in lines {
        row(name, measured, |one| format!("{:.2}", dollars(one)));
    }
    row("**total**", measured, |one| {
        let sum: f64 = lines.iter().map(|(_, dollars)| dollars(one)).sum();
        format!("**{sum:.2}**")
    });
    println!();
}

impl Assumptions {
    /// The duration that Lambda bills for a request, in milliseconds, rounded up: the providers' time, plus
    /// our CPU time on the fraction of a vCPU that goes with the memory size.
    fn billed_ms(&self, one: &Measured) -> f64 {
        let part = (self.memory_mb / MEGABYTES_OF_A_PROCESSOR).min(1.0);
        (one.calls * self.provider_ms + one.cpu_ms * self.slower / part).ceil()
    }

    /// The fraction of requests that X-Ray records.
    fn traced(&self) -> f64 {
        let others = (self.per_second - 1.0).max(0.0);
        (self.per_second.min(1.0) + others * TRACED_OF_OTHERS) / self.per_second
    }
}

fn print_month(root: &Path, template: &str, assumed: &Assumptions) -> Result<(), Failure> {
    // `dev-sign-in` is not deployed to production.
    let functions = fs::read_dir(root.join("functions"))?.flatten();
    let functions = count(functions.filter(|entry| entry.path().is_dir()).count()) - 1.0;
    // Per function: duration, cold starts, ok and refused requests; in `all`, also failed requests.
    let (usual, all) = (functions * 4.0, functions * 5.0);
    // For WorkOS, Clerk, Liveblocks, LiveKit, S3, Secrets Manager and EventBridge: duration, ok and
    // refused calls; in `all`, also seven kinds of failure.
    let (usual, all) = (usual + 7.0 * 3.0, all + 7.0 * 10.0);
    // The metric filters on the gateway's log.
    let filters = count(template.matches("Type: AWS::Logs::MetricFilter").count());
    let (usual, all) = (usual + filters, all + filters);
    // One metric each, except for the alarm that divides failures by requests.
    let alarms = count(template.matches("Type: AWS::CloudWatch::Alarm").count()) + 1.0;
    let secrets = count(template.matches("Type: AWS::SecretsManager::Secret").count());
    // Each process reads up to two secrets every five minutes.
    let reads = assumed.processes * 2.0 * 12.0 * 730.0;

    println!("| US dollars per month | number | |");
    println!("|---|---|---|");
    let line = |name: &str, number: f64, price: f64| {
        println!("| {name} | {number:.0} | {:.2} |", number * price);
        number * price
    };
    let fixed = [
        line("metrics in use", usual, price::METRIC_MONTH),
        line("alarm metrics", alarms, price::ALARM_METRIC_MONTH),
        line("dashboard", 1.0, price::DASHBOARD_MONTH),
        line("secrets", secrets, price::SECRET_MONTH),
        line("secret reads", reads, price::SECRET_TEN_THOUSAND_READS / 10_000.0),
    ];
    println!("| **total** | | **{:.2}** |", fixed.iter().sum::<f64>());
    println!("\nAt most {all:.0} metrics, for {:.2}.", all * price::METRIC_MONTH);
    Ok(())
}

fn names(measured: &[Measured]) -> String {
    measured.iter().map(|one| one.name).collect::<Vec<_>>().join(" | ")
}

fn row(name: &str, measured: &[Measured], cell: impl Fn(&Measured) -> String) {
    println!("| {name} | {} |", measured.iter().map(cell).collect::<Vec<_>>().join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(calls: f64, cpu_ms: f64) -> Measured {
        Measured { name: "", cpu_ms, memory_mib: 0.0, calls, log_bytes: 0.0, answer_bytes: 0.0 }
    }

    #[test]
    fn bills_the_providers_time_and_ours_in_whole_milliseconds() {
        let assumed = Assumptions {
            provider_ms: 100.0,
            memory_mb: 1769.0,
            slower: 1.0,
            per_second: 1.0,
            processes: 0.0,
        };
        for (calls, cpu_ms, memory_mb, billed) in [
            (0.0, 0.2, 1769.0, 1.0),
            (2.0, 0.2, 1769.0, 201.0),
            (0.0, 1.0, 3538.0, 1.0),
            (0.0, 1.0, 442.25, 4.0),
        ] {
            let assumed = Assumptions { memory_mb, ..assumed };
            let is = assumed.billed_ms(&one(calls, cpu_ms));
            assert!((is - billed).abs() < f64::EPSILON, "{is} and not {billed}");
        }
    }

    #[test]
    fn traces_every_request_of_few_and_one_in_twenty_of_many() {
        for (per_second, part) in [(0.1, 1.0), (1.0, 1.0), (2.0, 0.525), (10_000.0, 0.050_095)] {
            let options = ["--per-second".to_owned(), f64::to_string(&per_second)];
            let traced = Assumptions::read(options.into_iter()).expect("options").traced();
            assert!((traced - part).abs() < 1e-9, "{traced} and not {part}");
        }
    }

    #[test]
    fn takes_the_gateways_log_line_from_the_template() {
        let template = r#"
            {"stage":"${Stage}","id":"$context.requestId","lambda":"$context.integration.requestId"}
        "#;
        let line = r#"{"stage":"prod","id":"Zr8cJjH4FiAEPRA=","lambda":"8c8ee87f-57a9-4da4-94b2-1031cae84902"}"#;
        let bytes = access_log_bytes(template).expect("a length");
        assert!((bytes - count(line.len())).abs() < f64::EPSILON, "{bytes}");
        assert!(access_log_bytes(r#"{"stage":"$context.unheardOf"}"#).is_err());
    }

    #[test]
    fn refuses_an_unknown_option() {
        let read = |line: &str| {
            Assumptions::read(
                line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into_iter(),
            )
        };
        assert!(read("--memory-mb 128 --provider-ms 20").is_ok());
        for line in ["--memory", "--memory-mb", "--memory-mb much", "--memory 128"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
