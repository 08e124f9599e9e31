//! Exchanges and queues. Declaring is idempotent, so that every link does it whenever it connects.
//!
//! Everything durable is a quorum queue with its type and delivery limit written out: their defaults differ between
//! RabbitMQ 3.10, 4.0 and 4.3. Of the same age are the retry queues, one per delay: delayed retry is not portable.

use std::time::Duration;

use domain::events::{EXCHANGE, RoutingKey};
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

use crate::session::LinkError;

/// Where messages go that a consumer cannot handle; routed to its dead-letter queue by the consumer's name.
pub(crate) const DEAD_LETTER_EXCHANGE: &str = "sightline.dead";
/// Routes by queue name.
pub(crate) const DEFAULT_EXCHANGE: &str = "";

/// Redeliveries of a message whose consumer died or lost its connection, before it is dead. Handlers that fail are
/// counted by ourselves; this is the safety net under them, and a rolling restart spends some of it.
const DELIVERY_LIMIT: i64 = 20;
/// For queues nobody consumes: looking at a message must never use it up. (0 or -1 do not mean "none" everywhere.)
const NO_DELIVERY_LIMIT: i64 = 1_000_000;
/// Past this many waiting messages, publishing is refused and the events wait in the outbox.
const MAX_EVENTS: i64 = 100_000;
/// Past this many waiting hints the oldest fall away.
const MAX_HINTS: i64 = 10_000;
/// A hint older than this says nothing that the sweep has not seen.
const HINT_TTL: Duration = Duration::from_mins(1);
/// Past this many waiting broadcasts the oldest fall away: a replica that slow is not served better by more.
const MAX_BROADCASTS: i64 = 10_000;

/// What kind of messages a consumer's queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueKind {
    /// Each matters: retried, then kept as a dead letter.
    Events,
    /// Only the newest matter: dropped when old, when too many, or when the handler fails.
    Hints,
}

pub(crate) fn queue(consumer: &str) -> String {
    format!("sightline.{consumer}")
}

pub(crate) fn dead_queue(consumer: &str) -> String {
    format!("sightline.{consumer}.dead")
}

/// The delay is part of the name: another schedule is other queues, since a queue's arguments cannot change.
pub(crate) fn retry_queue(consumer: &str, delay: Duration) -> String {
    format!("sightline.{consumer}.retry.{}ms", delay.as_millis())
}

pub(crate) async fn declare_exchanges(channel: &Channel) -> Result<(), LinkError> {
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..Default::default()
    };
    channel
        .exchange_declare(
            EXCHANGE.into(),
            ExchangeKind::Topic,
            durable,
            FieldTable::default(),
        )
        .await?;
    channel
        .exchange_declare(
            DEAD_LETTER_EXCHANGE.into(),
            ExchangeKind::Direct,
            durable,
            FieldTable::default(),
        )
        .await?;
    Ok(())
}

/// The queue of a consumer, its dead-letter and retry queues, and its bindings. Keys that it had before stay bound.
pub(crate) async fn declare_consumer(
    channel: &Channel,
    consumer: &str,
    kind: QueueKind,
    keys: &[RoutingKey],
    retry_delays: &[Duration],
) -> Result<(), LinkError> {
    declare_exchanges(channel).await?;
    match kind {
        QueueKind::Events => {
            declare_dead_queue(channel, consumer).await?;
            for delay in retry_delays {
                declare(
                    channel,
                    &retry_queue(consumer, *delay),
                    retry_arguments(consumer, *delay),
                )
                .await?;
            }
            declare(channel, &queue(consumer), event_arguments(consumer)).await?;
        }
        QueueKind::Hints => declare(channel, &queue(consumer), hint_arguments()).await?,
    }
    for key in keys {
        bind(channel, &queue(consumer), EXCHANGE, key.as_str()).await?;
    }
    Ok(())
}

async fn declare_dead_queue(channel: &Channel, consumer: &str) -> Result<(), LinkError> {
    let arguments = quorum([
        ("x-delivery-limit", NO_DELIVERY_LIMIT.into()),
        ("x-overflow", text("reject-publish")),
        ("x-max-length", MAX_EVENTS.into()),
    ]);
    declare(channel, &dead_queue(consumer), arguments).await?;
    bind(channel, &dead_queue(consumer), DEAD_LETTER_EXCHANGE, consumer).await
}

/// A queue without a name of ours, for this connection alone, gone with it. Returns the name that the broker gave it.
pub(crate) async fn declare_broadcast(channel: &Channel, keys: &[RoutingKey]) -> Result<String, LinkError> {
    declare_exchanges(channel).await?;
    let own = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..Default::default()
    };
    let arguments = table([
        ("x-queue-type", text("classic")),
        ("x-max-length", MAX_BROADCASTS.into()),
        ("x-overflow", text("drop-head")),
    ]);
    let name = channel
        .queue_declare("".into(), own, arguments)
        .await?
        .name()
        .to_string();
    for key in keys {
        bind(channel, &name, EXCHANGE, key.as_str()).await?;
    }
    Ok(name)
}

fn event_arguments(consumer: &str) -> FieldTable {
    quorum([
        ("x-delivery-limit", DELIVERY_LIMIT.into()),
        ("x-overflow", text("reject-publish")),
        ("x-max-length", MAX_EVENTS.into()),
        ("x-dead-letter-exchange", text(DEAD_LETTER_EXCHANGE)),
        ("x-dead-letter-routing-key", text(consumer)),
        ("x-dead-letter-strategy", text("at-least-once")),
    ])
}

/// Messages wait here for the delay, and then go back to the consumer's queue.
fn retry_arguments(consumer: &str, delay: Duration) -> FieldTable {
    quorum([
        ("x-delivery-limit", NO_DELIVERY_LIMIT.into()),
        ("x-overflow", text("reject-publish")),
        ("x-max-length", MAX_EVENTS.into()),
        ("x-message-ttl", millis(delay)),
        ("x-dead-letter-exchange", text(DEFAULT_EXCHANGE)),
        ("x-dead-letter-routing-key", text(&queue(consumer))),
        ("x-dead-letter-strategy", text("at-least-once")),
    ])
}

fn hint_arguments() -> FieldTable {
    quorum([
        ("x-delivery-limit", DELIVERY_LIMIT.into()),
        ("x-overflow", text("drop-head")),
        ("x-max-length", MAX_HINTS.into()),
        ("x-message-ttl", millis(HINT_TTL)),
    ])
}

fn quorum<const N: usize>(arguments: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = table(arguments);
    table.insert("x-queue-type".into(), text("quorum"));
    table
}

fn table<const N: usize>(arguments: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        table.insert(name.into(), value);
    }
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn millis(duration: Duration) -> AMQPValue {
    AMQPValue::LongLongInt(duration.as_millis() as i64)
}

async fn declare(channel: &Channel, name: &str, arguments: FieldTable) -> Result<(), LinkError> {
    let durable = QueueDeclareOptions {
        durable: true,
        ..Default::default()
    };
    channel
        .queue_declare(ShortString::from(name), durable, arguments)
        .await?;
    Ok(())
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), LinkError> {
    let options = QueueBindOptions::default();
    channel
        .queue_bind(
            queue.into(),
            exchange.into(),
            key.into(),
            options,
            FieldTable::default(),
        )
        .await?;
    Ok(())
}
