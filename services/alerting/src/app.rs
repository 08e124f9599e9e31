//! Builds the service and its background work.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use anyhow::Context as _;
use bus::{BusConfig, Publisher};
use domain::alerting::delivery::RetryPolicy;
use logstore::patterns::errors::ErrorReader;
use logstore::reader::Reader;
use secrecy::ExposeSecret as _;
use service_kit::secrets::Sealer;
use service_kit::{Clock, Kit, Running};
use tokio::sync::{Notify, Semaphore};
use url::Url;

use crate::calls::Calls;
use crate::delivery::{InvalidMailSettings, MailSettings, Mailer, Sender};
use crate::egress::Egress;
use crate::evaluation::Turns;
use crate::heard::Heard;
use crate::routes::rules::LOOKING_BACK;
use crate::{Config, delivery, heard, held, metrics, routes, sweep, triggers};

/// Deliveries that read or write the ledger at the same time, of the pool's connections.
const LEDGER_TURNS: usize = 4;

/// What searching lines may keep in memory: rules look at the newest ones again and again.
const SEARCH_CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// What alerting's handlers and workers share beside the kit.
pub(crate) struct State {
    pub(crate) sealer: Sealer,
    pub(crate) sender: Sender,
    pub(crate) retries: RetryPolicy,
    pub(crate) notify_timeout: Duration,
    /// For how long a channel must have failed before it is paused.
    pub(crate) channel_patience: Duration,
    pub(crate) public_url: Url,
    pub(crate) sweep_interval: Duration,
    /// Searches lines, for rules over a query.
    pub(crate) reader: Reader,
    /// Reads errors by their template, for rules over new ones.
    pub(crate) errors: ErrorReader,
    /// Whose turn it is to evaluate.
    pub(crate) evaluations: Turns,
    /// Scopes of which something was heard.
    pub(crate) heard: Heard,
    /// Whose turn it is to try rules on history.
    pub(crate) looking_back: Semaphore,
    /// How often jobs call.
    pub(crate) heartbeat_calls: Calls,
    /// Whose turn it is to write to the ledger of notifications: a burst of them leaves connections to others.
    pub(crate) ledger: Semaphore,
    /// Wakes the workers that deliver.
    pub(crate) deliveries: Notify,
    /// Wakes the relay of the outbox.
    pub(crate) outbox: Arc<Notify>,
}

impl State {
    /// After a commit that wrote notifications or events: they need not wait for the next look.
    pub(crate) fn wake(&self) {
        self.deliveries.notify_one();
        self.outbox.notify_one();
    }
}

/// Starts serving. PostgreSQL may be away (requests answer 503 until it is there), and the broker may be (rules are
/// evaluated by the sweep).
pub async fn start(config: Config) -> anyhow::Result<Running> {
    metrics::describe();
    bus::describe_metrics();
    let clock = Clock::system();
    let egress = Egress::new(&config.egress_allow);
    let mailer = mailer(&config).context("mail")?;
    let state = State {
        sealer: config
            .sealing_keys
            .expose_secret()
            .parse()
            .context("SEALING_KEYS")?,
        sender: Sender::new(egress, mailer, config.notify_timeout, clock.clone())
            .context("the HTTP client could not be set up")?,
        retries: RetryPolicy {
            scale: config.notify_retry_scale,
        },
        notify_timeout: config.notify_timeout,
        channel_patience: config.channel_patience,
        public_url: config.public_url,
        sweep_interval: config.sweep_interval,
        reader: Reader::new(SEARCH_CACHE_BYTES),
        errors: ErrorReader::new(),
        evaluations: Turns::new(),
        heard: Heard::default(),
        looking_back: Semaphore::new(LOOKING_BACK),
        heartbeat_calls: Calls::new(),
        ledger: Semaphore::new(LEDGER_TURNS),
        deliveries: Notify::new(),
        outbox: Arc::new(Notify::new()),
    };
    let broker = BusConfig::new(config.amqp_url.expose_secret(), "sightline-alerting").context("AMQP_URL")?;
    let kit = Kit::new("alerting", &config.common, clock)?;
    let state = web::Data::new(state);
    spawn_background(&kit, &state, &broker);
    Ok(service_kit::server::serve(
        "alerting",
        &config.common,
        kit,
        state,
        routes::configure,
    )?)
}

/// How mail leaves; not at all where the operator names no server.
fn mailer(config: &Config) -> anyhow::Result<Option<Mailer>> {
    let Some(url) = &config.smtp_url else {
        return Ok(None);
    };
    let authority = config
        .smtp_ca_file
        .as_ref()
        .map(std::fs::read)
        .transpose()
        .context("SMTP_CA_FILE")?;
    let settings = MailSettings {
        url: url.clone(),
        from: config
            .smtp_from
            .clone()
            .context("SMTP_FROM is needed with SMTP_URL")?,
        authority,
    };
    let mailer: Result<Mailer, InvalidMailSettings> = Mailer::new(&settings, config.notify_timeout);
    Ok(Some(mailer?))
}

fn spawn_background(kit: &Kit, state: &web::Data<State>, broker: &BusConfig) {
    let publisher = Publisher::start(broker);
    let consumers = triggers::start(kit, state, broker, &publisher);
    let relay = bus::outbox_relay::run(
        kit.db.clone(),
        publisher.clone(),
        kit.stopping.clone(),
        state.outbox.clone(),
    );
    let relay = kit.tasks.spawn(relay);
    kit.tasks.spawn(sweep::run(kit.clone(), state.clone()));
    kit.tasks.spawn(heard::run(kit.clone(), state.clone()));
    kit.tasks.spawn(delivery::run(kit.clone(), state.clone()));
    kit.tasks.spawn(held::run(kit.clone(), state.clone()));
    kit.tasks.spawn(async move {
        // In this order: consumers put failed messages aside through the publisher.
        consumers.stopped().await;
        let _ = relay.await;
        publisher.close().await;
    });
}
