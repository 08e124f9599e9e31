//! Failed logins per bucket. The rule is [`domain::login_throttle`]; here are its rows.

use deadpool_postgres::Transaction;
use domain::login_throttle::{Bucket, WINDOW};
use time::OffsetDateTime;

use crate::{Connection, DbError};

/// SHA-256 of a bucket's name, so that neither addresses nor e-mails are stored.
pub type BucketId = [u8; 32];

/// How much longer one of these buckets is blocked, if any is. Without locks: whoever hammers at a blocked bucket does
/// not make others wait for its row.
pub async fn blocked_for(conn: &Connection, ids: &[BucketId]) -> Result<Option<time::Duration>, DbError> {
    const SQL: &str = "
        -- login_throttle::blocked_for
        SELECT max(blocked_until) AS until, clock_timestamp() AS now
        FROM login_throttle WHERE bucket = ANY ($1) AND blocked_until > clock_timestamp()";
    let ids: Vec<&[u8]> = ids.iter().map(<[u8; 32]>::as_slice).collect();
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn.query_one(&statement, &[&ids]).await?;
    let (until, now): (Option<OffsetDateTime>, OffsetDateTime) = (row.get("until"), row.get("now"));
    Ok(until.map(|until| until - now))
}

/// A bucket that this transaction holds.
#[derive(Clone, Copy, Debug)]
pub struct LockedBucket {
    pub bucket: Bucket,
    /// By the database's clock, after the wait for the row.
    pub now: OffsetDateTime,
}

/// Locks a bucket until the transaction ends, making it if need be. Who needs several takes them in the order of their
/// ids, so that two attempts never wait for each other.
pub async fn lock(tx: &Transaction<'_>, id: &BucketId) -> Result<LockedBucket, DbError> {
    const SQL: &str = "
        -- login_throttle::lock
        INSERT INTO login_throttle AS t (bucket, failures, window_start) VALUES ($1, 0, clock_timestamp())
        ON CONFLICT (bucket) DO UPDATE SET failures = t.failures
        RETURNING failures, window_start, blocked_until, clock_timestamp() AS now";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_one(&statement, &[&id.as_slice()]).await?;
    let failures: i32 = row.get("failures");
    Ok(LockedBucket {
        bucket: Bucket {
            failures: u32::try_from(failures).unwrap_or(0),
            window_start: row.get("window_start"),
            blocked_until: row.get("blocked_until"),
        },
        now: row.get("now"),
    })
}

/// Writes the new state of a bucket that is locked.
pub async fn store(tx: &Transaction<'_>, id: &BucketId, bucket: Bucket) -> Result<(), DbError> {
    const SQL: &str = "
        -- login_throttle::store
        UPDATE login_throttle SET failures = $2, window_start = $3, blocked_until = $4 WHERE bucket = $1";
    let failures = i32::try_from(bucket.failures).unwrap_or(i32::MAX);
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &id.as_slice(),
            &failures,
            &bucket.window_start,
            &bucket.blocked_until,
        ],
    )
    .await?;
    Ok(())
}

/// Forgets all failures of a bucket.
pub async fn reset(tx: &Transaction<'_>, id: &BucketId) -> Result<(), DbError> {
    const SQL: &str = "
        -- login_throttle::reset
        DELETE FROM login_throttle WHERE bucket = $1";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&id.as_slice()]).await?;
    Ok(())
}

/// Deletes up to `batch` buckets in which everything is forgiven, and returns how many.
pub async fn sweep(conn: &Connection, batch: i64) -> Result<u64, DbError> {
    const SQL: &str = "
        -- login_throttle::sweep
        DELETE FROM login_throttle WHERE bucket IN (
            SELECT bucket FROM login_throttle
            WHERE window_start <= now() - make_interval(secs => $2)
                AND coalesce(blocked_until, window_start) <= now() - make_interval(secs => $2)
            LIMIT $1 FOR UPDATE SKIP LOCKED)";
    let statement = conn.prepare_cached(SQL).await?;
    Ok(conn
        .execute(&statement, &[&batch, &WINDOW.as_seconds_f64()])
        .await?)
}
