//! The plain way to read a line: every line into a tree, every text copied. Slow, and short enough to be seen to be
//! right; what is faster must say the same.

use std::borrow::Cow;

use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::super::{LineError, LineRules, NewLog};
use crate::level::Level;

pub(super) fn parse(json: &[u8], rules: &LineRules) -> Result<NewLog<'static>, LineError> {
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

fn from_fields(mut fields: Map<String, Value>, rules: &LineRules) -> Result<NewLog<'static>, LineError> {
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
