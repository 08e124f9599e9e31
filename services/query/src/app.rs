//! The service as a whole: its parts, put together and started.

use actix_web::web;
use logstore::reader::{Budget, Reader};
use service_kit::{Clock, Kit, Running};

use crate::admission::Admission;
use crate::gateway::Gateway;
use crate::parts::Parts;
use crate::{Config, routes};

/// What the handlers share.
pub(crate) struct State {
    pub(crate) admission: Admission,
    pub(crate) budget: Budget,
    pub(crate) reader: Reader,
    pub(crate) gateway: Gateway,
    pub(crate) parts: Parts,
    /// Where applications send their lines, without a slash at the end.
    pub(crate) ingest_public_url: String,
}

/// Starts serving. PostgreSQL and the other services may be away: what needs them answers 503 until they are back.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let kit = Kit::new("query", &config.common, Clock::system())?;
    let gateway = Gateway::new(&config)?;
    let state = State {
        admission: Admission::new(&config),
        budget: config.budget(),
        reader: Reader::new(config.search_cache_bytes),
        parts: Parts::new(gateway.clone()),
        ingest_public_url: config.ingest_public_url(),
        gateway,
    };
    let running = service_kit::server::serve(
        "query",
        &config.common,
        kit,
        web::Data::new(state),
        routes::configure,
    )?;
    Ok(running)
}
