//! Compares Anteroom with what people would use instead: the endpoints in Node with the official
//! SDKs, and in Rust with the usual crates as they come.

use std::fs;
use std::path::{Path, PathBuf};

use crate::chart::chart;
use crate::measurement::Plan;
use crate::programs::Programs;
use crate::report::report;
use crate::results::Results;
use crate::subject::{Endpoint, Identity, Secrets, Subject};
use crate::{Failure, table};

const FULL: Plan = Plan { rounds: 15, warm_up: 300, warm: 700 };
const SHORT: Plan = Plan { rounds: 3, warm_up: 100, warm: 200 };

/// What the command line asks for.
#[derive(Default)]
struct Options {
    is_short: bool,
    rounds: Option<u32>,
    output: Option<PathBuf>,
    functions: Option<PathBuf>,
    only: Vec<String>,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut folder = || arguments.next().ok_or(format!("{argument} lacks its folder"));
            match argument.as_str() {
                "--short" => options.is_short = true,
                "--rounds" => {
                    let rounds = arguments.next().and_then(|text| text.parse().ok());
                    let rounds = rounds.filter(|number| *number > 0);
                    options.rounds = Some(rounds.ok_or("--rounds lacks its number")?);
                }
                "--output" => options.output = Some(folder()?.into()),
                "--functions" => options.functions = Some(folder()?.into()),
                name if Endpoint::COMPARED.iter().any(|endpoint| endpoint.name() == name) => {
                    options.only.push(argument);
                }
                _ => return Err(format!("{argument} is neither an option nor an endpoint").into()),
            }
        }
        Ok(options)
    }

    fn plan(&self) -> Plan {
        let plan = if self.is_short { SHORT } else { FULL };
        Plan { rounds: self.rounds.unwrap_or(plan.rounds), ..plan }
    }

    fn wants(&self, endpoint: Endpoint) -> bool {
        self.only.is_empty()
            || endpoint == Endpoint::Hello
            || self.only.iter().any(|name| name == endpoint.name())
    }
}

/// Prints tables, and writes the results as JSON and as a chart.
pub(crate) async fn with_others(
    root: &Path,
    arguments: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let endpoints = Endpoint::COMPARED.into_iter().filter(|endpoint| options.wants(*endpoint));
    let subjects: Vec<_> = endpoints.flat_map(subjects_of).collect();
    let programs = Programs::with_functions(root, &subjects, options.functions.clone())?;
    let results = Results::measure(&subjects, &programs, options.plan()).await?;
    table::print_by_figure(&results);
    let folder = options.output.clone().unwrap_or_else(|| root.join("target/compare"));
    fs::create_dir_all(&folder)?;
    let json = serde_json::to_string_pretty(&report(&results, options.plan()))?;
    fs::write(folder.join("results.json"), json + "\n")?;
    fs::write(folder.join("chart.svg"), chart(&results)?)?;
    println!("The results are in {}", folder.display());
    Ok(())
}

fn subjects_of(endpoint: Endpoint) -> impl Iterator<Item = Subject> {
    endpoint.implementations().iter().flat_map(move |&implementation| {
        let subject = move |&secrets| Subject { endpoint, implementation, secrets };
        endpoint.secrets().iter().map(subject)
    })
}

/// Prints the functions' figures next to those of `hello`.
pub(crate) async fn with_hello(root: &Path) -> Result<(), Failure> {
    let subjects = functions();
    let programs = Programs::build(root, &subjects)?;
    let results = Results::measure(&subjects, &programs, FULL).await?;
    table::print_by_subject(&results);
    Ok(())
}

/// `hello`, and Anteroom's functions for the kinds of work that there are.
pub(crate) fn functions() -> Vec<Subject> {
    let liveblocks = Subject::anteroom(Endpoint::LiveblocksAuth(Identity::Clerk));
    vec![
        Subject::HELLO,
        Subject::anteroom(Endpoint::RoomAuth(Identity::WorkOs)),
        Subject::anteroom(Endpoint::RoomAuth(Identity::Clerk)),
        liveblocks,
        liveblocks.with_secrets_in(Secrets::SecretsManager),
        Subject::anteroom(Endpoint::LiveblocksAuth(Identity::WorkOs)),
    ]
}
