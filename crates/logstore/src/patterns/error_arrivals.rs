//! The table `log_error_arrivals`: lines of level error and above by template and the minute in which they arrived. A line is
//! counted in the transaction that merges it for the first time, so each once, whatever happens to the compactor.

use std::collections::BTreeMap;

use db::{DbError, TenantTx};
use domain::alerting::history::Counts;
use domain::alerting::rule::{NewPattern, floor};
use domain::ids::{EnvironmentId, ServiceId};
use domain::patterns::{Known, TemplateId};
use domain::scope::Scope;
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;

use super::registry::{self, code, id};

/// How many lines of each template arrived in each minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrivals(BTreeMap<(TemplateId, OffsetDateTime), u64>);

impl Arrivals {
    /// Those for whose template there was no room have none that could be new.
    pub(crate) fn of(lines: impl IntoIterator<Item = (TemplateId, OffsetDateTime)>) -> Self {
        let mut arrivals = BTreeMap::new();
        for (template, at) in lines
            .into_iter()
            .filter(|(template, _)| *template != TemplateId::OTHER)
        {
            *arrivals
                .entry((template, floor(at, NewPattern::STEP)))
                .or_default() += 1;
        }
        Self(arrivals)
    }
}

/// Adds what a merge took of a scope, in its transaction; of a scope that is no longer there nothing.
pub(crate) async fn save(tx: &TenantTx<'_>, scope: &Scope, arrivals: &Arrivals) -> Result<(), DbError> {
    const SQL: &str = "
        -- error_arrivals::save
        INSERT INTO log_error_arrivals AS a (org_id, service_id, environment_id, template_id, bucket, lines)
        SELECT $1, $2, $3, t.template_id, t.bucket, t.lines
        FROM unnest($4::bigint[], $5::timestamptz[], $6::bigint[]) AS t (template_id, bucket, lines)
        WHERE EXISTS (SELECT FROM environments WHERE org_id = $1 AND service_id = $2 AND id = $3)
        ORDER BY t.template_id, t.bucket
        ON CONFLICT (org_id, service_id, environment_id, template_id, bucket)
        DO UPDATE SET lines = a.lines + excluded.lines";
    if arrivals.0.is_empty() {
        return Ok(());
    }
    let templates: Vec<i64> = arrivals.0.keys().map(|(template, _)| code(*template)).collect();
    let buckets: Vec<OffsetDateTime> = arrivals.0.keys().map(|(_, bucket)| *bucket).collect();
    let lines: Vec<i64> = arrivals.0.values().map(|lines| *lines as i64).collect();
    let statement = tx.prepare_cached(SQL).await?;
    let params: [&(dyn ToSql + Sync); 6] = [
        &tx.org_id(),
        &scope.service_id,
        &scope.environment_id,
        &templates,
        &buckets,
        &lines,
    ];
    tx.execute(&statement, &params).await?;
    Ok(())
}

/// One environment of one service.
pub(super) type ScopeId = (ServiceId, EnvironmentId);

/// What is written down of a template in a scope.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// Among the scopes that were asked for.
    pub(super) place: usize,
    pub(super) id: TemplateId,
    /// When the first of its lines arrived, or not later than this.
    pub(super) known_since: OffsetDateTime,
    pub(super) last_before: Option<OffsetDateTime>,
    pub(super) lines: Vec<(OffsetDateTime, Counts)>,
}

/// The templates of which lines arrived within these times, by scope, those that were known before `from` only if they are
/// wanted; and all that are `mined`.
pub(super) async fn series(
    tx: &TenantTx<'_>,
    scopes: &[ScopeId],
    (from, until): (OffsetDateTime, OffsetDateTime),
    mined: &[(usize, TemplateId)],
    with_known: bool,
) -> Result<Vec<Stored>, DbError> {
    const SQL: &str = "
        -- error_arrivals::series
        SELECT s.place, w.template_id, a.starts, a.lines, before.last AS last_before,
            least(w.recorded_at, before.first, a.starts[1]) AS known_since
        FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS s (service_id, environment_id, place)
        CROSS JOIN LATERAL (
            SELECT p.template_id, p.recorded_at FROM log_pattern_places p
            WHERE p.org_id = $1 AND p.service_id = s.service_id AND p.environment_id = s.environment_id AND p.is_error
              AND ($8 OR p.recorded_at >= $4 OR p.template_id = ANY ($7))
        ) w
        CROSS JOIN LATERAL (
            SELECT array_agg(e.bucket ORDER BY e.bucket) AS starts, array_agg(e.lines ORDER BY e.bucket) AS lines
            FROM log_error_arrivals e
            WHERE e.org_id = $1 AND e.service_id = s.service_id AND e.environment_id = s.environment_id
              AND e.template_id = w.template_id AND e.bucket >= $4 AND e.bucket < $5
        ) a
        CROSS JOIN LATERAL (
            SELECT min(e.bucket) AS first, max(e.bucket) AS last FROM log_error_arrivals e
            WHERE e.org_id = $1 AND e.service_id = s.service_id AND e.environment_id = s.environment_id
              AND e.template_id = w.template_id AND e.bucket < $4
        ) before
        WHERE a.starts IS NOT NULL AND ($8 OR (w.recorded_at >= $4 AND before.last IS NULL))
           OR EXISTS (SELECT FROM unnest($6::bigint[], $7::bigint[]) AS m (place, template_id)
                WHERE m.place = s.place AND m.template_id = w.template_id)";
    let (services, environments): (Vec<ServiceId>, Vec<EnvironmentId>) = scopes.iter().copied().unzip();
    let mined_places: Vec<i64> = mined.iter().map(|(place, _)| *place as i64 + 1).collect();
    let mined_ids: Vec<i64> = mined.iter().map(|(_, template)| code(*template)).collect();
    let statement = tx.prepare_cached(SQL).await?;
    let params: [&(dyn ToSql + Sync); 8] = [
        &tx.org_id(),
        &services,
        &environments,
        &from,
        &until,
        &mined_places,
        &mined_ids,
        &with_known,
    ];
    let rows = tx.query(&statement, &params).await?;
    let stored = |row: &tokio_postgres::Row| {
        let place: i64 = row.get("place");
        let starts: Option<Vec<OffsetDateTime>> = row.get("starts");
        let lines: Option<Vec<i64>> = row.get("lines");
        let bins = starts
            .unwrap_or_default()
            .into_iter()
            .zip(lines.unwrap_or_default());
        Stored {
            place: place as usize - 1,
            id: id(row),
            known_since: row.get("known_since"),
            last_before: row.get("last_before"),
            lines: bins
                .map(|(start, lines)| (start, counts(lines.unsigned_abs())))
                .collect(),
        }
    };
    Ok(rows.iter().map(stored).collect())
}

/// So many lines, errors all of them.
pub(super) fn counts(lines: u64) -> Counts {
    Counts { lines, errors: lines }
}

/// The templates of errors in scopes, by the scope's place, each with when the first of its lines arrived.
pub(super) async fn known(
    tx: &TenantTx<'_>,
    scopes: &[ScopeId],
) -> Result<Vec<(usize, OffsetDateTime, Known)>, DbError> {
    const SQL: &str = "
        -- error_arrivals::known
        SELECT s.place, w.template_id, p.tokens, p.is_general, least(w.recorded_at, (
                SELECT min(e.bucket) FROM log_error_arrivals e
                WHERE e.org_id = $1 AND e.service_id = s.service_id AND e.environment_id = s.environment_id
                  AND e.template_id = w.template_id
            )) AS known_since
        FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS s (service_id, environment_id, place)
        JOIN log_pattern_places w ON w.org_id = $1 AND w.service_id = s.service_id
            AND w.environment_id = s.environment_id AND w.is_error
        JOIN log_patterns p ON p.org_id = $1 AND p.service_id = s.service_id AND p.template_id = w.template_id";
    let (services, environments): (Vec<ServiceId>, Vec<EnvironmentId>) = scopes.iter().copied().unzip();
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &services, &environments])
        .await?;
    let known = |row: &tokio_postgres::Row| {
        let place: i64 = row.get("place");
        (
            place as usize - 1,
            row.get("known_since"),
            registry::known_of(row),
        )
    };
    Ok(rows.iter().map(known).collect())
}
