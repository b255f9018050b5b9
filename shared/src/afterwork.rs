//! Work that may outlast its request: it continues after the answer has left.
//!
//! Lambda freezes a function between requests. Unfinished work of a request would continue with the
//! next request, or never, so [`finish`] is awaited after an answer has left and before the next
//! request is fetched. The caller does not wait for it, but the time is billed.

use std::future::Future;
use std::mem;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::request_scope;

static BEGUN: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Begins `work`, which continues even if nobody waits for its outcome.
pub(crate) fn begin<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> oneshot::Receiver<T> {
    let (sender, outcome) = oneshot::channel();
    let work = request_scope::carried(work);
    let task = async move {
        // Nobody may be waiting any more.
        let _ = sender.send(work.await);
    };
    let task = tokio::spawn(task.in_current_span());
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    begun.retain(|task| !task.is_finished());
    begun.push(task);
    outcome
}

/// Waits until all work that was begun is done.
pub(crate) async fn finish() {
    let begun = mem::take(&mut *BEGUN.lock().unwrap_or_else(PoisonError::into_inner));
    for task in begun {
        // An error is a panic, which has been logged.
        let _ = task.await;
    }
}
