//! `deployment_failure`: by how the newest finished attempt ended.

use domain::ids::DeploymentId;
use serde_json::json;
use testkit::Receiver;

use crate::test_app::{SOON, TestApp, text};

/// What a provider says of one attempt, this many seconds ago.
struct Report<'a> {
    id: DeploymentId,
    attempt: i32,
    status: &'a str,
    ago: i64,
}

impl TestApp {
    /// Stores a report about a deployment of production as the webhook service does: the newest standing, and history.
    async fn report(&self, report: Report<'_>) {
        let owner = self.db.owner().await;
        let sql = "INSERT INTO deployments (org_id, id, service_id, environment_id, provider, external_id, attempt,
                status, status_at, name, version, commit_sha)
            VALUES ($1, $2, $3, $4, 'api', $2::uuid::text, $5, $6, now() - make_interval(secs => $7), 'deploy',
                'v1.2.3', '0123456789abcdef')
            ON CONFLICT (org_id, id) DO UPDATE
            SET attempt = excluded.attempt, status = excluded.status, status_at = excluded.status_at";
        let (org, ago) = (&self.org, report.ago as f64);
        owner
            .execute(
                sql,
                &[
                    &org.org_id,
                    &report.id,
                    &org.service_id,
                    &org.production,
                    &report.attempt,
                    &report.status,
                    &ago,
                ],
            )
            .await
            .unwrap();
        let sql = "INSERT INTO deployment_status_history (org_id, deployment_id, attempt, status, at)
            VALUES ($1, $2, $3, $4, now() - make_interval(secs => $5))";
        owner
            .execute(
                sql,
                &[&org.org_id, &report.id, &report.attempt, &report.status, &ago],
            )
            .await
            .unwrap();
    }

    /// A deployment that was tried once and ended like this; its id.
    pub(crate) async fn deployed(&self, status: &str, ago: i64) -> DeploymentId {
        let id = DeploymentId::generate();
        let attempt = 1;
        self.report(Report {
            id,
            attempt,
            status,
            ago,
        })
        .await;
        id
    }

    async fn deployment_rule(&self) -> String {
        self.rule(json!({
            "name": "deployments",
            "type": "deployment_failure",
            "params": {},
            "severity": "critical",
            "service_id": self.org.service_id,
        }))
        .await
    }
}

#[tokio::test]
async fn a_failed_deployment_opens_an_incident_and_the_next_success_resolves_it() {
    let app = TestApp::start().await;
    let receiver = Receiver::discord().await;
    let config = json!({"webhook_url": receiver.url()});
    app.channel(json!({"type": "discord", "name": "ops", "config": config}))
        .await;
    app.deployment_rule().await;
    app.deployed("success", 300).await;
    assert_eq!(app.sweep().await["opened"], 0);
    app.deployed("failure", 200).await;
    assert_eq!(app.sweep().await["opened"], 1);
    app.deployed("failure", 100).await;
    assert_eq!(
        app.sweep().await["opened"],
        0,
        "a second failure is the same problem"
    );
    let incident = app.incidents().await.remove(0);
    assert_eq!(incident["summary"], "deployment deploy v1.2.3 (0123456) failed");
    assert_eq!(incident["severity"], "critical");
    app.deployed("success", 50).await;
    assert_eq!(app.sweep().await["resolved"], 1, "at once");
    let told = receiver.wait_for(2, SOON).await;
    receiver.assert_no_faults();
    assert!(
        told[0].text().contains("Incident opened: deployments"),
        "{}",
        told[0].text()
    );
    assert!(told[1].text().contains("succeeded"), "{}", told[1].text());
    app.everything_is_told().await;
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn what_was_cancelled_or_superseded_neither_fails_nor_succeeds() {
    let app = TestApp::start().await;
    app.deployment_rule().await;
    app.deployed("failure", 300).await;
    app.sweep().await;
    app.deployed("cancelled", 200).await;
    app.deployed("superseded", 190).await;
    app.deployed("in_progress", 180).await;
    assert_eq!(app.sweep().await["resolved"], 0);
    assert_eq!(app.incidents().await[0]["status"], "open");
}

#[tokio::test]
async fn a_re_run_that_is_under_way_does_not_hide_that_the_attempt_before_it_failed() {
    let app = TestApp::start().await;
    app.deployment_rule().await;
    app.deployed("success", 500).await;
    let id = app.deployed("failure", 400).await;
    app.sweep().await;
    let attempt = 2;
    app.report(Report {
        id,
        attempt,
        status: "in_progress",
        ago: 300,
    })
    .await;
    assert_eq!(app.sweep().await["resolved"], 0, "it has not ended");
    app.report(Report {
        id,
        attempt,
        status: "success",
        ago: 200,
    })
    .await;
    assert_eq!(app.sweep().await["resolved"], 1);
}

#[tokio::test]
async fn a_success_that_is_superseded_later_remains_a_success() {
    let app = TestApp::start().await;
    app.deployed("failure", 500).await;
    let id = app.deployed("success", 400).await;
    app.report(Report {
        id,
        attempt: 1,
        status: "superseded",
        ago: 300,
    })
    .await;
    app.pass(10).await;
    app.deployment_rule().await;
    app.sweep().await;
    assert_eq!(app.incidents().await.len(), 0);
}

#[tokio::test]
async fn a_failure_that_was_cancelled_in_the_end_is_no_failure() {
    let app = TestApp::start().await;
    let id = app.deployed("failure", 400).await;
    app.report(Report {
        id,
        attempt: 1,
        status: "cancelled",
        ago: 300,
    })
    .await;
    app.pass(10).await;
    app.deployment_rule().await;
    app.sweep().await;
    assert_eq!(app.incidents().await.len(), 0);
}

#[tokio::test]
async fn deleting_the_service_resolves_what_its_rule_opened() {
    let app = TestApp::start().await;
    app.deployment_rule().await;
    app.deployed("failure", 100).await;
    app.sweep().await;
    let id = text(&app.incidents().await[0]["id"]);
    let sql = "DELETE FROM services WHERE id = $1";
    app.db
        .owner()
        .await
        .execute(sql, &[&app.org.service_id])
        .await
        .unwrap();
    assert_eq!(app.sweep().await["resolved"], 1);
    assert_eq!(
        app.timeline(&id).await,
        ["opened", "nobody_told", "firing_ended", "resolved", "nobody_told"]
    );
}
