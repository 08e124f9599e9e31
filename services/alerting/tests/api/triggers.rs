//! What makes a rule be evaluated: events of the broker, and the sweep without one.

use std::time::Duration;

use bus::{BusConfig, Publisher};
use domain::events::{Envelope, Event};
use domain::ids::EventId;
use serde_json::json;
use testkit::{Proxy, Receiver, TestBroker, eventually};
use time::OffsetDateTime;

use crate::test_app::{SOON, TestApp};

/// What other services publish.
pub(crate) struct OtherServices(Publisher);

impl OtherServices {
    pub(crate) async fn connect(broker: &TestBroker) -> Self {
        let config = BusConfig::new(&broker.amqp_url(), "test").unwrap();
        let publisher = Publisher::start(&config);
        publisher.health().wait_connected().await;
        Self(publisher)
    }

    /// Publishes until somebody listens.
    pub(crate) async fn publish(&self, event: Event) {
        let envelope = Envelope {
            event_id: EventId::generate(),
            occurred_at: OffsetDateTime::UNIX_EPOCH,
            correlation_id: None,
            event,
        };
        eventually(SOON, "a consumer of the event", async || {
            self.0.publish(&envelope).await.map_err(|error| error.to_string())
        })
        .await;
    }
}

pub(crate) fn logs_counted(app: &TestApp) -> Event {
    Event::LogsCountedV1 {
        org_id: app.org.org_id,
        service_id: app.org.service_id,
        environment_id: app.org.production,
    }
}

async fn one_incident(app: &TestApp, status: &str) {
    eventually(SOON, &format!("one incident, {status}"), async || {
        let all = app.incidents().await;
        match all.as_slice() {
            [one] if one["status"] == status => Ok(()),
            _ => Err(format!("{all:#?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn an_event_about_counts_has_the_rules_of_its_scope_evaluated() {
    let broker = TestBroker::create().await;
    let app = TestApp::start_with(&[("--amqp-url", &broker.amqp_url())]).await;
    let others = OtherServices::connect(&broker).await;
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    app.error_rule(json!({})).await;
    app.error_rule(json!({"name": "elsewhere", "environment_id": app.org.staging}))
        .await;
    app.errors(5).await;
    others.publish(logs_counted(&app)).await;
    one_incident(&app, "open").await;
    receiver.wait_for(1, SOON).await;
}

#[tokio::test]
async fn an_event_about_a_deployment_or_a_rule_has_it_evaluated_too() {
    let broker = TestBroker::create().await;
    let app = TestApp::start_with(&[("--amqp-url", &broker.amqp_url())]).await;
    let others = OtherServices::connect(&broker).await;
    app.rule(json!({"name": "deployments", "type": "deployment_failure", "params": {}, "severity": "high"}))
        .await;
    for (status, ago, expected) in [("failure", 20, "open"), ("success", 10, "resolved")] {
        let deployment_id = app.deployed(status, ago).await;
        others
            .publish(Event::DeploymentChangedV1 {
                org_id: app.org.org_id,
                deployment_id,
                service_id: app.org.service_id,
                environment_id: app.org.production,
                status: status.parse().unwrap(),
            })
            .await;
        one_incident(&app, expected).await;
    }
}

#[tokio::test]
async fn what_alerting_does_is_told_to_other_services_by_the_broker() {
    let broker = TestBroker::create().await;
    let app = TestApp::start_with(&[("--amqp-url", &broker.amqp_url())]).await;
    app.error_rule(json!({})).await;
    app.errors(5).await;
    app.sweep().await;
    eventually(SOON, "an empty outbox", async || {
        let waiting = app
            .count("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            .await;
        if waiting == 0 { Ok(()) } else { Err(waiting) }
    })
    .await;
    let sql = "SELECT count(*) FROM outbox WHERE routing_key = 'incident.changed'";
    assert_eq!(app.count(sql).await, 1);
}

#[tokio::test]
async fn without_a_broker_everything_still_happens_by_the_sweep() {
    let app = TestApp::start_with(&[("--sweep-interval", "0.2")]).await;
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    app.error_rule(json!({})).await;
    app.errors(5).await;
    one_incident(&app, "open").await;
    app.pass(20).await;
    eventually(SOON, "the condition seen false", async || {
        let sql = "SELECT count(*) FROM alert_firings WHERE reason = 'clearing'";
        let clearing = app.count(sql).await;
        if clearing == 1 { Ok(()) } else { Err(clearing) }
    })
    .await;
    app.pass(10).await;
    one_incident(&app, "resolved").await;
    receiver.wait_for(2, SOON).await;
    app.everything_is_told().await;
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn a_broker_that_goes_away_in_the_middle_and_comes_back_changes_nothing_but_the_delay() {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    let app = TestApp::start_with(&[("--amqp-url", &url), ("--sweep-interval", "0.3")]).await;
    let others = OtherServices::connect(&broker).await;
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    app.error_rule(json!({})).await;
    others.publish(logs_counted(&app)).await;
    proxy.cut();
    app.errors(5).await;
    one_incident(&app, "open").await;
    receiver.wait_for(1, SOON).await;
    proxy.pass();
    for _ in 0..5 {
        others.publish(logs_counted(&app)).await;
    }
    eventually(Duration::from_secs(40), "an empty outbox", async || {
        let waiting = app
            .count("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            .await;
        if waiting == 0 { Ok(()) } else { Err(waiting) }
    })
    .await;
    assert_eq!(app.incidents().await.len(), 1);
    assert_eq!(receiver.received().len(), 1);
}
