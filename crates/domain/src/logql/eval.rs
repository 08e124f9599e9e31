//! A metric query from lines to numbers.
//!
//! Lines come in any order, each to every range aggregation of the query; only what its windows need is kept. What Loki
//! calls push-down is here too: `sum by (x) (count_over_time(...))` gathers by `x` from the start, so that the limit of
//! series is on what comes out.

use time::OffsetDateTime;

use super::ast::{Grouping, LogPipeline, MetricExpr, RangeAggregation, VectorAggregation, VectorOp};
use super::leaf::Leaf;
use super::line::Line;
use super::names;
use super::result::QueryResult;
use super::series::{Point, Series, SeriesLabels};
use super::steps::{Steps, Times};
use super::vector::{self, Value};

/// What bounds the memory of one query.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of one range aggregation, and of the result. Loki's `max_query_series`.
    pub series: usize,
    /// Cells (moments that the same windows hold, per series) and, for quantiles, samples; some 50 bytes each.
    pub cells: usize,
    /// Points of all series of all range aggregations; 16 bytes each, and as text some 30.
    pub points: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            series: 500,
            cells: 1_000_000,
            points: 2_000_000,
        }
    }
}

/// Why a metric query has no answer. The texts are Loki's where it has them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    #[error(
        "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter"
    )]
    Resolution,
    #[error("step must be longer than 0")]
    Step,
    #[error("end must not be before start")]
    EndBeforeStart,
    #[error(
        "maximum number of series ({0}) reached for a single query; consider reducing query cardinality by adding more specific stream selectors, reducing the time range, or aggregating results with functions like sum(), count() or topk()"
    )]
    Series(usize),
    #[error(
        "the query keeps more than {0} intermediate values; increase the step, reduce the time range, or aggregate with sum()"
    )]
    Cells(usize),
    #[error(
        "the query gives more than {0} points; increase the step, reduce the time range, or aggregate with sum()"
    )]
    Points(usize),
    #[error(
        "pipeline error: '{fault}' for series: '{series}'.\nUse a label filter to intentionally skip this error. (e.g | __error__!=\"{fault}\").\nTo skip all potential errors you can match empty errors.(e.g __error__=\"\")\nThe label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n"
    )]
    Pipeline { fault: &'static str, series: String },
}

/// A metric query that is being fed.
#[derive(Debug)]
pub struct Evaluation {
    expr: MetricExpr,
    times: Times,
    steps: Steps,
    limits: Limits,
    /// In the order in which they stand in the query.
    leaves: Vec<Leaf>,
    cells: usize,
}

impl Evaluation {
    pub fn new(expr: MetricExpr, times: Times, limits: Limits) -> Result<Self, EvalError> {
        let steps = Steps::of(times)?;
        let named = names::of(&expr);
        let mut leaves = Vec::new();
        collect(&expr, None, &mut |range, grouping| {
            leaves.push(Leaf::new(range.clone(), grouping.cloned(), &named));
        });
        Ok(Self {
            expr,
            times,
            steps,
            limits,
            leaves,
            cells: 0,
        })
    }

    /// The lines that count, in time: later than the first and up to the second moment. None if it needs no lines.
    pub fn reads(&self) -> Option<(OffsetDateTime, OffsetDateTime)> {
        let nanoseconds = |leaf: &Leaf| {
            let (range, offset) = (
                i128::from(leaf.rule.range.range),
                i128::from(leaf.rule.range.offset),
            );
            (self.steps.first() - offset - range, self.steps.last() - offset)
        };
        let after = self.leaves.iter().map(|leaf| nanoseconds(leaf).0).min()?;
        let until = self.leaves.iter().map(|leaf| nanoseconds(leaf).1).max()?;
        Some((moment(after), moment(until)))
    }

    /// The pipelines that look at lines.
    pub fn pipelines(&self) -> impl Iterator<Item = &LogPipeline> {
        self.leaves.iter().map(|leaf| &leaf.rule.range.pipeline)
    }

    /// Whether lines must bring `meta`, `trace_id` and `request_id`.
    pub fn needs_metadata(&self) -> bool {
        self.leaves.iter().any(|leaf| leaf.rule.with_metadata)
    }

    pub fn feed(&mut self, line: &Line<'_>) -> Result<(), EvalError> {
        for leaf in &mut self.leaves {
            self.cells += usize::from(leaf.feed(line, &self.steps, self.limits.series)?);
        }
        if self.cells > self.limits.cells {
            return Err(EvalError::Cells(self.limits.cells));
        }
        Ok(())
    }

    pub fn finish(self) -> Result<QueryResult, EvalError> {
        let Self {
            expr,
            times,
            steps,
            limits,
            leaves,
            ..
        } = self;
        let mut points = 0;
        let mut gathered = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            gathered.push(leaf.finish(&mut points, limits.points)?);
        }
        let value = value(&expr, &steps, &mut gathered.into_iter());
        let result = QueryResult::of_metric(value, times, &steps);
        if result.len() > limits.series {
            return Err(EvalError::Series(limits.series));
        }
        Ok(result)
    }
}

fn moment(nanoseconds: i128) -> OffsetDateTime {
    let bounded = nanoseconds.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    OffsetDateTime::from_unix_timestamp_nanos(bounded).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Visits the range aggregations from left to right, each with the grouping of a sum directly around it.
fn collect<'e>(
    expr: &'e MetricExpr,
    around: Option<&'e VectorAggregation>,
    visit: &mut impl FnMut(&'e RangeAggregation, Option<&'e Grouping>),
) {
    match expr {
        MetricExpr::Number(_) | MetricExpr::Vector(_) => {}
        MetricExpr::Aggregate(aggregation) => collect(&aggregation.inner, Some(aggregation), visit),
        MetricExpr::Binary { left, right, .. } => {
            collect(left, None, visit);
            collect(right, None, visit);
        }
        MetricExpr::Range(range) => {
            static ALL_IN_ONE: Grouping = Grouping {
                without: false,
                labels: Vec::new(),
            };
            let pushed = around
                .filter(|around| around.op == VectorOp::Sum && range.op.is_additive())
                .map(|sum| sum.grouping.as_ref().unwrap_or(&ALL_IN_ONE));
            visit(range, range.grouping.as_ref().or(pushed));
        }
    }
}

fn value(expr: &MetricExpr, steps: &Steps, gathered: &mut impl Iterator<Item = Vec<Series>>) -> Value {
    match expr {
        MetricExpr::Number(number) => Value::Number(*number),
        MetricExpr::Vector(number) => Value::Vector(vec![Series {
            labels: SeriesLabels::default(),
            points: constant(*number, steps),
        }]),
        MetricExpr::Range(_) => Value::Vector(gathered.next().unwrap_or_default()),
        MetricExpr::Aggregate(aggregation) => match value(&aggregation.inner, steps, gathered) {
            Value::Vector(series) => Value::Vector(vector::aggregate(aggregation, series)),
            // The parser lets no number stand here.
            Value::Number(number) => Value::Number(number),
        },
        MetricExpr::Binary { op, left, right } => {
            let left = value(left, steps, gathered);
            let right = value(right, steps, gathered);
            vector::combine(*op, left, right)
        }
    }
}

/// The same number at every step.
pub(super) fn constant(number: f64, steps: &Steps) -> Vec<Point> {
    (0..steps.count()).map(|step| (step, number)).collect()
}
