//! Looking in folded texts. Most rows are decided by their shape, once for all that have it; only where a needle may lie across
//! a variable's edge, or was found in one, are texts put together.

use std::cell::OnceCell;
use std::ops::Range;

use memchr::memmem::Finder;

use super::{NEAR, Search, as_text};
use crate::segment::Folded;

/// Folded texts, and what was derived from them once for all that is looked for.
pub(in crate::reader) struct Shapes<'a> {
    texts: Folded<'a>,
    rows: OnceCell<RowsOfShapes>,
    /// ASCII letters in lower case, so of the same layout.
    lower_pieces: OnceCell<Vec<u8>>,
    lower_values: OnceCell<Vec<u8>>,
}

/// The rows of each shape, rising.
struct RowsOfShapes {
    rows: Vec<u32>,
    /// Where those of each shape end.
    ends: Vec<usize>,
}

/// What is known of the rows of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Those match in which the needle is found within a variable.
    InVariables,
    /// Each has to be looked at.
    Each,
    /// All match.
    All,
}

impl RowsOfShapes {
    fn of(texts: &Folded<'_>) -> Self {
        let mut ends: Vec<usize> = (0..texts.shapes()).map(|shape| texts.rows_of(shape)).collect();
        let mut next = 0;
        for end in &mut ends {
            next += std::mem::replace(end, next);
        }
        let mut rows = vec![0; texts.rows()];
        // What begins as each shape's start is its end when all its rows are placed.
        for row in 0..texts.rows() {
            let place = &mut ends[texts.shape_of(row)];
            rows[*place] = row as u32;
            *place += 1;
        }
        Self { rows, ends }
    }
}

impl<'a> Shapes<'a> {
    pub(super) fn new(texts: Folded<'a>) -> Self {
        Self {
            texts,
            rows: OnceCell::new(),
            lower_pieces: OnceCell::new(),
            lower_values: OnceCell::new(),
        }
    }

    pub(super) fn rows_where(&self, matches: impl Fn(&str) -> bool) -> Vec<u32> {
        let mut text = Vec::new();
        let mut rows = Vec::new();
        for (row, (shape, place)) in (0..).zip(self.texts.places()) {
            if matches(self.text(shape, place, &mut text)) {
                rows.push(row);
            }
        }
        rows
    }

    /// Of these rows, which rise, those whose text matches.
    pub(super) fn pick(&self, rows: &[u32], matches: impl Fn(&str) -> bool) -> Vec<u32> {
        let mut text = Vec::new();
        let is_match = |row: &u32| {
            let shape = self.texts.shape_of(*row as usize);
            let place = self.rows_of(shape).partition_point(|other| other < row);
            matches(self.text(shape, place, &mut text))
        };
        rows.iter().copied().filter(is_match).collect()
    }

    pub(super) fn rows_with<AtHit, Whole>(&self, search: &Search<'_, AtHit, Whole>) -> Vec<u32>
    where
        AtHit: Fn(&[u8], Range<usize>) -> bool,
        Whole: Fn(&str) -> bool,
    {
        let verdicts = self.verdicts(search);
        let mut text = Vec::new();
        let mut lower = Vec::new();
        let finder = Finder::new(search.needle.as_bytes());
        let mut is_match = |shape: usize, place: usize| {
            let text = self.text(shape, place, &mut text);
            if !text.is_ascii() {
                return (search.whole)(text);
            }
            lower.clear();
            lower.extend_from_slice(text.as_bytes());
            lower.make_ascii_lowercase();
            let mut hits = Hits::new(&finder, &lower);
            std::iter::from_fn(|| hits.next()).any(|hit| (search.at_hit)(&lower, hit))
        };
        let mut rows = Vec::new();
        for (shape, verdict) in verdicts.iter().enumerate() {
            match verdict {
                Verdict::InVariables => {}
                Verdict::All => rows.extend(self.rows_of(shape)),
                Verdict::Each => rows.extend(
                    (0..)
                        .zip(self.rows_of(shape))
                        .filter(|(place, _)| is_match(shape, *place))
                        .map(|(_, row)| row),
                ),
            }
        }
        for (shape, place) in self.in_variables(&finder) {
            if verdicts[shape] == Verdict::InVariables && is_match(shape, place) {
                rows.push(self.rows_of(shape)[place]);
            }
        }
        rows.sort_unstable();
        rows.dedup(); // found in two variables of a row
        rows
    }

    fn verdicts<AtHit, Whole>(&self, search: &Search<'_, AtHit, Whole>) -> Vec<Verdict>
    where
        AtHit: Fn(&[u8], Range<usize>) -> bool,
    {
        let needle = search.needle.as_bytes();
        let mut verdicts = vec![Verdict::InVariables; self.texts.shapes()];
        if needle.is_ascii() {
            self.look_in_pieces(search, &mut verdicts);
        }
        let edges = Edges::new(needle);
        let all_ascii = self.texts.pieces().is_ascii();
        for (shape, verdict) in verdicts.iter_mut().enumerate() {
            if *verdict != Verdict::InVariables && all_ascii {
                continue;
            }
            let pieces = self.texts.pieces_of(shape);
            let of_original = |piece: usize| &self.texts.pieces()[self.texts.piece(piece)];
            if !all_ascii && !pieces.clone().all(|piece| of_original(piece).is_ascii()) {
                *verdict = Verdict::Each;
            } else if *verdict == Verdict::InVariables && needle.is_ascii() {
                let of_lower = |piece: usize| &self.lower_pieces()[self.texts.piece(piece)];
                if edges.may_cross(pieces, of_lower) {
                    *verdict = Verdict::Each;
                }
            }
        }
        verdicts
    }

    /// Looks for the needle within the pieces.
    fn look_in_pieces<AtHit, Whole>(&self, search: &Search<'_, AtHit, Whole>, verdicts: &mut [Verdict])
    where
        AtHit: Fn(&[u8], Range<usize>) -> bool,
    {
        let finder = Finder::new(search.needle.as_bytes());
        let lower = self.lower_pieces();
        let mut hits = Hits::new(&finder, lower);
        while let Some(hit) = hits.next() {
            let (shape, piece) = self.texts.piece_at(hit.start);
            let place = self.texts.piece(piece);
            if hit.end > place.end {
                continue;
            }
            let pieces = self.texts.pieces_of(shape);
            // What stands around it is the same in all rows.
            let is_same = (piece == pieces.start || hit.start - place.start >= NEAR)
                && (piece + 1 == pieces.end || place.end - hit.end >= NEAR);
            if !(search.is_local && is_same) {
                verdicts[shape] = Verdict::Each;
            } else if (search.at_hit)(
                &lower[place.clone()],
                hit.start - place.start..hit.end - place.start,
            ) {
                verdicts[shape] = Verdict::All;
                hits.skip_to(self.texts.piece(pieces.end - 1).end);
            }
        }
    }

    /// The shape of each variable that holds the needle, and its row's place among those of the shape.
    fn in_variables(&self, finder: &Finder<'_>) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let mut hits = Hits::new(finder, self.lower_values());
        while let Some(hit) = hits.next() {
            let (shape, place, value) = self.texts.value_at(hit.start);
            if hit.end <= value.end {
                found.push((shape, place));
                hits.skip_to(value.end);
            }
        }
        found
    }

    fn text<'t>(&self, shape: usize, place: usize, buffer: &'t mut Vec<u8>) -> &'t str {
        buffer.clear();
        self.texts.unfold(shape, place, buffer);
        as_text(buffer)
    }

    /// The rows of a shape, rising.
    fn rows_of(&self, shape: usize) -> &[u32] {
        let RowsOfShapes { rows, ends } = self.rows.get_or_init(|| RowsOfShapes::of(&self.texts));
        let start = shape.checked_sub(1).map_or(0, |before| ends[before]);
        &rows[start..ends[shape]]
    }

    fn lower_pieces(&self) -> &[u8] {
        self.lower_pieces
            .get_or_init(|| self.texts.pieces().to_ascii_lowercase())
    }

    fn lower_values(&self) -> &[u8] {
        self.lower_values
            .get_or_init(|| self.texts.values().to_ascii_lowercase())
    }
}

/// Where a needle is found, also where hits overlap.
struct Hits<'a> {
    finder: &'a Finder<'a>,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Hits<'a> {
    fn new(finder: &'a Finder<'_>, bytes: &'a [u8]) -> Self {
        Self { finder, bytes, at: 0 }
    }

    fn next(&mut self) -> Option<Range<usize>> {
        let found = self.finder.find(self.bytes.get(self.at..)?)? + self.at;
        self.at = found + 1;
        Some(found..found + self.finder.needle().len())
    }

    fn skip_to(&mut self, at: usize) {
        self.at = at;
    }
}

/// Tells whether a needle may lie across the edge between a piece and a variable, of which anything is possible.
struct Edges<'a> {
    needle: &'a [u8],
    /// The bytes that a piece may begin with if the needle began before it.
    later: [bool; 256],
    /// Those that it may end with if the needle goes on after it.
    earlier: [bool; 256],
}

impl<'a> Edges<'a> {
    fn new(needle: &'a [u8]) -> Self {
        let of = |bytes: &[u8]| {
            let mut set = [false; 256];
            for byte in bytes {
                set[usize::from(*byte)] = true;
            }
            set
        };
        Self {
            needle,
            later: of(needle.get(1..).unwrap_or_default()),
            earlier: of(needle.split_last().map_or(&[], |(_, rest)| rest)),
        }
    }

    /// Whether it may cross an edge of a shape of these pieces.
    fn may_cross<'p>(&self, pieces: Range<usize>, piece: impl Fn(usize) -> &'p [u8]) -> bool {
        let last = pieces.end - 1;
        let goes_out = pieces.start..last;
        let comes_in = pieces.start + 1..pieces.end;
        goes_out.into_iter().any(|number| self.may_go_out(piece(number)))
            || comes_in
                .into_iter()
                .any(|number| self.may_come_in(piece(number), number == last))
    }

    /// Whether it may begin within the piece and go on in the variable after it.
    fn may_go_out(&self, piece: &[u8]) -> bool {
        piece.last().is_some_and(|last| self.earlier[usize::from(*last)])
            && (1..self.needle.len()).any(|length| piece.ends_with(&self.needle[..length]))
    }

    /// Whether it may begin in the variable before the piece.
    fn may_come_in(&self, piece: &[u8], is_last: bool) -> bool {
        let Some(first) = piece.first() else {
            return !is_last;
        };
        let fits = |start: usize| {
            let rest = &self.needle[start..];
            piece.starts_with(rest) || (!is_last && rest.starts_with(piece))
        };
        self.later[usize::from(*first)] && (1..self.needle.len()).any(fits)
    }
}
