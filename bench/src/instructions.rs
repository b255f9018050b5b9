//! Counts instructions with valgrind's callgrind. Unlike CPU time, the counts are reproducible to a
//! tenth of a percent even on a busy machine, so that a change of a few percent stands out from the
//! noise.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anteroom_local::instance::Instance;
use serde_json::Value;

use crate::{Failure, Providers, Subject, ask, event_of};

/// How many warm requests are averaged.
const WARM_REQUESTS: u64 = 200;

/// The counts of one subject.
struct Counts {
    start: u64,
    first_answer: u64,
    warm: u64,
}

/// Prints how many instructions each subject executes until it asks for an event, until its first
/// response, and for a warm request.
pub(crate) async fn print(subjects: &[Subject], providers: &Providers) -> Result<(), Failure> {
    println!("| thousands of instructions | start | start and first answer | warm request |");
    println!("|---|---|---|---|");
    for subject in subjects {
        let Counts { start, first_answer, warm } = count(subject, providers).await?;
        let [start, first_answer, warm] = [start, first_answer, warm].map(|count| count / 1000);
        println!("| {} | {start} | {first_answer} | {warm} |", subject.name);
    }
    Ok(())
}

async fn count(subject: &Subject, providers: &Providers) -> Result<Counts, Failure> {
    let event = event_of(subject, providers);
    let start = run(subject, &event, 0).await?;
    let first_answer = run(subject, &event, 1).await?;
    let many = run(subject, &event, 1 + WARM_REQUESTS).await?;
    let warm = many.saturating_sub(first_answer) / WARM_REQUESTS;
    Ok(Counts { start, first_answer, warm })
}

/// The instructions of a process that handles this many requests and then exits.
async fn run(subject: &Subject, event: &Value, requests: u64) -> Result<u64, Failure> {
    let folder = tempfile::tempdir()?;
    let (script, counts) = (folder.path().join(subject.name), folder.path().join("counts"));
    under_callgrind(&script, &counts, &subject.executable)?;
    let instance = Instance::start(&script, subject.environment.clone()).await?;
    for _ in 0..requests {
        ask(&instance, subject.name, event).await?;
    }
    // If valgrind were killed, it would not write its counts.
    Command::new("kill").arg("-TERM").arg(instance.pid().to_string()).status()?;
    instance.ended().await;
    let counts = fs::read_to_string(counts)?;
    let total = counts.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}

/// Writes a script that runs `executable` under callgrind, because an instance cannot pass
/// arguments.
fn under_callgrind(script: &Path, counts: &Path, executable: &Path) -> Result<(), Failure> {
    let valgrind = which("valgrind").ok_or("valgrind is not installed")?;
    let text = format!(
        "#!/bin/sh\nexec '{valgrind}' --quiet --tool=callgrind --callgrind-out-file='{}' '{}'\n",
        counts.display(),
        executable.display(),
    );
    fs::write(script, text)?;
    fs::set_permissions(script, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn which(program: &str) -> Option<String> {
    let output = Command::new("which").arg(program).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    Some(path.trim().to_owned()).filter(|path| !path.is_empty())
}
