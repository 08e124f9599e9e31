//! Texts of the tree that hold to a rule.

use crate::words::words;

/// A text with at least one word in it. Two are equal if they are written the same.
#[derive(Clone, Debug)]
pub struct Phrase {
    text: String,
    words: Vec<String>,
}

impl Phrase {
    /// None if the text has no word.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let words: Vec<String> = words(&text).collect();
        (!words.is_empty()).then_some(Self { text, words })
    }

    /// As it was written, without quotes and escapes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// In order, lower-cased, at least one ([`crate::words`]).
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

impl PartialEq for Phrase {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Phrase {}

/// A path into the metadata: `http.status`. Not empty; upper and lower case differ, as they do in JSON.
///
/// A dot is a step into an object or a character of a name, as senders do both: `a.b` finds `{"a":{"b":1}}` and
/// `{"a.b":1}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetaPath(String);

impl MetaPath {
    /// None if the path is empty.
    pub fn new(path: impl Into<String>) -> Option<Self> {
        let path = path.into();
        (!path.is_empty()).then_some(Self(path))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
