//! Waiting for something to become true, without sleeping for a guessed time.

use std::fmt::Display;
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

const PAUSE: Duration = Duration::from_millis(20);

/// Asks `poll` again and again until it gives `Ok`, and returns that value. At the deadline it panics with `what` and
/// the last `Err`, which says how things stood. A poll that hangs is cut off at the deadline too.
///
/// ```ignore
/// let incident = eventually(Duration::from_secs(2), "an open incident", async || {
///     let open = client.get("/api/incidents?status=open").await.data();
///     open[0].as_object().cloned().ok_or(open)
/// }).await;
/// ```
#[track_caller]
pub fn eventually<T, E: Display>(
    deadline: Duration,
    what: &str,
    poll: impl AsyncFnMut() -> Result<T, E>,
) -> impl Future<Output = T> {
    // An async fn would report this file as the place of the failure.
    let caller = Location::caller();
    wait(deadline, what, poll, caller)
}

async fn wait<T, E: Display>(
    deadline: Duration,
    what: &str,
    mut poll: impl AsyncFnMut() -> Result<T, E>,
    caller: &Location<'_>,
) -> T {
    let end = Instant::now() + deadline;
    let mut last = "nothing".to_owned();
    loop {
        let state = match timeout_at(end, poll()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(state)) => state.to_string(),
            Err(_elapsed) => format!("{last}; then the poll hung"),
        };
        assert!(
            Instant::now() + PAUSE <= end,
            "at {caller}: waited {deadline:?} for {what}; last seen: {state}"
        );
        last = state;
        sleep(PAUSE).await;
    }
}
