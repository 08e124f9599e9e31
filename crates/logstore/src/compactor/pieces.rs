//! The segments and rows that are merged: listing, reading, taking away and putting back. One scope and day at a time.

use std::collections::HashMap;

use db::{DbError, TenantTx};
use domain::scope::Scope;
use postgres_types::ToSql;
use time::{Date, OffsetDateTime};
use tokio_postgres::Row;

use super::policy::MAX_MERGE_BYTES;
use crate::columns::Columns;
use crate::segment::{Column, Damaged, Decoder, Encoded, Index};

/// Lines of one scope that expire on the same day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) scope: Scope,
    pub(super) expires_on: Date,
}

/// A segment that may be merged. Its columns are not read yet.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) id: i64,
    pub(super) max_ts: OffsetDateTime,
    /// The hour of a fresh one.
    pub(super) hour: Option<OffsetDateTime>,
    pub(super) rows: u64,
    pub(super) first_id: i64,
    pub(super) index: Result<Index, Damaged>,
    pub(super) age: std::time::Duration,
    /// When its lines arrived; `None` where that was counted already, since it is merged once more.
    pub(super) arrived: Option<OffsetDateTime>,
}

/// Lines with their ids, ready to be encoded.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) columns: Columns,
    pub(super) ids: Vec<i64>,
    /// When each arrived; `None` where it was merged before.
    pub(super) arrived: Vec<Option<OffsetDateTime>>,
}

const FRESH_SQL: &str = "
    -- compactor::fresh
    SELECT id, max_ts, hour, row_count, first_id, index_col, created_at,
        extract(epoch FROM clock_timestamp() - created_at)::double precision AS age
    FROM log_segments_fresh
    WHERE org_id = $1 AND service_id = $2 AND environment_id = $3 AND expires_on = $4
    ORDER BY max_ts, id LIMIT 1024";

const OPEN_SQL: &str = "
    -- compactor::open
    SELECT id, max_ts, NULL::timestamptz AS hour, row_count, first_id, index_col, created_at,
        extract(epoch FROM clock_timestamp() - created_at)::double precision AS age
    FROM log_segments
    WHERE org_id = $1 AND service_id = $2 AND environment_id = $3 AND expires_on = $4 AND row_count < 16384
    ORDER BY max_ts, id LIMIT 1024";

pub(super) async fn fresh(tx: &TenantTx<'_>, unit: &Unit) -> Result<Vec<Piece>, DbError> {
    list(tx, FRESH_SQL, unit).await
}

pub(super) async fn open(tx: &TenantTx<'_>, unit: &Unit) -> Result<Vec<Piece>, DbError> {
    list(tx, OPEN_SQL, unit).await
}

async fn list(tx: &TenantTx<'_>, sql: &str, unit: &Unit) -> Result<Vec<Piece>, DbError> {
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &unit.scope.service_id,
                &unit.scope.environment_id,
                &unit.expires_on,
            ],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let count: i32 = row.get("row_count");
            let age: f64 = row.get("age");
            let hour: Option<OffsetDateTime> = row.get("hour");
            Ok(Piece {
                id: row.get("id"),
                max_ts: row.get("max_ts"),
                hour,
                arrived: hour.is_some().then(|| row.get("created_at")),
                rows: u64::from(count.unsigned_abs()),
                first_id: row.get("first_id"),
                index: Index::parse(row.try_get("index_col")?),
                age: std::time::Duration::from_secs_f64(age.max(0.0)),
            })
        })
        .collect()
}

// Ranges of the key before all, since the pieces of a merge lie next to each other; with the lists alone, the index would be
// searched for each.
const TAKE_FRESH_SQL: &str = "
    -- compactor::take_fresh
    DELETE FROM log_segments_fresh
    WHERE org_id = $1 AND service_id = $2 AND environment_id = $3 AND expires_on = $4
      AND max_ts BETWEEN $5 AND $6 AND id = ANY($7) AND hour = ANY($8)
    RETURNING id, ts_col, level_col, message_col, meta_col, trace_col, request_col, id_col";

const TAKE_OPEN_SQL: &str = "
    -- compactor::take_open
    DELETE FROM log_segments
    WHERE org_id = $1 AND service_id = $2 AND environment_id = $3 AND expires_on = $4
      AND max_ts BETWEEN $5 AND $6 AND id = ANY($7)
    RETURNING id, ts_col, level_col, message_col, meta_col, trace_col, request_col, id_col";

/// A segment's columns.
#[derive(Debug)]
pub(super) struct Stored(Row);

impl Stored {
    fn column(&self, column: Column) -> &[u8] {
        self.0.get(1 + column as usize)
    }
}

/// Takes segments out of their tables; `None` if one of them is not there any more.
pub(super) async fn take(
    tx: &TenantTx<'_>,
    unit: &Unit,
    pieces: Vec<Piece>,
) -> Result<Option<Vec<(Piece, Stored)>>, DbError> {
    let (fresh, open): (Vec<&Piece>, Vec<&Piece>) = pieces.iter().partition(|piece| piece.hour.is_some());
    let mut hours: Vec<OffsetDateTime> = fresh.iter().filter_map(|piece| piece.hour).collect();
    hours.sort_unstable();
    hours.dedup();
    let mut taken = take_from(tx, TAKE_FRESH_SQL, unit, &fresh, Some(&hours)).await?;
    taken.extend(take_from(tx, TAKE_OPEN_SQL, unit, &open, None).await?);
    let with_columns = |piece: Piece| taken.remove(&piece.id).map(|stored| (piece, stored));
    Ok(pieces.into_iter().map(with_columns).collect())
}

/// The columns of those that are there still, by their ids, which both tables take from one sequence.
async fn take_from(
    tx: &TenantTx<'_>,
    sql: &str,
    unit: &Unit,
    pieces: &[&Piece],
    hours: Option<&Vec<OffsetDateTime>>,
) -> Result<HashMap<i64, Stored>, DbError> {
    let ends = (
        pieces.iter().map(|piece| piece.max_ts).min(),
        pieces.iter().map(|piece| piece.max_ts).max(),
    );
    let (Some(first), Some(last)) = ends else {
        return Ok(HashMap::new());
    };
    let ids: Vec<i64> = pieces.iter().map(|piece| piece.id).collect();
    let (org, scope) = (tx.org_id(), &unit.scope);
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![
        &org,
        &scope.service_id,
        &scope.environment_id,
        &unit.expires_on,
        &first,
        &last,
        &ids,
    ];
    params.extend(hours.map(|hours| hours as &(dyn ToSql + Sync)));
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx.query(&statement, &params).await?;
    Ok(rows.into_iter().map(|row| (row.get("id"), Stored(row))).collect())
}

/// Takes loose rows that expire on the unit's day, oldest first: at most so many rows and bytes of text (metadata as
/// PostgreSQL stores it), but at least one, and those of the same moment as the last.
pub(super) async fn take_rows(
    tx: &TenantTx<'_>,
    unit: &Unit,
    rows_after: std::time::Duration,
    (rows, bytes): (u64, u64),
) -> Result<Lines, DbError> {
    // Two statements with plain ranges: joined into one, the planner was seen to try each row against each other.
    const RANGE_SQL: &str = "
        -- compactor::rows_range
        SELECT day.start, day.written_before, (
            SELECT max(l.ts) FROM (
                SELECT ts, lag(bytes, 1, 0::bigint) OVER (ORDER BY ts, id) AS bytes_before
                FROM (
                    SELECT ts, id, sum(octet_length(message) + coalesce(pg_column_size(meta_json), 0))
                        OVER (ORDER BY ts, id) AS bytes
                    FROM logs
                    WHERE org_id = $1 AND service_id = $2 AND environment_id = $3
                      AND ts >= day.start AND ts < day.end AND created_at < day.written_before
                    ORDER BY ts, id LIMIT $6) sized
                ) l
            WHERE l.bytes_before < $7
            ) AS last
        FROM (
            SELECT ($4::date - 1)::timestamptz - make_interval(days => retention_days) AS start,
                $4::date::timestamptz - make_interval(days => retention_days) AS end,
                clock_timestamp() - make_interval(secs => $5) AS written_before
            FROM services WHERE org_id = $1 AND id = $2
        ) day";
    const TAKE_SQL: &str = "
        -- compactor::take_rows
        DELETE FROM logs
        WHERE org_id = $1 AND service_id = $2 AND environment_id = $3 AND ts >= $4 AND ts <= $5 AND created_at < $6
        RETURNING id, ts, level, message, meta_json::text AS meta, trace_id, request_id, created_at";
    let scope = &unit.scope;
    let statement = tx.prepare_cached(RANGE_SQL).await?;
    let range = tx
        .query_opt(
            &statement,
            &[
                &tx.org_id(),
                &scope.service_id,
                &scope.environment_id,
                &unit.expires_on,
                &rows_after.as_secs_f64(),
                &(rows as i64),
                &(bytes as i64),
            ],
        )
        .await?;
    let mut lines = Lines::default();
    // Neither the service nor a row need be there any more.
    let Some(range) = range else { return Ok(lines) };
    let Some(last) = range.get::<_, Option<OffsetDateTime>>("last") else {
        return Ok(lines);
    };
    let start: OffsetDateTime = range.get("start");
    let written_before: OffsetDateTime = range.get("written_before");
    let statement = tx.prepare_cached(TAKE_SQL).await?;
    let params: [&(dyn ToSql + Sync); 6] = [
        &tx.org_id(),
        &scope.service_id,
        &scope.environment_id,
        &start,
        &last,
        &written_before,
    ];
    for row in &tx.query(&statement, &params).await? {
        lines.push(row)?;
    }
    Ok(lines)
}

impl Lines {
    fn push(&mut self, row: &Row) -> Result<(), DbError> {
        let ts: OffsetDateTime = row.try_get("ts")?;
        let level: i16 = row.get("level");
        let text = |name: &str| row.get::<_, Option<&str>>(name).unwrap_or_default().as_bytes();
        self.ids.push(row.get("id"));
        self.arrived.push(Some(row.get("created_at")));
        self.columns.ts.push((ts.unix_timestamp_nanos() / 1_000) as i64);
        self.columns.level.push(level as u8);
        self.columns.message.push(text("message"));
        self.columns.meta.push(text("meta"));
        self.columns.trace_id.push(text("trace_id"));
        self.columns.request_id.push(text("request_id"));
        Ok(())
    }

    /// Makes room for the lines of these segments: grown bit by bit, it would be copied several times.
    pub(super) fn reserve<'i>(&mut self, segments: impl Iterator<Item = &'i Index> + Clone) {
        let rows = segments.clone().map(|index| index.row_count() as usize).sum();
        for column in Column::ALL.into_iter().filter(|column| column.is_text()) {
            let bytes = segments
                .clone()
                .map(|index| index.text_bytes(column))
                .fold(0, usize::saturating_add);
            // An index that is damaged may state anything.
            let bytes = bytes.min(MAX_MERGE_BYTES as usize);
            self.columns.text_mut(column).reserve(rows, bytes);
        }
    }

    /// Adds all lines of a segment.
    pub(super) fn decode(
        &mut self,
        decoder: &mut Decoder,
        index: &Index,
        (first_id, arrived): (i64, Option<OffsetDateTime>),
        stored: &Stored,
    ) -> Result<(), Damaged> {
        for block in &index.blocks {
            let part = |column: Column| {
                stored
                    .column(column)
                    .get(block.range(column))
                    .ok_or(Damaged("column is cut off"))
            };
            self.columns.ts.extend(decoder.ts(block, part(Column::Ts)?)?);
            self.columns
                .level
                .extend(decoder.levels(block, part(Column::Level)?)?);
            self.ids.extend(decoder.ids(block, first_id, part(Column::Id)?)?);
            self.arrived.resize(self.ids.len(), arrived);
            for column in Column::ALL.into_iter().filter(|column| column.is_text()) {
                decoder.append_texts(block, column, part(column)?, self.columns.text_mut(column))?;
            }
        }
        Ok(())
    }
}

/// Puts a merged segment into its day.
pub(super) async fn put(tx: &TenantTx<'_>, unit: &Unit, segment: &Encoded) -> Result<(), DbError> {
    const SQL: &str = "
        -- compactor::put
        INSERT INTO log_segments (org_id, service_id, environment_id, expires_on, min_ts, max_ts, first_id, row_count,
            level_counts, word_filter, index_col, ts_col, level_col, message_col, meta_col, trace_col, request_col, id_col,
            pattern_counts)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    let at = |micros: i64| OffsetDateTime::UNIX_EPOCH + time::Duration::microseconds(micros);
    let level_counts: Vec<i32> = segment.level_counts.iter().map(|count| *count as i32).collect();
    let [ts, level, message, meta, trace, request, id] = &segment.columns;
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &unit.scope.service_id,
            &unit.scope.environment_id,
            &unit.expires_on,
            &at(segment.min_ts),
            &at(segment.max_ts),
            &segment.first_id,
            &(segment.row_count as i32),
            &level_counts,
            &segment.word_filter,
            &segment.index,
            ts,
            level,
            message,
            meta,
            trace,
            request,
            id,
            &segment.pattern_counts,
        ],
    )
    .await?;
    Ok(())
}

/// Moves a merged segment to another day; returns how many were: 0 if it is not there any more.
pub(super) async fn move_to(
    tx: &TenantTx<'_>,
    unit: &Unit,
    max_ts: OffsetDateTime,
    id: i64,
    day: Date,
) -> Result<u64, DbError> {
    const SQL: &str = "
        -- compactor::move
        WITH taken AS (
            DELETE FROM log_segments
            WHERE org_id = $1 AND service_id = $2 AND environment_id = $3 AND max_ts = $4 AND id = $5 AND expires_on = $6
            RETURNING id, min_ts, max_ts, first_id, row_count, level_counts, word_filter, index_col, ts_col, level_col,
                message_col, meta_col, trace_col, request_col, id_col, created_at, pattern_counts
        )
        INSERT INTO log_segments (org_id, service_id, environment_id, expires_on, id, min_ts, max_ts, first_id, row_count,
            level_counts, word_filter, index_col, ts_col, level_col, message_col, meta_col, trace_col, request_col, id_col,
            created_at, pattern_counts)
        SELECT $1, $2, $3, $7, t.id, t.min_ts, t.max_ts, t.first_id, t.row_count, t.level_counts, t.word_filter,
            t.index_col, t.ts_col, t.level_col, t.message_col, t.meta_col, t.trace_col, t.request_col, t.id_col, t.created_at,
            t.pattern_counts
        FROM taken t";
    let statement = tx.prepare_cached(SQL).await?;
    let Unit { scope, expires_on } = unit;
    let params: [&(dyn ToSql + Sync); 7] = [
        &tx.org_id(),
        &scope.service_id,
        &scope.environment_id,
        &max_ts,
        &id,
        expires_on,
        &day,
    ];
    Ok(tx.execute(&statement, &params).await?)
}
