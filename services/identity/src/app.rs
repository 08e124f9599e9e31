//! Builds the service and its background work.

use actix_web::web;
use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use service_kit::secrets::Sealer;
use service_kit::{Clock, Kit, Running};
use url::Url;

use crate::passwords::Passwords;
use crate::{Config, metrics, routes, sweeper};

/// What identity's handlers share beside the kit.
pub(crate) struct State {
    pub(crate) passwords: Passwords,
    pub(crate) sealer: Sealer,
    pub(crate) public_url: Url,
}

/// Starts serving. PostgreSQL may be away: requests answer 503 until it is there.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    metrics::describe();
    let sealer = config.sealing_keys.expose_secret().parse();
    let state = State {
        passwords: Passwords::new().context("the password hash could not be set up")?,
        sealer: sealer.context("SEALING_KEYS")?,
        public_url: config.public_url,
    };
    let kit = Kit::new("identity", &config.common, Clock::system())?;
    kit.tasks.spawn(sweeper::run(kit.clone()));
    let state = web::Data::new(state);
    Ok(service_kit::server::serve(
        "identity",
        &config.common,
        kit,
        state,
        routes::configure,
    )?)
}
