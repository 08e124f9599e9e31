//! Lines as records of OpenTelemetry, in protobuf's types and in their JSON.

use std::fmt::Write as _;

use domain::level::Level;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde_json::{Map, Value, json};
use testkit::corpus::Dice;

use crate::random::generate::{self, Line, one_in};
use crate::random::stored;

/// One or two resources, each with one scope.
pub(crate) fn request(
    dice: &mut Dice,
    mut lines: Vec<Line>,
) -> (ExportLogsServiceRequest, Vec<stored::Line>) {
    let rest = lines.split_off(lines.len() / (1 + dice.below(2) as usize));
    let mut stored = Vec::new();
    let groups = [lines, rest].into_iter().filter(|lines| !lines.is_empty());
    let resource_logs = groups.map(|lines| group(dice, lines, &mut stored)).collect();
    (ExportLogsServiceRequest { resource_logs }, stored)
}

fn group(dice: &mut Dice, lines: Vec<Line>, stored: &mut Vec<stored::Line>) -> ResourceLogs {
    let shared = |dice: &mut Dice, prefix: &str| -> Map<String, Value> {
        let count = dice.below(3);
        (0..count)
            .map(|n| {
                (
                    format!("Shared.{n}"),
                    format!("{prefix}{}", generate::text(dice, 20)).into(),
                )
            })
            .collect()
    };
    let (of_resource, of_scope) = (shared(dice, "resource"), shared(dice, "scope"));
    let mut meta = of_resource.clone();
    meta.extend(of_scope.clone());
    let scope = one_in(dice, 2).then(|| {
        meta.insert("otel.scope.name".into(), "random".into());
        "random".to_owned()
    });
    let log_records = lines
        .into_iter()
        .map(|line| {
            let (record, line) = record(dice, line, &meta);
            stored.push(line.stored());
            record
        })
        .collect();
    ResourceLogs {
        resource: Some(Resource {
            attributes: attributes(&of_resource),
            ..Resource::default()
        }),
        scope_logs: vec![ScopeLogs {
            scope: Some(InstrumentationScope {
                name: scope.unwrap_or_default(),
                attributes: attributes(&of_scope),
                ..InstrumentationScope::default()
            }),
            log_records,
            ..ScopeLogs::default()
        }],
        ..ResourceLogs::default()
    }
}

/// The record, and the line with what is stored of it and of what its resource and scope say.
fn record(dice: &mut Dice, mut line: Line, shared: &Map<String, Value>) -> (LogRecord, Line) {
    let (severity_number, within) = match line.level {
        None => (0, 0),
        Some(level) => {
            let within = dice.below(4) as i32;
            (i32::from(level.code()) * 4 + 1 + within, within)
        }
    };
    let trace_id: Vec<u8> = match line.trace_id.take() {
        Some(_) => (0..16).map(|_| 1 + dice.below(255) as u8).collect(),
        None => vec![0; *dice.pick(&[0, 16])],
    };
    let request_id = line.request_id.take();
    let (span_id, flags) = if one_in(dice, 2) {
        (vec![0xAB; 8], 1)
    } else {
        (Vec::new(), 0)
    };
    let as_sent = exact(&Value::Object(line.meta.clone()));
    let Value::Object(mut sent) = as_sent else {
        unreachable!()
    };
    if let Some(id) = request_id {
        sent.insert("request_id".into(), id.into());
    }
    let at = line.nanos as u64;
    let (time, observed) = if one_in(dice, 4) {
        (0, at)
    } else {
        (at, at + 1_000_000)
    };
    let record = LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: observed,
        severity_number,
        severity_text: line
            .level
            .filter(|_| one_in(dice, 2))
            .map_or("", Level::as_str)
            .to_owned(),
        body: Some(AnyValue {
            value: Some(Any::StringValue(line.message.clone())),
        }),
        attributes: attributes(&sent),
        flags,
        trace_id: trace_id.clone(),
        span_id: span_id.clone(),
        ..LogRecord::default()
    };
    line.trace_id = trace_id.iter().any(|byte| *byte != 0).then(|| hex(&trace_id));
    line.meta.clone_from(shared);
    line.meta.extend(sent);
    if within > 0 {
        line.meta.insert("severity_number".into(), severity_number.into());
    }
    if flags > 0 {
        line.meta.insert("flags".into(), flags.into());
        line.meta.insert("span_id".into(), hex(&span_id).into());
    }
    (record, line)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// OpenTelemetry has no whole numbers beyond 64 bits with a sign: a sender writes those as floats.
fn exact(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.as_i64().is_none() => number.as_f64().into(),
        Value::Array(items) => items.iter().map(exact).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), exact(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn attributes(map: &Map<String, Value>) -> Vec<KeyValue> {
    map.iter()
        .map(|(name, value)| KeyValue {
            key: name.clone(),
            value: Some(any(value)),
            ..KeyValue::default()
        })
        .collect()
}

fn any(value: &Value) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(yes) => Some(Any::BoolValue(*yes)),
        Value::Number(number) => Some(match number.as_i64() {
            Some(whole) => Any::IntValue(whole),
            None => Any::DoubleValue(number.as_f64().unwrap()),
        }),
        Value::String(text) => Some(Any::StringValue(text.clone())),
        Value::Array(items) => Some(Any::ArrayValue(ArrayValue {
            values: items.iter().map(any).collect(),
        })),
        Value::Object(map) => Some(Any::KvlistValue(KeyValueList {
            values: attributes(map),
        })),
    };
    AnyValue { value }
}

/// Written by hand, so that a mistake of the library's own writer is not made good by its reader.
pub(crate) fn to_json(dice: &mut Dice, request: &ExportLogsServiceRequest) -> Value {
    let groups = request.resource_logs.iter().map(|group| {
        let scopes = group.scope_logs.iter().map(|logs| {
            let scope = logs.scope.as_ref().unwrap();
            let records: Vec<Value> = logs.log_records.iter().map(|record| record_json(dice, record)).collect();
            json!({"scope": {"name": scope.name, "attributes": pairs(&scope.attributes)}, "logRecords": records})
        });
        let scopes: Vec<Value> = scopes.collect();
        json!({"resource": {"attributes": pairs(&group.resource.as_ref().unwrap().attributes)}, "scopeLogs": scopes})
    });
    let groups: Vec<Value> = groups.collect();
    json!({ "resourceLogs": groups })
}

fn record_json(dice: &mut Dice, record: &LogRecord) -> Value {
    let time = |nanos: u64, as_text: bool| {
        if as_text {
            nanos.to_string().into()
        } else {
            Value::from(nanos)
        }
    };
    let as_text = one_in(dice, 2);
    json!({
        "timeUnixNano": time(record.time_unix_nano, as_text),
        "observedTimeUnixNano": time(record.observed_time_unix_nano, true),
        "severityNumber": record.severity_number, "severityText": record.severity_text,
        "body": any_json(record.body.as_ref().unwrap()),
        "attributes": pairs(&record.attributes), "flags": record.flags,
        "traceId": hex(&record.trace_id), "spanId": hex(&record.span_id).to_uppercase(),
    })
}

fn pairs(attributes: &[KeyValue]) -> Value {
    let pair = |pair: &KeyValue| json!({"key": pair.key, "value": any_json(pair.value.as_ref().unwrap())});
    attributes.iter().map(pair).collect()
}

fn any_json(value: &AnyValue) -> Value {
    match value.value.as_ref() {
        None => json!({}),
        Some(Any::StringValue(text)) => json!({ "stringValue": text }),
        Some(Any::BoolValue(yes)) => json!({ "boolValue": yes }),
        Some(Any::IntValue(number)) => json!({ "intValue": number.to_string() }),
        Some(Any::DoubleValue(number)) => json!({ "doubleValue": number }),
        Some(Any::ArrayValue(list)) => {
            json!({"arrayValue": {"values": list.values.iter().map(any_json).collect::<Vec<_>>()}})
        }
        Some(Any::KvlistValue(map)) => json!({"kvlistValue": {"values": pairs(&map.values)}}),
        Some(Any::BytesValue(_) | Any::StringValueStrindex(_)) => unreachable!("none is made"),
    }
}
