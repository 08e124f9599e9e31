//! Blocks of segments: which of them to read, and what of them matches.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use db::{DbError, TenantTx};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;

use super::{Goal, Place, Scan, stretch};
use crate::reader::Projection;
use crate::reader::blocks::{self, Chosen, Matched};
use crate::reader::cache::Part;
use crate::reader::directory::Listed;
use crate::reader::fetch::{self, Stretch};
use crate::reader::merge::{self, At, Key};
use crate::segment::{Column, Damaged};

/// Blocks of a round, which grows fourfold up to this: about 8 MB of compressed text.
const MAX_ROUND_BLOCKS: usize = 64;
/// The same where all that matches is unpacked.
const MAX_VISITED_BLOCKS: usize = 4;
/// Blocks that are fetched at a time, while those before them are matched.
const STEP_BLOCKS: usize = 16;
/// Of so few blocks that filters let pass all columns are asked for at once: there is a match in nearly every one, and each
/// time that PostgreSQL is asked takes as long as reading two of them.
const MAX_LIKELY_BLOCKS: usize = 4;
/// Bytes of compressed text of a round.
const MAX_ROUND_BYTES: usize = 16 << 20;
/// Filters fetched at a time: about 60 KB each.
const FILTERS_AT_A_TIME: usize = 64;

/// What tells which line it is, and whether it is wanted.
const KEY_COLUMNS: [Column; 3] = [Column::Ts, Column::Level, Column::Id];

/// A block, what is left of it, and the columns that are looked at next.
type Narrowing = (Chosen, blocks::Rows, Vec<Bytes>);

/// A block, what was left of it, and what was found in it of what is asked next.
type Matching = (Chosen, blocks::Rows, Result<Matched, Damaged>);

impl Scan<'_> {
    /// Reads the blocks that are newest, as many as a round may.
    pub(super) async fn read_blocks(&mut self, tx: &TenantTx<'_>) -> Result<(), DbError> {
        let chosen = self.choose(tx).await?;
        self.block_rounds += 1;
        self.tally.blocks += chosen.len() as u64;
        let rows = chosen
            .iter()
            .filter_map(Chosen::entry)
            .map(|block| u64::from(block.rows));
        self.tally.rows += rows.sum::<u64>();
        let narrowed = self.narrow(tx, chosen).await?;
        if let Goal::Visit(projection) = self.goal {
            return self.visit(tx, narrowed, projection).await;
        }
        let narrowed = self.count_whole(narrowed);
        self.take_keys(tx, narrowed).await
    }

    /// Counts what can be told without looking at lines: rows of a block that lies whole within the range, at any level.
    /// Gives back the others.
    fn count_whole(&mut self, left: Vec<(Chosen, blocks::Rows)>) -> Vec<(Chosen, blocks::Rows)> {
        let Goal::Count(counted) = &mut self.goal else {
            return left;
        };
        let (plan, start) = (&self.plan, self.start);
        let counts = |(chosen, rows): &(Chosen, blocks::Rows)| {
            let block = chosen.entry()?;
            let (oldest, start) = plan.range(chosen.segment.place, start);
            let condition = plan.condition(chosen.segment.place);
            let is_within = Key::after(block.max_ts) < start && block.min_ts >= oldest;
            let levels = || {
                (0..)
                    .zip(&block.level_counts)
                    .filter(|(level, _)| condition.wants_code(*level))
            };
            match rows {
                blocks::Rows::All if is_within => {
                    Some(levels().map(|(_, count)| u64::from(*count)).sum::<u64>())
                }
                blocks::Rows::These(rows) if is_within && condition.wants_all_levels() => {
                    Some(rows.len() as u64)
                }
                blocks::Rows::All | blocks::Rows::These(_) => None,
            }
        };
        let mut rest = Vec::new();
        for part in left {
            match counts(&part) {
                Some(lines) => *counted += lines,
                None => rest.push(part),
            }
        }
        rest
    }

    /// Takes blocks off the heap, newest first, and leaves out those that filters rule out.
    async fn choose(&mut self, tx: &TenantTx<'_>) -> Result<Vec<Chosen>, DbError> {
        let most = match self.goal {
            Goal::Visit(_) => MAX_VISITED_BLOCKS,
            Goal::Newest | Goal::OldestAfter(_) | Goal::Count(_) => MAX_ROUND_BLOCKS,
        };
        let most = 4_usize.pow(self.block_rounds.min(8)).min(most);
        // What is loose or still unlisted bounds how far a round may look, and so does what already matched.
        let streams = [merge::newest(&self.rows), merge::newest(&self.directories)];
        let floor = streams
            .into_iter()
            .flatten()
            .chain(self.matched.peek().map(|at| at.key))
            .max();
        let (mut chosen, mut bytes, mut asked_for) = (Vec::new(), 0, None);
        while chosen.len() < most
            && bytes < MAX_ROUND_BYTES
            && let Some(next) = self.segments.peek()
            && floor.is_none_or(|floor| next.key > floor)
        {
            let id = next.what.segment.address.id;
            if self.misses_filters(&next.what.segment) && asked_for != Some(id) {
                self.fetch_filters(tx).await?;
                // Where the cache has no room for them, the block is read.
                asked_for = Some(id);
                continue;
            }
            let Some(At { what, .. }) = self.segments.pop() else {
                break;
            };
            self.push_block(Arc::clone(&what.segment), what.block);
            bytes += what.entry().map_or(0, |block| block.range(Column::Message).len());
            chosen.push(what);
        }
        Ok(chosen)
    }

    /// The filters of all blocks of a segment, if a search needs them and they are remembered.
    pub(super) fn filters_of(&self, segment: &Listed) -> Option<Bytes> {
        self.needs_filters(segment)
            .then(|| self.means.cache.get(filters_part(segment.address.id)))
            .flatten()
    }

    fn needs_filters(&self, segment: &Listed) -> bool {
        segment.has_filter && self.plan.condition(segment.place).has_terms()
    }

    fn misses_filters(&self, segment: &Listed) -> bool {
        self.needs_filters(segment) && self.filters_of(segment).is_none()
    }

    /// Brings the filters of the segments that come next into the cache, and moves on those of whose blocks they rule out the
    /// newest.
    async fn fetch_filters(&mut self, tx: &TenantTx<'_>) -> Result<(), DbError> {
        let mut wanted: Vec<&At<Chosen>> = self
            .segments
            .iter()
            .filter(|at| self.misses_filters(&at.what.segment))
            .collect();
        wanted.sort_by_key(|at| std::cmp::Reverse(at.key));
        wanted.truncate(FILTERS_AT_A_TIME);
        let stretches: Vec<Stretch<'_>> = wanted
            .iter()
            .map(|at| Stretch {
                of: &at.what.segment.address,
                column: fetch::FILTER,
                offset: 0,
                length: usize::MAX,
            })
            .collect();
        let filters = fetch::read(tx, self.means, &stretches).await?;
        for (at, filter) in wanted.into_iter().zip(filters) {
            self.tally.bytes += filter.len() as u64;
            let segment = &at.what.segment;
            // Without its filters a segment is read, which is slower and as right.
            let filter = if has_intact_filters(segment, &filter) {
                filter
            } else {
                Bytes::new()
            };
            self.means
                .cache
                .remember(filters_part(segment.address.id), filter);
        }
        for at in std::mem::take(&mut self.segments) {
            self.push_block(at.what.segment, at.what.block + 1);
        }
        Ok(())
    }

    /// Applies the conditions, part by part, to what is left.
    async fn narrow(
        &mut self,
        tx: &TenantTx<'_>,
        chosen: Vec<Chosen>,
    ) -> Result<Vec<(Chosen, blocks::Rows)>, DbError> {
        let mut left: Vec<(Chosen, blocks::Rows)> = chosen
            .into_iter()
            .map(|chosen| (chosen, blocks::Rows::All))
            .collect();
        let plan = Arc::clone(&self.plan);
        let parts = |(chosen, _): &(Chosen, blocks::Rows)| plan.condition(chosen.segment.place).parts().len();
        let most = left.iter().map(parts).max().unwrap_or(0);
        for part in 0..most {
            let (open, met): (Vec<_>, Vec<_>) = left.into_iter().partition(|left| parts(left) > part);
            left = met;
            left.extend(self.narrow_by(tx, part, open).await?);
        }
        Ok(left)
    }

    /// Applies one part of each block's condition: looks for its rows only where they are not remembered.
    async fn narrow_by(
        &mut self,
        tx: &TenantTx<'_>,
        part: usize,
        open: Vec<(Chosen, blocks::Rows)>,
    ) -> Result<Vec<(Chosen, blocks::Rows)>, DbError> {
        let cache = &self.means.cache;
        let plan = Arc::clone(&self.plan);
        let digest = |chosen: &Chosen| plan.condition(chosen.segment.place).parts()[part].digest;
        let (mut left, mut unknown) = (Vec::with_capacity(open.len()), Vec::new());
        for (chosen, mut rows) in open {
            match cache.matched(chosen.segment.address.id, chosen.block, digest(&chosen)) {
                Some(matched) => {
                    rows.keep(matched);
                    left.push((chosen, rows));
                }
                None => unknown.push((chosen, rows)),
            }
        }
        for (chosen, mut rows, matched) in self.look_for(tx, part, unknown).await? {
            match matched {
                Ok(matched) => {
                    let (id, cache) = (chosen.segment.address.id, &self.means.cache);
                    cache.remember_matched(id, chosen.block, digest(&chosen), &matched.rows);
                    if let Some((column, filter)) = matched.filter {
                        cache.remember_filter(id, chosen.block, column, filter);
                    }
                    rows.keep(matched.rows);
                    left.push((chosen, rows));
                }
                Err(damage) => self.tally.damaged = Some(blocks::report(&chosen.segment, &damage)),
            }
        }
        left.retain(|(_, rows)| !rows.is_empty());
        Ok(left)
    }

    /// Finds the rows of blocks that meet a part of their conditions. The next blocks are fetched while those before them are
    /// matched, and wait for their turn before those are done, so that no core waits for another.
    async fn look_for(
        &mut self,
        tx: &TenantTx<'_>,
        part: usize,
        open: Vec<(Chosen, blocks::Rows)>,
    ) -> Result<Vec<Matching>, DbError> {
        let mut found = Vec::with_capacity(open.len());
        let mut looking = FuturesOrdered::new();
        let ahead = 2 * self.means.turns.cores();
        for step in open.chunks(STEP_BLOCKS) {
            let plan = Arc::clone(&self.plan);
            let columns = |chosen: &Chosen| &plan.condition(chosen.segment.place).parts()[part].columns;
            let mut stretches: Vec<Stretch<'_>> = step
                .iter()
                .flat_map(|(chosen, _)| columns(chosen).iter().map(|column| stretch(chosen, *column)))
                .collect();
            let looked_at = stretches.len();
            if self.goal == Goal::Newest && open.len() <= MAX_LIKELY_BLOCKS {
                for (chosen, _) in step
                    .iter()
                    .filter(|(chosen, _)| self.needs_filters(&chosen.segment))
                {
                    let others = Column::ALL.into_iter().filter(|of| !columns(chosen).contains(of));
                    stretches.extend(others.map(|column| stretch(chosen, column)));
                }
            }
            let wants_filter: Vec<bool> = step
                .iter()
                .map(|(chosen, _)| self.wants_filter(chosen, columns(chosen)))
                .collect();
            let mut fetching = pin!(fetch::fetch(tx, self.means, &stretches));
            let stored = loop {
                tokio::select! {
                    biased;
                    stored = &mut fetching => break stored?,
                    Some(matched) = looking.next() => found.extend(matched),
                }
            };
            let stored = stored.get(..looked_at).unwrap_or_default();
            self.tally.bytes += stored.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
            let mut stored = stored.iter().cloned();
            let items: Vec<(Narrowing, bool)> = step
                .iter()
                .zip(wants_filter)
                .map(|((chosen, rows), wants_filter)| {
                    let stored = stored.by_ref().take(columns(chosen).len()).collect();
                    ((chosen.clone(), rows.clone(), stored), wants_filter)
                })
                .collect();
            let job = move |((chosen, rows, stored), wants_filter): (Narrowing, bool)| {
                let part = &plan.condition(chosen.segment.place).parts()[part];
                let matched = blocks::matching(&chosen, part, &stored, wants_filter);
                (chosen, rows, matched)
            };
            looking.extend(blocks::begin((&self.means.turns, tx.org_id()), items, &job));
            while looking.len() > ahead
                && let Some(matched) = looking.next().await
            {
                found.extend(matched);
            }
        }
        found.extend(looking.collect::<Vec<_>>().await.into_iter().flatten());
        Ok(found)
    }

    /// Whether a word filter is worth while for the next search for words in this column: it takes three times as long as
    /// looking through the block once, which whoever watches what just came does again and again.
    fn wants_filter(&self, chosen: &Chosen, columns: &[Column]) -> bool {
        let (segment, cache) = (&chosen.segment, &self.means.cache);
        let [column] = columns else { return false };
        !segment.has_filter
            && self.plan.condition(segment.place).has_terms()
            && cache.has(stretch(chosen, *column).part())
            && cache.filter(segment.address.id, chosen.block, *column).is_none()
    }

    /// Unpacks the rows that are left.
    async fn visit(
        &mut self,
        tx: &TenantTx<'_>,
        left: Vec<(Chosen, blocks::Rows)>,
        projection: Projection,
    ) -> Result<(), DbError> {
        let columns: Vec<Column> = KEY_COLUMNS.into_iter().chain(projection.columns()).collect();
        let stretches: Vec<Stretch<'_>> = left
            .iter()
            .flat_map(|(chosen, _)| columns.iter().map(|column| stretch(chosen, *column)))
            .collect();
        let stored = fetch::fetch(tx, self.means, &stretches).await?;
        self.tally.bytes += stored.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        let items: Vec<Narrowing> = left
            .into_iter()
            .zip(stored.chunks(columns.len()))
            .map(|((chosen, rows), stored)| (chosen, rows, stored.to_vec()))
            .collect();
        let (plan, start) = (Arc::clone(&self.plan), self.start);
        let job = move |(chosen, rows, stored): Narrowing| {
            let lines = blocks::lines(&chosen, projection, &stored, &rows, &plan, start);
            (chosen, lines)
        };
        for (chosen, lines) in
            blocks::finish(blocks::begin((&self.means.turns, tx.org_id()), items, &job)).await
        {
            match lines {
                Ok(lines) => self.visited.extend(lines),
                Err(damage) => self.tally.damaged = Some(blocks::report(&chosen.segment, &damage)),
            }
        }
        Ok(())
    }

    /// Finds out when the rows that are left were, and notes those that are wanted.
    async fn take_keys(
        &mut self,
        tx: &TenantTx<'_>,
        left: Vec<(Chosen, blocks::Rows)>,
    ) -> Result<(), DbError> {
        if left.is_empty() {
            return Ok(());
        }
        let stretches: Vec<Stretch<'_>> = left
            .iter()
            .flat_map(|(chosen, _)| KEY_COLUMNS.map(|column| stretch(chosen, column)))
            .collect();
        let stored = fetch::fetch(tx, self.means, &stretches).await?;
        self.tally.bytes += stored.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        let columns: Vec<[Bytes; 3]> = stored
            .chunks_exact(KEY_COLUMNS.len())
            .filter_map(|part| part.first_chunk::<3>().cloned())
            .collect();
        let (plan, start) = (Arc::clone(&self.plan), self.start);
        let job = move |((chosen, rows), [ts, level, id]): ((Chosen, blocks::Rows), [Bytes; 3])| {
            let hits = blocks::keys(&chosen, [&ts, &level, &id], &rows, &plan, start);
            (chosen, hits)
        };
        let found = blocks::begin(
            (&self.means.turns, tx.org_id()),
            left.into_iter().zip(columns).collect(),
            &job,
        );
        for (chosen, hits) in blocks::finish(found).await {
            match hits {
                Ok(hits) => {
                    if let Goal::Count(counted) = &mut self.goal {
                        *counted += hits.len() as u64;
                        continue;
                    }
                    // Of one block no more can be wanted than the page still misses, and one that tells that there is
                    // more. The newest come last.
                    let missing = self.target().saturating_sub(self.found.len());
                    for (key, row) in hits.into_iter().rev().take(missing.saturating_add(1)) {
                        let what = Place::Block {
                            chosen: chosen.clone(),
                            row,
                        };
                        self.matched.push(At { key, what });
                    }
                }
                Err(damage) => self.tally.damaged = Some(blocks::report(&chosen.segment, &damage)),
            }
        }
        Ok(())
    }
}

fn has_intact_filters(segment: &Listed, filters: &[u8]) -> bool {
    let blocks = segment.index.as_ref().map_or(&[][..], |index| &index.blocks);
    let intact = blocks.iter().all(|block| block.has_intact_filter(filters));
    if !intact {
        metrics::counter!("logstore_damaged_segments_total").increment(1);
        tracing::error!(
            segment.id = segment.address.id,
            "the word filters of log segment {} are damaged and not used",
            segment.address.id
        );
    }
    intact
}

/// The filters of all blocks of a segment, which are kept as one.
fn filters_part(segment: i64) -> Part {
    (segment, fetch::FILTER, 0)
}
