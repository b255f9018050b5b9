//! Load on the whole project: `cargo run --bin load -- --seconds 300`.
//!
//! Starts `cargo dev` with a stand-in for every provider, sends it a bounded mix of requests from this
//! process, and switches the stand-ins' faults on and off. Every answer is checked: while a provider that
//! the request needs is failing, it may be an outage's; at any other time, it must be the right one. No
//! session may be lost, and no function's memory may grow. At the end, fifty processes start at once.
//! Prints tables; fails if something was wrong.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

mod browser;
mod dev;
mod figures;
mod journeys;
mod outages;
mod starts;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anteroom_local::workspace::BuildError;
use anteroom_security::Table;
use lexopt::{Arg, Parser, ValueExt as _};
use reqwest::{Client, redirect::Policy};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::dev::{Dev, Memory};
use crate::figures::Figures;
use crate::outages::Outages;

const HELP: &str = "cargo run --bin load -- [--seconds SECONDS]   (default: 300, at least 30)";

/// The lifetime of access tokens, so that sessions are refreshed all the time.
const TOKEN_SECONDS: u64 = 10;

/// The growth of a process's memory that is not a leak: caches and the allocator's own, in KiB.
const MOST_GROWTH: u64 = 4 * 1024;

/// Why there was no load.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}\n\n{HELP}")]
    Usage(#[from] lexopt::Error),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("{0}")]
    System(#[from] std::io::Error),
    #[error("cargo dev did not say where it listens")]
    NoAddress,
    #[error("{0} is not a stand-in: unset its credentials, in .env too")]
    RealProvider(&'static str),
}

/// What all requests share.
pub(crate) struct Load {
    pub(crate) dev: Dev,
    pub(crate) client: Client,
    pub(crate) outages: Outages,
    pub(crate) figures: Figures,
    wrong: Mutex<BTreeMap<String, usize>>,
    made: AtomicUsize,
    sessions: AtomicUsize,
}

impl Load {
    /// Counts a wrong answer.
    pub(crate) fn wrong(&self, what: String) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        *wrong.entry(what).or_default() += 1;
    }

    /// A number that nobody else gets.
    pub(crate) fn next(&self) -> usize {
        self.made.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a session that lasted until the end.
    pub(crate) fn count_session(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool, Failure> {
    let Some(duration) = duration()? else {
        println!("{HELP}");
        return Ok(true);
    };
    let load = Arc::new(Load {
        dev: Dev::start().await?,
        client: client(),
        outages: Outages::default(),
        figures: Figures::default(),
        wrong: Mutex::default(),
        made: AtomicUsize::new(0),
        sessions: AtomicUsize::new(0),
    });
    shorten_tokens(&load).await;
    let end = Instant::now() + duration;
    let mut people = tokio::task::JoinSet::new();
    macro_rules! people {
        ($($count:literal $journey:ident),+) => {
            $(for _ in 0..$count {
                let load = Arc::clone(&load);
                people.spawn(async move { journeys::$journey(&load, end).await });
            })+
        };
    }
    people!(2 code, 4 long_session, 2 rooms, 2 recordings, 2 documents, 1 developer, 1 mistakes);
    let faulty = Arc::clone(&load);
    people.spawn(async move { outages::cause(&faulty, end).await });
    // Until every process has served some requests.
    sleep(duration / 3).await;
    let before = load.dev.memory();
    people.join_all().await;
    let after = load.dev.memory();

    let mut tables = vec![load.figures.table(), memory(&before, &after), starts::table().await];
    let wrong = std::mem::take(&mut *load.wrong.lock().unwrap_or_else(PoisonError::into_inner));
    tables.push(summary(&load, duration, &wrong));
    // A table that fails panics, which must not keep the others from being printed.
    let mut held = true;
    for table in tables {
        held &= tokio::spawn(async move { table.finish() }).await.is_ok();
    }
    Ok(held)
}

fn summary(load: &Load, duration: Duration, wrong: &BTreeMap<String, usize>) -> Table {
    let columns =
        ["seconds", "answers", "excused", "outages", "sessions to the end", "wrong answers"];
    let mut table = Table::new("Load, in all", &columns);
    let (answers, excused) = load.figures.totals();
    let numbers = [
        duration.as_secs(),
        answers as u64,
        excused as u64,
        load.outages.count() as u64,
        load.sessions.load(Ordering::Relaxed) as u64,
        wrong.values().sum::<usize>() as u64,
    ];
    let shown: Vec<_> =
        wrong.iter().take(40).map(|(what, count)| format!("{count} times: {what}")).collect();
    let held = if wrong.is_empty() { Ok(()) } else { Err(shown.join("; ")) };
    table.row(numbers.map(|number| number.to_string()), held);
    table
}

/// The memory of the processes that lived from the first look to the last.
fn memory(before: &BTreeMap<u32, Memory>, after: &BTreeMap<u32, Memory>) -> Table {
    let columns =
        ["function", "processes", "VmRSS then, MiB", "VmRSS at the end, MiB", "most growth, KiB"];
    let mut table = Table::new("Memory", &columns);
    let mut functions: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for (id, then) in before {
        if let Some(now) = after.get(id) {
            functions.entry(&then.function).or_default().push((then.resident, now.resident));
        }
    }
    for (function, sizes) in functions {
        let growth = sizes.iter().map(|(then, now)| now.saturating_sub(*then)).max();
        let growth = growth.unwrap_or_default();
        let range = |sizes: &mut dyn Iterator<Item = u64>| {
            let sizes: Vec<_> = sizes.collect();
            let mib = |size: Option<&u64>| {
                let tenths = size.copied().unwrap_or_default() * 10 / 1024;
                format!("{}.{}", tenths / 10, tenths % 10)
            };
            format!("{}–{}", mib(sizes.iter().min()), mib(sizes.iter().max()))
        };
        let cells = [
            function.to_owned(),
            sizes.len().to_string(),
            range(&mut sizes.iter().map(|(then, _)| *then)),
            range(&mut sizes.iter().map(|(_, now)| *now)),
            growth.to_string(),
        ];
        let held = if growth <= MOST_GROWTH { Ok(()) } else { Err("it grows".to_owned()) };
        table.row(cells, held);
    }
    table
}

fn duration() -> Result<Option<Duration>, lexopt::Error> {
    let mut arguments = Parser::from_env();
    let mut seconds: u64 = 300;
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("seconds") => seconds = arguments.value()?.parse()?,
            Arg::Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(Duration::from_secs(seconds.max(30))))
}

/// The sessions' tokens expire after seconds from now on.
async fn shorten_tokens(load: &Load) {
    let url = format!("{}/playground/access-tokens", load.dev.url);
    let request = load.client.post(url).header("x-playground", "1").header("origin", &load.dev.url);
    let sent = request.body(json!({ "seconds": TOKEN_SECONDS }).to_string()).send().await;
    match sent {
        Ok(answer) if answer.status().is_success() => {}
        Ok(answer) => {
            let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
            load.wrong(format!("the tokens' lifetime was not set: {status} {text}"));
        }
        Err(error) => load.wrong(error.to_string()),
    }
}

/// A client for plain HTTP that shows where it is sent instead of going there.
#[allow(clippy::disallowed_methods, reason = "it shares no code with the functions")]
fn client() -> Client {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let builder = Client::builder().tls_backend_preconfigured(tls).redirect(Policy::none());
    builder.timeout(Duration::from_secs(40)).build().expect("a client")
}
