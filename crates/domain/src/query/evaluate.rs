//! The reference evaluator: what each test means, written to be obvious, not to be fast. Whatever searches faster is
//! held to it by tests.

use std::ops::{Bound, RangeBounds};

use serde_json::Value;
use time::OffsetDateTime;

use super::ast::{Expr, MessageTest, MetaTest, OptionalField, Test, TextField, TextTest, ValueRange};
use super::number::Number;
use super::text::{MetaPath, Phrase};
use crate::level::Level;
use crate::words::words;

/// One line, as it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub ts: OffsetDateTime,
    pub level: Level,
    pub message: &'a str,
    pub meta: Option<&'a Value>,
    pub trace_id: Option<&'a str>,
    pub request_id: Option<&'a str>,
    /// The service's name.
    pub service: &'a str,
    /// The environment's name.
    pub environment: &'a str,
}

impl<'a> Line<'a> {
    /// The text of a field; None if the line lacks it.
    pub fn text(&self, field: TextField) -> Option<&'a str> {
        match field {
            TextField::Service => Some(self.service),
            TextField::Environment => Some(self.environment),
            TextField::TraceId => self.trace_id,
            TextField::RequestId => self.request_id,
        }
    }

    /// What is at a path of the metadata; nothing if there is none.
    pub fn meta_at(&self, path: &MetaPath) -> Vec<&'a Value> {
        self.meta
            .map(|meta| values_at(meta, path.as_str()))
            .unwrap_or_default()
    }
}

/// Whether a line is one that was asked for.
pub fn matches(expr: &Expr, line: &Line<'_>) -> bool {
    match expr {
        Expr::All => true,
        Expr::And(members) => members.iter().all(|member| matches(member, line)),
        Expr::Or(members) => members.iter().any(|member| matches(member, line)),
        Expr::Not(member) => !matches(member, line),
        Expr::Test(test) => test_matches(test, line),
    }
}

fn test_matches(test: &Test, line: &Line<'_>) -> bool {
    match test {
        Test::Message(test) => message_matches(test, line.message),
        Test::Level(range) => range.min <= line.level && line.level <= range.max,
        Test::Ts(range) => range.contains(&line.ts),
        Test::Text(field, test) => line.text(*field).is_some_and(|text| text_matches(test, text)),
        Test::Meta(path, test) => line
            .meta_at(path)
            .into_iter()
            .flat_map(leaves)
            .any(|leaf| meta_matches(test, leaf)),
        Test::Has(OptionalField::TraceId) => line.trace_id.is_some(),
        Test::Has(OptionalField::RequestId) => line.request_id.is_some(),
        Test::Has(OptionalField::Meta(path)) => !line.meta_at(path).is_empty(),
    }
}

/// Case is ignored by comparing lower case.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Whether a message holds what a test wants.
pub fn message_matches(test: &MessageTest, message: &str) -> bool {
    match test {
        MessageTest::Words(phrase) => phrase_matches(phrase, message, |found, wanted| found == wanted),
        MessageTest::Prefix(phrase) => {
            phrase_matches(phrase, message, |found, wanted| found.starts_with(wanted))
        }
        MessageTest::Contains(text) => fold(message).contains(&fold(text)),
        MessageTest::Regex(pattern) => pattern.is_match(message),
    }
}

/// Whether the words are next to each other in the message; `last` compares the last of them.
fn phrase_matches(phrase: &Phrase, message: &str, last: impl Fn(&str, &str) -> bool) -> bool {
    let message: Vec<String> = words(message).collect();
    let Some((wanted_last, wanted)) = phrase.words().split_last() else {
        return true;
    };
    message
        .windows(phrase.words().len())
        .any(|found| found.starts_with(wanted) && last(&found[wanted.len()], wanted_last))
}

/// Whether a whole text passes a test.
pub fn text_matches(test: &TextTest, text: &str) -> bool {
    match test {
        TextTest::Equals(wanted) => fold(text) == fold(wanted),
        TextTest::Prefix(wanted) => fold(text).starts_with(&fold(wanted)),
        TextTest::Contains(wanted) => fold(text).contains(&fold(wanted)),
        TextTest::Regex(pattern) => pattern.is_match(text),
    }
}

/// Whether one value of the metadata, neither list nor object, passes a test.
pub fn meta_matches(test: &MetaTest, leaf: &Value) -> bool {
    match test {
        MetaTest::Text(TextTest::Equals(wanted)) => match (number_of(leaf), Number::parse(wanted)) {
            (Some(found), Some(wanted)) => found == wanted,
            (Some(_), None) | (None, Some(_)) => false,
            (None, None) => fold(&json_text(leaf)) == fold(wanted),
        },
        MetaTest::Text(test @ (TextTest::Prefix(_) | TextTest::Contains(_) | TextTest::Regex(_))) => {
            text_matches(test, &json_text(leaf))
        }
        MetaTest::Range(ValueRange::Numbers { from, to }) => {
            number_of(leaf).is_some_and(|number| (*from, *to).contains(&number))
        }
        MetaTest::Range(ValueRange::Texts { from, to }) => leaf.as_str().is_some_and(|text| {
            let (from, to) = (folded(from), folded(to));
            (from, to).contains(&fold(text))
        }),
    }
}

fn folded(bound: &Bound<String>) -> Bound<String> {
    bound.as_ref().map(|text| fold(text))
}

/// The number that a value is, or that its text is.
pub fn number_of(leaf: &Value) -> Option<Number> {
    match leaf {
        Value::Number(number) => Number::from_json(number),
        Value::String(text) => Number::parse(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text as it is, anything else as JSON.
pub fn json_text(leaf: &Value) -> String {
    match leaf {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            leaf.to_string()
        }
    }
}

/// Everything at a path. Its dots are levels or characters of a name; a list stands for each of its items.
pub fn values_at<'a>(node: &'a Value, path: &str) -> Vec<&'a Value> {
    match node {
        Value::Array(items) => items.iter().flat_map(|item| values_at(item, path)).collect(),
        Value::Object(map) => map
            .iter()
            .filter_map(|(name, inner)| Some((path.strip_prefix(name.as_str())?, inner)))
            .flat_map(|(rest, inner)| match rest.strip_prefix('.') {
                _ if rest.is_empty() => vec![inner],
                Some(rest) => values_at(inner, rest),
                None => Vec::new(),
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// The values that a test looks at: a list has those of its items, an object has none.
pub fn leaves(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(_) => Vec::new(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![value],
    }
}
