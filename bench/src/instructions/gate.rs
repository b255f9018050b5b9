//! The gate: the counts of three programs must not grow by more than 3% unless the change says so,
//! by changing `bench/instructions.json` too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use super::change;
use super::counts::Counts;
use crate::Failure;
use crate::programs::Programs;
use crate::subject::{Endpoint, Identity, Subject};

/// The most that a figure may grow, in percent.
const TOLERANCE: u64 = 3;

/// What is counted. `hello` shows a change of the tools, the runtime or the measurement itself.
const SUBJECTS: [Subject; 3] = [
    Subject::HELLO,
    Subject::anteroom(Endpoint::RoomAuth(Identity::WorkOs)),
    Subject::anteroom(Endpoint::LiveblocksAuth(Identity::Clerk)),
];

/// The names of [`Counts::NAMES`] in the file.
const KEYS: [&str; 4] = ["start", "startAndFirstAnswer", "warmRequest", "zippedKib"];

const HINT: &str = "If the change is worth it, run `cargo run --bin bench -- instructions --accept`, \
                    commit bench/instructions.json with it, and give the reason in the message.";

/// Counts, and compares with the committed counts.
///
/// # Errors
/// Every figure that has grown by more than 3%.
pub(super) async fn check(root: &Path) -> Result<(), Failure> {
    let accepted: Value = serde_json::from_str(&fs::read_to_string(file(root))?)?;
    let tools = tools();
    if accepted["tools"] != tools {
        println!("The accepted counts are from other tools: {}, here {tools}", accepted["tools"]);
    }
    let programs = Programs::build(root, &SUBJECTS)?;
    let mut grown = Vec::new();
    for subject in SUBJECTS {
        let findings = examine(subject, &programs, &accepted).await?;
        for line in findings.table {
            println!("{line}");
        }
        grown.extend(findings.grown);
    }
    if grown.is_empty() { Ok(()) } else { Err(format!("{}. {HINT}", grown.join("; ")).into()) }
}

/// Counts, and writes the file.
pub(super) async fn accept(root: &Path) -> Result<(), Failure> {
    let programs = Programs::build(root, &SUBJECTS)?;
    let mut accepted = Map::new();
    accepted.insert("tools".to_owned(), tools());
    for subject in SUBJECTS {
        let counts = Counts::of(subject, &programs, &programs.deployed(subject)).await?;
        let figures = KEYS.into_iter().map(str::to_owned).zip(counts.0.map(Value::from));
        accepted.insert(subject.endpoint.name().to_owned(), Value::Object(figures.collect()));
    }
    fs::write(file(root), serde_json::to_string_pretty(&accepted)? + "\n")?;
    Ok(())
}

fn file(root: &Path) -> PathBuf {
    root.join("bench/instructions.json")
}

/// A comparison: all figures as a table, and those that have grown too much.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    table: Vec<String>,
    grown: Vec<String>,
}

/// Counts and compares, and does so again if that fails or a figure has grown too much: on a machine
/// that is busy enough, a timeout expires, and a process then does other work than usual.
async fn examine(
    subject: Subject,
    programs: &Programs,
    accepted: &Value,
) -> Result<Findings, Failure> {
    let executable = programs.deployed(subject);
    let attempt = async || {
        let counts = Counts::of(subject, programs, &executable).await?;
        compare(accepted, subject.endpoint.name(), counts)
    };
    match attempt().await {
        Ok(findings) if findings.grown.is_empty() => Ok(findings),
        _ => attempt().await,
    }
}

fn compare(accepted: &Value, name: &str, counts: Counts) -> Result<Findings, Failure> {
    let mut findings = Findings::default();
    for ((key, figure), now) in KEYS.into_iter().zip(Counts::NAMES).zip(counts.0) {
        let before = accepted[name][key].as_u64();
        let before = before.ok_or_else(|| format!("{name} has no {key}. {HINT}"))?;
        let line = format!("{name}, {figure}: {now} after {before} ({:+.1}%)", change(before, now));
        if now * 100 > before * (100 + TOLERANCE) {
            findings.grown.push(line.clone());
        }
        findings.table.push(line);
    }
    Ok(findings)
}

/// What the counts depend on besides the sources.
fn tools() -> Value {
    json!({
        "rust": first_line("rustc", "--version"),
        "libc": first_line("ldd", "--version"),
        "valgrind": first_line("valgrind", "--version"),
    })
}

fn first_line(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted() -> Value {
        let figures = json!({
            "start": 1000, "startAndFirstAnswer": 2000, "warmRequest": 500, "zippedKib": 100,
        });
        json!({ "room-auth": figures })
    }

    fn grown(now: [u64; 4]) -> Vec<String> {
        compare(&accepted(), "room-auth", Counts(now)).expect("a comparison").grown
    }

    #[test]
    fn a_figure_may_shrink_and_grow_by_three_percent() {
        assert_eq!(grown([1000, 2000, 500, 100]), [""; 0]);
        assert_eq!(grown([1030, 2060, 515, 103]), [""; 0]);
        assert_eq!(grown([1, 1, 1, 1]), [""; 0]);
    }

    #[test]
    fn every_figure_that_grows_more_is_named_with_both_values() {
        for (now, line) in [
            ([1031, 2000, 500, 100], "room-auth, start: 1031 after 1000 (+3.1%)"),
            ([1000, 2100, 500, 100], "room-auth, start and first answer: 2100 after 2000 (+5.0%)"),
            ([1000, 2000, 516, 100], "room-auth, warm request: 516 after 500 (+3.2%)"),
            ([1000, 2000, 500, 104], "room-auth, zipped, KiB: 104 after 100 (+4.0%)"),
        ] {
            assert_eq!(grown(now), [line]);
        }
        assert_eq!(grown([1100, 2200, 550, 110]).len(), 4);
    }

    #[test]
    fn a_program_without_accepted_counts_fails_with_the_hint() {
        let compared = compare(&accepted(), "session", Counts([1, 1, 1, 1]));
        let error = compared.expect_err("no counts").to_string();
        assert!(error.contains("session has no start") && error.contains("--accept"), "{error}");
    }
}
