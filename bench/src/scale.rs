//! Measures how the functions behave at the edges: many requests, many starts at once, many
//! organizations and keys, large bodies and sessions, and several requests at a time.

mod bodies;
mod burst;
mod concurrency;
mod endurance;
mod keys;
mod metadata;
mod organizations;

use std::fs;
use std::path::{Path, PathBuf};

use anteroom_local::instance::Instance;
use anteroom_testing::Event;
use serde_json::Value;

use crate::Failure;
use crate::curve::Curves;
use crate::functions::{BARE_HELLO, Functions};
use crate::process::cpu_ms;
use crate::statistics::Spread;

/// The functions that are measured.
const FUNCTIONS: [&str; 7] = [
    "room-auth",
    "liveblocks-auth",
    "sign-in",
    "session",
    "finalize-magic-auth",
    "select-organization",
    BARE_HELLO,
];

/// The names of what can be measured.
const ALL: [&str; 7] =
    ["endurance", "burst", "organizations", "keys", "bodies", "metadata", "concurrency"];

/// The functions, and how much is measured of them.
struct Bench {
    functions: Functions,
    is_short: bool,
}

/// What the command line asks for.
struct Options {
    is_short: bool,
    output: PathBuf,
    functions: Option<PathBuf>,
    only: Vec<String>,
}

impl Options {
    fn read(root: &Path, mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let output = root.join("target/scale");
        let mut read = Self { is_short: false, output, functions: None, only: Vec::new() };
        while let Some(argument) = arguments.next() {
            let mut folder = || arguments.next().ok_or(format!("{argument} lacks its folder"));
            match argument.as_str() {
                "--short" => read.is_short = true,
                "--output" => read.output = folder()?.into(),
                "--functions" => read.functions = Some(folder()?.into()),
                name if ALL.contains(&name) => read.only.push(argument),
                _ => return Err(format!("there is nothing called {argument} to measure").into()),
            }
        }
        Ok(read)
    }
}

/// Prints a table per figure, and writes the figures as JSON and as charts.
pub(crate) async fn print(
    root: &Path,
    arguments: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    let options = Options::read(root, arguments)?;
    let functions = match options.functions {
        Some(folder) => Functions::in_folder(folder),
        None => Functions::build(root, &FUNCTIONS)?,
    };
    let bench = Bench { functions, is_short: options.is_short };
    fs::create_dir_all(&options.output)?;
    for name in ALL {
        if !options.only.is_empty() && !options.only.iter().any(|only| only == name) {
            continue;
        }
        let curves = bench.measure(name).await.map_err(|error| format!("{name}: {error}"))?;
        curves.print();
        let file = |extension: &str| options.output.join(format!("{name}.{extension}"));
        fs::write(file("json"), serde_json::to_string_pretty(&curves.json())? + "\n")?;
        fs::write(file("svg"), curves.svg()?)?;
    }
    println!("The figures and charts are in {}", options.output.display());
    Ok(())
}

impl Bench {
    async fn measure(&self, name: &str) -> Result<Curves, Failure> {
        match name {
            "endurance" => endurance::curves(self).await,
            "burst" => burst::curves(self).await,
            "organizations" => organizations::curves(self).await,
            "keys" => keys::curves(self).await,
            "bodies" => bodies::curves(self).await,
            "metadata" => metadata::curves(self).await,
            _ => concurrency::curves(self).await,
        }
    }

    /// One figure for a quick look, another for a thorough one.
    fn either<T>(&self, short: T, full: T) -> T {
        if self.is_short { short } else { full }
    }

    /// The CPU time per warm request in milliseconds: the median of several batches.
    async fn cpu_per_request(
        &self,
        instance: &Instance,
        mut next: impl AsyncFnMut() -> Result<Event, Failure>,
        is_right: impl Fn(&Value) -> bool,
    ) -> Result<f64, Failure> {
        let (batches, requests) = self.either((2, 5), (7, 20));
        let mut figures = Vec::new();
        // The first batch warms up.
        for batch in 0..=batches {
            let before = cpu_ms(instance.pid()).await?;
            for _ in 0..requests {
                let event = next().await?;
                ask(instance, &event, &is_right).await?;
            }
            if batch > 0 {
                figures.push((cpu_ms(instance.pid()).await? - before) / f64::from(requests));
            }
        }
        Ok(Spread::of(figures).median)
    }
}

/// Sends an event, and checks the answer.
async fn ask(
    instance: &Instance,
    event: &Event,
    is_right: impl Fn(&Value) -> bool,
) -> Result<Value, Failure> {
    let answer = instance.invoke(event.as_json()).await?;
    if is_right(&answer) { Ok(answer) } else { Err(format!("the answer is {answer}").into()) }
}

/// The body of an answer with status 200.
fn body(answer: &Value) -> Option<Value> {
    let body = answer["body"].as_str().filter(|_| answer["statusCode"] == 200)?;
    serde_json::from_str(body).ok()
}
