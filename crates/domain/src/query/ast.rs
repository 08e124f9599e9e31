//! What a query says, as a tree. The language itself is described in [`crate::query`].
//!
//! Trees that the parser makes are in *normal form*: no `And` within an `And`, no `Or` within an `Or`, none with fewer
//! than two members, no `Not` of a `Not`, and `All` only as the whole tree or, as `Not(All)`, as a whole tree that
//! matches nothing. [`Expr::and`], [`Expr::or`] and [`Expr::not`] keep it. A tree in normal form prints (`Display`) to
//! text that parses to the same tree.

use std::ops::Bound;

use super::moment::Moment;
use super::number::Number;
use super::pattern::Pattern;
use super::pipe::Stage;
use super::text::{MetaPath, Phrase};
use crate::level::Level;

/// A filter of lines, and what is made of the lines that it lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub filter: Expr,
    /// Empty for the lines themselves. One stage at most for now.
    pub pipe: Vec<Stage>,
}

/// Which lines match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// Every line: an empty query, or `*`.
    All,
    /// Lines that match each of these: `a b`, `a AND b`.
    And(Vec<Expr>),
    /// Lines that match at least one of these: `a OR b`.
    Or(Vec<Expr>),
    /// Lines that do not match: `NOT a`, `-a`, `!a`.
    Not(Box<Expr>),
    Test(Test),
}

/// One test of one line. `NOT` of a test matches lines that lack the field, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `timeout`, `"connection reset"`, `pay*`, `*://*`, `/time(d )?out/`; the same behind `message:`.
    Message(MessageTest),
    /// `level:error`, `level:>=warn`, `level:[debug TO warn]`.
    Level(LevelRange),
    /// `ts:2026-11-24`, `ts:>=2026-11-24T10:00:00Z`, `ts:>now-1h`.
    Ts(TimeRange),
    /// `service:checkout`, `env:prod*`, `trace_id:4bf92f35`, `request_id:/^r-[0-9]+$/`.
    Text(TextField, TextTest),
    /// `http.status:500`, `http.status:>=500`, `"odd name":x`.
    Meta(MetaPath, MetaTest),
    /// `has:trace_id`, `has:http.status`, `http.status:*`.
    Has(OptionalField),
}

/// What the message must hold. Ignores case, but for the regex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageTest {
    /// Whole words, next to each other in this order; often just one. `user-agent` is the two words `user`, `agent`.
    Words(Phrase),
    /// The same, but of the last word only the beginning: `pay*`, `user-ag*`.
    Prefix(Phrase),
    /// This text anywhere, also within a word: `*imeou*`, `"->"`. Not empty.
    Contains(String),
    Regex(Pattern),
}

/// Levels from `min` to `max`, both included. `min <= max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelRange {
    pub min: Level,
    pub max: Level,
}

/// Times between two ends, of which one at least is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    pub from: Bound<Moment>,
    pub to: Bound<Moment>,
}

/// Fields that are text in every line, outside the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextField {
    /// The name of the service.
    Service,
    /// The name of the environment.
    Environment,
    TraceId,
    RequestId,
}

/// A test of one whole value. Ignores case, but for the regex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextTest {
    /// The whole value. In metadata a text that is a number equals the same number in any spelling ([`Number`]).
    Equals(String),
    /// The value begins with this text; not empty. A number, `true`, `false` and `null` have their JSON text.
    Prefix(String),
    /// The value has this text anywhere; not empty.
    Contains(String),
    /// The value holds a match of this.
    Regex(Pattern),
}

/// A test of the values at a path of the metadata; one value that passes is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetaTest {
    Text(TextTest),
    Range(ValueRange),
}

/// Values between two ends that are of one kind: both numbers or both texts. One at least is bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueRange {
    /// Numbers, and texts that are numbers.
    Numbers { from: Bound<Number>, to: Bound<Number> },
    /// Texts, by their lower-case characters' code points. A number is never within.
    Texts { from: Bound<String>, to: Bound<String> },
}

/// A field that a line may lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionalField {
    TraceId,
    RequestId,
    /// Anything at this path: also `null`, an object, an empty list.
    Meta(MetaPath),
}

/// Any field of a line, as the pipe names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Level,
    Ts,
    Message,
    Text(TextField),
    Meta(MetaPath),
}
