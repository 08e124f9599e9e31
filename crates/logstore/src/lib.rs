//! The log store over PostgreSQL: the only home of the SQL of `logs`, `log_segments`, `log_counts`, `log_arrivals` and
//! `ingest_receipts`.
//!
//! [`writer`] takes batches of all tenants and commits them in groups, within a [`budget`], and answers with
//! [`receipts`]; [`reader`] searches one organisation's lines; [`arrivals`] counts what came in, for alerting;
//! [`maintenance`] keeps partitions ahead and drops what expired.
//!
//! [`segment`] is the codec of the compressed form, many lines of one scope as one row, with [`filter`]s that tell which
//! blocks a search can skip. `make bench` measures it; nothing is stored in this form yet.

pub mod arrivals;
pub mod budget;
pub mod columns;
pub mod filter;
pub mod maintenance;
pub mod reader;
pub mod receipts;
pub mod segment;
pub mod writer;
