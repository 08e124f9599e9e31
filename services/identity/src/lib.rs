//! The identity service: people, organisations, members, invites, sessions, services, environments, API keys, audit.

mod app;
mod config;
mod routes;

mod login;
mod signup;

mod keys;
mod organisations;
mod service_settings;
mod tokens;

mod cookies;
mod password_policy;
mod passwords;
mod sign_in;
mod throttle;

mod audit;
mod metrics;
mod personal_tx;
mod quotas;
mod sweeper;

pub use app::start;
pub use config::Config;
