//! Which segments a search has to look into, newest first, page by page. Their columns stay where they are.

use std::sync::Arc;

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, ServiceId};
use time::{Date, OffsetDateTime};
use tokio_postgres::Row;

use super::merge::{Key, micros};
use super::{Plan, SearchScope};
use crate::segment::{Damaged, Index};

/// The next segments of several scopes, each scope from its own position and at most `$8` of them, by the time of their
/// newest line.
pub const SQL: &str = "
    -- reader::directory
    SELECT scope.place, s.id, s.expires_on, s.hour, s.max_ts, s.first_id, s.index_col, s.has_filter, s.is_counted
    FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::bigint[])
        WITH ORDINALITY AS scope (service_id, environment_id, oldest, before_ts, before_id, place)
    CROSS JOIN LATERAL (
        (SELECT id, expires_on, NULL::timestamptz AS hour, max_ts, first_id, index_col,
             word_filter IS NOT NULL AS has_filter, pattern_counts IS NOT NULL AS is_counted
         FROM log_segments
         WHERE org_id = $1 AND service_id = scope.service_id AND environment_id = scope.environment_id
           AND max_ts >= scope.oldest AND max_ts <= coalesce(scope.before_ts, 'infinity')
           AND (max_ts, id) < (coalesce(scope.before_ts, 'infinity'), scope.before_id)
           AND min_ts < $7
         ORDER BY max_ts DESC, id DESC LIMIT $8)
        UNION ALL
        (SELECT id, expires_on, hour, max_ts, first_id, index_col,
             word_filter IS NOT NULL AS has_filter, false AS is_counted
         FROM log_segments_fresh
         WHERE org_id = $1 AND service_id = scope.service_id AND environment_id = scope.environment_id
           AND max_ts >= scope.oldest AND max_ts <= coalesce(scope.before_ts, 'infinity')
           AND (max_ts, id) < (coalesce(scope.before_ts, 'infinity'), scope.before_id)
           AND min_ts < $7
         ORDER BY max_ts DESC, id DESC LIMIT $8)
        ORDER BY max_ts DESC, id DESC LIMIT $8
    ) AS s";

/// Where a segment's row lies: what finds it by its primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) service_id: ServiceId,
    pub(super) environment_id: EnvironmentId,
    pub(super) max_ts: OffsetDateTime,
    pub(super) id: i64,
    pub(super) shelf: Shelf,
}

/// Which table it lies in, and in which partition of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shelf {
    /// `log_segments`, by the day on which it expires.
    Merged(Date),
    /// `log_segments_fresh`, by the hour in which it was written.
    Fresh(OffsetDateTime),
}

/// A segment as the directory lists it.
#[derive(Debug)]
pub(super) struct Listed {
    /// The place of its scope in the plan.
    pub(super) place: usize,
    pub(super) address: Address,
    pub(super) first_id: i64,
    pub(super) index: Result<Index, Damaged>,
    pub(super) has_filter: bool,
    /// How many lines of which template it has stands beside it ([`crate::patterns`]).
    pub(super) is_counted: bool,
}

/// What a page of the directory brought.
pub(super) struct Page {
    pub(super) segments: Vec<Arc<Listed>>,
    /// For each scope asked: where the next page starts, or nothing if this was the last.
    pub(super) next: Vec<Option<Key>>,
}

/// Reads the next page: at most `per_scope` segments of each of these scopes, each from its own position (of the newest
/// line, and the id of the segment).
pub(super) async fn read(
    tx: &TenantTx<'_>,
    plan: &Plan,
    asked: &[(usize, Key)],
    per_scope: usize,
) -> Result<Page, DbError> {
    let scopes: Vec<&SearchScope> = asked.iter().map(|(place, _)| plan.scope(*place)).collect();
    let service_ids: Vec<ServiceId> = scopes.iter().map(|scope| scope.service_id).collect();
    let environment_ids: Vec<EnvironmentId> = scopes.iter().map(|scope| scope.environment_id).collect();
    let oldest: Vec<OffsetDateTime> = asked.iter().map(|(place, _)| plan.oldest(*place)).collect();
    let before_ts: Vec<Option<OffsetDateTime>> = asked.iter().map(|(_, key)| bound(*key)).collect();
    let before_id: Vec<i64> = asked.iter().map(|(_, key)| key.id).collect();
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &service_ids,
                &environment_ids,
                &oldest,
                &before_ts,
                &before_id,
                &plan.to,
                &(per_scope as i64),
            ],
        )
        .await?;
    let mut segments = Vec::with_capacity(rows.len());
    let mut counts = vec![0; asked.len()];
    let mut next = vec![None; asked.len()];
    for row in &rows {
        let place: i64 = row.get("place");
        let which = place as usize - 1;
        let listed = listed(row, asked[which].0, scopes[which])?;
        counts[which] += 1;
        next[which] = Some(Key {
            ts: micros(listed.address.max_ts),
            id: listed.address.id,
        });
        segments.push(Arc::new(listed));
    }
    for (next, count) in next.iter_mut().zip(counts) {
        if count < per_scope {
            *next = None;
        }
    }
    Ok(Page { segments, next })
}

/// The first position lies after every time that PostgreSQL can hold.
fn bound(key: Key) -> Option<OffsetDateTime> {
    (key.ts < i64::MAX).then(|| key.at())
}

pub(super) fn listed(row: &Row, place: usize, scope: &SearchScope) -> Result<Listed, DbError> {
    let hour: Option<OffsetDateTime> = row.get("hour");
    let shelf = match hour {
        Some(hour) => Shelf::Fresh(hour),
        None => Shelf::Merged(row.get("expires_on")),
    };
    let index = Index::parse(row.try_get("index_col")?);
    let has_filter =
        row.get::<_, bool>("has_filter") && index.as_ref().is_ok_and(|index| index.filter_probes.is_some());
    Ok(Listed {
        place,
        address: Address {
            service_id: scope.service_id,
            environment_id: scope.environment_id,
            max_ts: row.get("max_ts"),
            id: row.get("id"),
            shelf,
        },
        first_id: row.get("first_id"),
        index,
        has_filter,
        is_counted: row.get("is_counted"),
    })
}
