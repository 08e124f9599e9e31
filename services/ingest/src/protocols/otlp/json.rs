//! OTLP's JSON, read leniently: `null` is the same as nothing, numbers may be texts, names may be written as in the proto
//! files, and what is unknown is passed over. A value of the wrong kind costs its record, and names its field.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::log_record::LineError;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde_json::{Map, Value};

use crate::protocols::documents::refused;

pub(super) fn record(value: Value) -> Result<LogRecord, LineError> {
    let mut fields = object("", value)?;
    Ok(LogRecord {
        time_unix_nano: number(&mut fields, "timeUnixNano", "time_unix_nano")?,
        observed_time_unix_nano: number(&mut fields, "observedTimeUnixNano", "observed_time_unix_nano")?,
        severity_number: severity(take(&mut fields, "severityNumber", "severity_number"))?,
        severity_text: text(&mut fields, "severityText", "severity_text")?,
        body: match take(&mut fields, "body", "body") {
            Value::Null => None,
            body => Some(any("body", body)?),
        },
        attributes: attributes("attributes", take(&mut fields, "attributes", "attributes"))?,
        dropped_attributes_count: number(&mut fields, "droppedAttributesCount", "dropped_attributes_count")?,
        flags: number(&mut fields, "flags", "flags")?,
        trace_id: id(&mut fields, "traceId", "trace_id")?,
        span_id: id(&mut fields, "spanId", "span_id")?,
        event_name: text(&mut fields, "eventName", "event_name")?,
    })
}

pub(super) fn resource(value: Value) -> Result<Resource, LineError> {
    let mut fields = object("resource", value)?;
    Ok(Resource {
        attributes: attributes(
            "resource.attributes",
            take(&mut fields, "attributes", "attributes"),
        )?,
        ..Resource::default()
    })
}

pub(super) fn scope(value: Value) -> Result<InstrumentationScope, LineError> {
    let mut fields = object("scope", value)?;
    Ok(InstrumentationScope {
        name: text(&mut fields, "name", "name")?,
        version: text(&mut fields, "version", "version")?,
        attributes: attributes("scope.attributes", take(&mut fields, "attributes", "attributes"))?,
        dropped_attributes_count: 0,
    })
}

fn take(fields: &mut Map<String, Value>, name: &str, proto_name: &str) -> Value {
    fields
        .remove(name)
        .or_else(|| fields.remove(proto_name))
        .unwrap_or_default()
}

fn object(field: &str, value: Value) -> Result<Map<String, Value>, LineError> {
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err(refused(field, "must be a JSON object")),
    }
}

fn list(field: &str, value: Value) -> Result<Vec<Value>, LineError> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        _ => Err(refused(field, "must be an array")),
    }
}

fn text(fields: &mut Map<String, Value>, name: &str, proto_name: &str) -> Result<String, LineError> {
    match take(fields, name, proto_name) {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        _ => Err(refused(name, "must be a text")),
    }
}

/// Protobuf's JSON writes 64-bit numbers as texts.
fn number<N: TryFrom<u64> + Default>(
    fields: &mut Map<String, Value>,
    name: &str,
    proto_name: &str,
) -> Result<N, LineError> {
    let number = match take(fields, name, proto_name) {
        Value::Null => return Ok(N::default()),
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| refused(name, "must be a whole number, not below 0"))
}

fn severity(value: Value) -> Result<i32, LineError> {
    let number = match value {
        Value::Null => Some(0),
        Value::Number(number) => number.as_i64().and_then(|number| i32::try_from(number).ok()),
        Value::String(text) => SeverityNumber::from_str_name(&text)
            .map(i32::from)
            .or_else(|| text.parse().ok()),
        _ => None,
    };
    number.ok_or_else(|| refused("severityNumber", "must be a number from 1 to 24"))
}

/// Ids are hex here, unlike other bytes.
fn id(fields: &mut Map<String, Value>, name: &str, proto_name: &str) -> Result<Vec<u8>, LineError> {
    let text = text(fields, name, proto_name)?;
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 => Ok(digits
            .chunks_exact(2)
            .map(|pair| (pair[0] * 16 + pair[1]) as u8)
            .collect()),
        _ => Err(refused(name, "must be an even number of hex digits")),
    }
}

fn attributes(field: &str, value: Value) -> Result<Vec<KeyValue>, LineError> {
    let pairs = list(field, value)?.into_iter().map(|pair| {
        let mut fields = object(field, pair)?;
        Ok(KeyValue {
            key: text(&mut fields, "key", "key")?,
            value: Some(any(field, take(&mut fields, "value", "value"))?),
            ..KeyValue::default()
        })
    });
    pairs.collect()
}

/// As deep as the JSON parser goes, which is 128 levels. A kind that is not known is no value.
fn any(field: &str, value: Value) -> Result<AnyValue, LineError> {
    for (kind, value) in object(field, value)? {
        if value.is_null() {
            continue;
        }
        if let Some(value) = any_of_kind(field, &kind, value)? {
            return Ok(AnyValue { value: Some(value) });
        }
    }
    Ok(AnyValue::default())
}

fn any_of_kind(field: &str, kind: &str, value: Value) -> Result<Option<Any>, LineError> {
    let wrong = |what: &str| refused(field, format!("has a {kind} that is not {what}"));
    let value = match (kind, value) {
        ("stringValue" | "string_value", Value::String(text)) => Any::StringValue(text),
        ("stringValue" | "string_value", _) => return Err(wrong("a text")),
        ("boolValue" | "bool_value", Value::Bool(yes)) => Any::BoolValue(yes),
        ("boolValue" | "bool_value", _) => return Err(wrong("true or false")),
        ("intValue" | "int_value", value) => {
            let number = match value {
                Value::Number(number) => number.as_i64(),
                Value::String(text) => text.parse().ok(),
                _ => None,
            };
            Any::IntValue(number.ok_or_else(|| wrong("a 64-bit whole number"))?)
        }
        ("doubleValue" | "double_value", value) => {
            let number = match value {
                Value::Number(number) => number.as_f64(),
                // Rust reads the three names that JSON has no numbers for.
                Value::String(text) => text.parse().ok(),
                _ => None,
            };
            Any::DoubleValue(number.ok_or_else(|| wrong("a number"))?)
        }
        ("arrayValue" | "array_value", value) => {
            let items = take(&mut object(field, value)?, "values", "values");
            let values = list(field, items)?.into_iter().map(|item| any(field, item));
            Any::ArrayValue(ArrayValue {
                values: values.collect::<Result<_, _>>()?,
            })
        }
        ("kvlistValue" | "kvlist_value", value) => {
            let pairs = take(&mut object(field, value)?, "values", "values");
            Any::KvlistValue(KeyValueList {
                values: attributes(field, pairs)?,
            })
        }
        ("bytesValue" | "bytes_value", value) => {
            let bytes = value.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
            Any::BytesValue(bytes.ok_or_else(|| wrong("base64"))?)
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}
