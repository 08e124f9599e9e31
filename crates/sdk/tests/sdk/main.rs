//! The client against a server that misbehaves on purpose. One file a story.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod fake_ingest;

mod endings;
mod events;
mod overload;
mod protocol;
mod recursion;
