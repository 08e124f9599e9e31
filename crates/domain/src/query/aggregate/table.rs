//! The answer of an aggregation.

use std::cmp::{Ordering, Reverse};

use time::OffsetDateTime;

use super::super::number::Number;
use super::Aggregator;

/// Columns and rows, and what in them is not exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub columns: Vec<Column>,
    /// Each has a cell per column.
    pub rows: Vec<Vec<Cell>>,
    /// Why the numbers are not exact; empty if they are.
    pub approximate: Vec<Approximation>,
}

impl Table {
    /// The answer of a stage that [only counts](super::Stats::only_counts), of so many lines.
    pub fn of_count(stats: &super::Stats, lines: u64) -> Self {
        let count = |_: &super::Aggregate| Cell::Number(Number::from_u64(lines));
        Self {
            columns: columns(stats),
            rows: vec![stats.aggregates.iter().map(count).collect()],
            approximate: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// The start of a bucket of time.
    Time,
    /// A field that the lines are grouped by.
    Field,
    Number,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A field that the lines lack, or a number over no values.
    Null,
    /// All that did not fit the bounds.
    Rest,
    Time(OffsetDateTime),
    Text(String),
    Number(Number),
}

/// Why an answer is not exact; prints as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Approximation {
    #[error("there are more groups than are counted one by one; the others are together in one row")]
    Groups,
    #[error("the groups need more memory than a query may have; some are together in one row")]
    Memory,
    #[error("there are more buckets of time than are counted one by one; the others are together in one row")]
    Buckets,
    #[error("percentiles of many values are estimates (t-digest, within about 1 % of rank)")]
    Percentiles,
    #[error("counts of many different values are estimates (HyperLogLog, within about 2 %)")]
    Distinct,
    #[error("lines with long lists are counted under some of their items only")]
    Lists,
}

pub(super) fn build(aggregator: Aggregator) -> Table {
    let Aggregator {
        stats,
        top,
        keys,
        groups,
        mut approximate,
        ..
    } = aggregator;
    let mut names: Vec<&[Option<String>]> = vec![&[]; keys.len()];
    for (key, number) in &keys {
        if let Some(name) = names.get_mut(*number) {
            *name = key;
        }
    }
    let mut rows = Vec::with_capacity(groups.len());
    for ((bucket, key), accumulators) in groups {
        if top.is_some() && key.is_none() {
            continue;
        }
        approximate.extend(accumulators.iter().filter_map(super::Accumulator::approximation));
        rows.push(Row {
            bucket,
            key: key.and_then(|number| names.get(number).copied()),
            numbers: accumulators.into_iter().map(super::Accumulator::cell).collect(),
        });
    }
    rows.sort_unstable_by(Row::compare);
    rows.truncate(top.unwrap_or(usize::MAX));
    let has_buckets = stats.every.is_some();
    Table {
        columns: columns(&stats),
        rows: rows
            .into_iter()
            .map(|row| row.cells(has_buckets, stats.by.len()))
            .collect(),
        approximate: approximate.into_iter().collect(),
    }
}

fn columns(stats: &super::Stats) -> Vec<Column> {
    let kinds = stats
        .every
        .iter()
        .map(|_| ColumnKind::Time)
        .chain(stats.by.iter().map(|_| ColumnKind::Field))
        .chain(stats.aggregates.iter().map(|_| ColumnKind::Number));
    stats
        .column_names()
        .into_iter()
        .zip(kinds)
        .map(|(name, kind)| Column { name, kind })
        .collect()
}

struct Row<'a> {
    /// None sorts first; it has the lines of buckets past the bound, if there are buckets.
    bucket: Option<i64>,
    /// None for the rest.
    key: Option<&'a [Option<String>]>,
    numbers: Vec<Cell>,
}

impl Row<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        self.bucket
            .cmp(&other.bucket)
            .then_with(|| self.key.is_none().cmp(&other.key.is_none()))
            .then_with(|| self.first_number().cmp(&other.first_number()))
            .then_with(|| self.key.cmp(&other.key))
    }

    /// The largest first, nothing last.
    fn first_number(&self) -> Reverse<Option<Number>> {
        Reverse(match self.numbers.first() {
            Some(Cell::Number(number)) => Some(*number),
            Some(Cell::Null | Cell::Rest | Cell::Time(_) | Cell::Text(_)) | None => None,
        })
    }

    fn cells(self, has_buckets: bool, fields: usize) -> Vec<Cell> {
        let mut cells = Vec::new();
        if has_buckets {
            let start = self
                .bucket
                .and_then(|bucket| OffsetDateTime::from_unix_timestamp(bucket).ok());
            cells.push(start.map_or(Cell::Rest, Cell::Time));
        }
        match self.key {
            Some(key) => cells.extend(key.iter().map(|text| text.clone().map_or(Cell::Null, Cell::Text))),
            None => cells.extend(std::iter::repeat_n(Cell::Rest, fields)),
        }
        cells.extend(self.numbers);
        cells
    }
}
