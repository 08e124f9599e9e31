//! Patterns of lines, named and in order: what the routes of patterns, of changes and of Loki are made of.

use std::cmp::Reverse;

use db::{DbError, TenantTx};
use domain::patterns::{TemplateId, finding};
pub(crate) use logstore::changes::first_seen;
use logstore::patterns::registry::Described;
use logstore::reader::{Intervals, PatternCount, Patterns, PatternsPlan, Plan};
use time::OffsetDateTime;

use crate::app::State;
use crate::ask::Chosen;

/// Lines that are looked at one by one for an answer, the newest first. What was merged need not be.
const MOST_MINED: u64 = 100_000;

/// Counts the lines of a plan by pattern.
pub(crate) async fn count(
    state: &State,
    tx: &TenantTx<'_>,
    lines: Plan,
    intervals: Intervals,
) -> Result<Patterns, DbError> {
    let plan = PatternsPlan {
        lines,
        intervals,
        most_mined: MOST_MINED,
    };
    state.reader.patterns(tx, &plan).await
}

/// A pattern with its text.
pub(crate) struct Named {
    pub(crate) count: PatternCount,
    pub(crate) described: Described,
}

impl Named {
    /// When it was first seen: as the registry knows, or as the lines tell that it does not know yet.
    pub(crate) fn first_seen(&self) -> OffsetDateTime {
        first_seen(&self.count)
    }

    /// The query that finds its lines.
    pub(crate) fn query(&self, service: &str) -> String {
        let service = Some(service).filter(|name| !name.is_empty());
        finding(&self.described.text, service)
    }
}

/// Which come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    MostLines,
    /// Those that were seen last for the first time.
    Newest,
}

/// Chosen patterns, and the others in numbers.
pub(crate) struct Top {
    pub(crate) named: Vec<Named>,
    /// All lines.
    pub(crate) lines: u64,
    /// Lines without a pattern of their own.
    pub(crate) other: u64,
    /// Patterns that were not chosen, and their lines.
    pub(crate) rest: (usize, u64),
}

/// Chooses the first patterns that are wanted.
pub(crate) async fn top(
    tx: &TenantTx<'_>,
    patterns: &mut Patterns,
    order: Order,
    most: usize,
    is_wanted: impl Fn(&PatternCount) -> bool,
) -> Result<Top, DbError> {
    let counts = std::mem::take(&mut patterns.counts);
    let lines_of = |counts: &[PatternCount]| counts.iter().map(PatternCount::lines).sum::<u64>();
    let lines = lines_of(&counts);
    let (own, other): (Vec<_>, Vec<_>) = counts
        .into_iter()
        .partition(|count| count.id != TemplateId::OTHER);
    let mut other = lines_of(&other);
    let (mut wanted, unwanted): (Vec<_>, Vec<_>) = own.into_iter().partition(is_wanted);
    wanted.sort_by_cached_key(|count| {
        let newest = (order == Order::Newest).then(|| Reverse(first_seen(count)));
        (newest, Reverse(count.lines()), count.service_id, count.id)
    });
    let cut = wanted.split_off(most.min(wanted.len()));
    let rest = (unwanted.len() + cut.len(), lines_of(&unwanted) + lines_of(&cut));
    let keys: Vec<_> = wanted.iter().map(|count| (count.service_id, count.id)).collect();
    let described = patterns.describe(tx, &keys).await?;
    let mut named = Vec::with_capacity(wanted.len());
    for (count, described) in wanted.into_iter().zip(described) {
        match described {
            Some(described) => named.push(Named { count, described }),
            // Its template is past its time, but for these lines.
            None => other += count.lines(),
        }
    }
    Ok(Top {
        named,
        lines,
        other,
        rest,
    })
}

/// The name of a service that has lines here.
pub(crate) fn service_name(chosen: &Chosen, service_id: domain::ids::ServiceId) -> &str {
    chosen.service_name(service_id).unwrap_or_default()
}
