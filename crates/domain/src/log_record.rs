//! One log line: how it is read from JSON, what is refused and why.
//!
//! A line is refused alone, by field and reason; its neighbours are stored. What PostgreSQL text cannot hold (NUL) is
//! replaced by U+FFFD, since losing a byte is better than losing the line; everything else is kept or refused by name.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::level::Level;

/// A line that passed validation; its texts are borrowed from what was received wherever they can be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLog<'a> {
    /// Precision: microseconds, as stored.
    pub ts: OffsetDateTime,
    pub level: Level,
    /// Without NUL.
    pub message: Cow<'a, str>,
    /// JSON text of an object that is not empty: without NUL in any form, and with no number that `jsonb` would refuse.
    pub meta: Option<Cow<'a, str>>,
    /// Not empty, without NUL.
    pub trace_id: Option<Cow<'a, str>>,
    /// Not empty, without NUL.
    pub request_id: Option<Cow<'a, str>>,
}

/// What a line may be.
#[derive(Clone, Copy, Debug)]
pub struct LineRules {
    /// In bytes of UTF-8.
    pub max_message_bytes: usize,
    /// Lines older than this before now are refused: their service would not keep them.
    pub retention: Duration,
    /// The time of receipt; also the time of a line that brings none.
    pub now: OffsetDateTime,
}

impl LineRules {
    /// A clock may run ahead of ours by this much (10 minutes, as in Loki's default).
    pub const MAX_FUTURE: Duration = Duration::minutes(10);
    /// How deep `meta` may nest.
    pub const MAX_META_DEPTH: usize = 32;
    /// In bytes of JSON text, all metadata of one line together.
    pub const MAX_META_BYTES: usize = 262_144;
    /// In bytes, for `trace_id` and `request_id` each.
    pub const MAX_ID_BYTES: usize = 256;
}

/// Why a line was refused: the field, and a reason that says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema)]
#[error("{field}: {reason}")]
pub struct LineError {
    pub field: String,
    pub reason: String,
}

impl LineError {
    fn new(field: &str, reason: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            reason: reason.into(),
        }
    }
}

/// Reads one line from its JSON text. Text that is not valid UTF-8 is read with U+FFFD in place of the bad bytes.
pub fn parse<'a>(json: &'a [u8], rules: &LineRules) -> Result<NewLog<'a>, LineError> {
    let value: Value = match serde_json::from_slice(json) {
        Ok(value) => value,
        Err(error) if std::str::from_utf8(json).is_err() => {
            serde_json::from_str(&String::from_utf8_lossy(json)).map_err(|_still_bad| not_json(&error))?
        }
        Err(error) => return Err(not_json(&error)),
    };
    let Value::Object(fields) = value else {
        return Err(LineError::new(
            "",
            "must be a JSON object such as {\"level\":\"info\",\"message\":\"started\"}",
        ));
    };
    from_fields(fields, rules)
}

fn not_json(error: &serde_json::Error) -> LineError {
    LineError::new("", format!("is not valid JSON: {error}"))
}

/// Reads one line from the fields of its JSON object. Fields that we do not know are kept, in `meta`.
pub fn from_fields(mut fields: Map<String, Value>, rules: &LineRules) -> Result<NewLog<'static>, LineError> {
    let ts = timestamp(fields.remove("timestamp"), rules)?;
    let level = level(fields.remove("level"))?;
    let message = message(fields.remove("message"), rules)?;
    let trace_id = id("trace_id", fields.remove("trace_id"))?;
    let request_id = id("request_id", fields.remove("request_id"))?;
    let meta = meta(fields.remove("meta"), fields)?;
    Ok(NewLog {
        ts,
        level,
        message: Cow::Owned(message),
        meta: meta.map(|meta| Cow::Owned(Value::Object(meta).to_string())),
        trace_id: trace_id.map(Cow::Owned),
        request_id: request_id.map(Cow::Owned),
    })
}

fn timestamp(value: Option<Value>, rules: &LineRules) -> Result<OffsetDateTime, LineError> {
    let refuse = |reason: String| Err(LineError::new("timestamp", reason));
    let ts = match value {
        None | Some(Value::Null) => rules.now,
        Some(Value::String(text)) => match OffsetDateTime::parse(&text, &Rfc3339) {
            Ok(ts) => ts,
            Err(_) => return refuse("must be RFC 3339, such as 2026-01-31T12:00:00.123Z".into()),
        },
        Some(Value::Number(number)) => match epoch(&number) {
            Some(ts) => ts,
            None => {
                return refuse(
                    "as a number must be seconds, milli-, micro- or nanoseconds since 1970".into(),
                );
            }
        },
        Some(_) => return refuse("must be an RFC 3339 text or a number since 1970".into()),
    };
    let ts = to_micros(ts);
    if ts > rules.now + LineRules::MAX_FUTURE {
        return refuse("is more than 10 minutes in the future; check the sender's clock".into());
    }
    if ts < rules.now - rules.retention {
        let days = rules.retention.whole_days();
        return refuse(format!("is older than the {days} days that this service keeps"));
    }
    Ok(ts)
}

/// A number since 1970 in the unit that its size implies: below 10^11 seconds, then milli-, micro-, nanoseconds.
/// (10^11 seconds is the year 5138, 10^11 milliseconds is 1973.)
fn epoch(number: &serde_json::Number) -> Option<OffsetDateTime> {
    if let Some(whole) = number.as_i64() {
        let whole = i128::from(whole);
        let nanos = match whole.unsigned_abs() {
            0..100_000_000_000 => whole * 1_000_000_000,
            100_000_000_000..100_000_000_000_000 => whole * 1_000_000,
            100_000_000_000_000..100_000_000_000_000_000 => whole * 1_000,
            _ => whole,
        };
        return OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    }
    let seconds = number.as_f64().filter(|s| s.abs() < 1e11)?;
    OffsetDateTime::from_unix_timestamp_nanos((seconds * 1e9) as i128).ok()
}

/// PostgreSQL keeps microseconds; cutting here keeps what we answer equal to what we store.
fn to_micros(ts: OffsetDateTime) -> OffsetDateTime {
    let excess = ts.nanosecond() % 1_000;
    (ts - Duration::nanoseconds(i64::from(excess))).to_offset(time::UtcOffset::UTC)
}

fn level(value: Option<Value>) -> Result<Level, LineError> {
    match value {
        None | Some(Value::Null) => Ok(Level::Info),
        Some(Value::String(text)) => text
            .parse()
            .map_err(|unknown: crate::level::UnknownLevel| LineError::new("level", unknown.to_string())),
        Some(_) => Err(LineError::new("level", crate::level::UnknownLevel.to_string())),
    }
}

fn message(value: Option<Value>, rules: &LineRules) -> Result<String, LineError> {
    let text = match value {
        Some(Value::String(text)) => text,
        None | Some(Value::Null) => {
            return Err(LineError::new("message", "is missing; send the text of the line"));
        }
        Some(_) => {
            return Err(LineError::new(
                "message",
                "must be a text; put structured data into meta",
            ));
        }
    };
    if text.trim().is_empty() {
        return Err(LineError::new("message", "must not be blank"));
    }
    if text.len() > rules.max_message_bytes {
        let (has, may) = (text.len(), rules.max_message_bytes);
        return Err(LineError::new(
            "message",
            format!("has {has} bytes; at most {may} are taken, split it"),
        ));
    }
    Ok(without_nul(text))
}

fn id(field: &str, value: Option<Value>) -> Result<Option<String>, LineError> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(LineError::new(field, "must be a text")),
    };
    if text.len() > LineRules::MAX_ID_BYTES {
        return Err(LineError::new(
            field,
            format!("must be at most {} bytes", LineRules::MAX_ID_BYTES),
        ));
    }
    Ok(Some(without_nul(text)).filter(|text| !text.is_empty()))
}

fn meta(given: Option<Value>, rest: Map<String, Value>) -> Result<Option<Map<String, Value>>, LineError> {
    let mut meta = match given {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(LineError::new("meta", "must be a JSON object")),
    };
    for (field, value) in rest {
        meta.entry(field).or_insert(value);
    }
    if meta.is_empty() {
        return Ok(None);
    }
    let mut bytes = 0;
    let meta = meta
        .into_iter()
        .map(|(key, value)| Ok((clean_key(key, &mut bytes), clean(value, 1, &mut bytes)?)))
        .collect::<Result<Map<_, _>, LineError>>()?;
    if bytes > LineRules::MAX_META_BYTES {
        let may = LineRules::MAX_META_BYTES;
        return Err(LineError::new(
            "meta",
            format!("has more than {may} bytes; send less or put it into the message"),
        ));
    }
    Ok(Some(meta))
}

fn clean_key(key: String, bytes: &mut usize) -> String {
    *bytes += key.len() + 4;
    without_nul(key)
}

/// Replaces NUL in every text below, and measures depth and size on the way.
fn clean(value: Value, depth: usize, bytes: &mut usize) -> Result<Value, LineError> {
    if depth > LineRules::MAX_META_DEPTH {
        let reason = format!("nests deeper than {} levels", LineRules::MAX_META_DEPTH);
        return Err(LineError::new("meta", reason));
    }
    Ok(match value {
        Value::String(text) => {
            *bytes += text.len() + 2;
            Value::String(without_nul(text))
        }
        Value::Array(items) => {
            *bytes += 2 + items.len();
            Value::Array(
                items
                    .into_iter()
                    .map(|item| clean(item, depth + 1, bytes))
                    .collect::<Result<_, _>>()?,
            )
        }
        Value::Object(map) => {
            *bytes += 2;
            let cleaned = map
                .into_iter()
                .map(|(key, value)| Ok((clean_key(key, bytes), clean(value, depth + 1, bytes)?)))
                .collect::<Result<Map<_, _>, LineError>>()?;
            Value::Object(cleaned)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            *bytes += 8;
            value
        }
    })
}

fn without_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{FFFD}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const RULES: LineRules = LineRules {
        max_message_bytes: 1_048_576,
        retention: Duration::days(30),
        now: datetime!(2026-11-22 12:00 UTC),
    };

    fn line(json: &str) -> Result<NewLog<'_>, LineError> {
        parse(json.as_bytes(), &RULES)
    }

    fn meta_of(log: &NewLog<'_>) -> Value {
        serde_json::from_str(log.meta.as_deref().unwrap()).unwrap()
    }

    fn refused_field(json: &str) -> String {
        line(json).expect_err("must be refused").field
    }

    #[test]
    fn a_full_line_is_read_and_unknown_fields_are_kept() {
        let log = line(
            r#"{"timestamp":"2026-11-22T13:00:00.1234567+01:00","level":"WARNING","message":"slow",
                "meta":{"ms":12},"trace_id":"abc","request_id":7,"host":"a1"}"#,
        )
        .unwrap();
        assert_eq!(log.ts, datetime!(2026-11-22 12:00:00.123456 UTC));
        assert_eq!(log.level, Level::Warn);
        assert_eq!(meta_of(&log), serde_json::json!({"ms": 12, "host": "a1"}));
        assert_eq!(
            (log.trace_id.as_deref(), log.request_id.as_deref()),
            (Some("abc"), Some("7"))
        );
    }

    #[test]
    fn time_and_level_have_defaults_and_the_message_has_none() {
        let log = line(r#"{"message":"hello"}"#).unwrap();
        assert_eq!((log.ts, log.level), (RULES.now, Level::Info));
        assert_eq!(refused_field(r#"{"level":"info"}"#), "message");
    }

    #[rstest::rstest]
    #[case(r#"{"message":"m","level":"loud"}"#, "level")]
    #[case(r#"{"message":"m","level":3}"#, "level")]
    #[case(r#"{"message":" "}"#, "message")]
    #[case(r#"{"message":{"a":1}}"#, "message")]
    #[case(r#"{"message":"m","timestamp":"yesterday"}"#, "timestamp")]
    #[case(r#"{"message":"m","timestamp":"2026-11-22 12:00"}"#, "timestamp")]
    #[case(r#"{"message":"m","timestamp":"2026-11-22T12:10:01Z"}"#, "timestamp")]
    #[case(r#"{"message":"m","timestamp":"2026-10-22T12:00:00Z"}"#, "timestamp")]
    #[case(r#"{"message":"m","timestamp":"9999-12-31T23:59:59Z"}"#, "timestamp")]
    #[case(r#"{"message":"m","timestamp":-1}"#, "timestamp")]
    #[case(r#"{"message":"m","timestamp":1e300}"#, "timestamp")]
    #[case(r#"{"message":"m","meta":[1]}"#, "meta")]
    #[case(r#"{"message":"m","trace_id":{}}"#, "trace_id")]
    #[case(r#"{"message":"m","meta":{"a":1e400}}"#, "")]
    #[case(r#"["message"]"#, "")]
    #[case("{", "")]
    fn a_bad_line_is_refused_by_field(#[case] json: &str, #[case] field: &str) {
        assert_eq!(refused_field(json), field);
    }

    #[rstest::rstest]
    #[case("1795348800", datetime!(2026-11-22 12:00 UTC))]
    #[case("1795348800000", datetime!(2026-11-22 12:00 UTC))]
    #[case("1795348800000000", datetime!(2026-11-22 12:00 UTC))]
    #[case("1795348800000000001", datetime!(2026-11-22 12:00 UTC))]
    #[case("1795348800.5", datetime!(2026-11-22 12:00:00.5 UTC))]
    fn a_number_is_read_in_the_unit_of_its_size(#[case] number: &str, #[case] expected: OffsetDateTime) {
        assert_eq!(
            line(&format!(r#"{{"message":"m","timestamp":{number}}}"#))
                .unwrap()
                .ts,
            expected
        );
    }

    #[test]
    fn nul_and_bad_utf8_are_replaced_and_the_line_is_kept() {
        let log = line(r#"{"message":"a\u0000b","meta":{"k\u0000":["\u0000"]}}"#).unwrap();
        assert_eq!(log.message, "a\u{FFFD}b");
        assert_eq!(meta_of(&log), serde_json::json!({"k\u{FFFD}": ["\u{FFFD}"]}));
        let log = parse(b"{\"message\":\"a\xFFb\"}", &RULES).unwrap();
        assert_eq!(log.message, "a\u{FFFD}b");
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let long = "x".repeat(1_048_577);
        assert_eq!(refused_field(&format!(r#"{{"message":"{long}"}}"#)), "message");
        let deep = format!(
            r#"{{"message":"m","meta":{{"a":{}1{}}}}}"#,
            "[".repeat(40),
            "]".repeat(40)
        );
        assert_eq!(refused_field(&deep), "meta");
        let wide = format!(r#"{{"message":"m","meta":{{"a":"{}"}}}}"#, "x".repeat(300_000));
        assert_eq!(refused_field(&wide), "meta");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, &RULES);
        }

        #[test]
        fn any_message_comes_back_as_sent_but_for_nul(text in "\\PC{1,60}") {
            let json = serde_json::json!({ "message": text }).to_string();
            match line(&json) {
                Ok(log) => prop_assert_eq!(log.message, text.replace('\0', "\u{FFFD}")),
                Err(error) => prop_assert!(text.trim().is_empty(), "{}", error),
            }
        }
    }
}
