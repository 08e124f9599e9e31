//! What differs between two windows of time: which patterns are new, gone, risen or fallen, and which values of fields are
//! more frequent in one than in the other.
//!
//! Counts are compared by the log-likelihood ratio of two Poisson rates (Dunning 1993), which holds for few lines as well
//! as for many. Traffic rises and falls as a whole: what is expected of each pattern is scaled by the median of all
//! patterns' ratios, so that twice the load does not make every pattern a change, and a flood of errors does not make all
//! others look fallen.

use crate::level::Level;

/// Fewer lines than this in both windows are noise.
pub const MIN_LINES: u64 = 5;
/// A pattern that only rose or fell must have so many lines in one of them.
pub const MIN_LINES_TO_MOVE: u64 = 20;
/// And by this factor at least.
pub const MIN_RATIO: f64 = 2.0;
/// So sure it must be: about one in a thousand by chance.
const MIN_SCORE: f64 = 3.3;
/// Patterns with enough lines in both windows that make a median.
const MIN_FOR_MEDIAN: usize = 5;
/// A value of a field must have so many lines, and its share differ by so much.
const MIN_VALUE_LINES: u64 = 10;
const MIN_SHARE: f64 = 0.05;

/// How a pattern changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Not there before.
    New,
    /// Not there after.
    Gone,
    Risen,
    Fallen,
}

/// The lines of something in two windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    pub before: u64,
    pub after: u64,
}

/// What came of a pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    pub kind: Kind,
    /// How much it stands out; of a pattern of errors more.
    pub score: f64,
    /// How many times as many lines as expected by the traffic; nothing without lines before.
    pub ratio: Option<f64>,
}

/// How many lines after are expected for each line before: by the patterns that have lines in both windows, or where there
/// are few, by how long the windows are.
pub fn scale(patterns: &[Lines], seconds_before: f64, seconds_after: f64) -> f64 {
    let mut ratios: Vec<f64> = patterns
        .iter()
        .filter(|lines| lines.before >= MIN_LINES_TO_MOVE && lines.after >= MIN_LINES_TO_MOVE)
        .map(|lines| lines.after as f64 / lines.before as f64)
        .collect();
    if ratios.len() < MIN_FOR_MEDIAN {
        return (seconds_after / seconds_before).clamp(1e-6, 1e6);
    }
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// Whether and how a pattern changed. `level` is the highest of its lines.
pub fn change(lines: Lines, scale: f64, level: Level) -> Option<Change> {
    let Lines { before, after } = lines;
    let ratio = (before > 0).then(|| after as f64 / (before as f64 * scale));
    let kind = match ratio {
        None => Kind::New,
        Some(_) if after == 0 => Kind::Gone,
        Some(ratio) if ratio > 1.0 => Kind::Risen,
        Some(_) => Kind::Fallen,
    };
    let most = (before as f64 * scale).max(after as f64);
    let is_much = match kind {
        // What is expected after, were nothing changed, must be enough to be missed.
        Kind::New | Kind::Gone => most >= MIN_LINES as f64 && before.max(after) >= MIN_LINES,
        Kind::Risen | Kind::Fallen => {
            let ratio = ratio.unwrap_or(1.0);
            before.max(after) >= MIN_LINES_TO_MOVE && ratio.max(1.0 / ratio) >= MIN_RATIO
        }
    };
    let sure = sureness(before, after, scale);
    (is_much && (sure >= MIN_SCORE || matches!(kind, Kind::New))).then(|| Change {
        kind,
        score: sure * weight(level),
        ratio,
    })
}

/// Standard deviations, about, by which the two counts are apart: the root of the log-likelihood ratio.
fn sureness(before: u64, after: u64, scale: f64) -> f64 {
    let total = (before + after) as f64;
    let expected_after = total * scale / (1.0 + scale);
    let part = |count: u64, expected: f64| match count {
        0 => 0.0,
        count => count as f64 * (count as f64 / expected).ln(),
    };
    let ratio = part(after, expected_after) + part(before, total - expected_after);
    (2.0 * ratio.max(0.0)).sqrt()
}

fn weight(level: Level) -> f64 {
    match level {
        Level::Error | Level::Fatal => 2.0,
        Level::Warn => 1.5,
        Level::Trace | Level::Debug | Level::Info => 1.0,
    }
}

/// A value of a field that is more frequent in one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leaning {
    /// Of all lines of each window.
    pub share_before: f64,
    pub share_after: f64,
    pub score: f64,
}

/// Whether a value makes out more of the one window than of the other. `totals` are the lines that were looked at.
pub fn leaning(value: Lines, totals: Lines) -> Option<Leaning> {
    if value.before.max(value.after) < MIN_VALUE_LINES || totals.before == 0 || totals.after == 0 {
        return None;
    }
    let share_before = value.before as f64 / totals.before as f64;
    let share_after = value.after as f64 / totals.after as f64;
    let score = sureness(
        value.before,
        value.after,
        totals.after as f64 / totals.before as f64,
    );
    let differs = (share_after - share_before).abs() >= MIN_SHARE;
    (differs && score >= MIN_SCORE).then_some(Leaning {
        share_before,
        share_after,
        score,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(before: u64, after: u64, scale: f64) -> Option<Kind> {
        change(Lines { before, after }, scale, Level::Info).map(|change| change.kind)
    }

    #[rstest::rstest]
    #[case(0, 5, 1.0, Some(Kind::New))]
    #[case(0, 4, 1.0, None)]
    #[case(100, 0, 1.0, Some(Kind::Gone))]
    #[case(4, 0, 1.0, None)]
    // Of a tenth of the time a tenth is expected: five are too few to be missed.
    #[case(50, 0, 0.01, None)]
    #[case(100, 250, 1.0, Some(Kind::Risen))]
    #[case(100, 150, 1.0, None)]
    #[case(100, 250, 2.0, None)]
    #[case(250, 100, 1.0, Some(Kind::Fallen))]
    #[case(6, 14, 1.0, None)]
    #[case(0, 0, 1.0, None)]
    fn patterns_change_by_much_or_not_at_all(
        #[case] before: u64,
        #[case] after: u64,
        #[case] scale: f64,
        #[case] expected: Option<Kind>,
    ) {
        assert_eq!(kind(before, after, scale), expected);
    }

    #[test]
    fn errors_weigh_more() {
        let of = |level| {
            let lines = Lines { before: 0, after: 9 };
            change(lines, 1.0, level).unwrap().score
        };
        assert!(of(Level::Fatal) > of(Level::Warn) && of(Level::Warn) > of(Level::Info));
    }

    #[test]
    fn twice_the_traffic_is_no_change_and_neither_is_a_flood_beside_it() {
        let mut patterns: Vec<Lines> = (1..20_u64)
            .map(|n| Lines {
                before: n * 50,
                after: n * 100,
            })
            .collect();
        patterns.push(Lines {
            before: 30,
            after: 1_000_000,
        });
        let scale = scale(&patterns, 60.0, 60.0);
        assert!((scale - 2.0).abs() < 1e-9, "{scale}");
        let changed: Vec<_> = patterns
            .iter()
            .filter_map(|lines| change(*lines, scale, Level::Info))
            .collect();
        assert_eq!(changed.len(), 1);
    }

    #[test]
    fn without_common_patterns_the_length_of_the_windows_tells() {
        assert!((scale(&[], 60.0, 600.0) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn values_lean_by_share() {
        let totals = Lines {
            before: 1_000,
            after: 500,
        };
        let of = |before, after| leaning(Lines { before, after }, totals);
        assert!(of(100, 50).is_none(), "the same share");
        assert!(of(100, 250).unwrap().share_after > 0.49);
        assert!(of(0, 9).is_none(), "few");
        assert!(of(500, 0).is_some());
        assert!(leaning(Lines { before: 0, after: 50 }, Lines { before: 0, after: 50 }).is_none());
    }

    proptest! {
        #[test]
        fn swapping_the_windows_swaps_the_kinds(before in 0..10_000_u64, after in 0..10_000_u64) {
            let swapped = match kind(after, before, 1.0) {
                Some(Kind::New) => Some(Kind::Gone),
                Some(Kind::Gone) => Some(Kind::New),
                Some(Kind::Risen) => Some(Kind::Fallen),
                Some(Kind::Fallen) => Some(Kind::Risen),
                None => None,
            };
            // What is new is told of fewer lines than what is gone.
            if before.max(after) >= 10 {
                prop_assert_eq!(kind(before, after, 1.0), swapped);
            }
        }

        #[test]
        fn scores_are_numbers(before in any::<u32>(), after in any::<u32>(), scale in 1e-6..1e6_f64) {
            let lines = Lines { before: before.into(), after: after.into() };
            if let Some(change) = change(lines, scale, Level::Error) {
                prop_assert!(change.score.is_finite() && change.score >= 0.0);
            }
        }
    }
}
