use std::time::Duration;

use bus::{BusConfig, Consumer, ConsumerOptions, Publisher};
use domain::events::{Envelope, Event, RoutingKey};
use serde_json::json;
use testkit::{Proxy, TestBroker, WorkflowRun, eventually};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::app::TestApp;

const DEADLINE: Duration = Duration::from_secs(30);

/// What alerting would get.
struct Listener {
    events: mpsc::UnboundedReceiver<Envelope>,
    _stop: tokio_util::sync::DropGuard,
}

impl Listener {
    async fn on(broker: &TestBroker) -> Self {
        let config = BusConfig::new(&broker.amqp_url(), "test").unwrap();
        let (sender, events) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let options = ConsumerOptions::events("alerting", [RoutingKey::DeploymentChanged]);
        let consumer = Consumer::start(
            &config,
            &Publisher::start(&config),
            options,
            stop.clone(),
            move |envelope| {
                let _ = sender.send(envelope);
                async { Ok(()) }
            },
        );
        tokio::time::timeout(DEADLINE, consumer.health().wait_connected())
            .await
            .unwrap();
        Self {
            events,
            _stop: stop.drop_guard(),
        }
    }

    async fn next(&mut self) -> Envelope {
        tokio::time::timeout(DEADLINE, self.events.recv())
            .await
            .expect("an event")
            .unwrap()
    }
}

#[tokio::test]
async fn a_change_is_published_with_what_consumers_need() {
    let broker = TestBroker::create().await;
    let mut listener = Listener::on(&broker).await;
    let app = TestApp::start_with(|config| config.amqp_url = broker.amqp_url().into()).await;
    let hook = app.connect(json!({})).await;
    let anyone = app.anyone.with_header("x-request-id", "request-of-the-test");
    let delivery = hook.github.workflow_run(&WorkflowRun::completed(1, "failure"));
    let receipt = delivery.send(&anyone, &hook.path).await.data();
    let envelope = listener.next().await;
    assert_eq!(envelope.correlation_id.as_deref(), Some("request-of-the-test"));
    let expected = Event::DeploymentChangedV1 {
        org_id: app.org.org_id,
        deployment_id: receipt["deployment_id"].as_str().unwrap().parse().unwrap(),
        service_id: app.org.service_id,
        environment_id: app.org.production,
        status: domain::deployment::DeploymentStatus::Failure,
    };
    assert_eq!(envelope.event, expected);
}

#[tokio::test]
async fn without_a_broker_deliveries_are_accepted_and_told_when_it_comes() {
    let broker = TestBroker::create().await;
    let mut listener = Listener::on(&broker).await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    proxy.cut();
    let app = TestApp::start_with(|config| config.amqp_url = url.clone().into()).await;
    app.anyone.get("/readyz").await.assert_status(200);
    let hook = app.connect(json!({})).await;
    let run = WorkflowRun::completed(1, "failure");
    assert_eq!(
        hook.told(&app, &hook.github.workflow_run(&run.in_progress()))
            .await
            .0,
        "applied"
    );
    assert_eq!(
        hook.told(&app, &hook.github.workflow_run(&run)).await.0,
        "applied"
    );
    let unpublished = "SELECT id::text FROM outbox WHERE published_at IS NULL";
    assert_eq!(app.column(unpublished).await.len(), 2);

    proxy.pass();
    let mut told = Vec::new();
    for _ in 0..2 {
        let Event::DeploymentChangedV1 { status, .. } = listener.next().await.event else {
            panic!("another event")
        };
        told.push(status.as_str());
    }
    told.sort_unstable();
    assert_eq!(told, ["failure", "in_progress"]);
    eventually(DEADLINE, "the outbox to be marked as published", async || {
        let left = app.column(unpublished).await;
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    })
    .await;
}
