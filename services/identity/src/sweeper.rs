//! Deletes what ran out: sessions and forgiven login failures. Several replicas may sweep at once.

use std::time::Duration;

use db::{DbError, causes, login_throttle, sessions};
use service_kit::Kit;
use tokio::time::MissedTickBehavior;

use crate::metrics;

const EVERY: Duration = Duration::from_mins(5);
/// Rows a statement: far below what the statement timeout allows.
const BATCH: i64 = 5_000;

/// Sweeps now and then at intervals, until the service stops.
pub(crate) async fn run(kit: Kit) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = kit.stopping.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = sweep(&kit).await {
            tracing::warn!(error = causes::chain(&error), "sweep put off to the next turn");
        }
    }
}

async fn sweep(kit: &Kit) -> Result<(), DbError> {
    let conn = kit.db.conn("identity.sweep").await?;
    while !kit.stopping.is_cancelled() {
        let ended = sessions::sweep(&conn, BATCH).await?;
        let forgiven = login_throttle::sweep(&conn, BATCH).await?;
        metrics::swept("sessions", ended);
        metrics::swept("login_throttle", forgiven);
        if ended.max(forgiven) < BATCH as u64 {
            break;
        }
    }
    Ok(())
}
