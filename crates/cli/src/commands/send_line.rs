//! A line of standard input, as a log line.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::{Map, Number, Value};
use sightline::{Level, Record};

use crate::args::InputFormat;

/// What every line gets.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) format: InputFormat,
    pub(crate) level: Level,
    pub(crate) fields: Vec<(String, Value)>,
}

impl Defaults {
    /// `None` for a blank line; an error says why it is no log line.
    pub(crate) fn record(&self, line: &str) -> Result<Option<Record>, String> {
        if line.trim().is_empty() {
            return Ok(None);
        }
        let native = match self.format {
            InputFormat::Text => None,
            InputFormat::Json => Some(self.native(line)?),
            // What only looks like a line of ours is text, whole as it is.
            InputFormat::Auto => self.native(line).ok(),
        };
        Ok(Some(native.unwrap_or_else(|| {
            self.with_fields(Record::new(self.level, line), Map::new())
        })))
    }

    /// As ingest reads its own form: other fields go into `meta`.
    fn native(&self, line: &str) -> Result<Record, String> {
        if !line.trim_start().starts_with('{') {
            return Err("is no JSON object".to_owned());
        }
        let mut fields: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| format!("is no JSON object: {error}"))?;
        let Some(Value::String(message)) = fields.remove("message") else {
            return Err("has no message that is a text".to_owned());
        };
        let level = match fields.remove("level") {
            None | Some(Value::Null) => self.level,
            Some(Value::String(name)) => level(&name)?,
            Some(_) => return Err("has a level that is no text".to_owned()),
        };
        let mut record = Record::new(level, message);
        if let Some(at) = fields.remove("timestamp").filter(|at| !at.is_null()) {
            record = record.timestamp(
                timestamp(&at).ok_or("has a timestamp that is none: RFC 3339, or a number since 1970")?,
            );
        }
        for (name, set) in [
            ("trace_id", Record::trace_id as fn(Record, String) -> Record),
            ("request_id", Record::request_id),
        ] {
            match fields.remove(name) {
                None | Some(Value::Null) => {}
                Some(Value::String(id)) => record = set(record, id),
                Some(_) => return Err(format!("has a {name} that is no text")),
            }
        }
        let meta = match fields.remove("meta") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(meta)) => meta,
            Some(_) => return Err("has a meta that is no object".to_owned()),
        };
        // What is in meta already wins over a field beside it.
        fields.extend(meta);
        Ok(self.with_fields(record, fields))
    }

    fn with_fields(&self, record: Record, mut meta: Map<String, Value>) -> Record {
        for (name, value) in &self.fields {
            meta.entry(name).or_insert_with(|| value.clone());
        }
        record.meta(meta)
    }
}

/// Reads the names that ingest reads.
pub(crate) fn level(name: &str) -> Result<Level, String> {
    match name.trim().to_ascii_lowercase().as_str() {
        "trace" | "verbose" | "finest" | "finer" => Ok(Level::Trace),
        "debug" | "fine" => Ok(Level::Debug),
        "info" | "information" | "informational" | "notice" => Ok(Level::Info),
        "warn" | "warning" => Ok(Level::Warn),
        "error" | "err" | "severe" => Ok(Level::Error),
        "fatal" | "critical" | "crit" | "panic" | "alert" | "emergency" | "emerg" => Ok(Level::Fatal),
        _ => Err("a level is one of trace, debug, info, warn, error, fatal".to_owned()),
    }
}

/// Reads `name=value`.
pub(crate) fn field(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').unwrap_or_default();
    if name.is_empty() {
        return Err("must be NAME=VALUE, such as host=web-1".to_owned());
    }
    let scalar = serde_json::from_str(value)
        .ok()
        .filter(|value: &Value| value.is_number() || value.is_boolean());
    Ok((name.to_owned(), scalar.unwrap_or_else(|| Value::from(value))))
}

/// RFC 3339, or seconds, milli-, micro- or nanoseconds since 1970, told apart by their size as ingest does.
fn timestamp(value: &Value) -> Option<SystemTime> {
    match value {
        Value::String(text) => text
            .parse::<Timestamp>()
            .ok()
            .and_then(|at| SystemTime::try_from(at).ok()),
        Value::Number(number) => SystemTime::UNIX_EPOCH.checked_add(since_1970(number)?),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn since_1970(number: &Number) -> Option<Duration> {
    match number.as_u64() {
        Some(whole @ 0..100_000_000_000) => Some(Duration::from_secs(whole)),
        Some(whole @ 100_000_000_000..100_000_000_000_000) => Some(Duration::from_millis(whole)),
        Some(whole @ 100_000_000_000_000..100_000_000_000_000_000) => Some(Duration::from_micros(whole)),
        Some(whole) => Some(Duration::from_nanos(whole)),
        None => Duration::try_from_secs_f64(number.as_f64().filter(|seconds| *seconds < 1e11)?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn defaults(format: InputFormat) -> Defaults {
        Defaults {
            format,
            level: Level::Warn,
            fields: vec![("host".to_owned(), json!("web-1")), ("n".to_owned(), json!(5))],
        }
    }

    fn meta(fields: Value) -> Map<String, Value> {
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn text_becomes_the_message_and_gets_the_level_and_the_fields() {
        let at = SystemTime::UNIX_EPOCH;
        let found = defaults(InputFormat::Auto)
            .record("disk is full")
            .unwrap()
            .unwrap();
        let expected = Record::warn("disk is full").meta(meta(json!({"host": "web-1", "n": 5})));
        assert_eq!(found.timestamp(at), expected.timestamp(at));
    }

    #[test]
    fn a_line_of_our_own_form_keeps_what_it_says() {
        let line = r#"{"message":"m","level":"ERR","timestamp":1770000001000,"host":"db-1","meta":{"a":1},"trace_id":"t","request_id":null}"#;
        let found = defaults(InputFormat::Auto).record(line).unwrap().unwrap();
        let expected = Record::error("m")
            .timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(1_770_000_001))
            .trace_id("t")
            .meta(meta(json!({"a": 1, "host": "db-1", "n": 5})));
        assert_eq!(found, expected);
    }

    #[rstest::rstest]
    #[case("plain")]
    #[case("[1]")]
    #[case(r#"{"msg":"x"}"#)]
    #[case(r#"{"message":7}"#)]
    #[case(r#"{"message":"x","level":"loud"}"#)]
    #[case(r#"{"message":"x","timestamp":"soon"}"#)]
    #[case(r#"{"message":"x","meta":[]}"#)]
    #[case(r#"{"message":"x","trace_id":1}"#)]
    #[case(r#"{"message":"x""#)]
    fn what_is_none_is_text_or_refused_and_never_half_of_it(#[case] line: &str) {
        assert!(defaults(InputFormat::Json).record(line).is_err());
        let at = SystemTime::UNIX_EPOCH;
        let as_text = defaults(InputFormat::Text)
            .record(line)
            .unwrap()
            .unwrap()
            .timestamp(at);
        let found = defaults(InputFormat::Auto)
            .record(line)
            .unwrap()
            .unwrap()
            .timestamp(at);
        assert_eq!(found, as_text);
    }

    #[test]
    fn blank_lines_are_none() {
        assert_eq!(defaults(InputFormat::Json).record(" \t\r").unwrap(), None);
    }

    #[test]
    fn fields_are_numbers_flags_or_texts() {
        assert_eq!(field("a=5"), Ok(("a".into(), json!(5))));
        assert_eq!(field("a=true"), Ok(("a".into(), json!(true))));
        assert_eq!(field("a=b=c"), Ok(("a".into(), json!("b=c"))));
        assert_eq!(field("a="), Ok(("a".into(), json!(""))));
        assert!(field("a").is_err() && field("=b").is_err());
    }

    #[test]
    fn numbers_since_1970_are_told_apart_by_size() {
        for number in [
            json!(1_770_000_001),
            json!(1_770_000_001_000_u64),
            json!(1_770_000_001_000_000_u64),
            json!(1_770_000_001_000_000_000_u64),
            json!(1_770_000_001.0),
        ] {
            let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_770_000_001);
            assert_eq!(timestamp(&number), Some(expected), "{number}");
        }
        assert_eq!(timestamp(&json!(-1)), None);
    }
}
