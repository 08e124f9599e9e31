//! Everything identity reads from its environment, read once in `main` and passed down.

use clap::Parser;
use secrecy::SecretString;
use service_kit::CommonConfig;
use url::Url;

#[derive(Clone, Debug, Parser)]
#[command(version, about = "People, organisations, services and API keys")]
pub struct Config {
    #[command(flatten)]
    pub common: CommonConfig,

    /// Keys that seal device cookies: id:base64-of-32-bytes[,id2:...], newest first.
    #[arg(long, env = "SEALING_KEYS", hide_env_values = true)]
    pub sealing_keys: SecretString,

    /// Where people reach the dashboard; the links of invites start with it.
    #[arg(long, env = "PUBLIC_URL", default_value = "http://localhost:8080")]
    pub public_url: Url,
}
