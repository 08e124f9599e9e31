//! Broadcasts: every replica gets every event, for as long as it is connected. For caches.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use domain::events::{Envelope, RoutingKey};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::BusConfig;
use crate::health::{Health, HealthReporter};
use crate::link::{Work, supervise};
use crate::message::Received;
use crate::metrics::{self, Delivered};
use crate::session::{LinkError, Session};
use crate::topology;

const PREFETCH: u16 = 100;
/// A handler that takes longer is given up: it drops cache entries.
const HANDLER_DEADLINE: Duration = Duration::from_secs(5);

/// What a subscriber is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broadcast {
    Event(Envelope),
    /// Events may have been missed: at every (re)connection, and at an event that this version cannot read. A cache drops
    /// everything.
    Gap,
}

/// A running subscription. It goes on when this is dropped; only its `stop` token ends it.
pub struct Subscription {
    health: Health,
    supervisor: JoinHandle<()>,
}

impl Subscription {
    /// How the link to the broker stands. While it is down, events are missed.
    pub fn health(&self) -> &Health {
        &self.health
    }

    pub fn connected(&self) -> bool {
        self.health.connected()
    }

    /// Waits for the end after `stop` was cancelled.
    pub async fn stopped(self) {
        let _ = self.supervisor.await;
    }
}

/// Tells `handler` of every event of these keys, one at a time and at most once. `name` is for logs and metrics. Returns
/// at once; connects in the background until `stop` is cancelled.
///
/// The queue belongs to the connection and goes with it, so what happens while this replica is away is missed, and
/// [`Broadcast::Gap`] says so. It holds 10,000 events, then the oldest fall away: cached entries need an expiry of their own
/// as well.
pub fn subscribe_broadcast<H, F>(
    config: &BusConfig,
    name: &'static str,
    keys: impl Into<Vec<RoutingKey>>,
    stop: CancellationToken,
    handler: H,
) -> Subscription
where
    H: Fn(Broadcast) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (reporter, health) = HealthReporter::new(name);
    let listening = Listening {
        name,
        keys: keys.into(),
        handler: Arc::new(move |broadcast| handler(broadcast).boxed()),
    };
    let supervisor = tokio::spawn(supervise(listening, config.clone(), reporter, stop));
    Subscription { health, supervisor }
}

/// The supervised part.
struct Listening {
    name: &'static str,
    keys: Vec<RoutingKey>,
    handler: Arc<dyn Fn(Broadcast) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl Work for Listening {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn run(&mut self, session: &Session) -> Result<(), LinkError> {
        let channel = session.channel().await?;
        let mut deliveries = self.subscribe(&channel).await?;
        session.ready();
        // Only now: what happens from here on is in the queue.
        self.tell(Broadcast::Gap).await;
        loop {
            let delivery = tokio::select! {
                () = session.stop.cancelled() => return Ok(()),
                delivery = deliveries.next() => delivery.ok_or(LinkError::Unsubscribed)??,
            };
            let received = Received::new(delivery.properties, delivery.data);
            self.tell(readable_or_gap(&received)).await;
            delivery.acker.ack(BasicAckOptions::default()).await?;
        }
    }
}

/// An event that cannot be read may concern anything that is cached.
fn readable_or_gap(received: &Received) -> Broadcast {
    match received.envelope() {
        Ok(envelope) => Broadcast::Event(envelope),
        Err(error) => {
            let id = received.event_id();
            tracing::warn!(event.id = id, %error, "broadcast {id} cannot be read by this version: {error}");
            Broadcast::Gap
        }
    }
}

impl Listening {
    async fn subscribe(&self, channel: &Channel) -> Result<lapin::Consumer, LinkError> {
        let queue = topology::declare_broadcast(channel, &self.keys).await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let exclusive = BasicConsumeOptions {
            exclusive: true,
            ..Default::default()
        };
        Ok(channel
            .basic_consume(queue.into(), "".into(), exclusive, FieldTable::default())
            .await?)
    }

    async fn tell(&self, broadcast: Broadcast) {
        let telling = AssertUnwindSafe(async { (self.handler)(broadcast).await }).catch_unwind();
        let outcome = match tokio::time::timeout(HANDLER_DEADLINE, telling).await {
            Ok(Ok(())) => Delivered::Done,
            Ok(Err(_panic)) => {
                tracing::error!("the handler of broadcast {} panicked", self.name);
                Delivered::Dropped
            }
            Err(_elapsed) => {
                tracing::error!(
                    "the handler of broadcast {} took longer than {HANDLER_DEADLINE:?}",
                    self.name
                );
                Delivered::Dropped
            }
        };
        metrics::delivered(self.name, outcome);
    }
}
