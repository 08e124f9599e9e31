//! Alerting over HTTP, on a real database, with receivers that check what they get.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod test_app;

mod channels;
mod cooldown;
mod delivery;
mod deployments;
mod errors;
mod failures;
mod heartbeats;
mod hostile_urls;
mod incidents;
mod replay;
mod replicas;
mod rule_files;
mod rule_types;
mod rules;
mod secrets;
mod seeded_faults;
mod tenancy;
mod triggers;
