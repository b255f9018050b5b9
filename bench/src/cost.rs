//! What a million requests cost on AWS: processor time and log lines as measured here, list prices, and
//! what is assumed of the providers, said where it is used. See `docs/costs.md`.

use std::fs;
use std::path::Path;

use anteroom_local::instance::Instance;
use anteroom_local::stand_ins::clerk::Clerk;
use anteroom_local::stand_ins::liveblocks::Liveblocks;
use anteroom_local::stand_ins::livekit::LiveKit;
use anteroom_local::stand_ins::workos::WorkOs;
use anteroom_local::testing::Event;
use serde_json::json;

use crate::{Environment, Failure, peak_memory_mib, processor_ms};

/// List prices in US dollars: us-east-1, arm64, the first tier, no free tier. As AWS's pages "AWS Lambda
/// Pricing", "Amazon API Gateway pricing", "Amazon `CloudWatch` Pricing", "AWS Secrets Manager pricing",
/// "AWS X-Ray pricing" and "Amazon EC2 On-Demand Pricing" (data transfer) had them in 2025.
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

/// How many warm requests are measured of each.
const REQUESTS: u32 = 500;

/// The memory at which Lambda gives a function one whole processor.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const MEGABYTES_OF_A_PROCESSOR: f64 = 1769.0;

/// X-Ray's default for Lambda: one request a second of each function, and of the others this part.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html>
const TRACED_OF_OTHERS: f64 = 0.05;

/// What Lambda writes of each request besides, in the form that its documentation gives.
const LAMBDA_LINES: [&str; 2] = [
    r#"{"time":"2026-01-01T00:00:00.000Z","type":"platform.start","record":{"requestId":"8c8ee87f-57a9-4da4-94b2-1031cae84902","version":"41","tracing":{"spanId":"54565fb41ac79632","type":"X-Amzn-Trace-Id","value":"Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"}}}"#,
    r#"{"time":"2026-01-01T00:00:00.000Z","type":"platform.report","record":{"requestId":"8c8ee87f-57a9-4da4-94b2-1031cae84902","metrics":{"durationMs":123.45,"billedDurationMs":124,"memorySizeMB":256,"maxMemoryUsedMB":23},"tracing":{"spanId":"54565fb41ac79632","type":"X-Amzn-Trace-Id","value":"Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"},"status":"success"}}"#,
];

/// What is typical of each variable in the format of API Gateway's access log.
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

/// What the reader may change.
struct Assumptions {
    /// How long a provider takes for one call, in milliseconds.
    provider_ms: f64,
    /// The functions' memory in megabytes.
    memory_mb: f64,
    /// How many times slower a processor of Lambda's is than this one.
    slower: f64,
    /// How many requests a function gets in a second.
    per_second: f64,
    /// How many processes are alive, on the average of a month.
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
            let value = arguments.next().ok_or("each option has a value")?.parse()?;
            match name.as_str() {
                "--provider-ms" => read.provider_ms = value,
                "--memory-mb" => read.memory_mb = value,
                "--slower" => read.slower = value,
                "--per-second" => read.per_second = value,
                "--processes" => read.processes = value,
                _ => return Err(format!("there is no option {name}").into()),
            }
        }
        Ok(read)
    }
}

/// One kind of request, as measured.
struct Measured {
    name: &'static str,
    cpu_ms: f64,
    memory_mib: f64,
    /// Calls of providers, one after the other.
    calls: f64,
    log_bytes: f64,
    answer_bytes: f64,
}

/// Measures, and prints the tables of `docs/costs.md`.
pub(crate) async fn print(
    root: &Path,
    target: &Path,
    arguments: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    let assumed = Assumptions::read(arguments)?;
    let template = fs::read_to_string(root.join("template.yaml"))?;
    let access_log = access_log_bytes(&template)?;
    let measured =
        [room_auth(target).await?, liveblocks_auth(target).await?, sign_in(target).await?];

    print_inputs(&measured, access_log);
    print_million(&measured, access_log, &assumed);
    print_month(root, &template, &assumed)
}

async fn room_auth(target: &Path) -> Result<Measured, Failure> {
    let (workos, livekit) = (WorkOs::start_tls().await?, LiveKit::start_tls().await?);
    let environment = [workos.settings(), livekit.settings()].concat();
    let event = Event::post("/api/v1/livekit/room-auth")
        .bearer(&workos.access_token("jane"))
        .json(&json!({"username": "Jane Doe", "roomId": "room123"}));
    measure("room-auth", target, environment, &event).await
}

async fn liveblocks_auth(target: &Path) -> Result<Measured, Failure> {
    let (clerk, liveblocks) = (Clerk::start_tls().await?, Liveblocks::start_tls().await?);
    let environment = [clerk.settings(), liveblocks.settings()].concat();
    let event = Event::documented("liveblocks-auth.json");
    measure("liveblocks-auth", target, environment, &event).await
}

/// By a code; WorkOS is asked whether there is SSO, whether there is a user, and to send the code.
async fn sign_in(target: &Path) -> Result<Measured, Failure> {
    let workos = WorkOs::start_tls().await?;
    workos.lift_limits();
    let event = Event::documented("sign-in.json");
    measure("sign-in", target, workos.settings(), &event).await
}

async fn measure(
    name: &'static str,
    target: &Path,
    mut environment: Environment,
    event: &Event,
) -> Result<Measured, Failure> {
    environment.push(("ALLOWED_ORIGINS".to_owned(), "http://localhost:3000".to_owned()));
    environment.push(("STAGE".to_owned(), "staging".to_owned()));
    let instance = Instance::start(target.join(name), environment).await?;
    let mut answer = instance.invoke(event.as_json()).await?;
    let before = processor_ms(instance.pid())?;
    for _ in 0..REQUESTS {
        answer = instance.invoke(event.as_json()).await?;
        if answer["statusCode"] != 200 {
            return Err(format!("{name} answered {answer}").into());
        }
    }
    let cpu_ms = (processor_ms(instance.pid())? - before) / f64::from(REQUESTS);
    let memory_mib = peak_memory_mib(instance.pid())?;
    let lines = instance.stop().await;
    // The first request's lines, and those of the start, are not every request's.
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

/// The length of a line of API Gateway's access log, in the template's own format.
fn access_log_bytes(template: &str) -> Result<f64, Failure> {
    let format = template.lines().map(str::trim).find(|line| line.starts_with(r#"{"stage":"#));
    let mut line = format.ok_or("template.yaml has no access log in JSON")?.to_owned();
    let mut values = ACCESS_LOG_VALUES;
    // Those whose names begin like another's first.
    values.sort_by_key(|(variable, _)| std::cmp::Reverse(variable.len()));
    for (variable, value) in values {
        line = line.replace(variable, value);
    }
    if line.contains('$') {
        return Err(format!("nobody knows how long this becomes: {line}").into());
    }
    Ok(count(line.len()))
}

fn print_inputs(measured: &[Measured], access_log: f64) {
    let platform = count(LAMBDA_LINES.iter().map(|line| line.len()).sum());
    println!("| measured, of a warm request | {} |", names(measured));
    println!("|---|{}", "---|".repeat(measured.len()));
    row("processor time here, ms", measured, |one| format!("{:.2}", one.cpu_ms));
    row("calls of providers", measured, |one| format!("{:.0}", one.calls));
    row("peak memory, MiB", measured, |one| format!("{:.1}", one.memory_mib));
    row("our log lines, metrics included, bytes", measured, |one| format!("{:.0}", one.log_bytes));
    row("Lambda's log lines, bytes", measured, |_| format!("{platform:.0}"));
    row("API Gateway's log line, bytes", measured, |_| format!("{access_log:.0}"));
    row("answer with its headers, bytes", measured, |one| format!("{:.0}", one.answer_bytes));
    println!();
}

/// What is paid for, and how many dollars a million requests of a kind are.
type Line<'a> = (&'static str, &'a dyn Fn(&Measured) -> f64);

fn print_million(measured: &[Measured], access_log: f64, assumed: &Assumptions) {
    let platform = count(LAMBDA_LINES.iter().map(|line| line.len()).sum());
    let billed = |one: &Measured| assumed.billed_ms(one);
    // A million bytes, a million times, are a thousand GB.
    let gigabytes = |bytes: f64| bytes / 1000.0;
    let lines: [Line; 6] = [
        ("API Gateway, HTTP API", &|_| price::HTTP_API_MILLION_REQUESTS),
        ("Lambda, requests", &|_| price::LAMBDA_MILLION_REQUESTS),
        ("Lambda, GB-seconds", &|one| {
            billed(one) * 1000.0 * assumed.memory_mb / 1024.0 * price::LAMBDA_GB_SECOND
        }),
        ("CloudWatch Logs, taking in", &|one| {
            gigabytes(one.log_bytes + platform + access_log) * price::LOGS_GB
        }),
        ("X-Ray, traces", &|_| assumed.traced() * price::XRAY_MILLION_TRACES),
        ("answers sent to the internet", &|one| gigabytes(one.answer_bytes) * price::TRANSFER_GB),
    ];
    println!("| US dollars for a million requests | {} |", names(measured));
    println!("|---|{}", "---|".repeat(measured.len()));
    row("billed, ms", measured, |one| format!("{:.0}", billed(one)));
    for (name, dollars) in lines {
        row(name, measured, |one| format!("{:.2}", dollars(one)));
    }
    row("**together**", measured, |one| {
        let sum: f64 = lines.iter().map(|(_, dollars)| dollars(one)).sum();
        format!("**{sum:.2}**")
    });
    println!();
}

impl Assumptions {
    /// What Lambda bills of a request: the time that providers take, and ours on the part of a processor
    /// that goes with the memory, begun milliseconds whole.
    fn billed_ms(&self, one: &Measured) -> f64 {
        let part = (self.memory_mb / MEGABYTES_OF_A_PROCESSOR).min(1.0);
        (one.calls * self.provider_ms + one.cpu_ms * self.slower / part).ceil()
    }

    /// Which part of the requests X-Ray records.
    fn traced(&self) -> f64 {
        let others = (self.per_second - 1.0).max(0.0);
        (self.per_second.min(1.0) + others * TRACED_OF_OTHERS) / self.per_second
    }
}

fn print_month(root: &Path, template: &str, assumed: &Assumptions) -> Result<(), Failure> {
    // `dev-sign-in` is not in production.
    let functions = count(fs::read_dir(root.join("functions"))?.count()) - 1.0;
    // Of each function: its time, its cold starts, requests that are ok and refused; and failed ones.
    let (usual, all) = (functions * 4.0, functions * 5.0);
    // Of WorkOS, Clerk, Liveblocks, LiveKit and Secrets Manager: the time, calls that are ok and refused;
    // and seven ways to fail.
    let (usual, all) = (usual + 5.0 * 3.0, all + 5.0 * 10.0);
    // Metric filters on the gateway's log.
    let filters = count(template.matches("Type: AWS::Logs::MetricFilter").count());
    let (usual, all) = (usual + filters, all + filters);
    // Each of one metric, but for the one of two that divides failures by requests.
    let alarms = count(template.matches("Type: AWS::CloudWatch::Alarm").count()) + 1.0;
    let secrets = count(template.matches("Type: AWS::SecretsManager::Secret").count());
    // Every five minutes, each process reads up to two.
    let reads = assumed.processes * 2.0 * 12.0 * 730.0;

    println!("| US dollars a month | number | |");
    println!("|---|---|---|");
    let line = |name: &str, number: f64, price: f64| {
        println!("| {name} | {number:.0} | {:.2} |", number * price);
        number * price
    };
    let fixed = [
        line("metrics in use", usual, price::METRIC_MONTH),
        line("alarms' metrics", alarms, price::ALARM_METRIC_MONTH),
        line("dashboard", 1.0, price::DASHBOARD_MONTH),
        line("secrets", secrets, price::SECRET_MONTH),
        line("reading the secrets", reads, price::SECRET_TEN_THOUSAND_READS / 10_000.0),
    ];
    println!("| **together** | | **{:.2}** |", fixed.iter().sum::<f64>());
    println!("\nNever more than {all:.0} metrics, which are {:.2}.", all * price::METRIC_MONTH);
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
    fn what_is_billed_is_the_providers_time_and_ours_in_whole_milliseconds() {
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
    fn every_request_is_traced_where_few_come_and_one_in_twenty_where_many_do() {
        for (per_second, part) in [(0.1, 1.0), (1.0, 1.0), (2.0, 0.525), (10_000.0, 0.050_095)] {
            let options = ["--per-second".to_owned(), f64::to_string(&per_second)];
            let traced = Assumptions::read(options.into_iter()).expect("options").traced();
            assert!((traced - part).abs() < 1e-9, "{traced} and not {part}");
        }
    }

    #[test]
    fn the_gateways_log_line_is_the_templates() {
        let template = r#"
            {"stage":"${Stage}","id":"$context.requestId","lambda":"$context.integration.requestId"}
        "#;
        let line = r#"{"stage":"prod","id":"Zr8cJjH4FiAEPRA=","lambda":"8c8ee87f-57a9-4da4-94b2-1031cae84902"}"#;
        let bytes = access_log_bytes(template).expect("a length");
        assert!((bytes - count(line.len())).abs() < f64::EPSILON, "{bytes}");
        assert!(access_log_bytes(r#"{"stage":"$context.unheardOf"}"#).is_err());
    }

    #[test]
    fn an_option_that_is_none_is_refused() {
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
