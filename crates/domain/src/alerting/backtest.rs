//! What a rule would have done: its episodes over some days, and which known incidents they meet.

use time::{Duration, OffsetDateTime};

use crate::alerting::evaluator::{Firing, FiringState, Observation, Reading};
use crate::alerting::history::History;
use crate::alerting::replay::{Change, Horizon, walk};
use crate::alerting::rule::{Comparison, Condition, Definition};

/// From when a rule fired until it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    pub begin: OffsetDateTime,
    /// `None`: it had not ended.
    pub end: Option<OffsetDateTime>,
    /// The worst of its readings.
    pub peak: f64,
    pub threshold: f64,
}

/// What a rule would have done in one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    pub episodes: Vec<Episode>,
    pub changes: Vec<Change>,
}

/// Replays a rule over the moments after `from` and up to `to`, beginning with nothing known.
pub fn replay(rule: &Definition, facts: &History, from: OffsetDateTime, to: OffsetDateTime) -> Replayed {
    let mut episodes: Vec<Episode> = Vec::new();
    let mut was_firing = false;
    let walked = walk(
        rule,
        facts,
        &Firing::NEW,
        Horizon::past(from, to),
        |at, observed, firing| {
            let is_firing = firing.state == FiringState::Firing;
            if let Observation::Read(reading) = observed {
                follow(
                    &rule.condition,
                    &mut episodes,
                    (was_firing, is_firing),
                    reading,
                    at,
                );
            }
            if was_firing
                && !is_firing
                && let Some(episode) = episodes.last_mut()
            {
                episode.end = Some(at);
            }
            was_firing = is_firing;
        },
    );
    Replayed {
        episodes,
        changes: walked.changes,
    }
}

fn follow(
    condition: &Condition,
    episodes: &mut Vec<Episode>,
    (was_firing, is_firing): (bool, bool),
    reading: &Reading,
    at: OffsetDateTime,
) {
    if is_firing && !was_firing {
        episodes.push(Episode {
            begin: at,
            end: None,
            peak: reading.value,
            threshold: reading.threshold,
        });
    } else if is_firing
        && let Some(episode) = episodes.last_mut()
        && is_worse(condition, reading.value, episode.peak)
    {
        episode.peak = reading.value;
        episode.threshold = reading.threshold;
    }
}

/// Which of two values is the worse one.
pub fn is_worse(condition: &Condition, one: f64, other: f64) -> bool {
    match condition {
        Condition::LogQuery(query) if query.comparison() == Comparison::Below => one < other,
        _ => one > other,
    }
}

/// How often somebody would have been paged in a week.
pub fn pages_per_week(episodes: usize, from: OffsetDateTime, to: OffsetDateTime) -> f64 {
    let weeks = (to - from).as_seconds_f64() / Duration::WEEK.as_seconds_f64();
    if weeks > 0.0 { episodes as f64 / weeks } else { 0.0 }
}

/// Whether an episode tells of an incident: they are there at the same time, and the rule is at most so long ahead or behind.
pub fn meets(episode: &Episode, (opened, resolved): (OffsetDateTime, Option<OffsetDateTime>)) -> bool {
    const SLACK: Duration = Duration::minutes(5);
    let begins_before_its_end = resolved.is_none_or(|resolved| episode.begin <= resolved + SLACK);
    let ends_after_its_beginning = episode.end.is_none_or(|end| end >= opened - SLACK);
    begins_before_its_end && ends_after_its_beginning
}

/// A value for a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub at: OffsetDateTime,
    /// `None`: nothing can be said.
    pub reading: Option<Reading>,
}

/// The worst reading of each stretch of `width`, for a chart; each is named by its end.
pub fn chart(
    condition: &Condition,
    facts: &History,
    (from, to): (OffsetDateTime, OffsetDateTime),
    width: Duration,
) -> Vec<Point> {
    let step = condition.step();
    let width = width.max(step);
    let mut points = Vec::new();
    let mut begin = from;
    while begin < to {
        let end = (begin + width).min(to);
        let mut at = begin + step;
        let mut worst: Option<Reading> = None;
        while at <= end {
            if let Observation::Read(reading) = condition.judge(facts, at)
                && worst
                    .as_ref()
                    .is_none_or(|worst| is_worse(condition, reading.value, worst.value))
            {
                worst = Some(reading);
            }
            at += step;
        }
        points.push(Point {
            at: end,
            reading: worst,
        });
        begin = end;
    }
    points
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alerting::evaluator::Transition;
    use crate::alerting::history::{Counts, Series};
    use crate::alerting::rule::{RuleType, Times};

    fn at(second: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_700_000_400 + second).unwrap()
    }

    fn burst() -> (Definition, History) {
        let condition = Condition::parse(
            RuleType::ErrorCount,
            &json!({"threshold": 10, "window_seconds": 60}),
        );
        let bins = [(600, 10), (605, 25), (3_000, 9)].map(|(second, errors)| {
            (
                at(second),
                Counts {
                    lines: errors,
                    errors,
                },
            )
        });
        let history = History {
            lines: Series::new(bins),
            ..History::default()
        };
        (Definition::new(condition.unwrap(), Times::default()), history)
    }

    #[test]
    fn an_episode_has_a_beginning_an_end_and_a_peak() {
        let (rule, history) = burst();
        let replayed = replay(&rule, &history, at(0), at(3_600));
        let episode = Episode {
            begin: at(605),
            end: Some(at(735)),
            peak: 35.0,
            threshold: 10.0,
        };
        assert_eq!(replayed.episodes, std::slice::from_ref(&episode));
        assert_eq!(replayed.changes.len(), 2);
        assert!(matches!(replayed.changes[0].transition, Transition::Fired { .. }));
        assert!((pages_per_week(1, at(0), at(3_600)) - 168.0).abs() < 1e-9);
        let incident = |opened, resolved: Option<i64>| meets(&episode, (at(opened), resolved.map(at)));
        assert!(incident(600, Some(700)) && incident(1_000, None) && incident(0, Some(310)));
        assert!(!incident(1_100, None) && !incident(0, Some(300)));
    }

    #[test]
    fn a_chart_shows_the_peak_of_each_stretch() {
        let (rule, history) = burst();
        let points = chart(
            &rule.condition,
            &history,
            (at(0), at(1_200)),
            Duration::minutes(5),
        );
        let values: Vec<f64> = points
            .iter()
            .map(|point| point.reading.as_ref().unwrap().value)
            .collect();
        assert_eq!(values, [0.0, 0.0, 35.0, 0.0]);
        assert_eq!(points[2].at, at(900));
    }
}
