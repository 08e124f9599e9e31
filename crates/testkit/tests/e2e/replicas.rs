//! Two replicas of everything that decides or writes: still one incident and one page, also when one of them dies or
//! sleeps at the worst moment.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, Client, INTERNAL_SECRET, Process, Service, Stack, eventually};
use tokio::task::JoinSet;

use crate::company::{Company, INGEST};
use crate::ledger::Ledger;
use crate::on_call::{OnCall, Told, all_is_sent};

/// The notifications of a worker that died wait until its lease is over: 20 s beyond the time for a request.
const NOTIFY_TIMEOUT_SECONDS: u64 = 1;
const LEASE: Duration = Duration::from_secs(20 + NOTIFY_TIMEOUT_SECONDS);
/// A replica that is stopped in the middle of an evaluation holds the rule's row until PostgreSQL ends its session, 10 s
/// later; then comes a sweep.
const LOCKS_FREE: Duration = Duration::from_secs(20);
const SENT_WITHIN: Duration = LEASE.saturating_add(Duration::from_secs(15));

async fn two_of_each() -> Stack {
    Stack::build()
        .replicas(Service::Alerting, 2)
        .replicas(Service::Ingest, 2)
        .env(
            Service::Alerting,
            "NOTIFY_TIMEOUT_SECONDS",
            NOTIFY_TIMEOUT_SECONDS,
        )
        .start()
        .await
}

async fn with_rules(stack: &Stack) -> (Company, OnCall) {
    let company = Company::sign_up(&stack.gateway()).await;
    let on_call = OnCall::connect(&company).await;
    let params = json!({"threshold": 20, "window_seconds": 10});
    let rule = json!({"name": "burst", "type": "error_count", "params": params, "severity": "high"});
    company.make("/api/alerts", rule).await;
    let rule = json!({"name": "deployments", "type": "deployment_failure", "params": {}, "severity": "high"});
    company.make("/api/alerts", rule).await;
    (company, on_call)
}

/// A replica for events to go to, with its organisation's key.
fn application(stack: &Stack, company: &Company, replica: usize) -> Client {
    stack
        .process(Service::Ingest, replica)
        .client()
        .with_api_key(&company.api_key)
}

async fn log_errors(application: Client, requests: usize, lines: usize) {
    let lines: Vec<Value> = (0..lines)
        .map(|n| json!({"level": "fatal", "message": format!("crash {n}")}))
        .collect();
    for _ in 0..requests {
        application
            .post(INGEST, json!({"logs": lines}))
            .await
            .assert_status(200);
    }
}

/// What an operator, or a test, may ask every replica at any time.
async fn evaluate_everything(alerting: Client, times: usize) {
    let alerting = alerting.with_internal_secret(INTERNAL_SECRET);
    for _ in 0..times {
        alerting
            .post("/api/v1/rules/evaluate", json!({}))
            .await
            .assert_status(200);
    }
}

/// Asked at the gateway, or at the replica that the company's admin was sent to.
async fn one_incident(company: &Company, status: &str, within: Duration) -> Value {
    eventually(within, &format!("one incident, {status}"), async || {
        let all = company.admin.get("/api/incidents").await.data();
        assert!(all.as_array().unwrap().len() <= 1, "twins: {all}");
        if all[0]["status"] == status {
            Ok(all[0].clone())
        } else {
            Err(all)
        }
    })
    .await
}

#[tokio::test]
async fn a_storm_of_events_on_two_replicas_of_each_is_one_incident_one_page_and_one_notice() {
    let stack = two_of_each().await;
    let (company, on_call) = with_rules(&stack).await;
    let mut storm = JoinSet::new();
    for sender in 0..8 {
        storm.spawn(log_errors(
            application(&stack, &company, sender % 2),
            25,
            1 + sender,
        ));
    }
    for replica in [0, 1, 0, 1] {
        storm.spawn(evaluate_everything(
            stack.process(Service::Alerting, replica).client(),
            10,
        ));
    }
    storm.join_all().await;
    one_incident(&company, "open", Duration::from_secs(3)).await;
    on_call.each_is_told(1).await;
    assert_eq!(all_is_sent(&company, SENT_WITHIN).await.len(), 3);
    on_call.assert_each_was_told(&[Told::Opened]);

    one_incident(&company, "resolved", Duration::from_secs(45)).await;
    on_call.each_is_told(2).await;
    let both =
        [0, 1].map(|replica| evaluate_everything(stack.process(Service::Alerting, replica).client(), 2));
    futures_util::future::join_all(both).await;
    assert_eq!(all_is_sent(&company, SENT_WITHIN).await.len(), 6);
    on_call.assert_each_was_told(&[Told::Opened, Told::Resolved]);
}

#[tokio::test]
async fn a_replica_killed_right_after_the_lines_were_accepted_loses_and_doubles_nothing() {
    let stack = two_of_each().await;
    for victim in [0, 1] {
        let (mut company, on_call) = with_rules(&stack).await;
        // The gateway knows the first replica only.
        company.admin = company
            .admin
            .at(stack.process(Service::Alerting, 1 - victim).base());
        let victim = stack.process(Service::Alerting, victim);
        log_errors(application(&stack, &company, 0), 1, 20).await;
        victim.kill();
        one_incident(&company, "open", LOCKS_FREE).await;
        assert_eq!(all_is_sent(&company, SENT_WITHIN).await.len(), 3);
        Ledger::read(&stack.db, &company).await.assert_told_once(&on_call);
        victim.start().await;
    }
}

#[tokio::test]
async fn a_replica_that_sleeps_through_its_lease_and_wakes_up_changes_nothing_more() {
    let stack = two_of_each().await;
    let (mut company, on_call) = with_rules(&stack).await;
    let (sleeper, other) = (
        stack.process(Service::Alerting, 0),
        stack.process(Service::Alerting, 1),
    );
    company.admin = company.admin.at(other.base());
    // With the other one asleep, the sleeper gets everything.
    other.pause();
    on_call
        .slack
        .answer_next([Answer::Late(Duration::from_secs(3), Box::new(Answer::Usual))]);
    report(&stack, &company, "failure").await;
    on_call.slack.wait_for(1, LOCKS_FREE).await;
    sleeper.pause();
    other.resume();

    // The other one finds the lease run out, cannot know whether the page arrived, and sends it again as the same one.
    on_call.slack.wait_for(2, SENT_WITHIN).await;
    assert_eq!(all_is_sent(&company, SENT_WITHIN).await.len(), 3);
    sleeper.resume();
    is_awake(sleeper).await;
    evaluate_everything(sleeper.client(), 2).await;
    one_incident(&company, "open", LOCKS_FREE).await;
    let ledger = Ledger::read(&stack.db, &company).await;
    ledger.assert_told_once(&on_call);
    assert_eq!(
        on_call.slack.received().len(),
        2,
        "once before, once after the lease"
    );

    report(&stack, &company, "success").await;
    one_incident(&company, "resolved", LOCKS_FREE).await;
    assert_eq!(all_is_sent(&company, SENT_WITHIN).await.len(), 6);
    Ledger::read(&stack.db, &company).await.assert_told_once(&on_call);
}

async fn report(stack: &Stack, company: &Company, status: &str) {
    let ci = stack.client(Service::Webhook).with_api_key(&company.api_key);
    ci.post("/api/v1/deployments", json!({"status": status}))
        .await
        .assert_status(201);
}

async fn is_awake(process: &Process) {
    eventually(
        Duration::from_secs(20),
        "the replica to answer again",
        async || match process
            .client()
            .try_call(reqwest::Method::GET, "/readyz", None)
            .await
        {
            Ok(reply) if reply.status == 200 => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
}
