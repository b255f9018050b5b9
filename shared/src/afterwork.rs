//! Background work that may continue after its request's response has been sent.
//!
//! Lambda freezes a function between requests. Unfinished work of a request would continue with the
//! next request, or never, so [`finish`] is awaited after a response has been sent and before the
//! next request is fetched. The caller does not wait for it, but the time is billed.

use std::future::Future;
use std::mem;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::request_scope;

static BEGUN: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Spawns `work`, which continues even if nobody awaits its result.
pub(crate) fn begin<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> oneshot::Receiver<T> {
    let (sender, outcome) = oneshot::channel();
    let work = request_scope::carried(work);
    let task = async move {
        // The receiver may be gone.
        let _ = sender.send(work.await);
    };
    let task = tokio::spawn(task.in_current_span());
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    begun.retain(|task| !task.is_finished());
    begun.push(task);
    outcome
}

/// Waits for all spawned work.
pub(crate) async fn finish() {
    let begun = mem::take(&mut *BEGUN.lock().unwrap_or_else(PoisonError::into_inner));
    for task in begun {
        // An error is a panic, which has been logged.
        let _ = task.await;
    }
}
