//! The gateway: searches logs, and forwards the rest of `/api/*` to its owner, so that a browser sees one origin.

mod app;
mod config;
mod routes;

mod admission;
mod answer;
mod ask;
mod fields;
mod front_page;
mod gateway;
mod line_id;
mod metrics;
mod numbers;
mod tail;
mod time_range;
mod views;

pub use app::start;
pub use config::Config;
