//! One number of one group, as it grows.

use std::collections::HashSet;

use datasketches::hll::{HllType, HllUnion};
use datasketches::tdigest::TDigestMut;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::super::ast::Field;
use super::super::evaluate::{Line, json_text, leaves, number_of};
use super::super::number::Number;
use super::super::pipe::{Function, Measure};
use super::table::{Approximation, Cell};
use super::{Budget, values_of};

/// Accuracy of percentiles: within about 1 % of the values around the median, much closer towards the ends.
const DIGEST_K: u16 = 100;
/// What a digest of that accuracy takes: measured 15,808 bytes.
const DIGEST_BYTES: usize = 16 * 1024;
/// Accuracy of distinct counts: a standard error of 1.6 %.
const SKETCH_LG_K: u8 = 12;
/// What a sketch of that accuracy takes: measured 4,096 bytes and what is around them.
const SKETCH_BYTES: usize = 5 * 1024;
/// A list may have twice the room that it uses.
const EXACT_VALUE_BYTES: usize = 16;
/// A table may have less than half of its places used.
const EXACT_HASH_BYTES: usize = 24;

/// What one line adds to a number; the same for each group that it belongs to.
#[derive(Debug)]
pub(super) enum Samples {
    Line,
    Numbers(Vec<Number>),
    /// Of the different values.
    Hashes(Vec<u64>),
}

impl Samples {
    pub(super) fn of(function: &Function, line: &Line<'_>) -> Self {
        match function {
            Function::Count => Self::Line,
            Function::Of(Measure::CountDistinct, field) => {
                let values = values_of(field, line);
                Self::Hashes(values.iter().map(|text| xxh3_64(text.as_bytes())).collect())
            }
            Function::Of(
                Measure::Avg
                | Measure::Sum
                | Measure::Min
                | Measure::Max
                | Measure::P50
                | Measure::P90
                | Measure::P95
                | Measure::P99,
                field,
            ) => Self::Numbers(numbers_of(field, line)),
        }
    }

    fn numbers(&self) -> &[Number] {
        match self {
            Self::Numbers(numbers) => numbers,
            Self::Line | Self::Hashes(_) => &[],
        }
    }
}

fn numbers_of(field: &Field, line: &Line<'_>) -> Vec<Number> {
    match field {
        Field::Meta(path) => {
            let leaves = line.meta_at(path).into_iter().flat_map(leaves);
            leaves.filter_map(number_of).collect()
        }
        Field::Level | Field::Ts | Field::Message | Field::Text(_) => Vec::new(),
    }
}

/// A value as groups tell it apart: one number has one text.
pub(super) fn group_text(leaf: &Value) -> String {
    match leaf {
        Value::Number(number) => {
            Number::from_json(number).map_or_else(String::new, |number| number.to_string())
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            json_text(leaf)
        }
    }
}

#[derive(Debug)]
pub(super) enum Accumulator {
    Count(u64),
    Sum(Sum),
    Avg(Sum),
    Min(Option<Number>),
    Max(Option<Number>),
    Quantile { rank: f64, values: Values },
    Distinct(Distinct),
}

/// Whole numbers are added exactly, others as floats.
#[derive(Debug, Default)]
pub(super) struct Sum {
    count: u64,
    whole: i128,
    float: f64,
}

impl Sum {
    fn add(&mut self, number: Number) {
        self.count += 1;
        match number.as_whole() {
            Some(whole) => self.whole = self.whole.saturating_add(whole),
            None => self.float += number.as_f64(),
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.whole = self.whole.saturating_add(other.whole);
        self.float += other.float;
    }

    fn total(&self) -> f64 {
        self.whole as f64 + self.float
    }
}

#[derive(Debug)]
pub(super) enum Values {
    Exact(Vec<f64>),
    Estimated(Box<TDigestMut>),
}

#[derive(Debug)]
pub(super) enum Distinct {
    Exact(HashSet<u64>),
    Estimated(Box<HllUnion>),
}

impl Accumulator {
    pub(super) fn new(function: &Function) -> Self {
        let quantile = |rank| Self::Quantile {
            rank,
            values: Values::Exact(Vec::new()),
        };
        match function {
            Function::Count => Self::Count(0),
            Function::Of(measure, _) => match measure {
                Measure::Avg => Self::Avg(Sum::default()),
                Measure::Sum => Self::Sum(Sum::default()),
                Measure::Min => Self::Min(None),
                Measure::Max => Self::Max(None),
                Measure::P50 => quantile(0.5),
                Measure::P90 => quantile(0.9),
                Measure::P95 => quantile(0.95),
                Measure::P99 => quantile(0.99),
                Measure::CountDistinct => Self::Distinct(Distinct::Exact(HashSet::new())),
            },
        }
    }

    /// Set aside for a group when it begins, so that there is always room for an estimate.
    pub(super) fn reserved_bytes(function: &Function) -> usize {
        match function {
            Function::Count => 16,
            Function::Of(measure, _) => match measure {
                Measure::Avg | Measure::Sum | Measure::Min | Measure::Max => 64,
                Measure::P50 | Measure::P90 | Measure::P95 | Measure::P99 => DIGEST_BYTES,
                Measure::CountDistinct => SKETCH_BYTES,
            },
        }
    }

    pub(super) fn add(&mut self, samples: &Samples, budget: &mut Budget, exact_values: usize) {
        match self {
            Self::Count(count) => *count += 1,
            Self::Sum(sum) | Self::Avg(sum) => samples.numbers().iter().for_each(|number| sum.add(*number)),
            Self::Min(least) => *least = least.iter().chain(samples.numbers()).min().copied(),
            Self::Max(most) => *most = most.iter().chain(samples.numbers()).max().copied(),
            Self::Quantile { values, .. } => {
                for number in samples.numbers() {
                    values.add(number.as_f64(), budget, exact_values);
                }
            }
            Self::Distinct(distinct) => match samples {
                Samples::Hashes(hashes) => {
                    for hash in hashes {
                        distinct.add(*hash, budget, exact_values);
                    }
                }
                Samples::Line | Samples::Numbers(_) => {}
            },
        }
    }

    /// The other one is of the same function.
    pub(super) fn merge(&mut self, other: Self, budget: &mut Budget, exact_values: usize) {
        match (self, other) {
            (Self::Count(count), Self::Count(other)) => *count += other,
            (Self::Sum(sum), Self::Sum(other)) | (Self::Avg(sum), Self::Avg(other)) => sum.merge(&other),
            (Self::Min(least), Self::Min(other)) => *least = least.iter().copied().chain(other).min(),
            (Self::Max(most), Self::Max(other)) => *most = (*most).max(other),
            (Self::Quantile { values, .. }, Self::Quantile { values: other, .. }) => {
                values.merge(other, budget, exact_values);
            }
            (Self::Distinct(distinct), Self::Distinct(other)) => distinct.merge(other, budget, exact_values),
            (
                Self::Count(_)
                | Self::Sum(_)
                | Self::Avg(_)
                | Self::Min(_)
                | Self::Max(_)
                | Self::Quantile { .. }
                | Self::Distinct(_),
                _,
            ) => {}
        }
    }

    pub(super) fn cell(self) -> Cell {
        let number = |float: f64| Number::from_f64(float).map_or(Cell::Null, Cell::Number);
        match self {
            Self::Count(count) => Cell::Number(Number::from_u64(count)),
            Self::Sum(sum) if sum.count == 0 => Cell::Null,
            Self::Avg(sum) if sum.count == 0 => Cell::Null,
            Self::Sum(sum) if sum.float == 0.0 => {
                Number::from_whole(sum.whole).map_or(number(sum.total()), Cell::Number)
            }
            Self::Sum(sum) => number(sum.total()),
            Self::Avg(sum) => number(sum.total() / sum.count as f64),
            Self::Min(extreme) | Self::Max(extreme) => extreme.map_or(Cell::Null, Cell::Number),
            Self::Quantile { rank, values } => values.quantile(rank).map_or(Cell::Null, number),
            Self::Distinct(distinct) => Cell::Number(Number::from_u64(distinct.count())),
        }
    }

    pub(super) fn approximation(&self) -> Option<Approximation> {
        match self {
            Self::Quantile {
                values: Values::Estimated(_),
                ..
            } => Some(Approximation::Percentiles),
            Self::Distinct(Distinct::Estimated(_)) => Some(Approximation::Distinct),
            Self::Count(_)
            | Self::Sum(_)
            | Self::Avg(_)
            | Self::Min(_)
            | Self::Max(_)
            | Self::Quantile {
                values: Values::Exact(_),
                ..
            }
            | Self::Distinct(Distinct::Exact(_)) => None,
        }
    }
}

impl Values {
    fn add(&mut self, value: f64, budget: &mut Budget, exact_values: usize) {
        match self {
            Self::Estimated(digest) => digest.update(value),
            // What was set aside for the digest is room for the first values.
            Self::Exact(values)
                if values.len() < exact_values
                    && (values.len() * EXACT_VALUE_BYTES < DIGEST_BYTES
                        || budget.take(EXACT_VALUE_BYTES)) =>
            {
                values.push(value);
            }
            Self::Exact(values) => {
                let mut digest = digest_of(values, budget);
                digest.update(value);
                *self = Self::Estimated(Box::new(digest));
            }
        }
    }

    fn merge(&mut self, other: Self, budget: &mut Budget, exact_values: usize) {
        match (&mut *self, other) {
            (_, Self::Exact(values)) => {
                for value in values {
                    self.add(value, budget, exact_values);
                }
            }
            (Self::Estimated(digest), Self::Estimated(other)) => digest.merge(&other),
            (Self::Exact(values), Self::Estimated(other)) => {
                let mut digest = digest_of(values, budget);
                digest.merge(&other);
                *self = Self::Estimated(Box::new(digest));
            }
        }
    }

    /// The value at a rank: the smallest that at least this share of the values does not exceed.
    fn quantile(self, rank: f64) -> Option<f64> {
        match self {
            Self::Exact(mut values) => {
                values.sort_unstable_by(f64::total_cmp);
                let place = (rank * values.len() as f64).ceil() as usize;
                values.get(place.saturating_sub(1)).copied()
            }
            Self::Estimated(mut digest) => digest.quantile(rank).ok().flatten(),
        }
    }
}

fn digest_of(values: &[f64], budget: &mut Budget) -> TDigestMut {
    budget.give_back((values.len() * EXACT_VALUE_BYTES).saturating_sub(DIGEST_BYTES));
    // Fails for accuracies below 10 only; the default is another one of these.
    let mut digest = TDigestMut::new(DIGEST_K).unwrap_or_default();
    for value in values {
        digest.update(*value);
    }
    digest
}

impl Distinct {
    fn add(&mut self, hash: u64, budget: &mut Budget, exact_values: usize) {
        match self {
            Self::Estimated(sketch) => sketch.update_value(hash),
            Self::Exact(hashes) if hashes.contains(&hash) => {}
            Self::Exact(hashes)
                if hashes.len() < exact_values
                    && (hashes.len() * EXACT_HASH_BYTES < SKETCH_BYTES || budget.take(EXACT_HASH_BYTES)) =>
            {
                hashes.insert(hash);
            }
            Self::Exact(hashes) => match sketch_of(hashes, budget) {
                Some(mut sketch) => {
                    sketch.update_value(hash);
                    *self = Self::Estimated(Box::new(sketch));
                }
                None => {
                    hashes.insert(hash);
                }
            },
        }
    }

    fn merge(&mut self, other: Self, budget: &mut Budget, exact_values: usize) {
        match other {
            Self::Exact(other) => {
                for hash in other {
                    self.add(hash, budget, exact_values);
                }
            }
            Self::Estimated(mut other) => {
                match self {
                    Self::Estimated(sketch) => other.update(&sketch.to_sketch(HllType::Hll8)),
                    Self::Exact(hashes) => hashes.iter().for_each(|hash| other.update_value(hash)),
                }
                *self = Self::Estimated(other);
            }
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::Exact(hashes) => hashes.len() as u64,
            Self::Estimated(sketch) => sketch.estimate().round() as u64,
        }
    }
}

/// None only for an accuracy that the library does not have, which this one is not.
fn sketch_of(hashes: &HashSet<u64>, budget: &mut Budget) -> Option<HllUnion> {
    let mut sketch = HllUnion::new(SKETCH_LG_K).ok()?;
    budget.give_back((hashes.len() * EXACT_HASH_BYTES).saturating_sub(SKETCH_BYTES));
    for hash in hashes {
        sketch.update_value(hash);
    }
    Some(sketch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_fit_the_room_that_is_set_aside() {
        let mut digest = digest_of(&[], &mut Budget(0));
        let mut sketch = sketch_of(&HashSet::new(), &mut Budget(0)).unwrap();
        let (mut largest_digest, mut largest_sketch) = (0, 0);
        for value in 0..100_000_u32 {
            digest.update(f64::from(value.wrapping_mul(2_654_435_761)));
            sketch.update_value(u64::from(value));
            largest_digest = largest_digest.max(digest.estimated_size());
            largest_sketch = largest_sketch.max(sketch.estimated_size());
        }
        assert!(largest_digest <= DIGEST_BYTES, "{largest_digest}");
        assert!(largest_sketch <= SKETCH_BYTES, "{largest_sketch}");
    }
}
