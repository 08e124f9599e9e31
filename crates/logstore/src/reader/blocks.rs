//! Matching and decoding blocks of segments: the work of the processor, away from the event loop.

use std::sync::Arc;

use bytes::Bytes;
use domain::ids::OrgId;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};

use super::condition::{Part, intersection};
use super::directory::Listed;
use super::leaf::BlockTexts;
use super::lines::LineColumns;
use super::merge::Key;
use super::turns::Turns;
use super::{Line, Partial, Plan, Projection};
use crate::filter;
use crate::segment::{Block, Column, Damaged, Decoder, Texts};

/// A block that was chosen to be read.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) segment: Arc<Listed>,
    pub(super) block: usize,
}

impl Chosen {
    /// What the segment's index says of it. A damaged index has no blocks, so none of them is ever chosen.
    pub(super) fn entry(&self) -> Option<&Block> {
        self.segment.index.as_ref().ok()?.blocks.get(self.block)
    }
}

/// Rows of a block, by their number in it, rising; all of them before anything was looked at.
#[derive(Clone, Debug)]
pub(super) enum Rows {
    All,
    These(Vec<u32>),
}

impl Rows {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::These(rows) if rows.is_empty())
    }

    /// Leaves those that are among these as well, which rise.
    pub(super) fn keep(&mut self, rows: Vec<u32>) {
        *self = Self::These(match self {
            Self::All => rows,
            Self::These(before) => intersection(before, &rows),
        });
    }
}

/// A row that matched, and when it was.
pub(super) type Hit = (Key, u32);

/// Jobs that run while this is awaited, in the order of their items.
pub(super) type Running<R> = Vec<BoxFuture<'static, Vec<R>>>;

/// Prepares a job for each item, on as many threads as there are cores for this organisation.
pub(super) fn begin<T, R>(
    (turns, org_id): (&Turns, OrgId),
    items: Vec<T>,
    job: &(impl Fn(T) -> R + Clone + Send + 'static),
) -> Running<R>
where
    T: Send + 'static,
    R: Send + 'static,
{
    let share = items.len().div_ceil(turns.cores()).max(1);
    let mut items = items.into_iter();
    let mut running: Running<R> = Vec::with_capacity(turns.cores());
    loop {
        let part: Vec<T> = items.by_ref().take(share).collect();
        if part.is_empty() {
            return running;
        }
        let (job, turns) = (job.clone(), turns.clone());
        let work = move || part.into_iter().map(job).collect();
        running.push(async move { turns.run(org_id, work).await }.boxed());
    }
}

/// The results, in the order of the items.
pub(super) async fn finish<R>(running: Running<R>) -> Vec<R> {
    join_all(running).await.into_iter().flatten().collect()
}

/// What was found in a block for a part of a condition.
pub(super) struct Matched {
    /// Those that meet it, rising.
    pub(super) rows: Vec<u32>,
    /// The word filter of the column that was looked at, if it was asked for.
    pub(super) filter: Option<(Column, Vec<u8>)>,
}

/// Looks for the rows that meet a part of the condition; `stored` are its columns, in their order.
pub(super) fn matching(
    chosen: &Chosen,
    part: &Part,
    stored: &[Bytes],
    wants_filter: bool,
) -> Result<Matched, Damaged> {
    let none = Matched {
        rows: Vec::new(),
        filter: None,
    };
    let Some(block) = chosen.entry() else {
        return Ok(none);
    };
    Decoder::lend(|decoder| {
        let mut texts = BlockTexts {
            rows: block.rows,
            ..BlockTexts::default()
        };
        if let ([column], [stored]) = (&part.columns[..], stored)
            && column.is_text()
        {
            // Looked at where it was unpacked.
            let view = decoder.view(block, *column, stored)?;
            texts.set(*column, view);
            return Ok(Matched {
                rows: part.rows(&texts),
                filter: wants_filter.then(|| (*column, filter_of(*column, &view))),
            });
        }
        let mut copies = Vec::with_capacity(stored.len());
        for (column, stored) in part.columns.iter().zip(stored) {
            match column {
                Column::Ts => texts.ts = decoder.ts(block, stored)?,
                Column::Level => texts.levels = decoder.levels(block, stored)?,
                Column::Id => {}
                Column::Message | Column::Meta | Column::Trace | Column::Request => {
                    copies.push((*column, decoder.texts(block, *column, stored)?));
                }
            }
        }
        for (column, copy) in &copies {
            texts.set(*column, Texts::Plain(copy.view()));
        }
        let rows = part.rows(&texts);
        Ok(Matched { rows, ..none })
    })
}

fn filter_of(column: Column, texts: &Texts<'_>) -> Vec<u8> {
    let (mut builder, mut filter) = (filter::Builder::default(), Vec::new());
    texts.for_each(|text| builder.add_text(column, text));
    builder.finish(&mut filter);
    filter
}

/// The keys of the rows that are left, if their level and time are wanted.
pub(super) fn keys(
    chosen: &Chosen,
    [ts, level, id]: [&Bytes; 3],
    rows: &Rows,
    plan: &Plan,
    start: Key,
) -> Result<Vec<Hit>, Damaged> {
    let (oldest, start) = plan.range(chosen.segment.place, start);
    let condition = plan.condition(chosen.segment.place);
    let Some(block) = chosen.entry() else {
        return Ok(Vec::new());
    };
    let (ts, levels, ids) = Decoder::lend(|decoder| {
        Ok((
            decoder.ts(block, ts)?,
            decoder.levels(block, level)?,
            decoder.ids(block, chosen.segment.first_id, id)?,
        ))
    })?;
    let hit = |row: u32| {
        let at = row as usize;
        let key = Key {
            ts: *ts.get(at)?,
            id: *ids.get(at)?,
        };
        let wanted = key < start && key.ts >= oldest && condition.wants_code(*levels.get(at)?);
        wanted.then_some((key, row))
    };
    Ok(match rows {
        Rows::All => (0..ts.len() as u32).filter_map(hit).collect(),
        Rows::These(rows) => rows.iter().filter_map(|row| hit(*row)).collect(),
    })
}

/// The lines that are left, if their level and time are wanted; `stored` are time, level and id, and the columns of the
/// projection.
pub(super) fn lines(
    chosen: &Chosen,
    projection: Projection,
    stored: &[Bytes],
    rows: &Rows,
    plan: &Plan,
    start: Key,
) -> Result<Vec<Line>, Damaged> {
    let (Some(block), [ts, level, id, texts @ ..]) = (chosen.entry(), stored) else {
        return Ok(Vec::new());
    };
    let (keys, rows): (Vec<Key>, Vec<u32>) = keys(chosen, [ts, level, id], rows, plan, start)?
        .into_iter()
        .unzip();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let columns = LineColumns::unpack(block, level, projection.columns().zip(texts), &rows)?;
    let scope = plan.scope(chosen.segment.place);
    (0..)
        .zip(keys)
        .map(|(nth, key)| columns.line(scope, key, nth))
        .collect()
}

/// Says in the log and the metrics that a segment is damaged; the search goes on without it.
pub(super) fn report(segment: &Listed, damage: &Damaged) -> Partial {
    metrics::counter!("logstore_damaged_segments_total").increment(1);
    tracing::error!(
        segment.id = segment.address.id,
        service_id = %segment.address.service_id,
        "log segment {} cannot be read and is left out: {damage}",
        segment.address.id
    );
    Partial::Damaged
}
