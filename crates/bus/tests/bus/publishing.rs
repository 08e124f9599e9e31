use std::time::{Duration, Instant};

use bus::{PublishError, Publisher};
use domain::events::{Envelope, Event};
use domain::ids::{ApiKeyId, OrgId};
use futures_util::future::join_all;
use lapin::types::{AMQPValue, FieldTable};
use testkit::{Proxy, TestBroker, eventually};

use crate::support::{Inspector, config, envelope, header, publish_surely, publisher, rule_changed, within};

fn key_revoked() -> Envelope {
    envelope(Event::KeyRevokedV1 {
        org_id: OrgId::generate(),
        api_key_id: ApiKeyId::generate(),
    })
}

#[tokio::test]
async fn an_event_lies_in_the_queue_as_persistent_json_with_its_ids() {
    let broker = TestBroker::create().await;
    let publisher = publisher(&config(&broker.amqp_url())).await;
    let inspector = Inspector::of(&broker).await;
    inspector.listen("q", "rule.changed", FieldTable::default()).await;
    let sent = rule_changed();
    publisher.publish(&sent).await.unwrap();
    let message = inspector.take("q").await;
    assert_eq!(serde_json::from_slice::<Envelope>(&message.data).unwrap(), sent);
    assert_eq!(*message.properties.delivery_mode(), Some(2));
    assert_eq!(
        message.properties.message_id().as_ref().unwrap().as_str(),
        sent.event_id.to_string()
    );
    assert_eq!(header(&message, "correlation_id"), "req-1");
    assert_eq!(header(&message, "trace_id"), sent.event_id.0.simple().to_string());
}

#[tokio::test]
async fn an_event_that_nobody_takes_is_reported() {
    let broker = TestBroker::create().await;
    let publisher = publisher(&config(&broker.amqp_url())).await;
    let error = publisher.publish(&rule_changed()).await.unwrap_err();
    assert!(matches!(error, PublishError::Unroutable { routing_key } if routing_key == "rule.changed"));
    assert!(publisher.connected(), "nothing is wrong with the connection");
}

#[tokio::test]
async fn an_event_that_a_full_queue_refuses_is_reported() {
    let broker = TestBroker::create().await;
    let publisher = publisher(&config(&broker.amqp_url())).await;
    let inspector = Inspector::of(&broker).await;
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(0));
    arguments.insert(
        "x-overflow".into(),
        AMQPValue::LongString("reject-publish".into()),
    );
    inspector.listen("full", "rule.changed", arguments).await;
    let error = publisher.publish(&rule_changed()).await.unwrap_err();
    assert!(matches!(error, PublishError::Refused), "{error:?}");
}

/// lapin gives a returned message to the next confirm of its channel, whosever that is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_events_at_once_each_gets_its_own_outcome() {
    let broker = TestBroker::create().await;
    let publisher = publisher(&config(&broker.amqp_url())).await;
    let inspector = Inspector::of(&broker).await;
    inspector.listen("q", "rule.changed", FieldTable::default()).await;
    let publish = |n: usize| {
        let publisher = publisher.clone();
        tokio::spawn(async move {
            let taken = n.is_multiple_of(3);
            let envelope = if taken { rule_changed() } else { key_revoked() };
            (taken, publisher.publish(&envelope).await)
        })
    };
    for outcome in join_all((0..300).map(publish)).await {
        match outcome.unwrap() {
            (true, Ok(())) | (false, Err(PublishError::Unroutable { .. })) => {}
            (taken, outcome) => panic!("taken by a queue: {taken}, reported: {outcome:?}"),
        }
    }
    inspector.wait_for_depth("q", 100).await;
}

#[tokio::test]
async fn a_caller_that_stops_waiting_does_not_confuse_the_next() {
    let broker = TestBroker::create().await;
    let publisher = publisher(&config(&broker.amqp_url())).await;
    for _ in 0..100 {
        let impatient =
            tokio::time::timeout(Duration::from_micros(200), publisher.publish(&rule_changed())).await;
        drop(impatient);
    }
    let inspector = Inspector::of(&broker).await;
    inspector.listen("q", "key.revoked", FieldTable::default()).await;
    for _ in 0..20 {
        publisher.publish(&key_revoked()).await.unwrap();
    }
    assert!(publisher.connected());
}

#[tokio::test]
async fn publishing_while_disconnected_fails_at_once() {
    let (proxy, url) = Proxy::in_front_of("amqp://127.0.0.1:1").await;
    let publisher = Publisher::start(&config(&url));
    let started = Instant::now();
    let error = publisher.publish(&rule_changed()).await.unwrap_err();
    assert!(matches!(error, PublishError::Unavailable));
    assert!(
        started.elapsed() < Duration::from_millis(100),
        "took {:?}",
        started.elapsed()
    );
    assert!(!publisher.connected());
    drop(proxy);
}

#[tokio::test]
async fn a_confirm_that_does_not_come_ends_at_the_deadline_and_the_event_goes_out_afterwards_with_the_same_id()
 {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    let deadline = Duration::from_millis(600);
    let publisher = publisher(&config(&url).with_confirm_deadline(deadline)).await;
    let inspector = Inspector::of(&broker).await;
    inspector.listen("q", "rule.changed", FieldTable::default()).await;

    proxy.lose_answers();
    let (sent, started) = (rule_changed(), Instant::now());
    let error = publisher.publish(&sent).await.unwrap_err();
    assert!(
        matches!(error, PublishError::Deadline(at) if at == deadline),
        "{error:?}"
    );
    let waited = started.elapsed();
    assert!(
        waited >= deadline && waited < deadline + Duration::from_millis(500),
        "took {waited:?}"
    );

    eventually(Duration::from_secs(2), "the connection given up", async || {
        if publisher.connected() {
            Err("kept")
        } else {
            Ok(())
        }
    })
    .await;
    proxy.pass();
    publish_surely(&publisher, &sent).await;
    // The first copy did arrive, which nobody could know: a consumer tells by the id that it is the same event.
    for _ in 0..2 {
        let message = inspector.take("q").await;
        assert_eq!(
            message.properties.message_id().as_ref().unwrap().as_str(),
            sent.event_id.to_string()
        );
    }
}

#[tokio::test]
async fn the_default_deadline_is_five_seconds() {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    let publisher = publisher(&config(&url)).await;
    proxy.blackhole();
    let started = Instant::now();
    let error = publisher.publish(&rule_changed()).await.unwrap_err();
    assert!(matches!(error, PublishError::Deadline(_)), "{error:?}");
    let waited = started.elapsed();
    assert!(
        waited >= Duration::from_secs(5) && waited < Duration::from_millis(5_500),
        "took {waited:?}"
    );
}

#[tokio::test]
async fn closing_waits_for_what_is_under_way_and_refuses_the_rest() {
    let broker = TestBroker::create().await;
    let publisher = publisher(&config(&broker.amqp_url())).await;
    let inspector = Inspector::of(&broker).await;
    inspector.listen("q", "rule.changed", FieldTable::default()).await;
    let under_way: Vec<_> = (0..8)
        .map(|_| {
            let publisher = publisher.clone();
            tokio::spawn(async move { publisher.publish(&rule_changed()).await })
        })
        .collect();
    tokio::task::yield_now().await;
    within(publisher.close()).await;
    let published = join_all(under_way)
        .await
        .into_iter()
        .filter(|outcome| outcome.as_ref().unwrap().is_ok())
        .count();
    inspector.wait_for_depth("q", published as u32).await;
    assert!(matches!(
        publisher.publish(&rule_changed()).await,
        Err(PublishError::Unavailable)
    ));
}
