//! The alerting service: evaluates rules, keeps incidents, tells people through channels.

mod app;
mod config;
mod routes;

mod evaluation;
mod firings;
mod heard;
mod snoozes;
mod sweep;
mod transitions;
mod triggers;

mod context;
mod explanation;
mod policy;

mod delivery;
mod held;
mod pausing;

mod channel_config;
mod egress;
mod signature;

mod acknowledge_link;
mod audit;
mod calls;
mod links;
mod metrics;
mod quotas;
mod text;

pub use app::start;
pub use config::Config;
