//! A line of another protocol in the words of our own: written down as the JSON that the native way in takes, so that the
//! same rules read it.

use std::borrow::Cow;

use domain::level::Level;
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A line as the native way in takes it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Line<'a> {
    /// RFC 3339, or a number since 1970 in the unit of its size. Now, if it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) level: Option<Level>,
    pub(crate) message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) meta: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace_id: Option<Cow<'a, str>>,
}

/// A time that is known to be in nanoseconds. `None` when no calendar has it.
pub(crate) fn at_nanos(nanos: i128) -> Option<Value> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    at.format(&Rfc3339).ok().map(Value::String)
}

/// A text as it is, and anything else as its JSON.
pub(crate) fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_written_as_the_native_way_in_takes_it() {
        let Value::Object(meta) = json!({"a": [1]}) else {
            unreachable!()
        };
        let line = Line {
            timestamp: at_nanos(1_795_348_800_000_000_001),
            level: Some(Level::Warn),
            message: "m".into(),
            meta,
            trace_id: Some("t".into()),
        };
        let expected = json!({"timestamp": "2026-11-22T12:00:00.000000001Z", "level": "warn", "message": "m",
            "meta": {"a": [1]}, "trace_id": "t"});
        assert_eq!(serde_json::to_value(&line).unwrap(), expected);
        let bare = serde_json::to_value(Line::default()).unwrap();
        assert_eq!(bare, json!({"message": ""}));
    }

    #[test]
    fn a_time_that_no_calendar_has_is_none() {
        assert_eq!(
            at_nanos(i128::from(u64::MAX)).unwrap(),
            "2554-07-21T23:34:33.709551615Z"
        );
        assert_eq!(at_nanos(i128::MAX), None);
        assert_eq!(at_nanos(i128::from(i64::MIN) * 1_000), None);
    }
}
