//! Lines that travel in one request, and what is known of their fate.

use std::time::Instant;

use uuid::Uuid;

use crate::encoding::Encoded;
use crate::undelivered::UndeliveredLine;

/// One line of NDJSON that waits. Boxed, since a `String` may hold twice what it counts.
pub(crate) struct Line {
    pub(crate) json: Box<str>,
    pub(crate) queued_at: Instant,
}

impl Line {
    /// What it holds of the queue's bytes.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.json.len()
    }
}

/// The unit of sending: one body under one idempotency key, however often it is tried.
pub(crate) struct Batch {
    pub(crate) lines: Vec<Line>,
    /// Never changes, and never is another batch's: ingest refuses a key with a second body.
    pub(crate) key: String,
    /// Made once, at the first try.
    pub(crate) body: Option<Encoded>,
    pub(crate) tries: u32,
    /// How often the server answered that it failed on it.
    pub(crate) server_errors: u32,
    /// Whether an answer was lost that may have been a yes.
    pub(crate) may_be_stored: bool,
    /// How often it was halved.
    pub(crate) halvings: u32,
}

impl Batch {
    pub(crate) fn new(lines: Vec<Line>) -> Self {
        Self::of(lines, 0)
    }

    fn of(lines: Vec<Line>, halvings: u32) -> Self {
        Self {
            lines,
            key: Uuid::new_v4().to_string(),
            body: None,
            tries: 0,
            server_errors: 0,
            may_be_stored: false,
            halvings,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.lines.len() as u64
    }

    pub(crate) fn weight(&self) -> usize {
        self.lines.iter().map(Line::weight).sum()
    }

    /// When its oldest line came.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.lines.first().map(|line| line.queued_at)
    }

    /// Two batches in order, each with a key of its own; `Err` gives back one that is a single line.
    pub(crate) fn split(mut self) -> Result<(Self, Self), Self> {
        if self.lines.len() < 2 {
            return Err(self);
        }
        let second = self.lines.split_off(self.lines.len() / 2);
        let halvings = self.halvings + 1;
        Ok((Self::of(self.lines, halvings), Self::of(second, halvings)))
    }

    pub(crate) fn into_undelivered(self) -> impl Iterator<Item = UndeliveredLine> {
        let may_be_stored = self.may_be_stored;
        self.lines.into_iter().map(move |line| UndeliveredLine {
            json: line.json.into(),
            may_be_stored,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(lines: usize) -> Batch {
        let line = |number: usize| Line {
            json: number.to_string().into(),
            queued_at: Instant::now(),
        };
        Batch::new((0..lines).map(line).collect())
    }

    #[test]
    fn halves_keep_the_order_and_get_keys_of_their_own() {
        let whole = batch(5);
        let key = whole.key.clone();
        let (first, second) = whole.split().ok().unwrap();
        let texts = |batch: &Batch| {
            batch
                .lines
                .iter()
                .map(|line| line.json.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(&first), ["0", "1"]);
        assert_eq!(texts(&second), ["2", "3", "4"]);
        assert!(first.key != key && second.key != key && first.key != second.key);
        assert_eq!((first.halvings, second.halvings), (1, 1));
    }

    #[test]
    fn a_single_line_cannot_be_halved() {
        assert_eq!(batch(1).split().err().unwrap().len(), 1);
    }
}
