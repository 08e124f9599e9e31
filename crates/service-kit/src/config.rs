//! Configuration: one struct per service, read once in `main` from flags or the environment and passed down. A missing
//! or malformed setting ends the program with a message that names it.

use std::net::SocketAddr;

use clap::Args;
use ipnet::IpNet;
use secrecy::SecretString;

/// What every service reads.
#[derive(Args, Clone, Debug)]
pub struct CommonConfig {
    /// Address and port to listen on.
    #[arg(long, env = "LISTEN_ADDR")]
    pub listen_addr: SocketAddr,

    /// postgres://user:password@host:port/database, as this service's own role.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: SecretString,

    /// Connections to PostgreSQL; times replicas it must stay below the server's max_connections.
    #[arg(long, env = "DATABASE_POOL_SIZE", default_value_t = 10)]
    pub database_pool_size: usize,

    /// Shared by the services for their internal routes; at least 16 characters.
    #[arg(long, env = "INTERNAL_SECRET", hide_env_values = true, value_parser = internal_secret)]
    pub internal_secret: SecretString,

    /// Networks whose X-Forwarded-For is believed (the gateway, an ingress), comma-separated.
    #[arg(long, env = "TRUSTED_PROXIES", value_delimiter = ',', default_values = ["127.0.0.0/8", "::1/128"])]
    pub trusted_proxies: Vec<IpNet>,

    /// Seconds that running requests get to finish after SIGTERM.
    #[arg(long, env = "SHUTDOWN_SECONDS", default_value_t = 20)]
    pub shutdown_seconds: u64,
}

fn internal_secret(text: &str) -> Result<SecretString, String> {
    const MIN_CHARS: usize = 16;
    if text.len() < MIN_CHARS {
        return Err(format!(
            "must be at least {MIN_CHARS} characters, for example from: openssl rand -hex 32"
        ));
    }
    Ok(SecretString::from(text))
}
