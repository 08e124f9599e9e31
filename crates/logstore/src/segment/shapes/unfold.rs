//! Shapes and variables to texts.

use std::ops::Range;

use super::put;
use crate::columns::TextColumn;
use crate::segment::Damaged;
use crate::segment::varint::{take, take_varint};

/// Where everything of a folded block lies. Keeps its buffers between blocks.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    shapes: Vec<Shape>,
    /// Where each piece ends among the pieces of all shapes.
    piece_ends: Vec<u32>,
    /// The shape of each row.
    shape_of: Vec<u16>,
    /// Where each variable ends among all of them: all first variables of the first shape, then all second ones, and so on.
    value_ends: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    /// The number of its first piece; it has one more of them than variables.
    first_piece: u32,
    variables: u32,
    rows: u32,
    /// The number of its first value.
    first_value: u32,
}

impl Shape {
    fn pieces(&self) -> Range<usize> {
        self.first_piece as usize..self.first_piece as usize + self.variables as usize + 1
    }
}

/// Folded texts, as they are stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Folded<'a> {
    layout: &'a Layout,
    pieces: &'a [u8],
    values: &'a [u8],
    /// Of all texts.
    bytes: usize,
}

const TOO_LONG: Damaged = Damaged("shapes make another length of text than stated");

impl Layout {
    /// Reads so many folded texts of so many bytes in all.
    pub(crate) fn read<'a>(
        &'a mut self,
        rows: usize,
        bytes: usize,
        mut rest: &'a [u8],
    ) -> Result<Folded<'a>, Damaged> {
        let pieces = self.read_shapes(rows, &mut rest)?;
        self.read_rows(rows, &mut rest)?;
        self.read_values(&mut rest)?;
        let values = rest;
        if self.value_ends.last().copied().unwrap_or(0) as usize != values.len() {
            return Err(Damaged("variables have another length than stated"));
        }
        if !values.is_ascii() {
            return Err(Damaged("variable is not ASCII"));
        }
        let folded = Folded {
            layout: self,
            pieces,
            values,
            bytes,
        };
        let unfolded = (0..folded.shapes())
            .map(|shape| u64::from(folded.layout.shapes[shape].rows) * folded.piece_bytes(shape).len() as u64)
            .fold(values.len() as u64, u64::saturating_add);
        if unfolded == bytes as u64 {
            Ok(folded)
        } else {
            Err(TOO_LONG)
        }
    }

    fn read_shapes<'a>(&mut self, rows: usize, rest: &mut &'a [u8]) -> Result<&'a [u8], Damaged> {
        self.shapes.clear();
        self.piece_ends.clear();
        let shapes = take_varint(rest)?;
        if shapes > rows as u64 {
            return Err(Damaged("more shapes than rows"));
        }
        let mut end = 0_u32;
        for _ in 0..shapes {
            let variables = take_varint(rest)?;
            // Each takes a byte of what is left, at least.
            if variables >= rest.len() as u64 {
                return Err(Damaged("shape is cut off"));
            }
            self.shapes.push(Shape {
                first_piece: self.piece_ends.len() as u32,
                variables: variables as u32,
                rows: 0,
                first_value: 0,
            });
            for _ in 0..=variables {
                end = add(end, take_varint(rest)?)?;
                self.piece_ends.push(end);
            }
        }
        take(rest, end as usize)
    }

    fn read_rows(&mut self, rows: usize, rest: &mut &[u8]) -> Result<(), Damaged> {
        self.shape_of.clear();
        self.shape_of
            .extend(take(rest, rows)?.iter().map(|low| u16::from(*low)));
        if self.shapes.len() > 256 {
            for (shape, high) in self.shape_of.iter_mut().zip(take(rest, rows)?) {
                *shape |= u16::from(*high) << 8;
            }
        }
        for shape in &self.shape_of {
            let shape = self.shapes.get_mut(usize::from(*shape));
            shape.ok_or(Damaged("row has no shape"))?.rows += 1;
        }
        Ok(())
    }

    fn read_values(&mut self, rest: &mut &[u8]) -> Result<(), Damaged> {
        self.value_ends.clear();
        let mut values = 0_u64;
        for shape in &mut self.shapes {
            shape.first_value = values as u32;
            values += u64::from(shape.variables) * u64::from(shape.rows);
            if values > rest.len() as u64 {
                return Err(Damaged("variables are cut off"));
            }
        }
        self.value_ends.reserve(values as usize);
        let mut end = 0;
        for _ in 0..values {
            end = add(end, take_varint(rest)?)?;
            self.value_ends.push(end);
        }
        Ok(())
    }
}

fn add(end: u32, length: u64) -> Result<u32, Damaged> {
    u32::try_from(length)
        .ok()
        .and_then(|length| end.checked_add(length))
        .ok_or(TOO_LONG)
}

fn within(ends: &[u32], place: usize) -> Range<usize> {
    let start = place.checked_sub(1).map_or(0, |before| ends[before]);
    start as usize..ends[place] as usize
}

/// The place of the range that a byte lies in.
fn place_of(ends: &[u32], byte: usize) -> usize {
    ends.partition_point(|end| *end as usize <= byte)
}

impl<'a> Folded<'a> {
    pub(crate) fn rows(&self) -> usize {
        self.layout.shape_of.len()
    }

    /// How many shapes there are.
    pub(crate) fn shapes(&self) -> usize {
        self.layout.shapes.len()
    }

    /// How many rows have a shape.
    pub(crate) fn rows_of(&self, shape: usize) -> usize {
        self.layout.shapes[shape].rows as usize
    }

    /// The shape of a row.
    pub(crate) fn shape_of(&self, row: usize) -> usize {
        usize::from(self.layout.shape_of[row])
    }

    /// The pieces of all shapes, one after the other.
    pub(crate) fn pieces(&self) -> &'a [u8] {
        self.pieces
    }

    /// The numbers of a shape's pieces.
    pub(crate) fn pieces_of(&self, shape: usize) -> Range<usize> {
        self.layout.shapes[shape].pieces()
    }

    /// Where a piece lies in [`Folded::pieces`].
    pub(crate) fn piece(&self, number: usize) -> Range<usize> {
        within(&self.layout.piece_ends, number)
    }

    /// The shape and the number of the piece that this byte of [`Folded::pieces`] belongs to.
    pub(crate) fn piece_at(&self, byte: usize) -> (usize, usize) {
        let number = place_of(&self.layout.piece_ends, byte);
        let after = |shape: &Shape| shape.first_piece as usize <= number;
        (self.layout.shapes.partition_point(after) - 1, number)
    }

    /// All variables, one after the other.
    pub(crate) fn values(&self) -> &'a [u8] {
        self.values
    }

    /// The shape of the variable that this byte of [`Folded::values`] belongs to, its place among the rows of that shape,
    /// and where it lies.
    pub(crate) fn value_at(&self, byte: usize) -> (usize, usize, Range<usize>) {
        let number = place_of(&self.layout.value_ends, byte);
        // Of those that have no values, and so begin where the next does, the last.
        let after = |shape: &Shape| shape.first_value as usize <= number;
        let shape = self.layout.shapes.partition_point(after) - 1;
        let of = &self.layout.shapes[shape];
        let place = (number - of.first_value as usize) % of.rows.max(1) as usize;
        (shape, place, within(&self.layout.value_ends, number))
    }

    fn piece_bytes(&self, shape: usize) -> Range<usize> {
        let pieces = self.pieces_of(shape);
        self.piece(pieces.start).start..self.piece(pieces.end - 1).end
    }

    /// Appends the text of the row that has this place among those of its shape.
    pub(crate) fn unfold(&self, shape: usize, place: usize, text: &mut Vec<u8>) {
        let of = &self.layout.shapes[shape];
        let mut value = of.first_value as usize + place;
        let mut pieces = of.pieces();
        if let Some(first) = pieces.next() {
            put(self.pieces, self.piece(first), text);
        }
        for piece in pieces {
            put(self.values, within(&self.layout.value_ends, value), text);
            put(self.pieces, self.piece(piece), text);
            value += of.rows as usize;
        }
    }

    /// The place of each row among those of its shape.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut next = vec![0; self.shapes()];
        self.layout.shape_of.iter().map(move |shape| {
            let shape = usize::from(*shape);
            let place = next[shape];
            next[shape] += 1;
            (shape, place)
        })
    }

    /// Appends the texts of these rows, which rise.
    pub(crate) fn unfold_these(&self, rows: &[u32], into: &mut TextColumn) {
        let mut wanted = rows.iter().map(|row| *row as usize).peekable();
        for (row, (shape, place)) in self.places().enumerate() {
            if wanted.next_if_eq(&row).is_some() {
                into.push_with(|text| self.unfold(shape, place, text));
            } else if wanted.peek().is_none() {
                return;
            }
        }
    }

    /// Appends all texts.
    pub(crate) fn unfold_all(&self, into: &mut TextColumn) {
        into.reserve(self.rows(), self.bytes);
        for (shape, place) in self.places() {
            into.push_with(|text| self.unfold(shape, place, text));
        }
    }
}
