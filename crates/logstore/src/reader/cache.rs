//! What is remembered of segments: the word filters, at which a search for a rare word looks for every segment; the blocks
//! of columns that were read lately, since who searches a day mostly does so again; and which rows of a block met a part of
//! a condition, since a page of lines, its chart and the values beside it ask the same, and so do an alert rule every
//! minute and all who look at one incident. Of blocks that have no word filter, because they were written just now, one is
//! made of a column when it is searched for the second time. A segment never changes, so what is remembered of it stays
//! right, and is only found by who may see the segment's row.

use bytes::Bytes;
use moka::sync::Cache as Store;

use crate::segment::{BLOCK_ROWS, Column};

/// Which bytes of which segment: its id (of both tables, unique), the column, and where in it they start.
pub(super) type Part = (i64, i16, usize);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Stored(Part),
    /// Of the block of this number, the rows that meet what has this digest.
    Matched(i64, usize, u128),
    /// The word filter of one column of the block of this number, where its segment has none.
    Filter(i64, usize, Column),
}

/// Cheap to clone; all clones share what they remember.
#[derive(Clone, Debug)]
pub(super) struct Cache(Store<Key, Bytes>);

impl Cache {
    pub(super) fn new(max_bytes: u64) -> Self {
        /// What an entry takes beside its bytes: measured, since most that is remembered of matches is nothing.
        const ENTRY: usize = 400;
        let weigh = |_: &Key, bytes: &Bytes| (bytes.len() + ENTRY).try_into().unwrap_or(u32::MAX);
        Self(Store::builder().max_capacity(max_bytes).weigher(weigh).build())
    }

    pub(super) fn get(&self, part: Part) -> Option<Bytes> {
        self.0.get(&Key::Stored(part))
    }

    /// `bytes` are kept as they are: they must not be a part of something larger.
    pub(super) fn remember(&self, part: Part, bytes: Bytes) {
        self.0.insert(Key::Stored(part), bytes);
    }

    /// Whether it is remembered.
    pub(super) fn has(&self, part: Part) -> bool {
        self.0.contains_key(&Key::Stored(part))
    }

    /// The word filter of one column of a segment's block, where it was built for searches.
    pub(super) fn filter(&self, segment: i64, block: usize, column: Column) -> Option<Bytes> {
        self.0.get(&Key::Filter(segment, block, column))
    }

    pub(super) fn remember_filter(&self, segment: i64, block: usize, column: Column, filter: Vec<u8>) {
        self.0.insert(Key::Filter(segment, block, column), filter.into());
    }

    /// The rows of a segment's block that meet what has this digest, rising, if that is known.
    pub(super) fn matched(&self, segment: i64, block: usize, condition: u128) -> Option<Vec<u32>> {
        let packed = self.0.get(&Key::Matched(segment, block, condition))?;
        Some(unpack(&packed))
    }

    pub(super) fn remember_matched(&self, segment: i64, block: usize, condition: u128, rows: &[u32]) {
        let key = Key::Matched(segment, block, condition);
        self.0.insert(key, pack(rows));
    }
}

/// A bit for each row of the largest block.
const BITMAP_BYTES: usize = BLOCK_ROWS / 8;

/// Rows of a block, rising: one after the other, or as a bitmap where that is shorter.
fn pack(rows: &[u32]) -> Bytes {
    if rows.len() * size_of::<u16>() < BITMAP_BYTES {
        return rows.iter().flat_map(|row| (*row as u16).to_le_bytes()).collect();
    }
    let mut bitmap = vec![0; BITMAP_BYTES];
    for row in rows {
        bitmap[*row as usize / 8] |= 1_u8 << (row % 8);
    }
    bitmap.into()
}

fn unpack(packed: &[u8]) -> Vec<u32> {
    if packed.len() < BITMAP_BYTES {
        let rows = packed.chunks_exact(size_of::<u16>());
        return rows
            .filter_map(|row| row.first_chunk())
            .map(|row| u16::from_le_bytes(*row).into())
            .collect();
    }
    let is_set = |row: &u32| packed[*row as usize / 8] & 1 << (row % 8) != 0;
    (0..BLOCK_ROWS as u32).filter(is_set).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_remembered_as_they_are(rows in prop::collection::btree_set(0..BLOCK_ROWS as u32, 0..600)) {
            let rows: Vec<u32> = rows.into_iter().collect();
            let packed = pack(&rows);
            prop_assert!(packed.len() <= BITMAP_BYTES);
            prop_assert_eq!(unpack(&packed), rows);
        }
    }
}
