//! Counts instructions with valgrind's callgrind. Unlike CPU time, the counts are reproducible to a
//! tenth of a percent even on a busy machine, so that a change of a few percent stands out from the
//! noise.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anteroom_local::instance::Instance;

use crate::{Failure, Providers, Subject, ask, event_of, zipped_bytes};

/// How many warm requests are averaged.
const WARM_REQUESTS: u64 = 200;

/// Prints how many instructions each subject executes until it asks for an event, until its first
/// response, and for a warm request. With `earlier`, a folder of binaries from another commit, it
/// counts those too and prints the change in percent.
pub(crate) async fn print(
    subjects: &[Subject],
    providers: &Providers,
    earlier: Option<&Path>,
) -> Result<(), Failure> {
    println!(
        "| thousands of instructions | start | start and first answer | warm request | zipped, KiB |"
    );
    println!("|---|---|---|---|---|");
    for subject in subjects {
        let now = count(subject, &subject.executable, providers).await?;
        let name = subject.executable.file_name().unwrap_or_default();
        let before = match earlier.map(|folder| folder.join(name)).filter(|path| path.exists()) {
            // An earlier version may not have what a subject measures.
            Some(executable) => count(subject, &executable, providers).await.ok(),
            None => None,
        };
        let cells: Vec<_> = now
            .iter()
            .enumerate()
            .map(|(at, &figure)| match before.map(|before| before[at]) {
                Some(before) => format!("{figure} ({:+.1} %)", change(before, figure)),
                None => figure.to_string(),
            })
            .collect();
        println!("| {} | {} |", subject.name, cells.join(" | "));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "the counts are far smaller than 2^52")]
fn change(before: u64, now: u64) -> f64 {
    (now as f64 / before as f64 - 1.0) * 100.0
}

/// The columns of the table.
async fn count(
    subject: &Subject,
    executable: &Path,
    providers: &Providers,
) -> Result<[u64; 4], Failure> {
    let start = run(subject, executable, providers, 0).await?;
    let first_answer = run(subject, executable, providers, 1).await?;
    let many = run(subject, executable, providers, 1 + WARM_REQUESTS).await?;
    let warm = many.saturating_sub(first_answer) / WARM_REQUESTS;
    Ok([start / 1000, first_answer / 1000, warm / 1000, zipped_bytes(executable)? / 1024])
}

/// The instructions of a process that handles this many requests and then exits.
async fn run(
    subject: &Subject,
    executable: &Path,
    providers: &Providers,
    requests: u64,
) -> Result<u64, Failure> {
    let event = event_of(subject, providers);
    let folder = tempfile::tempdir()?;
    let (script, counts) = (folder.path().join("under-callgrind"), folder.path().join("counts"));
    under_callgrind(&script, &counts, executable)?;
    let instance = Instance::start(&script, subject.environment.clone()).await?;
    for _ in 0..requests {
        ask(&instance, subject.name, &event).await?;
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
