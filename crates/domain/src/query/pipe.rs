//! What is made of the lines that a filter lets through: the part of a query behind `|`.

use super::ast::Field;

/// One step of the pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `stats count(), p95(http.ms) as slow by service every 1m`.
    Stats(Stats),
    /// `top 10 http.path`: the values that most lines have, and how many have them.
    Top(Top),
    /// `patterns`: the lines' templates ([`crate::patterns`]). Computed from counts that are kept with lines, not here.
    Patterns,
}

/// Numbers over lines, a row for each group and bucket of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// One to [`Stats::MAX_AGGREGATES`], with different names.
    pub aggregates: Vec<Aggregate>,
    /// None to [`Stats::MAX_BY`] different fields; not `ts`, not `message`.
    pub by: Vec<Field>,
    pub every: Option<Interval>,
}

impl Stats {
    pub const MAX_AGGREGATES: usize = 8;
    pub const MAX_BY: usize = 4;

    /// The columns of the answer, in order: `ts` if there are buckets, the fields, the numbers.
    pub fn column_names(&self) -> Vec<String> {
        let buckets = self.every.iter().map(|_| "ts".to_owned());
        let fields = self.by.iter().map(ToString::to_string);
        let numbers = self.aggregates.iter().map(Aggregate::name);
        buckets.chain(fields).chain(numbers).collect()
    }

    /// Whether how many lines there are is all that it asks.
    pub fn only_counts(&self) -> bool {
        let counts = |aggregate: &Aggregate| matches!(aggregate.function, Function::Count);
        self.by.is_empty() && self.every.is_none() && self.aggregates.iter().all(counts)
    }
}

/// One column of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    pub function: Function,
    /// `as name`: a letter or `_`, then letters, digits, `_`; ASCII, 64 characters at most.
    pub alias: Option<String>,
}

impl Aggregate {
    /// The alias, or what was asked for: `count`, `p95(http.ms)`.
    pub fn name(&self) -> String {
        match (&self.alias, &self.function) {
            (Some(alias), _) => alias.clone(),
            (None, Function::Count) => "count".to_owned(),
            (None, Function::Of(..)) => self.function.to_string(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Function {
    /// `count()`: lines.
    Count,
    /// `avg(field)` and the others. Of a list, each item counts.
    Of(Measure, Field),
}

/// What is measured of a field. All but `CountDistinct` take the numbers of metadata, and texts that are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    Avg,
    Sum,
    Min,
    Max,
    P50,
    P90,
    P95,
    P99,
    /// How many different values; of any field.
    CountDistinct,
}

impl Measure {
    pub const ALL: [Self; 9] = [
        Self::Avg,
        Self::Sum,
        Self::Min,
        Self::Max,
        Self::P50,
        Self::P90,
        Self::P95,
        Self::P99,
        Self::CountDistinct,
    ];

    /// As a query names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::CountDistinct => "count_distinct",
        }
    }

    /// The share of values at or below a percentile.
    pub fn quantile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.9),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            Self::Avg | Self::Sum | Self::Min | Self::Max | Self::CountDistinct => None,
        }
    }
}

/// `every 5m`: buckets of time, aligned to 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    seconds: u32,
}

impl Interval {
    /// 30 days, in seconds. The shortest interval is one second.
    pub const MAX_SECONDS: u32 = 30 * 24 * 60 * 60;

    /// None if it is shorter than a second or longer than 30 days.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        let seconds = u32::try_from(seconds).ok()?;
        (1..=Self::MAX_SECONDS)
            .contains(&seconds)
            .then_some(Self { seconds })
    }

    pub fn seconds(self) -> u32 {
        self.seconds
    }
}

/// `top 10 field`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top {
    /// 1 to [`Top::MAX`].
    pub limit: u16,
    /// Not `ts`, not `message`.
    pub field: Field,
}

impl Top {
    pub const MAX: u16 = 1000;
}
