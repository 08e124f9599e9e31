//! Fetching lines whole: loose rows by their keys, rows of segments by their blocks.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, LogId, ServiceId};
use domain::level::Level;
use postgres_types::Json;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::blocks::{self, Chosen};
use super::fetch::{self, Stretch};
use super::merge::{At, Key};
use super::scan::{Place, stretch};
use super::{Line, Means, Partial, Plan, SearchScope, level_of};
use crate::columns::TextColumn;
use crate::segment::{Block, Column, Damaged, Decoder};

/// The lines with these keys, with their places. Public for the same tests as the scan's.
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

/// Lines that are fetched at a time, and about the bytes of them and of the compressed blocks that hold them: what is held at
/// once, and wasted when the answer is full.
const STEP_LINES: usize = 4_096;
const STEP_BYTES: u64 = 16 << 20;
/// Columns of a block that a line consists of.
const COLUMNS: [Column; 5] = [
    Column::Level,
    Column::Message,
    Column::Meta,
    Column::Trace,
    Column::Request,
];

/// What was fetched of the lines that a scan found.
pub(super) struct Fetched {
    /// The longest prefix that fits into the answer, but at least one line.
    pub(super) lines: Vec<Line>,
    /// The last key that was looked at, if the answer was full before the end.
    pub(super) stopped_at: Option<Key>,
    pub(super) damaged: Option<Partial>,
}

pub(super) async fn fetch(
    tx: &TenantTx<'_>,
    means: &Means,
    plan: &Plan,
    found: &[At<Place>],
) -> Result<Fetched, DbError> {
    let mut fetched = Fetched {
        lines: Vec::with_capacity(found.len()),
        stopped_at: None,
        damaged: None,
    };
    let (mut bytes, mut last) = (0, None);
    for step in steps(found) {
        let mut lines = loose_rows(tx, plan, step).await?;
        lines.extend(rows_of_segments(tx, means, plan, step, &mut fetched.damaged).await?);
        for (place, at) in step.iter().enumerate() {
            // One that is missing was in a damaged block.
            let Some(line) = lines.remove(&place) else {
                continue;
            };
            bytes += weight(&line);
            if bytes > plan.budget.bytes && !fetched.lines.is_empty() {
                fetched.stopped_at = last;
                return Ok(fetched);
            }
            fetched.lines.push(line);
            last = Some(at.key);
        }
    }
    Ok(fetched)
}

/// Cuts what was found into pieces of a bounded size.
fn steps(found: &[At<Place>]) -> impl Iterator<Item = &[At<Place>]> {
    let mut rest = found;
    std::iter::from_fn(move || {
        let (mut bytes, mut blocks) = (0, HashSet::new());
        let fits = |at: &&At<Place>| {
            bytes += match &at.what {
                Place::Row { bytes, .. } => u64::from(*bytes),
                Place::Block { chosen, .. } => {
                    let is_new = blocks.insert((chosen.segment.address.id, chosen.block));
                    let stored = |block: &Block| if is_new { block.stored_bytes() } else { 0 };
                    chosen.entry().map_or(0, |block| {
                        stored(block) + block.raw_bytes() / u64::from(block.rows)
                    })
                }
            };
            bytes <= STEP_BYTES
        };
        let lines = rest.iter().take(STEP_LINES).take_while(fits).count().max(1);
        let (step, more) = rest.split_at_checked(lines)?;
        rest = more;
        Some(step)
    })
}

/// By their place in the step.
type Lines = HashMap<usize, Line>;

async fn loose_rows(tx: &TenantTx<'_>, plan: &Plan, step: &[At<Place>]) -> Result<Lines, DbError> {
    let wanted: Vec<(usize, usize, Key)> = step
        .iter()
        .enumerate()
        .filter_map(|(place, at)| match at.what {
            Place::Row { scope, .. } => Some((place, scope, at.key)),
            Place::Block { .. } => None,
        })
        .collect();
    if wanted.is_empty() {
        return Ok(Lines::new());
    }
    let service_ids: Vec<ServiceId> = wanted
        .iter()
        .map(|(_, scope, _)| plan.scope(*scope).service_id)
        .collect();
    let environment_ids: Vec<EnvironmentId> = wanted
        .iter()
        .map(|(_, scope, _)| plan.scope(*scope).environment_id)
        .collect();
    let ts: Vec<OffsetDateTime> = wanted.iter().map(|(_, _, key)| key.at()).collect();
    let ids: Vec<i64> = wanted.iter().map(|(_, _, key)| key.id).collect();
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[&tx.org_id(), &service_ids, &environment_ids, &ts, &ids],
        )
        .await?;
    if rows.len() < wanted.len() {
        return Err(missing());
    }
    rows.iter()
        .map(|row| {
            let which: i64 = row.get("place");
            Ok((wanted[which as usize - 1].0, line_of(row)?))
        })
        .collect()
}

fn line_of(row: &Row) -> Result<Line, DbError> {
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

/// Lines of one block that are wanted.
struct Group<'a> {
    chosen: &'a Chosen,
    /// The place in the step, the row in the block, and the key.
    lines: Vec<(usize, u32, Key)>,
}

async fn rows_of_segments(
    tx: &TenantTx<'_>,
    means: &Means,
    plan: &Plan,
    step: &[At<Place>],
    damaged: &mut Option<Partial>,
) -> Result<Lines, DbError> {
    let groups = by_block(step);
    let stretches: Vec<Stretch<'_>> = groups
        .iter()
        .flat_map(|group| COLUMNS.map(|column| stretch(group.chosen, column)))
        .collect();
    let stored = fetch::fetch(tx, means, &stretches).await?;
    let jobs: Vec<Job> = groups
        .into_iter()
        .zip(stored.chunks_exact(COLUMNS.len()))
        .map(|(group, stored)| Job {
            scope: *plan.scope(group.chosen.segment.place),
            chosen: group.chosen.clone(),
            lines: group.lines,
            stored: stored.to_vec(),
        })
        .collect();
    let mut lines = Lines::new();
    let decoding = blocks::begin((&means.turns, tx.org_id()), jobs, &|mut job: Job| {
        let decoded = decode(&mut job);
        (job.chosen, decoded)
    });
    for (chosen, decoded) in blocks::finish(decoding).await {
        match decoded {
            Ok(decoded) => lines.extend(decoded),
            Err(damage) => *damaged = Some(blocks::report(&chosen.segment, &damage)),
        }
    }
    Ok(lines)
}

fn by_block(step: &[At<Place>]) -> Vec<Group<'_>> {
    let mut groups: HashMap<(i64, usize), Group<'_>> = HashMap::new();
    for (place, at) in step.iter().enumerate() {
        if let Place::Block { chosen, row } = &at.what {
            let group = groups
                .entry((chosen.segment.address.id, chosen.block))
                .or_insert(Group {
                    chosen,
                    lines: Vec::new(),
                });
            group.lines.push((place, *row, at.key));
        }
    }
    groups.into_values().collect()
}

struct Job {
    scope: SearchScope,
    chosen: Chosen,
    lines: Vec<(usize, u32, Key)>,
    /// In the order of [`COLUMNS`].
    stored: Vec<Bytes>,
}

fn decode(job: &mut Job) -> Result<Vec<(usize, Line)>, Damaged> {
    let (Some(block), Some((level, texts))) = (job.chosen.entry(), job.stored.split_first()) else {
        return Ok(Vec::new());
    };
    job.lines.sort_unstable_by_key(|(_, row, _)| *row);
    let rows: Vec<u32> = job.lines.iter().map(|(_, row, _)| *row).collect();
    let texts = COLUMNS.into_iter().skip(1).zip(texts);
    let columns = LineColumns::unpack(block, level, texts, &rows)?;
    (0..)
        .zip(&job.lines)
        .map(|(nth, (place, _, key))| Ok((*place, columns.line(&job.scope, *key, nth)?)))
        .collect()
}

/// Lines of a block, unpacked; texts are empty where they were not asked for.
#[derive(Default)]
pub(super) struct LineColumns {
    /// By [`Level::code`].
    levels: Vec<u8>,
    message: TextColumn,
    meta: TextColumn,
    trace_id: TextColumn,
    request_id: TextColumn,
}

impl LineColumns {
    /// Unpacks these rows, which rise, of the levels and of some columns of text.
    pub(super) fn unpack<'a>(
        block: &Block,
        level: &[u8],
        texts: impl Iterator<Item = (Column, &'a Bytes)>,
        rows: &[u32],
    ) -> Result<Self, Damaged> {
        Decoder::lend(|decoder| {
            let levels = decoder.levels(block, level)?;
            let mut columns = Self {
                levels: rows
                    .iter()
                    .filter_map(|row| levels.get(*row as usize).copied())
                    .collect(),
                ..Self::default()
            };
            for (column, stored) in texts {
                let unpacked = decoder.texts_of(block, column, stored, rows)?;
                match column {
                    Column::Message => columns.message = unpacked,
                    Column::Meta => columns.meta = unpacked,
                    Column::Trace => columns.trace_id = unpacked,
                    Column::Request => columns.request_id = unpacked,
                    Column::Ts | Column::Level | Column::Id => {}
                }
            }
            Ok(columns)
        })
    }

    /// The line of one of the rows, by its place among them.
    pub(super) fn line(&self, scope: &SearchScope, key: Key, nth: usize) -> Result<Line, Damaged> {
        let level = self
            .levels
            .get(nth)
            .and_then(|code| Level::from_code((*code).into()));
        Ok(Line {
            id: LogId(key.id),
            service_id: scope.service_id,
            environment_id: scope.environment_id,
            ts: key.at(),
            level: level.ok_or(Damaged("level is none"))?,
            message: String::from_utf8_lossy(self.message.get(nth)).into_owned(),
            meta: raw_json(self.meta.get(nth))?,
            trace_id: text(self.trace_id.get(nth)),
            request_id: text(self.request_id.get(nth)),
        })
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
}

fn raw_json(bytes: &[u8]) -> Result<Option<Box<RawValue>>, Damaged> {
    text(bytes)
        .map(|json| RawValue::from_string(json).map_err(|_cause| Damaged("metadata is not JSON")))
        .transpose()
}

/// The snapshot that showed a key shows its line.
fn missing() -> DbError {
    DbError::Corrupt {
        what: "log line",
        source: "a key of this snapshot has no line".into(),
    }
}

/// About how many bytes the line is in an answer.
fn weight(line: &Line) -> usize {
    const FIXED: usize = 256; // ids, names, time and level
    FIXED + line.message.len() + line.meta.as_ref().map_or(0, |meta| meta.get().len())
}
