//! Word filters in memory: a search for a rare word looks at those of every segment. A segment never changes, so what is
//! remembered of it stays right, and is only found by who may see the segment's row.

use bytes::Bytes;
use moka::sync::Cache as Store;

/// Cheap to clone; all clones share what they remember.
#[derive(Clone, Debug)]
pub(super) struct Cache(Store<i64, Bytes>);

impl Cache {
    pub(super) fn new(max_bytes: u64) -> Self {
        const ENTRY: usize = 128;
        let weigh = |_: &i64, filter: &Bytes| (filter.len() + ENTRY).try_into().unwrap_or(u32::MAX);
        Self(Store::builder().max_capacity(max_bytes).weigher(weigh).build())
    }

    /// The filters of a segment's blocks, by the segment's id.
    pub(super) fn filter(&self, segment: i64) -> Option<Bytes> {
        self.0.get(&segment)
    }

    pub(super) fn remember(&self, segment: i64, filter: Bytes) {
        self.0.insert(segment, filter);
    }
}
