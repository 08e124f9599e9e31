//! What tests stand on: a database and a broker vhost per test, the outside world played by receivers that check what
//! they get, a proxy that breaks networks, and the real binaries as a stack. Never part of a shipped program.
//!
//! Everything here panics when it cannot do its work: in a test, a panic with a message is the error.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "test support: a failure is a panic, the clock and the environment are the machine's"
)]

mod broker;
mod client;
pub mod corpus;
mod database;
mod eventually;
mod fixtures;
mod github;
mod ports;
mod process;
mod proxy;
pub mod receivers;
mod remains;
mod servers;
mod stack;
pub mod stored;

pub use broker::TestBroker;
pub use client::{Client, Reply};
pub use database::{ROLE_PASSWORD, TestDb};
pub use eventually::eventually;
pub use fixtures::{Fixture, KeySpec, Person, TokenSpec};
pub use github::{Delivery, GitHub, WorkflowRun};
pub use process::Process;
pub use proxy::Proxy;
pub use receivers::{Answer, Mail, MailServer, Received, Receiver};
pub use servers::{PrivatePostgres, PrivateRabbit};
pub use stack::{INTERNAL_SECRET, SEALING_KEYS, Service, Stack, StackBuilder};

/// Chooses ring as the process's TLS provider; reqwest panics without one. Repeating it does nothing.
pub fn install_crypto() {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
