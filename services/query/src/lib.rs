//! The gateway: serves the dashboard, searches logs, and forwards the rest of `/api/*` to its owner, so that a browser sees one origin.

mod app;
mod config;
mod routes;

mod admission;
mod answer;
mod ask;
mod dashboard;
mod export_format;
mod fields;
mod gateway;
mod leanings;
mod loki;
mod metrics;
mod numbers;
mod parts;
mod patterns;
mod tail;
mod time_range;
mod views;

pub use app::start;
pub use config::Config;
