//! Texts to shapes and variables.

use std::ops::Range;

use foldhash::HashMap;

use super::put;
use crate::segment::varint::put_varint;

/// Stands for a variable in the key of a shape: no byte of ASCII.
const VARIABLE: u8 = 0xFF;
/// So many rows may have a shape each before it is given up that half of them have one together.
const PATIENCE: usize = 512;

/// Folds blocks; keeps its buffers between them.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    /// The number of each shape by its key: whether it may have variables, and its pieces with [`VARIABLE`] between them.
    // Seeded by chance: texts can be made to collide by whoever sends them.
    shapes: HashMap<Vec<u8>, u16>,
    key: Vec<u8>,
    /// Of all shapes: how many variables, and the lengths of the pieces.
    heads: Vec<u8>,
    pieces: Vec<u8>,
    /// How many rows have each shape.
    counts: Vec<u32>,
    /// The shape of each row.
    shape_of: Vec<u16>,
    /// Where the variables of all rows lie in their texts.
    variables: Vec<Range<u32>>,
    /// Where the variables of each row end in `variables`.
    ends: Vec<u32>,
    by_shape: Vec<u16>,
}

impl Folder {
    /// Finds what the texts of a block have in common. `None` if it is too little for folding them to be worth the while.
    pub(crate) fn fold<'t>(&'t mut self, texts: &'t [&'t [u8]]) -> Option<FoldedTexts<'t>> {
        self.clear();
        let mut bytes = 0;
        for text in texts {
            bytes += text.len();
            self.add(text);
            if self.counts.len() > self.shape_of.len() / 2 + PATIENCE {
                return None;
            }
        }
        if self.pieces.len() * 2 > bytes {
            return None;
        }
        self.sort_by_shape();
        Some(FoldedTexts {
            folder: self,
            texts,
            bytes,
        })
    }

    fn clear(&mut self) {
        self.shapes.clear();
        self.heads.clear();
        self.pieces.clear();
        self.counts.clear();
        self.shape_of.clear();
        self.variables.clear();
        self.ends.clear();
    }

    fn add(&mut self, text: &[u8]) {
        let first = self.variables.len();
        let is_ascii = text.is_ascii();
        if is_ascii {
            find_variables(text, &mut self.variables);
        }
        let found = &self.variables[first..];
        self.key.clear();
        self.key.push(u8::from(is_ascii));
        let mut at = 0;
        for variable in found {
            put(text, at..variable.start as usize, &mut self.key);
            self.key.push(VARIABLE);
            at = variable.end as usize;
        }
        put(text, at..text.len(), &mut self.key);
        let known = self.shapes.get(&self.key).copied();
        let shape = known.unwrap_or_else(|| {
            let shape = self.counts.len() as u16;
            self.shapes.insert(self.key.clone(), shape);
            self.counts.push(0);
            put_shape(text, found, &mut self.heads, &mut self.pieces);
            shape
        });
        self.counts[usize::from(shape)] += 1;
        self.shape_of.push(shape);
        self.ends.push(self.variables.len() as u32);
    }

    /// Puts the rows of one shape together, in their order.
    fn sort_by_shape(&mut self) {
        let mut next = 0;
        let mut places: Vec<u32> = Vec::with_capacity(self.counts.len());
        for count in &self.counts {
            places.push(next);
            next += count;
        }
        self.by_shape.clear();
        self.by_shape.resize(self.shape_of.len(), 0);
        for (row, shape) in (0..).zip(&self.shape_of) {
            let place = &mut places[usize::from(*shape)];
            self.by_shape[*place as usize] = row;
            *place += 1;
        }
    }

    fn variables_of(&self, row: u16) -> &[Range<u32>] {
        let row = usize::from(row);
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.variables[start as usize..self.ends[row] as usize]
    }
}

/// The texts of a block, folded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoldedTexts<'t> {
    folder: &'t Folder,
    texts: &'t [&'t [u8]],
    /// Of all texts.
    pub(crate) bytes: usize,
}

impl<'t> FoldedTexts<'t> {
    /// Appends them as they are stored ([`crate::segment`]).
    pub(crate) fn write(self, raw: &mut Vec<u8>) {
        let Self { folder, texts, .. } = self;
        put_varint(raw, folder.counts.len() as u64);
        raw.extend_from_slice(&folder.heads);
        raw.extend_from_slice(&folder.pieces);
        raw.extend(folder.shape_of.iter().map(|shape| *shape as u8));
        if folder.counts.len() > 256 {
            raw.extend(folder.shape_of.iter().map(|shape| (shape >> 8) as u8));
        }
        self.for_each_variable(|_, range| put_varint(raw, range.len() as u64));
        self.for_each_variable(|row, range| put(texts[usize::from(row)], range, raw));
    }

    /// Visits the row and place of all first variables of the first shape, then of all second ones, and so on.
    fn for_each_variable(self, mut visit: impl FnMut(u16, Range<usize>)) {
        for alike in self.shapes() {
            let variables = alike
                .rows
                .first()
                .map_or(0, |row| self.folder.variables_of(*row).len());
            for place in 0..variables {
                for row in alike.rows {
                    let range = &self.folder.variables_of(*row)[place];
                    visit(*row, range.start as usize..range.end as usize);
                }
            }
        }
    }

    /// The texts of each shape.
    pub(crate) fn shapes(self) -> impl Iterator<Item = Alike<'t>> {
        let mut rest = &self.folder.by_shape[..];
        self.folder.counts.iter().map(move |count| {
            let (rows, others) = rest.split_at(*count as usize);
            rest = others;
            Alike { of: self, rows }
        })
    }
}

/// Texts of one shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alike<'t> {
    of: FoldedTexts<'t>,
    rows: &'t [u16],
}

impl<'t> Alike<'t> {
    pub(crate) fn rows(self) -> impl Iterator<Item = Row<'t>> {
        self.rows.iter().map(move |row| Row {
            place: usize::from(*row),
            text: self.of.texts[usize::from(*row)],
            variables: self.of.folder.variables_of(*row),
        })
    }
}

/// One of them, and where its variables lie: there are none if it is not ASCII.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'t> {
    /// Its place in the block.
    pub(crate) place: usize,
    pub(crate) text: &'t [u8],
    pub(crate) variables: &'t [Range<u32>],
}

fn put_shape(text: &[u8], variables: &[Range<u32>], heads: &mut Vec<u8>, pieces: &mut Vec<u8>) {
    put_varint(heads, variables.len() as u64);
    let mut at = 0;
    for variable in variables {
        let piece = &text[at..variable.start as usize];
        put_varint(heads, piece.len() as u64);
        pieces.extend_from_slice(piece);
        at = variable.end as usize;
    }
    put_varint(heads, (text.len() - at) as u64);
    pieces.extend_from_slice(&text[at..]);
}

/// Words with a digit, and what is joined to them: `42`, `10.0.0.1`, `ab12`, `2026-11-30T10:00:00`.
fn find_variables(text: &[u8], found: &mut Vec<Range<u32>>) {
    let mut at = 0;
    while let Some(digit) = next_digit(text, at) {
        let mut start = digit;
        while start > at && kind(text[start - 1]) == Kind::Word {
            start -= 1;
        }
        at = digit + 1;
        while let Some(&byte) = text.get(at) {
            match kind(byte) {
                Kind::Word => at += 1,
                Kind::Joiner if text.get(at + 1).is_some_and(|next| kind(*next) == Kind::Word) => at += 2,
                Kind::Joiner | Kind::Other => break,
            }
        }
        found.push(start as u32..at as u32);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    /// Joins words to one variable.
    Joiner,
    Other,
}

fn kind(byte: u8) -> Kind {
    const KINDS: [Kind; 256] = {
        let mut kinds = [Kind::Other; 256];
        let mut byte = 0;
        while byte < 256 {
            kinds[byte] = match byte as u8 {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => Kind::Word,
                b'.' | b':' | b'-' | b',' => Kind::Joiner,
                _ => Kind::Other,
            };
            byte += 1;
        }
        kinds
    };
    KINDS[usize::from(byte)]
}

fn next_digit(text: &[u8], from: usize) -> Option<usize> {
    /// What the processor looks at in one go.
    const AT_ONCE: usize = 16;
    let mut at = from;
    let mut chunks = text[from..].chunks_exact(AT_ONCE);
    for chunk in chunks.by_ref() {
        if chunk.iter().fold(false, |any, byte| any | byte.is_ascii_digit()) {
            break;
        }
        at += AT_ONCE;
    }
    text[at..]
        .iter()
        .position(u8::is_ascii_digit)
        .map(|place| at + place)
}
