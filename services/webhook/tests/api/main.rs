//! The webhook service as a black box: a real server on port 0, a real PostgreSQL, signed deliveries over HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test, a panic is the error"
)]

mod access;
mod api_deployments;
mod app;
mod broker;
mod deliveries;
mod failures;
mod hostile_bodies;
mod integrations;
mod mapping;
mod ordering;
mod signatures;
