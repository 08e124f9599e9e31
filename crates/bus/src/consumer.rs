//! Consuming: a message is acknowledged after its effect, retried with growing delays, and kept when nothing helps.

mod worker;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::events::{Envelope, RoutingKey};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::BusConfig;
use crate::health::{Health, HealthReporter};
use crate::link::{Work, supervise};
use crate::publisher::Publisher;
use crate::session::{LinkError, Session};
use crate::topology::{self, QueueKind};
use worker::Worker;

/// Delays before the second to sixth try: a database that restarts is back by the third, an outage of ten minutes is
/// survived.
const RETRY_DELAYS: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
];
/// How long a handler may take before its try counts as failed; far below the broker's own limit of 30 minutes.
const HANDLER_DEADLINE: Duration = Duration::from_mins(1);
const PREFETCH: u16 = 50;
/// How long ending the subscription may take; a silent broker would hold up the end until its heartbeats are missed.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a handler did not do its work.
#[derive(Debug)]
pub enum HandlerError {
    /// Trying again later may help.
    Retry(Box<dyn Error + Send + Sync>),
    /// Trying again cannot help.
    Poison(Box<dyn Error + Send + Sync>),
}

impl HandlerError {
    pub fn retry(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Retry(error.into())
    }

    pub fn poison(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Poison(error.into())
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Retry(error) | Self::Poison(error)) = self;
        f.write_str(&db::causes::chain(error.as_ref()))
    }
}

/// What to consume, and how.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    name: &'static str,
    keys: Vec<RoutingKey>,
    kind: QueueKind,
    prefetch: u16,
    retry_delays: Vec<Duration>,
    handler_deadline: Duration,
}

impl ConsumerOptions {
    /// Events of which each matters. `name` is for ever: it names the queue `sightline.<name>`, which replicas share and
    /// which keeps events while none runs.
    pub fn events(name: &'static str, keys: impl Into<Vec<RoutingKey>>) -> Self {
        Self {
            name,
            keys: keys.into(),
            kind: QueueKind::Events,
            prefetch: PREFETCH,
            retry_delays: RETRY_DELAYS.to_vec(),
            handler_deadline: HANDLER_DEADLINE,
        }
    }

    /// Hints that something changed: at most 10,000 wait for at most a minute, and one whose handler fails is dropped.
    /// They have a queue of their own so that a flood of them cannot push back events.
    pub fn hints(name: &'static str, keys: impl Into<Vec<RoutingKey>>) -> Self {
        Self {
            kind: QueueKind::Hints,
            ..Self::events(name, keys)
        }
    }

    /// How many messages are handled at once, and how many more wait in this process; default 50.
    pub fn prefetch(mut self, messages: u16) -> Self {
        self.prefetch = messages.max(1);
        self
    }

    /// Delays before the second, third, ... try; default 1 s, 5 s, 30 s, 2 min, 10 min. Each is a queue of its own, and
    /// queues of delays that are no longer used stay until someone deletes them.
    pub fn retry_delays(mut self, delays: impl Into<Vec<Duration>>) -> Self {
        self.retry_delays = delays.into();
        self
    }

    /// How long a handler may take before its try counts as failed; default 60 s.
    pub fn handler_deadline(mut self, deadline: Duration) -> Self {
        self.handler_deadline = deadline;
        self
    }
}

type Handler = Arc<dyn Fn(Envelope) -> BoxFuture<'static, Result<(), HandlerError>> + Send + Sync>;

/// A running consumer. It goes on when this is dropped; only its `stop` token ends it.
pub struct Consumer {
    health: Health,
    supervisor: JoinHandle<()>,
    running: TaskTracker,
}

impl Consumer {
    /// Returns at once; connects, declares and consumes in the background, over as many connections as it takes, until
    /// `stop` is cancelled.
    ///
    /// The handler may see an event twice, and two events at once: its effect must be the same if it was applied before
    /// (the event id as the key of a row in the same transaction, say). Retries and dead letters go through `publisher`,
    /// because a connection that only consumes is not blocked when the broker is short of disk.
    pub fn start<H, F>(
        config: &BusConfig,
        publisher: &Publisher,
        options: ConsumerOptions,
        stop: CancellationToken,
        handler: H,
    ) -> Self
    where
        H: Fn(Envelope) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        let (reporter, health) = HealthReporter::new(options.name);
        let running = TaskTracker::new();
        let consuming = Consuming {
            slots: Arc::new(Semaphore::new(usize::from(options.prefetch))),
            running: running.clone(),
            worker: Arc::new(Worker {
                options,
                publisher: publisher.clone(),
                handler: Arc::new(move |envelope| handler(envelope).boxed()),
                stop: stop.clone(),
            }),
        };
        let supervisor = tokio::spawn(supervise(consuming, config.clone(), reporter, stop));
        Self {
            health,
            supervisor,
            running,
        }
    }

    /// How the link to the broker stands.
    pub fn health(&self) -> &Health {
        &self.health
    }

    pub fn connected(&self) -> bool {
        self.health.connected()
    }

    /// Waits for the end after `stop` was cancelled: nothing new is taken, running handlers finish (at most their
    /// deadline), the rest goes back to the queue. Close the publisher after this, not before.
    pub async fn stopped(self) {
        let _ = self.supervisor.await;
        self.running.close();
        self.running.wait().await;
    }
}

/// The supervised part.
struct Consuming {
    worker: Arc<Worker>,
    /// Bounds the handlers over all connections: those of a lost one go on while the next delivers again.
    slots: Arc<Semaphore>,
    running: TaskTracker,
}

impl Work for Consuming {
    fn name(&self) -> &'static str {
        self.worker.options.name
    }

    async fn run(&mut self, session: &Session) -> Result<(), LinkError> {
        let channel = session.channel().await?;
        let mut deliveries = self.subscribe(&channel).await?;
        session.ready();
        let queue_missing = CancellationToken::new();
        loop {
            let slot = tokio::select! {
                () = session.stop.cancelled() => break,
                () = queue_missing.cancelled() => return Err(LinkError::QueueMissing),
                slot = self.slots.clone().acquire_owned() => slot.map_err(|_closed| LinkError::Closed)?,
            };
            let delivery = tokio::select! {
                () = session.stop.cancelled() => break,
                () = queue_missing.cancelled() => return Err(LinkError::QueueMissing),
                delivery = deliveries.next() => delivery.ok_or(LinkError::Unsubscribed)??,
            };
            let worker = self.worker.clone();
            self.running
                .spawn(worker.take(delivery, slot, queue_missing.clone()));
        }
        let farewell = channel.basic_cancel(deliveries.tag(), BasicCancelOptions::default());
        // Without it the broker delivers a few more, which go back to the queue when the connection ends.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
        self.running.close();
        self.running.wait().await;
        Ok(())
    }
}

impl Consuming {
    async fn subscribe(&self, channel: &Channel) -> Result<lapin::Consumer, LinkError> {
        let ConsumerOptions {
            name,
            keys,
            kind,
            prefetch,
            retry_delays,
            ..
        } = &self.worker.options;
        topology::declare_consumer(channel, name, *kind, keys, retry_delays).await?;
        channel.basic_qos(*prefetch, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let queue = topology::queue(name);
        Ok(channel
            .basic_consume(queue.into(), "".into(), options, FieldTable::default())
            .await?)
    }
}
