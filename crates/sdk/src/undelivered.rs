//! What a flush or a shutdown could not deliver in time.

use std::fmt;

/// A flush that did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pending} log lines still wait to be delivered, and {dropped} were dropped meanwhile")]
#[non_exhaustive]
pub struct FlushError {
    /// Lines that came before the flush and still wait when its deadline passed. They stay in the queue.
    pub pending: u64,
    /// Lines that were dropped during the flush, such as those that ingest rejected. [`Client::stats`](crate::Client::stats)
    /// says why.
    pub dropped: u64,
}

/// Lines that a shutdown's deadline cut off. Nobody else has them now: print them, or write them to a file.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} log lines were not delivered", lines.len())]
#[non_exhaustive]
pub struct Undelivered {
    /// In the order in which they came.
    pub lines: Vec<UndeliveredLine>,
}

/// The lines themselves may be many and private; an error's `Debug` goes to terminals.
impl fmt::Debug for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Undelivered")
            .field("lines", &self.lines.len())
            .finish_non_exhaustive()
    }
}

/// One line that was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UndeliveredLine {
    /// As ingest takes it: a JSON object on one line.
    pub json: String,
    /// It was sent, and the answer got lost: it may be stored or not. Otherwise it is certainly not stored.
    pub may_be_stored: bool,
}
