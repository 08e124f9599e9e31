//! Samples of one series gathered by the windows that hold them, and what each window gives.
//!
//! Samples that the same windows hold share one cell, so that memory depends on the number of steps and not of lines. A
//! window slides over the cells with two stacks, which needs no subtraction: sums stay as exact as additions are.

use std::collections::HashMap;

use super::ast::RangeOp;
use super::series::Point;
use super::steps::Span;

/// What samples come to together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    count: u64,
    /// Their sum, least or greatest.
    value: f64,
}

/// What one series has gathered.
#[derive(Debug)]
pub(super) enum Gathered {
    Cells(HashMap<Span, Cell>),
    /// Every sample, for quantiles.
    Values(Vec<(Span, f64)>),
}

impl Gathered {
    pub(super) fn new(op: RangeOp) -> Self {
        match op {
            RangeOp::Quantile => Self::Values(Vec::new()),
            RangeOp::Count
            | RangeOp::Rate
            | RangeOp::Bytes
            | RangeOp::BytesRate
            | RangeOp::Sum
            | RangeOp::Avg
            | RangeOp::Min
            | RangeOp::Max => Self::Cells(HashMap::new()),
        }
    }

    /// Whether it took new memory.
    pub(super) fn add(&mut self, op: RangeOp, span: Span, value: f64) -> bool {
        let sample = Cell { count: 1, value };
        match self {
            Self::Values(values) => {
                values.push((span, value));
                true
            }
            Self::Cells(cells) => match cells.get_mut(&span) {
                Some(cell) => {
                    *cell = join(op, *cell, sample);
                    false
                }
                None => cells.insert(span, sample).is_none(),
            },
        }
    }

    /// The value of each window with a sample in it. `range` is in seconds.
    pub(super) fn points(self, op: RangeOp, quantile: f64, range: f64) -> Vec<Point> {
        match self {
            Self::Values(values) => super::quantile::points(values, quantile),
            Self::Cells(cells) => {
                let mut cells: Vec<_> = cells.into_iter().collect();
                cells.sort_unstable_by_key(|(span, _)| *span);
                slide(op, &cells, range)
            }
        }
    }
}

fn join(op: RangeOp, a: Cell, b: Cell) -> Cell {
    let value = match op {
        RangeOp::Min => a.value.min(b.value),
        RangeOp::Max => a.value.max(b.value),
        RangeOp::Count
        | RangeOp::Rate
        | RangeOp::Bytes
        | RangeOp::BytesRate
        | RangeOp::Sum
        | RangeOp::Avg
        | RangeOp::Quantile => a.value + b.value,
    };
    Cell {
        count: a.count + b.count,
        value,
    }
}

fn outcome(op: RangeOp, cell: Cell, range: f64) -> f64 {
    match op {
        RangeOp::Rate | RangeOp::BytesRate => cell.value / range,
        RangeOp::Avg => cell.value / cell.count as f64,
        RangeOp::Count | RangeOp::Bytes | RangeOp::Sum | RangeOp::Min | RangeOp::Max | RangeOp::Quantile => {
            cell.value
        }
    }
}

/// A queue of cells that knows what they come to together.
struct Queue {
    op: RangeOp,
    /// The oldest on top; each with what it and those below it come to, and the last step it belongs to.
    old: Vec<(u16, Cell)>,
    new: Vec<(u16, Cell)>,
    new_total: Option<Cell>,
}

impl Queue {
    fn push(&mut self, to: u16, cell: Cell) {
        self.new.push((to, cell));
        self.new_total = Some(self.new_total.map_or(cell, |total| join(self.op, total, cell)));
    }

    /// Lets go of what ends before the step.
    fn forget_before(&mut self, step: u16) {
        loop {
            if self.old.is_empty() {
                self.turn_over();
            }
            match self.old.last() {
                Some((to, _)) if *to < step => self.old.pop(),
                Some(_) | None => return,
            };
        }
    }

    fn turn_over(&mut self) {
        self.new_total = None;
        let mut total: Option<Cell> = None;
        for (to, cell) in self.new.drain(..).rev() {
            let sum = total.map_or(cell, |total| join(self.op, cell, total));
            total = Some(sum);
            self.old.push((to, sum));
        }
    }

    fn total(&self) -> Option<Cell> {
        match (self.old.last(), self.new_total) {
            (Some((_, old)), Some(new)) => Some(join(self.op, *old, new)),
            (Some((_, old)), None) => Some(*old),
            (None, new) => new,
        }
    }
}

/// Cells in the order of their spans.
fn slide(op: RangeOp, cells: &[(Span, Cell)], range: f64) -> Vec<Point> {
    let last_step = cells.last().map_or(0, |(span, _)| span.to);
    let mut queue = Queue {
        op,
        old: Vec::new(),
        new: Vec::new(),
        new_total: None,
    };
    let mut coming = cells.iter().peekable();
    let mut points = Vec::new();
    for step in 0..=last_step {
        while let Some((span, cell)) = coming.next_if(|(span, _)| span.from <= step) {
            queue.push(span.to, *cell);
        }
        queue.forget_before(step);
        if let Some(total) = queue.total() {
            points.push((step, outcome(op, total, range)));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans() -> impl Strategy<Value = Vec<(Span, f64)>> {
        // Spans as moments give them: neither end ever goes back.
        prop::collection::vec((0_u16..3, 0_u16..3, -5_i32..5), 0..40).prop_map(|steps| {
            let (mut from, mut to) = (0, 0);
            steps
                .into_iter()
                .map(|(a, b, value)| {
                    from += a;
                    to = from.max(to + b);
                    (Span { from, to }, f64::from(value))
                })
                .collect()
        })
    }

    fn naive(op: RangeOp, samples: &[(Span, f64)], quantile: f64) -> Vec<Point> {
        let last = samples.iter().map(|(span, _)| span.to).max().unwrap_or(0);
        (0..=last)
            .filter_map(|step| {
                let mut values: Vec<f64> = samples
                    .iter()
                    .filter(|(span, _)| span.from <= step && step <= span.to)
                    .map(|(_, value)| *value)
                    .collect();
                if values.is_empty() {
                    return None;
                }
                values.sort_by(f64::total_cmp);
                let (sum, count) = (values.iter().sum::<f64>(), values.len() as f64);
                let value = match op {
                    RangeOp::Count | RangeOp::Bytes | RangeOp::Sum => sum,
                    RangeOp::Rate | RangeOp::BytesRate => sum / 10.0,
                    RangeOp::Avg => sum / count,
                    RangeOp::Min => *values.first()?,
                    RangeOp::Max => *values.last()?,
                    RangeOp::Quantile => {
                        let rank = quantile * (count - 1.0);
                        let below = values[rank.floor() as usize];
                        let above = values[rank.ceil() as usize];
                        below * (1.0 - rank.fract()) + above * rank.fract()
                    }
                };
                Some((step, value))
            })
            .collect()
    }

    proptest! {
        #[test]
        fn windows_give_what_their_samples_give_one_by_one(
            samples in spans(), op in prop::sample::select(RangeOp::ALL.to_vec()), backwards: bool,
            quantile in prop::sample::select(vec![0.0, 0.25, 0.5, 0.9, 1.0]),
        ) {
            let mut gathered = Gathered::new(op);
            let mut fed = samples.clone();
            if backwards {
                fed.reverse();
            }
            for (span, value) in fed {
                gathered.add(op, span, value);
            }
            prop_assert_eq!(gathered.points(op, quantile, 10.0), naive(op, &samples, quantile));
        }
    }
}
