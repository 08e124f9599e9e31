//! The lines of a log query, newest or oldest first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::{TenantTx, scopes};
use domain::logql::{Direction, LogPipeline, Response, Streams};
use logstore::reader::{Budget, Line, Order, Partial, Plan, Reader, Stats};
use service_kit::ApiError;

use super::places::{self, Places};
use super::{Call, cost, refused};
use crate::metrics;
use crate::time_range::up_to_micros;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 5_000;
/// Of a page that goes on after one whose lines the pipeline sorted out.
const PAGE: usize = 1_000;

pub(super) async fn find(call: &Call<'_>, pipeline: LogPipeline) -> Result<Response, ApiError> {
    let started = Instant::now();
    let range = call.params.range(call.now)?;
    let limit = call.params.limit("limit", DEFAULT_LIMIT, MAX_LIMIT)?;
    let direction = direction(call.params.get("direction"))?;
    let _turn = call.state.admission.enter(call.org_id).await?;
    let mut conn = call.kit.db.conn("query.loki").await?;
    let tx = conn.tenant_snapshot(call.org_id).await?;
    let places = Places::of(scopes::list(&tx).await?, &[&pipeline]);
    let (from, to) = (up_to_micros(range.start), up_to_micros(range.end));
    let plan = Plan {
        order: match direction {
            Direction::Forward => Order::OldestFirst,
            Direction::Backward => Order::NewestFirst,
        },
        ..places.plan(from, to, limit, call.state.budget)
    };
    let mut warnings = places::warnings([&pipeline.selector].into_iter());
    let sieve = Arc::new(Sieve { pipeline, places });
    let streams = Streams::new(direction, call.categorized);
    let (streams, stats) = pages(&call.state.reader, &tx, plan, limit, sieve, streams).await?;
    tx.commit().await?;
    metrics::search_finished(&stats);
    warnings.extend(stats.partial.map(partial_warning));
    let entries = streams.entries();
    Ok(Response::new(
        streams.finish(),
        cost(started, stats, entries),
        warnings,
    ))
}

pub(super) struct Sieve {
    pub(super) pipeline: LogPipeline,
    pub(super) places: Places,
}

impl Sieve {
    /// Keeps the lines that come through, up to the limit. Returns about what these take in memory.
    fn sift(&self, lines: &[Line], limit: usize, streams: &mut Streams) -> usize {
        let mut kept = 0;
        for line in lines {
            if streams.entries() >= limit {
                break;
            }
            let before = streams.entries();
            self.places.with_line(line, |line| {
                if let Some(processed) = self.pipeline.apply(line) {
                    streams.push(line.ts, processed);
                }
            });
            if streams.entries() > before {
                kept += line.message.len() + line.meta.as_ref().map_or(0, |meta| meta.get().len());
            }
        }
        kept
    }
}

/// Reads page after page until there are enough lines, all were seen, or time or room is used up.
pub(super) async fn pages(
    reader: &Reader,
    tx: &TenantTx<'_>,
    mut plan: Plan,
    limit: usize,
    sieve: Arc<Sieve>,
    mut streams: Streams,
) -> Result<(Streams, Stats), ApiError> {
    let deadline = Instant::now() + plan.budget.time;
    let mut so_far: Option<Stats> = None;
    loop {
        let found = reader.search(tx, &plan).await?;
        let mut stats = so_far.map_or(found.stats, |before| added(before, found.stats));
        let sieve = Arc::clone(&sieve);
        let sifting = move || {
            let kept = sieve.sift(&found.lines, limit, &mut streams);
            (streams, kept)
        };
        let kept;
        (streams, kept) = reader.in_turn(tx.org_id(), sifting).await;
        let is_full = streams.entries() >= limit;
        let (Some(cursor), false) = (found.next, is_full) else {
            // Pages that ended early went on; what is missing is what was damaged.
            stats.partial = stats.partial.filter(|partial| *partial == Partial::Damaged);
            return Ok((streams, stats));
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let room = plan.budget.bytes.saturating_sub(kept);
        if left == Duration::ZERO || room == 0 {
            let reason = if room == 0 {
                Partial::AnswerSize
            } else {
                Partial::TimeBudget
            };
            stats.partial = stats
                .partial
                .filter(|partial| *partial == Partial::Damaged)
                .or(Some(reason));
            return Ok((streams, stats));
        }
        plan.cursor = Some(cursor);
        plan.limit = PAGE;
        plan.budget = Budget {
            time: left,
            bytes: room,
        };
        so_far = Some(stats);
    }
}

fn added(before: Stats, more: Stats) -> Stats {
    let damaged = |stats: &Stats| stats.partial.filter(|partial| *partial == Partial::Damaged);
    Stats {
        rows_scanned: before.rows_scanned + more.rows_scanned,
        blocks_read: before.blocks_read + more.blocks_read,
        blocks_pruned: before.blocks_pruned + more.blocks_pruned,
        bytes_read: before.bytes_read + more.bytes_read,
        elapsed: before.elapsed + more.elapsed,
        watermark: before.watermark,
        partial: damaged(&before).or(more.partial),
    }
}

fn partial_warning(partial: Partial) -> String {
    match partial {
        Partial::TimeBudget | Partial::TooManyLines => {
            "the search ran out of time, so lines are missing; shorten the range or name a service".to_owned()
        }
        Partial::AnswerSize => {
            "the lines found are too large for one answer, so some are missing; lower the limit".to_owned()
        }
        Partial::Damaged => "a stored segment cannot be read, so lines are missing".to_owned(),
    }
}

fn direction(text: Option<&str>) -> Result<Direction, ApiError> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None | Some("backward") => Ok(Direction::Backward),
        Some("forward") => Ok(Direction::Forward),
        Some(_) => Err(refused("direction must be forward or backward")),
    }
}
