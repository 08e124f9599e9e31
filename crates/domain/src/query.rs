//! The query language: parser, tree, printer, reference evaluator and aggregation. No I/O; this text is its reference.
//!
//! ```text
//! timeout level:>=warn service:check* -env:staging http.status:>=500 | stats count() by service every 5m
//! ```
//!
//! # Joining
//!
//! | written | matches lines that |
//! |---|---|
//! | nothing, or `*` | are there: every line |
//! | `a b`, `a AND b` | match both |
//! | `a OR b` | match one of them, or both; binds weaker than and: `a b OR c` is `(a b) OR c` |
//! | `NOT a`, `-a`, `!a` | do not match `a`; binds strongest: `NOT a b` is `(NOT a) b` |
//! | `(a OR b) c` | as parentheses say |
//!
//! Keywords are in upper case: `or` is a word of the message. Only in the parentheses of a field are they in lower case,
//! too: `level:(warn or error)`.
//!
//! # The message
//!
//! | written | the message holds |
//! |---|---|
//! | `timeout` | the whole word, in any case: `Connection TIMEOUT`, not `timeouts` |
//! | `user-agent` | its two words next to each other, in this order: `User-Agent: x`, `user agent` |
//! | `"connection reset"` | the same |
//! | `pay*`, `user-ag*` | a word that begins so; of several words the last |
//! | `*imeou*`, `*imeou` | this text anywhere, also within a word |
//! | `"->"` | this text anywhere, since there is no word in it |
//! | `/time(d )?out/` | a match of the regex |
//!
//! All of these may stand behind `message:`, which lets several stand in parentheses: `message:(a OR b)`.
//!
//! **Words** are what Unicode segmentation (UAX #29) says: `GET /cart?id=42` has `get`, `cart`, `id`, `42`;
//! `http.status` and `3.14` are one word, `10:30` is two. See [`crate::words`].
//!
//! **Case** is ignored everywhere, by comparing lower case as Unicode has it: `ÜBERLAUF` finds `Überlauf`. Regexes look
//! at case unless they begin with `(?i)`; names of metadata fields do, as JSON does.
//!
//! **Regexes** are of the `regex` crate, which takes linear time: no look-around, no back-references. A slash within is
//! written `\/`; compiled they may have 256 KiB.
//!
//! **Quotes and backslashes**: a text with white space or one of `( ) " | : * / \` where it would mean something goes in
//! quotes. A backslash makes the sign behind it a plain one, within quotes and without: `"say \"hi\""`, `a\*b`. Before
//! a letter or digit it is an error, so that `C:\temp` does not turn into something else.
//!
//! # Fields
//!
//! `level`, `service`, `env` (or `environment`), `trace_id`, `request_id`, `message`, `ts` (or `timestamp`). Any other
//! name is a path into the metadata; in quotes each name is: `"level":x` is the field `level` of the metadata.
//!
//! | written | the field |
//! |---|---|
//! | `service:checkout`, `user:"Jane Doe"` | has this whole value, in any case |
//! | `service:check*` | begins so |
//! | `user:*doe*` | has this text anywhere |
//! | `user:/^J/` | has a match of the regex |
//! | `trace_id:*`, `has:trace_id` | is there at all |
//! | `http.ms:>500`, `>=`, `<`, `<=` | is above, at least, below, at most |
//! | `http.ms:[1 TO 5]` | is from 1 to 5, both included; `{1 TO 5}` leaves both out, `[1 TO 5}` one, `*` is an open end |
//! | `http.status:(>=500 OR 404)` | matches one; `AND`, `NOT` and parentheses work within, too |
//!
//! `NOT` of a test also matches lines that lack the field: `NOT user:jane`. In parentheses behind a field, `-` belongs
//! to the value: `t:(-5 OR -6)`.
//!
//! **Levels** rise from trace, debug, info, warn, error to fatal: `level:>=warn`, `level:[info TO warn]`.
//!
//! **Times** are RFC 3339 or a date, which is the whole day in UTC: `ts:2026-11-24`, `ts:>=2026-11-24T10:00:00+02:00`,
//! `ts:>2026-11-24` is from the 25th on. Or relative to when the query is asked: `ts:>now-1h`, `ts:[now-2d TO now-1d]`; units
//! are s, m, h, d and w.
//!
//! **Order** is known to `level`, `ts` and metadata. The other fields and the message have none.
//!
//! # Metadata
//!
//! A dot is a step into an object or part of a name: `http.status` finds `{"http":{"status":500}}` and
//! `{"http.status":500}`. A list has the values of its items, and one that matches is enough: `tags:red` finds
//! `{"tags":["red","green"]}`, `items.id:1` finds `{"items":[{"id":1}]}`. A name with odd signs goes in quotes:
//! `"odd name":x`, `http."odd name":x`.
//!
//! **Numbers** are JSON numbers, and texts that are a JSON number from end to end; they are compared as numbers, whole
//! ones below 2^64 exactly. `code:500` finds `500`, `500.0`, `5e2`, `"500"` and `"5e2"`. `zip:007` finds the text `"007"`
//! alone, since JSON has no such number. A number and a text that is none are never equal.
//!
//! **Above and below** a number are numbers only. Above and below a text are texts only, by the code points of their
//! lower case: `version:>=1.2.0` (three numbers are a text) does not find `"1.10.0"`.
//!
//! **true, false, null** and, for `val*`, `*val*` and regexes, numbers have their JSON text: `ok:true`, `code:5*`.
//!
//! **There at all** is whatever is at the path: `has:http` finds an object, and `{"http":null}`.
//!
//! # The pipe
//!
//! One stage for now: see [`pipe`] and [`aggregate`].
//!
//! | written | |
//! |---|---|
//! | `… \| stats count()` | how many lines |
//! | `… \| stats count(), p95(http.ms) as slow by service, http.path every 5m` | for each group and 5 minutes |
//! | `… \| top 10 http.path` | the values that most lines have |
//! | `… \| patterns` | the lines' templates |
//!
//! Functions: `count()`, and of a field `avg`, `sum`, `min`, `max`, `p50`, `p90`, `p95`, `p99`, `count_distinct`. Up to 8 of
//! them, up to 4 fields of `by`, intervals from `1s` to `30d` (s, m, h, d).
//!
//! # Bounds
//!
//! A query has at most 4,096 bytes, 64 tests, and 32 levels of parentheses and negations.
//!
//! # Errors and printing
//!
//! A [`QueryError`] names the place and proposes a remedy. Where a text could silently mean something that finds
//! nothing, it is an error: `12:30` (no field), `/api/users` (no regex), `a*b`, `f(x)`, `std::io`, `user:*doe`.
//!
//! Each query prints to one text, and that text parses to the same query:
//!
//! ```
//! use domain::query::Query;
//!
//! let query: Query = "level:warn OR level:error | stats count() every 60s".parse()?;
//! assert_eq!(query.to_string(), "level:(warn OR error) | stats count() every 1m");
//! assert_eq!(query.to_string().parse(), Ok(query));
//!
//! let error = Query::parse("level:eror").unwrap_err();
//! assert_eq!((error.column, error.length), (7, 4));
//! assert!(error.fix.starts_with("write level:error"));
//! # Ok::<(), domain::query::QueryError>(())
//! ```

pub mod aggregate;
pub mod ast;
pub mod error;
pub mod evaluate;
pub mod fields;
pub mod moment;
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
