//! The ingest service: every way in for logs.

use clap::Parser as _;
use ingest::Config;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    service_kit::telemetry::init();
    let config = Config::parse();
    let running = ingest::start(config).await?;
    running.until_signalled().await?;
    Ok(())
}
