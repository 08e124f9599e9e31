//! Fetching parts of segments' columns.

use std::ops::Range;

use bytes::Bytes;
use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, ServiceId};
use time::{Date, OffsetDateTime};
use tokio_postgres::Row;

use super::Means;
use super::cache::Part;
use super::directory::{Address, Shelf};
use crate::segment::Column;

/// The word filters, in the numbering of [`Column`].
pub(super) const FILTER: i16 = 7;

/// A stretch of one column of one segment.
#[derive(Clone, Debug)]
pub(super) struct Stretch<'a> {
    pub(super) of: &'a Address,
    /// [`Column`], or [`FILTER`].
    pub(super) column: i16,
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// Stretches of the segments of one table: its name, and the column that it is partitioned by, with its type.
macro_rules! stretches {
    ($name:literal, $table:literal, $partition:literal, $kind:literal) => {
        concat!(
            "
    -- reader::",
            $name,
            "
    SELECT wanted.place, CASE wanted.col
        WHEN 0 THEN substring(s.ts_col FROM wanted.start FOR wanted.len)
        WHEN 1 THEN substring(s.level_col FROM wanted.start FOR wanted.len)
        WHEN 2 THEN substring(s.message_col FROM wanted.start FOR wanted.len)
        WHEN 3 THEN substring(s.meta_col FROM wanted.start FOR wanted.len)
        WHEN 4 THEN substring(s.trace_col FROM wanted.start FOR wanted.len)
        WHEN 5 THEN substring(s.request_col FROM wanted.start FOR wanted.len)
        WHEN 6 THEN substring(s.id_col FROM wanted.start FOR wanted.len)
        WHEN 7 THEN s.word_filter END AS bytes
    FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::bigint[], $6::",
            $kind,
            "[], $7::smallint[], $8::integer[],
        $9::integer[]) WITH ORDINALITY
        AS wanted (service_id, environment_id, max_ts, id, partition, col, start, len, place)
    JOIN ",
            $table,
            " s ON s.org_id = $1 AND s.service_id = wanted.service_id
        AND s.environment_id = wanted.environment_id AND s.max_ts = wanted.max_ts AND s.id = wanted.id
        AND s.",
            $partition,
            " = wanted.partition"
        )
    };
}

/// Stretches of merged segments. Public, like the other, so that tests can hold what it shows to whom to account.
pub const MERGED_SQL: &str = stretches!("fetch_merged", "log_segments", "expires_on", "date");

/// Stretches of fresh segments.
pub const FRESH_SQL: &str = stretches!("fetch_fresh", "log_segments_fresh", "hour", "timestamptz");

impl Stretch<'_> {
    pub(super) fn part(&self) -> Part {
        (self.of.id, self.column, self.offset)
    }
}

/// The bytes of each stretch, in their order: remembered ones, or those of the database, which are remembered.
pub(super) async fn fetch(
    tx: &TenantTx<'_>,
    means: &Means,
    stretches: &[Stretch<'_>],
) -> Result<Vec<Bytes>, DbError> {
    let cache = &means.cache;
    let mut found: Vec<Option<Bytes>> = stretches
        .iter()
        .map(|stretch| cache.get(stretch.part()))
        .collect();
    let missing: Vec<usize> = (0..found.len()).filter(|place| found[*place].is_none()).collect();
    let wanted: Vec<Stretch<'_>> = missing.iter().map(|place| stretches[*place].clone()).collect();
    let read = read(tx, means, &wanted).await?;
    for ((place, stretch), bytes) in missing.into_iter().zip(&wanted).zip(read) {
        if !bytes.is_empty() {
            cache.remember(stretch.part(), bytes.clone());
        }
        found[place] = Some(bytes);
    }
    Ok(found.into_iter().flatten().collect())
}

/// The bytes of each stretch, in their order, from the database. Stretches that adjoin one another are read as one.
pub(super) async fn read(
    tx: &TenantTx<'_>,
    means: &Means,
    stretches: &[Stretch<'_>],
) -> Result<Vec<Bytes>, DbError> {
    if stretches.is_empty() {
        return Ok(Vec::new());
    }
    // It costs PostgreSQL about as much as unpacking costs this program, and often on the same processor.
    let _turn = means.fetches.take(tx.org_id()).await;
    let (runs, parts) = adjoin(stretches);
    let mut merged: Vec<(usize, Date)> = Vec::new();
    let mut fresh: Vec<(usize, OffsetDateTime)> = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        match run.of.shelf {
            _ if run.length == 0 => {} // what is empty need not be asked for
            Shelf::Merged(day) => merged.push((place, day)),
            Shelf::Fresh(hour) => fresh.push((place, hour)),
        }
    }
    let mut rows = vec![None; runs.len()];
    fetch_from(tx, MERGED_SQL, &runs, &merged, &mut rows).await?;
    fetch_from(tx, FRESH_SQL, &runs, &fresh, &mut rows).await?;
    let part_of = |(run, range): (usize, Range<usize>)| {
        if runs[run].length == 0 {
            return Ok(Bytes::new());
        }
        let row = rows[run].as_ref().ok_or_else(missing)?;
        let bytes: &[u8] = row.try_get("bytes")?;
        // Shorter than its index says: the decoder will find its checksum wrong.
        let range = range.start.min(bytes.len())..range.end.min(bytes.len());
        Ok(Bytes::copy_from_slice(&bytes[range]))
    };
    parts.into_iter().map(part_of).collect()
}

/// The runs to read, and for each stretch its run and where it lies in it.
fn adjoin<'a>(stretches: &[Stretch<'a>]) -> (Vec<Stretch<'a>>, Vec<(usize, Range<usize>)>) {
    let mut order: Vec<usize> = (0..stretches.len()).collect();
    order.sort_by_key(|place| {
        let Stretch {
            of, column, offset, ..
        } = &stretches[*place];
        (of.id, *column, *offset)
    });
    let mut runs: Vec<Stretch<'a>> = Vec::new();
    let mut parts = vec![(0, 0..0); stretches.len()];
    for place in order {
        let stretch = &stretches[place];
        match runs.last_mut() {
            Some(run)
                if run.of.id == stretch.of.id
                    && run.column == stretch.column
                    && run.offset.checked_add(run.length) == Some(stretch.offset) =>
            {
                run.length += stretch.length;
            }
            _ => runs.push(stretch.clone()),
        }
        let run = runs.len() - 1;
        let start = stretch.offset - runs[run].offset;
        parts[place] = (run, start..start.saturating_add(stretch.length));
    }
    (runs, parts)
}

async fn fetch_from<S>(
    tx: &TenantTx<'_>,
    sql: &str,
    stretches: &[Stretch<'_>],
    wanted: &[(usize, S)],
    found: &mut [Option<Row>],
) -> Result<(), DbError>
where
    S: Copy + Sync + tokio_postgres::types::ToSql,
{
    if wanted.is_empty() {
        return Ok(());
    }
    let of = |place: &usize| stretches[*place].of;
    let service_ids: Vec<ServiceId> = wanted.iter().map(|(place, _)| of(place).service_id).collect();
    let environment_ids: Vec<EnvironmentId> =
        wanted.iter().map(|(place, _)| of(place).environment_id).collect();
    let max_ts: Vec<OffsetDateTime> = wanted.iter().map(|(place, _)| of(place).max_ts).collect();
    let ids: Vec<i64> = wanted.iter().map(|(place, _)| of(place).id).collect();
    let partitions: Vec<S> = wanted.iter().map(|(_, partition)| *partition).collect();
    let columns: Vec<i16> = wanted.iter().map(|(place, _)| stretches[*place].column).collect();
    // PostgreSQL counts bytes from 1.
    let starts: Vec<i32> = wanted
        .iter()
        .map(|(place, _)| stretches[*place].offset as i32 + 1)
        .collect();
    let lengths: Vec<i32> = wanted
        .iter()
        .map(|(place, _)| stretches[*place].length as i32)
        .collect();
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &service_ids,
                &environment_ids,
                &max_ts,
                &ids,
                &partitions,
                &columns,
                &starts,
                &lengths,
            ],
        )
        .await?;
    for row in rows {
        let place: i64 = row.get("place");
        found[wanted[place as usize - 1].0] = Some(row);
    }
    Ok(())
}

/// The snapshot that listed a segment shows its columns.
fn missing() -> DbError {
    DbError::Corrupt {
        what: "log segment",
        source: "a segment of this snapshot has no such column".into(),
    }
}

impl From<Column> for i16 {
    fn from(column: Column) -> Self {
        column as Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_read_as_one() {
        let address = |id| Address {
            service_id: ServiceId::generate(),
            environment_id: EnvironmentId::generate(),
            max_ts: OffsetDateTime::UNIX_EPOCH,
            id,
            shelf: Shelf::Fresh(OffsetDateTime::UNIX_EPOCH),
        };
        let (a, b) = (address(1), address(2));
        let stretch = |of, column, offset, length| Stretch {
            of,
            column,
            offset,
            length,
        };
        let stretches = [
            stretch(&a, 2, 30, 5),
            stretch(&b, 2, 35, 5),
            stretch(&a, 2, 10, 20),
            stretch(&a, 3, 35, 1),
            stretch(&a, 2, 40, 1),
            stretch(&b, FILTER, 0, usize::MAX),
        ];
        let (runs, parts) = adjoin(&stretches);
        let read: Vec<_> = runs
            .iter()
            .map(|run| (run.of.id, run.column, run.offset, run.length))
            .collect();
        assert_eq!(
            read,
            [
                (1, 2, 10, 25),
                (1, 2, 40, 1),
                (1, 3, 35, 1),
                (2, 2, 35, 5),
                (2, FILTER, 0, usize::MAX)
            ]
        );
        assert_eq!(
            parts,
            [
                (0, 20..25),
                (3, 0..5),
                (0, 0..20),
                (2, 0..1),
                (1, 0..1),
                (4, 0..usize::MAX)
            ]
        );
    }
}
