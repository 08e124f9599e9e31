//! What a line must hold, matched on one line or on a block of them at once. No I/O.

use domain::words::WordQuery;
use memchr::memmem::Finder;
use serde_json::Value;

use crate::columns::TextColumn;
use crate::filter::Term;
use crate::segment::Column;

/// A condition on a line; a search's lines meet all of its conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// The message holds all of these words.
    Words(WordQuery),
    /// The message holds this text, in this case.
    Substring(String),
    TraceId(String),
    RequestId(String),
    /// A field of the metadata, by its path (`http.status`), has this value: a text, or the JSON text of a number or
    /// literal. An array has the values of its items.
    Field {
        path: String,
        value: String,
    },
}

/// The texts of one line; empty where it has none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Texts<'a> {
    pub(super) message: &'a str,
    pub(super) meta: &'a str,
    pub(super) trace_id: &'a str,
    pub(super) request_id: &'a str,
}

impl Predicate {
    /// The column that it looks at.
    pub(super) fn column(&self) -> Column {
        match self {
            Self::Words(_) | Self::Substring(_) => Column::Message,
            Self::TraceId(_) => Column::Trace,
            Self::RequestId(_) => Column::Request,
            Self::Field { .. } => Column::Meta,
        }
    }

    pub(super) fn matches(&self, line: Texts<'_>) -> bool {
        match self {
            Self::Words(words) => words.matches(line.message),
            Self::Substring(text) => line.message.contains(text.as_str()),
            Self::TraceId(id) => line.trace_id == id,
            Self::RequestId(id) => line.request_id == id,
            Self::Field { path, value } => field_matches(line.meta, path, value),
        }
    }

    /// Hashes of what a block must hold for a line in it to match ([`crate::filter`]).
    pub(super) fn terms(&self) -> Vec<u64> {
        match self {
            Self::Words(words) => words
                .as_slice()
                .iter()
                .map(|word| Term::Word(word.as_bytes()).hash())
                .collect(),
            Self::Substring(_) => Vec::new(),
            Self::TraceId(id) => vec![Term::TraceId(id.as_bytes()).hash()],
            Self::RequestId(id) => vec![Term::RequestId(id.as_bytes()).hash()],
            Self::Field { path, value } => vec![Term::Pair(path, value).hash()],
        }
    }

    /// The rows of a block whose text in this predicate's column matches, rising.
    pub(super) fn rows(&self, column: &TextColumn) -> Vec<u32> {
        match self {
            Self::Words(words) if column.bytes().is_ascii() => {
                // The longest word is likely the rarest; the others are looked for where it is.
                let lower = column.bytes().to_ascii_lowercase();
                let longest = words
                    .as_slice()
                    .iter()
                    .max_by_key(|word| word.len())
                    .map_or("", String::as_str);
                rows_with(&lower, longest.as_bytes(), column, |text| {
                    words.matches_likely(text)
                })
            }
            // Lower case of other letters may have another length, so nothing can be ruled out cheaply.
            Self::Words(words) => all_rows(column, |text| words.matches(text)),
            Self::Substring(wanted) => rows_with(column.bytes(), wanted.as_bytes(), column, |text| {
                text.contains(wanted.as_str())
            }),
            Self::TraceId(id) | Self::RequestId(id) => {
                rows_with(column.bytes(), id.as_bytes(), column, |text| text == id)
            }
            Self::Field { path, value } => {
                // As it stands in JSON text, less the quotes that only a text has.
                let quoted = Value::from(value.as_str()).to_string();
                let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
                rows_with(column.bytes(), inner.as_bytes(), column, |meta| {
                    field_matches(meta, path, value)
                })
            }
        }
    }
}

/// Rows whose text matches, of those where `needle` occurs in `haystack`, which has the layout of the column.
fn rows_with(
    haystack: &[u8],
    needle: &[u8],
    column: &TextColumn,
    matches: impl Fn(&str) -> bool,
) -> Vec<u32> {
    if needle.is_empty() {
        return all_rows(column, matches);
    }
    let finder = Finder::new(needle);
    let (mut rows, mut at) = (Vec::new(), 0);
    while let Some(found) = haystack.get(at..).and_then(|rest| finder.find(rest)) {
        let row = column.row_at(at + found);
        // What begins in one row and ends in the next is no match of either.
        if text_of(column, row).is_some_and(&matches) {
            rows.push(row as u32);
        }
        at = column.range(row).end;
    }
    rows
}

fn all_rows(column: &TextColumn, matches: impl Fn(&str) -> bool) -> Vec<u32> {
    (0..column.len())
        .filter(|row| text_of(column, *row).is_some_and(&matches))
        .map(|row| row as u32)
        .collect()
}

/// Texts are written as UTF-8; what is not is damage that the checksum let through, and matches nothing.
fn text_of(column: &TextColumn, row: usize) -> Option<&str> {
    std::str::from_utf8(column.get(row)).ok()
}

fn field_matches(meta: &str, path: &str, value: &str) -> bool {
    if meta.is_empty() {
        return false;
    }
    serde_json::from_str::<Value>(meta).is_ok_and(|meta| value_matches(&meta, path, value))
}

/// A path may be spelt with its dots as levels or within one name, as senders do both.
fn value_matches(node: &Value, path: &str, value: &str) -> bool {
    match node {
        Value::Array(items) => items.iter().any(|item| value_matches(item, path, value)),
        Value::Object(map) => map.iter().any(|(key, inner)| {
            path.strip_prefix(key.as_str()).is_some_and(|rest| {
                if rest.is_empty() {
                    leaf_matches(inner, value)
                } else {
                    rest.strip_prefix('.')
                        .is_some_and(|rest| value_matches(inner, rest, value))
                }
            })
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn leaf_matches(leaf: &Value, value: &str) -> bool {
    match leaf {
        Value::String(text) => text == value,
        Value::Array(items) => items.iter().any(|item| leaf_matches(item, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let text = leaf.to_string();
            text == value
        }
        Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(path: &str, value: &str) -> Predicate {
        Predicate::Field {
            path: path.into(),
            value: value.into(),
        }
    }

    #[rstest::rstest]
    #[case(r#"{"http":{"status":500}}"#, "http.status", "500", true)]
    #[case(r#"{"http.status":"500"}"#, "http.status", "500", true)]
    #[case(r#"{"a":[{"b":1},{"b":[2,"x"]}]}"#, "a.b", "x", true)]
    #[case(r#"{"http":{"status":500}}"#, "http", "500", false)]
    #[case(r#"{"ok":true,"none":null}"#, "ok", "true", true)]
    #[case(r#"{"path":"a\\b\"c"}"#, "path", "a\\b\"c", true)]
    #[case("", "a", "b", false)]
    fn a_field_is_found_by_path_and_value(
        #[case] meta: &str,
        #[case] path: &str,
        #[case] value: &str,
        #[case] expected: bool,
    ) {
        let line = Texts {
            meta,
            ..Texts::default()
        };
        assert_eq!(field(path, value).matches(line), expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn a_block_matches_where_its_lines_do(
            texts in prop::collection::vec("[ab \u{e9}K\u{212a}A0-1.]{0,6}", 0..12),
            wanted in "[abk01]{1,2}",
        ) {
            let mut column = TextColumn::default();
            for text in &texts {
                column.push(text.as_bytes());
            }
            for predicate in [
                Predicate::Words(WordQuery::parse(&wanted)),
                Predicate::Substring(wanted.clone()),
                Predicate::TraceId(wanted.clone()),
            ] {
                let expected: Vec<u32> = (0..texts.len())
                    .filter(|row| {
                        let text = texts[*row].as_str();
                        predicate.matches(Texts { message: text, trace_id: text, ..Texts::default() })
                    })
                    .map(|row| row as u32)
                    .collect();
                prop_assert_eq!(predicate.rows(&column), expected, "{:?}", predicate);
            }
        }
    }
}
