//! Lines in the words of each protocol, and what each then promises to store of them (see the service's README).

use std::fmt::Write as _;

use prost::Message as _;
use serde_json::{Map, Value, json};
use testkit::corpus::Dice;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::loki;
use crate::random::generate::{self, Line, one_in};
use crate::random::{otlp, stored};

/// A request and what it should store.
pub(crate) struct Body {
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) stored: Vec<stored::Line>,
}

impl Body {
    pub(crate) fn new(
        path: &'static str,
        content_type: &'static str,
        bytes: impl Into<Vec<u8>>,
        stored: Vec<stored::Line>,
    ) -> Self {
        Self {
            path,
            content_type,
            bytes: bytes.into(),
            stored,
        }
    }
}

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
const PROTOBUF: &str = "application/x-protobuf";

/// Turns lines into texts and what they should be stored as.
fn each(
    dice: &mut Dice,
    lines: Vec<Line>,
    write: impl Fn(&mut Dice, Line) -> (String, stored::Line),
) -> (Vec<String>, Vec<stored::Line>) {
    lines.into_iter().map(|line| write(dice, line)).unzip()
}

/// RFC 3339 with nine decimals, in any zone.
pub(crate) fn rfc3339(dice: &mut Dice, nanos: i128) -> String {
    let offset = time::UtcOffset::from_whole_seconds(dice.below(27 * 60) as i32 * 60 - 13 * 3600).unwrap();
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap();
    at.to_offset(offset).format(&Rfc3339).unwrap()
}

/// A level by one of its names.
fn level_name(dice: &mut Dice, line: &Line) -> Option<String> {
    let name = line.level?.as_str();
    Some(match dice.below(3) {
        0 => name.to_uppercase(),
        _ => name.to_owned(),
    })
}

pub(crate) fn native_json(dice: &mut Dice, lines: Vec<Line>) -> Body {
    const PATH: &str = crate::test_app::INGEST;
    let (texts, stored) = each(dice, lines, native);
    let bytes = match dice.below(3) {
        0 if texts.len() == 1 => texts[0].clone(),
        0 | 1 => format!(" {{ \"logs\" : [ {} ] }}", texts.join(" ,\n")),
        _ => format!("\u{FEFF}[{}]\n", texts.join(",")),
    };
    Body::new(PATH, JSON, bytes, stored)
}

pub(crate) fn ndjson(dice: &mut Dice, lines: Vec<Line>) -> Body {
    let (texts, stored) = each(dice, lines, native);
    let bytes = texts.join::<&str>(*dice.pick(&["\n", "\r\n", "\n\n"]));
    Body::new(crate::test_app::INGEST, NDJSON, bytes, stored)
}

/// Fields that are not known belong to `meta` too.
fn native(dice: &mut Dice, mut line: Line) -> (String, stored::Line) {
    let timestamp = match dice.below(4) {
        0 => Value::from(line.nanos as u64),
        1 => Value::from(line.micros() as u64),
        2 => {
            line.round_to(1_000_000);
            Value::from((line.nanos / 1_000_000) as u64)
        }
        _ => rfc3339(dice, line.nanos).into(),
    };
    let stored = line.stored();
    let mut fields = Map::new();
    let apart = one_in(dice, 3);
    let (inside, beside): (Map<_, _>, Map<_, _>) = line
        .meta
        .clone()
        .into_iter()
        .partition(|_| !apart || one_in(dice, 2));
    fields.extend(beside);
    if !inside.is_empty() || one_in(dice, 2) {
        fields.insert("meta".into(), Value::Object(inside));
    }
    fields.insert("timestamp".into(), timestamp);
    fields.insert("message".into(), line.message.as_str().into());
    if let Some(level) = level_name(dice, &line) {
        fields.insert("level".into(), level.into());
    }
    for (name, id) in [("trace_id", line.trace_id), ("request_id", line.request_id)] {
        if let Some(id) = id {
            fields.insert(name.into(), id.into());
        }
    }
    (generate::json(dice, &Value::Object(fields)), stored)
}

pub(crate) fn otlp_json(dice: &mut Dice, lines: Vec<Line>) -> Body {
    let (request, stored) = otlp::request(dice, lines);
    let json = otlp::to_json(dice, &request);
    Body::new("/v1/logs", JSON, generate::json(dice, &json), stored)
}

pub(crate) fn otlp_protobuf(dice: &mut Dice, lines: Vec<Line>) -> Body {
    let (request, stored) = otlp::request(dice, lines);
    Body::new("/v1/logs", PROTOBUF, request.encode_to_vec(), stored)
}

const PUSH: &str = "/loki/api/v1/push";

/// Streams of one to a few lines; level and trace id may be a label or metadata, of which there may be anything in JSON.
pub(crate) fn loki_json(dice: &mut Dice, lines: Vec<Line>) -> Body {
    let (mut streams, mut stored) = (Vec::new(), Vec::new());
    for lines in streams_of(dice, lines) {
        let labels = labels(dice);
        let mut values = Vec::new();
        for line in lines {
            let (metadata, line) = loki_metadata(dice, line, &labels);
            stored.push(line.stored());
            let nanos = if one_in(dice, 4) {
                json!(line.nanos as u64)
            } else {
                line.nanos.to_string().into()
            };
            values.push(match metadata {
                metadata if metadata.is_empty() => json!([nanos, line.message]),
                metadata => json!([nanos, line.message, metadata]),
            });
        }
        streams.push(json!({"stream": labels, "values": values}));
    }
    let bytes = generate::json(dice, &json!({ "streams": streams }));
    Body::new(PUSH, JSON, bytes, stored)
}

pub(crate) fn loki_protobuf(dice: &mut Dice, lines: Vec<Line>) -> Body {
    let (mut streams, mut stored) = (Vec::new(), Vec::new());
    for lines in streams_of(dice, lines) {
        let labels = labels(dice);
        let mut entries = Vec::new();
        for line in lines {
            let (metadata, line) = loki_metadata(dice, line, &labels);
            stored.push(line.stored());
            entries.push(loki::Entry {
                timestamp: Some(loki::Timestamp {
                    seconds: line.nanos.div_euclid(1_000_000_000) as i64,
                    nanos: line.nanos.rem_euclid(1_000_000_000) as i32,
                }),
                line: line.message,
                structured_metadata: metadata
                    .into_iter()
                    .map(|(name, value)| loki::Pair {
                        name,
                        value: value.as_str().unwrap().to_owned(),
                    })
                    .collect(),
            });
        }
        let pairs: Vec<_> = labels
            .iter()
            .map(|(name, value)| format!("{name}={}", quoted(dice, value.as_str().unwrap())))
            .collect();
        streams.push(loki::stream(&format!("{{{}}}", pairs.join(", ")), entries));
    }
    Body::new(PUSH, PROTOBUF, loki::snappy(streams), stored)
}

/// As JSON does it, or as Go's `strconv.Quote`.
fn quoted(dice: &mut Dice, text: &str) -> String {
    if one_in(dice, 2) {
        return Value::from(text).to_string();
    }
    let mut quoted = String::from('"');
    for character in text.chars() {
        let _ = match character {
            '"' | '\\' => write!(quoted, "\\{character}"),
            '\x07' => write!(quoted, "\\a"),
            '\x0B' => write!(quoted, "\\v"),
            '\n' => write!(quoted, "\\n"),
            '\0'..' ' | '\x7F' => write!(quoted, "\\x{:02x}", u32::from(character)),
            '\u{80}'..='\u{FFFF}' if one_in(dice, 2) => write!(quoted, "\\u{:04x}", u32::from(character)),
            '\u{10000}'.. if one_in(dice, 2) => write!(quoted, "\\U{:08x}", u32::from(character)),
            _ => write!(quoted, "{character}"),
        };
    }
    quoted + "\""
}

fn streams_of(dice: &mut Dice, mut lines: Vec<Line>) -> Vec<Vec<Line>> {
    let mut streams = Vec::new();
    while !lines.is_empty() {
        let rest = lines.split_off(lines.len().min(1 + dice.below(30) as usize));
        streams.push(std::mem::replace(&mut lines, rest));
    }
    streams
}

fn labels(dice: &mut Dice) -> Map<String, Value> {
    (0..dice.below(4))
        .map(|_| {
            (
                format!("label_{}", dice.below(5)),
                generate::text(dice, 30).into(),
            )
        })
        .collect()
}

/// The metadata of an entry, and the line with the labels.
fn loki_metadata(dice: &mut Dice, mut line: Line, labels: &Map<String, Value>) -> (Map<String, Value>, Line) {
    let mut metadata = line.meta.clone();
    if let Some(level) = level_name(dice, &line) {
        let name = *dice.pick(&["level", "severity", "detected_level"]);
        metadata.insert(name.into(), level.into());
    }
    if let Some(id) = &line.trace_id {
        metadata.insert(
            (*dice.pick(&["trace_id", "traceID", "traceId"])).into(),
            id.as_str().into(),
        );
    }
    if let Some(id) = line.request_id.take() {
        metadata.insert("request_id".into(), id.as_str().into());
        line.meta.insert("request_id".into(), id.into());
    }
    for (name, value) in labels {
        line.meta.entry(name.as_str()).or_insert(value.clone());
    }
    (metadata, line)
}

/// Documents of shippers that follow ECS, more or less. A line feed at the end of a message is the shipper's.
pub(crate) fn elasticsearch(dice: &mut Dice, lines: Vec<Line>) -> Body {
    let path = *dice.pick(&["/_bulk", "/logs-random/_bulk"]);
    let (texts, stored) = each(dice, lines, |dice, mut line| {
        let index = if one_in(dice, 3) {
            Some("logs-other")
        } else {
            (path != "/_bulk").then_some("logs-random")
        };
        let action = if index == Some("logs-other") {
            r#"{"_index":"logs-other"}"#
        } else {
            "{}"
        };
        let action = format!(r#"{{"{}":{action}}}"#, dice.pick(&["create", "index"]));
        let (name, time) = match dice.below(4) {
            0 => {
                line.round_to(1_000_000);
                ("timestamp", Value::from((line.nanos / 1_000_000).to_string()))
            }
            1 => (
                "@timestamp",
                utc(line.nanos).trim_end_matches('Z').replace('T', " ").into(),
            ),
            _ => ("@timestamp", rfc3339(dice, line.nanos).into()),
        };
        let mut fields = document(
            dice,
            &mut line,
            &["log.level", "level", "severity"],
            &["trace.id", "trace_id", "traceId"],
        );
        fields.insert(name.into(), time);
        let name = message_name(dice, &fields, &["message", "log", "event.original", "msg"]);
        put(dice, &mut fields, name, line.message.as_str().into());
        line.message
            .truncate(line.message.trim_end_matches(['\r', '\n']).len());
        if let Some(index) = index {
            line.meta.insert("index".into(), index.into());
        }
        (
            format!("{action}\n{}\n", generate::json(dice, &Value::Object(fields))),
            line.stored(),
        )
    });
    Body::new(path, NDJSON, texts.concat(), stored)
}

fn utc(nanos: i128) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .unwrap()
        .format(&Rfc3339)
        .unwrap()
}

/// Metadata, level and ids as fields of a document.
fn document(dice: &mut Dice, line: &mut Line, levels: &[&str], traces: &[&str]) -> Map<String, Value> {
    if let Some(id) = line.request_id.take() {
        line.meta.insert("request_id".into(), id.into());
    }
    let mut fields = line.meta.clone();
    if let Some(level) = level_name(dice, line) {
        let name = *dice.pick(levels);
        put(dice, &mut fields, name, level.into());
    }
    if let Some(id) = &line.trace_id {
        let name = *dice.pick(traces);
        put(dice, &mut fields, name, id.as_str().into());
    }
    fields
}

/// One that is not taken: `log` is also where some put the level.
fn message_name<'a>(dice: &mut Dice, fields: &Map<String, Value>, names: &[&'a str]) -> &'a str {
    let name = *dice.pick(names);
    if fields.contains_key(name) {
        "message"
    } else {
        name
    }
}

/// A dotted name stands as it is, or as a path.
fn put(dice: &mut Dice, fields: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        Some((first, rest)) if one_in(dice, 2) && !fields.contains_key(first) => {
            fields.insert(first.into(), json!({ rest: value }));
        }
        _ => {
            fields.insert(name.into(), value);
        }
    }
}

/// The event is a text or an object; what is known of it stands in the event, in `fields`, or beside them.
pub(crate) fn splunk(dice: &mut Dice, lines: Vec<Line>) -> Body {
    let (texts, stored) = each(dice, lines, |dice, mut line| {
        let time = match dice.below(4) {
            0 => {
                line.round_to(1_000_000);
                Value::from((line.nanos / 1_000_000) as u64)
            }
            1 => format!("{}.{:09}", line.nanos / 1_000_000_000, line.nanos % 1_000_000_000).into(),
            _ => format!("{}.{:06}", line.nanos / 1_000_000_000, line.micros() % 1_000_000).into(),
        };
        let levels = ["level", "severity", "log.level"];
        let mut inner = document(dice, &mut line, &levels, &["trace_id", "trace.id", "traceId"]);
        let mut outer = Map::from_iter([("time".to_owned(), time)]);
        if one_in(dice, 2) {
            for (name, value) in [("host", "h-1"), ("sourcetype", "random")] {
                outer.insert(name.into(), value.into());
                line.meta.insert(name.into(), value.into());
            }
        }
        if one_in(dice, 2) {
            outer.insert("event".into(), line.message.as_str().into());
            outer.insert("fields".into(), inner.into());
        } else {
            inner.insert(
                message_name(dice, &inner, &["message", "msg", "line", "log"]).into(),
                line.message.as_str().into(),
            );
            outer.insert("event".into(), inner.into());
            line.message
                .truncate(line.message.trim_end_matches(['\r', '\n']).len());
        }
        (generate::json(dice, &Value::Object(outer)), line.stored())
    });
    let bytes = match dice.below(3) {
        0 => format!("[{}]", texts.join(",")),
        _ => texts.join::<&str>(*dice.pick(&["", "\n", " \r\n"])),
    };
    Body::new("/services/collector/event", JSON, bytes, stored)
}

pub(crate) fn datadog(dice: &mut Dice, lines: Vec<Line>) -> Body {
    let (texts, stored) = each(dice, lines, |dice, mut line| {
        let time = match dice.below(2) {
            0 => {
                line.round_to(1_000_000);
                Value::from((line.nanos / 1_000_000) as u64)
            }
            _ => rfc3339(dice, line.nanos).into(),
        };
        let mut fields = document(
            dice,
            &mut line,
            &["status", "level", "severity"],
            &["dd.trace_id", "trace_id"],
        );
        fields.insert((*dice.pick(&["timestamp", "@timestamp", "date"])).into(), time);
        fields.insert(
            (*dice.pick(&["message", "msg"])).into(),
            line.message.as_str().into(),
        );
        line.message
            .truncate(line.message.trim_end_matches(['\r', '\n']).len());
        (generate::json(dice, &Value::Object(fields)), line.stored())
    });
    Body::new("/api/v2/logs", JSON, format!("[{}]", texts.join(", ")), stored)
}
