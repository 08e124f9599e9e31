//! Reading loose rows of `logs`, newest first, many scopes at a time.

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, LogId, ServiceId};
use domain::level::Level;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Portal, Row, RowStream};

use super::condition::Condition;
use super::leaf::Texts;
use super::merge::{Key, Stream, micros};
use super::{Line, Plan, Projection, SearchScope, level_of};
use crate::segment::Column;

/// The next rows of several scopes, each from its own position and at most `$9` of them, scope after scope and newest
/// first within each. Texts are sent only where a condition looks at them (`$8`, by [`Column`]) and the level is wanted.
/// Public so that tests can hold its plan, and what it shows to whom, to account.
pub const SQL: &str = "
    -- reader::rows
    SELECT scope.place, l.ts, l.id, l.level, l.bytes, l.message, l.meta, l.trace_id, l.request_id
    FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::bigint[])
        WITH ORDINALITY AS scope (service_id, environment_id, oldest, before_ts, before_id, place)
    CROSS JOIN LATERAL (
        SELECT ts, id, level, octet_length(message) + coalesce(pg_column_size(meta_json), 0) AS bytes,
            CASE WHEN 2 = ANY ($8::smallint[]) AND level = ANY ($7::smallint[]) THEN message END AS message,
            CASE WHEN 3 = ANY ($8::smallint[]) AND level = ANY ($7::smallint[]) THEN meta_json::text END AS meta,
            CASE WHEN 4 = ANY ($8::smallint[]) AND level = ANY ($7::smallint[]) THEN trace_id END AS trace_id,
            CASE WHEN 5 = ANY ($8::smallint[]) AND level = ANY ($7::smallint[]) THEN request_id END AS request_id
        FROM logs
        WHERE org_id = $1 AND service_id = scope.service_id AND environment_id = scope.environment_id
          AND ts >= scope.oldest AND ts <= scope.before_ts AND (ts, id) < (scope.before_ts, scope.before_id)
        ORDER BY ts DESC, id DESC
        LIMIT $9
    ) AS l";

/// Rows that PostgreSQL makes at a time: what is wasted when a search stops early.
pub(super) const STEP_ROWS: usize = 512;

/// Rows that were asked for.
pub(super) struct Opened {
    pub(super) first: RowStream,
    /// Where further steps come from, if one may not be all.
    pub(super) portal: Option<Portal>,
}

/// The next step of rows.
pub(super) async fn step(tx: &TenantTx<'_>, portal: &Portal) -> Result<RowStream, DbError> {
    Ok(tx.query_portal_raw(portal, STEP_ROWS as i32).await?)
}

/// Opens a read of the next rows of these scopes.
pub(super) async fn open(
    tx: &TenantTx<'_>,
    plan: &Plan,
    places: &[usize],
    streams: &[Stream],
    per_scope: usize,
    projection: Projection,
) -> Result<Opened, DbError> {
    let scopes: Vec<&SearchScope> = places.iter().map(|place| plan.scope(*place)).collect();
    let service_ids: Vec<ServiceId> = scopes.iter().map(|scope| scope.service_id).collect();
    let environment_ids: Vec<EnvironmentId> = scopes.iter().map(|scope| scope.environment_id).collect();
    let oldest: Vec<OffsetDateTime> = places.iter().map(|place| plan.oldest(*place)).collect();
    let before_ts: Vec<OffsetDateTime> = places.iter().map(|place| streams[*place].position.at()).collect();
    let before_id: Vec<i64> = places.iter().map(|place| streams[*place].position.id).collect();
    // Of all scopes together: the statement is one, and each row is decided by its own scope's condition.
    let conditions = || places.iter().map(|place| plan.condition(*place));
    let levels: Vec<i16> = Level::ALL
        .into_iter()
        .filter(|level| conditions().any(|condition| condition.wants(*level)))
        .map(Level::code)
        .collect();
    let mut looked_at: Vec<i16> = conditions()
        .flat_map(Condition::parts)
        .flat_map(|part| part.columns.iter().copied())
        .chain(projection.columns())
        .map(|column| column as i16)
        .collect();
    looked_at.sort_unstable();
    looked_at.dedup();
    let statement = tx.prepare_cached(SQL).await?;
    let org_id = tx.org_id();
    let per_scope = per_scope as i64;
    let params: [&(dyn ToSql + Sync); 9] = [
        &org_id,
        &service_ids,
        &environment_ids,
        &oldest,
        &before_ts,
        &before_id,
        &levels,
        &looked_at,
        &per_scope,
    ];
    if per_scope as usize * places.len() < STEP_ROWS {
        let first = tx.query_raw(&statement, params).await?;
        return Ok(Opened { first, portal: None });
    }
    let portal = tx.bind(&statement, &params).await?;
    Ok(Opened {
        first: step(tx, &portal).await?,
        portal: Some(portal),
    })
}

/// One row as it was read.
pub(super) struct Scanned {
    /// The place of its scope among those asked.
    pub(super) place: usize,
    pub(super) key: Key,
    pub(super) matches: bool,
    /// About what the whole line takes.
    pub(super) line_bytes: u32,
    level: Level,
    message: Option<String>,
    meta: Option<String>,
    trace_id: Option<String>,
    request_id: Option<String>,
}

impl Scanned {
    pub(super) fn read(row: &Row) -> Result<Self, DbError> {
        let place: i64 = row.get("place");
        Ok(Self {
            place: place as usize - 1,
            key: Key {
                ts: micros(row.get("ts")),
                id: row.get("id"),
            },
            matches: false,
            line_bytes: row.get::<_, i32>("bytes").unsigned_abs(),
            level: level_of(row.get("level"))?,
            message: row.get("message"),
            meta: row.get("meta"),
            trace_id: row.get("trace_id"),
            request_id: row.get("request_id"),
        })
    }

    /// About what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        let texts = [&self.message, &self.meta, &self.trace_id, &self.request_id];
        texts.into_iter().flatten().map(String::len).sum()
    }

    /// Decides whether it matches.
    pub(super) fn decide(&mut self, condition: &Condition) {
        fn text(text: Option<&String>) -> &str {
            text.map_or("", String::as_str)
        }
        let (from, to) = condition.times();
        self.matches = condition.wants(self.level)
            && (from..to).contains(&self.key.ts)
            && condition.matches(&Texts {
                ts: self.key.ts,
                level: self.level,
                message: text(self.message.as_ref()),
                meta: text(self.meta.as_ref()),
                trace_id: text(self.trace_id.as_ref()),
                request_id: text(self.request_id.as_ref()),
            });
    }

    /// The line, as far as its texts were asked for.
    pub(super) fn into_line(self, scope: &SearchScope) -> Line {
        Line {
            id: LogId(self.key.id),
            service_id: scope.service_id,
            environment_id: scope.environment_id,
            ts: self.key.at(),
            level: self.level,
            message: self.message.unwrap_or_default(),
            meta: self.meta.and_then(|meta| RawValue::from_string(meta).ok()),
            trace_id: self.trace_id,
            request_id: self.request_id,
        }
    }
}

const _: () = assert!(
    Column::Message as u8 == 2
        && Column::Meta as u8 == 3
        && Column::Trace as u8 == 4
        && Column::Request as u8 == 5,
    "the statement names columns by their number"
);
