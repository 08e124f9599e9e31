//! The main job: an application's trouble becomes one incident and one page for everybody on call, and its end one
//! notice; with the broker, without it, and when it is lost on the way.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{GitHub, INTERNAL_SECRET, PrivateRabbit, Service, Stack, WorkflowRun, eventually};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::company::{Company, INGEST, text};
use crate::links;
use crate::on_call::{OnCall, Told, all_is_sent};

/// From the last 2xx to an open incident, with the broker: the contract.
const BY_EVENT: Duration = Duration::from_secs(2);
/// The sweep of the tests without a broker; the incident opens within it and the time for an evaluation.
const SWEEP_SECONDS: u64 = 1;
const BY_SWEEP: Duration = Duration::from_secs(SWEEP_SECONDS + 2);
/// Nobody listens there.
const NO_BROKER: &str = "amqp://guest:guest@127.0.0.1:1/%2f";

const THRESHOLD: usize = 20;
const WINDOW: Duration = Duration::from_secs(10);

/// An organisation with everybody on call and both rules.
struct Journey {
    stack: Stack,
    company: Company,
    on_call: OnCall,
}

impl Journey {
    /// Once everybody hears of events.
    async fn begin(stack: Stack) -> Self {
        links::are_up(&stack).await;
        Self::begin_without_events(stack).await
    }

    async fn begin_without_events(stack: Stack) -> Self {
        let company = Company::sign_up(&stack.gateway()).await;
        let on_call = OnCall::connect(&company).await;
        let params = json!({"threshold": THRESHOLD, "window_seconds": WINDOW.as_secs()});
        let burst =
            json!({"name": "Error burst", "type": "error_count", "params": params, "severity": "high"});
        company.make("/api/alerts", burst).await;
        let failure = json!({"name": "Failed deployment", "type": "deployment_failure", "params": {}, "severity": "critical"});
        company.make("/api/alerts", failure).await;
        Self {
            stack,
            company,
            on_call,
        }
    }

    /// Sends error lines as an application without an SDK would, one a request.
    async fn log_errors(&self, count: usize) {
        let application = self.company.application(&self.stack);
        for number in 0..count {
            let line =
                json!({"level": "error", "message": format!("payment {number} failed: card_declined")});
            let reply = application.post(INGEST, json!({"logs": [line]})).await;
            assert_eq!(reply.assert_status(200).data()["accepted"], 1);
        }
    }

    /// Connects the service to a repository; gives the sender of its deliveries.
    async fn connect_github(&self) -> (GitHub, String) {
        let path = format!("/api/services/{}/github", self.company.service_id);
        let wanted =
            json!({"repo_owner": "acme", "repo_name": "shop", "environment_mapping": {"*": "production"}});
        let made = self
            .company
            .admin
            .put(&path, wanted)
            .await
            .assert_status(201)
            .data();
        let path = format!("/api/v1/webhooks/github/{}", text(&made["id"]));
        (GitHub::new("acme", "shop", &text(&made["secret"])), path)
    }

    /// GitHub's times are whole seconds, and two runs end in each: the one that is told of last is the newer one.
    async fn run_ends(&self, github: &(GitHub, String), id: u64, conclusion: &str) {
        let run = WorkflowRun::completed(id, conclusion);
        let updated_at = run.updated_at + time::Duration::seconds(id.div_ceil(2).cast_signed() - 60);
        let delivery = github.0.workflow_run(&WorkflowRun { updated_at, ..run });
        let reply = delivery.send(&self.stack.gateway(), &github.1).await;
        assert_eq!(reply.assert_status(202).data()["status"], "applied");
    }

    /// Waits for the one incident to open within the time, counted from the last answer.
    async fn opens(&self, within: Duration) -> Value {
        let asked = OffsetDateTime::now_utc();
        let incidents = self.incidents(within, "open").await;
        let opened_at = OffsetDateTime::parse(&text(&incidents[0]["opened_at"]), &Rfc3339).unwrap();
        let took = opened_at - asked;
        println!("opened {took} after the last 2xx");
        assert!(took <= within, "opened {took} after the last 2xx");
        incidents[0].clone()
    }

    async fn resolves(&self, within: Duration) -> Value {
        self.incidents(within, "resolved").await[0].clone()
    }

    /// Waits until every incident, of which there is one, has this status.
    async fn incidents(&self, within: Duration, status: &str) -> Value {
        eventually(within, &format!("one incident, {status}"), async || {
            let all = self.company.admin.get("/api/incidents").await.data();
            assert!(all.as_array().unwrap().len() <= 1, "twins: {all}");
            if all[0]["status"] == status {
                Ok(all)
            } else {
                Err(all)
            }
        })
        .await
    }

    /// Everything that is left to send is sent and every rule evaluated once more; still each was told just this.
    async fn nothing_more_is_told_than(&self, expected: &[Told]) {
        let settle = Duration::from_secs(10);
        assert_eq!(all_is_sent(&self.company, settle).await.len(), 3 * expected.len());
        let alerting = self
            .stack
            .client(Service::Alerting)
            .with_internal_secret(INTERNAL_SECRET);
        for _ in 0..2 {
            let swept = alerting.post("/api/v1/rules/evaluate", json!({})).await.data();
            assert_eq!(
                (&swept["evaluated"], &swept["failed"]),
                (&json!(2), &json!(0)),
                "{swept}"
            );
        }
        assert_eq!(all_is_sent(&self.company, settle).await.len(), 3 * expected.len());
        self.on_call.assert_each_was_told(expected);
    }

    /// The kinds of the timeline's rows, in order.
    async fn timeline(&self, incident: &Value) -> Vec<String> {
        let path = format!("/api/incidents/{}", text(&incident["id"]));
        let detail = self.company.admin.get(&path).await.data();
        let rows = detail["timeline"].as_array().unwrap();
        rows.iter().map(|row| text(&row["kind"])).collect()
    }

    /// A burst of errors from its first line to its end.
    async fn burst_is_one_story(&self, opens_within: Duration, sweep: Duration) {
        let incident = self.opens(opens_within).await;
        assert_eq!(incident["severity"], "high");
        for page in self.on_call.each_is_told(1).await {
            let text = page.text();
            assert!(
                text.contains("Error burst") && text.contains("production"),
                "{text}"
            );
        }
        self.nothing_more_is_told_than(&[Told::Opened]).await;
        // The window and a bucket empty, then as long again without errors; each seen by the next sweep.
        let quiet = 2 * WINDOW + Duration::from_secs(5) + 2 * sweep + Duration::from_secs(10);
        let incident = self.resolves(quiet).await;
        self.on_call.each_is_told(2).await;
        self.nothing_more_is_told_than(&[Told::Opened, Told::Resolved])
            .await;
        let timeline = self.timeline(&incident).await;
        let count = |kind: &str| timeline.iter().filter(|row| *row == kind).count();
        let counts = ["opened", "resolved", "notification_sent", "notification_failed"].map(count);
        assert_eq!(counts, [1, 1, 6, 0], "{timeline:?}");
    }
}

#[tokio::test]
async fn an_error_burst_is_one_incident_within_two_seconds_one_page_each_and_one_notice_of_its_end() {
    // As in production, so that it is not the sweep that is in time.
    const SWEEP: Duration = Duration::from_secs(15);
    let stack = Stack::build()
        .env_all("SWEEP_INTERVAL_SECONDS", SWEEP.as_secs())
        .start()
        .await;
    let journey = Journey::begin(stack).await;
    journey.log_errors(THRESHOLD).await;
    journey.burst_is_one_story(BY_EVENT, SWEEP).await;
}

#[tokio::test]
async fn an_error_burst_is_one_story_by_the_sweep_when_there_never_was_a_broker() {
    let stack = Stack::build()
        .env_all("AMQP_URL", NO_BROKER)
        .env_all("SWEEP_INTERVAL_SECONDS", SWEEP_SECONDS)
        .start()
        .await;
    let journey = Journey::begin_without_events(stack).await;
    journey.log_errors(THRESHOLD).await;
    journey
        .burst_is_one_story(BY_SWEEP, Duration::from_secs(SWEEP_SECONDS))
        .await;
}

#[tokio::test]
async fn an_error_burst_is_one_story_by_the_sweep_when_the_broker_dies_in_the_middle_of_it() {
    let broker = PrivateRabbit::start().await;
    let stack = Stack::build()
        .env_all("AMQP_URL", broker.amqp_url())
        .env_all("SWEEP_INTERVAL_SECONDS", SWEEP_SECONDS)
        .start()
        .await;
    let journey = Journey::begin(stack).await;
    journey.log_errors(THRESHOLD / 2).await;
    broker.kill().await;
    journey.log_errors(THRESHOLD / 2).await;
    journey
        .burst_is_one_story(BY_SWEEP, Duration::from_secs(SWEEP_SECONDS))
        .await;
}

#[tokio::test]
async fn fewer_errors_than_the_threshold_open_nothing() {
    let journey = Journey::begin(Stack::start().await).await;
    journey.log_errors(THRESHOLD - 1).await;
    journey.nothing_more_is_told_than(&[]).await;
    assert_eq!(
        journey.company.admin.get("/api/incidents").await.data(),
        json!([])
    );
}

/// A failed run of a workflow, and the successful one after it.
async fn failed_run_is_one_story(journey: &Journey, within: Duration) {
    let github = journey.connect_github().await;
    journey.run_ends(&github, 1, "success").await;
    journey.run_ends(&github, 2, "failure").await;
    let incident = journey.opens(within).await;
    assert_eq!(incident["severity"], "critical");
    for page in journey.on_call.each_is_told(1).await {
        assert!(page.text().contains("Failed deployment"), "{}", page.text());
    }
    // It failed again: the same story.
    journey.run_ends(&github, 3, "failure").await;
    journey.nothing_more_is_told_than(&[Told::Opened]).await;
    journey.run_ends(&github, 4, "success").await;
    journey.resolves(within).await;
    journey.on_call.each_is_told(2).await;
    journey
        .nothing_more_is_told_than(&[Told::Opened, Told::Resolved])
        .await;
}

#[tokio::test]
async fn a_failed_workflow_run_is_one_incident_within_two_seconds_until_a_run_succeeds() {
    let stack = Stack::build().env_all("SWEEP_INTERVAL_SECONDS", 60).start().await;
    failed_run_is_one_story(&Journey::begin(stack).await, BY_EVENT).await;
}

#[tokio::test]
async fn a_failed_workflow_run_is_one_story_by_the_sweep_when_there_never_was_a_broker() {
    let stack = Stack::build()
        .env_all("AMQP_URL", NO_BROKER)
        .env_all("SWEEP_INTERVAL_SECONDS", SWEEP_SECONDS)
        .start()
        .await;
    failed_run_is_one_story(&Journey::begin_without_events(stack).await, BY_SWEEP).await;
}

#[tokio::test]
async fn an_acknowledgement_is_on_the_timeline_and_pages_nobody_again() {
    let journey = Journey::begin(Stack::start().await).await;
    let github = journey.connect_github().await;
    journey.run_ends(&github, 1, "failure").await;
    let incident = journey.opens(BY_EVENT).await;
    journey.on_call.each_is_told(1).await;

    let path = format!("/api/incidents/{}", text(&incident["id"]));
    let acknowledge = json!({"status": "acknowledged"});
    for _ in 0..2 {
        let reply = journey.company.admin.patch(&path, acknowledge.clone()).await;
        assert_eq!(reply.assert_status(200).data()["status"], "acknowledged");
    }
    journey.run_ends(&github, 2, "failure").await;
    journey.nothing_more_is_told_than(&[Told::Opened]).await;
    let detail = journey.company.admin.get(&path).await.data();
    let me = journey.company.admin.get("/api/me").await.data();
    let rows: Vec<&Value> = detail["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["kind"] == "acknowledged")
        .collect();
    assert_eq!(
        (rows.len(), &rows[0]["actor_user_id"]),
        (1, &me["user"]["id"]),
        "{rows:?}"
    );

    journey.run_ends(&github, 3, "success").await;
    journey.resolves(BY_EVENT).await;
    journey.on_call.each_is_told(2).await;
    journey
        .nothing_more_is_told_than(&[Told::Opened, Told::Resolved])
        .await;
}
