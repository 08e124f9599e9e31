//! Keeps the log store in order: partitions ahead of the lines, and what expired removed.

use std::time::Duration;

use db::{Db, DbError, leases};
use logstore::maintenance::{self, Cleanup};
use service_kit::Kit;
use uuid::Uuid;

const HOUR: Duration = Duration::from_hours(1);
/// After a failure: PostgreSQL was away, or busy.
const RETRY: Duration = Duration::from_secs(30);

/// Makes day partitions at start and every hour. Every replica does: it costs nothing when they are there.
pub(crate) async fn keep_partitions(kit: Kit) {
    loop {
        let made = maintenance::make_partitions(&kit.db).await;
        let pause = match made {
            Ok(partitions) => {
                if partitions.skipped > 0 {
                    let skipped = partitions.skipped;
                    tracing::warn!(
                        skipped,
                        "{skipped} days have their lines in the default partition"
                    );
                }
                metrics::gauge!("ingest_partition_days_skipped").set(f64::from(partitions.skipped));
                HOUR
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "day partitions were not made"
                );
                RETRY
            }
        };
        if pause_unless_stopping(&kit, pause).await.is_none() {
            return;
        }
    }
}

/// The replica that holds this lease cleans up.
const LEADERSHIP: &str = "ingest.upkeep";
const LEADERSHIP_TTL: Duration = Duration::from_mins(3);
const RENEW: Duration = Duration::from_mins(1);

/// Removes what expired, every hour, on one of the replicas.
pub(crate) async fn clean_up_hourly(kit: Kit) {
    let owner = Uuid::new_v4();
    let mut last: Option<tokio::time::Instant> = None;
    loop {
        let due = last.is_none_or(|last| last.elapsed() >= HOUR);
        if due && leads(&kit.db, owner).await && clean_up(&kit.db).await {
            last = Some(tokio::time::Instant::now());
        }
        if pause_unless_stopping(&kit, RENEW).await.is_none() {
            return;
        }
    }
}

async fn leads(db: &Db, owner: Uuid) -> bool {
    let held: Result<bool, DbError> = async {
        let conn = db.conn("ingest.upkeep").await?;
        Ok(leases::acquire(&conn, LEADERSHIP, owner, LEADERSHIP_TTL)
            .await?
            .is_some())
    }
    .await;
    held.unwrap_or(false)
}

/// Says whether it is done for this hour.
async fn clean_up(db: &Db) -> bool {
    match maintenance::cleanup(db).await {
        Ok(Cleanup::Done(report)) => {
            tracing::info!(?report, "removed what expired: {} log rows", report.log_rows);
            true
        }
        Ok(Cleanup::AlreadyRunning) => true,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the cleanup failed; it is tried again"
            );
            false
        }
    }
}

/// `None` when the service stops.
async fn pause_unless_stopping(kit: &Kit, pause: Duration) -> Option<()> {
    kit.stopping.run_until_cancelled(tokio::time::sleep(pause)).await
}
