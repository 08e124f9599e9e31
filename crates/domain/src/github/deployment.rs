//! `deployment` and `deployment_status`: GitHub's own deployments.

use super::payload::Payload;
use super::reading::{Ignored, Reading, Target, address, line, shown, time};
use crate::deployment::{DeploymentStatus, Progress};
use crate::deployment_report::{Description, Report, limits};
use crate::ids::EnvironmentId;

/// A deployment was created: nothing has run yet.
pub(super) fn read_created(payload: &Payload, target: Target<'_>) -> Result<Reading, Ignored> {
    let at = time(payload, "/deployment/created_at")
        .or_else(|| time(payload, "/deployment/updated_at"))
        .ok_or(Ignored::Missing("deployment.created_at"))?;
    reading(payload, target, DeploymentStatus::Pending, at)
}

/// A deployment got a new status.
pub(super) fn read_status(payload: &Payload, target: Target<'_>) -> Result<Reading, Ignored> {
    let status = status(payload)?;
    let at = time(payload, "/deployment_status/updated_at")
        .or_else(|| time(payload, "/deployment_status/created_at"))
        .ok_or(Ignored::Missing("deployment_status.updated_at"))?;
    reading(payload, target, status, at)
}

fn reading(
    payload: &Payload,
    target: Target<'_>,
    status: DeploymentStatus,
    at: time::OffsetDateTime,
) -> Result<Reading, Ignored> {
    let id = payload
        .number("/deployment/id")
        .ok_or(Ignored::Missing("deployment.id"))?;
    Ok(Reading::Deployment {
        external_id: format!("deployment:{id}"),
        report: Box::new(Report {
            // GitHub has no second try of a deployment: a re-run makes a new one.
            progress: Progress {
                attempt: 1,
                status,
                at,
            },
            environment_id: environment(payload, target)?,
            started_at: (status == DeploymentStatus::InProgress).then_some(at),
            finished_at: status.is_finished().then_some(at),
            description: description(payload),
        }),
    })
}

fn status(payload: &Payload) -> Result<DeploymentStatus, Ignored> {
    let state = payload
        .text("/deployment_status/state")
        .ok_or(Ignored::Missing("deployment_status.state"))?;
    match state {
        "queued" | "pending" | "waiting" => Ok(DeploymentStatus::Pending),
        "in_progress" => Ok(DeploymentStatus::InProgress),
        "success" => Ok(DeploymentStatus::Success),
        "failure" | "error" => Ok(DeploymentStatus::Failure),
        "inactive" => Ok(DeploymentStatus::Superseded),
        other => Err(Ignored::Unknown {
            field: "deployment_status.state",
            value: shown(other),
        }),
    }
}

fn environment(payload: &Payload, target: Target<'_>) -> Result<EnvironmentId, Ignored> {
    let name = payload
        .text("/deployment/environment")
        .or_else(|| payload.text("/deployment_status/environment"))
        .ok_or(Ignored::Missing("deployment.environment"))?;
    if let Some(entry) = target.mapping.get(name) {
        return target.follow(entry, name);
    }
    if let Some(same_name) = target.find(name) {
        return Ok(same_name);
    }
    match target.mapping.any() {
        Some(entry) => target.follow(entry, "*"),
        None => Err(Ignored::UnmappedEnvironment(shown(name))),
    }
}

fn description(payload: &Payload) -> Description {
    let link = |pointer| address(payload, pointer);
    Description {
        name: line(payload, "/deployment/task", limits::NAME),
        commit_sha: line(payload, "/deployment/sha", limits::COMMIT_SHA),
        commit_message: None,
        git_ref: line(payload, "/deployment/ref", limits::REF),
        version: None,
        actor: line(payload, "/deployment/creator/login", limits::ACTOR),
        url: link("/deployment_status/log_url").or_else(|| link("/deployment_status/target_url")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::reading::{Ping, read};
    use super::*;
    use crate::deployment_report::Standing;
    use crate::github::mapping::EnvironmentMapping;
    use crate::github::repository::RepoPart;

    fn id(number: u128) -> EnvironmentId {
        EnvironmentId(uuid::Uuid::from_u128(number))
    }

    /// `production` is 1, `staging` is 2.
    fn read_with(event: &str, mapping: Value, delivery: &Value) -> Result<Reading, Ignored> {
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
        read(event, &payload, target)
    }

    fn report(event: &str, mapping: Value, delivery: &Value) -> Result<Report, Ignored> {
        match read_with(event, mapping, delivery)? {
            Reading::Deployment { report, .. } => Ok(*report),
            other @ Reading::Ping(_) => panic!("{other:?}"),
        }
    }

    fn created(environment: &str) -> Value {
        json!({
            "action": "created",
            "repository": {"id": 5, "full_name": "acme/shop", "default_branch": "main"},
            "deployment": {
                "id": 9, "environment": environment, "task": "deploy", "ref": "main", "sha": "abc",
                "creator": {"login": "ann"},
                "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:09:00Z",
            },
        })
    }

    fn status(state: &str, at: &str) -> Value {
        let mut delivery = created("production");
        delivery["deployment_status"] = json!({
            "state": state, "log_url": "https://ci.example/9", "created_at": at, "updated_at": at,
        });
        delivery
    }

    #[test]
    fn a_created_deployment_is_pending_since_its_creation() {
        let read = read_with("deployment", json!({}), &created("production")).unwrap();
        let Reading::Deployment { external_id, report } = read else {
            panic!("{read:?}")
        };
        assert_eq!(external_id, "deployment:9");
        assert_eq!(report.progress.status, DeploymentStatus::Pending);
        assert_eq!(report.progress.at, time::macros::datetime!(2026-03-01 10:00 UTC));
        assert_eq!((report.started_at, report.finished_at), (None, None));
        assert_eq!(report.description.actor.as_deref(), Some("ann"));
    }

    #[rstest::rstest]
    #[case("queued", DeploymentStatus::Pending)]
    #[case("pending", DeploymentStatus::Pending)]
    #[case("waiting", DeploymentStatus::Pending)]
    #[case("in_progress", DeploymentStatus::InProgress)]
    #[case("success", DeploymentStatus::Success)]
    #[case("failure", DeploymentStatus::Failure)]
    #[case("error", DeploymentStatus::Failure)]
    #[case("inactive", DeploymentStatus::Superseded)]
    fn every_state_has_its_status(#[case] state: &str, #[case] expected: DeploymentStatus) {
        let delivery = status(state, "2026-03-01T10:05:00Z");
        let report = report("deployment_status", json!({}), &delivery).unwrap();
        assert_eq!(report.progress.status, expected);
        assert_eq!(
            report.started_at.is_some(),
            expected == DeploymentStatus::InProgress
        );
        assert_eq!(report.finished_at.is_some(), expected.is_finished());
        assert_eq!(report.description.url.as_deref(), Some("https://ci.example/9"));
    }

    #[rstest::rstest]
    #[case::mapped(json!({"production": "staging"}), "production", Ok(2))]
    #[case::same_name(json!({"*": "staging"}), "production", Ok(1))]
    #[case::any(json!({"*": "staging"}), "preview-7", Ok(2))]
    #[case::unmapped(json!({}), "preview-7", Err("\"preview-7\" is neither in the environment mapping"))]
    #[case::excluded(json!({"preview-7": null, "*": "staging"}), "preview-7", Err("\"preview-7\" is not a deployment"))]
    #[case::gone(json!({"preview-7": "test"}), "preview-7", Err("the environment \"test\", which the service does not have"))]
    fn the_mapping_decides_the_environment(
        #[case] mapping: Value,
        #[case] name: &str,
        #[case] expected: Result<u128, &str>,
    ) {
        match (report("deployment", mapping, &created(name)), expected) {
            (Ok(report), Ok(number)) => assert_eq!(report.environment_id, id(number)),
            (Err(reason), Err(part)) => assert!(reason.to_string().contains(part), "{reason}"),
            (found, _) => panic!("{found:?}"),
        }
    }

    #[rstest::rstest]
    #[case("deployment", "/deployment/id", "lacks a usable deployment.id")]
    #[case(
        "deployment",
        "/deployment/environment",
        "lacks a usable deployment.environment"
    )]
    #[case(
        "deployment_status",
        "/deployment_status/state",
        "lacks a usable deployment_status.state"
    )]
    fn what_is_missing_is_named(#[case] event: &str, #[case] pointer: &str, #[case] expected: &str) {
        let mut delivery = status("success", "2026-03-01T10:05:00Z");
        *delivery.pointer_mut(pointer).unwrap() = Value::Null;
        let reason = report(event, json!({}), &delivery).unwrap_err().to_string();
        assert!(reason.contains(expected), "{reason}");
    }

    #[rstest::rstest]
    #[case(json!({"hook": {"events": ["push", "workflow_run"]}}), Ok(Ping::Good))]
    #[case(json!({"hook": {"events": ["*"]}}), Ok(Ping::Good))]
    #[case(json!({}), Ok(Ping::Good))]
    #[case(json!({"hook": {"events": ["push"]}}), Ok(Ping::SendsNothing))]
    #[case(json!({"repository": {"full_name": "acme/other"}}), Err(()))]
    fn a_ping_tells_whether_the_webhook_is_set_up_well(
        #[case] delivery: Value,
        #[case] expected: Result<Ping, ()>,
    ) {
        let read = read_with("ping", json!({}), &delivery);
        assert_eq!(read.map_err(|_reason| ()), expected.map(Reading::Ping));
    }

    #[test]
    fn other_events_are_ignored_by_name() {
        let reason = read_with("push", json!({}), &created("production")).unwrap_err();
        assert!(
            reason
                .to_string()
                .starts_with("events of the kind push tell nothing")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn every_order_of_a_deployments_deliveries_ends_the_same(
            order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let deliveries = [
                ("deployment", created("production")),
                ("deployment_status", status("queued", "2026-03-01T10:00:00Z")),
                ("deployment_status", status("in_progress", "2026-03-01T10:01:00Z")),
                ("deployment_status", status("failure", "2026-03-01T10:02:00Z")),
                ("deployment_status", status("success", "2026-03-01T10:03:00Z")),
                ("deployment_status", status("inactive", "2026-03-02T10:00:00Z")),
            ];
            let fold = |order: &[usize]| {
                let mut reports = order.iter().map(|&index| {
                    let (event, delivery) = &deliveries[index];
                    report(event, json!({}), delivery).unwrap()
                });
                let first = Standing::from(reports.next().unwrap());
                reports.fold(first, Standing::after)
            };
            prop_assert_eq!(fold(&order), fold(&[0, 1, 2, 3, 4, 5]));
        }
    }
}
