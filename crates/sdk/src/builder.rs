//! The settings of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::backoff::{Backoff, Schedule};
use crate::client::Client;
use crate::encoding::Compression;
use crate::queue::{Limits, Queue};
use crate::transport::{Target, Transport};

/// Ingest's own limits are 50,000 lines and 64 MiB; this leaves room for a stricter one.
const MAX_BATCH_LINES: usize = 10_000;
const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Ingest forgets an idempotency key after 24 hours; a later retry could store a batch twice.
const MAX_RETRY_AGE: Duration = Duration::from_hours(12);

/// Why a client could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The address of ingest is not usable.
    #[error("the endpoint {reason}")]
    Endpoint { reason: &'static str },
    /// The API key is empty, or holds characters that no header can carry.
    #[error("the API key must be 1 or more printable ASCII characters")]
    ApiKey,
    /// A setting is out of its range.
    #[error("{setting} {reason}")]
    Setting {
        setting: &'static str,
        reason: &'static str,
    },
    /// The system's certificates cannot be used.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Http(#[source] reqwest::Error),
    /// The sender's thread cannot be started.
    #[error("the sender's thread cannot be started")]
    Thread(#[source] std::io::Error),
}

/// Settings of a [`Client`]; see [`Client::builder`]. The defaults are right for most applications.
#[must_use]
pub struct Builder {
    endpoint: String,
    api_key: String,
    limits: Limits,
    compression: Compression,
    connect_timeout: Duration,
    request_timeout: Duration,
    schedule: Schedule,
    retry_max_age: Duration,
}

impl Builder {
    pub(crate) fn new(endpoint: String, api_key: String) -> Self {
        Self {
            endpoint,
            api_key,
            limits: Limits {
                queue_lines: 50_000,
                queue_bytes: 32 * 1024 * 1024,
                batch_lines: 1_000,
                batch_bytes: 1024 * 1024,
                batch_age: Duration::from_secs(1),
            },
            compression: Compression::default(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            schedule: Schedule {
                initial: Duration::from_millis(200),
                max: Duration::from_secs(30),
            },
            retry_max_age: Duration::from_hours(1),
        }
    }

    /// Lines held at most, those that are being sent included; then new ones are dropped. Default 50,000.
    pub fn queue_max_lines(mut self, lines: usize) -> Self {
        self.limits.queue_lines = lines;
        self
    }

    /// Bytes held at most: of the lines as JSON, and 32 each. Default 32 MiB. While a batch is sent, its body is in
    /// memory as well, compressed.
    pub fn queue_max_bytes(mut self, bytes: usize) -> Self {
        self.limits.queue_bytes = bytes;
        self
    }

    /// Lines a request, 1 to 10,000. Default 1,000. Must not be above the API key's lines a minute, or batches are halved
    /// until they are not.
    pub fn batch_max_lines(mut self, lines: usize) -> Self {
        self.limits.batch_lines = lines;
        self
    }

    /// Bytes a request before compression, 1 KiB to 8 MiB. Default 1 MiB. A longer line is dropped.
    pub fn batch_max_bytes(mut self, bytes: usize) -> Self {
        self.limits.batch_bytes = bytes;
        self
    }

    /// How long a line waits for others to travel with. Default 1 s.
    pub fn batch_max_age(mut self, age: Duration) -> Self {
        self.limits.batch_age = age;
        self
    }

    /// Default zstd.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// For connecting, TLS included. Default 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// For one request from connecting to the end of the answer; then it is tried again. Default 30 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// The pause after a failure is random between nothing and `initial`, after the next between nothing and twice that,
    /// and so on up to `max`. Default 200 ms and 30 s. A `Retry-After` of the server is waited for besides, up to 5
    /// minutes.
    pub fn backoff(mut self, initial: Duration, max: Duration) -> Self {
        self.schedule = Schedule { initial, max };
        self
    }

    /// Lines that are older are dropped instead of tried again, at most 12 hours. Default 1 hour. Every line is tried
    /// once, however long it waited.
    pub fn retry_max_age(mut self, age: Duration) -> Self {
        self.retry_max_age = age;
        self
    }

    /// Starts the thread that sends. Does not connect yet.
    pub fn build(self) -> Result<Client, BuildError> {
        self.check()?;
        let transport = Transport::new(Target {
            url: route(&self.endpoint)?,
            api_key: api_key(&self.api_key)?,
            compression: self.compression,
            connect_timeout: self.connect_timeout,
            request_timeout: self.request_timeout,
        })?;
        let queue = Arc::new(Queue::new(self.limits));
        Client::start(queue, transport, Backoff::new(self.schedule), self.retry_max_age)
    }

    fn check(&self) -> Result<(), BuildError> {
        let limits = &self.limits;
        let rules = [
            (
                limits.queue_lines > 0 && limits.queue_bytes > 0,
                "queue_max_lines and queue_max_bytes",
                "must be above 0",
            ),
            (
                (1..=MAX_BATCH_LINES).contains(&limits.batch_lines),
                "batch_max_lines",
                "must be 1 to 10,000",
            ),
            (
                (1024..=MAX_BATCH_BYTES).contains(&limits.batch_bytes),
                "batch_max_bytes",
                "must be 1 KiB to 8 MiB",
            ),
            (
                limits.batch_age <= MAX_RETRY_AGE,
                "batch_max_age",
                "must be at most 12 hours",
            ),
            (
                !self.connect_timeout.is_zero() && !self.request_timeout.is_zero(),
                "connect_timeout and request_timeout",
                "must be above 0",
            ),
            (
                self.schedule.initial <= self.schedule.max && self.schedule.max <= MAX_RETRY_AGE,
                "backoff",
                "must have initial <= max <= 12 hours",
            ),
            (
                self.retry_max_age <= MAX_RETRY_AGE,
                "retry_max_age",
                "must be at most 12 hours",
            ),
        ];
        match rules.into_iter().find(|(holds, _, _)| !holds) {
            Some((_, setting, reason)) => Err(BuildError::Setting { setting, reason }),
            None => Ok(()),
        }
    }
}

/// Without the key.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("limits", &self.limits)
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}

/// The address of the route below ingest's address, which may have a path of its own behind a proxy.
fn route(endpoint: &str) -> Result<Url, BuildError> {
    let refuse = |reason| Err(BuildError::Endpoint { reason });
    let Ok(mut url) = endpoint.parse::<Url>() else {
        return refuse("must be an address such as https://ingest.example.com");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("must begin with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not hold a user name or a password; the API key is given by itself");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("must not have a query or a fragment");
    }
    let path = format!("{}/api/v1/logs/ingest", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

fn api_key(key: &str) -> Result<HeaderValue, BuildError> {
    let key = key.trim();
    let printable = key.bytes().all(|byte| byte.is_ascii_graphic());
    match HeaderValue::from_str(key) {
        Ok(mut value) if printable && !key.is_empty() => {
            value.set_sensitive(true);
            Ok(value)
        }
        _ => Err(BuildError::ApiKey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("http://127.0.0.1:8081", "http://127.0.0.1:8081/api/v1/logs/ingest")]
    #[case("http://127.0.0.1:8081/", "http://127.0.0.1:8081/api/v1/logs/ingest")]
    #[case(
        "https://logs.example.com/in/",
        "https://logs.example.com/in/api/v1/logs/ingest"
    )]
    fn the_route_is_below_the_endpoint(#[case] endpoint: &str, #[case] expected: &str) {
        assert_eq!(route(endpoint).unwrap().as_str(), expected);
    }

    #[rstest::rstest]
    #[case("127.0.0.1:8081")]
    #[case("ftp://logs.example.com")]
    #[case("https://slk_secret@logs.example.com")]
    #[case("https://user:slk_secret@logs.example.com")]
    #[case("https://logs.example.com?key=slk_secret")]
    #[case("")]
    fn an_endpoint_of_no_use_is_refused_without_repeating_it(#[case] endpoint: &str) {
        let error = route(endpoint).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("slk_secret"));
    }

    #[test]
    fn a_key_is_trimmed_and_does_not_print() {
        let key = api_key(" slk_canary\n").unwrap();
        assert_eq!(key, "slk_canary");
        assert!(!format!("{key:?}").contains("canary"));
        for bad in ["", "  ", "slk_\u{e4}", "slk a", "slk_\0"] {
            assert!(matches!(api_key(bad), Err(BuildError::ApiKey)), "{bad:?}");
        }
        let builder = Client::builder("http://127.0.0.1:1", "slk_canary");
        assert!(!format!("{builder:?}").contains("canary"));
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let build =
            |change: fn(Builder) -> Builder| change(Client::builder("http://127.0.0.1:1", "k")).build();
        let day = Duration::from_hours(24);
        let name = |result: Result<Client, BuildError>| match result {
            Err(BuildError::Setting { setting, .. }) => setting,
            other => panic!("{other:?}"),
        };
        assert_eq!(name(build(|it| it.batch_max_lines(0))), "batch_max_lines");
        assert_eq!(name(build(|it| it.batch_max_lines(10_001))), "batch_max_lines");
        assert_eq!(name(build(|it| it.batch_max_bytes(1023))), "batch_max_bytes");
        assert_eq!(
            name(
                Client::builder("http://127.0.0.1:1", "k")
                    .retry_max_age(day)
                    .build()
            ),
            "retry_max_age"
        );
        assert!(name(build(|it| it.queue_max_lines(0))).contains("queue_max_lines"));
        assert!(build(|it| it).is_ok());
    }
}
