//! Segments: many lines of one scope as one row of PostgreSQL, column by column, compressed.
//!
//! # Format, version 4
//!
//! Version 3 differs in its word filters, which have fewer bits. Version 2 has no folded texts besides, and its index does not
//! state their bytes. Version 1 differs from that in its word filters, which told upper from lower case: they are not used any
//! more. A later version than its own is damage to a reader, so those who read are updated before those who write.
//!
//! Rows are sorted by (time, id) and cut into blocks of at most [`BLOCK_ROWS`] rows and about [`BLOCK_BYTES`] of text.
//! Each column is stored apart as the concatenation of its blocks, so that a reader fetches the blocks it needs of the
//! columns it needs. The *index* says where they lie:
//!
//! ```text
//! index   = version u8 (4) | blocks varint | block* | crc32 of all before, u32 LE
//! block   = rows varint | min_ts zigzag varint, relative to that of the block before | max_ts - min_ts varint
//!         | lines per level, 6 varints | bytes of word filter varint | crc32 of the word filter u32 LE
//!         | per column (ts, level, message, meta, trace, request, id):
//!           stored bytes varint, raw bytes varint, crc32 of the stored bytes u32 LE,
//!           and for columns of text: bytes of all its texts varint where they are folded, else 0
//! stored  = the raw bytes if "stored bytes" equals "raw bytes", else a zstd frame of them; nothing if raw is 0
//! ```
//!
//! Raw bytes by column, for a block of n rows:
//!
//! ```text
//! ts      = n varints: time in microseconds, relative to the row before (the first: to min_ts)
//! level   = nothing if all rows have one level (the index tells which), else n bytes
//! id      = nothing if ids rise by one from the segment's first id + row number, else n zigzag varints, each
//!           relative to the id before plus one (the first: to the segment's first id)
//! text    = nothing if no row has any, else layout u8 |
//!           0: n varints of length, then the texts
//!           1: a bitmap of ceil(n / 8) bytes (bit 0 first) of the rows that have one, then 16 bytes for each: its 32
//!              lower-case hex digits
//!           2: folded: shapes varint | per shape: variables varint, then the length of each piece, which are one more |
//!              the pieces of all shapes | n bytes: the number of each row's shape, its lower byte | n bytes: its upper byte,
//!              if there are more than 256 shapes | the length of each variable: all first ones of the rows of the first shape,
//!              then all second ones, and so on, shape by shape | the variables in the same order
//! ```
//!
//! What shapes and variables are is said in [`shapes`].
//!
//! The word filters of the blocks, if the segment has any, follow one another in a column of their own ([`crate::filter`]).
//!
//! Varints are LEB128. Everything is checked on reading: a damaged segment is an error, never a panic, and never
//! allocates more than its block may hold.

mod decode;
mod encode;
mod for_long;
mod index;
mod shapes;
pub(crate) mod varint;

use std::ops::Range;

use crate::columns::Columns;

pub use decode::Decoder;
pub(crate) use decode::Texts;
pub use encode::{Encoded, Encoder, Ids};
pub use index::{Block, Index};
pub(crate) use shapes::{Alike, Folded, Row};

/// Most rows in a block. By measurement: smaller blocks compress worse, larger ones make "the newest 100" dearer.
pub const BLOCK_ROWS: usize = 4096;
/// Bytes of text after which a block ends, whatever its rows. Bounds what a reader holds at once.
pub const BLOCK_BYTES: usize = 4 << 20;

/// Most rows in a segment, and bytes of text after which it ends: bounds what the compactor holds at once.
pub const MAX_ROWS: usize = 65_536;
pub const MAX_BYTES: usize = 32 << 20;

const VERSION: u8 = 4;
/// Still read.
const THIRD_VERSION: u8 = 3;
/// Still read.
const SECOND_VERSION: u8 = 2;
/// Still read, without its word filters.
const FIRST_VERSION: u8 = 1;
const LEVELS: usize = 6;
const COLUMNS: usize = 7;
const LAYOUT_TEXT: u8 = 0;
const LAYOUT_HEX: u8 = 1;
const LAYOUT_FOLDED: u8 = 2;
const HEX_DIGITS: usize = 32;

/// Cuts rows, in their order, into parts that each fit into a segment.
pub fn parts(rows: &Columns) -> Vec<Range<usize>> {
    let mut parts = Vec::with_capacity(1);
    let (mut start, mut bytes) = (0, 0);
    for row in 0..rows.len() {
        let more = rows.text_bytes(row);
        if row > start && (row - start == MAX_ROWS || bytes + more > MAX_BYTES) {
            parts.push(start..row);
            (start, bytes) = (row, 0);
        }
        bytes += more;
    }
    parts.push(start..rows.len());
    parts
}

/// The columns of a segment, in the order of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    Ts,
    Level,
    Message,
    Meta,
    Trace,
    Request,
    Id,
}

impl Column {
    pub const ALL: [Self; COLUMNS] = [
        Self::Ts,
        Self::Level,
        Self::Message,
        Self::Meta,
        Self::Trace,
        Self::Request,
        Self::Id,
    ];

    /// Whether its values are texts.
    pub(crate) fn is_text(self) -> bool {
        match self {
            Self::Message | Self::Meta | Self::Trace | Self::Request => true,
            Self::Ts | Self::Level | Self::Id => false,
        }
    }
}

/// The segment's bytes are not what the encoder wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("segment is damaged: {0}")]
pub struct Damaged(pub &'static str);

#[cfg(test)]
mod damage;
#[cfg(test)]
mod tests;
