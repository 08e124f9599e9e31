use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bus::{BusConfig, Consumer, ConsumerOptions, HandlerError, Publisher, RedriveError, redrive};
use domain::events::{Envelope, RoutingKey};
use futures_util::future::join_all;
use lapin::BasicProperties;
use lapin::options::{BasicGetOptions, BasicPublishOptions, BasicRejectOptions, QueueDeleteOptions};
use testkit::{TestBroker, eventually};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Inspector, PATIENCE, Seen, config, header, publish_surely, publisher, rule_changed, within,
};

const DELAYS: [Duration; 3] = [
    Duration::from_millis(50),
    Duration::from_millis(300),
    Duration::from_millis(900),
];

fn options() -> ConsumerOptions {
    ConsumerOptions::events("judge", [RoutingKey::RuleChanged]).retry_delays(DELAYS)
}

/// A broker, and a consumer of `rule.changed` on it.
struct Bench {
    broker: TestBroker,
    config: BusConfig,
    publisher: Publisher,
    consumer: Consumer,
    stop: CancellationToken,
    inspector: Inspector,
}

impl Bench {
    async fn with<F>(
        options: ConsumerOptions,
        handler: impl Fn(Envelope) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        let broker = TestBroker::create().await;
        let config = config(&broker.amqp_url());
        let publisher = publisher(&config).await;
        let stop = CancellationToken::new();
        let consumer = Consumer::start(&config, &publisher, options, stop.clone(), handler);
        within(consumer.health().wait_connected()).await;
        let inspector = Inspector::of(&broker).await;
        Self {
            broker,
            config,
            publisher,
            consumer,
            stop,
            inspector,
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        within(self.consumer.stopped()).await;
        self.publisher.close().await;
    }

    /// Publishes a body that is no event of ours.
    async fn publish_raw(&self, body: &[u8]) {
        let exchange = domain::events::EXCHANGE;
        let options = BasicPublishOptions::default();
        let channel = self.inspector.channel();
        let properties = BasicProperties::default();
        channel
            .basic_publish(exchange.into(), "rule.changed".into(), options, body, properties)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn events_reach_the_handler_and_leave_the_queue() {
    let seen = Seen::new();
    let bench = Bench::with(options(), seen.content()).await;
    let sent: Vec<_> = (0..20).map(|_| rule_changed()).collect();
    for envelope in &sent {
        bench.publisher.publish(envelope).await.unwrap();
    }
    for envelope in &sent {
        assert_eq!(seen.next().await, *envelope);
    }
    bench.inspector.wait_for_depth("sightline.judge", 0).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_failing_event_is_retried_with_growing_delays_then_dead_then_redriven() {
    let seen = Seen::new();
    let healed = Arc::new(AtomicUsize::new(0));
    let verdict = healed.clone();
    let handler = seen.handler(move |_| match verdict.load(Ordering::SeqCst) {
        0 => Err(HandlerError::retry("the database is away")),
        _ => Ok(()),
    });
    let bench = Bench::with(options(), handler).await;
    let sent = rule_changed();
    bench.publisher.publish(&sent).await.unwrap();

    let mut times = Vec::new();
    for _ in 0..=DELAYS.len() {
        let (envelope, at) = seen.next_timed().await;
        assert_eq!(envelope, sent);
        times.push(at);
    }
    for (pair, delay) in times.windows(2).zip(DELAYS) {
        let waited = pair[1] - pair[0];
        assert!(waited >= delay, "waited {waited:?} instead of {delay:?}");
    }

    bench.inspector.wait_for_depth("sightline.judge.dead", 1).await;
    assert_eq!(bench.inspector.depth("sightline.judge").await, 0);
    assert_eq!(seen.rest().await, []);

    healed.store(1, Ordering::SeqCst);
    assert_eq!(redrive(&bench.config, "judge", 10).await.unwrap(), 1);
    assert_eq!(seen.next().await, sent);
    bench.inspector.wait_for_depth("sightline.judge.dead", 0).await;
    bench.inspector.wait_for_depth("sightline.judge", 0).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_dead_letter_says_why_and_how_often() {
    let bench = Bench::with(
        options().retry_delays([Duration::from_millis(20)]),
        Seen::new().handler(|_| Err(HandlerError::retry("the database is away"))),
    )
    .await;
    bench.publisher.publish(&rule_changed()).await.unwrap();
    let letter = bench.inspector.take("sightline.judge.dead").await;
    assert_eq!(header(&letter, "x-sightline-reason"), "the database is away");
    assert_eq!(header(&letter, "x-sightline-attempts"), "2");
    assert_eq!(header(&letter, "x-sightline-routing-key"), "rule.changed");
    assert_eq!(header(&letter, "correlation_id"), "req-1");
    bench.stop().await;
}

#[tokio::test]
async fn poison_is_dead_at_once_and_holds_up_nobody() {
    let seen = Seen::new();
    let poisonous = rule_changed();
    let id = poisonous.event_id;
    let handler = seen.handler(move |envelope| {
        if envelope.event_id == id {
            Err(HandlerError::poison("no such rule type"))
        } else {
            Ok(())
        }
    });
    // One at a time, so that anything held up would be seen.
    let bench = Bench::with(options().prefetch(1), handler).await;
    let good = rule_changed();
    bench.publish_raw(b"{not json").await;
    bench.publish_raw(br#"{"event_id":"7b0e9c0e-6f0f-4b62-9d0e-111111111111","occurred_at":"2026-01-01T00:00:00Z","correlation_id":null,"event":{"type":"rule_changed_v9"}}"#).await;
    bench.publisher.publish(&poisonous).await.unwrap();
    bench.publisher.publish(&good).await.unwrap();

    assert_eq!(seen.next().await, poisonous);
    assert_eq!(seen.next().await, good);
    let mut reasons = Vec::new();
    for _ in 0..3 {
        let letter = bench.inspector.take("sightline.judge.dead").await;
        assert_eq!(header(&letter, "x-sightline-attempts"), "1");
        reasons.push(header(&letter, "x-sightline-reason"));
    }
    // They came over two connections.
    reasons.sort_unstable();
    let unreadable = "the event cannot be read by this version: ";
    let expected = [
        "no such rule type".to_owned(),
        format!("{unreadable}key must be a string"),
        format!("{unreadable}unknown variant `rule_changed_v9`"),
    ];
    for (reason, expected) in reasons.iter().zip(expected) {
        assert!(reason.starts_with(&expected), "{reason} is not {expected}...");
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_panic_is_a_failed_try_and_the_consumer_lives() {
    let seen = Seen::new();
    let tries = AtomicUsize::new(0);
    let handler = seen.handler(move |_| {
        assert!(tries.fetch_add(1, Ordering::SeqCst) > 0, "the first try panics");
        Ok(())
    });
    let bench = Bench::with(options(), handler).await;
    let sent = rule_changed();
    bench.publisher.publish(&sent).await.unwrap();
    assert_eq!(seen.next().await, sent, "the second try is given the event again");
    bench.inspector.wait_for_depth("sightline.judge", 0).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_handler_that_hangs_is_a_failed_try() {
    let seen = Seen::new();
    let remember = seen.clone();
    let tries = Arc::new(AtomicUsize::new(0));
    let handler = move |envelope: Envelope| {
        let (seen, tries) = (remember.clone(), tries.clone());
        async move {
            if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                std::future::pending::<()>().await;
            }
            seen.add(envelope);
            Ok(())
        }
    };
    let bench = Bench::with(options().handler_deadline(Duration::from_millis(100)), handler).await;
    let sent = rule_changed();
    bench.publisher.publish(&sent).await.unwrap();
    assert_eq!(seen.next().await, sent);
    bench.stop().await;
}

#[tokio::test]
async fn the_handlers_span_carries_the_requests_ids() {
    use std::sync::Mutex;
    use tracing::field::{Field, Visit};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    #[derive(Clone, Default)]
    struct Fields(Arc<Mutex<Vec<String>>>);
    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            self.0.lock().unwrap().push(format!("{field}={value:?}"));
        }
    }
    impl<S: tracing::Subscriber> Layer<S> for Fields {
        fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::Id, _: Context<'_, S>) {
            if span.metadata().name() == "event" {
                span.record(&mut self.clone());
            }
        }
    }

    let fields = Fields::default();
    // Tasks of this test run on this thread, so they see the thread's subscriber.
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(fields.clone()));
    let seen = Seen::new();
    let bench = Bench::with(options(), seen.content()).await;
    let sent = rule_changed();
    bench.publisher.publish(&sent).await.unwrap();
    seen.next().await;
    let recorded = fields.0.lock().unwrap().join(" ");
    assert_eq!(
        recorded,
        format!(
            "consumer=\"judge\" event.id=\"{}\" request_id=\"req-1\" trace_id=\"{}\" attempts=0",
            sent.event_id,
            sent.event_id.0.simple()
        )
    );
    bench.stop().await;
}

#[tokio::test]
async fn no_more_handlers_run_at_once_than_the_prefetch_says() {
    let running = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let seen = Seen::new();
    let (count, door, remember) = (running.clone(), gate.clone(), seen.clone());
    let handler = move |envelope: Envelope| {
        let (count, door, seen) = (count.clone(), door.clone(), remember.clone());
        async move {
            let now = count.fetch_add(1, Ordering::SeqCst) + 1;
            door.acquire().await.unwrap().forget();
            count.fetch_sub(1, Ordering::SeqCst);
            seen.add((envelope, now));
            Ok(())
        }
    };
    let bench = Bench::with(options().prefetch(3), handler).await;
    join_all((0..9).map(|_| async { bench.publisher.publish(&rule_changed()).await.unwrap() })).await;
    eventually(PATIENCE, "three running handlers", async || {
        match running.load(Ordering::SeqCst) {
            3 => Ok(()),
            other => Err(other),
        }
    })
    .await;
    gate.add_permits(9);
    for _ in 0..9 {
        assert!(seen.next().await.1 <= 3);
    }
    bench.stop().await;
}

#[tokio::test]
async fn stopping_finishes_what_runs_and_leaves_the_rest_in_the_queue() {
    let gate = Arc::new(Semaphore::new(0));
    let started = Seen::new();
    let finished = Seen::new();
    let (door, begin, end) = (gate.clone(), started.clone(), finished.clone());
    let handler = move |envelope: Envelope| {
        let (door, begin, end) = (door.clone(), begin.clone(), end.clone());
        async move {
            begin.add(envelope.event_id);
            door.acquire().await.unwrap().forget();
            end.add(envelope.event_id);
            Ok(())
        }
    };
    let bench = Bench::with(options().prefetch(2), handler).await;
    for _ in 0..5 {
        bench.publisher.publish(&rule_changed()).await.unwrap();
    }
    let running = [started.next().await, started.next().await];
    bench.stop.cancel();
    let stopped = tokio::spawn(bench.consumer.stopped());
    gate.add_permits(5);
    within(stopped).await.unwrap();
    let mut ended = finished.rest().await;
    ended.sort_unstable();
    let mut expected = running.to_vec();
    expected.sort_unstable();
    assert_eq!(ended, expected);
    bench.inspector.wait_for_depth("sightline.judge", 3).await;
    bench.publisher.close().await;
}

#[tokio::test]
async fn replicas_share_a_queue_and_each_event_is_handled_once() {
    let seen = Seen::new();
    let bench = Bench::with(options(), seen.content()).await;
    let second = Consumer::start(
        &bench.config,
        &bench.publisher,
        options(),
        bench.stop.clone(),
        seen.content(),
    );
    within(second.health().wait_connected()).await;
    let mut sent: Vec<_> = (0..50).map(|_| rule_changed().event_id).collect();
    let publish = |id| {
        let publisher = bench.publisher.clone();
        async move {
            let mut envelope = rule_changed();
            envelope.event_id = id;
            publisher.publish(&envelope).await.unwrap();
        }
    };
    join_all(sent.iter().copied().map(publish)).await;
    let mut handled = Vec::new();
    for _ in 0..50 {
        handled.push(seen.next().await.event_id);
    }
    handled.sort_unstable();
    sent.sort_unstable();
    assert_eq!(handled, sent);
    bench.inspector.wait_for_depth("sightline.judge", 0).await;
    assert_eq!(seen.rest().await, []);
    bench.stop().await;
    within(second.stopped()).await;
}

#[tokio::test]
async fn an_event_that_kills_its_consumer_again_and_again_is_dead_in_the_end() {
    let bench = Bench::with(options(), Seen::new().content()).await;
    bench.stop.cancel();
    within(bench.consumer.stopped()).await;
    let sent = rule_changed();
    bench.publisher.publish(&sent).await.unwrap();
    // A reject with requeue counts like a lost consumer, on every version of RabbitMQ.
    let (channel, limit) = (bench.inspector.channel(), 20);
    for _ in 0..=limit {
        let delivery = eventually(PATIENCE, "the event in the queue", async || {
            let message = channel
                .basic_get("sightline.judge".into(), BasicGetOptions::default())
                .await
                .unwrap();
            message.ok_or("none")
        })
        .await;
        delivery
            .acker
            .reject(BasicRejectOptions { requeue: true })
            .await
            .unwrap();
    }
    let letter = bench.inspector.take("sightline.judge.dead").await;
    assert_eq!(serde_json::from_slice::<Envelope>(&letter.data).unwrap(), sent);
    bench.publisher.close().await;
}

#[tokio::test]
async fn a_redrive_keeps_to_its_limit_and_takes_nothing_twice() {
    let seen = Seen::new();
    let handler = seen.handler(|_| Err(HandlerError::poison("still broken")));
    let bench = Bench::with(options(), handler).await;
    for _ in 0..3 {
        bench.publisher.publish(&rule_changed()).await.unwrap();
    }
    bench.inspector.wait_for_depth("sightline.judge.dead", 3).await;
    assert_eq!(redrive(&bench.config, "judge", 2).await.unwrap(), 2);
    // They die again, and are not moved again by the same redrive although it is allowed more than there are.
    bench.inspector.wait_for_depth("sightline.judge.dead", 3).await;
    assert_eq!(redrive(&bench.config, "judge", 100).await.unwrap(), 3);
    bench.inspector.wait_for_depth("sightline.judge.dead", 3).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_redrive_of_an_unknown_consumer_says_so() {
    let broker = TestBroker::create().await;
    let error = redrive(&config(&broker.amqp_url()), "nobody", 1)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, RedriveError::NoSuchConsumer(name) if name == "nobody"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_consumer_whose_queue_is_deleted_makes_it_again() {
    let seen = Seen::new();
    let bench = Bench::with(options(), seen.content()).await;
    bench
        .inspector
        .channel()
        .queue_delete("sightline.judge".into(), QueueDeleteOptions::default())
        .await
        .unwrap();
    let sent = rule_changed();
    publish_surely(&bench.publisher, &sent).await;
    assert_eq!(seen.next().await, sent);
    bench.stop().await;
}

#[tokio::test]
async fn a_failing_event_survives_the_loss_of_its_retry_queue() {
    let seen = Seen::new();
    let tries = AtomicUsize::new(0);
    let handler = seen.handler(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Err(HandlerError::retry("first try")),
        _ => Ok(()),
    });
    let bench = Bench::with(options(), handler).await;
    bench
        .inspector
        .channel()
        .queue_delete("sightline.judge.retry.50ms".into(), QueueDeleteOptions::default())
        .await
        .unwrap();
    let sent = rule_changed();
    bench.publisher.publish(&sent).await.unwrap();
    assert_eq!(seen.next().await, sent);
    assert_eq!(seen.next().await, sent);
    let queues = bench.broker.queue_names().await;
    assert!(
        queues.contains(&"sightline.judge.retry.50ms".to_owned()),
        "{queues:?}"
    );
    bench.stop().await;
}
