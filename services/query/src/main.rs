//! The gateway's program.

use clap::Parser as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    service_kit::telemetry::init();
    let running = query::start(query::Config::parse()).await?;
    running.until_signalled().await?;
    Ok(())
}
