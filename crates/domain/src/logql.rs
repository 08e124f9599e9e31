//! LogQL: the part of Loki's query language that Grafana, logcli and their users need, over Sightline's lines.
//!
//! Text becomes a [`Query`] by [`parse`]; a [`ParseError`] names the column, what is not supported, and what to write
//! instead. A log query is a [`LogPipeline`] that is applied line by line, its lines gathered by [`Streams`]; a metric
//! query becomes an [`Evaluation`] that is fed lines in any order within [`Limits`]. Both end as a [`QueryResult`], which
//! a [`Response`] puts into Loki's JSON.
//!
//! # Lines as Loki sees them
//!
//! | Sightline | LogQL | as a |
//! |---|---|---|
//! | service | `service_name`, also `service` | label of the stream |
//! | environment | `environment`, also `env` | label of the stream |
//! | level | `level`, also `detected_level` | label of the stream: `trace` to `fatal` |
//! | `trace_id`, `request_id` | the same | structured metadata |
//! | `meta` | `{"http": {"status": 502}}` is `http_status`; a list is its JSON text; `null` and `""` are nothing | structured metadata |
//! | message | the line; `\| json` and `\| logfmt` take labels from it | |
//!
//! Service, environment and level make a stream. A label of another name in a selector is one that no stream has
//! ([`Selector::unknown_labels`]); metadata are found by a label filter behind the selector.
//!
//! # As in Loki
//!
//! - A label that a line does not have counts as empty. One that comes later by a name that is taken gets `_extracted`
//!   behind it; of two of one kind the first stays. Names keep letters, digits and `_`, the rest becomes `_`.
//! - What cannot be parsed or compared is no reason to lose the line: it goes on with `__error__`. In a metric query it
//!   ends the query, unless a filter on `__error__` drops it or asks for it.
//! - `and` binds tighter than `or` in label filters; a window of a metric query holds the samples after `t - range`, up to
//!   and including `t`.
//!
//! # Other than in Loki
//!
//! - `{}` is allowed, and so is a selector that only excludes: there is no index of streams to protect.
//! - Metadata are labels of a metric query's series only where the query names them (in a filter, `keep`, `by` or `unwrap`).
//!   Loki makes a series of each `trace_id` and then refuses the query for having too many.
//! - In regular expressions `\w`, `\d`, `\s` and `\b` know all of Unicode, and `\Q...\E` does not exist.
//! - A comma or nothing between label filters is an `and` like any other; Loki gives it a precedence of its own.
//! - `| json` takes nothing from a line that is broken JSON, passes over objects deeper than 32 levels, and a line has at
//!   most 512 labels. There is no `__error_details__`.

mod ansi;
mod ast;
mod error;
mod eval;
mod json;
mod leaf;
mod lexer;
mod line;
mod logfmt;
mod matcher;
mod names;
mod params;
mod parser;
mod pipeline;
mod print;
mod quantile;
mod result;
mod selector;
mod series;
mod steps;
mod streams;
mod units;
mod vector;
mod window;

pub use ast::*;
pub use error::ParseError;
pub use eval::{EvalError, Evaluation, Limits};
pub use line::{Label, LabelKind, Line, PipelineFault, STREAM_LABELS};
pub use matcher::{MatchOp, Matcher};
pub use params::{InvalidTime, TimeRange, parse_length, parse_time};
pub use parser::{MAX_QUERY_BYTES, parse, parse_selector};
pub use pipeline::Processed;
pub use result::{MatrixSeries, QueryResult, Response, Sample, Stats, Summary, VectorSample};
pub use selector::Selector;
pub use series::SeriesLabels;
pub use steps::Times;
pub use streams::{Categories, Direction, Entry, FoundStreams, Stream, Streams};
pub use units::{parse_bytes, parse_duration, print_number};

/// What Loki answers to a log query on `/loki/api/v1/query`, with status 400.
pub const INSTANT_LOG_QUERY: &str =
    "log queries are not supported as an instant query type, please change your query to a range query type";

#[cfg(test)]
mod tests;
