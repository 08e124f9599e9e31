//! The statements of identity's tables, called as a superuser, to whom row-level security does not apply: the queries
//! alone must keep tenants apart. Those of names in log lines are called as ingest.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod foreign_ids;
mod log_routes;
mod throttle;
