//! Deletes deliveries that nobody will ask for any more. Several replicas may do so at once.

use std::time::Duration;

use db::{DbError, causes, webhook_deliveries};
use service_kit::Kit;
use tokio::time::MissedTickBehavior;

use crate::metrics;

const EVERY: Duration = Duration::from_hours(1);

/// Looks now and then at intervals, until the service stops.
pub(crate) async fn run(kit: Kit, keep: Duration) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = kit.stopping.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = expire(&kit, keep).await {
            tracing::warn!(
                error = causes::chain(&error),
                "deleting old deliveries was put off to the next turn"
            );
        }
    }
}

async fn expire(kit: &Kit, keep: Duration) -> Result<(), DbError> {
    let conn = kit.db.conn("webhook.expire").await?;
    while !kit.stopping.is_cancelled() {
        let gone = webhook_deliveries::expire_all_orgs(&conn, keep).await?;
        metrics::expired(gone.unsigned_abs());
        if gone == 0 {
            break;
        }
    }
    Ok(())
}
