//! Background work that may continue after its request's response has been sent.
//!
//! Lambda freezes a function between requests. Unfinished work of a request would continue with the
//! next request, or never, so [`finished`] waits for it after the response has been sent and before
//! the next request is fetched. The caller does not wait for it, but the time is billed.

use std::cell::RefCell;
use std::future::Future;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::request_scope;

tokio::task_local! {
    /// The work of the current request.
    static BEGUN: RefCell<Vec<JoinHandle<()>>>;
}

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
    // Outside a request, nobody waits for it.
    let _ = BEGUN.try_with(|begun| begun.borrow_mut().push(task));
    outcome
}

/// Runs a request until its response has been sent, and then the work that it began.
pub(crate) async fn finished<F: Future>(request: F) -> F::Output {
    let request_and_work = async {
        let sent = request.await;
        for task in BEGUN.with(RefCell::take) {
            // An error is a panic, which has been logged.
            let _ = task.await;
        }
        sent
    };
    BEGUN.scope(RefCell::default(), request_and_work).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_its_own_work_and_not_for_anothers() {
        let done = Arc::new(AtomicU8::new(0));
        let request = |seconds| {
            let done = Arc::clone(&done);
            finished(async move {
                drop(begin(async move {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    done.fetch_add(1, Ordering::Relaxed);
                }));
            })
        };
        let long = tokio::spawn(request(60));
        tokio::task::yield_now().await;
        request(1).await;
        assert_eq!(done.load(Ordering::Relaxed), 1);
        long.await.expect("no panic");
        assert_eq!(done.load(Ordering::Relaxed), 2);
    }
}
