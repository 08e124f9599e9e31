use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::alerting::history::{Counts, ErrorPattern, Series};
use crate::ids::DeploymentId;
use crate::patterns::TemplateId;

fn at(minute: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_400 + minute * 60).unwrap()
}

fn rule(since: &Value, min_count: u64) -> NewPattern {
    let params = json!({"since": since, "min_count": min_count, "window_minutes": 10});
    NewPattern::parse(params.as_object().unwrap()).unwrap()
}

/// One error in each of these minutes.
fn errors(minutes: &[i64]) -> History {
    let one = Counts { lines: 1, errors: 1 };
    History {
        lines: Series::new(minutes.iter().map(|minute| (at(*minute), one))),
        pattern: minutes.iter().min().map(|first| ErrorPattern {
            id: TemplateId::from_code(0xab),
            text: "disk <*> is full".to_owned(),
            known_since: at(*first),
        }),
        ..History::default()
    }
}

fn deployed(history: History, minutes: &[i64]) -> History {
    let report = |minute: &i64| DeploymentReport {
        deployment_id: DeploymentId::generate(),
        attempt: 1,
        status: DeploymentStatus::Success,
        at: at(*minute),
        recorded_at: at(*minute),
        created_at: at(*minute),
        label: String::new(),
    };
    History {
        deployments: minutes.iter().map(report).collect(),
        ..history
    }
}

fn holds(rule: NewPattern, history: &History, minute: i64) -> bool {
    rule.judge(history, at(minute)).holds
}

#[test]
fn a_pattern_is_new_while_its_first_lines_are_in_the_window() {
    let rule = rule(&json!("ever"), 2);
    let history = errors(&[100, 105, 130, 131]);
    let found: Vec<i64> = (90..150)
        .filter(|minute| holds(rule, &history, *minute))
        .collect();
    assert_eq!(found, (106..=111).collect::<Vec<_>>());
    assert_eq!(
        rule.judge(&history, at(106)).detail,
        "2 errors in the last 10 min (threshold 2) of a pattern that was never seen before: disk <*> is full \
         [pattern 00000000000000ab]"
    );
    assert!(rule.judge(&history, at(131)).detail.contains("that is known"));
}

#[test]
fn what_was_known_before_the_facts_begin_is_not_new() {
    let rule = rule(&json!("ever"), 1);
    let mut history = errors(&[100]);
    history.pattern.as_mut().unwrap().known_since = at(-100_000);
    assert!(!holds(rule, &history, 101));
    let mut history = errors(&[100]);
    history.last_before = Some(at(50));
    assert!(!holds(rule, &history, 101));
}

#[test]
fn days_forget() {
    let rule = rule(&json!({"days": 1}), 1);
    let mut history = errors(&[100]);
    history.pattern.as_mut().unwrap().known_since = at(-100_000);
    history.last_before = Some(at(101 - 11 - 1_440 - 1));
    assert!(holds(rule, &history, 101), "a day and a minute ago");
    history.last_before = Some(at(101 - 11 - 1_440));
    assert!(!holds(rule, &history, 101));
}

#[test]
fn a_deployment_makes_what_came_before_it_unseen() {
    let known = deployed(errors(&[10, 40, 60, 61]), &[20, 50]);
    let last = rule(&json!("last_deployment"), 2);
    assert!(!holds(last, &known, 61), "one since");
    assert!(holds(last, &known, 62));
    assert!(!holds(last, &known, 73), "the window is over");
    let previous = rule(&json!("previous_deployment"), 1);
    assert!(!holds(previous, &known, 62), "the version before threw it, too");
    let gone = deployed(errors(&[10, 60]), &[20, 50]);
    assert!(holds(previous, &gone, 61), "it did not");
    assert!(!holds(rule(&json!("ever"), 1), &gone, 61));
    // One that is heard of within the minute that is judged does not count yet.
    let just = deployed(errors(&[10, 60]), &[60]);
    assert!(!holds(rule(&json!("last_deployment"), 1), &just, 60));
    assert!(holds(rule(&json!("last_deployment"), 1), &just, 61));
}

#[test]
fn without_deployments_it_is_as_ever() {
    for since in ["last_deployment", "previous_deployment"] {
        let rule = rule(&json!(since), 1);
        assert!(holds(rule, &errors(&[60]), 61));
        assert!(!holds(rule, &errors(&[10, 60]), 61));
    }
}

/// Mostly near one another, some days before.
fn minute() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -20_i64..40, 1 => -4_500_i64..40]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Said in the words of the rule, line by line.
    #[test]
    fn it_holds_if_and_only_if_enough_lines_came_and_none_before(
        minutes in prop::collection::vec(minute(), 0..12),
        deployments in prop::collection::vec(minute(), 0..4),
        since in prop_oneof![
            Just(json!("ever")), Just(json!("last_deployment")), Just(json!("previous_deployment")),
            (1_u8..3).prop_map(|days| json!({"days": days}))
        ],
        min_count in 1_u64..4,
        now in 0_i64..40,
    ) {
        let rule = rule(&since, min_count);
        let history = deployed(errors(&minutes), &deployments);
        let mut begun: Vec<i64> = deployments.iter().copied().filter(|minute| *minute < now).collect();
        begun.sort_unstable();
        let start = now - 11;
        let memory = match &since {
            Value::String(since) if since == "last_deployment" => begun.last().copied(),
            Value::String(since) if since == "previous_deployment" => begun.iter().rev().nth(1).copied(),
            Value::Object(since) => Some(start - 1_440 * since["days"].as_i64().unwrap()),
            _ => None,
        }
        .unwrap_or(i64::MIN);
        let from = memory.max(start);
        let count = minutes.iter().filter(|minute| (from..now).contains(minute)).count() as u64;
        let seen = minutes.iter().any(|minute| (memory..from).contains(minute));
        prop_assert_eq!(holds(rule, &history, now), count >= min_count && !seen);
    }
}
