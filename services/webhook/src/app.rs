//! Builds the service and its background work.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use anyhow::Context as _;
use bus::{BusConfig, Publisher, outbox_relay};
use secrecy::ExposeSecret as _;
use service_kit::secrets::Sealer;
use service_kit::{Clock, Kit, Running};
use tokio::sync::Notify;
use url::Url;

use crate::body_budget::BodyBudget;
use crate::turnstile::Turnstile;
use crate::{Config, metrics, retention, routes};

/// What webhook's handlers share beside the kit.
pub(crate) struct State {
    pub(crate) sealer: Sealer,
    pub(crate) public_url: Url,
    pub(crate) bodies: BodyBudget,
    pub(crate) turnstile: Turnstile,
    /// Notified after a commit that wrote an event, so that it is published at once.
    pub(crate) outbox: Arc<Notify>,
}

/// Starts serving. PostgreSQL and RabbitMQ may be away: requests answer 503 until PostgreSQL is there, events wait in
/// the outbox until RabbitMQ is.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    bus::describe_metrics();
    metrics::describe();
    let broker = BusConfig::new(config.amqp_url.expose_secret(), "sightline-webhook").context("AMQP_URL")?;
    let sealer = config.sealing_keys.expose_secret().parse();
    let state = State {
        sealer: sealer.context("SEALING_KEYS")?,
        public_url: config.public_url,
        bodies: BodyBudget::new(config.max_body_bytes, config.max_inflight_bytes),
        turnstile: Turnstile::new(config.common.database_pool_size),
        outbox: Arc::new(Notify::new()),
    };
    let kit = Kit::new("webhook", &config.common, Clock::system())?;
    kit.tasks.spawn(outbox_relay::run(
        kit.db.clone(),
        Publisher::start(&broker),
        kit.requests_done.clone(),
        state.outbox.clone(),
    ));
    let keep = Duration::from_hours(24 * u64::from(config.delivery_retention_days));
    kit.tasks.spawn(retention::run(kit.clone(), keep));
    Ok(service_kit::server::serve(
        "webhook",
        &config.common,
        kit,
        web::Data::new(state),
        routes::configure,
    )?)
}
