//! In which form the lines of a flush are stored: as segments where a scope has enough of them, as rows where not.
//!
//! A row costs PostgreSQL an index entry and a heap tuple; a segment costs a row and the encoding. Where they break even
//! is measured by `make bench`.

use std::collections::BTreeMap;
use std::io;

use domain::level::Level;
use domain::scope::Scope;
use time::Duration;

use super::Batch;
use super::copy::Rows;
use super::ids::Ids;
use crate::columns::Columns;
use crate::expiry;
use crate::segment::{self, Encoded, Encoder};

/// What [`Laid::rows`] holds.
pub(super) const ROWS_SQL: &str = "
    -- writer::copy_rows
    COPY logs (org_id, service_id, environment_id, id, ts, level, message, meta_json, trace_id, request_id)
    FROM STDIN (FORMAT binary)";
const LEVELS: usize = Level::ALL.len();
const ROW_FIELDS: i16 = 10;

/// What [`Laid::segments`] holds.
pub(super) const SEGMENTS_SQL: &str = "
    -- writer::copy_segments
    COPY log_segments_fresh (org_id, service_id, environment_id, expires_on, min_ts, max_ts, first_id, row_count,
        level_counts, index_col, ts_col, level_col, message_col, meta_col, trace_col, request_col, id_col)
    FROM STDIN (FORMAT binary)";
const SEGMENT_FIELDS: i16 = 17;

/// A flush, ready to be sent.
#[derive(Debug, Default)]
pub(super) struct Laid {
    pub(super) rows: Rows,
    pub(super) segments: Rows,
    pub(super) counts: Counts,
}

/// Lines by [`Level::code`].
pub(super) type Counts = BTreeMap<(Scope, Minute), [i64; LEVELS]>;

/// Microseconds since 1970, at the start of a minute.
pub(super) type Minute = i64;

/// The batches of one scope.
pub(super) struct Group<'a> {
    pub(super) scope: Scope,
    batches: Vec<&'a Batch>,
}

impl Group<'_> {
    fn retention(&self) -> Duration {
        let retentions = self.batches.iter().map(|batch| batch.retention());
        retentions.max().unwrap_or_default()
    }
}

/// Sorts batches by scope.
pub(super) fn group<'a>(batches: impl IntoIterator<Item = &'a Batch>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<Scope, Vec<&Batch>> = BTreeMap::new();
    for batch in batches {
        groups.entry(batch.scope()).or_default().push(batch);
    }
    groups
        .into_iter()
        .map(|(scope, batches)| Group { scope, batches })
        .collect()
}

/// Encodes the lines; takes an id for each from the range.
pub(super) fn lay_out(
    groups: &[Group<'_>],
    segment_min_rows: usize,
    ids: &mut Ids,
    encoder: &mut Encoder,
) -> io::Result<Laid> {
    let mut laid = Laid::default();
    for group in groups {
        let merged;
        let columns = match group.batches.as_slice() {
            [only] => only.columns(),
            several => {
                let mut columns = Columns::default();
                for batch in several {
                    columns.append(batch.columns());
                }
                merged = columns;
                &merged
            }
        };
        count(&mut laid.counts, group.scope, columns);
        if columns.len() < segment_min_rows {
            let first_id = ids.take(columns.len()).ok_or_else(no_ids)?;
            put_rows(&mut laid.rows, &group.scope, columns, first_id);
            continue;
        }
        for part in segment::parts(columns) {
            let first_id = ids.take(part.len()).ok_or_else(no_ids)?;
            let encoded = encoder.encode_part(columns, part, segment::Ids::From(first_id))?;
            put_segment(&mut laid.segments, &group.scope, group.retention(), &encoded);
        }
    }
    Ok(laid)
}

fn no_ids() -> io::Error {
    io::Error::other("ids were not reserved")
}

fn count(counts: &mut Counts, scope: Scope, columns: &Columns) {
    let mut current = None;
    let mut lines = [0; LEVELS];
    let mut add = |minute: Option<Minute>, lines: &mut [i64; LEVELS]| {
        if let Some(minute) = minute {
            let totals = counts.entry((scope, minute)).or_default();
            for (total, lines) in totals.iter_mut().zip(std::mem::take(lines)) {
                *total += lines;
            }
        }
    };
    for (&ts, &level) in columns.ts.iter().zip(&columns.level) {
        let minute = minute_of(ts);
        if current != Some(minute) {
            add(current.replace(minute), &mut lines);
        }
        lines[usize::from(level).min(Level::ALL.len() - 1)] += 1;
    }
    add(current, &mut lines);
}

fn minute_of(ts: i64) -> Minute {
    const MINUTE: i64 = 60_000_000;
    ts.div_euclid(MINUTE) * MINUTE
}

fn put_rows(out: &mut Rows, scope: &Scope, columns: &Columns, first_id: i64) {
    const FIXED: usize = 128;
    out.reserve(columns.len() * FIXED + columns.size());
    for (row, id) in (0..columns.len()).zip(first_id..) {
        out.start_row(ROW_FIELDS);
        out.scope(scope);
        out.bigint(id);
        out.timestamptz(columns.ts[row]);
        out.smallint(columns.level[row].into());
        out.field(columns.message.get(row));
        out.jsonb_or_null(columns.meta.get(row));
        out.text_or_null(columns.trace_id.get(row));
        out.text_or_null(columns.request_id.get(row));
    }
}

fn put_segment(out: &mut Rows, scope: &Scope, retention: Duration, segment: &Encoded) {
    const FIXED: usize = 256;
    let bytes: usize = segment.columns.iter().map(Vec::len).sum();
    out.reserve(FIXED + segment.index.len() + bytes);
    out.start_row(SEGMENT_FIELDS);
    out.scope(scope);
    out.date(expiry::day_of(segment.max_ts, retention));
    out.timestamptz(segment.min_ts);
    out.timestamptz(segment.max_ts);
    out.bigint(segment.first_id);
    out.integer(segment.row_count as i32);
    out.integer_array(&segment.level_counts);
    out.field(&segment.index);
    for column in &segment.columns {
        out.field(column);
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{EnvironmentId, OrgId, ServiceId};
    use domain::log_record::NewLog;
    use time::macros::datetime;
    use time::{Duration, OffsetDateTime};
    use uuid::Uuid;

    use super::*;

    fn scope() -> Scope {
        Scope {
            org_id: OrgId(Uuid::from_u128(1)),
            service_id: ServiceId(Uuid::from_u128(2)),
            environment_id: EnvironmentId(Uuid::from_u128(3)),
        }
    }

    fn line(ts: OffsetDateTime, level: Level) -> NewLog<'static> {
        NewLog {
            ts,
            level,
            message: "m".into(),
            meta: None,
            trace_id: None,
            request_id: Some("r".into()),
        }
    }

    const MIN_ROWS: usize = 8;

    fn laid(lines: &[NewLog<'_>]) -> Laid {
        let batch = Batch::of(scope(), Duration::days(30), lines).unwrap();
        let mut ids = Ids::from(7);
        lay_out(&group([&batch]), MIN_ROWS, &mut ids, &mut Encoder::new().unwrap()).unwrap()
    }

    #[test]
    fn a_row_is_what_the_binary_format_wants() {
        let laid = laid(&[line(datetime!(2000-01-01 00:00:00.000001 UTC), Level::Warn)]);
        let mut expected = vec![0, 10];
        for id in 1..=3_u128 {
            expected.extend([0, 0, 0, 16]);
            expected.extend(id.to_be_bytes());
        }
        expected.extend([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7]);
        expected.extend([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1]);
        expected.extend([0, 0, 0, 2, 0, 3]);
        expected.extend([0, 0, 0, 1, b'm']);
        expected.extend([0xff; 4]);
        expected.extend([0xff; 4]);
        expected.extend([0, 0, 0, 1, b'r']);
        assert_eq!(laid.rows.into_bytes(), expected);
        assert!(laid.segments.is_empty());
    }

    #[test]
    fn enough_lines_of_a_scope_become_a_segment() {
        let now = datetime!(2026-11-22 12:00 UTC);
        let few = laid(&vec![line(now, Level::Info); MIN_ROWS - 1]);
        assert!(!few.rows.is_empty() && few.segments.is_empty());
        let many = laid(&vec![line(now, Level::Info); MIN_ROWS]);
        assert!(many.rows.is_empty() && !many.segments.is_empty());
    }

    #[test]
    fn lines_are_counted_by_minute_and_level_also_before_1970() {
        let noon = datetime!(2026-11-22 12:00 UTC);
        let laid = laid(&[
            line(datetime!(2026-11-22 12:00:59.999999 UTC), Level::Info),
            line(datetime!(1969-12-31 23:59:30 UTC), Level::Info),
            line(noon, Level::Info),
            line(noon, Level::Error),
        ]);
        let noon = noon.unix_timestamp() * 1_000_000;
        let expected = [
            ((scope(), -60_000_000), [0, 0, 1, 0, 0, 0]),
            ((scope(), noon), [0, 0, 2, 0, 1, 0]),
        ];
        assert_eq!(laid.counts, expected.into());
    }
}
