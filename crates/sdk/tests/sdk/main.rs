//! The client against the real ingest, and against a server that misbehaves on purpose. One file a story.
//!
//! The programs are not built by this test: `cargo build --bins -p ingest -p query`.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod fake_ingest;

mod delivery;
mod endings;
mod events;
mod overload;
mod protocol;
mod recursion;
