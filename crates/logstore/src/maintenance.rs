//! Keeps day partitions ahead of the lines that come, and removes what expired.
//!
//! Both may run on every replica at any time: making a partition that exists does nothing, and a cleanup holds a lease
//! while it runs.

use std::time::Duration;

use db::{Connection, Db, DbError, cron_runs, leases, rate_buckets};
use serde::Serialize;
use uuid::Uuid;

/// The name of a cleanup in `cron_runs`, and of its lease.
pub const CLEANUP: &str = "logs.cleanup";

/// Rows of `logs` that one transaction deletes.
const BATCH: i32 = 10_000;
/// A cleanup that says nothing for this long is taken for dead, and another may start.
const LEASE: Duration = Duration::from_mins(3);
/// One batch may take longer than a request's statement.
const LONG_STATEMENTS: &str = "SET LOCAL statement_timeout = '120s'";

/// A drop waits for running searches and writes, and new ones wait for it: it gives up before anybody notices. For the
/// transaction.
pub(crate) const PATIENCE: &str = "SET LOCAL lock_timeout = '50ms'";
/// A drop that gave up is tried again so often, with a rest in between, and then left to the next cleanup.
const DROP_TRIES: u32 = 5;
const REST: Duration = Duration::from_secs(1);

/// What [`make_partitions`] did to the days of `logs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Partitions {
    pub made: i32,
    /// Days whose lines already lie in the default partition; they stay readable there.
    pub skipped: i32,
}

/// Makes the day partitions of `logs` from two days ago to seven days ahead, and the hours of fresh segments for the next
/// ones, by the database's clock in UTC.
pub async fn make_partitions(db: &Db) -> Result<Partitions, DbError> {
    /// Partitions are made every hour.
    const HOURS_AHEAD: i32 = 3;
    const FRESH_SQL: &str = "
        -- maintenance::make_fresh_partitions
        SELECT make_fresh_partitions($1)";
    const SQL: &str = "
        -- maintenance::make_partitions
        SELECT made, skipped FROM make_log_partitions(
            (now() AT TIME ZONE 'UTC')::date - 2, (now() AT TIME ZONE 'UTC')::date + 7)";
    let conn = db.conn("logs.partitions").await?;
    let row = conn.query_one(SQL, &[]).await?;
    conn.execute(FRESH_SQL, &[&HOURS_AHEAD]).await?;
    Ok(Partitions {
        made: row.get("made"),
        skipped: row.get("skipped"),
    })
}

/// What a cleanup removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CleanupReport {
    /// Partitions of rows and of segments, a day each, that were dropped whole.
    pub partitions: Vec<String>,
    /// Lines of the remaining partitions, past their service's retention or of services that no longer exist.
    pub log_rows: i64,
    /// Segments of services that no longer exist, or that expired before they were merged.
    pub segments: i64,
    /// Rows of `log_counts`.
    pub count_rows: i64,
    /// Rows of `log_arrivals`.
    pub arrival_rows: i64,
    /// Rows of `ingest_receipts`.
    pub receipt_rows: i64,
    /// Rows of `api_key_rate_buckets`.
    pub rate_bucket_rows: i64,
    /// Templates of lines that are no longer kept.
    pub patterns: i64,
    /// Rows of `log_error_arrivals`.
    pub error_arrival_rows: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cleanup {
    Done(CleanupReport),
    /// Another process, or another task of this one, is at it.
    AlreadyRunning,
}

/// Removes everything that expired, now, and records the run in `cron_runs`. At most one runs at a time.
pub async fn cleanup(db: &Db) -> Result<Cleanup, DbError> {
    let mut conn = db.conn(CLEANUP).await?;
    let owner = Uuid::new_v4();
    let Some(lease) = leases::acquire(&conn, CLEANUP, owner, LEASE).await? else {
        return Ok(Cleanup::AlreadyRunning);
    };
    let run = cron_runs::start(&conn, CLEANUP).await?;
    let result = remove_expired(&mut conn, owner).await;
    let (outcome, report) = match &result {
        Ok(report) => ("ok".to_owned(), serde_json::to_value(report).unwrap_or_default()),
        Err(error) => (db::causes::chain(error), serde_json::Value::Null),
    };
    cron_runs::finish(&conn, run, &outcome, &report).await?;
    leases::release(&conn, CLEANUP, lease).await?;
    result.map(Cleanup::Done)
}

async fn remove_expired(conn: &mut Connection, owner: Uuid) -> Result<CleanupReport, DbError> {
    // First: what goes with its partition need not be deleted row by row.
    let partitions = drop_expired(conn).await?;
    let mut report = CleanupReport {
        partitions,
        rate_bucket_rows: rate_buckets::expire_all_orgs(conn).await?,
        ..CleanupReport::default()
    };
    loop {
        if !expire_batch(conn, &mut report).await? {
            break;
        }
        // Deleting what is expired does no harm without the lease, but two would be in each other's way.
        if leases::acquire(conn, CLEANUP, owner, LEASE).await?.is_none() {
            return Ok(report);
        }
    }
    report.patterns = expire_some(conn, EXPIRE_PATTERNS_SQL).await?;
    report.error_arrival_rows = expire_some(conn, EXPIRE_ERROR_ARRIVALS_SQL).await?;
    Ok(report)
}

/// Templates that no line has any more.
const EXPIRE_PATTERNS_SQL: &str = "
    -- maintenance::expire_patterns
    SELECT expire_log_patterns($1)";
/// Arrivals of errors from before history begins.
const EXPIRE_ERROR_ARRIVALS_SQL: &str = "
    -- maintenance::expire_error_arrivals
    SELECT expire_log_error_arrivals($1)";

/// Removes as many as one cleanup may; how many those were.
async fn expire_some(conn: &mut Connection, sql: &str) -> Result<i64, DbError> {
    let tx = conn.transaction().await?;
    tx.batch_execute(LONG_STATEMENTS).await?;
    let removed = tx.query_one(sql, &[&BATCH]).await?.get(0);
    tx.commit().await?;
    Ok(removed)
}

/// Drops the partitions that are over. What cannot be dropped now does not keep the cleanup from going on.
async fn drop_expired(conn: &mut Connection) -> Result<Vec<String>, DbError> {
    let mut dropped = Vec::new();
    for last in (0..DROP_TRIES).map(|tried| tried + 1 == DROP_TRIES) {
        let rows = drop_partitions(conn, &mut dropped).await;
        let segments = drop_segment_partitions(conn, &mut dropped).await;
        match rows.and(segments) {
            Ok(()) => break,
            Err(error) if !error.is_unavailable() => return Err(error),
            Err(error) if last => tracing::warn!(
                error = db::causes::chain(&error),
                "expired partitions could not be dropped now"
            ),
            Err(_in_the_way) => tokio::time::sleep(REST).await,
        }
    }
    Ok(dropped)
}

async fn drop_partitions(conn: &mut Connection, dropped: &mut Vec<String>) -> Result<(), DbError> {
    const SQL: &str = "
        -- maintenance::drop_partitions
        SELECT drop_log_partitions(((now() - make_interval(days => longest_retention_days())) AT TIME ZONE 'UTC')::date)";
    let tx = conn.transaction().await?;
    tx.batch_execute(LONG_STATEMENTS).await?;
    tx.batch_execute(PATIENCE).await?;
    let rows = tx.query(SQL, &[]).await?;
    tx.commit().await?;
    dropped.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    Ok(())
}

async fn drop_segment_partitions(conn: &mut Connection, dropped: &mut Vec<String>) -> Result<(), DbError> {
    const EXPIRED_SQL: &str = "
        -- maintenance::expired_segment_partitions
        SELECT expired_segment_partitions()";
    const DROP_SQL: &str = "
        -- maintenance::drop_segment_partition
        SELECT drop_segment_partition($1)";
    let expired = conn.query(EXPIRED_SQL, &[]).await?;
    for row in &expired {
        let part: String = row.get(0);
        let tx = conn.transaction().await?;
        tx.batch_execute(PATIENCE).await?;
        if tx.query_one(DROP_SQL, &[&part]).await?.get(0) {
            tx.commit().await?;
            dropped.push(part);
        }
    }
    Ok(())
}

/// Deletes one batch and adds it to the report; says whether there may be more.
async fn expire_batch(conn: &mut Connection, report: &mut CleanupReport) -> Result<bool, DbError> {
    const SQL: &str = "
        -- maintenance::expire_batch
        SELECT log_rows, segments, count_rows, arrival_rows, receipt_rows FROM expire_logs($1)";
    let tx = conn.transaction().await?;
    tx.batch_execute(LONG_STATEMENTS).await?;
    let row = tx.query_one(SQL, &[&BATCH]).await?;
    tx.commit().await?;
    let (log_rows, segments): (i64, i64) = (row.get("log_rows"), row.get("segments"));
    report.log_rows += log_rows;
    report.segments += segments;
    report.count_rows += row.get::<_, i64>("count_rows");
    report.arrival_rows += row.get::<_, i64>("arrival_rows");
    report.receipt_rows += row.get::<_, i64>("receipt_rows");
    Ok(log_rows >= i64::from(BATCH) || segments > 0)
}
