//! What a line must hold, matched on one line or on a block of them at once. No I/O.

use std::ops::Range;

use domain::words::{WordQuery, is_whole_word};
use serde_json::Value;

use crate::filter::Term;
use crate::segment::Column;

use super::haystack::{Haystack, Search};

/// A condition on a line; a search's lines meet all of its conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// The message holds all of these words.
    Words(WordQuery),
    /// The message holds this text, in any case.
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
            Self::Substring(text) => line.message.to_lowercase().contains(&text.to_lowercase()),
            Self::TraceId(id) => line.trace_id.to_lowercase() == id.to_lowercase(),
            Self::RequestId(id) => line.request_id.to_lowercase() == id.to_lowercase(),
            Self::Field { path, value } => field_matches(line.meta, path, value),
        }
    }

    /// Hashes of what a block must hold for a line in it to match ([`crate::filter`]).
    pub(super) fn terms(&self) -> Vec<u64> {
        match self {
            Self::Words(words) => words
                .as_slice()
                .iter()
                .map(|word| Term::Word(word).hash())
                .collect(),
            Self::Substring(_) => Vec::new(),
            Self::TraceId(id) => vec![Term::TraceId(id).hash()],
            Self::RequestId(id) => vec![Term::RequestId(id).hash()],
            Self::Field { path, value } => vec![Term::Pair(path, value).hash()],
        }
    }

    /// The rows of a block whose text in this predicate's column matches, rising.
    pub(super) fn rows(&self, column: &Haystack<'_>) -> Vec<u32> {
        match self {
            Self::Words(words) => {
                // The longest word is likely the rarest; the others are looked for where it is.
                let longest = words
                    .as_slice()
                    .iter()
                    .max_by_key(|word| word.len())
                    .map_or("", String::as_str);
                let is_alone = words.as_slice().len() == 1;
                column.rows_with(&Search {
                    needle: longest,
                    at_hit: |text: &[u8], hit: Range<usize>| {
                        is_whole_word(text, hit)
                            && (is_alone
                                || std::str::from_utf8(text).is_ok_and(|text| words.matches_likely(text)))
                    },
                    whole: |text: &str| words.matches(text),
                })
            }
            Self::Substring(wanted) => {
                let wanted = wanted.to_lowercase();
                column.rows_with(&Search {
                    needle: &wanted,
                    at_hit: |_: &[u8], _| true,
                    whole: |text: &str| text.to_lowercase().contains(&wanted),
                })
            }
            Self::TraceId(id) | Self::RequestId(id) => column.rows_with(&Search {
                needle: &id.to_lowercase(),
                at_hit: |text: &[u8], hit: Range<usize>| text.len() == hit.len(),
                whole: |text: &str| text.to_lowercase() == id.to_lowercase(),
            }),
            Self::Field { path, value } => {
                // As it stands in JSON text, less the quotes that only a text has.
                let quoted = Value::from(value.as_str()).to_string().to_lowercase();
                let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
                column.rows_holding(inner, |meta| field_matches(meta, path, value))
            }
        }
    }
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
    use crate::columns::TextColumn;

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
                prop_assert_eq!(predicate.rows(&Haystack::new(column.view())), expected, "{:?}", predicate);
            }
        }
    }
}
