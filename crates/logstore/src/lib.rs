//! The log store over PostgreSQL: the only home of the SQL of `logs`, `log_segments`, `log_patterns`, `log_counts`, `log_arrivals` and
//! `ingest_receipts`.
//!
//! [`writer`] takes batches of all tenants and commits them in groups, within a [`budget`], and answers with
//! [`receipts`]; [`reader`] searches one organisation's lines; [`arrivals`] counts what came in, for alerting;
//! [`compactor`] merges what was written into what is kept and counts its [`patterns`]; [`maintenance`] keeps partitions ahead and drops what expired.
//!
//! [`numbers`] computes over the lines of a search, [`changes`] tells what differs between two of them.
//!
//! Lines are stored in two forms, as rows and as segments ([`segment`]: many lines of one scope as one row, column by
//! column, with [`filter`]s that tell which blocks a search can skip).

pub mod arrivals;
pub mod budget;
pub mod changes;
pub mod columns;
pub mod compactor;
mod expiry;
pub mod filter;
pub mod maintenance;
pub mod numbers;
pub mod patterns;
pub mod reader;
pub mod receipts;
pub mod segment;
pub mod writer;
