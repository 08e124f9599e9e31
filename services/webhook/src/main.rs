//! The webhook service: what GitHub and CI tell us about deployments.

use clap::Parser as _;
use webhook::Config;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    service_kit::telemetry::init();
    let config = Config::parse();
    let running = webhook::start(config).await?;
    running.until_signalled().await?;
    Ok(())
}
