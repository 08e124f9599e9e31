//! Which names and texts stand for themselves, and which need quotes.

use super::ast::{Field, TextField};
use super::text::MetaPath;

/// Units of an interval, in seconds, rising.
pub(super) const UNITS: [(u32, char); 4] = [(1, 's'), (60, 'm'), (3600, 'h'), (86_400, 'd')];

impl TextField {
    /// As a query names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Environment => "env",
            Self::TraceId => "trace_id",
            Self::RequestId => "request_id",
        }
    }
}

impl Field {
    /// The field of this name: one of the known, or a path of the metadata. None for an empty name.
    pub fn named(name: &str) -> Option<Self> {
        known_field(name).or_else(|| MetaPath::new(name).map(Self::Meta))
    }
}

/// The field that a name without quotes means, unless it is a path of the metadata.
pub(super) fn known_field(name: &str) -> Option<Field> {
    Some(match name {
        "level" => Field::Level,
        "ts" | "timestamp" => Field::Ts,
        "message" => Field::Message,
        "service" => Field::Text(TextField::Service),
        "env" | "environment" => Field::Text(TextField::Environment),
        "trace_id" => Field::Text(TextField::TraceId),
        "request_id" => Field::Text(TextField::RequestId),
        _ => return None,
    })
}

/// A name with a meaning of its own before a colon or in the pipe.
fn is_reserved(name: &str) -> bool {
    matches!(name, "has" | "as" | "by" | "every") || known_field(name).is_some()
}

/// A word of the language in either case. Only some are that, in some places; quotes never hurt.
fn is_keyword(text: &str) -> bool {
    ["and", "or", "not", "to"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether a path of the metadata needs no quotes.
pub(super) fn is_plain_path(path: &str) -> bool {
    begins_like_a_name(path)
        && path
            .chars()
            .all(|char| is_plain(char) || matches!(char, '/' | '@' | '$'))
        && !is_reserved(path)
        && !is_keyword(path)
}

/// Whether a name before a colon is one, and not the hour of a time.
pub(super) fn begins_like_a_name(name: &str) -> bool {
    name.starts_with(|char: char| char.is_alphabetic() || matches!(char, '_' | '@' | '$'))
}

/// Whether a text of the message needs no quotes.
pub(super) fn is_plain_word(text: &str) -> bool {
    begins_plainly(text) && text.chars().all(is_plain) && !is_keyword(text)
}

/// Whether a value behind a colon needs no quotes.
pub(super) fn is_plain_value(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    begins_plainly(unsigned)
        && unsigned
            .chars()
            .all(|char| is_plain(char) || matches!(char, '/' | ':' | '@' | '+'))
        && !is_keyword(text)
}

fn begins_plainly(text: &str) -> bool {
    text.starts_with(|char: char| char.is_alphanumeric() || char == '_')
}

fn is_plain(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-' | '.')
}
