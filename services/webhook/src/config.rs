//! Everything webhook reads from its environment, read once in `main` and passed down.

use clap::Parser;
use secrecy::SecretString;
use service_kit::CommonConfig;
use url::Url;

#[derive(Clone, Debug, Parser)]
#[command(version, about = "GitHub and CI deliveries, deployments")]
pub struct Config {
    #[command(flatten)]
    pub common: CommonConfig,

    /// amqp://user:password@host:port/vhost; the broker may be away.
    #[arg(long, env = "AMQP_URL", hide_env_values = true)]
    pub amqp_url: SecretString,

    /// Keys that seal the webhooks' secrets: id:base64-of-32-bytes[,id2:...], newest first.
    #[arg(long, env = "SEALING_KEYS", hide_env_values = true)]
    pub sealing_keys: SecretString,

    /// Where the world reaches the gateway; the addresses that GitHub is given start with it.
    #[arg(long, env = "PUBLIC_URL", default_value = "http://localhost:8080")]
    pub public_url: Url,

    /// Longest body of a webhook, in bytes. GitHub sends none above 25 MB.
    #[arg(long, env = "MAX_BODY_BYTES", default_value_t = 25 * 1024 * 1024)]
    pub max_body_bytes: usize,

    /// How many bytes of webhook bodies this process holds at a time; past it senders are told to come back.
    #[arg(long, env = "MAX_INFLIGHT_BYTES", default_value_t = 128 * 1024 * 1024)]
    pub max_inflight_bytes: usize,

    /// How many days the list of deliveries reaches back.
    #[arg(long, env = "DELIVERY_RETENTION_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(4..))]
    pub delivery_retention_days: u32,
}
