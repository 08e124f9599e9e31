//! Gives dead letters another chance.

use std::sync::Arc;

use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::{Channel, ErrorKind};
use tokio_util::sync::CancellationToken;

use crate::config::BusConfig;
use crate::health::HealthReporter;
use crate::message::Received;
use crate::publisher::{Lanes, PublishError};
use crate::session::{LinkError, Session};
use crate::topology;

/// Why a redrive ended early. What was moved before stays moved.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    #[error("there is no dead-letter queue for consumer {0}: check the name, and that it has run once")]
    NoSuchConsumer(String),
    #[error("after {moved} events the next could not be put back: {source}")]
    NotPutBack { moved: u32, source: PublishError },
    #[error("the broker failed after {moved} events were put back: {reason}")]
    Broker { moved: u32, reason: String },
}

/// Puts up to `limit` dead letters of a consumer back into its queue, oldest first, as if none had ever failed. Returns
/// how many. Those that die again meanwhile are not taken twice.
///
/// A letter leaves the dead-letter queue after the broker confirmed it in the other: a crash in between doubles it.
pub async fn redrive(config: &BusConfig, consumer: &str, limit: u32) -> Result<u32, RedriveError> {
    let (reporter, _health) = HealthReporter::new("redrive");
    let session = Session::open(config, "redrive", Arc::new(reporter), CancellationToken::new())
        .await
        .map_err(|error| failed(consumer, 0, error))?;
    let outcome = tokio::select! {
        outcome = move_letters(config, &session, consumer, limit) => outcome,
        error = session.lost() => Err(failed(consumer, 0, error)),
    };
    session.close().await;
    outcome
}

async fn move_letters(
    config: &BusConfig,
    session: &Session,
    consumer: &str,
    limit: u32,
) -> Result<u32, RedriveError> {
    let channel = session
        .channel()
        .await
        .map_err(|error| failed(consumer, 0, error))?;
    let lanes = Arc::new(
        Lanes::open(session)
            .await
            .map_err(|error| failed(consumer, 0, error))?,
    );
    let (mut moved, mut left) = (0, limit);
    while left > 0 {
        let Some((received, acker, behind)) = next_letter(&channel, consumer, moved).await? else {
            break;
        };
        if moved == 0 {
            left = left.min(behind.saturating_add(1));
        }
        lanes
            .clone()
            .publish(received.revived(consumer), config.confirm_deadline)
            .await
            .map_err(|source| RedriveError::NotPutBack { moved, source })?;
        let acknowledged = acker.ack(BasicAckOptions::default()).await;
        acknowledged.map_err(|error| failed(consumer, moved, error.into()))?;
        moved += 1;
        left -= 1;
    }
    Ok(moved)
}

/// The oldest dead letter, and how many are behind it.
async fn next_letter(
    channel: &Channel,
    consumer: &str,
    moved: u32,
) -> Result<Option<(Received, lapin::Acker, u32)>, RedriveError> {
    let queue = topology::dead_queue(consumer);
    let letter = channel.basic_get(queue.into(), BasicGetOptions::default()).await;
    let letter = letter.map_err(|error| failed(consumer, moved, error.into()))?;
    Ok(letter.map(|letter| {
        let behind = letter.message_count;
        let delivery = letter.delivery;
        (
            Received::new(delivery.properties, delivery.data),
            delivery.acker,
            behind,
        )
    }))
}

fn failed(consumer: &str, moved: u32, error: LinkError) -> RedriveError {
    if let LinkError::Amqp(amqp) = &error
        && let ErrorKind::ProtocolError(protocol) = amqp.kind()
        && *protocol.kind() == AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND)
    {
        return RedriveError::NoSuchConsumer(consumer.to_owned());
    }
    RedriveError::Broker {
        moved,
        reason: error.to_string(),
    }
}
