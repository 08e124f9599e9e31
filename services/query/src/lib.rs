//! The gateway: serves the dashboard, searches logs, and forwards the rest of `/api/*` to its owner, so that a browser sees one origin.

mod app;
mod config;
mod routes;

mod admission;
mod criteria;
mod dashboard;
mod gateway;
mod metrics;
mod parts;
mod time_range;

pub use app::start;
pub use config::Config;
