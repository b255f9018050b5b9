//! Measures the functions side by side with others. See `bench/README.md`.

#![allow(clippy::print_stdout, reason = "it prints its figures")]

mod awake;
mod axis;
mod chart;
mod compare;
mod cost;
mod curve;
mod floor;
mod functions;
mod instructions;
mod latency;
mod measurement;
mod process;
mod programs;
mod providers;
mod relay;
mod report;
mod requests;
mod results;
mod scale;
mod sessions;
mod statistics;
mod stopwatch;
mod subject;
mod table;
mod zipped_size;

use std::error::Error;
use std::path::Path;

type Failure = Box<dyn Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        None => compare::with_hello(&root).await,
        Some("compare") => compare::with_others(&root, arguments).await,
        Some("instructions") => instructions::run(&root, arguments).await,
        Some("latency") => latency::print(&root, arguments).await,
        Some("floor") => floor::print(&root, arguments).await,
        Some("scale") => scale::print(&root, arguments).await,
        Some("cost") => cost::print(&root, arguments).await,
        Some(other) => Err(format!("there is nothing called {other} to measure").into()),
    }
}
