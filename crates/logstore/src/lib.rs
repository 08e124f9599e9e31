//! The log store over PostgreSQL: the only home of the SQL of `logs`, `log_segments`, `log_counts`, `log_arrivals` and
//! `ingest_receipts`.
//!
//! [`writer`] takes batches of all tenants and commits them in groups; [`reader`] searches one organisation's lines;
//! [`arrivals`] counts what came in, for alerting; [`maintenance`] keeps partitions ahead and drops what expired.

pub mod arrivals;
pub mod maintenance;
pub mod reader;
pub mod writer;
