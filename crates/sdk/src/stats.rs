//! What became of the lines.

use std::collections::HashMap;
use std::fmt;

/// Reasons kept apart; a sender whose every line is wrong in its own way must not fill the memory.
const MAX_REJECTIONS: usize = 32;
/// In bytes, of one reason.
const MAX_REASON_BYTES: usize = 200;
const OTHER_REASONS: &str = "other reasons";

/// Why a line was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The queue had no room for it.
    QueueFull,
    /// It alone is longer than a batch may be.
    LineTooLong,
    /// It came after the shutdown.
    Closed,
    /// Ingest named it as a line that cannot be stored; see [`Stats::rejections`].
    Rejected,
    /// Ingest refused its batch (400).
    BadRequest,
    /// The API key is unknown, revoked or expired (401).
    Unauthorized,
    /// The API key may not write logs (403).
    Forbidden,
    /// Ingest, or something before it, takes no request of its size, even when it is alone (413).
    TooLarge,
    /// Any other answer that trying again does not help against, such as 404 or a redirect.
    Refused,
    /// The server failed on its batch again and again (500).
    ServerError,
    /// It could not be delivered within [`Builder::retry_max_age`](crate::Builder::retry_max_age).
    Expired,
    /// The deadline of the shutdown passed before it was delivered. These lines are given back by the shutdown.
    Undelivered,
}

impl DropReason {
    pub const ALL: [Self; 12] = [
        Self::QueueFull,
        Self::LineTooLong,
        Self::Closed,
        Self::Rejected,
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::TooLarge,
        Self::Refused,
        Self::ServerError,
        Self::Expired,
        Self::Undelivered,
    ];

    /// A word for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::LineTooLong => "line_too_long",
            Self::Closed => "closed",
            Self::Rejected => "rejected",
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
            Self::ServerError => "server_error",
            Self::Expired => "expired",
            Self::Undelivered => "undelivered",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Dropped lines by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped([u64; DropReason::ALL.len()]);

impl Dropped {
    /// Lines dropped for this reason.
    pub fn by(&self, reason: DropReason) -> u64 {
        self.iter()
            .find(|(each, _)| *each == reason)
            .map_or(0, |(_, lines)| lines)
    }

    /// Every reason with its lines, zeros too.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().zip(self.0)
    }

    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn add(&mut self, reason: DropReason, lines: u64) {
        let place = DropReason::ALL.iter().position(|each| *each == reason);
        if let Some(count) = place.and_then(|place| self.0.get_mut(place)) {
            *count += lines;
        }
    }
}

/// Lines that ingest rejected for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// Which field is wrong and what would be right, in ingest's words.
    pub reason: String,
    pub lines: u64,
}

/// What became of the lines since the client was built. A line that was offered is `stored`, `held` or `dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Lines that ingest has acknowledged: durable and searchable.
    pub stored: u64,
    /// Lines that wait in the queue or are being sent.
    pub held: u64,
    /// Lines that will not be delivered. Those whose last answer got lost may have been stored all the same.
    pub dropped: Dropped,
    /// Requests sent, repeats included.
    pub requests: u64,
    /// Requests that repeated an earlier one.
    pub retries: u64,
    /// Batches that were sent as two, because they were too large for the server.
    pub splits: u64,
    /// The commonest reasons behind [`DropReason::Rejected`].
    pub rejections: Vec<Rejection>,
    /// What went wrong last, if anything did.
    pub last_error: Option<String>,
}

/// The counters behind [`Stats`].
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) stored: u64,
    pub(crate) dropped: Dropped,
    pub(crate) requests: u64,
    pub(crate) retries: u64,
    pub(crate) splits: u64,
    rejections: HashMap<String, u64>,
    pub(crate) last_error: Option<String>,
}

impl Counters {
    pub(crate) fn reject(&mut self, reason: String, lines: u64) {
        self.dropped.add(DropReason::Rejected, lines);
        let reason = shortened(reason);
        let is_new = !self.rejections.contains_key(&reason);
        let reason = if is_new && self.rejections.len() >= MAX_REJECTIONS {
            OTHER_REASONS.to_owned()
        } else {
            reason
        };
        *self.rejections.entry(reason).or_default() += lines;
    }

    pub(crate) fn snapshot(&self, held: u64) -> Stats {
        let mut rejections: Vec<_> = self
            .rejections
            .iter()
            .map(|(reason, lines)| Rejection {
                reason: reason.clone(),
                lines: *lines,
            })
            .collect();
        rejections.sort_by(|a, b| b.lines.cmp(&a.lines).then_with(|| a.reason.cmp(&b.reason)));
        Stats {
            stored: self.stored,
            held,
            dropped: self.dropped,
            requests: self.requests,
            retries: self.retries,
            splits: self.splits,
            rejections,
            last_error: self.last_error.clone(),
        }
    }
}

/// Cut to what a counter's name may be.
pub(crate) fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_REASON_BYTES));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_counts_for_itself() {
        let mut dropped = Dropped::default();
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            dropped.add(reason, index as u64 + 1);
        }
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(dropped.by(reason), index as u64 + 1, "{reason}");
        }
        assert_eq!(dropped.total(), (1..=DropReason::ALL.len() as u64).sum::<u64>());
    }

    #[test]
    fn reasons_are_bounded_in_number_and_length_and_the_lines_are_all_counted() {
        let mut counters = Counters::default();
        for number in 0..1_000 {
            counters.reject(format!("message: has {number} ä{}", "ä".repeat(300)), 2);
        }
        counters.reject("level: unknown".to_owned(), 5);
        let stats = counters.snapshot(0);
        assert_eq!(stats.dropped.by(DropReason::Rejected), 2_005);
        assert_eq!(stats.rejections.iter().map(|one| one.lines).sum::<u64>(), 2_005);
        assert_eq!(stats.rejections.len(), MAX_REJECTIONS + 1);
        assert!(
            stats
                .rejections
                .iter()
                .all(|one| one.reason.len() <= MAX_REASON_BYTES)
        );
        assert_eq!(stats.rejections[0].reason, OTHER_REASONS);
    }
}
