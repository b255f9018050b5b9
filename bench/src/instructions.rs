//! Counts instructions with valgrind's callgrind. Unlike CPU time, the counts are reproducible to a
//! tenth of a percent even on a busy machine, so that a change of a few percent stands out from the
//! noise.

mod counts;
mod gate;

use std::path::{Path, PathBuf};

use self::counts::Counts;
use crate::Failure;
use crate::programs::Programs;
use crate::subject::{Endpoint, Identity, Secrets, Subject};

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// A folder of binaries from another commit, to compare with.
    before: Option<PathBuf>,
    action: Action,
    /// The names of the endpoints, or none for all.
    only: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Action {
    #[default]
    Print,
    /// Compare with the committed counts.
    Check,
    /// Write these counts.
    Accept,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--check" => options.action = Action::Check,
                "--accept" => options.action = Action::Accept,
                "--before" => {
                    let folder = arguments.next().ok_or("--before lacks its folder")?;
                    options.before = Some(folder.into());
                }
                name if subjects().iter().any(|subject| subject.endpoint.name() == name) => {
                    options.only.push(argument);
                }
                _ => return Err(format!("{argument} is neither an option nor an endpoint").into()),
            }
        }
        let is_for_all = options.only.is_empty() && options.before.is_none();
        if options.action != Action::Print && !is_for_all {
            return Err("--check and --accept take no other arguments".into());
        }
        Ok(options)
    }

    fn subjects(&self) -> Vec<Subject> {
        let is_wanted = |subject: &Subject| {
            self.only.is_empty() || self.only.iter().any(|name| name == subject.endpoint.name())
        };
        subjects().into_iter().filter(is_wanted).collect()
    }
}

/// Everything that is counted: `hello`, every endpoint, and the other providers of sessions and
/// secrets.
fn subjects() -> Vec<Subject> {
    let mut subjects = vec![Subject::HELLO];
    subjects.extend(Endpoint::ALL.iter().copied().map(Subject::anteroom));
    let liveblocks = Subject::anteroom(Endpoint::LiveblocksAuth(Identity::Clerk));
    subjects.extend([
        liveblocks.with_secrets_in(Secrets::SecretsManager),
        Subject::anteroom(Endpoint::LiveblocksAuth(Identity::WorkOs)),
        Subject::anteroom(Endpoint::RoomAuth(Identity::Clerk)),
    ]);
    subjects
}

/// Counts what the arguments name, and prints, checks or accepts the counts.
pub(crate) async fn run(
    root: &Path,
    arguments: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    match options.action {
        Action::Print => print(root, &options).await,
        Action::Check => gate::check(root).await,
        Action::Accept => gate::accept(root).await,
    }
}

/// Prints how many instructions each subject executes until it asks for an event, until its first
/// response, and for a warm request. With binaries from another commit, it counts those too and
/// prints the change in percent.
async fn print(root: &Path, options: &Options) -> Result<(), Failure> {
    let subjects = options.subjects();
    let programs = Programs::build(root, &subjects)?;
    println!("| thousands of instructions | {} |", Counts::NAMES.join(" | "));
    println!("|---|{}", "---|".repeat(Counts::NAMES.len()));
    for subject in subjects {
        let executable = programs.deployed(subject);
        let now = Counts::of(subject, &programs, &executable).await?;
        let name = executable.file_name().unwrap_or_default();
        let earlier = options.before.as_ref().map(|folder| folder.join(name));
        let before = match earlier.filter(|path| path.exists()) {
            // An earlier version may not have what a subject measures.
            Some(executable) => Counts::of(subject, &programs, &executable).await.ok(),
            None => None,
        };
        println!("| {} | {} |", subject.name(), cells(now, before).join(" | "));
    }
    Ok(())
}

fn cells(now: Counts, before: Option<Counts>) -> Vec<String> {
    let cell = |(at, figure): (usize, u64)| match before {
        Some(before) => format!("{figure} ({:+.1} %)", change(before.0[at], figure)),
        None => figure.to_string(),
    };
    now.0.into_iter().enumerate().map(cell).collect()
}

/// The change in percent.
#[expect(clippy::cast_precision_loss, reason = "the counts are far smaller than 2^52")]
fn change(before: u64, now: u64) -> f64 {
    (now as f64 / before as f64 - 1.0) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &str) -> Result<Options, Failure> {
        Options::read(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn names_select_endpoints_in_every_way_that_they_are_measured() {
        let names = |arguments| {
            let subjects = read(arguments).expect("options").subjects();
            subjects.into_iter().map(Subject::name).collect::<Vec<_>>()
        };
        assert_eq!(names("").len(), 1 + Endpoint::ALL.len() + 3);
        assert_eq!(names("sign-out hello"), ["hello, bare lambda_runtime", "sign-out"]);
        assert_eq!(
            names("--before earlier room-auth"),
            ["room-auth", "room-auth, sessions from Clerk"]
        );
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for arguments in ["rooms", "--before", "--check room-auth", "--accept --before earlier"] {
            assert!(read(arguments).is_err(), "{arguments}");
        }
    }
}
