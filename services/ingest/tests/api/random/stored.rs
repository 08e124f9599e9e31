//! What is stored, in a form that can be compared: two JSON values are the same if they mean the same.

use std::fmt::Write as _;

use domain::level::Level;
use serde_json::{Map, Number, Value};
use testkit::stored::StoredLine;

/// Ordered by all that is in it, so that sorted lists of the same lines are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    micros: i128,
    level: Level,
    message: String,
    meta: Option<String>,
    trace_id: Option<String>,
    request_id: Option<String>,
}

impl Line {
    /// What should become of a line: the time in microseconds, info without a level, U+FFFD for each NUL, and nothing for
    /// empty metadata.
    pub(crate) fn new(
        nanos: i128,
        level: Option<Level>,
        message: &str,
        meta: &Map<String, Value>,
        trace_id: Option<&str>,
        request_id: Option<&str>,
    ) -> Self {
        Self {
            micros: nanos.div_euclid(1_000),
            level: level.unwrap_or(Level::Info),
            message: without_nul(message),
            meta: (!meta.is_empty()).then(|| meaning(&Value::Object(nul_replaced(meta)))),
            trace_id: trace_id.map(without_nul),
            request_id: request_id.map(without_nul),
        }
    }
}

impl From<StoredLine> for Line {
    fn from(line: StoredLine) -> Self {
        Self {
            micros: line.ts.unix_timestamp_nanos() / 1_000,
            level: line.level,
            message: line.message,
            meta: line.meta.as_ref().map(meaning),
            trace_id: line.trace_id,
            request_id: line.request_id,
        }
    }
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

fn nul_replaced(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter()
        .map(|(name, value)| (without_nul(name), nul_replaced_in(value)))
        .collect()
}

fn nul_replaced_in(value: &Value) -> Value {
    match value {
        Value::String(text) => without_nul(text).into(),
        Value::Array(items) => items.iter().map(nul_replaced_in).collect(),
        Value::Object(map) => Value::Object(nul_replaced(map)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The same text for values that are the same: names in order, and numbers by what they are worth (1e2 is 100, -0.0 is 0).
fn meaning(value: &Value) -> String {
    let mut text = String::new();
    write_meaning(value, &mut text);
    text
}

fn write_meaning(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => write_worth(number, out),
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_meaning(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in fields {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_meaning(value, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

/// A float by the shortest digits that name it, as it is written into JSON, whatever zeros or exponents follow them.
fn write_worth(number: &Number, out: &mut String) {
    let _ = match number.as_f64().filter(|_| number.is_f64()) {
        Some(0.0) => write!(out, "0"),
        Some(float) => write!(out, "{float}"),
        None => write!(out, "{number}"),
    };
}

/// Panics unless both hold the same lines, each as often. `asked` says which lines were sent.
#[track_caller]
pub(crate) fn assert_same(asked: &str, mut found: Vec<Line>, mut expected: Vec<Line>) {
    found.sort();
    expected.sort();
    let differs = found
        .iter()
        .zip(&expected)
        .position(|(found, expected)| found != expected);
    if let Some(at) = differs {
        panic!(
            "{asked}: {} lines are stored of {}; in order, number {at} differs:\nstored   {}\nexpected {}",
            found.len(),
            expected.len(),
            shown(&found[at]),
            shown(&expected[at]),
        );
    }
    assert_eq!(found.len(), expected.len(), "{asked}: lines that are stored");
}

fn shown(line: &Line) -> String {
    format!("{line:?}").chars().take(3_000).collect()
}
