//! Counts instructions with valgrind's callgrind. Unlike CPU time, the counts are reproducible to a
//! tenth of a percent even on a busy machine, so that a change of a few percent stands out from the
//! noise.

use std::fs;
use std::path::Path;
use std::process::Command;

use anteroom_local::instance::{Instance, Launch};

use crate::Failure;
use crate::archive::zipped_bytes;
use crate::compare;
use crate::measurement::ask;
use crate::programs::Programs;
use crate::providers::Providers;
use crate::requests::Requests;
use crate::subject::Subject;

/// How many warm requests are averaged.
const WARM_REQUESTS: u64 = 200;

/// Prints how many instructions each subject executes until it asks for an event, until its first
/// response, and for a warm request. With `earlier`, a folder of binaries from another commit, it
/// counts those too and prints the change in percent.
pub(crate) async fn print(root: &Path, earlier: Option<&str>) -> Result<(), Failure> {
    let subjects = compare::functions();
    let programs = Programs::build(root, &subjects)?;
    let providers = Providers::start().await?;
    println!(
        "| thousands of instructions | start | start and first answer | warm request | zipped, KiB |"
    );
    println!("|---|---|---|---|---|");
    for subject in subjects {
        let launch = programs.launch(subject, providers.environment(subject));
        let now = count(subject, &launch, &providers).await?;
        let name = launch.executable.file_name().unwrap_or_default();
        let executable = earlier.map(|folder| Path::new(folder).join(name));
        let before = match executable.filter(|path| path.exists()) {
            // An earlier version may not have what a subject measures.
            Some(executable) => {
                count(subject, &Launch { executable, ..launch }, &providers).await.ok()
            }
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
        println!("| {} | {} |", subject.name(), cells.join(" | "));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "the counts are far smaller than 2^52")]
fn change(before: u64, now: u64) -> f64 {
    (now as f64 / before as f64 - 1.0) * 100.0
}

/// The columns of the table.
async fn count(
    subject: Subject,
    launch: &Launch,
    providers: &Providers,
) -> Result<[u64; 4], Failure> {
    let start = run(subject, launch, providers, 0).await?;
    let first_answer = run(subject, launch, providers, 1).await?;
    let many = run(subject, launch, providers, 1 + WARM_REQUESTS).await?;
    let warm = many.saturating_sub(first_answer) / WARM_REQUESTS;
    let zipped = zipped_bytes(&launch.executable)?;
    Ok([start / 1000, first_answer / 1000, warm / 1000, zipped / 1024])
}

/// The instructions of a process that handles this many requests and then exits.
async fn run(
    subject: Subject,
    launch: &Launch,
    providers: &Providers,
    requests: u64,
) -> Result<u64, Failure> {
    let folder = tempfile::tempdir()?;
    let counts = folder.path().join("counts");
    let instance = Instance::launch(&under_callgrind(launch, &counts)?).await?;
    let made = Requests::to(subject.endpoint, providers).await;
    for _ in 0..requests {
        ask(&instance, &made).await?;
    }
    // If valgrind were killed, it would not write its counts.
    Command::new("kill").arg("-TERM").arg(instance.pid().to_string()).status()?;
    instance.ended().await;
    let counts = fs::read_to_string(counts)?;
    let total = counts.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}

fn under_callgrind(launch: &Launch, counts: &Path) -> Result<Launch, Failure> {
    let valgrind = which("valgrind").ok_or("valgrind is not installed")?;
    let arguments = vec![
        "--quiet".to_owned(),
        "--tool=callgrind".to_owned(),
        format!("--callgrind-out-file={}", counts.display()),
        launch.executable.display().to_string(),
    ];
    Ok(Launch { executable: valgrind.into(), arguments, ..launch.clone() })
}

fn which(program: &str) -> Option<String> {
    let output = Command::new("which").arg(program).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    Some(path.trim().to_owned()).filter(|path| !path.is_empty())
}
