//! Ingest as the programs of others see it: the real binary, and real clients that know nothing of us but an address and a
//! key. What they are is pinned in `deploy/local/clients`; `deploy/local/clients.sh` gets them when they are first wanted.
//!
//! `TEST_WITHOUT_CLIENTS=yes` leaves these tests out, for a machine that cannot have the clients.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test's helper fails by panicking, and its clock and environment are the machine's"
)]

mod lines;
mod program;

mod elastic;
mod open_telemetry;
mod rsyslog;
