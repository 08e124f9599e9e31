//! Ingest as its callers see it: real HTTP, real PostgreSQL, a database per test.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's helper fails by panicking"
)]

mod raw;
mod test_app;

mod admission;
mod cleanup;
mod datadog;
mod elasticsearch;
mod failure;
mod formats;
mod hostile;
mod idempotency;
mod keys;
mod loki;
mod otlp;
mod otlp_grpc;
mod protocols;
mod random;
mod rate_limit;
mod routing;
mod shutdown;
mod splunk;
mod syslog;
