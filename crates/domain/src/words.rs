//! Words: the unit of full-text search.
//!
//! A word is what Unicode segmentation (UAX #29) says it is, lower-cased. `GET /cart?id=42` has the words `get`,
//! `cart`, `id`, `42`; `Überlauf` matches `überlauf`.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The words of a text, in order, lower-cased.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.unicode_words().map(str::to_lowercase)
}

/// A word, and where it stands.
#[derive(Clone, Debug)]
pub struct Word<'t> {
    /// The whole text. Bytes that are not UTF-8 are U+FFFD here.
    pub text: &'t [u8],
    pub at: Range<usize>,
    /// The word, lower-cased.
    pub lower: &'t [u8],
    pub has_digit: bool,
}

/// Calls `visit` with each word of the text. Bytes that are not UTF-8 are read as U+FFFD.
pub fn for_each_word(text: &[u8], mut visit: impl FnMut(&Word<'_>)) {
    if text.is_ascii() {
        ascii_words(text, &mut visit);
        return;
    }
    let text = String::from_utf8_lossy(text);
    for (start, word) in text.unicode_word_indices() {
        visit(&Word {
            text: text.as_bytes(),
            at: start..start + word.len(),
            lower: word.to_lowercase().as_bytes(),
            has_digit: word.chars().any(char::is_numeric),
        });
    }
}

/// The hash of a word that is in lower case. Word filters and ids of templates are made of it: it never changes.
#[inline]
pub fn hash(lower: &[u8]) -> u64 {
    const SEED: u64 = 1;
    xxh3_64_with_seed(lower, SEED)
}

/// Words that every text has which holds this one, in any case, whatever stands around it: those between two signs that end
/// words everywhere. `"id=42 failed"` has `42`; `id` may be the end of `paid`, and `failed` the beginning of `failed2`.
pub fn certain_words(text: &str) -> Vec<String> {
    let pieces: Vec<&[u8]> = text.as_bytes().split(|byte| ends_words(*byte)).collect();
    let [_, within @ .., _] = &pieces[..] else {
        return Vec::new();
    };
    let mut words = Vec::new();
    // Of other letters, how case and words go may depend on what is beyond them.
    for piece in within.iter().filter(|piece| piece.is_ascii()) {
        for_each_word(piece, |word| {
            words.push(String::from_utf8_lossy(word.lower).into_owned());
        });
    }
    words
}

/// Whether this byte ends a word whatever stands around it.
pub(crate) fn ends_words(byte: u8) -> bool {
    byte.is_ascii() && class(byte) == class::OTHER
}

/// What a byte does to words, a bit each.
mod class {
    pub(super) const OTHER: u8 = 0;
    pub(super) const LETTER: u8 = 1;
    pub(super) const DIGIT: u8 = 1 << 1;
    /// `_`: joins letters and digits.
    pub(super) const JOINER: u8 = 1 << 2;
    /// `.`, `'` and `:` join two letters.
    pub(super) const MID_LETTER: u8 = 1 << 3;
    /// `.`, `'`, `,` and `;` join two digits.
    pub(super) const MID_DIGIT: u8 = 1 << 4;
    /// What words are made of.
    pub(super) const WORD: u8 = LETTER | DIGIT | JOINER;
}

const CLASSES: [u8; 128] = {
    let mut classes = [class::OTHER; 128];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => class::LETTER,
            b'0'..=b'9' => class::DIGIT,
            b'_' => class::JOINER,
            b'.' | b'\'' => class::MID_LETTER | class::MID_DIGIT,
            b':' => class::MID_LETTER,
            b',' | b';' => class::MID_DIGIT,
            _ => class::OTHER,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte & 127)]
}

fn ascii_words(text: &[u8], visit: &mut impl FnMut(&Word<'_>)) {
    // Most messages fit; lower-casing them whole costs half of what it costs word by word.
    let mut short = [0_u8; 512];
    let long;
    let lower = if let Some(lower) = short.get_mut(..text.len()) {
        lower.copy_from_slice(text);
        lower.make_ascii_lowercase();
        &*lower
    } else {
        long = text.to_ascii_lowercase();
        &long
    };
    let mut at = 0;
    while at < lower.len() {
        if class(lower[at]) & class::WORD == 0 {
            at += 1;
            continue;
        }
        let start = at;
        let mut seen = 0;
        let end = loop {
            let Some(next) = lower.get(at).map(|byte| class(*byte)) else {
                break at;
            };
            if next & class::WORD == 0
                && !joins(
                    next,
                    class(lower[at - 1]),
                    lower.get(at + 1).map(|byte| class(*byte)),
                )
            {
                break at;
            }
            seen |= next;
            at += 1;
        };
        if seen & (class::LETTER | class::DIGIT) == 0 {
            continue;
        }
        visit(&Word {
            text,
            at: start..end,
            lower: &lower[start..end],
            has_digit: seen & class::DIGIT != 0,
        });
    }
}

/// Whether the bytes of this range are a whole word of an ASCII text, given that they are the bytes of a word. Looks only at
/// what stands around them.
pub fn is_whole_word(text: &[u8], range: Range<usize>) -> bool {
    let after = is_joined(
        text.get(range.end),
        text.get(range.end.saturating_add(1)),
        range.end.checked_sub(1).and_then(|at| text.get(at)),
    );
    !after && is_word_start(text, range.start)
}

/// The same for the beginning of a word.
pub fn is_word_start(text: &[u8], at: usize) -> bool {
    let before = |steps: usize| at.checked_sub(steps).and_then(|at| text.get(at));
    !is_joined(before(1), before(2), text.get(at))
}

/// Whether what is next to the edge of a word, and what is beyond that, belongs to the same word.
fn is_joined(next: Option<&u8>, beyond: Option<&u8>, edge: Option<&u8>) -> bool {
    let class_of = |byte: &u8| class(*byte);
    let Some(next) = next.map(class_of) else {
        return false;
    };
    next & class::WORD != 0 || edge.is_some_and(|edge| joins(next, class(*edge), beyond.map(class_of)))
}

/// Whether a byte of this class, which is not one that words are made of, joins what stands before and after it.
fn joins(mid: u8, before: u8, after: Option<u8>) -> bool {
    let both = before & after.unwrap_or(class::OTHER);
    (mid & class::MID_LETTER != 0 && both & class::LETTER != 0)
        || (mid & class::MID_DIGIT != 0 && both & class::DIGIT != 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn has_other_digit(word: &Word<'_>) -> bool {
        let text = String::from_utf8_lossy(&word.text[word.at.clone()]);
        text.chars().any(|sign| !sign.is_ascii() && sign.is_numeric())
    }

    fn visited(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for_each_word(text.as_bytes(), |word| {
            assert_eq!(
                word.has_digit,
                word.lower.iter().any(u8::is_ascii_digit) || has_other_digit(word)
            );
            found.push(String::from_utf8_lossy(word.lower).into_owned());
        });
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn the_visitor_finds_the_words_that_unicode_says(
            text in prop_oneof!["[a-c0-2_.':,; \"/=\r\n-]{0,24}", "[\\x00-\\x7F]{0,40}", "\\PC{0,20}"],
        ) {
            prop_assert_eq!(visited(&text), words(&text).collect::<Vec<_>>());
        }
    }

    #[test]
    fn words_between_signs_are_certain() {
        assert_eq!(certain_words("id=42 failed"), ["42"]);
        assert_eq!(
            certain_words(" Card.Declined at 10:30 "),
            ["card.declined", "at", "10", "30"]
        );
        for text in ["", "word", "two words", "a.b_c:d"] {
            assert_eq!(certain_words(text), [] as [&str; 0], "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn certain_words_are_there_whatever_stands_around(
            text in prop_oneof!["[a-cK0-2_.':,; \"/=\r\n\u{e9}\u{301}\u{5d0}\u{130}-]{0,16}", "\\PC{0,12}"],
            before in prop_oneof!["[a-c0-2_.':,; \"=\r\u{e9}\u{301}\u{5d0}\u{200d}\u{1f1e6}]{0,4}", "\\PC{0,4}"],
            after in prop_oneof!["[a-c0-2_.':,; \"=\r\u{e9}\u{301}\u{5d0}\u{200d}\u{1f1e6}]{0,4}", "\\PC{0,4}"],
        ) {
            let whole: Vec<String> = words(&format!("{before}{text}{after}")).collect();
            for word in certain_words(&text) {
                prop_assert!(whole.contains(&word), "{word:?} of {text:?} is not in {whole:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn a_word_is_told_by_what_stands_around_it(
            text in "[a-c0-2_.':,; \"/=\r\n-]{0,24}",
            wanted in "[a-c0-2_]{1,2}([.':,][a-c0-2]{1,2})?",
        ) {
            let Some(word) = words(&wanted).next() else { return Ok(()) };
            let found = (0..text.len()).any(|at| {
                text[at..].starts_with(&word) && is_whole_word(text.as_bytes(), at..at + word.len())
            });
            prop_assert_eq!(found, words(&text).any(|other| other == word));
            let begins = (0..text.len())
                .any(|at| text[at..].starts_with(&word) && is_word_start(text.as_bytes(), at));
            prop_assert_eq!(begins, words(&text).any(|other| other.starts_with(&word)));
        }
    }
}
