//! Log lines column by column: the form in which they are parsed, merged and encoded. No allocation per line.

use std::ops::Range;

use crate::segment::Column;

/// Texts of many rows in one buffer. An absent text is empty: no column of a log line keeps an empty text apart from an
/// absent one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextColumn {
    /// Where each row's text ends in `bytes`.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl TextColumn {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All texts, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
    }

    /// Adds a text that is appended to what is there.
    pub(crate) fn push_with(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        append(&mut self.bytes);
        self.ends.push(self.bytes.len() as u32);
    }

    /// The text of a row; empty past the end.
    pub fn get(&self, row: usize) -> &[u8] {
        self.view().get(row)
    }

    /// Where the text of a row lies in [`TextColumn::bytes`].
    pub fn range(&self, row: usize) -> Range<usize> {
        self.view().range(row)
    }

    pub(crate) fn view(&self) -> TextView<'_> {
        TextView::new(&self.ends, &self.bytes)
    }

    /// Adds other texts after these.
    pub(crate) fn append(&mut self, others: TextView<'_>) {
        let offset = self.bytes.len() as u32;
        self.bytes.extend_from_slice(others.bytes);
        self.ends.extend(others.ends.iter().map(|end| end + offset));
    }

    /// Makes room for so many more rows, and bytes of text.
    pub(crate) fn reserve(&mut self, rows: usize, bytes: usize) {
        self.ends.reserve(rows);
        self.bytes.reserve(bytes);
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.ends.shrink_to_fit();
        self.bytes.shrink_to_fit();
    }

    /// Forgets the texts and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.bytes.clear();
    }
}

/// Texts of many rows that lie in one buffer of somebody else's: a [`TextColumn`] that is looked at, or a block that was
/// unpacked to be matched and is not worth a copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextView<'a> {
    ends: &'a [u32],
    bytes: &'a [u8],
}

impl<'a> TextView<'a> {
    /// `ends` rise, up to the length of `bytes`.
    pub(crate) fn new(ends: &'a [u32], bytes: &'a [u8]) -> Self {
        Self { ends, bytes }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// All texts, one after the other.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The text of a row; empty past the end.
    pub(crate) fn get(&self, row: usize) -> &'a [u8] {
        self.bytes.get(self.range(row)).unwrap_or_default()
    }

    /// Where the text of a row lies in [`TextView::bytes`].
    pub(crate) fn range(&self, row: usize) -> Range<usize> {
        let start = row
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(row).copied().unwrap_or(start);
        start as usize..end as usize
    }
}

/// Lines of one scope. All columns have the same number of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Microseconds since 1970.
    pub ts: Vec<i64>,
    /// [`domain::level::Level::code`].
    pub level: Vec<u8>,
    pub message: TextColumn,
    /// JSON text of an object, or empty.
    pub meta: TextColumn,
    pub trace_id: TextColumn,
    pub request_id: TextColumn,
}

impl Columns {
    pub fn len(&self) -> usize {
        self.ts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ts.is_empty()
    }

    /// Adds the rows of another set of lines after these.
    pub fn append(&mut self, other: &Self) {
        self.ts.extend_from_slice(&other.ts);
        self.level.extend_from_slice(&other.level);
        self.message.append(other.message.view());
        self.meta.append(other.meta.view());
        self.trace_id.append(other.trace_id.view());
        self.request_id.append(other.request_id.view());
    }

    /// One of the columns of text; the message for a column that has none.
    pub(crate) fn text(&self, column: Column) -> &TextColumn {
        match column {
            Column::Message | Column::Ts | Column::Level | Column::Id => &self.message,
            Column::Meta => &self.meta,
            Column::Trace => &self.trace_id,
            Column::Request => &self.request_id,
        }
    }

    /// The same, to be changed.
    pub(crate) fn text_mut(&mut self, column: Column) -> &mut TextColumn {
        match column {
            Column::Message | Column::Ts | Column::Level | Column::Id => &mut self.message,
            Column::Meta => &mut self.meta,
            Column::Trace => &mut self.trace_id,
            Column::Request => &mut self.request_id,
        }
    }

    /// Gives back the room for further rows: as much again as the rows take, at worst.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.ts.shrink_to_fit();
        self.level.shrink_to_fit();
        for text in [
            &mut self.message,
            &mut self.meta,
            &mut self.trace_id,
            &mut self.request_id,
        ] {
            text.shrink_to_fit();
        }
    }

    /// What these lines take in memory, in bytes, when there is no room for more.
    pub fn size(&self) -> usize {
        /// Time, level, and where each of four texts ends.
        const FIXED: usize = 8 + 1 + 4 * 4;
        let texts = [&self.message, &self.meta, &self.trace_id, &self.request_id];
        self.len() * FIXED + texts.iter().map(|text| text.bytes().len()).sum::<usize>()
    }

    /// Bytes of all texts of a row.
    pub fn text_bytes(&self, row: usize) -> usize {
        [&self.message, &self.meta, &self.trace_id, &self.request_id]
            .into_iter()
            .map(|column| column.range(row).len())
            .sum()
    }
}
