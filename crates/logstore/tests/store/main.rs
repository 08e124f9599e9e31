//! The log store against a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod compactor;
mod error_patterns;
mod maintenance;
mod moving;
mod patterns;
mod reader;
mod retention;
mod writer;
