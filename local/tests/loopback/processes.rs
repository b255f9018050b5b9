//! Other processes, by their id.

use std::{fs, process::Command, time::Duration};

/// Waits until the process has ended. A zombie counts as ended: an orphan stays one where the
/// first process of a container does not collect its children.
pub(crate) async fn until_ended(pid: u32) {
    while is_running(pid) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether the process is there and no zombie.
pub(crate) fn is_running(pid: u32) -> bool {
    // "4711 (name, of any characters) S ..."
    let state = fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| stat.rsplit(") ").next()?.chars().next());
    state.map_or_else(|| kill("-0", pid), |state| state != 'Z')
}

/// Sends a signal, such as `-INT`; false when there is no such process. The shell has a `kill` of
/// its own, where a small system has no program of that name.
pub(crate) fn kill(signal: &str, pid: u32) -> bool {
    let output = Command::new("sh").args(["-c", &format!("kill {signal} {pid}")]).output();
    output.expect("there is a shell").status.success()
}
