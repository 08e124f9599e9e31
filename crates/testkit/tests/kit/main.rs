//! The traps of the test support itself.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod broker;
mod database;
mod eventually;
mod proxy;
