use super::*;
use crate::alerting::evaluator::{NoData, Reading};
use crate::alerting::history::{Counts, Series};

fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_400 + second).unwrap()
}

fn condition(kind: RuleType, params: &Value) -> Condition {
    Condition::parse(kind, params).unwrap()
}

fn with_lines(bins: &[(i64, u64, u64)]) -> History {
    let bins = bins.iter().map(|(second, lines, errors)| {
        (
            at(*second),
            Counts {
                lines: *lines,
                errors: *errors,
            },
        )
    });
    History {
        lines: Series::new(bins),
        ..History::default()
    }
}

fn reading(observed: Observation) -> Reading {
    match observed {
        Observation::Read(reading) => reading,
        other => panic!("{other:?} is no reading"),
    }
}

#[rstest::rstest]
#[case(RuleType::ErrorCount, json!({"threshold": 20, "window_seconds": 60}))]
#[case(RuleType::ErrorRate, json!({"threshold_percent": 2.5, "window_seconds": 60, "min_lines": 100}))]
#[case(RuleType::NewPattern, json!({"since": "ever", "min_count": 1, "window_minutes": 60}))]
#[case(RuleType::NewPattern, json!({"since": "last_deployment", "min_count": 5, "window_minutes": 5}))]
#[case(RuleType::NewPattern, json!({"since": "previous_deployment", "min_count": 5, "window_minutes": 1_440}))]
#[case(RuleType::NewPattern, json!({"since": {"days": 30}, "min_count": 5, "window_minutes": 60}))]
#[case(RuleType::LogQuery, json!({"q": "timeout", "threshold": 1, "comparison": "below", "window_seconds": 60}))]
#[case(RuleType::LogQuery, json!({"q": "level:error", "threshold": 1, "comparison": "at_least", "window_seconds": 60,
    "group_by": ["http.path"]}))]
#[case(RuleType::Silence, json!({"window_seconds": 600}))]
#[case(RuleType::DeploymentFailure, json!({}))]
#[case(RuleType::DeployRegression, json!({"window_seconds": 600, "min_errors": 10, "factor": 2.0}))]
#[case(RuleType::Heartbeat, json!({"every_seconds": 3600, "grace_seconds": 60}))]
fn parameters_round_trip(#[case] kind: RuleType, #[case] params: Value) {
    let parsed = condition(kind, &params);
    assert_eq!(parsed.params(), params);
    assert_eq!(parsed.kind(), kind);
    assert_eq!(kind.as_str().parse(), Ok(kind));
}

#[rstest::rstest]
#[case(RuleType::ErrorCount, json!({"window_seconds": 60}), "threshold")]
#[case(RuleType::ErrorCount, json!({"threshold": 0, "window_seconds": 60}), "threshold")]
#[case(RuleType::ErrorCount, json!({"threshold": 1.5, "window_seconds": 60}), "threshold")]
#[case(RuleType::ErrorCount, json!({"threshold": "20", "window_seconds": 60}), "threshold")]
#[case(RuleType::ErrorCount, json!({"threshold": 1e300_f64, "window_seconds": 60}), "threshold")]
#[case(RuleType::ErrorCount, json!({"threshold": 1, "window_seconds": 9}), "window_seconds")]
#[case(RuleType::ErrorCount, json!({"threshold": 1, "window_seconds": 86_401}), "window_seconds")]
#[case(RuleType::ErrorCount, json!({"threshold": 1, "window_seconds": 60, "q": "x"}), "q")]
#[case(RuleType::ErrorRate, json!({"threshold_percent": 0, "window_seconds": 60, "min_lines": 1}), "threshold_percent")]
#[case(RuleType::ErrorRate, json!({"threshold_percent": 101, "window_seconds": 60, "min_lines": 1}), "threshold_percent")]
#[case(RuleType::ErrorRate, json!({"threshold_percent": 1, "window_seconds": 60}), "min_lines")]
#[case(RuleType::NewPattern, json!({"min_count": 0, "window_minutes": 60}), "min_count")]
#[case(RuleType::NewPattern, json!({"window_minutes": 60}), "min_count")]
#[case(RuleType::NewPattern, json!({"min_count": 1, "window_minutes": 4}), "window_minutes")]
#[case(RuleType::NewPattern, json!({"min_count": 1, "window_minutes": 1_441}), "window_minutes")]
#[case(RuleType::NewPattern, json!({"min_count": 1, "window_minutes": 60, "since": "yesterday"}), "since")]
#[case(RuleType::NewPattern, json!({"min_count": 1, "window_minutes": 60, "since": {"days": 0}}), "since")]
#[case(RuleType::NewPattern, json!({"min_count": 1, "window_minutes": 60, "since": {"days": 31}}), "since")]
#[case(RuleType::NewPattern, json!({"min_count": 1, "window_minutes": 60, "since": {"days": 1, "hours": 1}}), "since")]
#[case(RuleType::NewPattern, json!({"min_count": 1, "window_minutes": 60, "since": 7}), "since")]
#[case(RuleType::NewPattern, json!({"min_count": 1, "window_minutes": 60, "window_seconds": 60}), "window_seconds")]
#[case(RuleType::LogQuery, json!({"q": "a OR", "threshold": 1, "window_seconds": 60}), "q")]
#[case(RuleType::LogQuery, json!({"q": "a | stats count()", "threshold": 1, "window_seconds": 60}), "q")]
#[case(RuleType::LogQuery, json!({"q": "a ts:>now-1h", "threshold": 1, "window_seconds": 60}), "q")]
#[case(RuleType::LogQuery, json!({"q": "a", "threshold": 1, "window_seconds": 3_601}), "window_seconds")]
#[case(RuleType::LogQuery, json!({"q": "a", "threshold": 1, "window_seconds": 60, "comparison": "<"}), "comparison")]
#[case(RuleType::LogQuery, json!({"q": "a", "threshold": 1, "window_seconds": 60, "group_by": "b"}), "group_by")]
#[case(RuleType::LogQuery, json!({"q": "a", "threshold": 1, "window_seconds": 60, "group_by": ["b", "b"]}), "group_by")]
#[case(RuleType::LogQuery, json!({"q": "a", "threshold": 1, "window_seconds": 60, "group_by": ["b, c"]}), "group_by")]
#[case(RuleType::LogQuery, json!({"q": "a", "threshold": 1, "window_seconds": 60, "group_by": ["b every 1d"]}), "group_by")]
#[case(RuleType::LogQuery, json!({"q": "a", "threshold": 1, "window_seconds": 60, "group_by": ["service"]}), "group_by")]
#[case(RuleType::LogQuery, json!({"q": "a", "threshold": 1, "window_seconds": 60, "comparison": "below",
    "group_by": ["b"]}), "group_by")]
#[case(RuleType::Silence, json!({"window_seconds": 59}), "window_seconds")]
#[case(RuleType::DeploymentFailure, json!({"threshold": 1}), "threshold")]
#[case(RuleType::DeployRegression, json!({"window_seconds": 60, "min_errors": 0, "factor": 2}), "min_errors")]
#[case(RuleType::DeployRegression, json!({"window_seconds": 60, "min_errors": 1, "factor": 0.5}), "factor")]
#[case(RuleType::Heartbeat, json!({"every_seconds": 29, "grace_seconds": 0}), "every_seconds")]
#[case(RuleType::DeploymentFailure, json!([]), "")]
#[case(RuleType::ErrorCount, json!(null), "")]
fn a_wrong_parameter_is_named(#[case] kind: RuleType, #[case] params: Value, #[case] field: &str) {
    assert_eq!(Condition::parse(kind, &params).unwrap_err().field, field);
}

#[test]
fn a_count_holds_from_its_threshold_on_and_looks_at_its_window() {
    let count = condition(
        RuleType::ErrorCount,
        &json!({"threshold": 2, "window_seconds": 60}),
    );
    let one = reading(count.judge(&with_lines(&[(0, 5, 1)]), at(60)));
    assert!(!one.holds);
    assert_eq!(one.detail, "1 error in the last 60 s (threshold 2)");
    let history = with_lines(&[(0, 1, 1), (55, 1, 1)]);
    assert!(reading(count.judge(&history, at(60))).holds);
    assert!(
        reading(count.judge(&history, at(65))).holds,
        "both may have come within 60 s"
    );
    assert!(!reading(count.judge(&history, at(70))).holds);
    assert!(!reading(count.judge(&history, at(55))).holds, "what comes later");
}

#[test]
fn a_rate_needs_lines() {
    let params = json!({"threshold_percent": 10, "window_seconds": 60, "min_lines": 20});
    let rate = condition(RuleType::ErrorRate, &params);
    assert!(!reading(rate.judge(&with_lines(&[(0, 19, 19)]), at(5))).holds);
    assert!(reading(rate.judge(&with_lines(&[(0, 20, 2)]), at(5))).holds);
    assert!(!reading(rate.judge(&with_lines(&[(0, 21, 2)]), at(5))).holds);
}

#[test]
fn silence_needs_a_source_that_has_spoken() {
    let silence = condition(RuleType::Silence, &json!({"window_seconds": 60}));
    assert_eq!(
        silence.judge(&History::default(), at(500)),
        Observation::NoData(NoData::NeverSeen)
    );
    let history = with_lines(&[(0, 1, 0)]);
    assert!(
        !reading(silence.judge(&history, at(60))).holds,
        "it may have come at 4 s"
    );
    assert!(reading(silence.judge(&history, at(65))).holds);
    let long_ago = History {
        last_before: Some(at(-90_000)),
        ..History::default()
    };
    assert!(reading(silence.judge(&long_ago, at(0))).holds);
}

#[test]
fn of_a_part_of_the_lines_only_enough_is_known() {
    let params =
        |comparison| json!({"q": "x", "threshold": 2, "window_seconds": 60, "comparison": comparison});
    let with = |lines| History {
        is_partial: true,
        ..with_lines(&[(0, lines, 0)])
    };
    for comparison in ["at_least", "below"] {
        let query = condition(RuleType::LogQuery, &params(comparison));
        let unknown = Observation::NoData(NoData::Partial);
        assert_eq!(query.judge(&with(1), at(5)), unknown, "{comparison}");
        let holds = reading(query.judge(&with(2), at(5))).holds;
        assert_eq!(holds, comparison == "at_least");
    }
}

#[test]
fn a_heartbeat_is_overdue_after_its_grace_and_never_before_its_first_call() {
    let heartbeat = condition(
        RuleType::Heartbeat,
        &json!({"every_seconds": 60, "grace_seconds": 10}),
    );
    let never = heartbeat.judge(&History::default(), at(0));
    assert_eq!(never, Observation::NoData(NoData::NeverSeen));
    let history = History {
        beats: vec![at(0), at(60)],
        ..History::default()
    };
    assert!(!reading(heartbeat.judge(&history, at(130))).holds);
    assert!(reading(heartbeat.judge(&history, at(131))).holds);
    assert!(
        !reading(heartbeat.judge(&history, at(50))).holds,
        "the call to come"
    );
}

#[test]
fn runbooks_are_checked() {
    let runbook = |url: &str| RunbookUrl::try_from(url.to_owned()).is_ok();
    assert!(runbook("https://runbooks.example.com/a?b#c"));
    for wrong in ["http://a", "javascript:alert(1)", "https://u:p@a", "a", ""] {
        assert!(!runbook(wrong), "{wrong}");
    }
}

#[test]
fn a_scope_covers_what_it_names_and_nothing_else() {
    let (service, environment) = (ServiceId::generate(), EnvironmentId::generate());
    let everywhere = RuleScope::default();
    let one_service = RuleScope {
        service_id: Some(service),
        environment_id: None,
    };
    let one_environment = RuleScope {
        service_id: Some(service),
        environment_id: Some(environment),
    };
    for scope in [everywhere, one_service, one_environment] {
        assert!(scope.covers(service, environment));
    }
    assert!(everywhere.covers(ServiceId::generate(), environment));
    assert!(!one_service.covers(ServiceId::generate(), environment));
    assert!(!one_environment.covers(service, EnvironmentId::generate()));
}
