//! Log patterns of stored lines ([`domain::patterns`]): how often each template occurs, and the registry of them.
//!
//! Templates are found when lines are merged, along with the words for the filters. How many lines each has stands beside the
//! lines themselves, in their merged segment ([`counts`]), so whatever happens to a segment happens to its counts: they come
//! with the same row, are made anew when lines are merged again, move when they move, and go with their partition. The
//! [`registry`] knows the templates' texts and where and when they were seen.
//!
//! Errors are counted once more, by when they arrived: for alerting, which asks whether a template is new ([`errors`]).
//!
//! What is not merged yet is mined when somebody asks ([`crate::reader::Reader::patterns`]).

pub mod counts;
pub(crate) mod error_arrivals;
pub mod errors;
mod miners;
pub mod registry;
mod tally;
mod unmerged;

pub(crate) use miners::{Miners, ServiceMiner, Sighting};
pub use tally::Tally;

/// Counts are kept for so many microseconds each, aligned to 1970-01-01T00:00:00Z. Five minutes: a day has 288, which is more
/// than a chart shows, and the lines at the two ends of a window, which are mined, are few. One minute would take up to five
/// times the room where a service has some lines a second.
pub const BUCKET: i64 = 300_000_000;
