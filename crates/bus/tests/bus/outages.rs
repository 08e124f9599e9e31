//! The broker is away, cut off, silent, or comes late.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bus::{Consumer, ConsumerOptions, HandlerError, PublishError, Publisher};
use domain::events::{Envelope, RoutingKey};
use lapin::types::FieldTable;
use testkit::{Proxy, TestBroker, eventually};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::support::{Inspector, PATIENCE, Seen, config, publish_surely, publisher, rule_changed, within};

fn options() -> ConsumerOptions {
    ConsumerOptions::events("judge", [RoutingKey::RuleChanged]).retry_delays([Duration::from_millis(50)])
}

#[tokio::test]
async fn everything_starts_without_a_broker_and_works_when_it_comes() {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    proxy.cut();
    let (seen, stop) = (Seen::new(), CancellationToken::new());
    let started = Instant::now();
    let publisher = Publisher::start(&config(&url));
    let consumer = Consumer::start(&config(&url), &publisher, options(), stop.clone(), seen.content());
    assert!(
        started.elapsed() < Duration::from_millis(100),
        "constructors return at once"
    );
    let error = publisher.publish(&rule_changed()).await.unwrap_err();
    assert!(matches!(error, PublishError::Unavailable));
    assert!(!publisher.connected() && !consumer.connected());

    proxy.pass();
    within(consumer.health().wait_connected()).await;
    let sent = rule_changed();
    publish_surely(&publisher, &sent).await;
    assert_eq!(seen.next().await, sent);
    stop.cancel();
    within(consumer.stopped()).await;
}

#[tokio::test]
async fn publishing_fails_fast_while_cut_off_and_works_after_with_the_same_event() {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    let publisher = publisher(&config(&url)).await;
    let inspector = Inspector::of(&broker).await;
    inspector.listen("q", "rule.changed", FieldTable::default()).await;
    proxy.cut();
    let sent = rule_changed();
    for _ in 0..5 {
        let started = Instant::now();
        publisher.publish(&sent).await.unwrap_err();
        assert!(
            started.elapsed() < Duration::from_secs(1),
            "took {:?}",
            started.elapsed()
        );
    }
    proxy.pass();
    publish_surely(&publisher, &sent).await;
    let message = inspector.take("q").await;
    assert_eq!(
        message.properties.message_id().as_ref().unwrap().as_str(),
        sent.event_id.to_string()
    );
}

#[tokio::test]
async fn a_consumer_goes_on_after_its_connection_was_cut() {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    let publisher = publisher(&config(&broker.amqp_url())).await;
    let (seen, stop) = (Seen::new(), CancellationToken::new());
    let consumer = Consumer::start(&config(&url), &publisher, options(), stop.clone(), seen.content());
    within(consumer.health().wait_connected()).await;
    for _ in 0..3 {
        let before = rule_changed();
        publisher.publish(&before).await.unwrap();
        while seen.next().await != before {}
        proxy.cut();
        let meanwhile = rule_changed();
        publisher.publish(&meanwhile).await.unwrap();
        proxy.pass();
        // The one before may come again: its acknowledgement may have been lost.
        while seen.next().await != meanwhile {}
    }
    stop.cancel();
    within(consumer.stopped()).await;
}

#[tokio::test]
async fn an_event_in_work_when_the_connection_is_lost_is_delivered_again() {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    let publisher = publisher(&config(&broker.amqp_url())).await;
    let (seen, stop) = (Seen::new(), CancellationToken::new());
    let gate = Arc::new(Semaphore::new(0));
    let (door, remember) = (gate.clone(), seen.clone());
    let handler = move |envelope: Envelope| {
        let (door, seen) = (door.clone(), remember.clone());
        async move {
            seen.add(envelope);
            door.acquire().await.unwrap().forget();
            Ok::<(), HandlerError>(())
        }
    };
    let consumer = Consumer::start(&config(&url), &publisher, options(), stop.clone(), handler);
    within(consumer.health().wait_connected()).await;
    let (first, second) = (rule_changed(), rule_changed());
    publisher.publish(&first).await.unwrap();
    assert_eq!(seen.next().await, first);
    // By the time that the second is here, an acknowledgement of the first would be there.
    publisher.publish(&second).await.unwrap();
    assert_eq!(seen.next().await, second);
    proxy.cut();
    eventually(PATIENCE, "the loss noticed", async || {
        if consumer.connected() { Err("up") } else { Ok(()) }
    })
    .await;
    gate.add_permits(4);
    proxy.pass();
    assert_eq!([seen.next().await, seen.next().await], [first, second]);
    let inspector = Inspector::of(&broker).await;
    inspector.wait_for_depth("sightline.judge", 0).await;
    stop.cancel();
    within(consumer.stopped()).await;
}

#[tokio::test]
async fn handlers_of_a_lost_connection_count_towards_the_prefetch_of_the_next() {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    let publisher = publisher(&config(&broker.amqp_url())).await;
    let (running, stop) = (Seen::new(), CancellationToken::new());
    let (gate, count) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (door, counter, remember) = (gate.clone(), count.clone(), running.clone());
    let handler = move |_: Envelope| {
        let (door, counter) = (door.clone(), counter.clone());
        remember.add(counter.fetch_add(1, Ordering::SeqCst) + 1);
        async move {
            door.acquire().await.unwrap().forget();
            counter.fetch_sub(1, Ordering::SeqCst);
            Ok::<(), HandlerError>(())
        }
    };
    let consumer = Consumer::start(
        &config(&url),
        &publisher,
        options().prefetch(2),
        stop.clone(),
        handler,
    );
    within(consumer.health().wait_connected()).await;
    for _ in 0..2 {
        publisher.publish(&rule_changed()).await.unwrap();
    }
    assert_eq!([running.next().await, running.next().await], [1, 2]);
    proxy.cut();
    eventually(PATIENCE, "the loss noticed", async || {
        if consumer.connected() { Err("up") } else { Ok(()) }
    })
    .await;
    proxy.pass();
    within(consumer.health().wait_connected()).await;
    Inspector::of(&broker)
        .await
        .wait_for_depth("sightline.judge", 0)
        .await;
    gate.add_permits(4);
    let again = [running.next().await, running.next().await];
    assert!(
        again.iter().all(|at_once| *at_once <= 2),
        "{again:?} handlers at once"
    );
    stop.cancel();
    within(consumer.stopped()).await;
}

#[tokio::test]
async fn a_silent_broker_is_noticed_by_heartbeats() {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    let publisher = publisher(&config(&url)).await;
    let stop = CancellationToken::new();
    let consumer = Consumer::start(
        &config(&url),
        &publisher,
        options(),
        stop.clone(),
        Seen::new().content(),
    );
    within(consumer.health().wait_connected()).await;
    proxy.blackhole();
    let silent = Instant::now();
    eventually(PATIENCE, "both links down", async || {
        if consumer.connected() || publisher.connected() {
            Err("still up")
        } else {
            Ok(())
        }
    })
    .await;
    assert!(
        silent.elapsed() < Duration::from_secs(15),
        "noticed after {:?}",
        silent.elapsed()
    );
}

#[tokio::test]
async fn connections_to_a_silent_broker_leave_nothing_behind() {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    let impatient = config(&url).with_confirm_deadline(Duration::from_millis(200));
    let publisher = publisher(&impatient).await;
    let stop = CancellationToken::new();
    let consumer = Consumer::start(
        &impatient,
        &publisher,
        options(),
        stop.clone(),
        Seen::new().content(),
    );
    within(consumer.health().wait_connected()).await;
    assert_eq!(io_threads(), 2);
    proxy.blackhole();
    // This one is given up for the missing confirm, the other hangs in its handshake.
    publisher.publish(&rule_changed()).await.unwrap_err();
    let late = Publisher::start(&impatient);
    eventually(PATIENCE, "a third connection", async || match io_threads() {
        3 => Ok(()),
        threads => Err(threads),
    })
    .await;
    let stopping = Instant::now();
    stop.cancel();
    within(consumer.stopped()).await;
    within(publisher.close()).await;
    within(late.close()).await;
    assert!(
        stopping.elapsed() < Duration::from_secs(8),
        "stopping took {:?}",
        stopping.elapsed()
    );
    eventually(PATIENCE, "no thread of lapin left", async || match io_threads() {
        0 => Ok(()),
        left => Err(left),
    })
    .await;
}

/// Threads of this process that serve a connection; the test runner gives each test a process of its own.
fn io_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with("lapin-io-loop")).count()
}

#[tokio::test]
async fn connections_closed_by_an_operator_come_back() {
    let broker = TestBroker::create().await;
    let publisher = publisher(&config(&broker.amqp_url())).await;
    let (seen, stop) = (Seen::new(), CancellationToken::new());
    let consumer = Consumer::start(
        &config(&broker.amqp_url()),
        &publisher,
        options(),
        stop.clone(),
        seen.content(),
    );
    within(consumer.health().wait_connected()).await;
    eventually(
        PATIENCE,
        "two connections in the broker's list",
        async || match broker.close_connections().await {
            2 => Ok(()),
            other => Err(other),
        },
    )
    .await;
    let sent = rule_changed();
    publish_surely(&publisher, &sent).await;
    assert_eq!(seen.next().await, sent);
    stop.cancel();
    within(consumer.stopped()).await;
}

#[tokio::test]
async fn a_failed_event_is_held_while_it_cannot_be_put_aside() {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    let healthy = publisher(&config(&broker.amqp_url())).await;
    let cut_off = publisher(&config(&url)).await;
    let (seen, stop) = (Seen::new(), CancellationToken::new());
    let handler = seen.handler(|_| Err(HandlerError::poison("broken")));
    let consumer = Consumer::start(
        &config(&broker.amqp_url()),
        &cut_off,
        options(),
        stop.clone(),
        handler,
    );
    within(consumer.health().wait_connected()).await;
    proxy.cut();
    let sent = rule_changed();
    healthy.publish(&sent).await.unwrap();
    assert_eq!(seen.next().await, sent);
    let inspector = Inspector::of(&broker).await;
    assert_eq!(inspector.depth("sightline.judge.dead").await, 0);
    proxy.pass();
    inspector.wait_for_depth("sightline.judge.dead", 1).await;
    assert_eq!(seen.rest().await, [], "it was held, not handled again and again");
    stop.cancel();
    within(consumer.stopped()).await;
}
