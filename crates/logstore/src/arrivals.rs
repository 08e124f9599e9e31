//! How many lines came in lately, by the database's clock: what alerting counts. A line counts when it arrives, so late
//! lines and senders with a wrong clock trip a rule like any other.

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use time::{Duration, OffsetDateTime};

/// Arrivals are counted in buckets of this length.
pub const BUCKET: Duration = Duration::seconds(5);

/// For each scope, in the order given: the lines of level error or fatal that arrived in the last `window` before `now`.
///
/// Whole buckets are counted: every line within the window is, and some that came up to one bucket before it may be.
pub async fn count_errors(
    tx: &TenantTx<'_>,
    scopes: &[(ServiceId, EnvironmentId)],
    window: Duration,
    now: OffsetDateTime,
) -> Result<Vec<u64>, DbError> {
    // A sub-select for each scope: each reads a range of the primary key, and nothing of other services.
    const SQL: &str = "
        -- arrivals::count_errors
        SELECT (
            SELECT coalesce(sum(a.count), 0)::bigint FROM log_arrivals a
            WHERE a.org_id = $1 AND a.service_id = s.service_id AND a.environment_id = s.environment_id
              AND a.bucket > $4 AND a.bucket <= $5 AND a.level >= $6
        ) AS errors
        FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS s (service_id, environment_id, place)
        ORDER BY s.place";
    let (services, environments): (Vec<ServiceId>, Vec<EnvironmentId>) = scopes.iter().copied().unzip();
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &services,
                &environments,
                &(now - window - BUCKET),
                &now,
                &Level::Error.code(),
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| row.get::<_, i64>("errors").max(0) as u64)
        .collect())
}
