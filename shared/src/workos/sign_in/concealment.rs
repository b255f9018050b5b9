//! Conceals which addresses have an account: responses are indistinguishable, including in timing.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time;

use crate::afterwork;
use crate::api::ApiError;

/// When a concealed response is sent, counted from the arrival of the request: longer than WorkOS
/// usually takes, and short enough for a person to wait.
const LEAVES_AFTER: Duration = Duration::from_secs(2);

/// Runs `work`. A value or an error from it does not depend on the account and is returned
/// immediately. `None` is returned two seconds after the call. If `work` takes longer, `None` is
/// returned and the work continues in the background, for at most `limit`.
pub(super) async fn conceal<T: Send + 'static>(
    limit: Duration,
    work: impl Future<Output = Result<Option<T>, ApiError>> + Send + 'static,
) -> Result<Option<T>, ApiError> {
    let mut leaves = pin!(time::sleep(LEAVES_AFTER));
    let outcome = afterwork::begin(async move {
        let late = |_| Err(ApiError::unavailable("the request timed out"));
        time::timeout(limit, work).await.unwrap_or_else(late)
    });
    let outcome = tokio::select! {
        outcome = outcome => outcome,
        () = &mut leaves => return Ok(None),
    };
    match outcome {
        Ok(Ok(None)) => {
            leaves.await;
            Ok(None)
        }
        Ok(known) => known,
        Err(_) => Err(ApiError::internal("the work behind a concealed answer panicked")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::time::Instant;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(9);

    async fn after(
        pause: Duration,
        result: Result<Option<u8>, ApiError>,
    ) -> (Duration, Result<Option<u8>, ApiError>) {
        let began = Instant::now();
        let result = conceal(LIMIT, async move {
            time::sleep(pause).await;
            result
        })
        .await;
        (began.elapsed(), result)
    }

    #[tokio::test(start_paused = true)]
    async fn a_concealed_answer_leaves_after_two_seconds_however_long_the_work_takes() {
        for milliseconds in [0, 3, 600, 1_999, 2_001, 5_000, 60_000] {
            let answer = after(Duration::from_millis(milliseconds), Ok(None)).await;
            assert_eq!(answer, (LEAVES_AFTER, Ok(None)), "{milliseconds} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_everybody_may_know_is_answered_at_once_unless_it_comes_too_late() {
        let down = || ApiError::unavailable("down");
        let (early, late) = (Duration::from_millis(30), Duration::from_secs(3));
        assert_eq!(after(early, Ok(Some(7))).await, (early, Ok(Some(7))));
        assert_eq!(after(early, Err(down())).await, (early, Err(down())));
        assert_eq!(after(late, Ok(Some(7))).await, (LEAVES_AFTER, Ok(None)));
        assert_eq!(after(late, Err(down())).await, (LEAVES_AFTER, Ok(None)));
    }

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_when_the_answer_has_left() {
        let done = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&done);
        let work = async move {
            time::sleep(Duration::from_secs(5)).await;
            flag.store(true, Ordering::Relaxed);
            Ok(None::<u8>)
        };
        assert_eq!(conceal(LIMIT, work).await, Ok(None));
        assert!(!done.load(Ordering::Relaxed));
        time::sleep(Duration::from_millis(3_001)).await;
        assert!(done.load(Ordering::Relaxed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_a_defect_and_does_not_look_like_a_success() {
        let (_, result) = {
            let began = Instant::now();
            let result = conceal::<u8>(LIMIT, async { panic!("on purpose") }).await;
            (began.elapsed(), result)
        };
        assert_eq!(result.expect_err("an error").status(), 500);
    }
}
