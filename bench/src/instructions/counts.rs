//! The counts of one subject.

use std::fs;
use std::path::Path;
use std::process::Command;

use anteroom_local::instance::{Instance, Launch};

use crate::Failure;
use crate::measurement::ask;
use crate::process::slow_rest;
use crate::programs::Programs;
use crate::providers::Providers;
use crate::requests::Requests;
use crate::subject::Subject;
use crate::zipped_size::zipped_bytes;

/// How many warm requests are averaged.
const WARM_REQUESTS: u64 = 200;

/// The program that counts.
const VALGRIND: &str = "valgrind";

/// The figures of a subject: thousands of instructions, and the size of its binary in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts(pub(super) [u64; 4]);

impl Counts {
    pub(super) const NAMES: [&str; 4] =
        ["start", "start and first answer", "warm request", "zipped, KiB"];

    /// Counts the instructions of this executable of a subject.
    pub(super) async fn of(
        subject: Subject,
        programs: &Programs,
        executable: &Path,
    ) -> Result<Self, Failure> {
        let counted = Self::count(subject, programs, executable).await;
        counted.map_err(|error| format!("{}: {error}", subject.name()).into())
    }

    async fn count(
        subject: Subject,
        programs: &Programs,
        executable: &Path,
    ) -> Result<Self, Failure> {
        let start = run(subject, programs, executable, 0).await?;
        let first_answer = run(subject, programs, executable, 1).await?;
        let many = run(subject, programs, executable, 1 + WARM_REQUESTS).await?;
        let warm = many.saturating_sub(first_answer) / WARM_REQUESTS;
        let zipped = zipped_bytes(executable)?;
        Ok(Self([start / 1000, first_answer / 1000, warm / 1000, zipped / 1024]))
    }
}

/// The instructions of a process that handles this many requests and then exits. The stand-ins are
/// new each time, because some of their answers grow with every request.
async fn run(
    subject: Subject,
    programs: &Programs,
    executable: &Path,
    requests: u64,
) -> Result<u64, Failure> {
    let providers = Providers::start().await?;
    let launch = programs.launch(subject, providers.environment(subject));
    let launch = Launch { executable: executable.to_owned(), ..launch };
    let folder = tempfile::tempdir()?;
    let counts = folder.path().join("counts");
    // Ready before the process is, which keeps the connections that it has opened only for seconds.
    let made = Requests::to(subject.endpoint, &providers).await?;
    let instance = Instance::launch(&under_callgrind(&launch, &counts)?).await?;
    for _ in 0..requests {
        ask(&instance, &made).await?;
    }
    // What a process still does after it has asked for an event counts, too.
    slow_rest(instance.pid()).await?;
    // If valgrind were killed, it would not write its counts.
    Command::new("kill").arg("-TERM").arg(instance.pid().to_string()).status()?;
    instance.ended().await;
    let counts = fs::read_to_string(counts)?;
    let total = counts.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}

fn under_callgrind(launch: &Launch, counts: &Path) -> Result<Launch, Failure> {
    let valgrind = which(VALGRIND).ok_or("valgrind is not installed")?;
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
