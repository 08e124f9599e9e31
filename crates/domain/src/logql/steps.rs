//! The moments at which a metric query is evaluated.

use time::{Duration, OffsetDateTime};

use super::eval::EvalError;

/// As Prometheus and Loki allow between the first and the last point of a series.
const MAX_INTERVALS: i128 = 11_000;

/// When a metric query is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    Instant(OffsetDateTime),
    /// At `start` and every `step` after it, up to and including `end`.
    Range {
        start: OffsetDateTime,
        end: OffsetDateTime,
        step: Duration,
    },
}

/// The same in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    first: i128,
    step: i128,
    count: u16,
}

impl Steps {
    pub(super) fn of(times: Times) -> Result<Self, EvalError> {
        let (start, end, step) = match times {
            Times::Instant(at) => (at, at, Duration::SECOND),
            Times::Range { start, end, step } => (start, end, step),
        };
        if step <= Duration::ZERO {
            return Err(EvalError::Step);
        }
        let (first, step) = (start.unix_timestamp_nanos(), step.whole_nanoseconds());
        let between = end.unix_timestamp_nanos() - first;
        if between < 0 {
            return Err(EvalError::EndBeforeStart);
        }
        let intervals = between / step;
        if intervals > MAX_INTERVALS {
            return Err(EvalError::Resolution);
        }
        Ok(Self {
            first,
            step,
            count: intervals as u16 + 1,
        })
    }

    pub(super) fn count(&self) -> u16 {
        self.count
    }

    /// The first moment, in nanoseconds since the epoch.
    pub(super) fn first(&self) -> i128 {
        self.first
    }

    pub(super) fn last(&self) -> i128 {
        self.at(self.count - 1)
    }

    /// In nanoseconds since the epoch.
    pub(super) fn at(&self, step: u16) -> i128 {
        self.first + i128::from(step) * self.step
    }

    /// The first and the last step whose window holds this moment; a window reaches from `range` before its step (itself
    /// not included) to the step.
    pub(super) fn windows_with(&self, moment: i128, range: i64) -> Option<Span> {
        let since_first = moment - self.first;
        let from = ceil_div(since_first, self.step).max(0);
        let to = (ceil_div(since_first + i128::from(range), self.step) - 1).min(i128::from(self.count) - 1);
        (from <= to).then_some(Span {
            from: from as u16,
            to: to as u16,
        })
    }
}

fn ceil_div(a: i128, b: i128) -> i128 {
    -(-a).div_euclid(b)
}

/// Neighbouring steps, both ends included. Those of later moments never begin or end earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Span {
    pub(super) from: u16,
    pub(super) to: u16,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn steps(first: i128, step: i128, count: u16) -> Steps {
        Steps { first, step, count }
    }

    proptest! {
        #[test]
        fn a_span_is_every_step_whose_window_holds_the_moment(
            first in -50_i128..50, step in 1_i128..20, count in 1_u16..20, range in 1_i64..60, moment in -100_i128..500,
        ) {
            let steps = steps(first, step, count);
            let held: Vec<u16> = (0..count)
                .filter(|k| steps.at(*k) - i128::from(range) < moment && moment <= steps.at(*k))
                .collect();
            let span = steps.windows_with(moment, range);
            prop_assert_eq!(span.map(|span| (span.from..=span.to).collect::<Vec<_>>()).unwrap_or_default(), held);
        }
    }

    #[test]
    fn a_range_has_at_most_as_many_points_as_in_prometheus() {
        let start = datetime!(2026-01-01 00:00 UTC);
        let range = |seconds| {
            Steps::of(Times::Range {
                start,
                end: start + Duration::seconds(seconds),
                step: Duration::SECOND,
            })
        };
        assert_eq!(range(11_000).unwrap().count(), 11_001);
        assert_eq!(range(11_001).unwrap_err(), EvalError::Resolution);
        assert_eq!(range(-1).unwrap_err(), EvalError::EndBeforeStart);
    }
}
