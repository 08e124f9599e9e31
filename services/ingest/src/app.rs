//! Builds the service and its background work.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use anyhow::Context as _;
use bus::{BusConfig, HintPublisher, Publisher};
use db::{Db, DbConfig};
use domain::events::RoutingKey;
use domain::scope::Scope;
use logstore::budget::Budget;
use logstore::writer::{OnCommit, Writer, WriterConfig};
use secrecy::ExposeSecret as _;
use service_kit::{Clock, Kit, Running};

use crate::config::Limits;
use crate::gate::Gate;
use crate::key_use::KeyUse;
use crate::keys::Keys;
use crate::rate_limit::RateLimiter;
use crate::routing::Router;
use crate::unpack::Workshop;
use crate::{Config, compaction, metrics, otlp_grpc, routes, syslog, upkeep};

/// What ingest's handlers share beside the kit.
pub(crate) struct State {
    pub(crate) limits: Limits,
    pub(crate) keys: Keys,
    pub(crate) key_use: KeyUse,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) router: Router,
    pub(crate) gate: Gate,
    /// Bytes of bodies in memory.
    pub(crate) inflight: Budget,
    pub(crate) workshop: Workshop,
    pub(crate) writer: Writer,
}

/// Starts serving. PostgreSQL and RabbitMQ may be away: without the first, requests answer 503 until it is there;
/// without the second, nothing changes but that alerting is not told at once.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    metrics::describe();
    bus::describe_metrics();
    let kit = Kit::new("ingest", &config.common, Clock::system())?;
    let bus = BusConfig::new(config.amqp_url.expose_secret(), "sightline-ingest").context("AMQP_URL")?;
    let publisher = Publisher::start(&bus);
    let clock = kit.clock.clone();
    let hints = HintPublisher::start(publisher.clone(), move || clock.now());
    let writer = Writer::start(&writer_config(&config), hint_after_commit(hints.clone()));
    let state = State {
        limits: config.limits,
        keys: Keys::new(kit.db.clone()),
        key_use: KeyUse::default(),
        rate_limiter: RateLimiter::new(kit.db.clone(), config.default_rate_limit_per_minute),
        router: Router::new(kit.db.clone()),
        gate: Gate::new(kit.clone(), config.require_durable_postgres),
        inflight: Budget::new(config.limits.max_inflight_bytes),
        workshop: Workshop::new(),
        writer: writer.clone(),
    };
    follow_revocations(&bus, &kit, state.keys.clone());
    state.gate.try_open(config.require_durable_postgres).await;
    if config.require_durable_postgres {
        kit.tasks.spawn(state.gate.clone().watch_durability());
    }
    kit.tasks.spawn(state.gate.clone().keep_partitions());
    kit.tasks.spawn(
        state
            .key_use
            .clone()
            .write_until(kit.db.clone(), kit.requests_done.clone()),
    );
    kit.tasks.spawn(upkeep::clean_up_hourly(kit.clone()));
    if let Some(url) = &config.compaction.compactor_database_url {
        let db = Db::new(&compactor_config(url.expose_secret()))?;
        let compacting = compaction::compact(kit.clone(), db, config.compaction.clone());
        kit.tasks.spawn(compacting);
    }
    kit.tasks
        .spawn(finish_after_requests(kit.clone(), writer, hints, publisher));
    let state = web::Data::new(state);
    syslog::start(&config.syslog, &kit, &state.clone().into_inner())?;
    if let Some(addr) = config.otlp_grpc_addr {
        let patience = Duration::from_secs(config.common.shutdown_seconds);
        otlp_grpc::start(addr, patience, &kit, &state.clone().into_inner())?;
    }
    Ok(service_kit::server::serve(
        "ingest",
        &config.common,
        kit,
        state,
        routes::configure,
    )?)
}

fn writer_config(config: &Config) -> WriterConfig {
    let url = config.common.database_url.expose_secret();
    WriterConfig {
        max_queued_bytes: config.limits.max_queued_bytes,
        ..WriterConfig::new(DbConfig::new(url, "sightline-ingest-writer"))
    }
}

fn compactor_config(url: &str) -> DbConfig {
    DbConfig {
        max_connections: 2,
        // A merge's statements carry megabytes.
        statement_timeout: Duration::from_secs(30),
        ..DbConfig::new(url, "sightline-compactor")
    }
}

/// Tells alerting whose counts changed. Never waits for the broker: a hint that is lost is made good by the sweep.
fn hint_after_commit(hints: HintPublisher) -> OnCommit {
    Arc::new(move |scopes: &[Scope]| {
        for scope in scopes {
            hints.hint(*scope);
        }
    })
}

fn follow_revocations(bus: &BusConfig, kit: &Kit, keys: Keys) {
    let heed = move |broadcast| {
        keys.heed(&broadcast);
        std::future::ready(())
    };
    let subscription = bus::subscribe_broadcast(
        bus,
        "ingest.keys",
        [RoutingKey::KeyRevoked],
        kit.stopping.clone(),
        heed,
    );
    kit.tasks.spawn(subscription.stopped());
}

/// What requests lean on ends after the last of them: the writer first, then the news of what it wrote.
async fn finish_after_requests(kit: Kit, writer: Writer, hints: HintPublisher, publisher: Publisher) {
    kit.requests_done.cancelled().await;
    writer.drain().await;
    hints.close().await;
    publisher.close().await;
}
