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
        let mut missing: Vec<&str> = self.0.iter().map(String::as_str).collect();
        for word in words(message) {
            missing.retain(|wanted| *wanted != word);
            if missing.is_empty() {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
