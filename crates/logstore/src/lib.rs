//! The log store over PostgreSQL: the only home of the SQL of `logs`, `log_segments`, `log_counts`, `log_arrivals` and
//! `ingest_receipts`.
//!
//! [`writer`] takes batches of all tenants and commits them in groups, within a [`budget`], and answers with
//! [`receipts`]; [`reader`] searches one organisation's lines; [`arrivals`] counts what came in, for alerting;
//! [`maintenance`] keeps partitions ahead and drops what expired.

pub mod arrivals;
pub mod budget;
mod causes;
pub mod maintenance;
pub mod reader;
pub mod receipts;
pub mod writer;
