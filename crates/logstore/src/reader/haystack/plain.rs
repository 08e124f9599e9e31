//! Looking in texts that lie one after the other.

use std::cell::OnceCell;
use std::ops::Range;

use memchr::memmem::Finder;

use super::{Search, as_text};
use crate::columns::TextView;

/// Texts, and what was derived from them once for all that is looked for.
pub(in crate::reader) struct Plain<'a> {
    texts: TextView<'a>,
    is_ascii: bool,
    /// Its ASCII letters in lower case, so of the same layout.
    lower: OnceCell<Vec<u8>>,
}

impl<'a> Plain<'a> {
    pub(super) fn new(texts: TextView<'a>) -> Self {
        Self {
            texts,
            is_ascii: texts.bytes().is_ascii(),
            lower: OnceCell::new(),
        }
    }

    pub(super) fn rows_where(&self, matches: impl Fn(&str) -> bool) -> Vec<u32> {
        self.pick(0..self.texts.len(), matches)
    }

    pub(super) fn rows_with<AtHit, Whole>(&self, search: &Search<'_, AtHit, Whole>) -> Vec<u32>
    where
        AtHit: Fn(&[u8], Range<usize>) -> bool,
        Whole: Fn(&str) -> bool,
    {
        let mut rows = Vec::new();
        if search.needle.is_ascii() {
            self.hits(search.needle.as_bytes(), &search.at_hit, &mut rows);
        }
        if !self.is_ascii {
            let others = (0..self.texts.len()).filter(|row| !self.texts.get(*row).is_ascii());
            rows.extend(self.pick(others, &search.whole));
            rows.sort_unstable();
        }
        rows
    }

    /// Of these rows those whose text matches.
    pub(super) fn pick(&self, rows: impl Iterator<Item = usize>, matches: impl Fn(&str) -> bool) -> Vec<u32> {
        rows.filter(|row| matches(as_text(self.texts.get(*row))))
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
