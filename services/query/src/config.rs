//! Everything the gateway reads from its environment, read once in `main` and passed down.

use std::time::Duration;

use logstore::reader::Budget;
use service_kit::CommonConfig;
use url::Url;

/// Sightline's gateway: searches logs, and forwards the rest of /api/* to the service that owns it.
#[derive(clap::Parser, Clone, Debug)]
pub struct Config {
    #[command(flatten)]
    pub common: CommonConfig,

    /// Address of identity, such as http://identity:8082.
    #[arg(long, env = "IDENTITY_URL", value_parser = base_url)]
    pub identity_url: Url,

    /// Address of ingest, such as http://ingest:8081.
    #[arg(long, env = "INGEST_URL", value_parser = base_url)]
    pub ingest_url: Url,

    /// Address of ingest as applications outside reach it: the dashboard shows it in its snippets. `INGEST_URL` when absent.
    #[arg(long, env = "INGEST_PUBLIC_URL", value_parser = base_url)]
    pub ingest_public_url: Option<Url>,

    /// Address of alerting, such as http://alerting:8083.
    #[arg(long, env = "ALERTING_URL", value_parser = base_url)]
    pub alerting_url: Url,

    /// Address of webhook, such as http://webhook:8084.
    #[arg(long, env = "WEBHOOK_URL", value_parser = base_url)]
    pub webhook_url: Url,

    /// Milliseconds that the owner of a forwarded request may take to answer, once it has the whole request.
    #[arg(long, env = "UPSTREAM_TIMEOUT_MS", default_value_t = 30_000)]
    pub upstream_timeout_ms: u64,

    /// Bytes that a forwarded body may have; the owners set their own, lower limits.
    #[arg(long, env = "FORWARD_MAX_BYTES", default_value_t = 67_108_864)]
    pub forward_max_bytes: u64,

    /// Milliseconds that a search may take before it answers with what it has.
    #[arg(long, env = "SEARCH_BUDGET_MS", default_value_t = 5_000)]
    pub search_budget_ms: u64,

    /// Bytes of lines that a search may answer with; the rest is on the next page.
    #[arg(long, env = "SEARCH_ANSWER_BYTES", default_value_t = 33_554_432)]
    pub search_answer_bytes: usize,

    /// Bytes of what searches keep in memory: of each line that is searched often about 9 for word filters and 15 for its
    /// message, compressed, and which lines met what was asked lately.
    #[arg(long, env = "SEARCH_CACHE_BYTES", default_value_t = 117_440_512)]
    pub search_cache_bytes: u64,

    /// Searches that one organisation may run at a time.
    #[arg(long, env = "SEARCHES_PER_ORG", default_value_t = 3)]
    pub searches_per_org: usize,

    /// Milliseconds that a search waits for its turn before it is refused.
    #[arg(long, env = "SEARCH_WAIT_MS", default_value_t = 2_000)]
    pub search_wait_ms: u64,
}

impl Config {
    /// Without a slash at the end.
    pub(crate) fn ingest_public_url(&self) -> String {
        let url = self.ingest_public_url.as_ref().unwrap_or(&self.ingest_url);
        url.as_str().trim_end_matches('/').to_owned()
    }

    pub(crate) fn budget(&self) -> Budget {
        Budget {
            time: Duration::from_millis(self.search_budget_ms),
            bytes: self.search_answer_bytes,
        }
    }
}

fn base_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error: url::ParseError| error.to_string())?;
    let is_base = matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
    if is_base {
        Ok(url)
    } else {
        Err("must be an http:// or https:// address without a path, such as http://identity:8082".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("http://identity:8082", true)]
    #[case("http://127.0.0.1:8082/", true)]
    #[case("http://identity:8082/v2", false)]
    #[case("identity:8082", false)]
    #[case("", false)]
    fn an_owner_is_named_by_scheme_host_and_port(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(base_url(text).is_ok(), expected);
    }
}
