use proptest::prelude::*;
use serde_json::{Value, json};
use time::Duration;

use super::*;
use crate::alerting::history::{Counts, DeploymentReport, Series};
use crate::alerting::rule::{RuleType, Times};
use crate::deployment::DeploymentStatus;
use crate::ids::DeploymentId;

/// A multiple of every step.
fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_400 + second).unwrap()
}

fn rule(kind: RuleType, params: &Value, times: Times) -> Definition {
    Definition::new(Condition::parse(kind, params).unwrap(), times)
}

/// A line that arrived so many seconds after the beginning.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    second: i64,
    is_error: bool,
}

fn lines(arrivals: &[Arrival]) -> Series {
    Series::new(arrivals.iter().map(|arrival| {
        let counts = Counts {
            lines: 1,
            errors: u64::from(arrival.is_error),
        };
        (floor(at(arrival.second), Duration::seconds(5)), counts)
    }))
}

fn report(second: i64, succeeded: bool) -> DeploymentReport {
    DeploymentReport {
        deployment_id: DeploymentId::generate(),
        attempt: 1,
        status: if succeeded {
            DeploymentStatus::Success
        } else {
            DeploymentStatus::Failure
        },
        at: at(second),
        recorded_at: at(second),
        created_at: at(second),
        label: String::new(),
    }
}

fn all(rule: &Definition, facts: &History, until: i64) -> Vec<Change> {
    walk(
        rule,
        facts,
        &Firing::NEW,
        Horizon::past(at(-5), at(until)),
        |_, _, _| {},
    )
    .changes
}

fn rules() -> impl Strategy<Value = Definition> {
    let times = (0..3_i32, 0..3_i32, 0..3_i32).prop_map(|(hold, cooldown, keep)| Times {
        for_seconds: hold * 15,
        cooldown_seconds: cooldown * 60,
        keep_firing_for_seconds: keep * 45,
    });
    let kinds = prop_oneof![
        (1..6_u64, 10..60_u32).prop_map(|(threshold, window)| (
            RuleType::ErrorCount,
            json!({"threshold": threshold, "window_seconds": window})
        )),
        (1..100_u32, 10..60_u32, 1..5_u64).prop_map(|(percent, window, least)| (
            RuleType::ErrorRate,
            json!({"threshold_percent": percent, "window_seconds": window, "min_lines": least})
        )),
        (60..100_u32).prop_map(|window| (RuleType::Silence, json!({"window_seconds": window}))),
        (1..5_u64, 60..100_u32).prop_map(|(least, window)| (
            RuleType::DeployRegression,
            json!({"window_seconds": window, "min_errors": least, "factor": 1.5})
        )),
        (1..5_u64, any::<bool>()).prop_map(|(least, ever)| (
            RuleType::NewPattern,
            json!({"min_count": least, "window_minutes": 5, "since": if ever { "ever" } else { "last_deployment" }})
        )),
        Just((RuleType::DeploymentFailure, json!({}))),
        (30..90_u32).prop_map(|every| (
            RuleType::Heartbeat,
            json!({"every_seconds": every, "grace_seconds": 0})
        )),
    ];
    (kinds, times).prop_map(|((kind, params), times)| rule(kind, &params, times))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whenever, and however often, somebody looks while lines arrive, and however late they are seen: the transitions are
    /// those of a replay of what was stored in the end.
    #[test]
    fn what_fires_live_is_what_a_replay_finds(
        rule in rules(),
        arrivals in prop::collection::vec((0_i64..600, any::<bool>(), 0_i64..12), 0..60),
        deployments in prop::collection::vec((0_i64..600, any::<bool>()), 0..6),
        looks in prop::collection::btree_set(0_i64..900, 1..60),
    ) {
        let late: Vec<(Arrival, i64)> = arrivals
            .iter()
            .map(|(second, is_error, lateness)| (Arrival { second: *second, is_error: *is_error }, second + lateness))
            .collect();
        let reports: Vec<_> = deployments.iter().map(|(second, good)| report(*second, *good)).collect();
        let beats = |until: i64| {
            let mut beats: Vec<_> = arrivals.iter().map(|(second, ..)| at(*second)).filter(|beat| *beat <= at(until)).collect();
            beats.sort_unstable();
            beats
        };
        let mut firing = Firing::NEW;
        let mut after = at(-5);
        let mut live = Vec::new();
        for look in looks.iter().copied().chain([900]) {
            let seen: Vec<Arrival> = late.iter().filter(|(_, seen)| *seen <= look).map(|(arrival, _)| *arrival).collect();
            // Until the first line that somebody is still writing down.
            let writing = late.iter().filter(|(arrival, seen)| arrival.second <= look && *seen > look);
            let settled = writing.map(|(arrival, _)| arrival.second).min().unwrap_or(look);
            let facts = History {
                lines: lines(&seen),
                deployments: reports.iter().filter(|report| report.recorded_at <= at(look)).cloned().collect(),
                beats: beats(look),
                ..History::default()
            };
            let horizon = Horizon { after, settled: at(settled), now: Some(at(look)) };
            let walked = walk(&rule, &facts, &firing, horizon, |_, _, _| {});
            (firing, after) = (walked.firing, walked.until);
            live.extend(walked.changes);
        }
        let arrivals: Vec<Arrival> = late.iter().map(|(arrival, _)| *arrival).collect();
        let facts = History { lines: lines(&arrivals), deployments: reports, beats: beats(900), ..History::default() };
        let short = |changes: &[Change]| changes.iter().map(|change| (change.at, change.transition)).collect::<Vec<_>>();
        prop_assert_eq!(short(&live), short(&all(&rule, &facts, 900)));
    }

    /// Leaving out quiet stretches changes nothing.
    #[test]
    fn skipping_finds_what_every_step_finds(
        rule in rules(),
        arrivals in prop::collection::vec((0_i64..3_000, any::<bool>()), 0..20),
        deployments in prop::collection::vec((0_i64..3_000, prop::bool::weighted(0.8)), 0..4),
        burst in 0_i64..2_900,
    ) {
        prop_assume!(rule.condition.facts() != Facts::Deployments);
        let bursts = (0..60).map(|second| (burst + second, true));
        let arrivals = arrivals.into_iter().chain(bursts);
        let arrivals: Vec<Arrival> = arrivals.map(|(second, is_error)| Arrival { second, is_error }).collect();
        let reports = deployments.into_iter().map(|(second, good)| report(second, good)).collect();
        let facts = History { lines: lines(&arrivals), deployments: reports, ..History::default() };
        let mut firing = Firing::NEW;
        let mut stepwise = Vec::new();
        let delay = rule.condition.delay().whole_seconds();
        let step = rule.condition.step().whole_seconds();
        for second in (0..=(3_200 - delay) / step).map(|number| number * step) {
            let (observed, next, transition) = evaluate_rule(&rule, &facts, &firing, at(second));
            firing = next;
            stepwise.extend(transition.map(|transition| Change { at: at(second), transition, observed, firing }));
        }
        prop_assert_eq!(all(&rule, &facts, 3_200), stepwise);
    }
}

#[test]
fn a_count_that_is_reached_fires_before_its_step_is_over() {
    let rule = rule(
        RuleType::ErrorCount,
        &json!({"threshold": 2, "window_seconds": 10}),
        Times::default(),
    );
    let errors = [1, 1].map(|second| Arrival {
        second,
        is_error: true,
    });
    let facts = History {
        lines: lines(&errors),
        ..History::default()
    };
    let horizon = Horizon {
        after: at(0),
        settled: at(2),
        now: Some(at(2)),
    };
    let walked = walk(&rule, &facts, &Firing::NEW, horizon, |_, _, _| {});
    assert_eq!(walked.until, at(5));
    assert_eq!(walked.changes[0].transition, Transition::Fired { since: at(5) });
    let later = Horizon {
        after: walked.until,
        settled: at(4),
        now: Some(at(4)),
    };
    let again = walk(&rule, &facts, &walked.firing, later, |_, _, _| {});
    assert_eq!((again.changes.len(), again.until), (0, at(5)), "once");
}

#[test]
fn nothing_is_said_about_what_a_writer_may_still_add() {
    let rule = rule(
        RuleType::Silence,
        &json!({"window_seconds": 60}),
        Times::default(),
    );
    let facts = History {
        lines: lines(&[Arrival {
            second: 0,
            is_error: false,
        }]),
        ..History::default()
    };
    let horizon = |settled| Horizon {
        after: at(0),
        settled: at(settled),
        now: Some(at(600)),
    };
    let behind = walk(&rule, &facts, &Firing::NEW, horizon(64), |_, _, _| {});
    assert_eq!((behind.changes.len(), behind.until), (0, at(60)));
    let ahead = walk(&rule, &facts, &Firing::NEW, horizon(65), |_, _, _| {});
    assert_eq!(ahead.changes[0].at, at(65));
}

#[test]
fn a_second_bad_deployment_is_no_improvement_and_a_good_one_is() {
    let rule = rule(
        RuleType::DeployRegression,
        &json!({"window_seconds": 60, "min_errors": 10, "factor": 2}),
        Times::default(),
    );
    let errors: Vec<Arrival> = (100..220)
        .map(|second| Arrival {
            second,
            is_error: true,
        })
        .collect();
    let facts = History {
        lines: lines(&errors),
        deployments: vec![report(98, true), report(150, true), report(220, true)],
        ..History::default()
    };
    let changes = all(&rule, &facts, 600);
    let fired = changes
        .iter()
        .filter(|change| matches!(change.transition, Transition::Fired { .. }));
    assert_eq!(fired.count(), 1, "{changes:#?}");
    assert!(matches!(changes.last().unwrap().transition, Transition::Ended(_)));
}
