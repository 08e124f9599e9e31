//! What is stored of one place: the facts that conditions are judged by.

use time::OffsetDateTime;

use crate::deployment::DeploymentStatus;
use crate::ids::DeploymentId;
use crate::patterns::TemplateId;

/// Facts of one environment of one service, or of one group of its lines: by values of fields, or by their template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub lines: Series,
    /// When the newest line arrived before what `lines` covers; of use where it is asked since when nothing comes.
    pub last_before: Option<OffsetDateTime>,
    /// In the order in which they were recorded.
    pub deployments: Vec<DeploymentReport>,
    /// In their order.
    pub beats: Vec<OffsetDateTime>,
    /// The template that the lines have in common, where they are counted by it.
    pub pattern: Option<ErrorPattern>,
    /// Whether there may be lines beyond those that were counted.
    pub is_partial: bool,
}

/// A template of lines of level error and above, in one place; lines of its later forms ([`crate::patterns::form_of`]) count as
/// its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPattern {
    pub id: TemplateId,
    /// With placeholders, for people.
    pub text: String,
    /// When the first of its lines arrived, as far as anybody remembers.
    pub known_since: OffsetDateTime,
}

/// A number of lines, and how many of them are errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub lines: u64,
    /// Of level error or fatal.
    pub errors: u64,
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            lines: self.lines + other.lines,
            errors: self.errors + other.errors,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            lines: self.lines - other.lines,
            errors: self.errors - other.errors,
        }
    }
}

/// Lines counted in bins of time. Bins without lines are not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    starts: Vec<OffsetDateTime>,
    /// Of all bins before each, and of all of them at the end.
    sums: Vec<Counts>,
}

impl Series {
    /// Bins in any order; those of one start are added up.
    pub fn new(bins: impl IntoIterator<Item = (OffsetDateTime, Counts)>) -> Self {
        let mut bins: Vec<_> = bins.into_iter().filter(|(_, counts)| counts.lines > 0).collect();
        bins.sort_unstable_by_key(|(start, _)| *start);
        let mut series = Self {
            starts: Vec::with_capacity(bins.len()),
            sums: vec![Counts::default()],
        };
        for (start, counts) in bins {
            let so_far = series.sums.last().copied().unwrap_or_default();
            if series.starts.last() == Some(&start) {
                series.sums.pop();
            } else {
                series.starts.push(start);
            }
            series.sums.push(so_far.plus(counts));
        }
        series
    }

    /// What the bins hold that start within these times; the second is not included.
    pub fn between(&self, from: OffsetDateTime, to: OffsetDateTime) -> Counts {
        let sum_before = |at| {
            let place = self.starts.partition_point(|start| *start < at);
            self.sums.get(place).copied().unwrap_or_default()
        };
        if from >= to {
            return Counts::default();
        }
        sum_before(to).minus(sum_before(from))
    }

    /// The newest bin that starts before then.
    pub fn newest_before(&self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let place = self.starts.partition_point(|start| *start < at);
        place
            .checked_sub(1)
            .and_then(|place| self.starts.get(place))
            .copied()
    }

    /// The first bin that starts at this moment or after it.
    pub fn first_from(&self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let place = self.starts.partition_point(|start| *start < at);
        self.starts.get(place).copied()
    }
}

/// Something that was said about an attempt to deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentReport {
    pub deployment_id: DeploymentId,
    pub attempt: i32,
    pub status: DeploymentStatus,
    /// When its sender says it happened.
    pub at: OffsetDateTime,
    /// When it reached us.
    pub recorded_at: OffsetDateTime,
    /// When the deployment was heard of first.
    pub created_at: OffsetDateTime,
    /// What people call the deployment.
    pub label: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_700_000_000 + second).unwrap()
    }

    proptest! {
        #[test]
        fn a_series_adds_up_what_lies_between(
            bins in prop::collection::vec((0_i64..100, 0_u64..50, 0_u64..50), 0..60),
            from in -10_i64..110,
            length in -5_i64..110,
        ) {
            let counts = |lines: u64, errors: u64| Counts { lines: lines + errors, errors };
            let series = Series::new(bins.iter().map(|(start, lines, errors)| (at(*start), counts(*lines, *errors))));
            let expected = bins
                .iter()
                .filter(|(start, ..)| (from..from + length).contains(start))
                .fold(Counts::default(), |sum, (_, lines, errors)| sum.plus(counts(*lines, *errors)));
            prop_assert_eq!(series.between(at(from), at(from + length)), expected);
            let newest = bins.iter().filter(|(start, l, e)| l + e > 0 && *start < from).map(|(start, ..)| *start).max();
            prop_assert_eq!(series.newest_before(at(from)), newest.map(at));
            let next = bins.iter().filter(|(start, l, e)| l + e > 0 && *start >= from).map(|(start, ..)| *start).min();
            prop_assert_eq!(series.first_from(at(from)), next.map(at));
        }
    }
}
