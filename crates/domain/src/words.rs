//! Words: the unit of full-text search.
//!
//! A word is what Unicode segmentation (UAX #29) says it is, lower-cased. `GET /cart?id=42` has the words `get`,
//! `cart`, `id`, `42`; `Überlauf` matches `überlauf`.

use std::ops::{ControlFlow, Range};

use unicode_segmentation::UnicodeSegmentation;

/// The words of a text, in order, lower-cased.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.unicode_words().map(str::to_lowercase)
}

/// Calls `visit` with each word of the text, lower-cased. Bytes that are not UTF-8 are read as U+FFFD.
pub fn for_each_word(text: &[u8], mut visit: impl FnMut(&[u8])) {
    // Nothing breaks it off.
    let _ = try_for_each_word(text, |word| {
        visit(word);
        ControlFlow::Continue(())
    });
}

/// The same until `visit` breaks it off; says whether it did.
fn try_for_each_word(text: &[u8], mut visit: impl FnMut(&[u8]) -> ControlFlow<()>) -> ControlFlow<()> {
    if text.is_ascii() {
        return ascii_words(text, &mut visit);
    }
    for word in String::from_utf8_lossy(text).unicode_words() {
        visit(word.to_lowercase().as_bytes())?;
    }
    ControlFlow::Continue(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    /// `_`: joins letters and digits.
    Joiner,
    /// `.` and `'`: join two letters or two digits.
    MidBoth,
    /// `:`: joins two letters.
    MidLetter,
    /// `,` and `;`: join two digits.
    MidDigit,
    Other,
}

const CLASSES: [Class; 128] = {
    let mut classes = [Class::Other; 128];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'_' => Class::Joiner,
            b'.' | b'\'' => Class::MidBoth,
            b':' => Class::MidLetter,
            b',' | b';' => Class::MidDigit,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte & 127)]
}

fn ascii_words(text: &[u8], visit: &mut impl FnMut(&[u8]) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut lower = [0_u8; 64];
    let mut at = 0;
    while at < text.len() {
        if !matches!(class(text[at]), Class::Letter | Class::Digit | Class::Joiner) {
            at += 1;
            continue;
        }
        let start = at;
        let mut has_alphanumeric = false;
        while at < text.len() {
            match class(text[at]) {
                Class::Letter | Class::Digit => has_alphanumeric = true,
                Class::Joiner => {}
                mid => {
                    if !joins(
                        mid,
                        class(text[at - 1]),
                        text.get(at + 1).map(|&next| class(next)),
                    ) {
                        break;
                    }
                }
            }
            at += 1;
        }
        if !has_alphanumeric {
            continue;
        }
        let word = &text[start..at];
        if let Some(lower) = lower.get_mut(..word.len()) {
            lower.copy_from_slice(word);
            lower.make_ascii_lowercase();
            visit(lower)?;
        } else {
            visit(&word.to_ascii_lowercase())?;
        }
    }
    ControlFlow::Continue(())
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
    match next.map(class_of) {
        None => false,
        Some(Class::Letter | Class::Digit | Class::Joiner) => true,
        Some(mid) => edge.is_some_and(|edge| joins(mid, class(*edge), beyond.map(class_of))),
    }
}

fn joins(mid: Class, before: Class, after: Option<Class>) -> bool {
    let letters = before == Class::Letter && after == Some(Class::Letter);
    let digits = before == Class::Digit && after == Some(Class::Digit);
    match mid {
        Class::MidBoth => letters || digits,
        Class::MidLetter => letters,
        Class::MidDigit => digits,
        Class::Letter | Class::Digit | Class::Joiner | Class::Other => false,
    }
}

/// A search for lines that hold every one of some words, in any order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct WordQuery(Vec<String>);

impl WordQuery {
    /// Takes free text as typed; an empty text matches everything.
    pub fn parse(text: &str) -> Self {
        let mut wanted: Vec<String> = words(text).collect();
        wanted.sort_unstable();
        wanted.dedup();
        Self(wanted)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words, lower-cased, each once.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Whether the message holds all the words.
    pub fn matches(&self, message: &str) -> bool {
        (!message.is_ascii() || self.may_be_in_ascii(message)) && self.matches_likely(message)
    }

    /// The same, for a message that likely does: without ruling it out in a cheaper way first.
    pub fn matches_likely(&self, message: &str) -> bool {
        let found = |done: bool| {
            if done {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let outcome = match self.0.as_slice() {
            [] => ControlFlow::Break(()),
            [only] => try_for_each_word(message.as_bytes(), |word| found(word == only.as_bytes())),
            several => {
                let mut missing: Vec<&[u8]> = several.iter().map(String::as_bytes).collect();
                try_for_each_word(message.as_bytes(), |word| {
                    missing.retain(|wanted| *wanted != word);
                    found(missing.is_empty())
                })
            }
        };
        outcome.is_break()
    }

    /// Whether each word occurs anywhere in an ASCII text: cheap, and rules out most lines of a search for a rare word.
    /// (In other texts a lower-cased word need not occur as it is: the Kelvin sign becomes a k.)
    fn may_be_in_ascii(&self, message: &str) -> bool {
        let lower = message.to_ascii_lowercase();
        self.0.iter().all(|word| lower.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn visited(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for_each_word(text.as_bytes(), |word| {
            found.push(String::from_utf8_lossy(word).into_owned());
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

    proptest! {
        #[test]
        fn the_shortcut_for_ascii_changes_no_answer(
            message in "[ a-zA-Z0-9._'/=-]{0,40}",
            query in "[a-zA-Z0-9._']{0,4} ?[a-zA-Z0-9._']{0,4}",
        ) {
            let found: std::collections::HashSet<String> = words(&message).collect();
            let expected = words(&query).all(|word| found.contains(&word));
            prop_assert_eq!(WordQuery::parse(&query).matches(&message), expected);
        }
    }

    #[test]
    fn a_letter_that_is_ascii_only_in_lower_case_is_found() {
        assert!(WordQuery::parse("k").matches("273 \u{212A}"));
    }

    #[rstest::rstest]
    #[case("", "anything", true)]
    #[case("timeout", "Connection TIMEOUT after 30s", true)]
    #[case("after timeout", "Connection timeout after 30s", true)]
    #[case("time", "Connection timeout", false)]
    #[case("ÜBERLAUF", "ein überlauf", true)]
    #[case("cart 42", "GET /cart?id=42", true)]
    #[case("cart 43", "GET /cart?id=42", false)]
    fn all_words_must_be_there_as_whole_words(
        #[case] query: &str,
        #[case] message: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(WordQuery::parse(query).matches(message), expected);
    }
}
