//! Segment to columns, block by block.

use std::cell::RefCell;
use std::io;

use super::index::{Block, Part};
use super::shapes::{Folded, Layout};
use super::varint::{take, take_varint, unzigzag};
use super::{BLOCK_BYTES, Column, Damaged, HEX_DIGITS, LAYOUT_FOLDED, LAYOUT_HEX, LAYOUT_TEXT, LEVELS};
use crate::columns::{TextColumn, TextView};

/// A decoder that unpacked a larger block than most are is not kept.
const MAX_KEPT_BYTES: usize = 2 * BLOCK_BYTES;

/// Decodes blocks; keeps its buffers between them. Each function takes the stored bytes of [`Block::range`].
pub struct Decoder {
    zstd: zstd::bulk::Decompressor<'static>,
    raw: Vec<u8>,
    ends: Vec<u32>,
    hex: TextColumn,
    layout: Layout,
}

/// A block's column of text, where it was unpacked to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Texts<'a> {
    Plain(TextView<'a>),
    Folded(Folded<'a>),
}

impl Texts<'_> {
    /// Visits all texts, in any order.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&[u8])) {
        match self {
            Self::Plain(texts) => (0..texts.len()).for_each(|row| visit(texts.get(row))),
            Self::Folded(texts) => {
                let mut text = Vec::new();
                for (shape, place) in texts.places() {
                    text.clear();
                    texts.unfold(shape, place, &mut text);
                    visit(&text);
                }
            }
        }
    }
}

impl Decoder {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            zstd: zstd::bulk::Decompressor::new()?,
            raw: Vec::new(),
            ends: Vec::new(),
            hex: TextColumn::default(),
            layout: Layout::default(),
        })
    }

    /// Lends the decoder that this thread keeps: making one costs as much as unpacking a small block.
    pub(crate) fn lend<T>(decode: impl FnOnce(&mut Self) -> Result<T, Damaged>) -> Result<T, Damaged> {
        thread_local! {
            static KEPT: RefCell<Option<Decoder>> = const { RefCell::new(None) };
        }
        let kept = KEPT.take();
        let mut decoder = match kept {
            Some(decoder) => decoder,
            None => Self::new().map_err(|_no_memory| Damaged("decompressor could not be made"))?,
        };
        let decoded = decode(&mut decoder);
        if decoder.raw.capacity() <= MAX_KEPT_BYTES {
            KEPT.set(Some(decoder));
        }
        decoded
    }

    /// Microseconds since 1970, rising.
    pub fn ts(&mut self, block: &Block, stored: &[u8]) -> Result<Vec<i64>, Damaged> {
        let mut rest = open(&mut self.zstd, &mut self.raw, block.part(Column::Ts), stored)?;
        let mut before = block.min_ts;
        let mut out = Vec::with_capacity(block.rows as usize);
        for _ in 0..block.rows {
            before = before.wrapping_add(take_varint(&mut rest)? as i64);
            out.push(before);
        }
        if rest.is_empty() {
            Ok(out)
        } else {
            Err(Damaged("time column has trailing bytes"))
        }
    }

    /// By [`domain::level::Level::code`].
    pub fn levels(&mut self, block: &Block, stored: &[u8]) -> Result<Vec<u8>, Damaged> {
        let raw = open(&mut self.zstd, &mut self.raw, block.part(Column::Level), stored)?;
        if raw.is_empty() {
            let level = block.only_level().ok_or(Damaged("level column is missing"))?;
            return Ok(vec![level; block.rows as usize]);
        }
        if raw.len() != block.rows as usize || raw.iter().any(|&level| usize::from(level) >= LEVELS) {
            return Err(Damaged("level column is malformed"));
        }
        Ok(raw.to_vec())
    }

    /// `first_id` is the segment's.
    pub fn ids(&mut self, block: &Block, first_id: i64, stored: &[u8]) -> Result<Vec<i64>, Damaged> {
        let mut rest = open(&mut self.zstd, &mut self.raw, block.part(Column::Id), stored)?;
        if rest.is_empty() {
            let first = first_id.wrapping_add(i64::from(block.first_row));
            return Ok((0..i64::from(block.rows))
                .map(|row| first.wrapping_add(row))
                .collect());
        }
        let mut expected = first_id;
        let mut out = Vec::with_capacity(block.rows as usize);
        for _ in 0..block.rows {
            let id = expected.wrapping_add(unzigzag(take_varint(&mut rest)?));
            out.push(id);
            expected = id.wrapping_add(1);
        }
        if rest.is_empty() {
            Ok(out)
        } else {
            Err(Damaged("id column has trailing bytes"))
        }
    }

    /// One of the text columns.
    pub fn texts(&mut self, block: &Block, column: Column, stored: &[u8]) -> Result<TextColumn, Damaged> {
        let mut texts = TextColumn::default();
        self.append_texts(block, column, stored, &mut texts)?;
        Ok(texts)
    }

    /// The same of some rows, which rise.
    pub(crate) fn texts_of(
        &mut self,
        block: &Block,
        column: Column,
        stored: &[u8],
        rows: &[u32],
    ) -> Result<TextColumn, Damaged> {
        let mut texts = TextColumn::default();
        match self.view(block, column, stored)? {
            Texts::Plain(all) => rows.iter().for_each(|row| texts.push(all.get(*row as usize))),
            Texts::Folded(all) => all.unfold_these(rows, &mut texts),
        }
        Ok(texts)
    }

    /// The same of all rows, after what is in a column already.
    pub(crate) fn append_texts(
        &mut self,
        block: &Block,
        column: Column,
        stored: &[u8],
        into: &mut TextColumn,
    ) -> Result<(), Damaged> {
        match self.view(block, column, stored)? {
            Texts::Plain(texts) => into.append(texts),
            Texts::Folded(texts) => texts.unfold_all(into),
        }
        Ok(())
    }

    /// The same, where it was unpacked to: for looking at it once.
    pub(crate) fn view<'a>(
        &'a mut self,
        block: &Block,
        column: Column,
        stored: &'a [u8],
    ) -> Result<Texts<'a>, Damaged> {
        let rows = block.rows as usize;
        let part = block.part(column);
        let raw = open(&mut self.zstd, &mut self.raw, part, stored)?;
        self.ends.clear();
        let Some((&layout, rest)) = raw.split_first() else {
            self.ends.resize(rows, 0);
            return Ok(Texts::Plain(TextView::new(&self.ends, &[])));
        };
        match layout {
            LAYOUT_TEXT => plain_texts(rows, rest, &mut self.ends).map(Texts::Plain),
            LAYOUT_HEX => hex_texts(rows, rest, &mut self.hex).map(Texts::Plain),
            LAYOUT_FOLDED => self.layout.read(rows, part.folded, rest).map(Texts::Folded),
            _ => Err(Damaged("text layout is unknown")),
        }
    }
}

/// The raw bytes of a part.
fn open<'a>(
    zstd: &mut zstd::bulk::Decompressor<'static>,
    raw: &'a mut Vec<u8>,
    part: Part,
    stored: &'a [u8],
) -> Result<&'a [u8], Damaged> {
    if stored.len() != part.stored || crc32fast::hash(stored) != part.crc {
        return Err(Damaged("block checksum differs"));
    }
    if part.stored == part.raw {
        return Ok(stored);
    }
    raw.clear();
    raw.reserve(part.raw);
    let written = zstd
        .decompress_to_buffer(stored, raw)
        .map_err(|_cause| Damaged("zstd frame is malformed"))?;
    if written == part.raw {
        Ok(raw)
    } else {
        Err(Damaged("block has another size than stated"))
    }
}

fn plain_texts<'a>(rows: usize, mut rest: &'a [u8], ends: &'a mut Vec<u32>) -> Result<TextView<'a>, Damaged> {
    ends.reserve(rows);
    let mut end = 0_u64;
    for _ in 0..rows {
        end = end
            .checked_add(take_varint(&mut rest)?)
            .ok_or(Damaged("text is too long"))?;
        ends.push(u32::try_from(end).map_err(|_cause| Damaged("text is too long"))?);
    }
    if end == rest.len() as u64 {
        Ok(TextView::new(ends, rest))
    } else {
        Err(Damaged("text column has another length than its rows"))
    }
}

fn hex_texts<'a>(rows: usize, mut rest: &[u8], column: &'a mut TextColumn) -> Result<TextView<'a>, Damaged> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bitmap = take(&mut rest, rows.div_ceil(8))?;
    column.clear();
    for row in 0..rows {
        let mut hex = [0_u8; HEX_DIGITS];
        let mut text: &[u8] = &[];
        if bitmap[row / 8] & 1 << (row % 8) != 0 {
            for (pair, byte) in hex.chunks_exact_mut(2).zip(take(&mut rest, HEX_DIGITS / 2)?) {
                pair[0] = DIGITS[usize::from(byte >> 4)];
                pair[1] = DIGITS[usize::from(byte & 15)];
            }
            text = &hex;
        }
        column.push(text);
    }
    if rest.is_empty() {
        Ok(column.view())
    } else {
        Err(Damaged("hex column has trailing bytes"))
    }
}
