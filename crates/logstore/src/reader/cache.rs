//! Parts of segments in memory: the word filters, at which a search for a rare word looks for every segment, and the blocks
//! of columns that were read lately, since who searches a day mostly does so again. A segment never changes, so what is
//! remembered of it stays right, and is only found by who may see the segment's row.

use bytes::Bytes;
use moka::sync::Cache as Store;

/// Which bytes of which segment: its id (of both tables, unique), the column, and where in it they start.
pub(super) type Part = (i64, i16, usize);

/// Cheap to clone; all clones share what they remember.
#[derive(Clone, Debug)]
pub(super) struct Cache(Store<Part, Bytes>);

impl Cache {
    pub(super) fn new(max_bytes: u64) -> Self {
        const ENTRY: usize = 160;
        let weigh = |_: &Part, bytes: &Bytes| (bytes.len() + ENTRY).try_into().unwrap_or(u32::MAX);
        Self(Store::builder().max_capacity(max_bytes).weigher(weigh).build())
    }

    pub(super) fn get(&self, part: Part) -> Option<Bytes> {
        self.0.get(&part)
    }

    /// `bytes` are kept as they are: they must not be a part of something larger.
    pub(super) fn remember(&self, part: Part, bytes: Bytes) {
        self.0.insert(part, bytes);
    }
}
