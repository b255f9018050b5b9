//! [`play`]: many rows of a table at once.
//!
//! Most rows need the processor and end at once; some only wait, for a timeout or the end of a pause.
//! So few rows work at a time, and many wait.

use std::sync::Arc;

use anteroom_testing::openapi::OpenApi;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::{JoinError, JoinSet};

use crate::{Outcome, binary};

/// How many rows use the processor at a time. More would make providers look slow.
const WORKERS: usize = 12;

static DESKS: Semaphore = Semaphore::const_new(WORKERS);

/// The right to use the processor. A row gives it back before it waits.
///
/// # Panics
/// Never: nobody closes the semaphore.
pub async fn desk() -> SemaphorePermit<'static> {
    DESKS.acquire().await.unwrap_or_else(|error| panic!("{error}"))
}

/// What was seen in a row, and whether it held.
pub type Played<S> = (S, Outcome);

/// Plays the rows, up to `at_once` of them at a time, those first that wait, and gives them in their
/// order. A row that panics fails alone.
pub async fn play<R, S, F>(
    rows: Vec<R>,
    at_once: usize,
    waits: impl Fn(&R) -> bool,
    row: impl Fn(R) -> F,
) -> Vec<(R, S, Outcome)>
where
    R: Copy + Send + 'static,
    S: Default + Send + 'static,
    F: Future<Output = Played<S>> + Send + 'static,
{
    // Before the rows begin to wait for each other.
    binary::of("session").await;
    // Takes seconds, during which no stand-in would answer.
    OpenApi::of_this_repository();
    let mut order: Vec<_> = rows.iter().copied().enumerate().collect();
    order.sort_by_key(|(_, row)| !waits(row));
    let places = Arc::new(Semaphore::new(at_once));
    let mut running = JoinSet::new();
    for (index, it) in order {
        let (places, played) = (Arc::clone(&places), row(it));
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            let panicked = |error: JoinError| (S::default(), Err(error.to_string()));
            (index, tokio::spawn(played).await.unwrap_or_else(panicked))
        });
    }
    let mut all = running.join_all().await;
    all.sort_by_key(|(index, _)| *index);
    rows.into_iter().zip(all).map(|(row, (_, (seen, outcome)))| (row, seen, outcome)).collect()
}
