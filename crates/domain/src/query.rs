//! The query language: parser, tree, printer, reference evaluator and aggregation. No I/O.

pub mod ast;
pub mod error;
pub mod number;
pub mod pattern;
pub mod pipe;
pub mod text;

pub use ast::{Expr, Query, Test};
pub use error::QueryError;
