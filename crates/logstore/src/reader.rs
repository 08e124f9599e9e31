//! Searching one organisation's lines: a plan in, a page of lines with statistics out.
//!
//! Lines lie in two forms, loose rows and segments, and within one snapshot each lies in exactly one of them. A search
//! merges newest-first streams: of each scope its rows (read along their index), and its segments, block by block. The
//! [`scan`] finds the keys of the lines that match and reads no more than that needs: levels, times and word filters rule
//! blocks out, and of the others only the columns that a condition looks at are fetched. [`lines`] then fetches the lines
//! of the page whole. All matching is done in this program: under row-level security no index serves it, and text of a
//! tenant is never handed to PostgreSQL as a pattern.

mod blocks;
mod cache;
mod chosen;
mod condition;
mod directory;
mod fetch;
mod haystack;
mod histogram;
mod leaf;
mod lines;
mod look;
mod merge;
mod oldest;
mod patterns;
mod rows;
mod scan;
mod tail;
mod turns;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, LogId, OrgId, ServiceId};
use domain::level::Level;
use domain::page::Cursor;
use serde_json::value::RawValue;
use time::OffsetDateTime;

pub use chosen::{Chosen, search_scope};
pub use condition::Condition;
pub use directory::SQL as DIRECTORY_SQL;
pub use fetch::{FRESH_SQL as FETCH_FRESH_SQL, MERGED_SQL as FETCH_MERGED_SQL};
pub use histogram::{
    Bucket, HistogramPlan, InvalidInterval, ScopeCount, StreamCount, histogram, stream_counts, totals,
};
pub use lines::SQL as LINES_SQL;
pub use look::{projection, with_line};
pub use patterns::{COUNTS_SQL, Intervals, PatternCount, Patterns, PatternsPlan};
pub use rows::SQL as ROWS_SQL;
pub use scan::PLANNER_SQL;
pub use tail::{Arrived, InvalidSnapshot, Snapshot, is_recent};

use crate::segment::Column;
use cache::Cache;
use merge::{Key, micros};
use scan::{Scan, Tally};
use turns::Turns;

/// Where to search, and how far back its lines may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchScope {
    pub service_id: ServiceId,
    pub environment_id: EnvironmentId,
    /// Lines from before this moment are past their service's retention, and invisible.
    pub oldest: OffsetDateTime,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where, and what of it.
    pub scopes: Vec<(SearchScope, Arc<Condition>)>,
    /// Inclusive, by the line's own time.
    pub from: OffsetDateTime,
    /// Exclusive.
    pub to: OffsetDateTime,
    pub order: Order,
    /// Lines of a page, at least one.
    pub limit: usize,
    /// Goes on after this line, in the order of the search. New lines do not move what follows it.
    pub cursor: Option<Cursor<i64>>,
    pub budget: Budget,
}

/// Which lines come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    NewestFirst,
    OldestFirst,
}

impl Plan {
    fn scope(&self, place: usize) -> &SearchScope {
        &self.scopes[place].0
    }

    fn condition(&self, place: usize) -> &Condition {
        &self.scopes[place].1
    }

    /// The oldest lines that this scope may show.
    fn oldest(&self, place: usize) -> OffsetDateTime {
        self.scope(place).oldest.max(self.from)
    }

    /// The oldest time that may match, in microseconds since 1970, and the key before which the newest must be, for a scan
    /// that starts at this one.
    fn range(&self, place: usize, start: Key) -> (i64, Key) {
        let (from, to) = self.condition(place).times();
        (micros(self.oldest(place)).max(from), start.min(Key::before(to)))
    }

    /// Whether a line that is within the times matches, whatever it holds.
    fn wants_all(&self) -> bool {
        self.scopes
            .iter()
            .all(|(_, condition)| condition.parts().is_empty())
    }
}

/// Which texts of a line are wanted; those that are not are left empty, and need not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    pub message: bool,
    pub meta: bool,
    /// Trace and request id.
    pub ids: bool,
}

impl Projection {
    pub const ALL: Self = Self {
        message: true,
        meta: true,
        ids: true,
    };

    fn columns(self) -> impl Iterator<Item = Column> {
        let wanted = [
            (self.message, Column::Message),
            (self.meta, Column::Meta),
            (self.ids, Column::Trace),
            (self.ids, Column::Request),
        ];
        wanted
            .into_iter()
            .filter(|(wanted, _)| *wanted)
            .map(|(_, column)| column)
    }
}

/// What one search may cost. Past it the answer is partial, with a cursor to go on.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Looked at between reads: an answer may take a little longer.
    pub time: Duration,
    /// Of the lines in the answer; the first one always fits.
    pub bytes: usize,
}

/// A stored line.
#[derive(Clone, Debug)]
pub struct Line {
    pub id: LogId,
    pub service_id: ServiceId,
    pub environment_id: EnvironmentId,
    pub ts: OffsetDateTime,
    pub level: Level,
    pub message: String,
    /// A JSON object, as PostgreSQL prints it.
    pub meta: Option<Box<RawValue>>,
    pub trace_id: Option<String>,
    pub request_id: Option<String>,
}

/// One page of a search.
#[derive(Clone, Debug)]
pub struct Found {
    /// In the order of the search.
    pub lines: Vec<Line>,
    /// Where to go on; `None` when everything was read. After a search for words it may lead to an empty page.
    pub next: Option<Cursor<i64>>,
    pub stats: Stats,
}

/// How many lines match.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub lines: u64,
    pub stats: Stats,
}

/// What a search touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Lines that were looked at, as rows or within blocks.
    pub rows_scanned: u64,
    /// Blocks of segments that were read, and those that levels, times or word filters ruled out.
    pub blocks_read: u64,
    pub blocks_pruned: u64,
    /// Compressed, as fetched from segments.
    pub bytes_read: u64,
    pub elapsed: Duration,
    /// By the database's clock: everything that was accepted before this moment was there to be found.
    pub watermark: OffsetDateTime,
    /// Set when the answer may miss lines that match.
    pub partial: Option<Partial>,
}

/// Why an answer is not all that could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partial {
    /// The search stopped before the page was full or the range was read; the cursor goes on.
    TimeBudget,
    AnswerSize,
    /// A segment is damaged and was left out; the log names it.
    Damaged,
    /// There are more lines than are looked at one by one, to find patterns.
    TooManyLines,
}

/// Searches lines. Cheap to clone; clones share the memory that they search with.
#[derive(Clone, Debug)]
pub struct Reader {
    means: Means,
}

/// What all searches share.
#[derive(Clone, Debug)]
struct Means {
    cache: Cache,
    /// At the processor.
    turns: Turns,
    /// At PostgreSQL, for blocks of segments.
    fetches: Turns,
}

impl Reader {
    /// `cache_bytes` is what may be kept in memory: of each line that is searched often about 9 bytes for word filters and 15
    /// for its message, compressed as they are stored, and which lines met what was asked lately.
    pub fn new(cache_bytes: u64) -> Self {
        Self {
            means: Means {
                cache: Cache::new(cache_bytes),
                turns: Turns::default(),
                fetches: Turns::default(),
            },
        }
    }

    /// Counts all lines that match, within the transaction's snapshot; the plan's page and cursor play no part. A count that
    /// ran out of time is that of the newest lines, and says so.
    pub async fn count(&self, tx: &TenantTx<'_>, plan: &Plan) -> Result<Counted, DbError> {
        let clock = Stopwatch::start(plan);
        let plan = Plan {
            cursor: None,
            ..plan.clone()
        };
        let mut scan = Scan::start(tx, &plan, &self.means).await?.counting();
        clock.run(&mut scan, tx).await?;
        let partial = (!scan.is_complete()).then_some(Partial::TimeBudget);
        Ok(Counted {
            lines: scan.count(),
            stats: clock.stats(&scan.tally, scan.snapshot, scan.tally.damaged.or(partial)),
        })
    }

    /// Searches within the transaction's snapshot. Take one from `Connection::tenant_snapshot`.
    pub async fn search(&self, tx: &TenantTx<'_>, plan: &Plan) -> Result<Found, DbError> {
        match plan.order {
            Order::NewestFirst => self.search_newest(tx, plan).await,
            Order::OldestFirst => oldest::search(&self.means, tx, plan).await,
        }
    }

    /// Goes over all lines that match, about newest first, within the transaction's snapshot; the plan's order, page and
    /// cursor play no part. `fold` takes each line into the state, away from the event loop, and may end it. What ran out
    /// of time says so in the statistics.
    pub async fn fold<S: Send + 'static>(
        &self,
        tx: &TenantTx<'_>,
        plan: &Plan,
        projection: Projection,
        state: S,
        fold: impl Fn(&mut S, Line) -> ControlFlow<()> + Clone + Send + 'static,
    ) -> Result<(S, Stats), DbError> {
        self.fold_some(tx, plan, (projection, false), state, fold).await
    }

    /// The same; if so wished, without the lines of segments whose patterns are counted.
    async fn fold_some<S: Send + 'static>(
        &self,
        tx: &TenantTx<'_>,
        plan: &Plan,
        (projection, uncounted_only): (Projection, bool),
        mut state: S,
        fold: impl Fn(&mut S, Line) -> ControlFlow<()> + Clone + Send + 'static,
    ) -> Result<(S, Stats), DbError> {
        let clock = Stopwatch::start(plan);
        let plan = Plan {
            cursor: None,
            ..plan.clone()
        };
        let mut scan = Scan::start(tx, &plan, &self.means).await?.visiting(projection);
        if uncounted_only {
            scan = scan.of_uncounted();
        }
        let mut ended = ControlFlow::Continue(());
        while !scan.is_complete() && ended.is_continue() && (!clock.is_over() || !scan.got_ahead()) {
            scan.round(tx, clock.deadline).await?;
            let (lines, fold) = (scan.take_visited(), fold.clone());
            let folding = move || {
                let ended = lines.into_iter().try_for_each(|line| fold(&mut state, line));
                (state, ended)
            };
            (state, ended) = self.in_turn(tx.org_id(), folding).await;
        }
        let partial = (!scan.is_complete() && ended.is_continue()).then_some(Partial::TimeBudget);
        let stats = clock.stats(&scan.tally, scan.snapshot, scan.tally.damaged.or(partial));
        Ok((state, stats))
    }

    /// Lines that match and were committed after the first snapshot and not after the second, the oldest by their own time
    /// first. The plan bounds their own times. Of more than `most` the oldest are counted only.
    pub async fn arrived(
        &self,
        tx: &TenantTx<'_>,
        plan: &Plan,
        between: (&Snapshot, &Snapshot),
        most: usize,
    ) -> Result<Arrived, DbError> {
        tail::arrived(tx, &self.means, plan, between, most).await
    }

    /// Does work for an organisation away from the event loop, when it is its turn: searches of several share the processor
    /// evenly.
    pub async fn in_turn<R: Send + 'static>(
        &self,
        org_id: OrgId,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> R {
        self.means.turns.run(org_id, work).await
    }

    async fn search_newest(&self, tx: &TenantTx<'_>, plan: &Plan) -> Result<Found, DbError> {
        let clock = Stopwatch::start(plan);
        let mut scan = Scan::start(tx, plan, &self.means).await?;
        clock.run(&mut scan, tx).await?;
        let (tally, watermark) = (scan.tally, scan.snapshot);
        let matches = scan.matches();
        let fetched = lines::fetch(tx, &self.means, plan, &matches.lines).await?;
        let (next, partial) = match fetched.stopped_at {
            Some(key) => (Some(key), Some(Partial::AnswerSize)),
            None => (matches.next, matches.cut_short.then_some(Partial::TimeBudget)),
        };
        Ok(Found {
            lines: fetched.lines,
            next: next.map(Cursor::from),
            stats: clock.stats(&tally, watermark, fetched.damaged.or(tally.damaged).or(partial)),
        })
    }
}

/// When a search began, and when it should end.
#[derive(Clone, Copy)]
struct Stopwatch {
    started: Instant,
    deadline: Instant,
}

impl Stopwatch {
    fn start(plan: &Plan) -> Self {
        let started = Instant::now();
        Self {
            started,
            deadline: started + plan.budget.time,
        }
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Reads until the scan found what it looks for, or time is over and it got ahead.
    async fn run(&self, scan: &mut Scan<'_>, tx: &TenantTx<'_>) -> Result<(), DbError> {
        while !scan.is_complete() && (!self.is_over() || !scan.got_ahead()) {
            scan.round(tx, self.deadline).await?;
        }
        Ok(())
    }

    fn stats(&self, tally: &Tally, watermark: OffsetDateTime, partial: Option<Partial>) -> Stats {
        Stats {
            rows_scanned: tally.rows,
            blocks_read: tally.blocks,
            blocks_pruned: tally.pruned,
            bytes_read: tally.bytes,
            elapsed: self.started.elapsed(),
            watermark,
            partial,
        }
    }
}

/// A level as stored.
pub(crate) fn level_of(code: i16) -> Result<Level, DbError> {
    Level::from_code(code).ok_or_else(|| DbError::Corrupt {
        what: "level of a log line",
        source: format!("{code} is no level").into(),
    })
}

impl From<Cursor<i64>> for Key {
    fn from(cursor: Cursor<i64>) -> Self {
        Self {
            ts: micros(cursor.at),
            id: cursor.key,
        }
    }
}

impl From<Key> for Cursor<i64> {
    fn from(key: Key) -> Self {
        Self {
            at: key.at(),
            key: key.id,
        }
    }
}
