//! The statements of identity's tables, called as a superuser, to whom row-level security does not apply: the queries
//! alone must keep tenants apart.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod foreign_ids;
mod throttle;
