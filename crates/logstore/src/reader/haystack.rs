//! Looking for text in a column of a block at once, in any case. No I/O.

mod folded;
mod plain;

use std::ops::Range;

use crate::segment::Texts;
use folded::Shapes;
use plain::Plain;

/// A block's column of text, and what was derived from it once for all that is looked for.
pub(super) enum Haystack<'a> {
    Plain(Plain<'a>),
    Folded(Shapes<'a>),
}

/// What to look for: a text in lower case, and how to tell whether a row that may hold it matches.
pub(super) struct Search<'a, AtHit, Whole> {
    pub(super) needle: &'a str,
    /// Of an ASCII row in lower case, and where the needle was found in it.
    pub(super) at_hit: AtHit,
    /// Whether `at_hit` looks no further than [`NEAR`] on either side of the needle.
    pub(super) is_local: bool,
    /// Of any row, as it is.
    pub(super) whole: Whole,
}

/// As many bytes around a word tell that it is whole ([`domain::words::is_whole_word`]).
const NEAR: usize = 2;

impl<'a> Haystack<'a> {
    pub(super) fn new(texts: Texts<'a>) -> Self {
        match texts {
            Texts::Plain(texts) => Self::Plain(Plain::new(texts)),
            Texts::Folded(texts) => Self::Folded(Shapes::new(texts)),
        }
    }

    /// The rows whose text matches, rising.
    pub(super) fn rows_where(&self, matches: impl Fn(&str) -> bool) -> Vec<u32> {
        match self {
            Self::Plain(texts) => texts.rows_where(matches),
            Self::Folded(texts) => texts.rows_where(matches),
        }
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
        match self {
            Self::Plain(texts) => texts.rows_with(search),
            Self::Folded(texts) => texts.rows_with(search),
        }
    }

    /// The same for a needle of which a hit says nothing: all of the row's text, as it is, is looked at.
    pub(super) fn rows_holding(&self, needle: &str, matches: impl Fn(&str) -> bool) -> Vec<u32> {
        let rows = self.rows_with(&Search {
            needle,
            at_hit: |_: &[u8], _| true,
            is_local: true,
            whole: |_: &str| true,
        });
        match self {
            Self::Plain(texts) => texts.pick(rows.into_iter().map(|row| row as usize), matches),
            Self::Folded(texts) => texts.pick(&rows, matches),
        }
    }
}

/// Texts are written as UTF-8; one that is not is damage that the checksum let through, and empty.
fn as_text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use domain::words::{is_whole_word, is_word_start};
    use proptest::prelude::*;

    use super::*;
    use crate::columns::Columns;
    use crate::segment::{Column, Decoder, Encoded, Encoder, Ids, Index};

    fn encoded(texts: &[String]) -> (Columns, Encoded) {
        let mut columns = Columns::default();
        for text in texts {
            columns.ts.push(0);
            columns.level.push(2);
            columns.message.push(text.as_bytes());
            for none in [&mut columns.meta, &mut columns.trace_id, &mut columns.request_id] {
                none.push(b"");
            }
        }
        let segment = Encoder::with_filters()
            .unwrap()
            .encode(&columns, Ids::From(1))
            .unwrap();
        (columns, segment)
    }

    fn messages<'a>(decoder: &'a mut Decoder, segment: &'a Encoded) -> Texts<'a> {
        let block = &Index::parse(&segment.index).unwrap().blocks[0];
        let stored = &segment.columns[Column::Message as usize][block.range(Column::Message)];
        decoder.view(block, Column::Message, stored).unwrap()
    }

    /// Two shapes, with what may stand next to an edge on both sides of it.
    fn rows() -> impl Strategy<Value = Vec<String>> {
        let piece = || "[ab .']{0,3}";
        let shapes = prop::collection::vec((piece(), piece(), piece()), 1..3);
        let variable = || "[ab]{0,2}[01]([ab01]|\\.[ab01])?";
        let rows = prop::collection::vec((0..2_usize, variable(), variable()), 1..8);
        (shapes, rows).prop_map(|(shapes, rows)| {
            let text = |(shape, first, second)| {
                let (start, middle, end): &(String, String, String) = &shapes[shape % shapes.len()];
                format!("{start}{first}{middle}{second}{end}")
            };
            rows.into_iter().map(text).collect()
        })
    }

    fn found(texts: Texts<'_>, needle: &str, how: usize) -> Vec<u32> {
        let near = |text: &[u8], hit: Range<usize>| match how {
            0 => true,
            1 => is_whole_word(text, hit),
            2 => is_word_start(text, hit.start),
            _ => text.len().is_multiple_of(2),
        };
        let search = Search {
            needle,
            at_hit: near,
            is_local: how < 3,
            whole: |text: &str| text.len().is_multiple_of(3),
        };
        match how {
            4 => Haystack::new(texts).rows_holding(needle, search.whole),
            5 => Haystack::new(texts).rows_where(search.whole),
            _ => Haystack::new(texts).rows_with(&search),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn what_is_found_does_not_depend_on_folding(
            rows in rows(),
            other in prop_oneof![9 => Just(None), 1 => "[a\u{e9}K1 ]{0,4}".prop_map(Some)],
            needle in "[ab01 .']{1,4}|\u{e9}",
            how in 0..6_usize,
        ) {
            // Often enough that it is worth folding them.
            let texts: Vec<String> = std::iter::repeat_n(&rows, 8).flatten().chain(&other).cloned().collect();
            let (columns, segment) = encoded(&texts);
            let mut decoder = Decoder::new().unwrap();
            let folded = messages(&mut decoder, &segment);
            let plain = Texts::Plain(columns.message.view());
            prop_assert_eq!(found(folded, &needle, how), found(plain, &needle, how));
        }
    }

    #[test]
    fn what_is_looked_for_across_the_edges_of_variables_is_found() {
        let rows: Vec<String> = (0..40)
            .map(|row| format!("took {row}ms, id=a{row} of {}", row % 2))
            .collect();
        let (_, segment) = encoded(&rows);
        let mut decoder = Decoder::new().unwrap();
        let folded = messages(&mut decoder, &segment);
        assert!(matches!(folded, Texts::Folded(_)));
        for needle in [
            "took",
            "ok 12m",
            "7ms, id=a7 of",
            "=a3",
            " of 1",
            "s, id=",
            "ms, id=a39 of 1",
        ] {
            let expected: Vec<u32> = (0..)
                .zip(&rows)
                .filter(|(_, text)| text.contains(needle))
                .map(|(row, _)| row)
                .collect();
            assert!(!expected.is_empty());
            assert_eq!(found(folded, needle, 0), expected, "{needle}");
        }
    }
}
