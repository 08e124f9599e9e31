//! How many lines came in, by the database's clock: what alerting counts. A line counts when it arrives, so late lines and
//! senders with a wrong clock trip a rule like any other.

use db::{DbError, TenantTx};
use domain::alerting::history::{Counts, Series};
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use time::{Duration, OffsetDateTime};

/// One environment of one service, and from when on its arrivals are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub service_id: ServiceId,
    pub environment_id: EnvironmentId,
    pub from: OffsetDateTime,
}

/// As a query takes them.
fn columns(scopes: &[Wanted]) -> (Vec<ServiceId>, Vec<EnvironmentId>, Vec<OffsetDateTime>) {
    let all = scopes.iter();
    all.map(|scope| (scope.service_id, scope.environment_id, scope.from))
        .collect()
}

/// For each scope, in the order given: the lines that arrived from then on and before `to`, in bins of the width that is given
/// with it.
pub async fn series(
    tx: &TenantTx<'_>,
    wanted: &[(Wanted, Duration)],
    to: OffsetDateTime,
) -> Result<Vec<Series>, DbError> {
    // A row for each scope, so that a bin costs two numbers and not a row. Each reads a range of the primary key, and nothing
    // of other services.
    const SQL: &str = "
        -- arrivals::series
        SELECT s.place, b.starts, b.lines, b.errors
        FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $6::float8[]) WITH ORDINALITY
            AS s (service_id, environment_id, since, step, place)
        CROSS JOIN LATERAL (
            SELECT array_agg(bin.start) AS starts, array_agg(bin.lines) AS lines, array_agg(bin.errors) AS errors
            FROM (
                SELECT date_bin(make_interval(secs => s.step), a.bucket, 'epoch') AS start, sum(a.count)::bigint AS lines,
                    coalesce(sum(a.count) FILTER (WHERE a.level >= $7), 0)::bigint AS errors
                FROM log_arrivals a
                WHERE a.org_id = $1 AND a.service_id = s.service_id AND a.environment_id = s.environment_id
                  AND a.bucket >= s.since AND a.bucket < $5
                GROUP BY 1
            ) bin
        ) b
        WHERE b.starts IS NOT NULL";
    let (scopes, steps): (Vec<Wanted>, Vec<f64>) = wanted
        .iter()
        .map(|(scope, step)| (*scope, step.as_seconds_f64()))
        .collect();
    let (services, environments, since) = columns(&scopes);
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &services,
                &environments,
                &since,
                &to,
                &steps,
                &Level::Error.code(),
            ],
        )
        .await?;
    let mut series = vec![Series::new([]); wanted.len()];
    for row in &rows {
        let place: i64 = row.get("place");
        let starts: Vec<OffsetDateTime> = row.get("starts");
        let (lines, errors): (Vec<i64>, Vec<i64>) = (row.get("lines"), row.get("errors"));
        let counts = lines.iter().zip(&errors).map(|(lines, errors)| Counts {
            lines: lines.unsigned_abs(),
            errors: errors.unsigned_abs(),
        });
        if let Some(series) = series.get_mut(place as usize - 1) {
            *series = Series::new(starts.into_iter().zip(counts));
        }
    }
    Ok(series)
}

/// For each scope, in the order given: when the newest line arrived before the time that is given with it, as far as arrivals
/// are kept.
pub async fn newest_before(
    tx: &TenantTx<'_>,
    scopes: &[Wanted],
) -> Result<Vec<Option<OffsetDateTime>>, DbError> {
    const SQL: &str = "
        -- arrivals::newest_before
        SELECT (
            SELECT a.bucket FROM log_arrivals a
            WHERE a.org_id = $1 AND a.service_id = s.service_id AND a.environment_id = s.environment_id
              AND a.bucket < s.before
            ORDER BY a.bucket DESC LIMIT 1
        ) AS newest
        FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) WITH ORDINALITY
            AS s (service_id, environment_id, before, place)
        ORDER BY s.place";
    let (services, environments, before) = columns(scopes);
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &services, &environments, &before])
        .await?;
    Ok(rows.iter().map(|row| row.get("newest")).collect())
}

/// For each scope, in the order given: whether a line of level error or above arrived from the time on that is given with it.
pub async fn erred(tx: &TenantTx<'_>, scopes: &[Wanted]) -> Result<Vec<bool>, DbError> {
    const SQL: &str = "
        -- arrivals::erred
        SELECT EXISTS (
            SELECT FROM log_arrivals a
            WHERE a.org_id = $1 AND a.service_id = s.service_id AND a.environment_id = s.environment_id
              AND a.bucket >= s.since AND a.level >= $5
        ) AS erred
        FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) WITH ORDINALITY
            AS s (service_id, environment_id, since, place)
        ORDER BY s.place";
    let (services, environments, since) = columns(scopes);
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &services,
                &environments,
                &since,
                &Level::Error.code(),
            ],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get("erred")).collect())
}
