//! Where the blocks of a segment lie, and what they hold.

use std::ops::Range;

use super::varint::{take, take_varint, unzigzag};
use super::{
    BLOCK_ROWS, COLUMNS, Column, Damaged, FIRST_VERSION, LEVELS, SECOND_VERSION, THIRD_VERSION, VERSION,
};
use crate::filter::{Filter, Probes};

/// A block holds at least one line, which may have the largest message and metadata that are taken, and a margin.
const MAX_BLOCK_RAW: u64 = 64 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub blocks: Vec<Block>,
    /// How its word filters are to be asked; none if they are not used any more.
    pub filter_probes: Option<Probes>,
}

/// Neighbouring rows of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Counted from the segment's first row.
    pub first_row: u32,
    pub rows: u32,
    /// Microseconds since 1970.
    pub min_ts: i64,
    /// Microseconds since 1970.
    pub max_ts: i64,
    /// By [`domain::level::Level::code`].
    pub level_counts: [u32; LEVELS],
    filter: Range<usize>,
    filter_crc: u32,
    parts: [Part; COLUMNS],
}

/// One column's share of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) offset: usize,
    pub(super) stored: usize,
    pub(super) raw: usize,
    pub(super) crc: u32,
    /// Bytes of all its texts, if they are folded.
    pub(super) folded: usize,
}

impl Index {
    pub fn parse(bytes: &[u8]) -> Result<Self, Damaged> {
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or(Damaged("index is cut off"))?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(Damaged("index checksum differs"));
        }
        let mut rest = body;
        let (filter_probes, states_texts) = match take(&mut rest, 1)? {
            [VERSION] => (Some(Probes::CURRENT), true),
            [THIRD_VERSION] => (Some(Probes::OF_TWELVE), true),
            [SECOND_VERSION] => (Some(Probes::OF_TWELVE), false),
            [FIRST_VERSION] => (None, false),
            _ => return Err(Damaged("index version is unknown")),
        };
        let mut at = Position::default();
        let count = take_varint(&mut rest)?;
        // Not reserved: the number may be a lie, and each block takes some of the rest.
        let mut blocks = Vec::new();
        for _ in 0..count {
            blocks.push(take_block(&mut rest, &mut at, states_texts)?);
        }
        if rest.is_empty() {
            Ok(Self {
                blocks,
                filter_probes,
            })
        } else {
            Err(Damaged("index has trailing bytes"))
        }
    }

    /// The word filter of one of its blocks, among those of all. One that is shorter than the index says rules nothing out.
    pub fn filter<'a>(&self, block: &Block, all: &'a [u8]) -> Filter<'a> {
        Filter {
            bits: all.get(block.filter_range()).unwrap_or_default(),
            probes: self.filter_probes.unwrap_or(Probes::CURRENT),
        }
    }

    /// Of all columns before they are folded and compressed.
    pub fn raw_bytes(&self) -> u64 {
        self.blocks.iter().map(Block::raw_bytes).sum()
    }

    /// The same of one column of text: about what its texts take, as the index says.
    pub(crate) fn text_bytes(&self, column: Column) -> usize {
        let of = |block: &Block| block.part(column).raw.max(block.part(column).folded);
        self.blocks.iter().map(of).fold(0, usize::saturating_add)
    }

    pub fn row_count(&self) -> u32 {
        self.blocks.last().map_or(0, |block| block.first_row + block.rows)
    }
}

/// Where the next block starts.
#[derive(Default)]
struct Position {
    row: u32,
    ts: i64,
    filter: usize,
    columns: [usize; COLUMNS],
}

fn take_block(rest: &mut &[u8], at: &mut Position, states_texts: bool) -> Result<Block, Damaged> {
    let rows = u32::try_from(take_varint(rest)?).map_err(|_cause| Damaged("block has too many rows"))?;
    if rows == 0 || rows as usize > BLOCK_ROWS {
        return Err(Damaged("block has an impossible number of rows"));
    }
    let first_row = at.row;
    at.row = at
        .row
        .checked_add(rows)
        .ok_or(Damaged("segment has too many rows"))?;
    at.ts = at.ts.wrapping_add(unzigzag(take_varint(rest)?));
    let max_ts = at.ts.wrapping_add(take_varint(rest)? as i64);
    let mut level_counts = [0; LEVELS];
    for count in &mut level_counts {
        *count =
            u32::try_from(take_varint(rest)?).map_err(|_cause| Damaged("level count is out of range"))?;
    }
    let filter = advance(&mut at.filter, take_varint(rest)?)?;
    let filter_crc = take_crc(rest)?;
    let mut parts = [Part::default(); COLUMNS];
    for ((part, offset), column) in parts.iter_mut().zip(&mut at.columns).zip(Column::ALL) {
        *part = take_part(rest, offset, states_texts && column.is_text())?;
    }
    Ok(Block {
        first_row,
        rows,
        min_ts: at.ts,
        max_ts,
        level_counts,
        filter,
        filter_crc,
        parts,
    })
}

fn take_part(rest: &mut &[u8], offset: &mut usize, states_texts: bool) -> Result<Part, Damaged> {
    let (stored, raw) = (take_varint(rest)?, take_varint(rest)?);
    if raw > MAX_BLOCK_RAW || stored > raw {
        return Err(Damaged("block has an impossible size"));
    }
    let range = advance(offset, stored)?;
    let crc = take_crc(rest)?;
    let folded = if states_texts { take_varint(rest)? } else { 0 };
    if folded > MAX_BLOCK_RAW {
        return Err(Damaged("block has an impossible size"));
    }
    Ok(Part {
        offset: range.start,
        stored: range.len(),
        raw: raw as usize,
        crc,
        folded: folded as usize,
    })
}

fn take_crc(rest: &mut &[u8]) -> Result<u32, Damaged> {
    let bytes = take(rest, 4)?.first_chunk().copied();
    Ok(bytes.map(u32::from_le_bytes).unwrap_or_default())
}

fn advance(offset: &mut usize, by: u64) -> Result<Range<usize>, Damaged> {
    let by = usize::try_from(by).map_err(|_cause| Damaged("column is too long"))?;
    let start = *offset;
    *offset = start.checked_add(by).ok_or(Damaged("column is too long"))?;
    Ok(start..*offset)
}

impl Block {
    /// Of all columns before they are folded and compressed.
    pub fn raw_bytes(&self) -> u64 {
        self.parts
            .iter()
            .map(|part| part.raw.max(part.folded) as u64)
            .sum()
    }

    /// The same after that.
    pub fn stored_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.stored as u64).sum()
    }

    /// Where this block of a column lies in the column's stored bytes.
    pub fn range(&self, column: Column) -> Range<usize> {
        let part = self.part(column);
        part.offset..part.offset + part.stored
    }

    /// Where this block's word filter lies in the segment's; empty if it has none.
    pub fn filter_range(&self) -> Range<usize> {
        self.filter.clone()
    }

    /// Whether this block's word filter is among the segment's as it was written. One that is not could rule out what is
    /// there.
    pub fn has_intact_filter(&self, filters: &[u8]) -> bool {
        let filter = filters.get(self.filter_range());
        filter.is_some_and(|filter| crc32fast::hash(filter) == self.filter_crc)
    }

    pub(super) fn part(&self, column: Column) -> Part {
        self.parts[column as usize]
    }

    /// The level of all rows, if they have but one.
    pub(super) fn only_level(&self) -> Option<u8> {
        let mut present = (0..).zip(&self.level_counts).filter(|(_, count)| **count > 0);
        match (present.next(), present.next()) {
            (Some((level, _)), None) => Some(level),
            _ => None,
        }
    }
}
