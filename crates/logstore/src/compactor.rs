//! The compactor: merges fresh segments and loose rows of a scope into larger segments with word filters.
//!
//! One process per database compacts, by a lease whose fence is checked in each transaction. A merge takes its inputs out
//! and puts its outputs in within one transaction of one tenant, so a reader finds each line exactly once at every moment,
//! and a compactor that dies leaves everything as it was. A damaged segment is left where it is, and reported.
//!
//! Log in as `sightline_compactor`, which row-level security applies to like to every reader.

mod pieces;
mod policy;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use db::leases::{self, Lease};
use db::{Connection, Db, DbError};
use domain::scope::Scope;
use futures_util::future::try_join_all;
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use crate::maintenance::PATIENCE;
use crate::patterns::error_arrivals::{self, Arrivals};
use crate::patterns::{Miners, ServiceMiner, Sighting, registry};
use crate::segment::{self, Damaged, Decoder, Encoded, Encoder, Ids, Index};
use pieces::{Lines, Piece, Stored, Unit};
use policy::{Backlog, MAX_MERGE_BYTES, MAX_MERGE_ROWS, Merge, Pace, Pieces};

/// The name of its lease.
pub const LEASE: &str = "logs.compactor";
/// A compactor that says nothing for this long is taken for dead. Longer than any merge.
const LEASE_TTL: Duration = Duration::from_mins(1);

/// When things are merged; the defaults are what a service should use.
#[derive(Clone, Copy, Debug)]
pub struct CompactorConfig {
    /// Loose rows that are younger are left alone: most searches look for the newest lines, and rows serve them best.
    pub rows_after: Duration,
    /// Fresh segments that are younger are left alone: whoever follows new lines finds them by the transaction that wrote
    /// them.
    pub fresh_after: Duration,
    /// Hours of fresh segments are dropped when they have been empty for so long: longer than any search looks at a
    /// snapshot.
    pub hours_after: Duration,
    /// Text of loose rows that one merge takes, in bytes: bounds what it holds at once.
    pub row_bytes: u64,
    /// The share of its time that it works, between 0 and 1: what it leaves is the writers'. When it is behind it takes more,
    /// and merges two units at a time.
    pub duty: f64,
    /// It is behind when more lines wait: a load that lasts leaves `fresh_after` of its lines waiting at least.
    pub behind_lines: u64,
    /// Merges whatever there is, however little and young. For tests and benchmarks.
    pub eager: bool,
}

impl Default for CompactorConfig {
    fn default() -> Self {
        Self {
            rows_after: Duration::from_mins(10),
            fresh_after: Duration::from_secs(20),
            hours_after: Duration::from_mins(2),
            row_bytes: 64 << 20,
            duty: 0.5,
            behind_lines: 2_000_000,
            eager: false,
        }
    }
}

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub merges: u64,
    /// Segments and loose rows that were merged, and what they became.
    pub segments_in: u64,
    pub rows_in: u64,
    pub segments_out: u64,
    /// Lines that were written anew.
    pub lines: u64,
    /// Segments that could not be read, and were left where they are.
    pub damaged: u64,
    /// Segments that were moved to another day, since their service's retention was changed.
    pub moved: u64,
    /// Emptied hours that were dropped.
    pub hours_dropped: u64,
    /// What was there before: fresh segments, their lines, and loose rows.
    pub waiting_segments: u64,
    pub waiting_lines: u64,
}

impl Report {
    fn add(&mut self, done: &Self) {
        self.merges += done.merges;
        self.segments_in += done.segments_in;
        self.rows_in += done.rows_in;
        self.segments_out += done.segments_out;
        self.lines += done.lines;
        self.damaged += done.damaged;
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the compressor failed")]
    Codec(#[source] io::Error),
}

pub struct Compactor {
    db: Db,
    config: CompactorConfig,
    owner: Uuid,
    /// Damaged ones, so that each is reported once.
    damaged: Mutex<HashSet<i64>>,
    /// Hours that were found empty, and when.
    empty: Vec<(String, Instant)>,
    /// The templates of services.
    miners: Miners,
}

impl Compactor {
    pub fn new(db: Db, config: CompactorConfig) -> Self {
        Self {
            db,
            config,
            owner: Uuid::new_v4(),
            damaged: Mutex::default(),
            empty: Vec::new(),
            miners: Miners::new(),
        }
    }

    /// Merges what is due; `None` if another process compacts.
    pub async fn round(&mut self) -> Result<Option<Report>, CompactError> {
        let mut report = Report::default();
        let conn = self.db.conn("logs.compactor").await?;
        if leases::acquire(&conn, LEASE, self.owner, LEASE_TTL)
            .await?
            .is_none()
        {
            return Ok(None);
        }
        let waiting = backlog(&conn, self.config.rows_after).await?;
        report.waiting_segments = waiting.iter().map(|unit| unit.segments).sum();
        report.waiting_lines = waiting.iter().map(|unit| unit.lines + unit.loose_rows).sum();
        // Here, since two workers must not make the same one.
        let days: BTreeSet<Date> = waiting.iter().map(|waiting| waiting.unit.expires_on).collect();
        for day in days {
            make_day(&conn, day).await?;
        }
        drop(conn);
        let pace = Pace::of(self.config.duty, report.waiting_lines > self.config.behind_lines);
        let units = Mutex::new(VecDeque::from(waiting));
        for done in try_join_all((0..pace.workers).map(|_| self.work(&units, pace.duty))).await? {
            report.add(&done);
        }
        let mut conn = self.db.conn("logs.compactor").await?;
        report.moved = move_misplaced(&mut conn).await?;
        report.hours_dropped = self.drop_empty_hours(&mut conn).await?;
        Ok(Some(report))
    }

    /// Merges one unit after the other, until none is left or the lease is lost. A unit is one worker's at a time.
    async fn work(&self, units: &Mutex<VecDeque<Waiting>>, duty: f64) -> Result<Report, CompactError> {
        let mut report = Report::default();
        let mut conn = self.db.conn("logs.compactor").await?;
        while let Some(mut waiting) = next_of(units) {
            // As long as there is more than one merge holds.
            loop {
                let started = Instant::now();
                // Extended before each merge, which takes a fraction of it.
                let Some(lease) = leases::acquire(&conn, LEASE, self.owner, LEASE_TTL).await? else {
                    return Ok(report);
                };
                if !self.merge(&mut conn, lease, &mut waiting, &mut report).await? {
                    break;
                }
                tokio::time::sleep(started.elapsed().mul_f64(1.0 / duty - 1.0)).await;
            }
        }
        Ok(report)
    }

    /// Gives the lead up, so that another need not wait for it.
    pub async fn step_down(&self) -> Result<(), DbError> {
        let conn = self.db.conn("logs.compactor").await?;
        if let Some(lease) = leases::acquire(&conn, LEASE, self.owner, LEASE_TTL).await? {
            leases::release(&conn, LEASE, lease).await?;
        }
        Ok(())
    }

    /// Merges once within a unit; says whether there may be more to merge.
    async fn merge(
        &self,
        conn: &mut Connection,
        lease: Lease,
        waiting: &mut Waiting,
        report: &mut Report,
    ) -> Result<bool, CompactError> {
        let unit = waiting.unit;
        let Some(chosen) = self.choose(conn, waiting).await? else {
            return Ok(false);
        };
        let tx = conn.tenant(unit.scope.org_id).await?;
        let most = (MAX_MERGE_ROWS, self.config.row_bytes);
        let mut lines = pieces::take_rows(&tx, &unit, self.config.rows_after, most).await?;
        waiting.loose_rows = match lines.ids.len() as u64 {
            0 => 0,
            taken => waiting.loose_rows.saturating_sub(taken),
        };
        let Some(inputs) = pieces::take(&tx, &unit, chosen).await? else {
            // Retention was faster; what was taken is put back.
            return Ok(false);
        };
        let (segments_in, rows_in) = (inputs.len() as u64, lines.ids.len() as u64);
        if segments_in + rows_in == 0 {
            return Ok(false);
        }
        let miner = self.miners.of(&tx, unit.scope.service_id).await?;
        let learning = Arc::clone(&miner);
        let job = move || -> Result<(Vec<Encoded>, Arrivals, Vec<Sighting>), Failure> {
            decode(&mut lines, &inputs)?;
            encode(&lines, &unit.scope, &learning).map_err(Failure::Codec)
        };
        let working = tokio::task::spawn_blocking(job).await;
        let (merged, errors, news) =
            match working.unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic())) {
                Ok(merged) => merged,
                Err(Failure::Codec(error)) => return Err(CompactError::Codec(error)),
                Err(Failure::Damaged(id, damage)) => {
                    self.leave_out(id, &unit, damage);
                    report.damaged += 1;
                    return Ok(true);
                }
            };
        for segment in &merged {
            pieces::put(&tx, &unit, segment).await?;
        }
        registry::save(&tx, &unit.scope, &news).await?;
        error_arrivals::save(&tx, &unit.scope, &errors).await?;
        if !leases::holds(&*tx, LEASE, lease).await? {
            return Ok(false);
        }
        tx.commit().await?;
        self.miners.saved(&miner, &unit.scope, &news);
        report.merges += 1;
        report.segments_in += segments_in;
        report.rows_in += rows_in;
        report.segments_out += merged.len() as u64;
        report.lines += merged
            .iter()
            .map(|segment| u64::from(segment.row_count))
            .sum::<u64>();
        Ok(true)
    }

    /// The segments to merge now; `None` if nothing is due.
    async fn choose(&self, conn: &mut Connection, waiting: &Waiting) -> Result<Option<Vec<Piece>>, DbError> {
        let tx = conn.tenant(waiting.unit.scope.org_id).await?;
        let mut fresh = pieces::fresh(&tx, &waiting.unit).await?;
        let mut open = pieces::open(&tx, &waiting.unit).await?;
        tx.commit().await?;
        for listed in [&mut fresh, &mut open] {
            let damaged = lock(&self.damaged);
            listed.retain(|piece| !damaged.contains(&piece.id));
        }
        fresh.retain(|piece| piece.age >= self.config.fresh_after);
        let backlog = Backlog {
            fresh: sum(&fresh),
            open: sum(&open),
            loose_rows: waiting.loose_rows,
            loose_age: waiting.age,
        };
        let anything = backlog.fresh.count > 0 || backlog.loose_rows > 0;
        let merge = match policy::decide(&backlog) {
            Merge::Nothing if self.config.eager && anything => Merge::All,
            decided => decided,
        };
        Ok(match merge {
            Merge::Nothing => None,
            Merge::New => Some(within_bounds(fresh)),
            Merge::All => {
                fresh.append(&mut open);
                fresh.sort_by_key(|piece| (piece.max_ts, piece.id));
                Some(within_bounds(fresh))
            }
        })
    }

    fn leave_out(&self, id: i64, unit: &Unit, damage: Damaged) {
        lock(&self.damaged).insert(id);
        metrics::counter!("logstore_damaged_segments_total").increment(1);
        tracing::error!(
            segment.id = id,
            service_id = %unit.scope.service_id,
            "log segment {id} cannot be merged and is left where it is: {damage}"
        );
    }

    /// Drops hours that have been empty for longer than any search lasts.
    async fn drop_empty_hours(&mut self, conn: &mut Connection) -> Result<u64, DbError> {
        const EMPTY_SQL: &str = "
            -- compactor::empty_hours
            SELECT empty_fresh_partitions()";
        let rows = conn.query(EMPTY_SQL, &[]).await?;
        let now_empty: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        self.empty.retain(|(hour, _)| now_empty.contains(hour));
        let mut dropped = 0;
        for hour in now_empty {
            match self.empty.iter().find(|(known, _)| *known == hour) {
                None => self.empty.push((hour, Instant::now())),
                Some((_, since)) if since.elapsed() < self.config.hours_after => {}
                // A search that holds a lock delays it to the next round.
                Some(_) => match drop_hour(conn, &hour).await {
                    Ok(done) => dropped += u64::from(done),
                    Err(error) if error.is_unavailable() => {}
                    Err(error) => return Err(error),
                },
            }
        }
        Ok(dropped)
    }
}

/// Says whether it was dropped: not if it is not empty any more.
async fn drop_hour(conn: &mut Connection, hour: &str) -> Result<bool, DbError> {
    const SQL: &str = "
        -- compactor::drop_hour
        SELECT drop_fresh_partition($1)";
    let tx = conn.transaction().await?;
    tx.batch_execute(PATIENCE).await?;
    let dropped = tx.query_one(SQL, &[&hour]).await?.get(0);
    tx.commit().await?;
    Ok(dropped)
}

fn next_of(units: &Mutex<VecDeque<Waiting>>) -> Option<Waiting> {
    lock(units).pop_front()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What waits within one unit.
struct Waiting {
    unit: Unit,
    segments: u64,
    lines: u64,
    loose_rows: u64,
    /// Since the oldest of it was written.
    age: Duration,
}

async fn backlog(conn: &Connection, rows_after: Duration) -> Result<Vec<Waiting>, DbError> {
    // What has waited longest first.
    const SQL: &str = "
        -- compactor::backlog
        SELECT org_id, service_id, environment_id, expires_on, segments, segment_rows, loose_rows,
            extract(epoch FROM clock_timestamp() - oldest)::double precision AS age
        FROM compaction_backlog_all_orgs(make_interval(secs => $1)) ORDER BY oldest";
    let rows = conn.query(SQL, &[&rows_after.as_secs_f64()]).await?;
    let count = |row: &tokio_postgres::Row, name: &str| row.get::<_, i64>(name).unsigned_abs();
    Ok(rows
        .iter()
        .map(|row| Waiting {
            unit: Unit {
                scope: Scope {
                    org_id: row.get("org_id"),
                    service_id: row.get("service_id"),
                    environment_id: row.get("environment_id"),
                },
                expires_on: row.get("expires_on"),
            },
            segments: count(row, "segments"),
            lines: count(row, "segment_rows"),
            loose_rows: count(row, "loose_rows"),
            age: Duration::from_secs_f64(row.get::<_, f64>("age").max(0.0)),
        })
        .collect())
}

/// Moves segments to the day on which their service's retention lets them expire now.
async fn move_misplaced(conn: &mut Connection) -> Result<u64, DbError> {
    const BATCH: i32 = 1_000;
    const SQL: &str = "
        -- compactor::misplaced
        SELECT org_id, service_id, environment_id, max_ts, id, expires_on, keep_until
        FROM misplaced_segments_all_orgs($1)";
    let rows = conn.query(SQL, &[&BATCH]).await?;
    let mut moved = 0;
    for row in &rows {
        let unit = Unit {
            scope: Scope {
                org_id: row.get("org_id"),
                service_id: row.get("service_id"),
                environment_id: row.get("environment_id"),
            },
            expires_on: row.get("expires_on"),
        };
        let day: Date = row.get("keep_until");
        make_day(conn, day).await?;
        let tx = conn.tenant(unit.scope.org_id).await?;
        moved += pieces::move_to(&tx, &unit, row.get("max_ts"), row.get("id"), day).await?;
        tx.commit().await?;
    }
    Ok(moved)
}

/// Makes the partition that a merge writes to.
async fn make_day(conn: &Connection, day: Date) -> Result<(), DbError> {
    const SQL: &str = "
        -- compactor::make_day
        SELECT make_segment_partition($1)";
    let statement = conn.prepare_cached(SQL).await?;
    conn.execute(&statement, &[&day]).await?;
    Ok(())
}

fn sum(pieces: &[Piece]) -> Pieces {
    Pieces {
        count: pieces.len(),
        rows: pieces.iter().map(|piece| piece.rows).sum(),
        age: pieces.iter().map(|piece| piece.age).max().unwrap_or_default(),
    }
}

/// As many as one merge may hold, at least two. What is damaged says nothing of its size, and is found out.
fn within_bounds(pieces: Vec<Piece>) -> Vec<Piece> {
    let (mut rows, mut bytes) = (0, 0);
    pieces
        .into_iter()
        .enumerate()
        .take_while(|(place, piece)| {
            rows += piece.rows;
            bytes += piece.index.as_ref().map_or(0, Index::raw_bytes);
            *place < 2 || (rows <= MAX_MERGE_ROWS && bytes <= MAX_MERGE_BYTES)
        })
        .map(|(_, piece)| piece)
        .collect()
}

enum Failure {
    Damaged(i64, Damaged),
    Codec(io::Error),
}

fn decode(lines: &mut Lines, inputs: &[(Piece, Stored)]) -> Result<(), Failure> {
    let mut decoder = Decoder::new().map_err(Failure::Codec)?;
    lines.reserve(inputs.iter().filter_map(|(piece, _)| piece.index.as_ref().ok()));
    for (piece, stored) in inputs {
        let damaged = |damage| Failure::Damaged(piece.id, damage);
        let index = piece.index.as_ref().map_err(|damage| damaged(*damage))?;
        lines
            .decode(&mut decoder, index, (piece.first_id, piece.arrived), stored)
            .map_err(damaged)?;
    }
    Ok(())
}

/// Encodes lines and counts their templates; also returns when errors of each arrived, of lines that are merged for the first
/// time, and what the registry does not know of the templates.
fn encode(
    lines: &Lines,
    scope: &Scope,
    miner: &ServiceMiner,
) -> io::Result<(Vec<Encoded>, Arrivals, Vec<Sighting>)> {
    let mut encoder = Encoder::with_filters()?;
    let columns = &lines.columns;
    let (encoded, news) = miner.counting(scope.environment_id, columns, |tally| {
        let encoded = segment::parts(columns)
            .into_iter()
            .map(|part| encoder.encode_counted(columns, part, Ids::Each(&lines.ids), tally))
            .collect::<io::Result<Vec<Encoded>>>()?;
        let arrived = |(template, row): (_, usize)| Some((template, (*lines.arrived.get(row)?)?));
        let arrivals = Arrivals::of(tally.errors().filter_map(arrived));
        io::Result::Ok((encoded, arrivals))
    });
    let (encoded, arrivals) = encoded?;
    Ok((encoded, arrivals, news))
}
