//! PostgreSQL: the pool, tenant transactions, migrations, and all SQL of the relational tables.
//!
//! One module per table. A function takes a [`TenantTx`], which carries its organisation and cannot be made without
//! one, and names `org_id` in its SQL as well: row-level security and the query each hold alone. The look-ups that
//! precede a tenant take a [`Connection`] and call one of the schema's narrow SECURITY DEFINER functions; those that
//! span tenants end in `_all_orgs`. The tables of the log store are `logstore`'s.

pub mod alert_firings;
pub mod alert_heartbeats;
pub mod alert_rules;
pub mod alert_transitions;
pub mod api_keys;
pub mod audit_logs;
pub mod auth;
pub mod causes;
pub mod cron_runs;
pub mod deployments;
pub mod environments;
mod error;
pub mod explanations;
pub mod external_alerts;
pub mod github_integrations;
pub mod incident_settings;
pub mod incidents;
pub mod invites;
pub mod known_incidents;
pub mod leases;
pub mod log_routes;
pub mod login_throttle;
pub mod maintenance_windows;
mod matchers;
pub mod members;
pub mod migrations;
pub mod notification_channels;
pub mod notification_jobs;
pub mod notification_routes;
pub mod orgs;
pub mod outbox;
pub mod overview;
pub mod personal_access_tokens;
mod pool;
pub mod rate_buckets;
pub mod saved_views;
pub mod scopes;
pub mod services;
pub mod sessions;
pub mod silences;
pub mod users;
pub mod webhook_deliveries;

pub use deadpool_postgres::Transaction;
pub use error::DbError;
pub use pool::{Connection, Db, DbConfig, TenantTx, connect};
