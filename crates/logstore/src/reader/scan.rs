//! Finding the keys of the lines that match, in rounds of bounded reads: of loose rows ([`rows`]) and of blocks of segments
//! ([`segments`]), whichever may hold what is newest.

mod rows;
mod segments;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use db::{DbError, TenantTx};
use futures_util::try_join;
use time::OffsetDateTime;

use super::blocks::{self, Chosen};
use super::directory::{self, Listed, Page};
use super::fetch::Stretch;
use super::merge::{self, At, Heap, Key, OutOfOrder, Stream, micros};
use super::{Line, Means, Partial, Plan, Projection};
use crate::filter::Filter;
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

/// Segments of a scope that the first page of the directory lists; each further page lists four times as many.
const FIRST_PAGE: usize = 8;
const LONGEST_PAGE: usize = 2_048;
/// Segments of all scopes that the first page lists where filters may rule most of them out, and where all are read: a page
/// costs about as much as the indexes of a hundred segments on it.
const FIRST_PAGE_BY_TERMS: usize = 256;
const FIRST_PAGE_OF_ALL: usize = 1_024;

/// Where a match is to be found.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A row of `logs`, by its scope's place in the plan.
    Row {
        scope: usize,
        /// About what the whole line takes.
        bytes: u32,
    },
    Block {
        chosen: Chosen,
        row: u32,
    },
}

/// A running scan.
pub(super) struct Scan<'a> {
    plan: Arc<Plan>,
    means: &'a Means,
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
    found: VecDeque<At<Place>>,
    goal: Goal,
    /// Leaves out segments whose patterns are counted.
    uncounted_only: bool,
    /// What is to be visited.
    visited: Vec<Line>,
    row_rounds: u32,
    block_rounds: u32,
    pub(super) tally: Tally,
    /// When the snapshot was taken, at the earliest.
    pub(super) snapshot: OffsetDateTime,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// The newest matches.
    Newest,
    /// The oldest, but only those after a key.
    OldestAfter(Key),
    /// How many there are, and were found so far.
    Count(u64),
    /// All of them, in any order, with these texts.
    Visit(Projection),
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

impl Tally {
    /// Adds what another scan touched.
    pub(super) fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.blocks += other.blocks;
        self.pruned += other.pruned;
        self.bytes += other.bytes;
        self.damaged = self.damaged.or(other.damaged);
    }
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
    pub(super) async fn start(tx: &TenantTx<'_>, plan: &Plan, means: &'a Means) -> Result<Self, DbError> {
        let statement = tx.prepare_cached(PLANNER_SQL).await?;
        let watermark = tx.query_one(&statement, &[]).await?.get("watermark");
        let end = Key::before(micros(plan.to));
        let start = plan.cursor.map_or(end, |cursor| end.min(cursor.into()));
        let has_terms = plan.scopes.iter().any(|(_, condition)| condition.has_terms());
        let page_size = if has_terms {
            first_page(FIRST_PAGE_BY_TERMS, plan)
        } else {
            FIRST_PAGE
        };
        let streams = || {
            let ranges = (0..plan.scopes.len()).map(|place| plan.range(place, start));
            ranges.map(|(oldest, start)| Stream::new(start, oldest)).collect()
        };
        Ok(Self {
            plan: Arc::new(plan.clone()),
            means,
            start,
            rows: streams(),
            directories: streams(),
            pages: vec![Key::after(i64::MAX); plan.scopes.len()],
            page_size,
            segments: Heap::new(),
            matched: Heap::new(),
            found: VecDeque::new(),
            goal: Goal::Newest,
            uncounted_only: false,
            visited: Vec::new(),
            row_rounds: 0,
            block_rounds: 0,
            tally: Tally::default(),
            snapshot: watermark,
        })
    }

    /// Reads these segments and nothing else.
    pub(super) fn of_segments(mut self, segments: Vec<Arc<Listed>>) -> Self {
        for stream in self.rows.iter_mut().chain(&mut self.directories) {
            stream.finished = true;
        }
        for segment in segments {
            self.add(segment);
        }
        self
    }

    /// Counts all matches instead.
    pub(super) fn counting(self) -> Self {
        Self {
            goal: Goal::Count(0),
            page_size: first_page(FIRST_PAGE_OF_ALL, &self.plan),
            ..self
        }
    }

    /// Looks for the oldest matches after a key instead. It has to read the whole range for that.
    pub(super) fn for_the_oldest(self, after: Key) -> Self {
        Self {
            goal: Goal::OldestAfter(after),
            page_size: first_page(FIRST_PAGE_OF_ALL, &self.plan),
            ..self
        }
    }

    /// Hands out all matches instead.
    pub(super) fn visiting(self, projection: Projection) -> Self {
        Self {
            goal: Goal::Visit(projection),
            page_size: first_page(FIRST_PAGE_OF_ALL, &self.plan),
            ..self
        }
    }

    /// Leaves out segments whose patterns are counted.
    pub(super) fn of_uncounted(self) -> Self {
        Self {
            uncounted_only: true,
            ..self
        }
    }

    /// What was found since this was last asked.
    pub(super) fn take_visited(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.visited)
    }

    fn projection(&self) -> Projection {
        match self.goal {
            Goal::Visit(projection) => projection,
            Goal::Newest | Goal::OldestAfter(_) | Goal::Count(_) => Projection::default(),
        }
    }

    /// How many matches were counted so far.
    pub(super) fn count(&self) -> u64 {
        match self.goal {
            Goal::Count(counted) => counted,
            Goal::Newest | Goal::OldestAfter(_) | Goal::Visit(_) => 0,
        }
    }

    /// How many matches end the search. Where every line matches, one more than the page is cheap and tells whether another
    /// page follows; else it could cost a scan of the whole range.
    fn target(&self) -> usize {
        match self.goal {
            Goal::Newest => self.plan.limit + usize::from(self.plan.wants_all()),
            Goal::OldestAfter(_) | Goal::Count(_) | Goal::Visit(_) => usize::MAX,
        }
    }

    /// Notes what matched; what is read later is older.
    fn take_found(&mut self) {
        let watermark = self.watermark();
        while self.found.len() < self.target()
            && self
                .matched
                .peek()
                .is_some_and(|at| watermark.is_none_or(|watermark| at.key >= watermark))
            && let Some(next) = self.matched.pop()
        {
            if let Goal::OldestAfter(after) = self.goal {
                if next.key <= after {
                    continue;
                }
                if self.found.len() > self.plan.limit {
                    self.found.pop_front();
                }
            }
            self.found.push_back(next);
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
        let (lists, reads_rows) = (at_top(&self.directories, &directories), at_top(&self.rows, &rows));
        if lists && reads_rows {
            // Asked for together, since an answer of a few rows takes as long as the way there and back.
            let (page, opened) = try_join!(self.page(tx, &directories), self.open_rows(tx, &rows))?;
            self.take_page(&directories, page);
            self.read_rows(tx, &rows, opened, deadline).await?;
        } else if lists {
            let page = self.page(tx, &directories).await?;
            self.take_page(&directories, page);
        } else if reads_rows {
            let opened = self.open_rows(tx, &rows).await?;
            self.read_rows(tx, &rows, opened, deadline).await?;
        } else if watermark.is_some_and(|watermark| head.is_none_or(|head| watermark > head)) {
            self.read_blocks(tx).await?;
        }
        self.take_found();
        Ok(())
    }

    /// Reads the next page of these scopes' directories.
    async fn page(&self, tx: &TenantTx<'_>, places: &[usize]) -> Result<Page, DbError> {
        let asked: Vec<(usize, Key)> = places.iter().map(|place| (*place, self.pages[*place])).collect();
        directory::read(tx, &self.plan, &asked, self.page_size).await
    }

    /// Takes in what it lists.
    fn take_page(&mut self, places: &[usize], page: Page) {
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
    }

    /// Puts a listed segment among those to be read, at its newest block that may matter.
    fn add(&mut self, segment: Arc<Listed>) {
        if self.uncounted_only && segment.is_counted {
            return;
        }
        match &segment.index {
            Err(damage) => self.tally.damaged = Some(blocks::report(&segment, damage)),
            Ok(index) => {
                let last = index.blocks.len();
                self.push_block(segment, last);
            }
        }
    }

    /// Puts the newest block before `end` that nothing known rules out among those to be read.
    fn push_block(&mut self, segment: Arc<Listed>, end: usize) {
        let Ok(index) = &segment.index else { return };
        let (oldest, start) = self.plan.range(segment.place, self.start);
        let condition = self.plan.condition(segment.place);
        let filters = self.filters_of(&segment);
        for number in (0..end).rev() {
            let block = &index.blocks[number];
            if block.max_ts < oldest {
                break; // and so are those before it
            }
            let starts_too_late = Key::before(block.min_ts) >= start;
            let has_level = (0..)
                .zip(&block.level_counts)
                .any(|(level, count)| *count > 0 && condition.wants_code(level));
            let may_match = || match &filters {
                Some(filters) => {
                    let filter = index.filter(block, filters);
                    condition.may_match(|_, hash| filter.may_contain(hash))
                }
                None if segment.has_filter => true, // it is not read yet
                None => condition.may_match(|column, hash| {
                    let filter = self.means.cache.filter(segment.address.id, number, column);
                    filter.is_none_or(|bits| Filter::new(&bits).may_contain(hash))
                }),
            };
            if starts_too_late || !has_level || !may_match() {
                self.tally.pruned += 1;
                continue;
            }
            let key = Key::after(block.max_ts).min(start);
            let what = Chosen {
                segment,
                block: number,
            };
            self.segments.push(At { key, what });
            return;
        }
    }

    pub(super) fn matches(self) -> Matches {
        let limit = self.plan.limit;
        let cut_short = !self.is_complete();
        let watermark = self.watermark();
        let more = self.found.len() > limit || !self.is_over();
        let mut lines: Vec<At<Place>> = self.found.into();
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

    /// What a search for the oldest found, newest first, at most one line more than the page.
    pub(super) fn oldest(self) -> Vec<At<Place>> {
        self.found.into()
    }
}

/// A page of about so many segments, in segments of a scope.
fn first_page(segments: usize, plan: &Plan) -> usize {
    (segments / plan.scopes.len().max(1)).max(FIRST_PAGE)
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
