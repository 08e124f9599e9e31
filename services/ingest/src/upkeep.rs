//! Removes what expired, every hour, on one of the replicas.

use std::time::Duration;

use db::{Db, DbError, leases};
use logstore::maintenance::{self, Cleanup};
use service_kit::Kit;
use tokio::time::Instant;
use uuid::Uuid;

const HOUR: Duration = Duration::from_hours(1);
/// The replica that holds this lease cleans up.
const LEADERSHIP: &str = "ingest.upkeep";
const LEADERSHIP_TTL: Duration = Duration::from_mins(3);
const RENEW: Duration = Duration::from_mins(1);

pub(crate) async fn clean_up_hourly(kit: Kit) {
    let owner = Uuid::new_v4();
    let cleaning = async {
        let mut last: Option<Instant> = None;
        loop {
            let leads = leads(&kit.db, owner).await;
            let due = last.is_none_or(|last| last.elapsed() >= HOUR);
            if leads && due && clean_up(&kit.db).await {
                last = Some(Instant::now());
            }
            tokio::time::sleep(RENEW).await;
        }
    };
    // Cut off in the middle, it does no harm: each batch is a transaction, and the next cleanup goes on.
    kit.stopping.run_until_cancelled(cleaning).await;
}

/// Takes or keeps the lead.
async fn leads(db: &Db, owner: Uuid) -> bool {
    let held: Result<bool, DbError> = async {
        let conn = db.conn("ingest.upkeep").await?;
        let lease = leases::acquire(&conn, LEADERSHIP, owner, LEADERSHIP_TTL).await?;
        Ok(lease.is_some())
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
        Ok(Cleanup::AlreadyRunning) => false,
        Err(error) => {
            tracing::warn!(
                error = db::causes::chain(&error),
                "the cleanup failed: {error}; it is tried again"
            );
            false
        }
    }
}
