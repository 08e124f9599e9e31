//! RabbitMQ: topology, confirmed publishing, consuming with retry and dead letter, hints, broadcasts, the outbox relay.
//!
//! An event here is a hint or a copy, PostgreSQL is the truth: whatever this crate does may happen twice, late or never,
//! and nothing waits for a broker that is away. Every link to it belongs to a supervisor of ours that reconnects for
//! ever. The README beside this crate has the topology and how it fails.

mod backoff;
mod broadcast;
mod coalescer;
mod config;
mod consumer;
mod health;
mod hints;
mod link;
mod message;
mod metrics;
pub mod outbox_relay;
mod publisher;
mod redrive;
mod session;
mod settle;
mod topology;

pub use broadcast::{Broadcast, Subscription, subscribe_broadcast};
pub use config::{AddressError, BusConfig};
pub use consumer::{Consumer, ConsumerOptions, HandlerError};
pub use health::{Health, LinkState};
pub use hints::HintPublisher;
pub use metrics::describe as describe_metrics;
pub use publisher::{PublishError, Publisher};
pub use redrive::{RedriveError, redrive};
