//! The webhook service: GitHub's deliveries, deployments that CI reports itself, and who may read them.

mod app;
mod config;
mod routes;

mod body_budget;
mod signature;
mod turnstile;

mod deliveries;
mod deployments;
mod integrations;
mod reports;

mod metrics;
mod retention;

pub use app::start;
pub use config::Config;
