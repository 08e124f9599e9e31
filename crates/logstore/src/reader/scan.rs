//! Finding the keys of the lines that match, in rounds of bounded reads.

use std::sync::Arc;
use std::time::Instant;

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use domain::words::WordQuery;
use futures_util::TryStreamExt as _;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::merge::{Key, Merge, OutOfOrder};
use super::{Plan, SearchScope, level_of};

/// The next rows of several scopes, each from its own position and at most `$9` of them, scope after scope and newest
/// first within each. A message is sent only if its level is wanted and the search has words. Public so that tests can
/// hold its plan, and what it shows to whom, to account.
pub const SQL: &str = "
    -- reader::scan
    SELECT scope.place, l.ts, l.id, l.level, l.message
    FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::bigint[])
        WITH ORDINALITY AS scope (service_id, environment_id, oldest, before_ts, before_id, place)
    CROSS JOIN LATERAL (
        SELECT ts, id, level, CASE WHEN $8::bool AND level = ANY ($7::smallint[]) THEN message END AS message
        FROM logs
        WHERE org_id = $1 AND service_id = scope.service_id AND environment_id = scope.environment_id
          AND ts >= scope.oldest AND ts <= scope.before_ts AND (ts, id) < (scope.before_ts, scope.before_id)
        ORDER BY ts DESC, id DESC
        LIMIT $9
    ) AS l";

/// Holds the planner to the index, for the transaction. It multiplies the selectivities of organisation, service and
/// environment as if they were independent, so it expects next to no rows of a scope and finds a sort of them all as good
/// as reading the newest few along the index.
pub const PLANNER_SQL: &str = "
    -- reader::planner
    SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
        set_config('enable_sort', 'off', true)";

/// Rows of one round, all scopes together; rounds grow up to this.
const MAX_ROUND_ROWS: usize = 16_384;
/// A scope is asked for at least this many rows, so that many scopes do not mean many rounds.
const MIN_SCOPE_ROWS: usize = 16;
/// Rows that PostgreSQL makes at a time: what is wasted when a search stops early.
const STEP_ROWS: i32 = 512;
/// Text that is gathered before its words are matched, in bytes (a single message may be longer).
const CHUNK_BYTES: usize = 1_048_576;

/// A running scan.
pub(super) struct Scan<'a> {
    plan: &'a Plan,
    words: Arc<WordQuery>,
    merge: Merge,
    found: Vec<(usize, Key)>,
    rounds: u32,
    rows_scanned: u64,
}

/// What a scan found.
pub(super) struct Matches {
    /// The scope's place in the plan, and the line's key; newest first.
    pub(super) keys: Vec<(usize, Key)>,
    /// Where to go on.
    pub(super) next: Option<Key>,
    /// It stopped before the page was full.
    pub(super) cut_short: bool,
    pub(super) rows_scanned: u64,
}

impl<'a> Scan<'a> {
    /// Makes a scan of this plan in this transaction, which it prepares for it.
    pub(super) async fn start(tx: &TenantTx<'_>, plan: &'a Plan) -> Result<Self, DbError> {
        let statement = tx.prepare_cached(PLANNER_SQL).await?;
        tx.execute(&statement, &[]).await?;
        Ok(Self::new(plan))
    }

    fn new(plan: &'a Plan) -> Self {
        // Everything before `to` is everything before its first possible id.
        let end = Key {
            ts: plan.to,
            id: i64::MIN,
        };
        let start = plan.cursor.map_or(end, |cursor| end.min(cursor.into()));
        let oldest = plan.scopes.iter().map(|scope| scope.oldest.max(plan.from));
        Self {
            plan,
            words: Arc::new(plan.words.clone()),
            merge: Merge::new(start, oldest),
            found: Vec::new(),
            rounds: 0,
            rows_scanned: 0,
        }
    }

    /// How many matches are looked for. Without words one more than the page is cheap, and tells whether another page
    /// follows; with words it could cost a scan of the whole range.
    fn target(&self) -> usize {
        let limit = self.plan.limit.rows();
        if self.words.is_empty() { limit + 1 } else { limit }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.found.len() >= self.target() || self.merge.is_over()
    }

    /// Reads on where it is needed. The first round always reads from every scope that needs it, so that each search
    /// gets ahead however small its budget; later ones stop at the deadline.
    pub(super) async fn round(&mut self, tx: &TenantTx<'_>, deadline: Instant) -> Result<(), DbError> {
        let feeds = self.merge.blocking();
        if !feeds.is_empty() {
            self.read(tx, &feeds, deadline).await?;
            self.rounds += 1;
        }
        while self.found.len() < self.target()
            && let Some(next) = self.merge.pop()
        {
            self.found.push(next);
        }
        Ok(())
    }

    /// Reads the next rows of these feeds.
    async fn read(&mut self, tx: &TenantTx<'_>, feeds: &[usize], deadline: Instant) -> Result<(), DbError> {
        let per_scope = self.rows_per_scope(feeds.len());
        let portal = self.open(tx, feeds, per_scope).await?;
        let mut counts = vec![0; feeds.len()];
        let mut reached = 0;
        loop {
            let mut rows = std::pin::pin!(tx.query_portal_raw(&portal, STEP_ROWS).await?);
            let (mut read, mut chunk, mut chunk_bytes) = (0, Vec::new(), 0);
            while let Some(row) = rows.try_next().await? {
                let row = Scanned::read(&row, self.plan)?;
                read += 1;
                counts[row.place] += 1;
                reached = row.place;
                chunk_bytes += row.message.as_ref().map_or(0, String::len);
                chunk.push(row);
                if chunk_bytes >= CHUNK_BYTES {
                    self.take(feeds, std::mem::take(&mut chunk)).await?;
                    chunk_bytes = 0;
                }
            }
            self.take(feeds, chunk).await?;
            self.rows_scanned += read as u64;
            if read < STEP_ROWS {
                reached = feeds.len(); // every scope gave what it has
                break;
            }
            if self.rounds > 0 && Instant::now() >= deadline {
                break;
            }
        }
        for (place, feed) in feeds.iter().enumerate().take(reached) {
            if counts[place] < per_scope {
                self.merge.finish(*feed);
            }
        }
        Ok(())
    }

    /// The first round asks for what fills the page if all rows match; each further one for twice as much.
    fn rows_per_scope(&self, scopes: usize) -> usize {
        let missing = self.target() - self.found.len();
        let rows = missing
            .saturating_mul(1 << self.rounds.min(14))
            .min(MAX_ROUND_ROWS);
        rows.div_ceil(scopes).max(MIN_SCOPE_ROWS)
    }

    async fn open(
        &self,
        tx: &TenantTx<'_>,
        feeds: &[usize],
        per_scope: usize,
    ) -> Result<tokio_postgres::Portal, DbError> {
        let scopes: Vec<&SearchScope> = feeds.iter().map(|feed| &self.plan.scopes[*feed]).collect();
        let service_ids: Vec<ServiceId> = scopes.iter().map(|scope| scope.service_id).collect();
        let environment_ids: Vec<EnvironmentId> = scopes.iter().map(|scope| scope.environment_id).collect();
        let oldest: Vec<OffsetDateTime> = scopes
            .iter()
            .map(|scope| scope.oldest.max(self.plan.from))
            .collect();
        let before: Vec<Key> = feeds.iter().map(|feed| self.merge.position(*feed)).collect();
        let before_ts: Vec<OffsetDateTime> = before.iter().map(|key| key.ts).collect();
        let before_id: Vec<i64> = before.iter().map(|key| key.id).collect();
        let wanted = Level::ALL.into_iter().filter(|level| self.plan.wants(*level));
        let levels: Vec<i16> = wanted.map(Level::code).collect();
        let statement = tx.prepare_cached(SQL).await?;
        Ok(tx
            .bind(
                &statement,
                &[
                    &tx.org_id(),
                    &service_ids,
                    &environment_ids,
                    &oldest,
                    &before_ts,
                    &before_id,
                    &levels,
                    &!self.words.is_empty(),
                    &(per_scope as i64),
                ],
            )
            .await?)
    }

    /// Matches a chunk of rows and notes them. Words are matched off the HTTP workers: a chunk may take milliseconds.
    async fn take(&mut self, feeds: &[usize], chunk: Vec<Scanned>) -> Result<(), DbError> {
        let rows = if self.words.is_empty() {
            chunk
        } else {
            let words = Arc::clone(&self.words);
            let matching = tokio::task::spawn_blocking(move || match_words(chunk, &words));
            matching
                .await
                .unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))
        };
        for row in rows {
            self.merge.advance(feeds[row.place], row.key, row.matches)?;
        }
        Ok(())
    }

    pub(super) fn matches(self) -> Matches {
        let limit = self.plan.limit.rows();
        let cut_short = !self.is_complete();
        let mut keys = self.found;
        let more = keys.len() > limit || !self.merge.is_over();
        keys.truncate(limit);
        let next = if cut_short {
            self.merge.watermark()
        } else {
            keys.last().filter(|_| more).map(|(_, key)| *key)
        };
        Matches {
            keys,
            next,
            cut_short,
            rows_scanned: self.rows_scanned,
        }
    }
}

/// One row of the scan.
struct Scanned {
    /// The place of its feed among those asked.
    place: usize,
    key: Key,
    matches: bool,
    message: Option<String>,
}

impl Scanned {
    fn read(row: &Row, plan: &Plan) -> Result<Self, DbError> {
        let place: i64 = row.get("place");
        Ok(Self {
            place: place as usize - 1,
            key: Key {
                ts: row.get("ts"),
                id: row.get("id"),
            },
            matches: plan.wants(level_of(row.get("level"))?),
            message: row.get("message"),
        })
    }
}

fn match_words(mut rows: Vec<Scanned>, words: &WordQuery) -> Vec<Scanned> {
    for row in &mut rows {
        row.matches = row.message.take().is_some_and(|message| words.matches(&message));
    }
    rows
}

impl From<OutOfOrder> for DbError {
    fn from(error: OutOfOrder) -> Self {
        Self::Corrupt {
            what: "order of log rows",
            source: error.into(),
        }
    }
}
