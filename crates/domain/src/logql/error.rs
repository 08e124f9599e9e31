//! What is wrong with a query, and where.

/// Why a query was refused. The text begins as Loki's does, so that clients show it as they show Loki's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse error at line {line}, col {column}: {message}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1; one past the last character of the line where something is missing at its end.
    pub column: usize,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// The same before lines and columns are counted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// In bytes from the start of the query.
    pub(super) at: usize,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
        }
    }

    pub(super) fn locate(self, query: &str) -> ParseError {
        let before = query.get(..self.at).unwrap_or(query);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        ParseError {
            line,
            column,
            message: self.message,
        }
    }
}
