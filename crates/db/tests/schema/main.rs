//! The schema keeps its promises: tenancy, least privilege, migrations that many may start.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod catalogue;
mod migrations;
mod tenancy;
