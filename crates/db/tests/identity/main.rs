//! The statements of identity's tables, and of people's saved views, called as a superuser, to whom row-level security
//! does not apply: the queries alone must keep tenants apart. Those of names in log lines are called as ingest.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod foreign_ids;
mod log_routes;
mod saved_views;
mod throttle;
