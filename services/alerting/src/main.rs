//! The alerting service: rules, evaluation, incidents, channels, notifications.

use alerting::Config;
use clap::Parser as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    service_kit::telemetry::init();
    let config = Config::parse();
    let running = alerting::start(config).await?;
    running.until_signalled().await?;
    Ok(())
}
