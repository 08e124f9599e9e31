//! Publishing with a confirm: `Ok` means that the broker has the message on disk and in at least one queue.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::events::Envelope;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation, ConnectionStatus};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::BusConfig;
use crate::health::{Health, HealthReporter, LinkState};
use crate::link::{Work, supervise};
use crate::message::{EncodeError, Message};
use crate::metrics;
use crate::session::{LinkError, Session};
use crate::topology;

/// Channels of the publisher's connection, each with at most one message under way.
///
/// One, because lapin hands a returned message to whichever confirm arrives next on the channel, and takes delivery tags
/// in another order than it writes frames when tasks publish at once: with two under way, one event could be taken for
/// another's failure. At 1 to 2.5 ms a confirm, eight make thousands of events a second.
const LANES: usize = 8;

/// Why an event was not published, or not surely.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Not sent: no usable connection at this moment.
    #[error("the broker cannot be reached, or takes no messages")]
    Unavailable,
    /// The broker has it and dropped it: no queue is bound for this routing key.
    #[error("no queue takes events of routing key {routing_key}")]
    Unroutable { routing_key: String },
    /// A queue that it was routed to refused it; others may have it.
    #[error("the broker refused the event: a queue is full")]
    Refused,
    /// The broker may have it or not.
    #[error("the broker did not confirm the event within {0:?}")]
    Deadline(Duration),
    /// The broker may have it or not.
    #[error("the connection broke while the event was published: {0}")]
    Broken(Box<lapin::Error>),
    /// Never can be.
    #[error("the event cannot be put into a message: {0}")]
    Malformed(String),
}

impl PublishError {
    /// The `outcome` label of metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Unroutable { .. } => "unroutable",
            Self::Refused => "refused",
            Self::Deadline(_) => "deadline",
            Self::Broken(_) => "broken",
            Self::Malformed(_) => "malformed",
        }
    }

    /// Whether the link itself is at fault, so that the next event would fare no better just now.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Unavailable | Self::Deadline(_) | Self::Broken(_) => true,
            Self::Unroutable { .. } | Self::Refused | Self::Malformed(_) => false,
        }
    }
}

impl From<EncodeError> for PublishError {
    fn from(error: EncodeError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Publishes events over a connection of its own, which a supervisor keeps up. Cheap to clone; the connection ends with
/// the last clone.
#[derive(Clone)]
pub struct Publisher {
    lanes: watch::Receiver<Option<Arc<Lanes>>>,
    health: Health,
    deadline: Duration,
    stop: CancellationToken,
    supervisor: Arc<Mutex<Option<JoinHandle<()>>>>,
    _last_clone: Arc<DropGuard>,
}

impl Publisher {
    /// Returns at once; connects in the background, also when the broker comes only later.
    pub fn start(config: &BusConfig) -> Self {
        let (reporter, health) = HealthReporter::new("publisher");
        let (offered, lanes) = watch::channel(None);
        let stop = CancellationToken::new();
        let offering = Offering {
            lanes: offered,
            deadline: config.confirm_deadline,
        };
        let supervisor = tokio::spawn(supervise(offering, config.clone(), reporter, stop.clone()));
        Self {
            lanes,
            health,
            deadline: config.confirm_deadline,
            _last_clone: Arc::new(stop.clone().drop_guard()),
            stop,
            supervisor: Arc::new(Mutex::new(Some(supervisor))),
        }
    }

    /// Publishes an event: persistent, mandatory, confirmed. Returns within the confirm deadline (5 s), at once while
    /// there is no connection. After an error, publish the same envelope again: consumers know it by its id.
    pub async fn publish(&self, envelope: &Envelope) -> Result<(), PublishError> {
        self.send(Message::of_envelope(envelope)?).await
    }

    /// How the link to the broker stands.
    pub fn health(&self) -> &Health {
        &self.health
    }

    pub fn connected(&self) -> bool {
        self.health.connected()
    }

    /// Waits for what is being published, and closes the connection. Later publishes are `Unavailable`.
    pub async fn close(&self) {
        self.stop.cancel();
        let supervisor = self
            .supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(supervisor) = supervisor {
            let _ = supervisor.await;
        }
    }

    pub(crate) async fn send(&self, message: Message) -> Result<(), PublishError> {
        let (kind, started) = (message.kind, Instant::now());
        let outcome = match self.usable_lanes() {
            // In a task of its own: a caller that stops waiting must not leave a lane with a confirm still to come.
            Some(lanes) => tokio::spawn(lanes.publish(message, self.deadline))
                .await
                .unwrap_or(Err(PublishError::Unavailable)),
            None => Err(PublishError::Unavailable),
        };
        let label = outcome
            .as_ref()
            .map_or_else(PublishError::outcome, |()| "published");
        metrics::published(kind, label, started.elapsed());
        outcome
    }

    fn usable_lanes(&self) -> Option<Arc<Lanes>> {
        if self.health.state() == LinkState::Blocked {
            return None;
        }
        self.lanes.borrow().clone()
    }
}

/// The supervised part: offers lanes while connected.
struct Offering {
    lanes: watch::Sender<Option<Arc<Lanes>>>,
    deadline: Duration,
}

impl Work for Offering {
    fn name(&self) -> &'static str {
        "publisher"
    }

    async fn run(&mut self, session: &Session) -> Result<(), LinkError> {
        topology::declare_exchanges(&session.channel().await?).await?;
        let lanes = Arc::new(Lanes::open(session).await?);
        let offer = Offer::make(&self.lanes, lanes.clone());
        session.ready();
        tokio::select! {
            () = session.stop.cancelled() => {}
            () = lanes.broken.cancelled() => return Err(LinkError::Unconfirmed),
        }
        drop(offer);
        lanes.drained(self.deadline).await;
        Ok(())
    }
}

/// Withdraws the lanes when dropped, whichever way the connection ended.
struct Offer<'a>(&'a watch::Sender<Option<Arc<Lanes>>>);

impl<'a> Offer<'a> {
    fn make(sender: &'a watch::Sender<Option<Arc<Lanes>>>, lanes: Arc<Lanes>) -> Self {
        sender.send_replace(Some(lanes));
        Self(sender)
    }
}

impl Drop for Offer<'_> {
    fn drop(&mut self) {
        if let Some(lanes) = self.0.send_replace(None) {
            lanes.withdrawn.cancel();
        }
    }
}

/// The channels of one connection.
pub(crate) struct Lanes {
    idle: Mutex<Vec<Channel>>,
    /// One for each idle channel. A channel whose confirm is still to come never gets its permit back.
    permits: Semaphore,
    status: ConnectionStatus,
    /// A publish failed in a way that only a new connection heals.
    broken: CancellationToken,
    /// Nobody new may start.
    withdrawn: CancellationToken,
}

impl Lanes {
    pub(crate) async fn open(session: &Session) -> Result<Self, LinkError> {
        let mut channels = Vec::with_capacity(LANES);
        for _ in 0..LANES {
            let channel = session.channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            channels.push(channel);
        }
        Ok(Self {
            idle: Mutex::new(channels),
            permits: Semaphore::new(LANES),
            status: session.status(),
            broken: CancellationToken::new(),
            withdrawn: CancellationToken::new(),
        })
    }

    /// Publishes within `deadline`, waiting for a lane included.
    pub(crate) async fn publish(
        self: Arc<Self>,
        message: Message,
        deadline: Duration,
    ) -> Result<(), PublishError> {
        let asked = Instant::now();
        let permit = timeout(deadline, self.lane())
            .await
            .map_err(|_elapsed| PublishError::Deadline(deadline))?;
        let (permit, channel) = permit.ok_or(PublishError::Unavailable)?;
        let left = deadline.saturating_sub(asked.elapsed());
        match timeout(left, confirmed(&channel, &message)).await {
            Ok(Ok(confirmation)) => {
                self.lock_idle().push(channel);
                drop(permit);
                judge(confirmation, &message)
            }
            Ok(Err(error)) => {
                permit.forget();
                self.broken.cancel();
                Err(PublishError::Broken(Box::new(error)))
            }
            Err(_elapsed) => {
                permit.forget();
                // A blocked connection is replaced when it is unblocked, and not before.
                if !self.status.blocked() {
                    self.broken.cancel();
                }
                Err(PublishError::Deadline(deadline))
            }
        }
    }

    async fn lane(&self) -> Option<(SemaphorePermit<'_>, Channel)> {
        let permit = tokio::select! {
            biased;
            () = self.withdrawn.cancelled() => return None,
            () = self.broken.cancelled() => return None,
            permit = self.permits.acquire() => permit.ok()?,
        };
        let channel = self.lock_idle().pop()?;
        Some((permit, channel))
    }

    /// Waits until nothing is under way, at most for a publish's deadline: a lane that missed its own is never free.
    async fn drained(&self, deadline: Duration) {
        let all = self.permits.acquire_many(LANES as u32);
        tokio::select! {
            _ = all => {}
            () = self.broken.cancelled() => {}
            () = tokio::time::sleep(deadline) => {}
        }
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Channel>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn confirmed(channel: &Channel, message: &Message) -> lapin::Result<Confirmation> {
    let mandatory = BasicPublishOptions {
        mandatory: true,
        ..Default::default()
    };
    let (exchange, routing_key) = (message.exchange.clone(), message.routing_key.clone());
    let properties = message.properties.clone();
    channel
        .basic_publish(exchange, routing_key, mandatory, &message.body, properties)
        .await?
        .await
}

/// A message that no queue takes is acknowledged as well, so an `Ack` alone says nothing.
fn judge(confirmation: Confirmation, message: &Message) -> Result<(), PublishError> {
    match confirmation {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => Err(PublishError::Unroutable {
            routing_key: message.routing_key.to_string(),
        }),
        Confirmation::Nack(None) | Confirmation::NotRequested => Err(PublishError::Refused),
    }
}
