//! `workflow_run`: a run of GitHub Actions as a deployment.

use super::payload::Payload;
use super::reading::{Ignored, Reading, Target, address, line, shown, time};
use crate::deployment::{DeploymentStatus, Progress};
use crate::deployment_report::{Description, Report, limits, many_lines};
use crate::ids::EnvironmentId;

/// Where runs of the default branch go when no mapping says otherwise.
const DEFAULT_ENVIRONMENT: &str = "production";

pub(super) fn read(payload: &Payload, target: Target<'_>) -> Result<Reading, Ignored> {
    let id = payload
        .number("/workflow_run/id")
        .ok_or(Ignored::Missing("workflow_run.id"))?;
    if is_of_fork(payload) {
        return Err(Ignored::Fork);
    }
    let environment_id = environment(payload, target)?;
    let status = status(payload)?;
    let at = time(payload, "/workflow_run/updated_at").ok_or(Ignored::Missing("workflow_run.updated_at"))?;
    let started_at = time(payload, "/workflow_run/run_started_at");
    Ok(Reading::Deployment {
        external_id: format!("workflow_run:{id}"),
        report: Box::new(Report {
            progress: Progress {
                attempt: attempt(payload),
                status,
                at,
            },
            environment_id,
            started_at: started_at.filter(|_| status != DeploymentStatus::Pending),
            finished_at: status.is_finished().then_some(at),
            description: description(payload),
        }),
    })
}

/// GitHub sends null for the repository of a fork that was deleted, so a run that does not prove to be of the
/// repository itself counts as a fork's.
fn is_of_fork(payload: &Payload) -> bool {
    let ids = payload
        .number("/workflow_run/head_repository/id")
        .zip(payload.number("/repository/id"));
    ids.is_none_or(|(head, own)| head != own)
}

fn attempt(payload: &Payload) -> i32 {
    let attempt = payload.number("/workflow_run/run_attempt").unwrap_or(1);
    i32::try_from(attempt).unwrap_or(i32::MAX)
}

fn workflow(payload: &Payload) -> Option<&str> {
    payload
        .text("/workflow_run/name")
        .or_else(|| payload.text("/workflow/name"))
}

fn environment(payload: &Payload, target: Target<'_>) -> Result<EnvironmentId, Ignored> {
    let (workflow, branch) = (workflow(payload), payload.text("/workflow_run/head_branch"));
    let by_workflow = workflow.and_then(|name| Some((name, target.mapping.get(name)?)));
    let event = payload.text("/workflow_run/event").unwrap_or_default();
    if event.starts_with("pull_request") && by_workflow.is_none() {
        let workflow = shown(workflow.unwrap_or_default());
        return Err(Ignored::PullRequest {
            event: shown(event),
            workflow,
        });
    }
    let by_branch = || branch.and_then(|name| Some((name, target.mapping.get(name)?)));
    let by_default = || Some(("*", target.mapping.any()?));
    match by_workflow.or_else(by_branch).or_else(by_default) {
        Some((key, entry)) => target.follow(entry, key),
        None if branch.is_some() && branch == payload.text("/repository/default_branch") => target
            .find(DEFAULT_ENVIRONMENT)
            .ok_or_else(|| Ignored::NoSuchEnvironment(DEFAULT_ENVIRONMENT.to_owned())),
        None => Err(Ignored::UnmappedRun {
            workflow: shown(workflow.unwrap_or_default()),
            branch: shown(branch.unwrap_or_default()),
        }),
    }
}

fn status(payload: &Payload) -> Result<DeploymentStatus, Ignored> {
    let status = payload
        .text("/workflow_run/status")
        .or_else(|| payload.text("/action"))
        .ok_or(Ignored::Missing("workflow_run.status"))?;
    match status {
        "requested" | "queued" | "waiting" | "pending" => Ok(DeploymentStatus::Pending),
        "in_progress" => Ok(DeploymentStatus::InProgress),
        "completed" => conclusion(payload),
        other => Err(Ignored::Unknown {
            field: "workflow_run.status",
            value: shown(other),
        }),
    }
}

fn conclusion(payload: &Payload) -> Result<DeploymentStatus, Ignored> {
    let conclusion = payload
        .text("/workflow_run/conclusion")
        .ok_or(Ignored::Missing("workflow_run.conclusion"))?;
    match conclusion {
        "success" => Ok(DeploymentStatus::Success),
        "failure" | "timed_out" | "startup_failure" => Ok(DeploymentStatus::Failure),
        "cancelled" | "skipped" | "neutral" | "stale" | "action_required" => Ok(DeploymentStatus::Cancelled),
        other => Err(Ignored::Unknown {
            field: "workflow_run.conclusion",
            value: shown(other),
        }),
    }
}

fn description(payload: &Payload) -> Description {
    let actor = |pointer| line(payload, pointer, limits::ACTOR);
    Description {
        name: workflow(payload).and_then(|name| crate::deployment_report::one_line(name, limits::NAME)),
        commit_sha: line(payload, "/workflow_run/head_sha", limits::COMMIT_SHA),
        commit_message: payload
            .text("/workflow_run/head_commit/message")
            .and_then(|message| many_lines(message, limits::COMMIT_MESSAGE)),
        git_ref: line(payload, "/workflow_run/head_branch", limits::REF),
        version: None,
        actor: actor("/workflow_run/triggering_actor/login").or_else(|| actor("/workflow_run/actor/login")),
        url: address(payload, "/workflow_run/html_url"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};
    use serde_json::{Value, json};

    use super::super::reading::read;
    use super::*;
    use crate::deployment_report::Standing;
    use crate::github::mapping::EnvironmentMapping;
    use crate::github::repository::RepoPart;

    fn id(number: u128) -> EnvironmentId {
        EnvironmentId(uuid::Uuid::from_u128(number))
    }

    /// `production` is 1, `staging` is 2.
    fn read_with(mapping: Value, delivery: &Value) -> Result<Reading, Ignored> {
        let (owner, name): (RepoPart, RepoPart) = ("acme".parse().unwrap(), "shop".parse().unwrap());
        let mapping: EnvironmentMapping = serde_json::from_value(mapping).unwrap();
        let environments = [(id(1), "production".to_owned()), (id(2), "staging".to_owned())];
        let target = Target {
            repo_owner: &owner,
            repo_name: &name,
            mapping: &mapping,
            environments: &environments,
        };
        let payload = Payload::parse(delivery.to_string().as_bytes()).unwrap();
        read("workflow_run", &payload, target)
    }

    fn delivery(changes: Value) -> Value {
        let mut delivery = json!({
            "action": "completed",
            "repository": {"id": 5, "full_name": "acme/shop", "default_branch": "main"},
            "workflow_run": {
                "id": 77, "name": "Deploy", "run_attempt": 1, "event": "push", "status": "completed",
                "conclusion": "success", "head_branch": "main", "head_sha": "abc123",
                "head_commit": {"message": "Fix it\n\nReally"}, "head_repository": {"id": 5},
                "html_url": "https://github.com/acme/shop/actions/runs/77",
                "actor": {"login": "ann"}, "triggering_actor": {"login": "bob"},
                "run_started_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:05:00Z",
            },
        });
        merge(&mut delivery, changes);
        delivery
    }

    fn merge(into: &mut Value, changes: Value) {
        match (into, changes) {
            (Value::Object(into), Value::Object(changes)) => {
                for (key, change) in changes {
                    merge(into.entry(key).or_insert(Value::Null), change);
                }
            }
            (into, change) => *into = change,
        }
    }

    fn report(mapping: Value, changes: Value) -> Result<Report, Ignored> {
        match read_with(mapping, &delivery(changes))? {
            Reading::Deployment { report, .. } => Ok(*report),
            other @ Reading::Ping(_) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_run_is_read_with_all_that_people_want_to_know() {
        let read = read_with(json!({}), &delivery(json!({}))).unwrap();
        let Reading::Deployment { external_id, report } = read else {
            panic!("{read:?}")
        };
        assert_eq!(external_id, "workflow_run:77");
        assert_eq!(report.environment_id, id(1));
        assert_eq!(report.progress.status, DeploymentStatus::Success);
        assert_eq!(report.progress.at, time::macros::datetime!(2026-03-01 10:05 UTC));
        assert_eq!(
            report.started_at,
            Some(time::macros::datetime!(2026-03-01 10:00 UTC))
        );
        assert_eq!(report.finished_at, Some(report.progress.at));
        assert_eq!(
            report.description,
            Description {
                name: Some("Deploy".into()),
                commit_sha: Some("abc123".into()),
                commit_message: Some("Fix it\n\nReally".into()),
                git_ref: Some("main".into()),
                version: None,
                actor: Some("bob".into()),
                url: Some("https://github.com/acme/shop/actions/runs/77".into()),
            }
        );
    }

    #[rstest::rstest]
    #[case("requested", None, DeploymentStatus::Pending)]
    #[case("queued", None, DeploymentStatus::Pending)]
    #[case("waiting", None, DeploymentStatus::Pending)]
    #[case("pending", None, DeploymentStatus::Pending)]
    #[case("in_progress", None, DeploymentStatus::InProgress)]
    #[case("completed", Some("success"), DeploymentStatus::Success)]
    #[case("completed", Some("failure"), DeploymentStatus::Failure)]
    #[case("completed", Some("timed_out"), DeploymentStatus::Failure)]
    #[case("completed", Some("startup_failure"), DeploymentStatus::Failure)]
    #[case("completed", Some("cancelled"), DeploymentStatus::Cancelled)]
    #[case("completed", Some("skipped"), DeploymentStatus::Cancelled)]
    #[case("completed", Some("neutral"), DeploymentStatus::Cancelled)]
    #[case("completed", Some("stale"), DeploymentStatus::Cancelled)]
    #[case("completed", Some("action_required"), DeploymentStatus::Cancelled)]
    fn every_state_of_a_run_has_its_status(
        #[case] status: &str,
        #[case] conclusion: Option<&str>,
        #[case] expected: DeploymentStatus,
    ) {
        let run = json!({"workflow_run": {"status": status, "conclusion": conclusion}});
        let report = report(json!({}), run).unwrap();
        assert_eq!(report.progress.status, expected);
        assert_eq!(report.started_at.is_some(), expected != DeploymentStatus::Pending);
        assert_eq!(report.finished_at.is_some(), expected.is_finished());
    }

    #[rstest::rstest]
    #[case::default_branch(json!({}), "main", Ok(1))]
    #[case::other_branch(json!({}), "feature", Err("neither the workflow \"Deploy\" nor the branch \"feature\""))]
    #[case::workflow_first(json!({"Deploy": "staging", "main": "production"}), "main", Ok(2))]
    #[case::branch_next(json!({"main": "staging", "*": "production"}), "main", Ok(2))]
    #[case::any_last(json!({"*": "staging"}), "feature", Ok(2))]
    #[case::any_before_default(json!({"*": "staging"}), "main", Ok(2))]
    #[case::excluded(json!({"Deploy": null, "*": "production"}), "main", Err("\"Deploy\" is not a deployment"))]
    #[case::gone(json!({"main": "prod"}), "main", Err("the environment \"prod\", which the service does not have"))]
    fn the_mapping_decides_the_environment(
        #[case] mapping: Value,
        #[case] branch: &str,
        #[case] expected: Result<u128, &str>,
    ) {
        let found = report(mapping, json!({"workflow_run": {"head_branch": branch}}));
        match (found, expected) {
            (Ok(report), Ok(number)) => assert_eq!(report.environment_id, id(number)),
            (Err(reason), Err(part)) => assert!(reason.to_string().contains(part), "{reason}"),
            (found, _) => panic!("{found:?}"),
        }
    }

    #[rstest::rstest]
    #[case::other_id(json!({"workflow_run": {"head_repository": {"id": 6}}}))]
    #[case::deleted_fork(json!({"workflow_run": {"head_repository": null}}))]
    #[case::unprovable(json!({"repository": {"id": null}}))]
    fn a_run_of_a_fork_is_ignored_even_if_its_workflow_is_mapped(#[case] changes: Value) {
        assert_eq!(
            report(json!({"Deploy": "production", "*": "production"}), changes),
            Err(Ignored::Fork)
        );
    }

    #[rstest::rstest]
    #[case("pull_request", json!({"*": "staging"}), false)]
    #[case("pull_request_target", json!({"main": "staging"}), false)]
    #[case("pull_request", json!({"Deploy": "staging"}), true)]
    #[case("workflow_dispatch", json!({"*": "staging"}), true)]
    fn a_run_of_a_pull_request_counts_only_if_its_workflow_is_mapped(
        #[case] event: &str,
        #[case] mapping: Value,
        #[case] counts: bool,
    ) {
        let found = report(mapping, json!({"workflow_run": {"event": event}}));
        assert_eq!(found.is_ok(), counts, "{found:?}");
    }

    #[rstest::rstest]
    #[case(json!({"repository": {"full_name": "ACME/Shop"}}), None)]
    #[case(json!({"repository": {"full_name": "acme/shop2"}}), Some("about the repository \"acme/shop2\", but this integration is for acme/shop"))]
    #[case(json!({"repository": null}), Some("names no repository"))]
    #[case(json!({"workflow_run": {"id": "77"}}), Some("lacks a usable workflow_run.id"))]
    #[case(json!({"workflow_run": {"updated_at": "yesterday"}}), Some("lacks a usable workflow_run.updated_at"))]
    #[case(json!({"workflow_run": {"updated_at": "9999-12-31T23:59:59-10:00"}}), Some("workflow_run.updated_at"))]
    #[case(json!({"workflow_run": {"status": "dreaming"}}), Some("workflow_run.status is \"dreaming\""))]
    #[case(json!({"workflow_run": {"conclusion": null}}), Some("lacks a usable workflow_run.conclusion"))]
    #[case(json!({"workflow_run": {"conclusion": "meh"}}), Some("workflow_run.conclusion is \"meh\""))]
    #[case(json!({"workflow_run": {"status": null}}), None)]
    #[case(json!({"workflow_run": {"name": null, "head_commit": null, "actor": 1, "triggering_actor": [], "run_attempt": -3}}), None)]
    fn what_is_missing_is_tolerated_or_named(#[case] changes: Value, #[case] reason: Option<&str>) {
        match (report(json!({}), changes), reason) {
            (Ok(_), None) => {}
            (Err(ignored), Some(part)) => assert!(ignored.to_string().contains(part), "{ignored}"),
            (found, _) => panic!("{found:?}"),
        }
    }

    #[test]
    fn hostile_texts_are_cut_and_cleaned() {
        let report = report(
            json!({"*": "production"}),
            json!({"workflow_run": {
                "name": "a\u{1b}[31m\nb", "head_branch": "x".repeat(5_000), "html_url": "javascript:alert(1)",
                "head_commit": {"message": "m\0\n".repeat(5_000)}, "run_attempt": u64::MAX,
            }}),
        )
        .unwrap();
        let description = report.description;
        assert_eq!(description.name.as_deref(), Some("a[31mb"));
        assert_eq!(description.git_ref.unwrap().len(), limits::REF);
        assert_eq!(
            description.commit_message.unwrap().chars().count(),
            limits::COMMIT_MESSAGE
        );
        assert_eq!(description.url, None);
        assert_eq!(report.progress.attempt, i32::MAX);
    }

    /// What the deliveries of one run with up to three attempts say, in the order in which GitHub sends them.
    fn reports_of_a_run() -> impl Strategy<Value = Vec<Report>> {
        let conclusions = [
            "success",
            "failure",
            "cancelled",
            "timed_out",
            "skipped",
            "action_required",
        ];
        prop::collection::vec((select(conclusions.to_vec()), 0..3_u8), 1..4).prop_map(|attempts| {
            let attempts = attempts.into_iter().enumerate();
            attempts
                .flat_map(|(index, (conclusion, seconds))| reports_of_attempt(index, conclusion, seconds))
                .collect()
        })
    }

    /// Two steps may fall into the same second.
    fn reports_of_attempt(index: usize, conclusion: &str, seconds: u8) -> [Report; 3] {
        let minute = 10 + index * 10;
        let steps = [
            ("queued", None, 0),
            ("in_progress", None, seconds),
            ("completed", Some(conclusion), 2 * seconds),
        ];
        steps.map(|(status, conclusion, second)| {
            report_of(&delivery(json!({"workflow_run": {
                "run_attempt": index + 1, "status": status, "conclusion": conclusion,
                "run_started_at": format!("2026-03-01T10:{minute}:00Z"),
                "updated_at": format!("2026-03-01T10:{minute}:{second:02}Z"),
                "triggering_actor": {"login": format!("person-{index}")},
            }})))
        })
    }

    fn report_of(delivery: &Value) -> Report {
        match read_with(json!({}), delivery) {
            Ok(Reading::Deployment { report, .. }) => *report,
            other => panic!("{other:?}"),
        }
    }

    fn fold(reports: &[Report]) -> Standing {
        let first = Standing::from(reports[0].clone());
        reports[1..].iter().cloned().fold(first, Standing::after)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn every_order_of_a_runs_deliveries_with_any_repeats_ends_the_same(
            (reports, shuffled) in reports_of_a_run()
                .prop_flat_map(|reports| (Just(reports.clone()), Just(reports).prop_shuffle())),
            picks in prop::collection::vec(any::<Index>(), 0..6),
        ) {
            let mut arrived = shuffled.clone();
            for pick in picks {
                arrived.insert(pick.index(arrived.len()), pick.get(&shuffled).clone());
            }
            prop_assert_eq!(fold(&reports), fold(&arrived));
        }
    }
}
