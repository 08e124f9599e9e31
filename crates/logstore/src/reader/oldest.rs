//! Oldest first. Streams are read newest first, so the range is taken in windows from its old end on, each four times as long
//! as the one before it until the page is full: what is read beyond the page is at most a few times the page, and what holds
//! no match is passed over fast.

use db::{DbError, TenantTx};
use domain::page::Cursor;
use time::{Duration, OffsetDateTime};

use super::lines;
use super::merge::{At, Key, micros};
use super::scan::{Place, Scan, Tally};
use super::{Found, Means, Partial, Plan, Stopwatch};

/// In microseconds.
const FIRST_WINDOW: i64 = 1_000_000;

pub(super) async fn search(means: &Means, tx: &TenantTx<'_>, plan: &Plan) -> Result<Found, DbError> {
    let clock = Stopwatch::start(plan);
    let oldest = (0..plan.scopes.len())
        .map(|place| micros(plan.oldest(place)))
        .min();
    let after = plan.cursor.map(Key::from).into_iter();
    let mut after = after
        .chain(oldest.map(Key::before))
        .max()
        .unwrap_or(Key::after(i64::MAX));
    let end = micros(plan.to);
    let (mut window, mut found, mut tally) = (FIRST_WINDOW, Vec::new(), Tally::default());
    let mut watermark = None;
    // A window without lines costs a look at the directory, and a range of years has twenty.
    while found.len() <= plan.limit && after.ts < end {
        let to = after.ts.saturating_add(window).min(end);
        let window_plan = Plan {
            from: Key::before(after.ts).at().max(plan.from),
            to: at(to),
            cursor: None,
            limit: plan.limit - found.len(),
            ..plan.clone()
        };
        let mut scan = Scan::start(tx, &window_plan, means).await?.for_the_oldest(after);
        // The first window is read to its end, so that a search that has no time still gets ahead.
        while !scan.is_complete() && (window == FIRST_WINDOW || !clock.is_over()) {
            scan.round(tx, clock.deadline).await?;
        }
        watermark = watermark.or(Some(scan.snapshot));
        tally.add(&scan.tally);
        if !scan.is_complete() {
            break; // what it found need not be the oldest
        }
        found.extend(scan.oldest().into_iter().rev());
        after = Key::before(to);
        window = window.saturating_mul(4);
        if clock.is_over() {
            break;
        }
    }
    answer(means, tx, plan, &clock, (found, after, end), (tally, watermark)).await
}

async fn answer(
    means: &Means,
    tx: &TenantTx<'_>,
    plan: &Plan,
    clock: &Stopwatch,
    (mut found, read_to, end): (Vec<At<Place>>, Key, i64),
    (tally, watermark): (Tally, Option<OffsetDateTime>),
) -> Result<Found, DbError> {
    let (is_full, is_read) = (found.len() > plan.limit, read_to.ts >= end);
    found.truncate(plan.limit);
    let fetched = lines::fetch(tx, means, plan, &found).await?;
    let (next, partial) = match fetched.stopped_at {
        Some(key) => (Some(key), Some(Partial::AnswerSize)),
        None if is_full => (found.last().map(|at| at.key), None),
        None if is_read => (None, None),
        None => (Some(read_to), Some(Partial::TimeBudget)),
    };
    Ok(Found {
        lines: fetched.lines,
        next: next.map(Cursor::from),
        stats: clock.stats(
            &tally,
            watermark.unwrap_or(OffsetDateTime::UNIX_EPOCH),
            fetched.damaged.or(tally.damaged).or(partial),
        ),
    })
}

/// Times beyond what the type holds are its last.
fn at(micros: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH
        .checked_add(Duration::microseconds(micros))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH + Duration::days(365 * 7_000))
}
