//! Sends an application's log lines to Sightline.
//!
//! ```no_run
//! use std::time::Duration;
//! use tracing_subscriber::prelude::*;
//!
//! fn main() -> Result<(), sightline::BuildError> {
//!     let client = sightline::Client::builder("http://127.0.0.1:8081", "slk_…").build()?;
//!     let _flush_at_exit = client.guard(Duration::from_secs(5));
//!     tracing_subscriber::registry().with(client.layer()).init();
//!
//!     tracing::info!(order = 4711, "payment received");
//!     Ok(())
//! }
//! ```
//!
//! What it promises:
//!
//! - **The application never waits.** A line goes into a queue with a bound in lines and bytes; when it is full, the newest
//!   line is dropped. Sending happens on a thread of its own, so it works with and without an async runtime.
//! - **A line is stored at most once, and once if Sightline can be reached in time.** Each batch has an idempotency key that
//!   all its retries share, so a batch whose answer got lost is not stored twice.
//! - **Nothing is dropped silently.** [`Client::stats`] counts every line: stored, held, or dropped and why; what the
//!   deadline of [`Client::shutdown`] cut off is given back.
//!
//! Without `tracing`, lines are [`Record`]s. This runs without a server, so all that is left is given back:
//!
//! ```
//! use std::time::Duration;
//! use sightline::{Client, Record};
//!
//! let client = Client::builder("http://127.0.0.1:1", "slk_example").build()?;
//! client.log(Record::error("payment failed").field("order", 4711).trace_id("4bf92f3577b34da6a3ce929d0e0e4736"));
//!
//! let undelivered = client.shutdown_blocking(Duration::ZERO).unwrap_err();
//! assert!(undelivered.lines[0].json.contains("payment failed"));
//! # Ok::<(), sightline::BuildError>(())
//! ```

mod answer;
mod backoff;
mod batch;
mod builder;
mod client;
mod encoding;
mod guard;
#[cfg(feature = "tracing-layer")]
mod layer;
mod own_threads;
mod queue;
mod record;
mod stats;
mod transport;
mod undelivered;
mod worker;

/// The examples of the README compile.
#[cfg(all(doctest, feature = "tracing-layer"))]
#[doc = include_str!("../README.md")]
struct Readme;

pub use builder::{BuildError, Builder};
pub use client::Client;
pub use encoding::Compression;
pub use guard::Guard;
#[cfg(feature = "tracing-layer")]
pub use layer::TracingLayer;
pub use record::{Level, Record};
pub use stats::{DropReason, Dropped, Rejection, Stats};
pub use undelivered::{FlushError, Undelivered, UndeliveredLine};
