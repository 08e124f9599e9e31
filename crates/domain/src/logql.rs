//! LogQL: the part of Loki's query language that Grafana, logcli and their users need, over Sightline's lines.
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

#[cfg(test)]
mod tests;
