//! Finding the keys of the lines that match, in rounds of bounded reads.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use db::{DbError, TenantTx};
use futures_util::TryStreamExt as _;
use futures_util::future::join;
use time::OffsetDateTime;

use super::blocks::{self, Chosen};
use super::cache::{Cache, Part};
use super::directory::{self, Listed};
use super::fetch::{self, Stretch};
use super::merge::{self, At, Heap, Key, OutOfOrder, Stream, micros};
use super::rows::{self, Scanned};
use super::{Partial, Plan};
use crate::filter;
use crate::segment::Column;

/// Holds the planner to the index, for the transaction. It multiplies the selectivities of organisation, service and
/// environment as if they were independent, so it expects next to no rows of a scope and finds a sort of them all as good
/// as reading the newest few along the index. And planning anew for each search costs 5 ms with 90 days of segments, where
/// the search itself costs half a millisecond.
pub const PLANNER_SQL: &str = "
    -- reader::planner
    SELECT now() AS watermark, set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
        set_config('enable_sort', 'off', true), set_config('enable_hashjoin', 'off', true),
        set_config('enable_mergejoin', 'off', true), set_config('enable_memoize', 'off', true),
        set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)";

/// Rows of one round, all scopes together; rounds grow up to this.
const MAX_ROUND_ROWS: usize = 16_384;
/// A scope is asked for at least this many rows, so that many scopes do not mean many rounds.
const MIN_SCOPE_ROWS: usize = 16;
/// Rows that PostgreSQL makes at a time: what is wasted when a search stops early.
const STEP_ROWS: i32 = 512;
/// Text that is gathered before it is matched, in bytes (a single message may be longer).
const CHUNK_BYTES: usize = 1_048_576;
/// Segments of a scope that the first page of the directory lists; each further page lists four times as many.
const FIRST_PAGE: usize = 8;
const LONGEST_PAGE: usize = 2_048;
/// Blocks of a round, which grows fourfold up to this: about 8 MB of compressed text.
const MAX_ROUND_BLOCKS: usize = 64;
/// Blocks that are fetched at a time, while those before them are matched.
const STEP_BLOCKS: usize = 16;
/// Bytes of compressed text of a round.
const MAX_ROUND_BYTES: usize = 16 << 20;
/// Filters fetched at a time: about 50 KB each.
const FILTERS_AT_A_TIME: usize = 64;

/// Where a match is to be found.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A row of `logs`, by its scope's place in the plan.
    Row {
        scope: usize,
    },
    Block {
        chosen: Chosen,
        row: u32,
    },
}

/// A running scan.
pub(super) struct Scan<'a> {
    plan: Arc<Plan>,
    cache: &'a Cache,
    start: Key,
    /// By the scope's place in the plan: its loose rows, and the pages of its directory.
    rows: Vec<Stream>,
    directories: Vec<Stream>,
    /// Where each scope's next page starts.
    pages: Vec<Key>,
    page_size: usize,
    /// The next block of each listed segment, counted from its oldest.
    segments: Heap<Chosen>,
    /// What matched and was not taken yet.
    matched: Heap<Place>,
    found: Vec<At<Place>>,
    /// Set when matches are only counted.
    counted: Option<u64>,
    row_rounds: u32,
    block_rounds: u32,
    pub(super) tally: Tally,
    /// When the snapshot was taken, at the earliest.
    pub(super) snapshot: OffsetDateTime,
}

/// What a scan touched.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) rows: u64,
    pub(super) blocks: u64,
    /// Blocks that levels or filters ruled out.
    pub(super) pruned: u64,
    pub(super) bytes: u64,
    pub(super) damaged: Option<Partial>,
}

/// What a scan found.
pub(super) struct Matches {
    /// Newest first.
    pub(super) lines: Vec<At<Place>>,
    /// Where to go on.
    pub(super) next: Option<Key>,
    /// It stopped before the page was full.
    pub(super) cut_short: bool,
}

impl<'a> Scan<'a> {
    /// Makes a scan of this plan in this transaction, which it prepares for it.
    pub(super) async fn start(tx: &TenantTx<'_>, plan: &Plan, cache: &'a Cache) -> Result<Self, DbError> {
        let statement = tx.prepare_cached(PLANNER_SQL).await?;
        let watermark = tx.query_one(&statement, &[]).await?.get("watermark");
        let end = Key::before(micros(plan.to));
        let start = plan.cursor.map_or(end, |cursor| end.min(cursor.into()));
        let streams = || {
            let oldest = plan.scopes.iter().map(|scope| micros(plan.oldest(scope)));
            oldest.map(|oldest| Stream::new(start, oldest)).collect()
        };
        Ok(Self {
            plan: Arc::new(plan.clone()),
            cache,
            start,
            rows: streams(),
            directories: streams(),
            pages: vec![Key::after(i64::MAX); plan.scopes.len()],
            page_size: FIRST_PAGE,
            segments: Heap::new(),
            matched: Heap::new(),
            found: Vec::new(),
            counted: None,
            row_rounds: 0,
            block_rounds: 0,
            tally: Tally::default(),
            snapshot: watermark,
        })
    }

    /// The same for counting all matches instead of looking for some.
    pub(super) async fn start_counting(
        tx: &TenantTx<'_>,
        plan: &Plan,
        cache: &'a Cache,
    ) -> Result<Self, DbError> {
        let scan = Self::start(tx, plan, cache).await?;
        Ok(Self {
            counted: Some(0),
            ..scan
        })
    }

    /// How many matches were counted so far.
    pub(super) fn count(&self) -> u64 {
        self.counted.unwrap_or_default()
    }

    /// How many matches are looked for. Without predicates one more than the page is cheap, and tells whether another
    /// page follows; with some it could cost a scan of the whole range.
    fn target(&self) -> usize {
        let limit = self.plan.limit.rows();
        if self.plan.predicates.is_empty() {
            limit + 1
        } else {
            limit
        }
    }

    fn is_over(&self) -> bool {
        self.watermark().is_none() && self.matched.is_empty()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.found.len() >= self.target() || self.is_over()
    }

    /// Everything newer than this was read. `None`: everything was.
    fn watermark(&self) -> Option<Key> {
        let segments = self.segments.peek().map(|at| at.key);
        let streams = [merge::newest(&self.rows), merge::newest(&self.directories)];
        streams.into_iter().flatten().chain(segments).max()
    }

    /// Something was read that another search need not read again: without this a search that runs out of time would
    /// lead to itself.
    pub(super) fn got_ahead(&self) -> bool {
        self.watermark().is_none_or(|watermark| watermark < self.start)
    }

    /// Reads on where it is needed. Until the search got ahead it does so whatever the deadline.
    pub(super) async fn round(&mut self, tx: &TenantTx<'_>, deadline: Instant) -> Result<(), DbError> {
        let head = self.matched.peek().map(|at| at.key);
        let watermark = self.watermark();
        let directories = merge::ahead_of(&self.directories, head);
        let rows = merge::ahead_of(&self.rows, head);
        let at_top = |streams: &[Stream], ahead: &[usize]| {
            ahead
                .iter()
                .any(|place| Some(streams[*place].position) == watermark)
        };
        if at_top(&self.directories, &directories) {
            self.list(tx, &directories).await?;
        } else if at_top(&self.rows, &rows) {
            self.read_rows(tx, &rows, deadline).await?;
        } else if watermark.is_some_and(|watermark| head.is_none_or(|head| watermark > head)) {
            self.read_blocks(tx).await?;
        }
        let watermark = self.watermark();
        while self.found.len() < self.target()
            && self
                .matched
                .peek()
                .is_some_and(|at| watermark.is_none_or(|watermark| at.key >= watermark))
            && let Some(next) = self.matched.pop()
        {
            self.found.push(next);
        }
        Ok(())
    }

    /// Lists the next segments of these scopes.
    async fn list(&mut self, tx: &TenantTx<'_>, places: &[usize]) -> Result<(), DbError> {
        let asked: Vec<(usize, Key)> = places.iter().map(|place| (*place, self.pages[*place])).collect();
        let page = directory::read(tx, &self.plan, &asked, self.page_size).await?;
        self.page_size = (self.page_size * 4).min(LONGEST_PAGE);
        for (place, next) in places.iter().zip(page.next) {
            let stream = &mut self.directories[*place];
            match next {
                Some(next) => {
                    self.pages[*place] = next;
                    stream.position = stream.position.min(Key::after(next.ts));
                }
                None => stream.finished = true,
            }
        }
        for segment in page.segments {
            self.add(segment);
        }
        Ok(())
    }

    /// Puts a listed segment among those to be read, at its newest block that may matter.
    fn add(&mut self, segment: Arc<Listed>) {
        match &segment.index {
            Err(damage) => self.tally.damaged = Some(blocks::report(&segment, damage)),
            Ok(index) => {
                let last = index.blocks.len();
                self.push_block(segment, last);
            }
        }
    }

    /// Puts the newest block before `end` that levels and times do not rule out among those to be read.
    fn push_block(&mut self, segment: Arc<Listed>, end: usize) {
        let Ok(index) = &segment.index else { return };
        let oldest = self.plan.oldest_micros(segment.place);
        for number in (0..end).rev() {
            let block = &index.blocks[number];
            if block.max_ts < oldest {
                break; // and so are those before it
            }
            let starts_too_late = Key::before(block.min_ts) >= self.start;
            let has_level = (0..)
                .zip(&block.level_counts)
                .any(|(level, count)| *count > 0 && self.plan.wants_code(level));
            if starts_too_late || !has_level {
                self.tally.pruned += 1;
                continue;
            }
            let key = Key::after(block.max_ts).min(self.start);
            let what = Chosen {
                segment,
                block: number,
            };
            self.segments.push(At { key, what });
            return;
        }
    }

    /// Reads the blocks that are newest, as many as a round may.
    async fn read_blocks(&mut self, tx: &TenantTx<'_>) -> Result<(), DbError> {
        let chosen = self.choose(tx).await?;
        self.block_rounds += 1;
        self.tally.blocks += chosen.len() as u64;
        let rows = chosen
            .iter()
            .filter_map(Chosen::entry)
            .map(|block| u64::from(block.rows));
        self.tally.rows += rows.sum::<u64>();
        let narrowed = self.narrow(tx, chosen).await?;
        let narrowed = self.count_whole(narrowed);
        self.take_keys(tx, narrowed).await
    }

    /// Counts what can be told without looking at lines: rows of a block that lies whole within the range, at any level.
    /// Gives back the others.
    fn count_whole(&mut self, left: Vec<(Chosen, blocks::Rows)>) -> Vec<(Chosen, blocks::Rows)> {
        let Some(counted) = &mut self.counted else {
            return left;
        };
        let (plan, start) = (&self.plan, self.start);
        let counts = |(chosen, rows): &(Chosen, blocks::Rows)| {
            let block = chosen.entry()?;
            let is_within =
                Key::after(block.max_ts) < start && block.min_ts >= plan.oldest_micros(chosen.segment.place);
            let levels = || {
                (0..)
                    .zip(&block.level_counts)
                    .filter(|(level, _)| plan.wants_code(*level))
            };
            match rows {
                blocks::Rows::All if is_within => {
                    Some(levels().map(|(_, count)| u64::from(*count)).sum::<u64>())
                }
                blocks::Rows::These(rows) if is_within && plan.levels.is_empty() => Some(rows.len() as u64),
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
        let most = 4_usize.pow(self.block_rounds.min(8)).min(MAX_ROUND_BLOCKS);
        let terms: Vec<u64> = self
            .plan
            .predicates
            .iter()
            .flat_map(super::Predicate::terms)
            .collect();
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
            let segment = Arc::clone(&next.what.segment);
            let number = next.what.block;
            let id = segment.address.id;
            if !terms.is_empty()
                && segment.has_filter
                && self.cache.get(filters_of(id)).is_none()
                && asked_for != Some(id)
            {
                self.fetch_filters(tx).await?;
                // Where the cache has no room for it, the block is read.
                asked_for = Some(id);
                continue;
            }
            self.segments.pop();
            let candidate = Chosen {
                segment: Arc::clone(&segment),
                block: number,
            };
            self.push_block(segment, number);
            if self.is_ruled_out(&candidate, &terms) {
                self.tally.pruned += 1;
                continue;
            }
            bytes += candidate
                .entry()
                .map_or(0, |block| block.range(Column::Message).len());
            chosen.push(candidate);
        }
        Ok(chosen)
    }

    fn is_ruled_out(&self, candidate: &Chosen, terms: &[u64]) -> bool {
        if terms.is_empty() || !candidate.segment.has_filter {
            return false;
        }
        let (Some(filter), Some(block)) = (
            self.cache.get(filters_of(candidate.segment.address.id)),
            candidate.entry(),
        ) else {
            return false;
        };
        // A filter that is shorter than its index says rules nothing out.
        let filter = filter.get(block.filter_range()).unwrap_or_default();
        terms.iter().any(|term| !filter::may_contain(filter, *term))
    }

    /// Brings the filters of the segments that come next into the cache.
    async fn fetch_filters(&mut self, tx: &TenantTx<'_>) -> Result<(), DbError> {
        let mut wanted: Vec<&At<Chosen>> = self
            .segments
            .iter()
            .filter(|at| {
                at.what.segment.has_filter && self.cache.get(filters_of(at.what.segment.address.id)).is_none()
            })
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
        let filters = fetch::read(tx, &stretches).await?;
        for (at, filter) in wanted.into_iter().zip(filters) {
            self.tally.bytes += filter.len() as u64;
            let segment = &at.what.segment;
            // Without its filters a segment is read, which is slower and as right.
            let filter = if has_intact_filters(segment, &filter) {
                filter
            } else {
                Bytes::new()
            };
            self.cache.remember(filters_of(segment.address.id), filter);
        }
        Ok(())
    }

    /// Applies the predicates, one column after the other, to what is left.
    async fn narrow(
        &mut self,
        tx: &TenantTx<'_>,
        chosen: Vec<Chosen>,
    ) -> Result<Vec<(Chosen, blocks::Rows)>, DbError> {
        let mut left: Vec<(Chosen, blocks::Rows)> = chosen
            .into_iter()
            .map(|chosen| (chosen, blocks::Rows::All))
            .collect();
        for column in self.plan.columns() {
            let mut narrowed = Vec::with_capacity(left.len());
            let mut matching = Vec::new();
            // The next blocks are fetched while those before them are matched.
            for step in left.chunks(STEP_BLOCKS) {
                let stretches: Vec<Stretch<'_>> =
                    step.iter().map(|(chosen, _)| stretch(chosen, column)).collect();
                let fetching = fetch::fetch(tx, self.cache, &stretches);
                let (stored, matched) = join(fetching, blocks::finish(std::mem::take(&mut matching))).await;
                narrowed.extend(matched);
                let stored = stored?;
                self.tally.bytes += stored.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
                let plan = Arc::clone(&self.plan);
                let job = move |((chosen, mut rows), stored): ((Chosen, blocks::Rows), Bytes)| {
                    let done = blocks::narrow(&chosen, column, &stored, &plan.predicates, &mut rows);
                    (chosen, done.map(|()| rows))
                };
                matching = blocks::begin(step.iter().cloned().zip(stored).collect(), &job);
            }
            narrowed.extend(blocks::finish(matching).await);
            left = Vec::with_capacity(narrowed.len());
            for (chosen, rows) in narrowed {
                match rows {
                    Ok(rows) if rows.is_empty() => {}
                    Ok(rows) => left.push((chosen, rows)),
                    Err(damage) => self.tally.damaged = Some(blocks::report(&chosen.segment, &damage)),
                }
            }
        }
        Ok(left)
    }

    /// Finds out when the rows that are left were, and notes those that are wanted.
    async fn take_keys(
        &mut self,
        tx: &TenantTx<'_>,
        left: Vec<(Chosen, blocks::Rows)>,
    ) -> Result<(), DbError> {
        const COLUMNS: [Column; 3] = [Column::Ts, Column::Level, Column::Id];
        if left.is_empty() {
            return Ok(());
        }
        let stretches: Vec<Stretch<'_>> = left
            .iter()
            .flat_map(|(chosen, _)| COLUMNS.map(|column| stretch(chosen, column)))
            .collect();
        let stored = fetch::fetch(tx, self.cache, &stretches).await?;
        self.tally.bytes += stored.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        let columns: Vec<[Bytes; 3]> = stored
            .chunks_exact(COLUMNS.len())
            .filter_map(|part| part.first_chunk::<3>().cloned())
            .collect();
        let (plan, start) = (Arc::clone(&self.plan), self.start);
        let job = move |((chosen, rows), [ts, level, id]): ((Chosen, blocks::Rows), [Bytes; 3])| {
            let hits = blocks::keys(&chosen, [&ts, &level, &id], &rows, &plan, start);
            (chosen, hits)
        };
        let found = blocks::begin(left.into_iter().zip(columns).collect(), &job);
        for (chosen, hits) in blocks::finish(found).await {
            match hits {
                Ok(hits) if self.counted.is_some() => {
                    self.counted = self.counted.map(|counted| counted + hits.len() as u64);
                }
                Ok(hits) => {
                    // Of one block no more can be wanted than the page still misses, and one that tells that there is
                    // more. The newest come last.
                    let missing = self.target().saturating_sub(self.found.len());
                    for (key, row) in hits.into_iter().rev().take(missing + 1) {
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

    /// Reads the next loose rows of these scopes.
    async fn read_rows(
        &mut self,
        tx: &TenantTx<'_>,
        places: &[usize],
        deadline: Instant,
    ) -> Result<(), DbError> {
        let per_scope = self.rows_per_scope(places.len());
        let plan = Arc::clone(&self.plan);
        let portal = rows::open(tx, &plan, places, &self.rows, per_scope).await?;
        let mut counts = vec![0; places.len()];
        let mut reached = 0;
        loop {
            let mut rows = std::pin::pin!(tx.query_portal_raw(&portal, STEP_ROWS).await?);
            let (mut read, mut chunk, mut chunk_bytes) = (0, Vec::new(), 0);
            while let Some(row) = rows.try_next().await? {
                let row = Scanned::read(&row, &plan)?;
                read += 1;
                counts[row.place] += 1;
                reached = row.place;
                chunk_bytes += row.bytes();
                chunk.push(row);
                if chunk_bytes >= CHUNK_BYTES {
                    self.take_rows(places, std::mem::take(&mut chunk)).await?;
                    chunk_bytes = 0;
                }
            }
            self.take_rows(places, chunk).await?;
            self.tally.rows += read as u64;
            if read < STEP_ROWS {
                reached = places.len(); // every scope gave what it has
                break;
            }
            if self.row_rounds > 0 && Instant::now() >= deadline {
                break;
            }
        }
        for (which, place) in places.iter().enumerate().take(reached) {
            if counts[which] < per_scope {
                self.rows[*place].finished = true;
            }
        }
        self.row_rounds += 1;
        Ok(())
    }

    /// The first round asks for what fills the page if all rows match; each further one for twice as much.
    fn rows_per_scope(&self, scopes: usize) -> usize {
        let missing = self.target() - self.found.len();
        let rows = missing
            .saturating_mul(1 << self.row_rounds.min(14))
            .min(MAX_ROUND_ROWS);
        rows.div_ceil(scopes).max(MIN_SCOPE_ROWS)
    }

    /// Matches a chunk of rows and notes them, off the HTTP workers: it may take milliseconds.
    async fn take_rows(&mut self, places: &[usize], mut chunk: Vec<Scanned>) -> Result<(), DbError> {
        if !self.plan.predicates.is_empty() && !chunk.is_empty() {
            let plan = Arc::clone(&self.plan);
            let deciding = tokio::task::spawn_blocking(move || {
                for row in &mut chunk {
                    row.decide(&plan.predicates);
                }
                chunk
            });
            chunk = deciding
                .await
                .unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()));
        }
        for row in chunk {
            let scope = places[row.place];
            self.rows[scope].advance(row.key)?;
            if let Some(counted) = &mut self.counted {
                *counted += u64::from(row.matches);
            } else if row.matches {
                let what = Place::Row { scope };
                self.matched.push(At { key: row.key, what });
            }
        }
        Ok(())
    }

    pub(super) fn matches(self) -> Matches {
        let limit = self.plan.limit.rows();
        let cut_short = !self.is_complete();
        let watermark = self.watermark();
        let more = self.found.len() > limit || !self.is_over();
        let mut lines = self.found;
        lines.truncate(limit);
        let next = if cut_short {
            watermark
        } else {
            lines.last().filter(|_| more).map(|at| at.key)
        };
        Matches {
            lines,
            next,
            cut_short,
        }
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
fn filters_of(segment: i64) -> Part {
    (segment, fetch::FILTER, 0)
}

pub(super) fn stretch(chosen: &Chosen, column: Column) -> Stretch<'_> {
    let range = chosen.entry().map_or(0..0, |block| block.range(column));
    Stretch {
        of: &chosen.segment.address,
        column: column.into(),
        offset: range.start,
        length: range.len(),
    }
}

impl From<OutOfOrder> for DbError {
    fn from(error: OutOfOrder) -> Self {
        Self::Corrupt {
            what: "order of log rows",
            source: error.into(),
        }
    }
}
