//! Records that are JSON objects, each read by itself, and the fields that loggers agree on in them.

use actix_web::web::Bytes;
use domain::log_record::LineError;
use serde_json::{Map, Value};

use super::places::{self, Places};
use crate::line::{self, Line};
use crate::unpack::{Records, Sink};

/// Makes a line of a document and of what its group has in common.
pub(super) type Convert<G> = fn(Map<String, Value>, &G) -> Result<Line<'static>, LineError>;

/// A body whose records are JSON objects.
#[derive(Debug)]
pub(crate) struct Documents<G, O = ()> {
    places: Places<G>,
    convert: Convert<G>,
    outline: O,
}

impl<G, O> Documents<G, O> {
    pub(super) fn new(places: Places<G>, convert: Convert<G>, outline: O) -> Self {
        Self {
            places,
            convert,
            outline,
        }
    }

    fn read(&self, group: usize, json: &[u8], sink: &Sink<'_>) -> Result<Line<'static>, LineError> {
        if let Some(reason) = places::too_long(json.len(), sink.rules()) {
            return Err(refused("", reason));
        }
        let value = parse(json).map_err(|error| refused("", format!("is not valid JSON: {error}")))?;
        let (Value::Object(fields), Some(group)) = (value, self.places.group(group)) else {
            return Err(refused("", "must be a JSON object"));
        };
        (self.convert)(fields, group)
    }
}

impl<G: Send + 'static, O: Send + 'static> Records for Documents<G, O> {
    type Outline = O;

    fn count(&self) -> u32 {
        self.places.count()
    }

    fn body(&self) -> &[u8] {
        &self.places.body
    }

    fn read_into(&self, sink: &mut Sink<'_>) {
        for (index, group, json) in self.places.iter() {
            if sink.is_full() {
                return;
            }
            match self.read(group, json, sink) {
                Ok(line) => sink.line(index, &line),
                Err(LineError { field, reason }) => sink.refuse(index, field, reason),
            }
        }
    }

    fn into_outline(self) -> O {
        self.outline
    }
}

pub(super) fn refused(field: &str, reason: impl Into<String>) -> LineError {
    LineError {
        field: field.to_owned(),
        reason: reason.into(),
    }
}

/// Text that is not UTF-8 is read with U+FFFD in place of the bad bytes.
pub(super) fn parse(json: &[u8]) -> serde_json::Result<Value> {
    match std::str::from_utf8(json) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_str(&String::from_utf8_lossy(json)),
    }
}

/// Without a byte order mark.
pub(super) fn without_bom(body: Bytes) -> Bytes {
    if body.starts_with(b"\xEF\xBB\xBF") {
        body.slice(3..)
    } else {
        body
    }
}

/// Takes the first of these fields that is there and not `null`. A dotted name is looked for as it is, and as a path into
/// objects.
pub(super) fn take(fields: &mut Map<String, Value>, names: &[&str]) -> Option<Value> {
    names
        .iter()
        .find_map(|name| take_path(fields, name))
        .filter(|value| !value.is_null())
}

fn take_path(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    if fields.get(name).is_some_and(|value| !value.is_null()) {
        return fields.remove(name);
    }
    let (first, rest) = name.split_once('.')?;
    let inner = fields.get_mut(first)?.as_object_mut()?;
    let value = take_path(inner, rest)?;
    if inner.is_empty() {
        fields.remove(first);
    }
    Some(value)
}

/// Takes a text that is not blank out of the first of these fields that holds one.
pub(super) fn take_text(fields: &mut Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match take_path(fields, name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text),
        other => {
            put_back(fields, name, other);
            None
        }
    })
}

/// The level that the first of these fields names; one that names none stays where it is.
pub(super) fn take_level(fields: &mut Map<String, Value>, names: &[&str]) -> Option<domain::level::Level> {
    names.iter().find_map(|name| {
        let value = take_path(fields, name)?;
        let level = value.as_str().and_then(|text| text.parse().ok());
        if level.is_none() {
            put_back(fields, name, value);
        }
        level
    })
}

fn put_back(fields: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        Some((first, rest)) if fields.get(first).is_some_and(Value::is_object) => {
            if let Some(inner) = fields.get_mut(first).and_then(Value::as_object_mut) {
                put_back(inner, rest, value);
            }
        }
        _ => {
            fields.insert(name.to_owned(), value);
        }
    }
}

/// The message of a document, in the first of these fields, without the line feed that some shippers leave at its end. One
/// that has structure, or a document without any, is its own message, as JSON; its fields can then be searched all the same.
pub(super) fn take_message(fields: &mut Map<String, Value>, names: &[&str]) -> String {
    if let Some(mut text) = take_text(fields, names) {
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        return text;
    }
    let first = names.first().and_then(|name| fields.get(*name));
    match first {
        Some(structure @ (Value::Object(_) | Value::Array(_))) => structure.to_string(),
        Some(Value::Bool(_) | Value::Number(_)) => take(fields, names).map(line::text_of).unwrap_or_default(),
        Some(Value::Null | Value::String(_)) | None if fields.is_empty() => String::new(),
        Some(Value::Null | Value::String(_)) | None => Value::Object(fields.clone()).to_string(),
    }
}

/// A time in one of the ways that JSON loggers write it: where the zone is missing it is UTC, and a number may be a text.
/// Anything else is left for the rules of a line to refuse.
pub(super) fn time_of(value: Value) -> Value {
    let Value::String(text) = value else {
        return value;
    };
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<u64>().map_or(Value::String(text), Value::from);
    }
    let parts = text.split_once(['T', 't', ' ']);
    let Some((date, time)) = parts.filter(|_| text.starts_with(|first: char| first.is_ascii_digit())) else {
        return Value::String(text);
    };
    // 2026-01-31T12:00:00.123+0100, as Java writes it.
    let zone = time.rfind(['Z', 'z', '+', '-']);
    let zoned = match zone {
        None => format!("{date}T{time}Z"),
        Some(at) => match (time.get(..at), time.get(at..)) {
            (Some(clock), Some(zone)) if zone.len() == 5 && !zone.contains(':') => {
                let (hours, minutes) = zone.split_at(3);
                format!("{date}T{clock}{hours}:{minutes}")
            }
            _ => format!("{date}T{time}"),
        },
    };
    Value::String(zoned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_field_is_found_dotted_and_nested() {
        let mut fields =
            map(json!({"log.level": "warn", "trace": {"id": "t"}, "log": {"file": 1, "level": "info"}}));
        assert_eq!(take(&mut fields, &["log.level"]), Some(json!("warn")));
        assert_eq!(take(&mut fields, &["log.level"]), Some(json!("info")));
        assert_eq!(take(&mut fields, &["trace.id"]), Some(json!("t")));
        assert_eq!(Value::Object(fields), json!({"log": {"file": 1}}));
    }

    #[test]
    fn what_is_not_understood_stays_in_its_place() {
        let mut fields = map(json!({"log": {"level": "loud", "x": 1}, "level": 7, "severity": "error"}));
        let before = fields.clone();
        assert_eq!(take_level(&mut fields, &["log.level", "level"]), None);
        assert_eq!(fields, before);
        assert_eq!(
            take_level(&mut fields, &["log.level", "severity"]),
            Some(domain::level::Level::Error)
        );
    }

    #[rstest::rstest]
    #[case(json!("2026-01-31T12:00:00.123Z"), json!("2026-01-31T12:00:00.123Z"))]
    #[case(json!("2026-01-31 12:00:00"), json!("2026-01-31T12:00:00Z"))]
    #[case(json!("2026-01-31T12:00:00.123"), json!("2026-01-31T12:00:00.123Z"))]
    #[case(json!("2026-01-31T12:00:00+0130"), json!("2026-01-31T12:00:00+01:30"))]
    #[case(json!("2026-01-31T12:00:00-01:30"), json!("2026-01-31T12:00:00-01:30"))]
    #[case(json!("1795348800000"), json!(1_795_348_800_000_u64))]
    #[case(json!("yesterday"), json!("yesterday"))]
    #[case(json!(12.5), json!(12.5))]
    #[case(json!("T+1€00"), json!("T+1€00"))]
    fn a_time_is_read_as_loggers_write_it(#[case] written: Value, #[case] expected: Value) {
        assert_eq!(time_of(written), expected);
    }

    #[test]
    fn a_document_without_a_message_is_its_own() {
        let mut fields = map(json!({"a": 1}));
        assert_eq!(take_message(&mut fields, &["message"]), r#"{"a":1}"#);
        assert_eq!(take_message(&mut Map::new(), &["message"]), "");
        let mut fields = map(json!({"message": {"b": 2}, "log": "text\r\n"}));
        assert_eq!(take_message(&mut fields, &["message", "log"]), "text");
        assert_eq!(take_message(&mut fields, &["message"]), r#"{"b":2}"#);
        assert_eq!(Value::Object(fields), json!({"message": {"b": 2}}));
        let mut fields = map(json!({"message": 7, "a": 1}));
        assert_eq!(take_message(&mut fields, &["message"]), "7");
        assert_eq!(Value::Object(fields), json!({"a": 1}));
    }
}
