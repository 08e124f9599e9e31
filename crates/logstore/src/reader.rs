//! Searching one organisation's lines: a plan in, a page of lines with statistics out.
//!
//! Every scope (an environment of a service) is read newest first along its index; the scopes are merged here, so that
//! each row is read once. A search works in two steps: [`scan`] finds the keys of the lines that match and reads no more
//! than that needs, [`lines`] then fetches those lines whole. Words are matched in this program: under row-level
//! security no index serves them, and text of a tenant is never handed to PostgreSQL as a pattern.

mod histogram;
mod lines;
mod merge;
mod scan;

use std::time::{Duration, Instant};

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, LogId, ServiceId};
use domain::level::Level;
use domain::page::{Cursor, PageLimit};
use domain::words::WordQuery;
use serde_json::value::RawValue;
use time::OffsetDateTime;

pub use histogram::{Bucket, HistogramPlan, InvalidInterval, histogram};
pub use lines::SQL as LINES_SQL;
pub use scan::{PLANNER_SQL, SQL as SCAN_SQL};

use merge::Key;
use scan::Scan;

/// Where to search, and how far back its lines may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchScope {
    pub service_id: ServiceId,
    pub environment_id: EnvironmentId,
    /// Lines from before this moment are past their service's retention, and invisible.
    pub oldest: OffsetDateTime,
}

/// A search, newest first.
#[derive(Clone, Debug)]
pub struct Plan {
    pub scopes: Vec<SearchScope>,
    /// Inclusive, by the line's own time.
    pub from: OffsetDateTime,
    /// Exclusive.
    pub to: OffsetDateTime,
    /// Empty: any level.
    pub levels: Vec<Level>,
    pub words: WordQuery,
    pub limit: PageLimit,
    /// Goes on after this line. New lines do not move what follows it.
    pub cursor: Option<Cursor<i64>>,
    pub budget: Budget,
}

impl Plan {
    fn wants(&self, level: Level) -> bool {
        self.levels.is_empty() || self.levels.contains(&level)
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
    /// Newest first.
    pub lines: Vec<Line>,
    /// Where to go on; `None` when everything was read. After a search for words it may lead to an empty page.
    pub next: Option<Cursor<i64>>,
    pub stats: Stats,
}

/// What a search touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    pub rows_scanned: u64,
    pub elapsed: Duration,
    /// Set when the search stopped before the page was full or the range was read.
    pub partial: Option<Partial>,
}

/// Why a search stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partial {
    TimeBudget,
    AnswerSize,
}

/// Searches within the transaction's snapshot. Take one from `Connection::tenant_snapshot`.
pub async fn search(tx: &TenantTx<'_>, plan: &Plan) -> Result<Found, DbError> {
    let started = Instant::now();
    let deadline = started + plan.budget.time;
    let mut scan = Scan::start(tx, plan).await?;
    let mut in_time = true;
    while in_time && !scan.is_complete() {
        scan.round(tx, deadline).await?;
        in_time = Instant::now() < deadline;
    }
    let matches = scan.matches();
    let lines = lines::fetch(tx, &plan.scopes, &matches.keys, plan.budget.bytes).await?;
    let (next, partial) = if lines.len() < matches.keys.len() {
        (lines.last().map(cursor_after), Some(Partial::AnswerSize))
    } else {
        (
            matches.next.map(Cursor::from),
            matches.cut_short.then_some(Partial::TimeBudget),
        )
    };
    Ok(Found {
        lines,
        next,
        stats: Stats {
            rows_scanned: matches.rows_scanned,
            elapsed: started.elapsed(),
            partial,
        },
    })
}

fn cursor_after(line: &Line) -> Cursor<i64> {
    Cursor {
        at: line.ts,
        key: line.id.0,
    }
}

/// A level as stored.
fn level_of(code: i16) -> Result<Level, DbError> {
    Level::from_code(code).ok_or_else(|| DbError::Corrupt {
        what: "level of a log line",
        source: format!("{code} is no level").into(),
    })
}

impl From<Cursor<i64>> for Key {
    fn from(cursor: Cursor<i64>) -> Self {
        Self {
            ts: cursor.at,
            id: cursor.key,
        }
    }
}

impl From<Key> for Cursor<i64> {
    fn from(key: Key) -> Self {
        Self {
            at: key.ts,
            key: key.id,
        }
    }
}
