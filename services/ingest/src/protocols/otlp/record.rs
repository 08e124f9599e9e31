//! One OpenTelemetry record in our words.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::level::Level;
use domain::log_record::LineError;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::{Map, Number, Value};

use crate::line::{self, Line};
use crate::protocols::documents::refused;

/// A record in our words, with what its resource and scope say of it.
pub(super) fn line_of(record: LogRecord, shared: &Map<String, Value>) -> Result<Line<'static>, LineError> {
    let timestamp = match (record.time_unix_nano, record.observed_time_unix_nano) {
        (0, 0) => None,
        (0, nanos) | (nanos, _) => {
            let at = line::at_nanos(nanos.into());
            Some(at.ok_or_else(|| refused("timestamp", "is in no calendar"))?)
        }
    };
    let mut meta = shared.clone();
    add_attributes(&mut meta, record.attributes);
    let level = level_of(record.severity_number, record.severity_text, &mut meta);
    for (name, value) in [
        ("span_id", Value::from(hex(&record.span_id))),
        ("event_name", record.event_name.as_str().into()),
        ("flags", record.flags.into()),
        ("dropped_attributes_count", record.dropped_attributes_count.into()),
    ] {
        if value != "" && value != 0 {
            meta.insert(name.to_owned(), value);
        }
    }
    let message = match record.body.map(plain) {
        None | Some(Value::Null) => record.event_name,
        Some(body) => line::text_of(body),
    };
    Ok(Line {
        timestamp,
        level,
        message: message.into(),
        meta,
        trace_id: Some(hex(&record.trace_id).into()),
    })
}

/// By the number, which has one meaning everywhere; else by the text, if it is a level's name. What the level does not say
/// goes into `meta`.
fn level_of(number: i32, text: String, meta: &mut Map<String, Value>) -> Option<Level> {
    let named = text.parse::<Level>().ok();
    let level = match number {
        1..=4 => Some(Level::Trace),
        5..=8 => Some(Level::Debug),
        9..=12 => Some(Level::Info),
        13..=16 => Some(Level::Warn),
        17..=20 => Some(Level::Error),
        21..=24 => Some(Level::Fatal),
        _ => named,
    };
    if !matches!(number, 0 | 1 | 5 | 9 | 13 | 17 | 21) {
        meta.insert("severity_number".to_owned(), number.into());
    }
    if !text.is_empty() && (level.is_none() || named != level) {
        meta.insert("severity_text".to_owned(), text.into());
    }
    level
}

pub(super) fn add_attributes(meta: &mut Map<String, Value>, attributes: Vec<KeyValue>) {
    for KeyValue { key, value, .. } in attributes {
        meta.insert(key, value.map_or(Value::Null, plain));
    }
}

/// A value as JSON would write it. Bytes are base64, as in OTLP's own JSON.
fn plain(value: AnyValue) -> Value {
    match value.value {
        // An index into a dictionary belongs to profiles; logs have none.
        None | Some(Any::StringValueStrindex(_)) => Value::Null,
        Some(Any::StringValue(text)) => text.into(),
        Some(Any::BoolValue(yes)) => yes.into(),
        Some(Any::IntValue(number)) => number.into(),
        Some(Any::DoubleValue(number)) => number_or_name(number),
        Some(Any::ArrayValue(list)) => list.values.into_iter().map(plain).collect(),
        Some(Any::KvlistValue(list)) => {
            let mut map = Map::new();
            add_attributes(&mut map, list.values);
            Value::Object(map)
        }
        Some(Any::BytesValue(bytes)) => BASE64_STANDARD.encode(bytes).into(),
    }
}

/// JSON has no number for these three; protobuf's JSON writes their names.
fn number_or_name(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => "NaN".into(),
        None if number > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// Empty for an id that is all zeros, which means "none".
fn hex(id: &[u8]) -> String {
    use std::fmt::Write as _;

    if id.iter().all(|byte| *byte == 0) {
        return String::new();
    }
    id.iter()
        .fold(String::with_capacity(2 * id.len()), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[rstest::rstest]
    #[case(9, "", Some(Level::Info), json!({}))]
    #[case(10, "notice", Some(Level::Info), json!({"severity_number": 10}))]
    #[case(17, "Oh no", Some(Level::Error), json!({"severity_text": "Oh no"}))]
    #[case(0, "Information", Some(Level::Info), json!({}))]
    #[case(0, "loud", None, json!({"severity_text": "loud"}))]
    #[case(24, "FATAL", Some(Level::Fatal), json!({"severity_number": 24}))]
    #[case(99, "warn", Some(Level::Warn), json!({"severity_number": 99}))]
    #[case(-1, "", None, json!({"severity_number": -1}))]
    fn a_severity_is_a_level_and_what_it_says_beyond_is_kept(
        #[case] number: i32,
        #[case] text: &str,
        #[case] level: Option<Level>,
        #[case] rest: Value,
    ) {
        let mut meta = Map::new();
        assert_eq!(level_of(number, text.to_owned(), &mut meta), level);
        assert_eq!(Value::Object(meta), rest);
    }
}
