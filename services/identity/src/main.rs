//! The identity service: people, organisations, services and keys.

use clap::Parser as _;
use identity::Config;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    service_kit::telemetry::init();
    let config = Config::parse();
    let running = identity::start(config).await?;
    running.until_signalled().await?;
    Ok(())
}
