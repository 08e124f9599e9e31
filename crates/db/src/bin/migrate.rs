//! Brings the database to the schema of this version, then exits. Safe when several start at once.

use anyhow::Context as _;
use clap::Parser;

#[derive(Parser)]
#[command(version, about)]
struct Config {
    /// Address of the database, as a role that may create tables and roles.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// Becomes the password of the five service roles; left alone when absent.
    #[arg(long, env = "SERVICE_ROLE_PASSWORD", hide_env_values = true)]
    service_role_password: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().json().init();
    let config = Config::parse();
    let applied = db::migrations::run(&config.database_url, config.service_role_password.as_deref())
        .await
        .context(
            "the database could not be migrated; check DATABASE_URL and that its role may create roles",
        )?;
    for name in &applied {
        tracing::info!("applied {name}");
    }
    tracing::info!(
        applied = applied.len(),
        "schema is at version {}",
        db::migrations::known_version()
    );
    Ok(())
}
