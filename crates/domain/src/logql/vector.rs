//! Aggregations over series and operators between them.

use std::collections::BTreeMap;

use super::ast::{BinaryOp, VectorAggregation, VectorOp};
use super::series::{Point, Series, SeriesLabels};

/// What an expression gives.
#[derive(Debug)]
pub(super) enum Value {
    Number(f64),
    /// Sorted by labels, each once.
    Vector(Vec<Series>),
}

pub(super) fn aggregate(aggregation: &VectorAggregation, series: Vec<Series>) -> Vec<Series> {
    let mut groups: BTreeMap<SeriesLabels, Vec<Series>> = BTreeMap::new();
    for one in series {
        let group = one.labels.grouped(aggregation.grouping.as_ref());
        groups.entry(group).or_default().push(one);
    }
    if aggregation.op.takes_parameter() {
        let mut chosen: Vec<Series> = groups
            .into_values()
            .flat_map(|series| choose(aggregation, series))
            .collect();
        chosen.sort_by(|a, b| a.labels.cmp(&b.labels));
        return chosen;
    }
    groups
        .into_iter()
        .map(|(labels, series)| Series {
            labels,
            points: fold(aggregation.op, series),
        })
        .collect()
}

/// One series of the values of all.
fn fold(op: VectorOp, series: Vec<Series>) -> Vec<Point> {
    let mut all: Vec<Point> = series.into_iter().flat_map(|series| series.points).collect();
    // Stable: series by series within a step, so that sums come out the same every time.
    all.sort_by_key(|(step, _)| *step);
    all.chunk_by(|a, b| a.0 == b.0)
        .map(|points| {
            let values = points.iter().map(|(_, value)| *value);
            let value = match op {
                VectorOp::Sum => values.sum(),
                VectorOp::Avg => values.sum::<f64>() / points.len() as f64,
                VectorOp::Min => values.fold(f64::NAN, f64::min),
                VectorOp::Max => values.fold(f64::NAN, f64::max),
                VectorOp::Count | VectorOp::TopK | VectorOp::BottomK => points.len() as f64,
            };
            (points[0].0, value)
        })
        .collect()
}

/// The k series that are largest, or smallest, at each step, as they were.
fn choose(aggregation: &VectorAggregation, series: Vec<Series>) -> Vec<Series> {
    let mut all: Vec<(u16, usize, f64)> = series
        .iter()
        .enumerate()
        .flat_map(|(index, series)| {
            series
                .points
                .iter()
                .map(move |(step, value)| (*step, index, *value))
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| rank(aggregation.op, a.2, b.2)));
    let mut chosen: Vec<Series> = series
        .into_iter()
        .map(|series| Series {
            points: Vec::new(),
            ..series
        })
        .collect();
    for step in all.chunk_by(|a, b| a.0 == b.0) {
        for (step, index, value) in step.iter().take(aggregation.k) {
            chosen[*index].points.push((*step, *value));
        }
    }
    chosen.retain(|series| !series.points.is_empty());
    chosen
}

/// What is no number comes last.
fn rank(op: VectorOp, a: f64, b: f64) -> std::cmp::Ordering {
    let by_value = if op == VectorOp::TopK {
        b.partial_cmp(&a)
    } else {
        a.partial_cmp(&b)
    };
    by_value.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// An operator between two values.
pub(super) fn combine(op: BinaryOp, left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Value::Number(calculate(op, left, right)),
        (Value::Vector(series), Value::Number(right)) => {
            Value::Vector(map(series, |left| apply(op, left, right, left)))
        }
        (Value::Number(left), Value::Vector(series)) => {
            Value::Vector(map(series, |right| apply(op, left, right, right)))
        }
        (Value::Vector(left), Value::Vector(right)) if op.is_set() => Value::Vector(set(op, left, right)),
        (Value::Vector(left), Value::Vector(right)) => Value::Vector(matched(op, left, right)),
    }
}

/// Between two numbers a comparison gives 1 or 0.
fn calculate(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Compare(op) => f64::from(u8::from(op.holds(left, right))),
        // The parser lets none of these stand between numbers.
        BinaryOp::Or | BinaryOp::And | BinaryOp::Unless => f64::NAN,
    }
}

/// Where a vector is involved, a comparison keeps the vector's own value or drops it.
fn apply(op: BinaryOp, left: f64, right: f64, own: f64) -> Option<f64> {
    match op {
        BinaryOp::Compare(op) => op.holds(left, right).then_some(own),
        BinaryOp::Or
        | BinaryOp::And
        | BinaryOp::Unless
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Mod
        | BinaryOp::Pow => Some(calculate(op, left, right)),
    }
}

fn map(series: Vec<Series>, value: impl Fn(f64) -> Option<f64>) -> Vec<Series> {
    with_points(series.into_iter().map(|series| {
        Series {
            points: series
                .points
                .iter()
                .filter_map(|(step, old)| Some((*step, value(*old)?)))
                .collect(),
            ..series
        }
    }))
}

fn with_points(series: impl Iterator<Item = Series>) -> Vec<Series> {
    series.filter(|series| !series.points.is_empty()).collect()
}

/// Series of the same labels, step by step.
fn matched(op: BinaryOp, left: Vec<Series>, right: Vec<Series>) -> Vec<Series> {
    let right = by_labels(right);
    with_points(left.into_iter().filter_map(|series| {
        let other = right.get(&series.labels)?;
        let points = series.points.iter().filter_map(|(step, left)| {
            let right = value_at(other, *step)?;
            Some((*step, apply(op, *left, right, *left)?))
        });
        Some(Series {
            points: points.collect(),
            labels: series.labels,
        })
    }))
}

fn by_labels(series: Vec<Series>) -> BTreeMap<SeriesLabels, Vec<Point>> {
    series
        .into_iter()
        .map(|series| (series.labels, series.points))
        .collect()
}

fn value_at(points: &[Point], step: u16) -> Option<f64> {
    let index = points.binary_search_by_key(&step, |(step, _)| *step).ok()?;
    Some(points[index].1)
}

fn set(op: BinaryOp, left: Vec<Series>, right: Vec<Series>) -> Vec<Series> {
    let wants_match = op == BinaryOp::And;
    let (mut left, mut right) = (by_labels(left), by_labels(right));
    if op == BinaryOp::Or {
        for (labels, points) in right {
            let own = left.entry(labels).or_default();
            own.extend(
                points
                    .into_iter()
                    .filter(|(step, _)| value_at(own, *step).is_none())
                    .collect::<Vec<_>>(),
            );
            own.sort_by_key(|(step, _)| *step);
        }
    } else {
        for (labels, points) in &mut left {
            let other = right.remove(labels).unwrap_or_default();
            points.retain(|(step, _)| value_at(&other, *step).is_some() == wants_match);
        }
    }
    with_points(left.into_iter().map(|(labels, points)| Series { labels, points }))
}
