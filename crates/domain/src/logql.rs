//! LogQL: the part of Loki's query language that Grafana, logcli and their users need, over Sightline's lines.
mod ansi;
mod ast;
mod error;
mod json;
mod lexer;
mod line;
mod logfmt;
mod matcher;
mod parser;
mod pipeline;
mod print;
mod selector;
mod units;

pub use ast::*;
pub use error::ParseError;
pub use line::{Label, LabelKind, Line, PipelineFault, STREAM_LABELS};
pub use matcher::{MatchOp, Matcher};
pub use parser::{MAX_QUERY_BYTES, parse, parse_selector};
pub use pipeline::Processed;
pub use selector::Selector;
pub use units::{parse_bytes, parse_duration, print_number};
