//! Which patterns lines have ([`domain::patterns`]), how many lines each, and when.
//!
//! Where lines are wanted by their level only, what was merged is told by the counts beside it, in whole buckets of five
//! minutes; what was not merged, and the lines at the two ends of the window, are mined here, with the templates that the
//! registry knows. Where a query asks for more, the lines that match are mined. Either way each line of the window counts
//! once, in one snapshot.

mod mining;
mod stored;

use std::collections::HashMap;
use std::time::Duration;

use db::{DbError, TenantTx};
use domain::ids::ServiceId;
use domain::level::Level;
use domain::patterns::TemplateId;
use time::OffsetDateTime;

use super::merge::micros;
use super::{Partial, Plan, Projection, Reader, SearchScope, Stats, Stopwatch};
use crate::patterns::BUCKET;
use crate::patterns::registry::{self, Described};
use mining::Mining;
pub use stored::COUNTS_SQL;

/// Patterns that are told apart in one answer; the lines of further ones count as other ones of their service.
const MAX_HELD: usize = 10_000;

/// What to count.
#[derive(Clone, Debug)]
pub struct PatternsPlan {
    /// Which lines; its page, order and cursor play no part.
    pub lines: Plan,
    /// Where the first interval starts, in seconds since 1970, how long each is, in seconds, and how many there are.
    /// Starts and lengths are multiples of five minutes.
    pub intervals: Intervals,
    /// Lines that are mined, at most.
    pub most_mined: u64,
}

/// Spans of equal length, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    first: i64,
    seconds: i64,
    count: usize,
}

impl Intervals {
    const BUCKET_SECONDS: i64 = BUCKET / 1_000_000;

    /// At most so many that cover a window: as long as needed, in whole multiples of five minutes since 1970.
    pub fn covering(from: OffsetDateTime, to: OffsetDateTime, most: usize) -> Self {
        let (from, to) = (from.unix_timestamp(), to.unix_timestamp().saturating_add(1));
        let most = most.max(2) as i64;
        // One less, since the first starts before the window.
        let shortest = (to - from).max(1).div_euclid(most - 1) + 1;
        let buckets =
            shortest.div_euclid(Self::BUCKET_SECONDS) + i64::from(shortest % Self::BUCKET_SECONDS > 0);
        let seconds = buckets * Self::BUCKET_SECONDS;
        let first = from.div_euclid(seconds) * seconds;
        Self {
            first,
            seconds,
            count: ((to - first).max(1) as usize).div_ceil(seconds as usize),
        }
    }

    /// One that holds everything.
    pub fn one() -> Self {
        Self {
            first: 0,
            seconds: Self::BUCKET_SECONDS,
            count: 1,
        }
    }

    pub fn seconds(&self) -> i64 {
        self.seconds
    }

    /// Where each starts.
    pub fn starts(&self) -> impl Iterator<Item = OffsetDateTime> {
        let (first, seconds) = (self.first, self.seconds);
        (0..self.count as i64).map(move |place| {
            OffsetDateTime::from_unix_timestamp(first + place * seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
        })
    }

    /// The place of a time, in microseconds since 1970.
    fn place(&self, ts: i64) -> usize {
        let place = (ts.div_euclid(1_000_000) - self.first).div_euclid(self.seconds);
        usize::try_from(place).unwrap_or(0).min(self.count - 1)
    }
}

/// The lines of one pattern within the window.
#[derive(Clone, Debug)]
pub struct PatternCount {
    pub service_id: ServiceId,
    /// [`TemplateId::OTHER`]: those that there was no room for.
    pub id: TemplateId,
    /// By [`Level::code`].
    pub by_level: [u64; Level::ALL.len()],
    /// By interval.
    pub intervals: Vec<u32>,
    /// When the first and the last of them were. Of stored counts the five minutes are known.
    pub first: OffsetDateTime,
    pub last: OffsetDateTime,
    /// When lines of these levels were first seen, in these environments, as far as the registry knows.
    pub first_seen: Option<OffsetDateTime>,
}

impl PatternCount {
    pub fn lines(&self) -> u64 {
        self.by_level.iter().sum()
    }

    /// The highest level of its lines.
    pub fn level(&self) -> Level {
        let levels = Level::ALL.into_iter().zip(self.by_level);
        let highest = levels.rev().find(|(_, lines)| *lines > 0);
        highest.map_or(Level::Trace, |(level, _)| level)
    }
}

/// What lines there are.
#[derive(Debug)]
pub struct Patterns {
    /// In no order.
    pub counts: Vec<PatternCount>,
    /// Of these, lines that were mined for this answer.
    pub mined: u64,
    /// Lines of the window that were neither counted nor mined, where that is known: the answer is partial then.
    pub left_out: Option<u64>,
    pub stats: Stats,
    /// What mining learned, and the registry does not know.
    learned: HashMap<(ServiceId, TemplateId), Described>,
}

impl Patterns {
    /// The texts of these, in their order. Nothing for what is not known any more.
    pub async fn describe(
        &self,
        tx: &TenantTx<'_>,
        wanted: &[(ServiceId, TemplateId)],
    ) -> Result<Vec<Option<Described>>, DbError> {
        let mut described: Vec<Option<Described>> =
            wanted.iter().map(|key| self.learned.get(key).cloned()).collect();
        for (place, known) in registry::describe(tx, wanted).await? {
            described[place] = Some(known);
        }
        Ok(described)
    }
}

impl Reader {
    /// Counts the lines of a plan by pattern, within the transaction's snapshot.
    pub async fn patterns(&self, tx: &TenantTx<'_>, plan: &PatternsPlan) -> Result<Patterns, DbError> {
        let clock = Stopwatch::start(&plan.lines);
        let mut counting = Counting {
            reader: self,
            tx,
            plan,
            clock,
            mining: Mining::start(tx, plan).await?,
            stats: None,
        };
        match plan.levels() {
            Some(levels) => counting.by_counts(&levels).await?,
            None => counting.mine(&plan.lines, false).await?,
        }
        let Counting { mining, stats, .. } = counting;
        let mut stats = stats.unwrap_or_else(|| clock.stats(&super::Tally::default(), plan.lines.from, None));
        stats.elapsed = clock.started.elapsed();
        let mut patterns = mining.finish(stats);
        if patterns.stats.partial.is_some() && plan.levels().is_some() {
            let total = self.count(tx, &plan.lines).await?;
            let counted = patterns.counts.iter().map(PatternCount::lines).sum();
            patterns.left_out = total
                .stats
                .partial
                .is_none()
                .then(|| total.lines.saturating_sub(counted));
        }
        first_seen(tx, plan, &mut patterns.counts).await?;
        Ok(patterns)
    }
}

impl PatternsPlan {
    /// The levels of each scope, if lines are wanted by nothing else.
    fn levels(&self) -> Option<Vec<Vec<Level>>> {
        let scopes = self.lines.scopes.iter();
        scopes.map(|(_, condition)| condition.only_levels()).collect()
    }

    /// The window of a scope, in microseconds: from, and its whole buckets.
    fn window(&self, scope: &SearchScope) -> Window {
        let from = micros(scope.oldest.max(self.lines.from));
        let to = micros(self.lines.to).max(from);
        let whole_from = from.saturating_add(BUCKET - 1).div_euclid(BUCKET) * BUCKET;
        let whole_to = to.div_euclid(BUCKET) * BUCKET;
        if whole_from < whole_to {
            Window { whole_from, whole_to }
        } else {
            // None: all is mined, in one go.
            Window {
                whole_from: to,
                whole_to: to,
            }
        }
    }
}

/// The whole buckets of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    whole_from: i64,
    whole_to: i64,
}

/// A count that goes on.
struct Counting<'a> {
    reader: &'a Reader,
    tx: &'a TenantTx<'a>,
    plan: &'a PatternsPlan,
    clock: Stopwatch,
    mining: Mining,
    stats: Option<Stats>,
}

impl Counting<'_> {
    async fn by_counts(&mut self, levels: &[Vec<Level>]) -> Result<(), DbError> {
        let mining = &mut self.mining;
        let read = stored::read(self.tx, self.plan, levels, &mut mining.counts).await?;
        // Scopes whose retention ends within the window have an end of their own.
        let mut by_window: HashMap<i64, Vec<usize>> = HashMap::new();
        for (place, (scope, _)) in self.plan.lines.scopes.iter().enumerate() {
            let window = self.plan.window(scope);
            by_window.entry(window.whole_from).or_default().push(place);
        }
        for (whole_from, places) in by_window {
            let scopes = places.iter().map(|place| self.plan.lines.scopes[*place].clone());
            let plan = Plan {
                scopes: scopes.collect(),
                ..self.plan.lines.clone()
            };
            let Some((scope, _)) = plan.scopes.first() else {
                continue;
            };
            let whole_to = self.plan.window(scope).whole_to;
            let parts = [
                (plan.from, at(whole_from), false),
                (at(whole_to), plan.to, false),
                (at(whole_from), at(whole_to), true),
            ];
            for (from, to, uncounted_only) in parts {
                if from < to {
                    let plan = Plan {
                        from,
                        to,
                        ..plan.clone()
                    };
                    self.mine(&plan, uncounted_only).await?;
                }
            }
        }
        if let Some(stats) = &mut self.stats {
            stats.bytes_read += read.bytes;
            if read.damaged {
                stats.partial = Some(Partial::Damaged);
            }
        }
        Ok(())
    }

    /// Mines lines, as many as are left to be.
    async fn mine(&mut self, plan: &Plan, uncounted_only: bool) -> Result<(), DbError> {
        let mut plan = plan.clone();
        plan.budget.time = self
            .clock
            .deadline
            .saturating_duration_since(std::time::Instant::now())
            .max(Duration::from_millis(1));
        let projection = Projection {
            message: true,
            ..Projection::default()
        };
        let mining = std::mem::take(&mut self.mining);
        let fold = (projection, uncounted_only);
        let (mining, stats) = self
            .reader
            .fold_some(self.tx, &plan, fold, mining, Mining::add)
            .await?;
        self.mining = mining;
        let partial = stats
            .partial
            .or(self.mining.is_full().then_some(Partial::TooManyLines));
        self.stats = Some(match self.stats {
            None => Stats { partial, ..stats },
            Some(before) => Stats {
                rows_scanned: before.rows_scanned + stats.rows_scanned,
                blocks_read: before.blocks_read + stats.blocks_read,
                blocks_pruned: before.blocks_pruned + stats.blocks_pruned,
                bytes_read: before.bytes_read + stats.bytes_read,
                partial: before.partial.or(partial),
                ..before
            },
        });
        Ok(())
    }
}

/// Adds when each was first seen.
async fn first_seen(
    tx: &TenantTx<'_>,
    plan: &PatternsPlan,
    counts: &mut [PatternCount],
) -> Result<(), DbError> {
    let scopes = || plan.lines.scopes.iter();
    let services = plan.services();
    let only_errors = scopes().all(|(_, condition)| {
        let levels = condition.only_levels();
        levels.is_some_and(|levels| levels.iter().all(|level| level.is_error()))
    });
    let environments: std::collections::HashSet<_> =
        scopes().map(|(scope, _)| scope.environment_id).collect();
    let mut first: HashMap<(ServiceId, TemplateId), i64> = HashMap::new();
    for place in registry::places(tx, &services).await? {
        if environments.contains(&place.environment_id) && (place.is_error || !only_errors) {
            let first = first
                .entry((place.service_id, place.id))
                .or_insert(place.first_seen);
            *first = place.first_seen.min(*first);
        }
    }
    for count in counts {
        let known = first.get(&(count.service_id, count.id));
        count.first_seen = known.map(|first| at(*first));
    }
    Ok(())
}

impl PatternsPlan {
    fn services(&self) -> Vec<ServiceId> {
        let scopes = self.lines.scopes.iter();
        let mut services: Vec<ServiceId> = scopes.map(|(scope, _)| scope.service_id).collect();
        services.sort_unstable();
        services.dedup();
        services
    }
}

fn at(micros: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + time::Duration::microseconds(micros)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn intervals_cover_the_window_and_are_few(
            from in 0_i64..4_000_000_000,
            length in 1_i64..40_000_000,
            most in 2_usize..300,
        ) {
            let to = from + length;
            let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            let intervals = Intervals::covering(time(from), time(to), most);
            let starts: Vec<i64> = intervals.starts().map(OffsetDateTime::unix_timestamp).collect();
            prop_assert!(starts.len() <= most, "{} of {most}", starts.len());
            prop_assert!(starts[0] <= from && starts[starts.len() - 1] + intervals.seconds() > to);
            prop_assert!(starts[0] % 300 == 0 && intervals.seconds() % 300 == 0);
            prop_assert_eq!(intervals.place(from * 1_000_000), 0);
            prop_assert_eq!(intervals.place(to * 1_000_000 - 1), (to - 1 - starts[0]) as usize / intervals.seconds() as usize);
        }
    }
}
