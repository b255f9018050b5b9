//! The arrival, the deadline and the client of the request that is being handled.
//!
//! Every provider call depends on these, at any depth below the handler, so they are task-local
//! instead of parameters of every function. Work in a spawned task (`tokio::spawn`) has them only
//! if it is wrapped in `carried`.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::client::Client;
use crate::clock::Timestamp;

/// Time reserved at the end of a request to handle a call that times out.
const RESERVE: Duration = Duration::from_millis(200);

tokio::task_local! {
    static SCOPE: Scope;
}

#[derive(Clone, Debug)]
struct Scope {
    arrived: Moment,
    deadline: Timestamp,
    client: Client,
}

/// A position in the order of events in this process. Unlike the wall clock, it never goes
/// backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// The current moment, later than all before it.
    pub fn now() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed))
    }
}

/// Handles a request from `client` that arrives now and must finish by `deadline`.
pub async fn handle<F: Future>(deadline: Timestamp, client: Client, handling: F) -> F::Output {
    SCOPE.scope(Scope { arrived: Moment::now(), deadline, client }, handling).await
}

/// Wraps `work` for a spawned task, with the scope of the current request.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let scope = SCOPE.try_with(Clone::clone).ok();
    async move {
        match scope {
            Some(scope) => SCOPE.scope(scope, work).await,
            None => work.await,
        }
    }
}

/// When the current request arrived; outside a request, now.
pub fn arrival() -> Moment {
    SCOPE.try_with(|scope| scope.arrived).unwrap_or_else(|_| Moment::now())
}

/// When the current request must have finished; outside a request, there is no time left.
pub fn deadline() -> Timestamp {
    SCOPE.try_with(|scope| scope.deadline).unwrap_or(Timestamp::EPOCH)
}

/// How long the calls of the current request may still take; `None` outside a request.
pub(crate) fn time_left(now: Timestamp) -> Option<Duration> {
    let deadline = SCOPE.try_with(|scope| scope.deadline).ok()?;
    Some(deadline.since(now).saturating_sub(RESERVE))
}

/// Who sent the current request; outside a request, nobody known.
pub(crate) fn client() -> Client {
    SCOPE.try_with(|scope| scope.client.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn caller() -> Client {
        Client { address: "203.0.113.7".parse().ok(), user_agent: None }
    }

    #[tokio::test]
    async fn a_request_has_time_until_its_deadline_less_a_reserve() {
        let clock = Clock::fixed(1_700_000_000);
        assert_eq!(time_left(clock.now()), None);
        let deadline = clock.now().after(Duration::from_secs(9));
        handle(deadline, Client::default(), async {
            assert_eq!(time_left(clock.now()), Some(Duration::from_millis(8800)));
            clock.advance(Duration::from_secs(20));
            assert_eq!(time_left(clock.now()), Some(Duration::ZERO));
        })
        .await;
    }

    #[tokio::test]
    async fn work_in_a_task_of_its_own_has_the_requests_time_and_client() {
        let clock = Clock::fixed(1_700_000_000);
        handle(clock.now().after(Duration::from_secs(9)), caller(), async {
            let now = clock.now();
            let work = async move { (arrival(), time_left(now), client()) };
            let carried = tokio::spawn(carried(work)).await.expect("no panic");
            assert_eq!(carried, (arrival(), time_left(now), caller()));
        })
        .await;
    }

    #[tokio::test]
    async fn a_request_arrives_once_and_before_whatever_it_does() {
        let before = Moment::now();
        handle(Timestamp::EPOCH, Client::default(), async {
            let arrived = arrival();
            assert!(before < arrived && arrived < Moment::now());
            assert_eq!(arrival(), arrived);
        })
        .await;
    }
}
