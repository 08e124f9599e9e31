//! A broker of the test's own, because these faults would hit every other test.

use std::time::{Duration, Instant};

use bus::{Consumer, ConsumerOptions, LinkState, PublishError};
use domain::events::RoutingKey;
use testkit::{PrivateRabbit, eventually};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, Seen, config, publish_surely, publisher, rule_changed, within};

/// Starting a broker takes seconds, more on a busy machine.
const BROKER_PATIENCE: Duration = Duration::from_mins(2);

#[tokio::test]
async fn under_a_disk_alarm_publishing_ends_at_the_deadline_then_at_once_and_works_after_it() {
    let rabbit = PrivateRabbit::start().await;
    let deadline = Duration::from_secs(1);
    let config = config(&rabbit.amqp_url()).with_confirm_deadline(deadline);
    let publisher = publisher(&config).await;
    let (seen, stop) = (Seen::new(), CancellationToken::new());
    let options = ConsumerOptions::events("judge", [RoutingKey::RuleChanged]).retry_delays([]);
    let consumer = Consumer::start(&config, &publisher, options, stop.clone(), seen.content());
    within(consumer.health().wait_connected()).await;

    rabbit.ctl(&["set_disk_free_limit", "9000GB"]).await;
    eventually(PATIENCE, "the alarm felt", async || {
        let started = Instant::now();
        let outcome = publisher.publish(&rule_changed()).await;
        assert!(
            started.elapsed() < deadline + Duration::from_millis(500),
            "took {:?}",
            started.elapsed()
        );
        if outcome.is_ok() { Err("published") } else { Ok(()) }
    })
    .await;
    assert_eq!(publisher.health().state(), LinkState::Blocked);
    let started = Instant::now();
    assert!(matches!(
        publisher.publish(&rule_changed()).await,
        Err(PublishError::Unavailable)
    ));
    assert!(
        started.elapsed() < Duration::from_millis(100),
        "known to be blocked, so it does not wait"
    );
    assert!(
        consumer.connected(),
        "a connection that only consumes is not blocked"
    );

    rabbit.ctl(&["set_disk_free_limit", "50MB"]).await;
    let sent = rule_changed();
    publish_surely(&publisher, &sent).await;
    while seen.next().await != sent {}
    stop.cancel();
    within(consumer.stopped()).await;
}

#[tokio::test]
async fn killed_and_started_again_the_broker_loses_no_confirmed_event() {
    let rabbit = PrivateRabbit::start().await;
    let config = config(&rabbit.amqp_url()).with_confirm_deadline(Duration::from_secs(1));
    let publisher = publisher(&config).await;
    let (seen, stop) = (Seen::new(), CancellationToken::new());
    let options = || ConsumerOptions::events("judge", [RoutingKey::RuleChanged]);
    // Declares the queue; nobody takes from it while the broker dies.
    let first = CancellationToken::new();
    let consumer = Consumer::start(&config, &publisher, options(), first.clone(), seen.content());
    within(consumer.health().wait_connected()).await;
    first.cancel();
    within(consumer.stopped()).await;
    // RabbitMQ 3.10 writes down some seconds late which log belongs to a new queue. Killed before that, the queue comes
    // back without its messages and without a leader, and hangs until somebody deletes it.
    rabbit.restart().await;
    eventually(BROKER_PATIENCE, "a publish to the new queue", async || {
        publisher.publish(&rule_changed()).await
    })
    .await;

    let mut confirmed = Vec::new();
    for _ in 0..50 {
        let sent = rule_changed();
        publisher.publish(&sent).await.unwrap();
        confirmed.push(sent.event_id);
    }
    rabbit.kill().await;
    let started = Instant::now();
    publisher.publish(&rule_changed()).await.unwrap_err();
    assert!(
        started.elapsed() < Duration::from_millis(1_500),
        "took {:?}",
        started.elapsed()
    );
    let consumer = Consumer::start(&config, &publisher, options(), stop.clone(), seen.content());
    rabbit.start_again().await;

    let last = rule_changed();
    eventually(BROKER_PATIENCE, "a publish after the restart", async || {
        publisher.publish(&last).await
    })
    .await;
    let mut arrived = Vec::new();
    while !arrived.contains(&last.event_id) || confirmed.iter().any(|id| !arrived.contains(id)) {
        arrived.push(seen.next().await.event_id);
    }
    stop.cancel();
    within(consumer.stopped()).await;
}

#[tokio::test]
async fn a_frozen_broker_is_given_up_and_taken_again_when_it_thaws() {
    let rabbit = PrivateRabbit::start().await;
    let config = config(&rabbit.amqp_url()).with_confirm_deadline(Duration::from_secs(1));
    let publisher = publisher(&config).await;
    let (seen, stop) = (Seen::new(), CancellationToken::new());
    let options = ConsumerOptions::events("judge", [RoutingKey::RuleChanged]).retry_delays([]);
    let consumer = Consumer::start(&config, &publisher, options, stop.clone(), seen.content());
    within(consumer.health().wait_connected()).await;
    rabbit.pause();
    let started = Instant::now();
    assert!(matches!(
        publisher.publish(&rule_changed()).await,
        Err(PublishError::Deadline(_))
    ));
    assert!(
        started.elapsed() < Duration::from_millis(1_500),
        "took {:?}",
        started.elapsed()
    );
    eventually(PATIENCE, "both links down", async || {
        if consumer.connected() || publisher.connected() {
            Err("still up")
        } else {
            Ok(())
        }
    })
    .await;
    rabbit.resume();
    let sent = rule_changed();
    eventually(BROKER_PATIENCE, "a publish after the thaw", async || {
        publisher.publish(&sent).await
    })
    .await;
    while seen.next().await != sent {}
    stop.cancel();
    within(consumer.stopped()).await;
}
