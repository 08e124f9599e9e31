//! The traps of the test support itself.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test's helper fails by panicking, and its clock is the machine's"
)]

mod broker;
mod database;
mod eventually;
mod proxy;
mod receivers;
mod servers;
mod stack;
