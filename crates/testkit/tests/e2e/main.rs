//! The platform end to end: the real five programs on real PostgreSQL and RabbitMQ, spoken to over HTTP as their users
//! do, and broken on purpose. One file a story.
//!
//! The programs are not built by this test: `cargo build --bins -p ingest -p query -p identity -p alerting -p webhook`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test's helper fails by panicking, prints what it measured, and its clock is the machine's"
)]

mod company;
mod ledger;
mod links;
mod load;
mod on_call;
mod size;
mod stored;
mod watch;

mod alert_latency;
mod bad_input;
mod faults;
mod firings;
mod follow;
mod journey;
mod kill_ingest;
mod kill_log_store;
mod matrix;
mod page_once_after_crash;
mod read_all;
mod real_log;
mod replicas;
