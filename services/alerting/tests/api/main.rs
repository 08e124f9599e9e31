//! Alerting over HTTP, on a real database, with receivers that check what they get.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod test_app;

mod acknowledge;
mod alertmanager;
mod channels;
mod context;
mod cooldown;
mod delivery;
mod deployments;
mod errors;
mod explain;
mod failures;
mod heartbeats;
mod history;
mod hostile_urls;
mod incidents;
mod interleavings;
mod keeping_on;
mod kinds;
mod life;
mod new_patterns;
mod replay;
mod replicas;
mod routing;
mod rule_files;
mod rule_types;
mod rules;
mod secrets;
mod seeded_faults;
mod seeded_patterns;
mod storms;
mod tenancy;
mod triggers;
