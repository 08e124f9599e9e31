//! Rate limits of API keys: log lines a minute, handed out to ingest processes as leases.

use std::time::Duration;

use domain::ids::{ApiKeyId, OrgId};

use crate::{Connection, DbError};

/// Tokens of the current minute, one per log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// None, or at least what was needed.
    pub tokens: u32,
    /// Until the minute ends, by the database's clock, at the moment of the answer. Count it from before the question
    /// was sent, so that tokens are never spent in the next minute.
    pub remaining: Duration,
}

impl Grant {
    /// As the database answers. It rounds the time to the nearest millisecond, and the minute may end before that.
    pub fn of_answer(granted: i32, remaining_ms: i32) -> Self {
        let whole_ms = remaining_ms.max(0).unsigned_abs().saturating_sub(1);
        Self {
            tokens: granted.max(0).unsigned_abs(),
            remaining: Duration::from_millis(whole_ms.into()),
        }
    }
}

/// Leases tokens of the current minute in a statement of its own: at least `need` or none, at most `want`, fewer as the
/// minute runs dry. What all processes lease in one minute never exceeds `per_minute`. Must not run inside another
/// transaction: it would hold the key's row lock until that ends.
pub async fn lease(
    conn: &Connection,
    org_id: OrgId,
    key: ApiKeyId,
    per_minute: u32,
    need: u32,
    want: u32,
) -> Result<Grant, DbError> {
    const SQL: &str = "
        -- rate_buckets::lease
        SELECT granted, remaining_ms FROM lease_rate_tokens($1, $2, $3, $4, $5)";
    let statement = conn.prepare_cached(SQL).await?;
    let [per_minute, need, want] = [per_minute, need, want].map(|n| i32::try_from(n).unwrap_or(i32::MAX));
    let row = conn
        .query_one(&statement, &[&key, &org_id, &per_minute, &need, &want])
        .await?;
    Ok(Grant::of_answer(row.get("granted"), row.get("remaining_ms")))
}

/// Deletes the buckets of minutes that are over; returns how many.
pub async fn expire_all_orgs(conn: &Connection) -> Result<i64, DbError> {
    const SQL: &str = "
        -- rate_buckets::expire_all_orgs
        SELECT expire_rate_buckets()";
    Ok(conn.query_one(SQL, &[]).await?.get(0))
}
