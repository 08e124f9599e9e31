//! Regular expressions: of linear time, bounded in size, compared by their source.

use regex::{Regex, RegexBuilder};

/// A compiled regular expression of the `regex` crate. It looks at upper and lower case unless it begins with `(?i)`.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    /// The compiled form may have this many bytes.
    pub const MAX_COMPILED_BYTES: usize = 256 * 1024;
    /// The cache of a search may have this many bytes; past that it becomes slower, not wrong.
    const MAX_CACHE_BYTES: usize = 1024 * 1024;

    /// Takes the source without the slashes around it; `\/` is `/`.
    pub fn new(source: &str) -> Result<Self, InvalidPattern> {
        let source = without_escaped_slashes(source);
        let regex = RegexBuilder::new(&source)
            .size_limit(Self::MAX_COMPILED_BYTES)
            .dfa_size_limit(Self::MAX_CACHE_BYTES)
            .build()
            .map_err(|error| InvalidPattern::from(&error))?;
        Ok(Self { source, regex })
    }

    /// Without the slashes around it.
    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn regex(&self) -> &Regex {
        &self.regex
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

/// Prints with the slashes, as in a query.
impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{}/", self.source.replace('/', "\\/"))
    }
}

fn without_escaped_slashes(source: &str) -> String {
    let mut plain = String::with_capacity(source.len());
    let mut chars = source.chars();
    while let Some(char) = chars.next() {
        match (char, chars.clone().next()) {
            ('\\', Some('/')) => {}
            ('\\', Some(escaped)) => {
                plain.extend(['\\', escaped]);
                chars.next();
            }
            (char, _) => plain.push(char),
        }
    }
    plain
}

/// Why a regular expression was refused, on one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    #[error("the regex is too large: compiled it may have {} KiB", Pattern::MAX_COMPILED_BYTES / 1024)]
    TooLarge,
    #[error("not a valid regex: {0}")]
    Syntax(String),
}

impl From<&regex::Error> for InvalidPattern {
    fn from(error: &regex::Error) -> Self {
        match error {
            regex::Error::CompiledTooBig(_) => Self::TooLarge,
            other => {
                // The library draws the place over several lines; the reason is the last of them.
                let text = other.to_string();
                let reason = text.lines().last().unwrap_or_default();
                Self::Syntax(reason.trim_start_matches("error: ").to_owned())
            }
        }
    }
}
