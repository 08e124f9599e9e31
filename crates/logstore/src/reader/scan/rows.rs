//! Loose rows: read in portions along their index, decided one by one.

use std::sync::Arc;
use std::time::Instant;

use db::{DbError, TenantTx};
use domain::ids::OrgId;
use futures_util::TryStreamExt as _;

use super::{Goal, Place, Scan};
use crate::reader::merge::At;
use crate::reader::rows::{self, Opened, STEP_ROWS, Scanned};

/// Rows of one round, all scopes together; rounds grow up to this.
const MAX_ROUND_ROWS: usize = 16_384;
/// A scope is asked for at least this many rows, so that many scopes do not mean many rounds.
const MIN_SCOPE_ROWS: usize = 16;
/// Text that is gathered before it is matched, in bytes (a single message may be longer).
const CHUNK_BYTES: usize = 1_048_576;

impl Scan<'_> {
    /// Asks for the next loose rows of these scopes.
    pub(super) async fn open_rows(&self, tx: &TenantTx<'_>, places: &[usize]) -> Result<Opened, DbError> {
        let per_scope = self.rows_per_scope(places.len());
        rows::open(tx, &self.plan, places, &self.rows, per_scope, self.projection()).await
    }

    /// Reads the rows that were asked for.
    pub(super) async fn read_rows(
        &mut self,
        tx: &TenantTx<'_>,
        places: &[usize],
        Opened { first, portal }: Opened,
        deadline: Instant,
    ) -> Result<(), DbError> {
        let per_scope = self.rows_per_scope(places.len());
        let mut counts = vec![0; places.len()];
        let mut reached = 0;
        let mut next = Some(first);
        while let Some(step) = next.take() {
            let mut rows = std::pin::pin!(step);
            let (mut read, mut chunk, mut chunk_bytes) = (0, Vec::new(), 0);
            while let Some(row) = rows.try_next().await? {
                let row = Scanned::read(&row)?;
                read += 1;
                counts[row.place] += 1;
                reached = row.place;
                chunk_bytes += row.bytes();
                chunk.push(row);
                if chunk_bytes >= CHUNK_BYTES {
                    self.take_rows(tx.org_id(), places, std::mem::take(&mut chunk))
                        .await?;
                    chunk_bytes = 0;
                }
            }
            self.take_rows(tx.org_id(), places, chunk).await?;
            self.tally.rows += read as u64;
            if read < STEP_ROWS {
                reached = places.len(); // every scope gave what it has
            } else if let Some(portal) = &portal
                && (self.row_rounds == 0 || Instant::now() < deadline)
            {
                next = Some(rows::step(tx, portal).await?);
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
        let missing = self.target().saturating_sub(self.found.len());
        let rows = missing
            .saturating_mul(1 << self.row_rounds.min(14))
            .min(MAX_ROUND_ROWS);
        rows.div_ceil(scopes).max(MIN_SCOPE_ROWS)
    }

    /// Matches a chunk of rows and notes them, off the HTTP workers: it may take milliseconds.
    async fn take_rows(
        &mut self,
        org_id: OrgId,
        places: &[usize],
        mut chunk: Vec<Scanned>,
    ) -> Result<(), DbError> {
        let scope_of = |row: &Scanned| places[row.place];
        if self.plan.wants_all() || chunk.is_empty() {
            for row in &mut chunk {
                let condition = self.plan.condition(scope_of(row));
                row.decide(condition);
            }
        } else {
            let (plan, places) = (Arc::clone(&self.plan), places.to_vec());
            let deciding = move || {
                for row in &mut chunk {
                    let condition = plan.condition(places[row.place]);
                    row.decide(condition);
                }
                chunk
            };
            chunk = self.means.turns.run(org_id, deciding).await;
        }
        for row in chunk {
            let scope = scope_of(&row);
            self.rows[scope].advance(row.key)?;
            if !row.matches {
                continue;
            }
            match &mut self.goal {
                Goal::Count(counted) => *counted += 1,
                Goal::Visit(_) => self.visited.push(row.into_line(self.plan.scope(scope))),
                Goal::Newest | Goal::OldestAfter(_) => {
                    let what = Place::Row {
                        scope,
                        bytes: row.line_bytes,
                    };
                    self.matched.push(At { key: row.key, what });
                }
            }
        }
        Ok(())
    }
}
