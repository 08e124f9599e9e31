//! `quantile_over_time`: exact, over sliding windows.
//!
//! The samples of a window are counted by rank in a Fenwick tree, so that each sample costs a logarithm when it comes into
//! the window and when it leaves, however many windows hold it.

use super::series::Point;
use super::steps::Span;

/// The quantile of each window with a sample in it, as Prometheus interpolates it.
pub(super) fn points(mut samples: Vec<(Span, f64)>, quantile: f64) -> Vec<Point> {
    samples.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut sorted: Vec<f64> = samples.iter().map(|(_, value)| *value).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    // Equal values share a rank, which does no harm.
    let rank = |value: f64| sorted.partition_point(|other| other.total_cmp(&value).is_lt());
    let last_step = samples.last().map_or(0, |(span, _)| span.to);
    let (mut coming, mut leaving) = (samples.iter().peekable(), samples.iter().peekable());
    let mut counts = Counts::new(sorted.len());
    let mut points = Vec::new();
    for step in 0..=last_step {
        while let Some((_, value)) = coming.next_if(|(span, _)| span.from <= step) {
            counts.add(rank(*value), 1);
        }
        while let Some((_, value)) = leaving.next_if(|(span, _)| span.to < step) {
            counts.add(rank(*value), -1);
        }
        if counts.total > 0 {
            points.push((step, interpolated(&counts, &sorted, quantile)));
        }
    }
    points
}

fn interpolated(counts: &Counts, sorted: &[f64], quantile: f64) -> f64 {
    if quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    let last = counts.total - 1;
    let rank = quantile * last as f64;
    let below = (rank.floor() as i64).min(last);
    let weight = rank - rank.floor();
    let above = (below + 1).min(last);
    sorted[counts.nth(below)] * (1.0 - weight) + sorted[counts.nth(above)] * weight
}

/// How many samples have which rank.
struct Counts {
    tree: Vec<i64>,
    total: i64,
}

impl Counts {
    fn new(ranks: usize) -> Self {
        Self {
            tree: vec![0; ranks + 1],
            total: 0,
        }
    }

    fn add(&mut self, rank: usize, count: i64) {
        self.total += count;
        let mut at = rank + 1;
        while at < self.tree.len() {
            self.tree[at] += count;
            at += at & at.wrapping_neg();
        }
    }

    /// The rank of the nth sample from 0, which must exist.
    fn nth(&self, mut nth: i64) -> usize {
        let mut at = 0;
        let mut width = self.tree.len().next_power_of_two() / 2;
        while width > 0 {
            if at + width < self.tree.len() && self.tree[at + width] <= nth {
                at += width;
                nth -= self.tree[at];
            }
            width /= 2;
        }
        at
    }
}
