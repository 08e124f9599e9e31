//! Reports enter PostgreSQL one by one per connection, and wait here for their turn.
//!
//! GitHub does not send a delivery again by itself, and neither does most CI, so a burst is better kept waiting for a
//! few seconds than told to come back after the half second that the connection pool waits. Those who read keep two
//! connections to themselves.

use std::time::Duration;

use service_kit::ApiError;
use tokio::sync::{Semaphore, SemaphorePermit};

/// GitHub gives up on an answer after 10 s.
const PATIENCE: Duration = Duration::from_secs(5);
/// A burst that a few connections get through in the time that its last one waits.
const MAX_WAITING: usize = 1_000;
const LEFT_TO_READERS: usize = 2;

pub(crate) struct Turnstile {
    lanes: Semaphore,
    waiting: Semaphore,
    patience: Duration,
}

impl Turnstile {
    /// For a pool of this many connections.
    pub(crate) fn new(connections: usize) -> Self {
        Self {
            lanes: Semaphore::new(connections.saturating_sub(LEFT_TO_READERS).max(1)),
            waiting: Semaphore::new(MAX_WAITING),
            patience: PATIENCE,
        }
    }

    /// Waits for a turn, which lasts until the permit is dropped.
    pub(crate) async fn enter(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        let busy = || ApiError::Busy {
            message: "too many reports at this moment; try again in 5 s".into(),
            retry_after_s: 5,
        };
        let _place = self.waiting.try_acquire().map_err(|_full| busy())?;
        let turn = tokio::time::timeout(self.patience, self.lanes.acquire()).await;
        turn.map_err(|_elapsed| busy())?.map_err(ApiError::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_comes_when_another_ends_and_is_not_waited_for_for_ever() {
        let turnstile = Turnstile {
            patience: Duration::from_millis(20),
            ..Turnstile::new(3)
        };
        let first = turnstile.enter().await.unwrap();
        assert!(matches!(turnstile.enter().await, Err(ApiError::Busy { .. })));
        let (second, ()) = tokio::join!(turnstile.enter(), async { drop(first) });
        assert!(second.is_ok());
    }

    #[tokio::test]
    async fn the_smallest_pool_still_has_a_lane() {
        assert!(Turnstile::new(1).enter().await.is_ok());
    }
}
