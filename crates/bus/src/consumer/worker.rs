//! From delivery to acknowledgement.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use domain::events::Envelope;
use futures_util::FutureExt;
use lapin::Acker;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{ConsumerOptions, Handler, HandlerError};
use crate::backoff::Backoff;
use crate::message::{Message, Received};
use crate::metrics::{self, Delivered};
use crate::publisher::{PublishError, Publisher};
use crate::settle::{Next, after_failure};
use crate::topology::{self, QueueKind};

/// What is done with one delivery.
pub(super) struct Worker {
    pub(super) options: ConsumerOptions,
    pub(super) publisher: Publisher,
    pub(super) handler: Handler,
    pub(super) stop: CancellationToken,
}

impl Worker {
    pub(super) async fn take(
        self: Arc<Self>,
        delivery: Delivery,
        slot: OwnedSemaphorePermit,
        queue_missing: CancellationToken,
    ) {
        let Delivery {
            properties,
            data,
            acker,
            ..
        } = delivery;
        let received = Received::new(properties, data);
        let span = tracing::info_span!(
            "event",
            consumer = self.options.name,
            event.id = received.event_id(),
            request_id = received.correlation_id(),
            trace_id = received.trace_id(),
            attempts = received.attempts(),
        );
        let outcome = self
            .settle(&received, &acker, &queue_missing)
            .instrument(span)
            .await;
        metrics::delivered(self.options.name, outcome);
        drop(slot);
    }

    async fn settle(
        &self,
        received: &Received,
        acker: &Acker,
        queue_missing: &CancellationToken,
    ) -> Delivered {
        let failure = match received.envelope() {
            Ok(envelope) => match self.handle(envelope).await {
                Ok(()) => return acknowledge(acker, Delivered::Done).await,
                Err(failure) => failure,
            },
            Err(error) => HandlerError::poison(format!("the event cannot be read by this version: {error}")),
        };
        let reason = failure.to_string();
        if self.options.kind == QueueKind::Hints {
            tracing::debug!(reason, "dropping a hint: {reason}");
            return acknowledge(acker, Delivered::Dropped).await;
        }
        let (message, outcome) = self.next_stop(received, &failure, &reason);
        self.hand_over(message, acker, outcome, queue_missing).await
    }

    async fn handle(&self, envelope: Envelope) -> Result<(), HandlerError> {
        let started = Instant::now();
        let deadline = self.options.handler_deadline;
        // The call itself may panic as well, before there is a future.
        let handling = AssertUnwindSafe(async { (self.handler)(envelope).await }).catch_unwind();
        let outcome = tokio::time::timeout(deadline, handling).await;
        metrics::handled(self.options.name, started.elapsed());
        match outcome {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_panic)) => Err(HandlerError::retry("the handler panicked")),
            Err(_elapsed) => Err(HandlerError::retry(format!(
                "the handler took longer than {deadline:?}"
            ))),
        }
    }

    /// Where a failed message goes, and what that is called.
    fn next_stop(&self, received: &Received, failure: &HandlerError, reason: &str) -> (Message, Delivered) {
        let name = self.options.name;
        let next = match failure {
            HandlerError::Retry(_) => after_failure(received.attempts(), &self.options.retry_delays),
            HandlerError::Poison(_) => Next::Dead {
                attempts: received.attempts().saturating_add(1),
            },
        };
        match next {
            Next::Retry { attempts, delay } => {
                tracing::warn!(
                    attempts,
                    ?delay,
                    reason,
                    "handling failed, trying again in {delay:?}: {reason}"
                );
                (
                    received.retried(&topology::retry_queue(name, delay), attempts, reason),
                    Delivered::Retried,
                )
            }
            Next::Dead { attempts } => {
                tracing::error!(
                    attempts,
                    reason,
                    "giving an event up to sightline.{name}.dead: {reason}"
                );
                (received.dead(name, attempts, reason), Delivered::Dead)
            }
        }
    }

    /// Publishes the message to where it goes next, then acknowledges it here. While that cannot be published the
    /// message is held: the broker has no place for it, so taking more would not help.
    async fn hand_over(
        &self,
        message: Message,
        acker: &Acker,
        outcome: Delivered,
        queue_missing: &CancellationToken,
    ) -> Delivered {
        let mut backoff = Backoff::default();
        while let Err(error) = self.publisher.send(message.clone()).await {
            tracing::debug!(%error, "an event cannot be put aside yet: {error}");
            if matches!(error, PublishError::Unroutable { .. }) {
                queue_missing.cancel();
            }
            tokio::select! {
                () = self.stop.cancelled() => return Delivered::Left,
                () = tokio::time::sleep(backoff.next()) => {}
            }
            if !acker.usable() {
                return Delivered::Left;
            }
        }
        acknowledge(acker, outcome).await
    }
}

/// An acknowledgement that the broker did not get only means that it delivers the message again.
async fn acknowledge(acker: &Acker, outcome: Delivered) -> Delivered {
    match acker.ack(BasicAckOptions::default()).await {
        Ok(true) => outcome,
        Ok(false) | Err(_) => Delivered::Left,
    }
}
