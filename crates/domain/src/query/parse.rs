//! From text to tree: a recursive descent over characters, written by hand.
//!
//! A parser library (winnow) was weighed: most of the code below says what is wrong and what to write instead, which a
//! library leaves to its user; and the same characters are read differently at the top (`a:b` is a field), behind a
//! colon (`12:30` is a value), in ranges and in the pipe, so that there is little left for combinators to combine.

mod cursor;
mod filter;
mod moment;
mod pipe;
mod range;
mod value;

use super::ast::{Expr, Field, OptionalField, Query, TextField};
use super::error::QueryError;
use super::names;
use super::text::MetaPath;
use cursor::{Cursor, Piece, Span};

impl Query {
    /// The longest query, in bytes.
    pub const MAX_BYTES: usize = 4096;

    /// Reads a query. What it prints (`Display`) parses to the same query.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut parser = Parser::new(text)?;
        let filter = parser.filter()?;
        let pipe = parser.pipe()?;
        let query = Self { filter, pipe };
        parser.check_bounds(&query)?;
        Ok(query)
    }
}

impl std::str::FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}

impl Expr {
    /// Reads a filter: a query without a pipe.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut parser = Parser::new(text)?;
        let filter = parser.filter()?;
        if parser.cursor.peek().is_some() {
            return Err(parser.cursor.here().error(
                "only a filter is possible here, without a pipe",
                "leave out the | and what is behind it, or put the text in quotes",
            ));
        }
        let query = Query {
            filter,
            pipe: Vec::new(),
        };
        parser.check_bounds(&query)?;
        Ok(query.filter)
    }
}

struct Parser {
    cursor: Cursor,
    /// How many tests were read.
    tests: usize,
    /// How many parentheses and negations are open.
    depth: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self, QueryError> {
        let cursor = Cursor::new(text);
        if text.len() > Query::MAX_BYTES {
            return Err(cursor.whole().error(
                format!(
                    "this query has {} bytes; it may have {}",
                    text.len(),
                    Query::MAX_BYTES
                ),
                "shorten it",
            ));
        }
        Ok(Self {
            cursor,
            tests: 0,
            depth: 0,
        })
    }

    /// Whether what the query prints is within the bounds, too: a group written out may be longer than it was.
    fn check_bounds(&self, query: &Query) -> Result<(), QueryError> {
        if query.filter.depth() > Expr::MAX_DEPTH {
            return Err(too_deep(self.cursor.whole()));
        }
        let bytes = query.to_string().len();
        if bytes > Query::MAX_BYTES {
            return Err(self.cursor.whole().error(
                format!(
                    "written out, this query has {bytes} bytes; it may have {}",
                    Query::MAX_BYTES
                ),
                "use fewer tests or shorter names",
            ));
        }
        Ok(())
    }
}

fn too_deep(span: Span) -> QueryError {
    span.error(
        format!("this nests deeper than {} levels", Expr::MAX_DEPTH),
        "take out parentheses that are not needed",
    )
}

/// The field of a name that was read. In quotes it is always a path of the metadata.
fn field_named(name: &Piece) -> Result<Field, QueryError> {
    let known = if name.quoted {
        None
    } else {
        names::known_field(&name.text)
    };
    match (known, MetaPath::new(name.text.as_str())) {
        (Some(field), _) => Ok(field),
        (None, Some(path)) => Ok(Field::Meta(path)),
        (None, None) => Err(name
            .span
            .error("this name is empty", "put a name between the quotes")),
    }
}

/// A field as an optional one. None if every line has it.
fn optional(field: Field) -> Option<OptionalField> {
    match field {
        Field::Text(TextField::TraceId) => Some(OptionalField::TraceId),
        Field::Text(TextField::RequestId) => Some(OptionalField::RequestId),
        Field::Meta(path) => Some(OptionalField::Meta(path)),
        Field::Level
        | Field::Ts
        | Field::Message
        | Field::Text(TextField::Service | TextField::Environment) => None,
    }
}
