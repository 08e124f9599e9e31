//! Everything alerting reads from its environment, read once in `main` and passed down.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use ipnet::IpNet;
use secrecy::SecretString;
use service_kit::CommonConfig;
use url::Url;

#[derive(Clone, Debug, Parser)]
#[command(version, about = "Rules, evaluation, incidents, channels, notifications")]
pub struct Config {
    #[command(flatten)]
    pub common: CommonConfig,

    /// amqp://user:password@host:port[/vhost]. While it is away, rules are evaluated by the sweep.
    #[arg(long, env = "AMQP_URL", hide_env_values = true)]
    pub amqp_url: SecretString,

    /// Keys that seal the configuration of channels: id:base64-of-32-bytes[,id2:...], newest first.
    #[arg(long, env = "SEALING_KEYS", hide_env_values = true)]
    pub sealing_keys: SecretString,

    /// Networks that channels may reach although they are not public, and by plain http, comma-separated CIDRs.
    #[arg(long, env = "EGRESS_ALLOW", value_delimiter = ',')]
    pub egress_allow: Vec<IpNet>,

    /// Where people reach the dashboard; the links in messages start with it.
    #[arg(long, env = "PUBLIC_URL", default_value = "http://localhost:8080")]
    pub public_url: Url,

    /// How often every rule is evaluated, whatever events say, in seconds; fractions are allowed.
    #[arg(long, env = "SWEEP_INTERVAL_SECONDS", default_value = "15", value_parser = seconds)]
    pub sweep_interval: Duration,

    /// How long a receiver may take to answer, in seconds; fractions are allowed.
    #[arg(long, env = "NOTIFY_TIMEOUT_SECONDS", default_value = "10", value_parser = seconds)]
    pub notify_timeout: Duration,

    /// Stretches (above 1) or shrinks (below 1) the times between attempts to notify; for tests.
    #[arg(long, env = "NOTIFY_RETRY_SCALE", default_value_t = 1.0, value_parser = scale)]
    pub notify_retry_scale: f64,

    /// A channel that fails ten times in a row, and for this long, in seconds, is paused; fractions are allowed.
    #[arg(long, env = "CHANNEL_PATIENCE_SECONDS", default_value = "1800", value_parser = seconds)]
    pub channel_patience: Duration,

    /// The mail server: smtp://[user:password@]host[:port] (STARTTLS), smtps://… (TLS from the start), or
    /// smtp://…?tls=none. Without it there are no e-mail channels.
    #[arg(long, env = "SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<SecretString>,

    /// Who mail is from, such as Sightline <alerts@example.com>; needed with SMTP_URL.
    #[arg(long, env = "SMTP_FROM")]
    pub smtp_from: Option<String>,

    /// A certificate authority that the mail server's certificate may come from beside the system's: a file in PEM.
    #[arg(long, env = "SMTP_CA_FILE")]
    pub smtp_ca_file: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wanted = || "must be a number of seconds from 0.05 to 3600".to_owned();
    let seconds: f64 = text.parse().map_err(|_not_a_number| wanted())?;
    if (0.05..=3_600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(wanted())
    }
}

fn scale(text: &str) -> Result<f64, String> {
    let wanted = || "must be a number from 0.0001 to 10".to_owned();
    let scale: f64 = text.parse().map_err(|_not_a_number| wanted())?;
    if (0.0001..=10.0).contains(&scale) {
        Ok(scale)
    } else {
        Err(wanted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("15", Some(15_000))]
    #[case("0.25", Some(250))]
    #[case("0", None)]
    #[case("-1", None)]
    #[case("inf", None)]
    #[case("NaN", None)]
    #[case("soon", None)]
    fn an_interval_is_a_sensible_number_of_seconds(#[case] text: &str, #[case] millis: Option<u64>) {
        assert_eq!(seconds(text).ok(), millis.map(Duration::from_millis));
    }
}
