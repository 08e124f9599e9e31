//! Merging newest-first streams, each of which is read in pieces. No I/O.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use time::OffsetDateTime;

/// Where a line stands in the order of time. The id, unique, breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Microseconds since 1970.
    pub(super) ts: i64,
    pub(super) id: i64,
}

impl Key {
    /// Everything at or before this time lies before this key.
    pub(super) fn after(ts: i64) -> Self {
        Self { ts, id: i64::MAX }
    }

    /// Everything before this time, and nothing at it, lies before this key.
    pub(super) fn before(ts: i64) -> Self {
        Self { ts, id: i64::MIN }
    }

    pub(super) fn at(&self) -> OffsetDateTime {
        // Stored times are within what the type can hold; a damaged one is shown as 1970.
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.ts) * 1_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

pub(super) fn micros(at: OffsetDateTime) -> i64 {
    (at.unix_timestamp_nanos() / 1_000) as i64
}

/// Something with a place in the order of time, for a heap whose top is the newest.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) key: Key,
    pub(super) what: T,
}

impl<T> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<T> Eq for At<T> {}

impl<T> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

/// Newest first.
pub(super) type Heap<T> = BinaryHeap<At<T>>;

/// One scope's stream of something that is read page by page, newest first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    /// What is still to be read lies strictly before this.
    pub(super) position: Key,
    pub(super) finished: bool,
}

/// A row that is not older than the one before it in its stream.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("rows of a scope came out of order")]
pub(super) struct OutOfOrder;

impl Stream {
    /// Starts right before `start` and ends at `oldest`.
    pub(super) fn new(start: Key, oldest: i64) -> Self {
        Self {
            position: start,
            finished: start <= Key::before(oldest),
        }
    }

    /// Takes note of what was read next.
    pub(super) fn advance(&mut self, key: Key) -> Result<(), OutOfOrder> {
        if key >= self.position {
            return Err(OutOfOrder);
        }
        self.position = key;
        Ok(())
    }
}

/// The newest position among those that are not finished.
pub(super) fn newest(streams: &[Stream]) -> Option<Key> {
    let open = streams.iter().filter(|stream| !stream.finished);
    open.map(|stream| stream.position).max()
}

/// The streams that may still hold something newer than `key`; with `None`, all that are not finished.
pub(super) fn ahead_of(streams: &[Stream], key: Option<Key>) -> Vec<usize> {
    let ahead = |stream: &Stream| !stream.finished && key.is_none_or(|key| stream.position > key);
    (0..streams.len())
        .filter(|index| ahead(&streams[*index]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(ts: i64, oldest: i64) -> Stream {
        Stream::new(Key { ts, id: 0 }, oldest)
    }

    #[test]
    fn a_stream_that_starts_past_its_retention_is_finished_at_once() {
        assert!(stream(100, 101).finished);
        assert!(
            !stream(100, 100).finished,
            "a line of this very moment may have a lower id"
        );
        assert!(Stream::new(Key::before(100), 100).finished);
    }

    #[test]
    fn a_row_out_of_order_is_an_error() {
        let mut stream = stream(100, 0);
        stream.advance(Key { ts: 50, id: 1 }).unwrap();
        assert_eq!(stream.advance(Key { ts: 50, id: 1 }), Err(OutOfOrder));
        assert_eq!(stream.advance(Key { ts: 60, id: 2 }), Err(OutOfOrder));
        stream.advance(Key { ts: 50, id: 0 }).unwrap();
    }

    #[test]
    fn only_streams_that_are_ahead_need_to_be_read() {
        let mut streams = [stream(100, 0), stream(60, 0), stream(100, 0)];
        streams[2].finished = true;
        assert_eq!(ahead_of(&streams, None), [0, 1]);
        assert_eq!(ahead_of(&streams, Some(Key { ts: 80, id: 0 })), [0]);
        assert_eq!(newest(&streams), Some(Key { ts: 100, id: 0 }));
    }

    #[test]
    fn the_top_of_a_heap_is_the_newest() {
        let mut heap: Heap<&str> = Heap::new();
        for (ts, id, what) in [(1, 5, "b"), (2, 1, "a"), (1, 4, "c")] {
            heap.push(At {
                key: Key { ts, id },
                what,
            });
        }
        let order: Vec<&str> = std::iter::from_fn(|| heap.pop()).map(|at| at.what).collect();
        assert_eq!(order, ["a", "b", "c"]);
    }
}
