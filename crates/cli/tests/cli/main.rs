//! The program against the real services. One file a story.
//!
//! The services are not built by this test: `cargo build --bins -p ingest -p query -p identity -p alerting`.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod world;

mod documents;
mod errors;
mod following;
mod round_trip;
mod rules;
