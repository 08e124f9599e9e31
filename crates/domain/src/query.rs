//! The query language: parser, tree, printer, reference evaluator and aggregation. No I/O.

pub mod aggregate;
pub mod ast;
pub mod error;
pub mod evaluate;
pub mod number;
pub mod pattern;
pub mod pipe;
pub mod text;

mod names;
mod parse;
mod print;
mod simplify;

pub use ast::{Expr, Query, Test};
pub use error::QueryError;
pub use evaluate::{Line, matches};

#[cfg(test)]
mod tests;
