//! Columns to segment.

use std::io;
use std::ops::Range;

use super::for_long::ForLong;
use super::varint::{put_varint, zigzag};
use super::{
    BLOCK_BYTES, BLOCK_ROWS, COLUMNS, Column, HEX_DIGITS, LAYOUT_FOLDED, LAYOUT_HEX, LAYOUT_TEXT, LEVELS,
    VERSION,
};
use crate::columns::Columns;
use crate::patterns::Tally;

/// Measured: level 3 is 30 % slower to encode and no smaller on log text.
const ZSTD_LEVEL: i32 = 1;
/// Below this a zstd frame's header eats what compression saves.
const TOO_SMALL_TO_COMPRESS: usize = 32;

/// A segment as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Microseconds since 1970.
    pub min_ts: i64,
    /// Microseconds since 1970.
    pub max_ts: i64,
    pub first_id: i64,
    pub row_count: u32,
    /// By [`domain::level::Level::code`].
    pub level_counts: [u32; LEVELS],
    pub index: Vec<u8>,
    /// In the order of [`Column::ALL`].
    pub columns: [Vec<u8>; COLUMNS],
    /// Empty if the encoder was not asked for word filters.
    pub word_filter: Vec<u8>,
    /// How many lines of which template there are ([`crate::patterns::counts`]); empty if nobody counted.
    pub pattern_counts: Vec<u8>,
}

/// The ids of the rows to encode.
#[derive(Clone, Copy, Debug)]
pub enum Ids<'a> {
    /// The first; each row's is one more than that of the row before it in the order of the segment.
    From(i64),
    /// One for each row of the columns.
    Each(&'a [i64]),
}

/// Encodes segments; keeps its buffers between them.
pub struct Encoder {
    zstd: zstd::bulk::Compressor<'static>,
    raw: Vec<u8>,
    order: Vec<u32>,
    for_long: Option<ForLong>,
}

impl Encoder {
    /// Without word filters, and without folding texts, for which small segments have too little in common: for those that the
    /// compactor will soon merge.
    pub fn new() -> io::Result<Self> {
        let zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
        Ok(Self {
            zstd,
            raw: Vec::new(),
            order: Vec::new(),
            for_long: None,
        })
    }

    /// With word filters and folded texts, which takes about twice the time and makes them a third smaller.
    pub fn with_filters() -> io::Result<Self> {
        Ok(Self {
            for_long: Some(ForLong::default()),
            ..Self::new()?
        })
    }

    /// Encodes all rows, at least one.
    pub fn encode(&mut self, rows: &Columns, ids: Ids<'_>) -> io::Result<Encoded> {
        self.encode_part(rows, 0..rows.len(), ids)
    }

    /// Encodes some of the rows, at least one.
    pub fn encode_part(&mut self, rows: &Columns, part: Range<usize>, ids: Ids<'_>) -> io::Result<Encoded> {
        self.encode_and_count(rows, part, ids, None)
    }

    /// The same, and counts the lines' templates, which costs little where word filters are made.
    pub fn encode_counted(
        &mut self,
        rows: &Columns,
        part: Range<usize>,
        ids: Ids<'_>,
        tally: &mut Tally<'_>,
    ) -> io::Result<Encoded> {
        let mut encoded = self.encode_and_count(rows, part, ids, Some(tally))?;
        encoded.pattern_counts = tally.finish()?;
        Ok(encoded)
    }

    fn encode_and_count(
        &mut self,
        rows: &Columns,
        part: Range<usize>,
        ids: Ids<'_>,
        mut tally: Option<&mut Tally<'_>>,
    ) -> io::Result<Encoded> {
        let mut order = std::mem::take(&mut self.order);
        sort(&mut order, rows, part, ids);
        let (first, last) = (order[0] as usize, order[order.len() - 1] as usize);
        let mut out = Encoded {
            min_ts: rows.ts[first],
            max_ts: rows.ts[last],
            first_id: match ids {
                Ids::From(id) => id,
                Ids::Each(ids) => ids[first],
            },
            row_count: order.len() as u32,
            level_counts: [0; LEVELS],
            index: vec![VERSION],
            columns: Default::default(),
            word_filter: Vec::new(),
            pattern_counts: Vec::new(),
        };
        let blocks = cut(&order, rows);
        put_varint(&mut out.index, blocks.len() as u64);
        let mut ts_before = 0;
        for block in blocks {
            let place = Place {
                first_row: block.start as i64,
                ts_before,
            };
            let block = &order[block];
            self.block(block, rows, ids, &place, &mut out)?;
            if let (Some(for_long), Some(tally)) = (&self.for_long, &mut tally) {
                for (own, row) in for_long
                    .own_templates()
                    .zip(block.iter().map(|row| *row as usize))
                {
                    tally.add(own, rows.message.get(row), (rows.ts[row], rows.level[row]), row);
                }
            }
            ts_before = rows.ts[block[0] as usize];
        }
        let crc = crc32fast::hash(&out.index);
        out.index.extend_from_slice(&crc.to_le_bytes());
        self.order = order;
        Ok(out)
    }

    fn block(
        &mut self,
        order: &[u32],
        rows: &Columns,
        ids: Ids<'_>,
        place: &Place,
        out: &mut Encoded,
    ) -> io::Result<()> {
        let min = rows.ts[order[0] as usize];
        let max = rows.ts[order[order.len() - 1] as usize];
        let levels = count_levels(order, &rows.level);
        put_varint(&mut out.index, order.len() as u64);
        put_varint(&mut out.index, zigzag(min.wrapping_sub(place.ts_before)));
        put_varint(&mut out.index, max.wrapping_sub(min) as u64);
        for (total, count) in out.level_counts.iter_mut().zip(levels) {
            *total += count;
            put_varint(&mut out.index, u64::from(count));
        }
        // The filter, which is made of the columns on their way, stands before them.
        let mut parts = Vec::new();
        for column in Column::ALL {
            self.raw.clear();
            let mut folded = 0;
            match column {
                Column::Ts => raw_ts(&mut self.raw, order, &rows.ts, min),
                Column::Level => raw_level(&mut self.raw, order, &rows.level, levels),
                Column::Message | Column::Meta | Column::Trace | Column::Request => {
                    let texts = rows.text(column);
                    let texts: Vec<&[u8]> = order.iter().map(|row| texts.get(*row as usize)).collect();
                    folded = raw_text(&mut self.raw, self.for_long.as_mut(), column, &texts);
                }
                Column::Id => raw_id(&mut self.raw, order, ids, out.first_id, place.first_row),
            }
            let into = &mut out.columns[column as usize];
            let start = into.len();
            self.store(into)?;
            let stored = &into[start..];
            put_varint(&mut parts, stored.len() as u64);
            put_varint(&mut parts, self.raw.len() as u64);
            parts.extend_from_slice(&crc32fast::hash(stored).to_le_bytes());
            if column.is_text() {
                put_varint(&mut parts, folded as u64);
            }
        }
        let start = out.word_filter.len();
        if let Some(for_long) = &mut self.for_long {
            for_long.finish(&mut out.word_filter);
        }
        let filter = &out.word_filter[start..];
        put_varint(&mut out.index, filter.len() as u64);
        out.index
            .extend_from_slice(&crc32fast::hash(filter).to_le_bytes());
        out.index.extend_from_slice(&parts);
        Ok(())
    }

    /// Appends the raw bytes, compressed if that makes them smaller.
    fn store(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let start = into.len();
        if self.raw.len() >= TOO_SMALL_TO_COMPRESS {
            into.resize(start + zstd::zstd_safe::compress_bound(self.raw.len()), 0);
            let written = self.zstd.compress_to_buffer(&self.raw, &mut into[start..])?;
            into.truncate(start + written);
            if written < self.raw.len() {
                return Ok(());
            }
            into.truncate(start);
        }
        into.extend_from_slice(&self.raw);
        Ok(())
    }
}

/// Where a block stands in its segment.
struct Place {
    first_row: i64,
    /// The oldest time of the block before.
    ts_before: i64,
}

fn sort(order: &mut Vec<u32>, rows: &Columns, part: Range<usize>, ids: Ids<'_>) {
    order.clear();
    order.extend(part.start as u32..part.end as u32);
    match ids {
        Ids::From(_) if rows.ts[part].is_sorted() => {}
        Ids::From(_) => order.sort_by_key(|&row| rows.ts[row as usize]),
        Ids::Each(ids) => order.sort_unstable_by_key(|&row| (rows.ts[row as usize], ids[row as usize])),
    }
}

/// Where each block starts and ends in the order.
fn cut(order: &[u32], rows: &Columns) -> Vec<Range<usize>> {
    let mut blocks = Vec::with_capacity(order.len() / BLOCK_ROWS + 1);
    let (mut start, mut bytes) = (0, 0);
    for (position, &row) in order.iter().enumerate() {
        let more = rows.text_bytes(row as usize);
        if position > start && (position - start == BLOCK_ROWS || bytes + more > BLOCK_BYTES) {
            blocks.push(start..position);
            (start, bytes) = (position, 0);
        }
        bytes += more;
    }
    blocks.push(start..order.len());
    blocks
}

fn count_levels(order: &[u32], level: &[u8]) -> [u32; LEVELS] {
    let mut counts = [0; LEVELS];
    for &row in order {
        counts[usize::from(level[row as usize]).min(LEVELS - 1)] += 1;
    }
    counts
}

fn raw_ts(raw: &mut Vec<u8>, order: &[u32], ts: &[i64], min: i64) {
    let mut before = min;
    for &row in order {
        let ts = ts[row as usize];
        put_varint(raw, ts.wrapping_sub(before) as u64);
        before = ts;
    }
}

fn raw_level(raw: &mut Vec<u8>, order: &[u32], level: &[u8], counts: [u32; LEVELS]) {
    if counts.iter().filter(|&&count| count > 0).count() > 1 {
        raw.extend(order.iter().map(|&row| level[row as usize].min(LEVELS as u8 - 1)));
    }
}

fn raw_id(raw: &mut Vec<u8>, order: &[u32], ids: Ids<'_>, first_id: i64, first_row: i64) {
    let Ids::Each(ids) = ids else { return };
    let in_sequence = (first_row..)
        .zip(order)
        .all(|(place, &row)| ids[row as usize] == first_id.wrapping_add(place));
    if in_sequence {
        return;
    }
    let mut expected = first_id;
    for &row in order {
        let id = ids[row as usize];
        put_varint(raw, zigzag(id.wrapping_sub(expected)));
        expected = id.wrapping_add(1);
    }
}

/// Returns the bytes of all texts if they are folded, else 0.
fn raw_text(raw: &mut Vec<u8>, for_long: Option<&mut ForLong>, column: Column, texts: &[&[u8]]) -> usize {
    let are_empty = texts.iter().all(|text| text.is_empty());
    let are_hex = !are_empty && texts.iter().all(|text| text.is_empty() || is_hex_id(text));
    if let Some(for_long) = for_long
        && let Some(folded) = for_long.add(column, texts, !are_empty && !are_hex)
    {
        raw.push(LAYOUT_FOLDED);
        folded.write(raw);
        return folded.bytes;
    }
    if are_hex {
        raw.push(LAYOUT_HEX);
        raw_hex(raw, texts);
    } else if !are_empty {
        raw.push(LAYOUT_TEXT);
        for text in texts {
            put_varint(raw, text.len() as u64);
        }
        for text in texts {
            raw.extend_from_slice(text);
        }
    }
    0
}

fn raw_hex(raw: &mut Vec<u8>, texts: &[&[u8]]) {
    let bitmap = raw.len();
    raw.resize(bitmap + texts.len().div_ceil(8), 0);
    for (row, text) in texts.iter().enumerate() {
        if !text.is_empty() {
            raw[bitmap + row / 8] |= 1 << (row % 8);
            raw.extend(
                text.chunks_exact(2)
                    .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])),
            );
        }
    }
}

fn is_hex_id(text: &[u8]) -> bool {
    text.len() == HEX_DIGITS && text.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn nibble(digit: u8) -> u8 {
    if digit <= b'9' {
        digit - b'0'
    } else {
        digit - b'a' + 10
    }
}
