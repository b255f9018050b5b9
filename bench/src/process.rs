//! The CPU time and memory of a process, from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

use crate::Failure;

/// How often a process is looked at until it rests.
const LOOK: Duration = Duration::from_millis(2);

/// How many looks in a row must find that no CPU time was used.
const LOOKS_AT_REST: u32 = 3;

/// After this many looks the process counts as one that never rests.
const MAX_LOOKS: u32 = 500;

/// The same for a process under valgrind, which is fifty times slower, so that the stand-ins' part of
/// what it still does is not taken for rest.
const SLOW_LOOKS_AT_REST: u32 = 25;
const SLOW_MAX_LOOKS: u32 = 25_000;

/// The CPU time of a process and its descendants in milliseconds, once they rest.
///
/// The kernel updates a thread's figure only when the thread stops running or at a tick, so the
/// figure of a process that is still working misses up to four milliseconds. And what a process
/// still does right after an answer was caused by the request.
pub(crate) async fn cpu_ms(pid: u32) -> Result<f64, Failure> {
    Ok(milliseconds(rest(pid, LOOKS_AT_REST, MAX_LOOKS).await?))
}

/// Waits until a process under valgrind rests.
pub(crate) async fn slow_rest(pid: u32) -> Result<(), Failure> {
    rest(pid, SLOW_LOOKS_AT_REST, SLOW_MAX_LOOKS).await.map(drop)
}

async fn rest(pid: u32, looks: u32, max_looks: u32) -> Result<u64, Failure> {
    let mut latest = nanoseconds_of_tree(pid)?;
    let mut looks_at_rest = 0;
    for _ in 0..max_looks {
        sleep(LOOK).await;
        let now = nanoseconds_of_tree(pid)?;
        let is_at_rest = now == latest && !is_running(pid)?;
        looks_at_rest = if is_at_rest { looks_at_rest + 1 } else { 0 };
        latest = now;
        if looks_at_rest == looks {
            return Ok(latest);
        }
    }
    Err(format!("the process {pid} did not become idle").into())
}

/// Whether one of the process's threads runs, or waits for a processor.
fn is_running(pid: u32) -> Result<bool, Failure> {
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let statistics = fs::read_to_string(task?.path().join("stat"))?;
        // The name, in parentheses, may contain anything.
        if statistics.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('R')) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[expect(clippy::cast_precision_loss, reason = "a process here runs for far less than 2^52 ns")]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

fn nanoseconds_of_tree(pid: u32) -> Result<u64, Failure> {
    let mut sum = nanoseconds(pid)?;
    let children = children_by_parent()?;
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for child in children.get(&parent).into_iter().flatten() {
            // A child that has just exited is no error.
            sum += nanoseconds(*child).unwrap_or_default();
            parents.push(*child);
        }
    }
    Ok(sum)
}

/// The time that the threads of a process have run.
fn nanoseconds(pid: u32) -> Result<u64, Failure> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let statistics = fs::read_to_string(task?.path().join("schedstat"))?;
        sum += statistics.split(' ').next().ok_or("no figure")?.parse::<u64>()?;
    }
    Ok(sum)
}

fn children_by_parent() -> Result<HashMap<u32, Vec<u32>>, Failure> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let Some(pid) = pid_of(&path) else { continue };
        if let Some(parent) = parent_of(&path) {
            children.entry(parent).or_default().push(pid);
        }
    }
    Ok(children)
}

fn pid_of(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.parse().ok()
}

/// The parent of a process, unless it has just exited.
fn parent_of(path: &Path) -> Option<u32> {
    let statistics = fs::read_to_string(path.join("stat")).ok()?;
    // The name, in parentheses, may contain anything.
    let (_, after_name) = statistics.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

/// The most memory that a process has had resident, in MiB.
pub(crate) fn peak_memory_mib(pid: u32) -> Result<f64, Failure> {
    memory_mib(pid, "VmHWM:")
}

/// The memory that a process has resident now, in MiB.
pub(crate) fn resident_memory_mib(pid: u32) -> Result<f64, Failure> {
    memory_mib(pid, "VmRSS:")
}

fn memory_mib(pid: u32, figure: &str) -> Result<f64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(figure)).ok_or("no such figure")?;
    let kib = line.split_whitespace().nth(1).ok_or("no figure")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}
