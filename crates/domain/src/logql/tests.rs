//! The language as a whole: examples of Loki's documentation, exact answers over a small corpus, and properties.

mod answers;
mod corpus;
mod properties;
mod shapes;
mod table;
