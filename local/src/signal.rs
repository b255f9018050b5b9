//! The signals that stop the program gracefully.

use std::io;

/// Waits for SIGINT (Ctrl-C), SIGTERM or SIGHUP.
#[cfg(unix)]
pub(crate) async fn end_asked_for() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn end_asked_for() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
