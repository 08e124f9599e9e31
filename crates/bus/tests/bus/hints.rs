use std::time::{Duration, Instant};

use bus::{Consumer, ConsumerOptions, HandlerError, HintPublisher, Publisher};
use domain::events::{Envelope, Event, RoutingKey};
use domain::ids::{EnvironmentId, OrgId, ServiceId};
use domain::scope::Scope;
use testkit::{Proxy, TestBroker};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::support::{Inspector, Seen, config, publisher, within};

fn scope() -> Scope {
    Scope {
        org_id: OrgId::generate(),
        service_id: ServiceId::generate(),
        environment_id: EnvironmentId::generate(),
    }
}

fn scope_of(envelope: &Envelope) -> Scope {
    match envelope.event {
        Event::LogsCountedV1 {
            org_id,
            service_id,
            environment_id,
        } => Scope {
            org_id,
            service_id,
            environment_id,
        },
        ref other => panic!("{other:?} is no hint"),
    }
}

fn hint_publisher(publisher: &Publisher) -> HintPublisher {
    HintPublisher::start(publisher.clone(), || OffsetDateTime::UNIX_EPOCH)
}

/// A broker with a consumer of hints.
async fn listening(broker: &TestBroker, seen: &Seen<Envelope>) -> (Publisher, Consumer, CancellationToken) {
    let config = config(&broker.amqp_url());
    let publisher = publisher(&config).await;
    let stop = CancellationToken::new();
    let options = ConsumerOptions::hints("judge-hints", [RoutingKey::LogsCounted]);
    let consumer = Consumer::start(&config, &publisher, options, stop.clone(), seen.content());
    within(consumer.health().wait_connected()).await;
    (publisher, consumer, stop)
}

#[tokio::test]
async fn many_hints_within_a_second_make_one_event_at_once_and_one_when_it_is_over() {
    let (broker, seen) = (TestBroker::create().await, Seen::new());
    let (publisher, consumer, stop) = listening(&broker, &seen).await;
    let hints = hint_publisher(&publisher);
    let (busy, quiet) = (scope(), scope());
    let started = Instant::now();
    hints.hint(busy);
    assert_eq!(scope_of(&seen.next().await), busy);
    for _ in 0..1_000 {
        hints.hint(busy);
    }
    hints.hint(quiet);
    assert_eq!(
        scope_of(&seen.next().await),
        quiet,
        "the first of another scope does not wait"
    );
    assert!(
        started.elapsed() < Duration::from_millis(900),
        "all of it within a second"
    );
    assert_eq!(scope_of(&seen.next().await), busy);
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "the rest when the second is over"
    );
    hints.close().await;
    stop.cancel();
    within(consumer.stopped()).await;
    assert_eq!(seen.rest().await, [], "1,001 hints, three events");
}

#[tokio::test]
async fn closing_publishes_what_still_waits() {
    let (broker, seen) = (TestBroker::create().await, Seen::new());
    let (publisher, consumer, stop) = listening(&broker, &seen).await;
    let hints = hint_publisher(&publisher);
    let scope = scope();
    hints.hint(scope);
    assert_eq!(scope_of(&seen.next().await), scope);
    let started = Instant::now();
    hints.hint(scope);
    within(hints.close()).await;
    assert_eq!(scope_of(&seen.next().await), scope);
    assert!(
        started.elapsed() < Duration::from_millis(900),
        "without waiting for the second to be over"
    );
    stop.cancel();
    within(consumer.stopped()).await;
}

#[tokio::test]
async fn while_the_broker_is_away_hints_are_dropped_without_delay_and_flow_again_afterwards() {
    let (broker, seen) = (TestBroker::create().await, Seen::new());
    let (_publisher, consumer, stop) = listening(&broker, &seen).await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    proxy.cut();
    let publisher = Publisher::start(&config(&url));
    let hints = hint_publisher(&publisher);
    let lost = scope();
    let started = Instant::now();
    for _ in 0..100 {
        hints.hint(lost);
        hints.hint(scope());
    }
    assert!(started.elapsed() < Duration::from_millis(200));
    proxy.pass();
    within(publisher.health().wait_connected()).await;
    let later = scope();
    hints.hint(later);
    while scope_of(&seen.next().await) != later {}
    hints.close().await;
    stop.cancel();
    within(consumer.stopped()).await;
}

#[tokio::test]
async fn a_hint_whose_handler_fails_is_dropped() {
    let (broker, seen) = (TestBroker::create().await, Seen::new());
    let config = config(&broker.amqp_url());
    let publisher = publisher(&config).await;
    let stop = CancellationToken::new();
    let options = ConsumerOptions::hints("judge-hints", [RoutingKey::LogsCounted]);
    let handler = seen.handler(|_| Err(HandlerError::retry("the database is away")));
    let consumer = Consumer::start(&config, &publisher, options, stop.clone(), handler);
    within(consumer.health().wait_connected()).await;
    let hints = hint_publisher(&publisher);
    hints.hint(scope());
    seen.next().await;
    stop.cancel();
    within(consumer.stopped()).await;
    let inspector = Inspector::of(&broker).await;
    inspector.wait_for_depth("sightline.judge-hints", 0).await;
    assert_eq!(
        broker.queue_names().await,
        ["sightline.judge-hints"],
        "no retry, no dead letters"
    );
}
