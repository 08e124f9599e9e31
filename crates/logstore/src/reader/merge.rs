//! Merging the newest-first streams of many scopes, each of which is read in pieces. No I/O.

use std::cmp::Reverse;
use std::collections::VecDeque;

use time::OffsetDateTime;

/// Where a line stands in the order of time. The id, unique, breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) ts: OffsetDateTime,
    pub(super) id: i64,
}

/// One scope's stream.
#[derive(Clone, Debug)]
struct Feed {
    /// What is still to be read lies strictly before this.
    position: Key,
    /// What matched and was not taken yet, newest first.
    matched: VecDeque<Key>,
    finished: bool,
}

/// The streams of all scopes of a search. A feed is named by its scope's place in the plan.
#[derive(Clone, Debug)]
pub(super) struct Merge {
    feeds: Vec<Feed>,
}

/// A row that is not older than the one before it in its stream.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("rows of a scope came out of order")]
pub(super) struct OutOfOrder;

impl Merge {
    /// Every stream starts right before `start` and ends at its own oldest time.
    pub(super) fn new(start: Key, oldest: impl Iterator<Item = OffsetDateTime>) -> Self {
        let feed = |oldest| Feed {
            position: start,
            matched: VecDeque::new(),
            finished: start.ts < oldest,
        };
        Self {
            feeds: oldest.map(feed).collect(),
        }
    }

    pub(super) fn position(&self, feed: usize) -> Key {
        self.feeds[feed].position
    }

    /// Everything newer than this was read, in all streams. `None`: everything was.
    pub(super) fn watermark(&self) -> Option<Key> {
        let unfinished = self.feeds.iter().filter(|feed| !feed.finished);
        unfinished.map(|feed| feed.position).max()
    }

    /// The newest match that was not taken, and its feed.
    fn head(&self) -> Option<(usize, Key)> {
        let heads = self.feeds.iter().enumerate();
        heads
            .filter_map(|(index, feed)| Some((index, *feed.matched.front()?)))
            .max_by_key(|(_, key)| *key)
    }

    /// Takes the next match, if it is certain that no stream still holds a newer one.
    pub(super) fn pop(&mut self) -> Option<(usize, Key)> {
        let (feed, key) = self.head()?;
        if self.watermark().is_some_and(|watermark| key < watermark) {
            return None;
        }
        self.feeds[feed].matched.pop_front();
        Some((feed, key))
    }

    /// The streams that must be read on before the next match is certain, newest position first.
    pub(super) fn blocking(&self) -> Vec<usize> {
        let head = self.head().map(|(_, key)| key);
        let blocks = |feed: &Feed| !feed.finished && head.is_none_or(|head| feed.position > head);
        let mut blocking: Vec<usize> = (0..self.feeds.len())
            .filter(|index| blocks(&self.feeds[*index]))
            .collect();
        blocking.sort_by_key(|index| Reverse(self.feeds[*index].position));
        blocking
    }

    /// Takes note of the next row of a stream.
    pub(super) fn advance(&mut self, feed: usize, key: Key, matches: bool) -> Result<(), OutOfOrder> {
        let feed = &mut self.feeds[feed];
        if key >= feed.position {
            return Err(OutOfOrder);
        }
        feed.position = key;
        if matches {
            feed.matched.push_back(key);
        }
        Ok(())
    }

    /// Nothing more will come from this stream.
    pub(super) fn finish(&mut self, feed: usize) {
        self.feeds[feed].finished = true;
    }

    /// Nothing was left unread or untaken.
    pub(super) fn is_over(&self) -> bool {
        self.feeds
            .iter()
            .all(|feed| feed.finished && feed.matched.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(seconds: i64, id: i64) -> Key {
        Key {
            ts: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds),
            id,
        }
    }

    fn two_feeds() -> Merge {
        Merge::new(key(100, 0), [key(0, 0).ts; 2].into_iter())
    }

    #[test]
    fn a_match_is_held_back_while_another_stream_may_hold_a_newer_one() {
        let mut merge = two_feeds();
        merge.advance(0, key(50, 1), true).unwrap();
        assert_eq!(merge.pop(), None);
        assert_eq!(merge.blocking(), [1]);
        merge.advance(1, key(60, 2), false).unwrap();
        assert_eq!(merge.pop(), None, "the second stream may still hold 55");
        merge.advance(1, key(40, 3), true).unwrap();
        assert_eq!(merge.pop(), Some((0, key(50, 1))));
        assert_eq!(merge.pop(), None, "the first stream may still hold 45");
        merge.finish(0);
        assert_eq!(merge.pop(), Some((1, key(40, 3))));
        assert!(!merge.is_over());
        merge.finish(1);
        assert!(merge.is_over());
    }

    #[test]
    fn a_stream_that_starts_past_its_retention_is_finished_at_once() {
        let merge = Merge::new(key(100, 0), [key(101, 0).ts, key(100, 0).ts].into_iter());
        assert_eq!(merge.blocking(), [1]);
    }

    #[test]
    fn a_row_out_of_order_is_an_error() {
        let mut merge = two_feeds();
        merge.advance(0, key(50, 1), false).unwrap();
        assert_eq!(merge.advance(0, key(50, 1), false), Err(OutOfOrder));
        assert_eq!(merge.advance(0, key(60, 2), false), Err(OutOfOrder));
    }

    proptest! {
        /// However the rows are spread over streams and however many are read at a time, the merge equals a sort, and
        /// at each stop everything newer than the watermark was taken.
        #[test]
        fn the_merge_equals_a_sort(
            rows in prop::collection::vec((0_usize..4, 0_i64..30, any::<bool>()), 0..60),
            piece in 1_usize..7,
        ) {
            let mut streams: Vec<VecDeque<(Key, bool)>> = vec![VecDeque::new(); 4];
            let mut sorted: Vec<(usize, Key, bool)> = rows
                .iter()
                .enumerate()
                .map(|(id, (feed, at, matches))| (*feed, key(*at, id as i64), *matches))
                .collect();
            sorted.sort_by_key(|(_, key, _)| Reverse(*key));
            for (feed, key, matches) in &sorted {
                streams[*feed].push_back((*key, *matches));
            }
            let expected: Vec<(usize, Key)> =
                sorted.iter().filter(|row| row.2).map(|row| (row.0, row.1)).collect();

            let mut merge = Merge::new(key(100, 0), [key(0, 0).ts; 4].into_iter());
            let mut taken = Vec::new();
            while !merge.is_over() {
                for feed in merge.blocking() {
                    for _ in 0..piece {
                        match streams[feed].pop_front() {
                            Some((key, matches)) => merge.advance(feed, key, matches).unwrap(),
                            None => merge.finish(feed),
                        }
                    }
                }
                while let Some(next) = merge.pop() {
                    taken.push(next);
                }
                let sure = expected.iter().filter(|(_, key)| merge.watermark().is_none_or(|mark| *key >= mark));
                prop_assert!(taken.len() >= sure.count());
            }
            prop_assert_eq!(taken, expected);
        }
    }
}
