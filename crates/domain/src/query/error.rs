//! Why a text is no query.

use serde::Serialize;

/// Where a query is wrong, why, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error, utoipa::ToSchema)]
#[error("column {column}: {message}; {fix}")]
pub struct QueryError {
    /// Where the offending part begins, in characters, from 1. One past the last character if something lacks there.
    pub column: usize,
    /// How long the offending part is, in characters; 0 if something lacks.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// A proposal: "put a quote at the end".
    pub fix: String,
}
