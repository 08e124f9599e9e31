//! Looking for text in a column of a block at once, in any case. No I/O.

use std::cell::OnceCell;
use std::ops::Range;

use memchr::memmem::Finder;

use crate::columns::TextView;

/// A block's column of text, and what was derived from it once for all that is looked for.
pub(super) struct Haystack<'a> {
    texts: TextView<'a>,
    is_ascii: bool,
    /// Its ASCII letters in lower case, so of the same layout.
    lower: OnceCell<Vec<u8>>,
}

/// What to look for: a text in lower case, and how to tell whether a row that may hold it matches.
pub(super) struct Search<'a, AtHit, Whole> {
    pub(super) needle: &'a str,
    /// Of an ASCII row in lower case, and where the needle was found in it.
    pub(super) at_hit: AtHit,
    /// Of any row, as it is.
    pub(super) whole: Whole,
}

impl<'a> Haystack<'a> {
    pub(super) fn new(texts: TextView<'a>) -> Self {
        Self {
            texts,
            is_ascii: texts.bytes().is_ascii(),
            lower: OnceCell::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The text of a row. Texts are written as UTF-8; one that is not is damage that the checksum let through, and empty.
    pub(super) fn text(&self, row: usize) -> &'a str {
        std::str::from_utf8(self.texts.get(row)).unwrap_or_default()
    }

    /// The rows whose text matches, rising.
    pub(super) fn rows_where(&self, matches: impl Fn(&str) -> bool) -> Vec<u32> {
        self.pick(0..self.len(), matches)
    }

    /// The same for text that every match holds: rows without it are passed over in one go. Only ASCII rows can be: of
    /// other letters, lower case may be of another length, or ASCII where upper case was not (the Kelvin sign).
    pub(super) fn rows_with<AtHit, Whole>(&self, search: &Search<'_, AtHit, Whole>) -> Vec<u32>
    where
        AtHit: Fn(&[u8], Range<usize>) -> bool,
        Whole: Fn(&str) -> bool,
    {
        if search.needle.is_empty() {
            return self.rows_where(&search.whole);
        }
        let mut rows = Vec::new();
        if search.needle.is_ascii() {
            self.hits(search.needle.as_bytes(), &search.at_hit, &mut rows);
        }
        if !self.is_ascii {
            let others = (0..self.len()).filter(|row| !self.texts.get(*row).is_ascii());
            rows.extend(self.pick(others, &search.whole));
            rows.sort_unstable();
        }
        rows
    }

    /// The same for a needle of which a hit says nothing: all of the row's text, as it is, is looked at.
    pub(super) fn rows_holding(&self, needle: &str, matches: impl Fn(&str) -> bool) -> Vec<u32> {
        let rows = self.rows_with(&Search {
            needle,
            at_hit: |_: &[u8], _| true,
            whole: |_: &str| true,
        });
        self.pick(rows.into_iter().map(|row| row as usize), matches)
    }

    fn pick(&self, rows: impl Iterator<Item = usize>, matches: impl Fn(&str) -> bool) -> Vec<u32> {
        rows.filter(|row| matches(self.text(*row)))
            .map(|row| row as u32)
            .collect()
    }

    /// ASCII rows in which the needle is found where it should be.
    fn hits(&self, needle: &[u8], at_hit: impl Fn(&[u8], Range<usize>) -> bool, rows: &mut Vec<u32>) {
        let lower = self.lower.get_or_init(|| self.texts.bytes().to_ascii_lowercase());
        let finder = Finder::new(needle);
        let (mut at, mut row) = (0, 0);
        while let Some(found) = lower.get(at..).and_then(|rest| finder.find(rest)) {
            let hit = at + found..at + found + needle.len();
            while self.texts.range(row).end <= hit.start {
                row += 1;
            }
            let range = self.texts.range(row);
            let text = lower.get(range.clone()).unwrap_or_default();
            // What begins in one row and ends in the next is no match of either.
            let is_within = hit.end <= range.end;
            let is_other = !self.is_ascii && !text.is_ascii();
            if is_within && !is_other && at_hit(text, hit.start - range.start..hit.end - range.start) {
                rows.push(row as u32);
            } else if is_within && !is_other {
                at = hit.start + 1;
                continue;
            }
            at = range.end;
        }
    }
}
