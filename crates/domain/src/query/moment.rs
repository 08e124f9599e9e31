//! Moments as a query writes them: fixed, or relative to when the query is asked.

use std::cmp::Ordering;
use std::ops::{Bound, RangeBounds as _};

use time::{Duration, OffsetDateTime};

use super::ast::{Expr, Test, TimeRange};

/// A moment of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// In UTC, in the years 0 to 9999.
    At(OffsetDateTime),
    /// `now`, `now-1h`, `now+5m`.
    Relative(Relative),
}

/// A span from now on, in the unit that it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relative {
    /// Negative is before now. Nothing is in seconds, and only written `now`.
    amount: i32,
    unit: char,
}

/// Seconds of each unit, by the letter that names it.
const UNITS: [(char, i64); 5] = [
    ('s', 1),
    ('m', 60),
    ('h', 60 * 60),
    ('d', 24 * 60 * 60),
    ('w', 7 * 24 * 60 * 60),
];

impl Relative {
    /// Reads `now`, `now-1h`, `now+5m`.
    pub fn parse(text: &str) -> Option<Self> {
        let span = text.strip_prefix("now")?;
        let Some(unit) = span.chars().last() else {
            return Some(Self { amount: 0, unit: 's' });
        };
        let amount = span.strip_suffix(unit)?;
        let digits = amount.strip_prefix(['-', '+'])?;
        let is_known = UNITS.iter().any(|(letter, _)| *letter == unit);
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let amount = amount.parse().ok().filter(|_| is_known && is_number)?;
        let unit = if amount == 0 { 's' } else { unit };
        Some(Self { amount, unit })
    }

    fn seconds(self) -> i64 {
        let unit = UNITS.iter().find(|(letter, _)| *letter == self.unit);
        i64::from(self.amount) * unit.map_or(1, |(_, seconds)| *seconds)
    }

    /// When that is.
    pub fn at(self, now: OffsetDateTime) -> OffsetDateTime {
        now.saturating_add(Duration::seconds(self.seconds()))
    }
}

impl std::fmt::Display for Relative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.amount {
            0 => f.write_str("now"),
            amount => write!(f, "now{amount:+}{}", self.unit),
        }
    }
}

impl Moment {
    /// Which of two comes first, as far as it can be told without knowing when now is.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::At(left), Self::At(right)) => Some(left.cmp(right)),
            (Self::Relative(left), Self::Relative(right)) => Some(left.seconds().cmp(&right.seconds())),
            (Self::At(_), Self::Relative(_)) | (Self::Relative(_), Self::At(_)) => None,
        }
    }

    fn fixed(self) -> Option<OffsetDateTime> {
        match self {
            Self::At(at) => Some(at),
            Self::Relative(_) => None,
        }
    }
}

impl TimeRange {
    /// The ends, if both are fixed: [`Expr::at`] makes them so.
    pub fn fixed(&self) -> Option<(Bound<OffsetDateTime>, Bound<OffsetDateTime>)> {
        let end = |bound: Bound<Moment>| match bound {
            Bound::Included(moment) => moment.fixed().map(Bound::Included),
            Bound::Excluded(moment) => moment.fixed().map(Bound::Excluded),
            Bound::Unbounded => Some(Bound::Unbounded),
        };
        end(self.from).zip(end(self.to))
    }

    /// Whether it holds this time; one whose ends are not fixed holds none.
    pub fn contains(&self, at: &OffsetDateTime) -> bool {
        self.fixed().is_some_and(|ends| ends.contains(at))
    }

    fn at(self, now: OffsetDateTime) -> Self {
        let end = |bound: Bound<Moment>| {
            bound.map(|moment| match moment {
                Moment::At(_) => moment,
                Moment::Relative(relative) => Moment::At(relative.at(now)),
            })
        };
        Self {
            from: end(self.from),
            to: end(self.to),
        }
    }
}

impl Expr {
    /// The same with all times fixed, asked at this moment. Before that, relative times match nothing.
    #[must_use]
    pub fn at(&self, now: OffsetDateTime) -> Self {
        self.map_tests(&mut |test| {
            Self::Test(match test {
                Test::Ts(range) => Test::Ts(range.at(now)),
                other => other.clone(),
            })
        })
    }

    /// Whether what it means depends on when it is asked.
    pub fn has_relative_times(&self) -> bool {
        self.at(OffsetDateTime::UNIX_EPOCH) != *self
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    #[rstest::rstest]
    #[case("now", "now", NOW)]
    #[case("now-0h", "now", NOW)]
    #[case("now-90m", "now-90m", datetime!(2026-11-24 10:30 UTC))]
    #[case("now+30s", "now+30s", datetime!(2026-11-24 12:00:30 UTC))]
    #[case("now-2w", "now-2w", datetime!(2026-11-10 12:00 UTC))]
    #[case("now-1d", "now-1d", datetime!(2026-11-23 12:00 UTC))]
    fn a_span_prints_as_it_was_written(
        #[case] text: &str,
        #[case] printed: &str,
        #[case] at: OffsetDateTime,
    ) {
        let relative = Relative::parse(text).unwrap();
        assert_eq!((relative.to_string().as_str(), relative.at(NOW)), (printed, at));
    }

    #[test]
    fn the_ends_of_time_are_not_passed() {
        let relative = Relative::parse("now-2147483647w").unwrap();
        assert!(relative.at(NOW) < datetime!(-9998-01-01 0:00 UTC));
        for text in [
            "",
            "now-",
            "now-1",
            "now1h",
            "now-1y",
            "now--1h",
            "now-2147483649s",
            "now-1\u{fc}",
            "Now",
            "now -1h",
        ] {
            assert_eq!(Relative::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_range_is_relative_until_somebody_asks() {
        let expr = Expr::parse("ts:[now-1h TO now} NOT ts:>=now-5m").unwrap();
        let line = |minutes: i64| crate::query::Line {
            ts: NOW - Duration::minutes(minutes),
            level: crate::level::Level::Info,
            message: "",
            meta: None,
            trace_id: None,
            request_id: None,
            service: "",
            environment: "",
        };
        let fixed = expr.at(NOW);
        assert!(expr.has_relative_times() && !fixed.has_relative_times());
        for (minutes, expected) in [(61, false), (60, true), (6, true), (5, false), (0, false)] {
            assert_eq!(
                crate::query::matches(&fixed, &line(minutes)),
                expected,
                "{minutes}"
            );
            assert!(!crate::query::matches(&expr, &line(minutes)));
        }
        assert_eq!(expr.to_string(), "ts:([now-1h TO now} AND NOT >=now-5m)");
    }
}
