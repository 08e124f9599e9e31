//! Events to send, a handler that remembers what it was given, and a look into queues.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{BusConfig, HandlerError, Publisher};
use domain::events::{Envelope, Event};
use domain::ids::{AlertRuleId, EventId, OrgId};
use lapin::message::BasicGetMessage;
use lapin::options::{BasicGetOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties};
use testkit::{TestBroker, eventually};
use time::OffsetDateTime;
use tokio::sync::{Mutex, mpsc};

/// Far longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn config(url: &str) -> BusConfig {
    // Shown with a failed test: RUST_LOG=bus=debug,lapin=debug.
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    let _ = tracing_subscriber::fmt()
        .with_test_writer()
        .with_env_filter(filter)
        .try_init();
    BusConfig::new(url, "bus-test").unwrap()
}

/// A publisher that is connected.
pub(crate) async fn publisher(config: &BusConfig) -> Publisher {
    let publisher = Publisher::start(config);
    within(publisher.health().wait_connected()).await;
    publisher
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("nothing happened for 30 s")
}

pub(crate) fn rule_changed() -> Envelope {
    envelope(Event::RuleChangedV1 {
        org_id: OrgId::generate(),
        rule_id: AlertRuleId::generate(),
    })
}

pub(crate) fn envelope(event: Event) -> Envelope {
    Envelope {
        event_id: EventId::generate(),
        occurred_at: OffsetDateTime::UNIX_EPOCH,
        correlation_id: Some("req-1".to_owned()),
        event,
    }
}

/// Publishes until it succeeds, as the relay does.
pub(crate) async fn publish_surely(publisher: &Publisher, envelope: &Envelope) {
    eventually(PATIENCE, "a confirmed publish", async || {
        publisher.publish(envelope).await
    })
    .await;
}

/// What a handler was given, in order, each with the time.
#[derive(Clone)]
pub(crate) struct Seen<T> {
    sender: mpsc::UnboundedSender<(T, Instant)>,
    receiver: Arc<Mutex<mpsc::UnboundedReceiver<(T, Instant)>>>,
}

impl<T: Send + Debug + 'static> Seen<T> {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            sender,
            receiver: Arc::new(Mutex::new(receiver)),
        }
    }

    pub(crate) fn add(&self, value: T) {
        self.sender.send((value, Instant::now())).unwrap();
    }

    /// The next one, waiting for it.
    pub(crate) async fn next(&self) -> T {
        self.next_timed().await.0
    }

    pub(crate) async fn next_timed(&self) -> (T, Instant) {
        within(async { self.receiver.lock().await.recv().await.unwrap() }).await
    }

    /// What has come and was not looked at.
    pub(crate) async fn rest(&self) -> Vec<T> {
        let mut rest = Vec::new();
        while let Ok((value, _)) = self.receiver.lock().await.try_recv() {
            rest.push(value);
        }
        rest
    }
}

impl Seen<Envelope> {
    /// A handler that remembers the event and then does as `verdict` says.
    pub(crate) fn handler(
        &self,
        verdict: impl Fn(&Envelope) -> Result<(), HandlerError> + Send + Sync + 'static,
    ) -> impl Fn(Envelope) -> std::future::Ready<Result<(), HandlerError>> + Send + Sync + 'static {
        let seen = self.clone();
        move |envelope| {
            let outcome = verdict(&envelope);
            seen.add(envelope);
            std::future::ready(outcome)
        }
    }

    /// A handler that remembers the event and is content.
    pub(crate) fn content(
        &self,
    ) -> impl Fn(Envelope) -> std::future::Ready<Result<(), HandlerError>> + Send + Sync + 'static {
        self.handler(|_| Ok(()))
    }
}

/// A second, plain connection to look at the broker with.
pub(crate) struct Inspector {
    _connection: Connection,
    channel: Channel,
}

impl Inspector {
    pub(crate) async fn of(broker: &TestBroker) -> Self {
        Self::at(&broker.amqp_url()).await
    }

    pub(crate) async fn at(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        Self {
            _connection: connection,
            channel,
        }
    }

    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// How many messages wait in a queue.
    pub(crate) async fn depth(&self, queue: &str) -> u32 {
        let passive = QueueDeclareOptions {
            passive: true,
            ..Default::default()
        };
        let queue = self
            .channel
            .queue_declare(queue.into(), passive, FieldTable::default())
            .await
            .unwrap();
        queue.message_count()
    }

    pub(crate) async fn wait_for_depth(&self, queue: &str, depth: u32) {
        eventually(
            PATIENCE,
            &format!("{depth} messages in {queue}"),
            async || match self.depth(queue).await {
                found if found == depth => Ok(()),
                found => Err(found),
            },
        )
        .await;
    }

    /// Takes the oldest message out of a queue, waiting for one.
    pub(crate) async fn take(&self, queue: &str) -> BasicGetMessage {
        eventually(PATIENCE, &format!("a message in {queue}"), async || {
            let message = self
                .channel
                .basic_get(queue.into(), BasicGetOptions { no_ack: true })
                .await
                .unwrap();
            message.ok_or("none")
        })
        .await
    }

    /// A queue of the test's own, bound to the events of one routing key.
    pub(crate) async fn listen(&self, queue: &str, routing_key: &str, arguments: FieldTable) {
        let durable = QueueDeclareOptions {
            durable: true,
            ..Default::default()
        };
        self.channel
            .queue_declare(queue.into(), durable, arguments)
            .await
            .unwrap();
        let exchange = domain::events::EXCHANGE;
        self.channel
            .queue_bind(
                queue.into(),
                exchange.into(),
                routing_key.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .unwrap();
    }
}

/// A header as text.
pub(crate) fn header(message: &BasicGetMessage, name: &str) -> String {
    let headers = message.properties.headers().as_ref().unwrap();
    match headers.inner().get(name) {
        Some(AMQPValue::LongString(text)) => text.to_string(),
        Some(AMQPValue::LongLongInt(number)) => number.to_string(),
        other => panic!("header {name} is {other:?}"),
    }
}
