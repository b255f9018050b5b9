//! Measures how long a start and the first request take when every provider is a round trip away, in
//! round trips: CPU time says nothing about what a process waits for.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anteroom_local::instance::Instance;
use anteroom_testing::Event;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::Failure;
use crate::functions::Functions;
use crate::providers::Providers;
use crate::relay::{Network, Passed, ROUND_TRIP};
use crate::requests::Requests;
use crate::sessions;
use crate::statistics::Spread;
use crate::stopwatch::Stopwatch;
use crate::subject::{Endpoint, Identity, Implementation, Secrets, Subject};
use crate::table::number;

/// How long the event of a process that was started ahead of its first request comes later. Less than
/// the time that a connection opened ahead is kept.
const PAUSE: Duration = Duration::from_millis(500);

/// Opening a connection takes two round trips: one for TCP, one for TLS 1.3.
const CONNECTING: u32 = 2;

/// An endpoint, and the calls that have to wait for each other.
#[derive(Clone, Copy)]
struct Case {
    endpoint: Endpoint,
    /// Whether the session has to be refreshed first.
    refresh_due: bool,
    fetches_keys: bool,
    /// The provider calls of a request, one after the other.
    calls_in_a_row: u32,
}

const CASES: [Case; 7] = [
    case(Endpoint::RoomAuth(Identity::WorkOs), true, 0),
    case(Endpoint::LiveblocksAuth(Identity::Clerk), false, 2),
    case(Endpoint::LiveblocksAuth(Identity::WorkOs), true, 2),
    // The organizations of the domain, the user, the code.
    case(Endpoint::SignIn, false, 3),
    // The user, the code.
    case(Endpoint::FinalizeMagicAuth, false, 2),
    Case { refresh_due: true, ..case(Endpoint::Session, true, 1) },
    // What is there (two calls side by side), the start, whether it is the only one.
    case(Endpoint::StartRecording, true, 3),
];

const fn case(endpoint: Endpoint, fetches_keys: bool, calls_in_a_row: u32) -> Case {
    Case { endpoint, refresh_due: false, fetches_keys, calls_in_a_row }
}

impl Case {
    fn name(self) -> String {
        let name = self.endpoint.name();
        match self.endpoint {
            Endpoint::LiveblocksAuth(Identity::Clerk) => format!("{name} (Clerk)"),
            Endpoint::LiveblocksAuth(Identity::WorkOs) => format!("{name} (WorkOS)"),
            _ if self.refresh_due => format!("{name} (refresh due)"),
            _ => name.to_owned(),
        }
    }

    /// The fewest round trips from the start of the process to its first answer: connections, which
    /// are all opened at once, then what is fetched at start, all of it at once, then the calls.
    fn fewest(self, secrets: Secrets) -> u32 {
        let fetches = self.fetches_keys || secrets == Secrets::SecretsManager;
        let connects = fetches || self.calls_in_a_row > 0;
        u32::from(connects) * CONNECTING + u32::from(fetches) + self.calls_in_a_row
    }
}

/// What the command line asks for.
struct Options {
    rounds: u32,
    functions: Option<PathBuf>,
    before: Option<PathBuf>,
    output: PathBuf,
}

impl Options {
    fn read(root: &Path, mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let output = root.join("target/latency");
        let mut read = Self { rounds: 15, functions: None, before: None, output };
        while let Some(argument) = arguments.next() {
            let mut folder = || arguments.next().ok_or(format!("{argument} lacks its folder"));
            match argument.as_str() {
                "--short" => read.rounds = 3,
                "--functions" => read.functions = Some(folder()?.into()),
                "--before" => read.before = Some(folder()?.into()),
                "--output" => read.output = folder()?.into(),
                _ => return Err(format!("there is no option {argument}").into()),
            }
        }
        Ok(read)
    }
}

/// One start and first request.
#[derive(Clone, Copy)]
struct Run {
    start: Duration,
    answer: Duration,
    calls: usize,
    at_start: Passed,
    in_request: Passed,
}

/// The runs of a case with its secrets in one place.
struct Row {
    case: Case,
    secrets: Secrets,
    /// The event waits for the process.
    at_once: Vec<Run>,
    /// The process waits for the event.
    after_pause: Vec<Run>,
}

/// Prints a table for the functions of this commit and one for those in `--before`, and writes the
/// figures as JSON.
pub(crate) async fn print(
    root: &Path,
    arguments: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    let options = Options::read(root, arguments)?;
    let mut names: Vec<_> = CASES.iter().map(|case| case.endpoint.name()).collect();
    names.dedup();
    let now = match options.functions {
        Some(folder) => Functions::in_folder(folder),
        None => Functions::build(root, &names)?,
    };
    let mut versions = vec![("now", now)];
    versions.extend(options.before.map(|folder| ("before", Functions::in_folder(folder))));
    let mut tables: Vec<(&str, Vec<Row>)> =
        versions.iter().map(|(name, _)| (*name, rows())).collect();
    for _ in 0..options.rounds {
        // Versions take turns, so that whatever slows the machine down affects all of them.
        for ((_, functions), (_, rows)) in versions.iter().zip(&mut tables) {
            for row in rows.iter_mut().filter(|row| functions.have(row.case.endpoint.name())) {
                row.at_once.push(run(functions, row.case, row.secrets, Duration::ZERO).await?);
                row.after_pause.push(run(functions, row.case, row.secrets, PAUSE).await?);
            }
        }
    }
    for (name, rows) in &mut tables {
        rows.retain(|row| !row.at_once.is_empty());
        println!("### {name}\n");
        print_table(rows);
    }
    fs::create_dir_all(&options.output)?;
    let report: Vec<_> = tables
        .iter()
        .map(|(name, rows)| json!({ "version": name, "rows": rows.iter().map(Row::json).collect::<Vec<_>>() }))
        .collect();
    let file = options.output.join("results.json");
    fs::write(&file, serde_json::to_string_pretty(&report)? + "\n")?;
    println!("The figures are in {}", file.display());
    Ok(())
}

fn rows() -> Vec<Row> {
    let row = |case, secrets| Row { case, secrets, at_once: Vec::new(), after_pause: Vec::new() };
    let rows = CASES.into_iter().flat_map(|case| {
        [Secrets::Variables, Secrets::SecretsManager].map(|secrets| row(case, secrets))
    });
    rows.collect()
}

/// Starts a function and sends its first event after a pause.
async fn run(
    functions: &Functions,
    case: Case,
    secrets: Secrets,
    pause: Duration,
) -> Result<Run, Failure> {
    let (providers, network) = (Providers::start().await?, Network::new());
    let endpoint = case.endpoint;
    let subject = Subject { endpoint, implementation: Implementation::Anteroom, secrets };
    let environment = network.between(providers.environment(subject)).await?;
    // Tokens are issued by the address that the function knows.
    providers.workos.set_issuer(&network.relayed(&providers.workos.issuer()).await?);
    let requests = Requests::to(endpoint, &providers).await?;
    let event = if case.refresh_due {
        sessions::refresh_due(&providers).await
    } else {
        requests.next().await?
    };
    let check = |answer: &Value| {
        if case.refresh_due { sessions::check_refreshed(answer) } else { requests.check(answer) }
    };
    let launch = functions.launch(endpoint.name(), environment);
    let begun = Stopwatch::start();
    let instance = Instance::launch(&launch).await?;
    let start = begun.elapsed();
    let (at_start, earlier_calls) = (network.passed(), providers.calls());
    sleep(pause).await;
    let first = first_request(&instance, &event, check).await;
    let answer = first.map_err(|error| format!("{}: {error}", case.name()))?;
    let in_request = network.passed().since(at_start);
    let calls = providers.calls() - earlier_calls;
    instance.stop().await;
    Ok(Run { start, answer, calls, at_start, in_request })
}

/// The time from an event to its answer.
async fn first_request(
    instance: &Instance,
    event: &Event,
    check: impl Fn(&Value) -> Result<(), Failure>,
) -> Result<Duration, Failure> {
    let begun = Stopwatch::start();
    let answer = instance.invoke(event.as_json()).await?;
    let took = begun.elapsed();
    check(&answer)?;
    Ok(took)
}

impl Row {
    fn start_ms(&self) -> f64 {
        median(self.at_once.iter().chain(&self.after_pause).map(|run| milliseconds(run.start)))
    }

    fn answer_ms(&self) -> f64 {
        median(self.at_once.iter().map(|run| milliseconds(run.answer)))
    }

    fn total_ms(&self) -> f64 {
        median(self.at_once.iter().map(|run| milliseconds(run.start + run.answer)))
    }

    fn answer_after_pause_ms(&self) -> f64 {
        median(self.after_pause.iter().map(|run| milliseconds(run.answer)))
    }

    fn fewest(&self) -> u32 {
        self.case.fewest(self.secrets)
    }

    /// Whether nothing is waited for that could have been done meanwhile: no connection is opened in
    /// the request, and no round trip is left over. On a busy machine, processing takes up to one.
    fn is_at_the_limit(&self) -> bool {
        let connects = self.at_once.iter().any(|run| run.in_request.opened > 0);
        !connects && round_trips(self.total_ms()) < f64::from(self.fewest()) + 1.5
    }

    fn json(&self) -> Value {
        json!({
            "endpoint": self.case.name(),
            "secrets": self.secrets.name(),
            "startMilliseconds": self.start_ms(),
            "firstAnswerMilliseconds": self.answer_ms(),
            "startAndFirstAnswerMilliseconds": self.total_ms(),
            "firstAnswerAfterPauseMilliseconds": self.answer_after_pause_ms(),
            "fewestRoundTrips": self.fewest(),
            "callsInFirstRequest": self.at_once.iter().map(|run| run.calls).max(),
            "connectionsOpenedAtStart": self.at_once.iter().map(|run| run.at_start.opened).max(),
            "connectionsOpenedInFirstRequest":
                self.at_once.iter().map(|run| run.in_request.opened).max(),
        })
    }
}

fn print_table(rows: &[Row]) {
    println!(
        "| endpoint | secrets from | start, ms | round trips | event to answer, ms | round trips \
         | both, round trips | fewest possible | calls | connections opened at start, in the request \
         | of these ready at the first poll | event half a second later to answer, ms | round trips |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        let trips = |ms| format!("{:.1}", round_trips(ms));
        // The counts are the same in every run, or nearly.
        let typical = row.at_once[0];
        println!(
            "| {} | {} | {} | {} | {} | {} | {}{} | {} | {} | {}, {} | {} | {} | {} |",
            row.case.name(),
            row.secrets.name(),
            number(row.start_ms()),
            trips(row.start_ms()),
            number(row.answer_ms()),
            trips(row.answer_ms()),
            trips(row.total_ms()),
            if row.is_at_the_limit() { "" } else { " (!)" },
            row.fewest(),
            typical.calls,
            typical.at_start.opened,
            typical.in_request.opened,
            typical.at_start.ready,
            number(row.answer_after_pause_ms()),
            trips(row.answer_after_pause_ms()),
        );
    }
    println!();
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    Spread::of(figures.collect()).median
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn round_trips(ms: f64) -> f64 {
    ms / milliseconds(ROUND_TRIP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_round_trips_are_those_that_depend_on_each_other() {
        let fewest = |endpoint: Endpoint, secrets| {
            CASES.iter().find(|case| case.endpoint == endpoint).unwrap().fewest(secrets)
        };
        for (endpoint, variables, secrets_manager) in [
            // Connect, keys.
            (Endpoint::RoomAuth(Identity::WorkOs), 3, 3),
            // Connect, [secrets], user, token.
            (Endpoint::LiveblocksAuth(Identity::Clerk), 4, 5),
            // Connect, keys beside secrets, user, token.
            (Endpoint::LiveblocksAuth(Identity::WorkOs), 5, 5),
        ] {
            assert_eq!(fewest(endpoint, Secrets::Variables), variables, "{endpoint:?}");
            assert_eq!(fewest(endpoint, Secrets::SecretsManager), secrets_manager, "{endpoint:?}");
        }
    }
}
