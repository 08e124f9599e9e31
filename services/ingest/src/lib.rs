//! The ingest service: every way in for logs.
//!
//! A request passes, in this order, its key, its quota, the door for bytes, its encoding, its format and the rules of
//! each line; what is left is one batch for each scope that its lines go to (`routing`), which the log store's writer
//! commits together, and with those of others. Protocols differ in how a body is taken apart (`lines`, `protocols`) and in
//! how the outcome is put into words (`routes`).

mod app;
mod config;
mod otlp_grpc;
mod routes;
mod syslog;

mod idempotency;
mod keys;
mod rate_limit;

mod body;
mod compaction;
mod encoding;
mod format;
mod intake;
mod line;
mod lines;
mod protobuf;
mod protocols;
mod routing;
mod unpack;

mod gate;
mod key_use;
mod upkeep;

mod metrics;

pub use app::start;
pub use config::Config;
