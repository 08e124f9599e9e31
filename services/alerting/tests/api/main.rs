//! Alerting over HTTP, on a real database, with receivers that check what they get.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod test_app;

mod channels;
mod cooldown;
mod delivery;
mod deployments;
mod errors;
mod failures;
mod hostile_urls;
mod incidents;
mod replicas;
mod rules;
mod secrets;
mod tenancy;
mod triggers;
