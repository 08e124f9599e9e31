//! Words: the unit of full-text search.
//!
//! A word is what Unicode segmentation (UAX #29) says it is, lower-cased. `GET /cart?id=42` has the words `get`,
//! `cart`, `id`, `42`; `Überlauf` matches `überlauf`.

use unicode_segmentation::UnicodeSegmentation;

/// The words of a text, in order, lower-cased.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.unicode_words().map(str::to_lowercase)
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

    /// Whether the message holds all the words.
    pub fn matches(&self, message: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        if message.is_ascii() && !self.may_be_in_ascii(message) {
            return false;
        }
        let mut missing: Vec<&str> = self.0.iter().map(String::as_str).collect();
        for word in words(message) {
            missing.retain(|wanted| *wanted != word);
            if missing.is_empty() {
                return true;
            }
        }
        false
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
