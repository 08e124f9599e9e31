//! The gateway over HTTP, with a real PostgreSQL and small servers in the place of the other services.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod clients;
mod dashboard;
mod failure;
mod forwarding;
mod histogram;
mod lines;
mod loki;
mod loki_client;
mod loki_tail;
mod numbers;
mod overview;
mod parquet;
mod paths;
mod patterns;
mod search;
mod tail;
mod tenancy;
mod test_app;
mod upstream;
mod views;
