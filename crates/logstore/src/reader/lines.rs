//! Fetching lines whole, by their keys.

use std::pin::pin;

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, LogId, ServiceId};
use futures_util::TryStreamExt as _;
use postgres_types::Json;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::merge::Key;
use super::{Line, SearchScope, level_of};

/// The lines with these keys, in their order. Public for the same tests as the scan's.
pub const SQL: &str = "
    -- reader::lines
    SELECT wanted.place, l.id, l.service_id, l.environment_id, l.ts, l.level, l.message, l.meta_json, l.trace_id,
        l.request_id
    FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::bigint[])
        WITH ORDINALITY AS wanted (service_id, environment_id, ts, id, place)
    CROSS JOIN LATERAL (
        SELECT id, service_id, environment_id, ts, level, message, meta_json, trace_id, request_id
        FROM logs
        WHERE org_id = $1 AND service_id = wanted.service_id AND environment_id = wanted.environment_id
          AND ts = wanted.ts AND id = wanted.id
        LIMIT 1
    ) AS l";

/// Rows that PostgreSQL makes at a time: what is wasted when the answer is full.
const STEP_ROWS: i32 = 64;

/// The longest prefix of these lines that fits into `max_bytes`, but at least one line.
pub(super) async fn fetch(
    tx: &TenantTx<'_>,
    scopes: &[SearchScope],
    keys: &[(usize, Key)],
    max_bytes: usize,
) -> Result<Vec<Line>, DbError> {
    let mut lines = Vec::with_capacity(keys.len());
    if keys.is_empty() {
        return Ok(lines);
    }
    let portal = open(tx, scopes, keys).await?;
    let mut bytes = 0;
    while lines.len() < keys.len() {
        let before = lines.len();
        let mut rows = pin!(tx.query_portal_raw(&portal, STEP_ROWS).await?);
        while let Some(row) = rows.try_next().await? {
            let line = line_of(&row, lines.len())?;
            bytes += weight(&line);
            if bytes > max_bytes && !lines.is_empty() {
                return Ok(lines);
            }
            lines.push(line);
        }
        if lines.len() == before {
            return Err(missing());
        }
    }
    Ok(lines)
}

async fn open(
    tx: &TenantTx<'_>,
    scopes: &[SearchScope],
    keys: &[(usize, Key)],
) -> Result<tokio_postgres::Portal, DbError> {
    let service_ids: Vec<ServiceId> = keys.iter().map(|(scope, _)| scopes[*scope].service_id).collect();
    let environment_ids: Vec<EnvironmentId> = keys
        .iter()
        .map(|(scope, _)| scopes[*scope].environment_id)
        .collect();
    let ts: Vec<OffsetDateTime> = keys.iter().map(|(_, key)| key.ts).collect();
    let ids: Vec<i64> = keys.iter().map(|(_, key)| key.id).collect();
    let statement = tx.prepare_cached(SQL).await?;
    let org_id = tx.org_id();
    Ok(tx
        .bind(&statement, &[&org_id, &service_ids, &environment_ids, &ts, &ids])
        .await?)
}

fn line_of(row: &Row, place: usize) -> Result<Line, DbError> {
    let found: i64 = row.get("place");
    if found as usize != place + 1 {
        return Err(missing());
    }
    let meta: Option<Json<Box<RawValue>>> = row.try_get("meta_json")?;
    Ok(Line {
        id: LogId(row.get("id")),
        service_id: row.get("service_id"),
        environment_id: row.get("environment_id"),
        ts: row.get("ts"),
        level: level_of(row.get("level"))?,
        message: row.get("message"),
        meta: meta.map(|Json(meta)| meta),
        trace_id: row.get("trace_id"),
        request_id: row.get("request_id"),
    })
}

/// The snapshot that showed a key shows its line.
fn missing() -> DbError {
    DbError::Corrupt {
        what: "log line",
        source: "a key of this snapshot has no line, or lines came out of order".into(),
    }
}

/// About how many bytes the line is in an answer.
fn weight(line: &Line) -> usize {
    const FIXED: usize = 256; // ids, names, time and level
    FIXED + line.message.len() + line.meta.as_ref().map_or(0, |meta| meta.get().len())
}
