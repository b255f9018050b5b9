//! When the request being handled arrived, and until when it has to be answered.
//!
//! Every call to a provider depends on these two, however deep below the handler it is made, so they
//! travel with the task and not through each function's parameters. Work that is moved to a task of
//! its own (`tokio::spawn`) does not have them, unless it is `carried`.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Timestamp;

/// What the end of a request is kept for: making use of a call that has just run out of time.
const RESERVE: Duration = Duration::from_millis(200);

tokio::task_local! {
    static SCOPE: Scope;
}

#[derive(Clone, Copy, Debug)]
struct Scope {
    arrived: Moment,
    deadline: Timestamp,
}

/// A place in the order in which things happen in this process. Unlike the time of day, it never goes
/// backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// This moment, which is later than all before it.
    pub fn now() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed))
    }
}

/// Handles a request, which arrives now and has to be answered by `deadline`.
pub async fn handle<F: Future>(deadline: Timestamp, handling: F) -> F::Output {
    SCOPE.scope(Scope { arrived: Moment::now(), deadline }, handling).await
}

/// The same work for a task of its own, which then has what the request being handled has.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let scope = SCOPE.try_with(|scope| *scope).ok();
    async move {
        match scope {
            Some(scope) => SCOPE.scope(scope, work).await,
            None => work.await,
        }
    }
}

/// When the request being handled arrived; outside of a request, this moment.
pub fn arrival() -> Moment {
    SCOPE.try_with(|scope| scope.arrived).unwrap_or_else(|_| Moment::now())
}

/// How long the calls of the request being handled may still take; outside of a request, any time.
pub(crate) fn time_left(now: Timestamp) -> Option<Duration> {
    let deadline = SCOPE.try_with(|scope| scope.deadline).ok()?;
    Some(deadline.since(now).saturating_sub(RESERVE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn a_request_has_time_until_its_deadline_less_a_reserve() {
        let clock = Clock::fixed(1_700_000_000);
        assert_eq!(time_left(clock.now()), None);
        let deadline = clock.now().after(Duration::from_secs(9));
        handle(deadline, async {
            assert_eq!(time_left(clock.now()), Some(Duration::from_millis(8800)));
            clock.advance(Duration::from_secs(20));
            assert_eq!(time_left(clock.now()), Some(Duration::ZERO));
        })
        .await;
    }

    #[tokio::test]
    async fn work_in_a_task_of_its_own_has_the_requests_time() {
        let clock = Clock::fixed(1_700_000_000);
        handle(clock.now().after(Duration::from_secs(9)), async {
            let now = clock.now();
            let carried = tokio::spawn(carried(async move { (arrival(), time_left(now)) }));
            assert_eq!(carried.await.expect("no panic"), (arrival(), time_left(now)));
        })
        .await;
    }

    #[tokio::test]
    async fn a_request_arrives_once_and_before_whatever_it_does() {
        let before = Moment::now();
        handle(Timestamp::EPOCH, async {
            let arrived = arrival();
            assert!(before < arrived && arrived < Moment::now());
            assert_eq!(arrival(), arrived);
        })
        .await;
    }
}
