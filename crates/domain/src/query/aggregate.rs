//! Numbers over lines, in bounded memory: what `stats` and `top` compute.
//!
//! - A line whose field is a list counts once under each of its different values (at most 16 groups a line).
//! - `by` puts lines that lack a field into a group of their own; `top` leaves them out.
//! - A number and a text of the same digits are one group: `500`, `500.0` and `"500"`. Texts keep their case.
//! - `avg`, `sum`, `min`, `max` and percentiles take numbers and texts that are numbers, and are null over none.
//! - A percentile is the value at its rank (nearest rank, no interpolation) while the values are few enough to keep.
//! - Buckets of time are aligned to 1970-01-01T00:00:00Z. One without lines has no row: the caller fills them in.
//!
//! What no longer fits the bounds is counted in one row, or estimated; [`Table::approximate`] says so.

mod accumulator;
mod table;

use std::collections::{BTreeSet, HashMap, HashSet};

use time::OffsetDateTime;

use super::ast::Field;
use super::evaluate::{Line, leaves};
use super::pipe::{Aggregate, Function, Stage, Stats};
use accumulator::{Accumulator, Samples, group_text};
pub use table::{Approximation, Cell, Column, ColumnKind, Table};

/// How much an aggregation may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Different combinations of the fields of `by`, or values of `top`.
    pub groups: usize,
    /// Buckets of time that have lines.
    pub buckets: usize,
    /// Values of one number in one group that are kept as they are; past that they are estimated.
    pub exact_values: usize,
    /// All of it together, in bytes; roughly.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            groups: 10_000,
            buckets: 10_000,
            exact_values: 10_000,
            bytes: 32 * 1024 * 1024,
        }
    }
}

/// Groups of one line at most.
const MAX_GROUPS_OF_LINE: usize = 16;
/// What a group costs beside its texts and numbers: tables' entries, lists' headers.
const GROUP_BYTES: usize = 200;

/// Takes lines one by one, in any order. Those of a filter are to be chosen before.
#[derive(Debug)]
pub struct Aggregator {
    stats: Stats,
    /// For `top`: how many rows.
    top: Option<usize>,
    limits: Limits,
    budget: Budget,
    keys: HashMap<Vec<Option<String>>, usize>,
    buckets: HashSet<i64>,
    groups: HashMap<GroupId, Vec<Accumulator>>,
    approximate: BTreeSet<Approximation>,
}

/// Seconds since 1970, or none if there are no buckets or too many; the number of a key, or none for the rest.
type GroupId = (Option<i64>, Option<usize>);

/// Bytes that may still be taken.
#[derive(Debug)]
struct Budget(usize);

impl Budget {
    fn take(&mut self, bytes: usize) -> bool {
        match self.0.checked_sub(bytes) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }

    fn give_back(&mut self, bytes: usize) {
        self.0 += bytes;
    }
}

impl Aggregator {
    /// None for `patterns`, which is computed from other counts.
    pub fn new(stage: &Stage, limits: Limits) -> Option<Self> {
        let (stats, top) = match stage {
            Stage::Stats(stats) => (stats.clone(), None),
            Stage::Top(top) => {
                let count = Aggregate {
                    function: Function::Count,
                    alias: None,
                };
                let stats = Stats {
                    aggregates: vec![count],
                    by: vec![top.field.clone()],
                    every: None,
                };
                (stats, Some(usize::from(top.limit)))
            }
            Stage::Patterns => return None,
        };
        Some(Self {
            stats,
            top,
            limits,
            budget: Budget(limits.bytes),
            keys: HashMap::new(),
            buckets: HashSet::new(),
            groups: HashMap::new(),
            approximate: BTreeSet::new(),
        })
    }

    pub fn add(&mut self, line: &Line<'_>) {
        let samples: Vec<Samples> = self
            .stats
            .aggregates
            .iter()
            .map(|aggregate| Samples::of(&aggregate.function, line))
            .collect();
        let bucket = self.bucket_of(line.ts);
        for key in self.keys_of(line) {
            let id = self.group(bucket, key);
            if let Some(group) = self.groups.get_mut(&id) {
                for (accumulator, samples) in group.iter_mut().zip(&samples) {
                    accumulator.add(samples, &mut self.budget, self.limits.exact_values);
                }
            }
        }
    }

    /// Adds what another one of the same stage has seen.
    pub fn merge(&mut self, other: Self) {
        self.approximate.extend(other.approximate);
        let mut keys: Vec<Option<Vec<Option<String>>>> = vec![None; other.keys.len()];
        for (key, number) in other.keys {
            if let Some(place) = keys.get_mut(number) {
                *place = Some(key);
            }
        }
        let mut groups: Vec<_> = other.groups.into_iter().collect();
        groups.sort_unstable_by_key(|(id, _)| *id);
        for ((bucket, key), accumulators) in groups {
            let key = key.and_then(|number| keys.get(number).cloned().flatten());
            let bucket = bucket.and_then(|bucket| self.known_bucket(bucket));
            let id = match key {
                Some(key) => self.group(bucket, key),
                None => self.rest(bucket),
            };
            if let Some(group) = self.groups.get_mut(&id) {
                for (accumulator, other) in group.iter_mut().zip(accumulators) {
                    accumulator.merge(other, &mut self.budget, self.limits.exact_values);
                }
            }
        }
    }

    fn bucket_of(&mut self, ts: OffsetDateTime) -> Option<i64> {
        let seconds = i64::from(self.stats.every?.seconds());
        self.known_bucket(ts.unix_timestamp().div_euclid(seconds) * seconds)
    }

    fn known_bucket(&mut self, bucket: i64) -> Option<i64> {
        if self.buckets.len() >= self.limits.buckets && !self.buckets.contains(&bucket) {
            self.approximate.insert(Approximation::Buckets);
            return None;
        }
        self.buckets.insert(bucket);
        Some(bucket)
    }

    /// The groups that a line belongs to.
    fn keys_of(&mut self, line: &Line<'_>) -> Vec<Vec<Option<String>>> {
        let mut keys = vec![Vec::new()];
        for field in &self.stats.by {
            let mut values: Vec<Option<String>> = values_of(field, line).into_iter().map(Some).collect();
            if values.is_empty() && self.top.is_none() {
                values.push(None);
            }
            if keys.len() * values.len() > MAX_GROUPS_OF_LINE {
                self.approximate.insert(Approximation::Lists);
                values.truncate(MAX_GROUPS_OF_LINE / keys.len());
            }
            keys = keys.iter().flat_map(|key| extended(key, &values)).collect();
        }
        keys
    }

    /// The group of a key in a bucket, or that of the rest if there is no room for one more.
    fn group(&mut self, bucket: Option<i64>, key: Vec<Option<String>>) -> GroupId {
        let known = self.keys.get(&key).copied();
        if let Some(number) = known
            && self.groups.contains_key(&(bucket, Some(number)))
        {
            return (bucket, Some(number));
        }
        if known.is_none() && self.keys.len() >= self.limits.groups {
            self.approximate.insert(Approximation::Groups);
            return self.rest(bucket);
        }
        let text_bytes: usize = key.iter().flatten().map(|text| text.len() + 24).sum();
        let key_bytes = if known.is_none() { text_bytes } else { 0 };
        if !self.budget.take(self.group_bytes() + key_bytes) {
            self.approximate.insert(Approximation::Memory);
            return self.rest(bucket);
        }
        let next = self.keys.len();
        let number = *self.keys.entry(key).or_insert(next);
        self.groups.insert((bucket, Some(number)), self.empty_group());
        (bucket, Some(number))
    }

    /// The group of what has none; one without a bucket if even that is too much.
    fn rest(&mut self, bucket: Option<i64>) -> GroupId {
        let bucket = bucket.filter(|bucket| {
            self.groups.contains_key(&(Some(*bucket), None)) || self.budget.take(self.group_bytes())
        });
        let id = (bucket, None);
        if !self.groups.contains_key(&id) {
            self.groups.insert(id, self.empty_group());
        }
        id
    }

    fn empty_group(&self) -> Vec<Accumulator> {
        let of = |aggregate: &Aggregate| Accumulator::new(&aggregate.function);
        self.stats.aggregates.iter().map(of).collect()
    }

    fn group_bytes(&self) -> usize {
        let of = |aggregate: &Aggregate| Accumulator::reserved_bytes(&aggregate.function);
        GROUP_BYTES + self.stats.aggregates.iter().map(of).sum::<usize>()
    }

    /// Rows by bucket, then by the first number, the largest first, then by key; the row of the rest last in its bucket.
    /// Without buckets and `by` there is always one row.
    pub fn finish(mut self) -> Table {
        if self.groups.is_empty() && self.stats.by.is_empty() && self.stats.every.is_none() {
            self.groups.insert((None, Some(0)), self.empty_group());
            self.keys.insert(Vec::new(), 0);
        }
        table::build(self)
    }
}

/// A key with each of some values at its end.
fn extended(key: &[Option<String>], values: &[Option<String>]) -> Vec<Vec<Option<String>>> {
    let with = |value| key.iter().chain([value]).cloned().collect();
    values.iter().map(with).collect()
}

/// The different values of a field.
fn values_of(field: &Field, line: &Line<'_>) -> Vec<String> {
    match field {
        Field::Level => vec![line.level.to_string()],
        Field::Ts => vec![line.ts.unix_timestamp_nanos().to_string()],
        Field::Message => vec![line.message.to_owned()],
        Field::Text(field) => line.text(*field).map(str::to_owned).into_iter().collect(),
        Field::Meta(path) => {
            let leaves = line.meta_at(path).into_iter().flat_map(leaves);
            let mut values: Vec<String> = leaves.map(group_text).collect();
            if values.len() > 1 {
                values.sort_unstable();
                values.dedup();
            }
            values
        }
    }
}
