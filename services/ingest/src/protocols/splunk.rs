//! Splunk's HTTP Event Collector: events as JSON objects one after another, and raw text.

use actix_web::web::Bytes;
use domain::log_record::LineError;
use memchr::memchr;
use serde_json::{Map, Value};
use service_kit::ApiError;

use super::documents::{self, Documents, refused};
use super::places::{self, Places};
use crate::line::{self, Line};
use crate::lines::scanner::Scanner;
use crate::unpack::{Records, Sink};

/// Where applications and log drivers put the text of an event that is an object.
const MESSAGES: [&str; 4] = ["message", "msg", "line", "log"];
const LEVELS: [&str; 3] = ["level", "severity", "log.level"];

/// What is wrong with an event, in the words that Splunk has for it.
pub(crate) const EVENT_IS_MISSING: &str = "Event field is required";
pub(crate) const EVENT_IS_BLANK: &str = "Event field cannot be blank";

/// Finds the events of a body: objects with or without white space between them, or arrays of them.
pub(crate) fn events(body: Bytes, max_lines: usize) -> Result<Documents<()>, ApiError> {
    let body = documents::without_bom(body);
    let mut places = Places::new(body.clone(), max_lines);
    places.begin_group(());
    let mut scanner = Scanner::new(&body);
    while let Some(first) = scanner.peek() {
        let range = scanner.value().map_err(places::not_json)?;
        match first {
            b'[' => places::each_element(&body, range, |event| places.push(event))?,
            _ => places.push(range)?,
        }
    }
    Ok(Documents::new(places, |fields, ()| line_of(fields), ()))
}

fn line_of(mut fields: Map<String, Value>) -> Result<Line<'static>, LineError> {
    let event = fields.remove("event");
    let timestamp = fields.remove("time").map(seconds).transpose()?.flatten();
    let mut meta = match fields.remove("fields") {
        Some(Value::Object(indexed)) => indexed,
        None | Some(Value::Null) => Map::new(),
        Some(_) => return Err(refused("fields", "must be a JSON object")),
    };
    let mut level = documents::take_level(&mut meta, &LEVELS);
    // host, source, sourcetype, index, and whatever else the sender says of the event.
    meta.extend(fields);
    let message = match event {
        None | Some(Value::Null) => return Err(refused("event", EVENT_IS_MISSING)),
        Some(Value::String(text)) if text.trim().is_empty() => {
            return Err(refused("event", EVENT_IS_BLANK));
        }
        Some(Value::Object(mut event)) => {
            level = documents::take_level(&mut event, &LEVELS).or(level);
            let message = documents::take_message(&mut event, &MESSAGES);
            meta.extend(event);
            message
        }
        Some(other) => line::text_of(other),
    };
    let trace_id = documents::take_text(&mut meta, &["trace_id", "trace.id", "traceId"]);
    Ok(Line {
        timestamp,
        level,
        message: message.into(),
        meta,
        trace_id: trace_id.map(Into::into),
    })
}

/// Seconds since 1970, as a number or as a text, with up to nine decimals. Read digit by digit, since a float would change
/// microseconds.
fn seconds(value: Value) -> Result<Option<Value>, LineError> {
    let wrong = || refused("time", "must be seconds since 1970, such as 1795348800.123");
    let text = match value {
        Value::Null => return Ok(None),
        // Without decimals its size tells the unit.
        Value::Number(number) if number.is_u64() => return Ok(Some(Value::Number(number))),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return Err(wrong()),
    };
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 18 || !digits(whole) || !digits(decimals) {
        return Err(wrong());
    }
    let nanos: String = decimals.chars().chain(std::iter::repeat('0')).take(9).collect();
    let whole: i128 = whole.parse().map_err(|_not_a_number| wrong())?;
    let nanos: i128 = nanos.parse().map_err(|_not_a_number| wrong())?;
    let at = line::at_nanos(whole * 1_000_000_000 + nanos).ok_or_else(wrong)?;
    Ok(Some(at))
}

/// Lines of text, with what the query string says of all of them.
#[derive(Debug)]
pub(crate) struct Raw {
    places: Places<()>,
    meta: Map<String, Value>,
    time: Option<Value>,
}

impl Raw {
    /// Finds the lines that are not blank.
    pub(crate) fn of(body: Bytes, mut query: Map<String, Value>, max_lines: usize) -> Result<Self, ApiError> {
        let body = documents::without_bom(body);
        let mut places = Places::new(body.clone(), max_lines);
        places.begin_group(());
        let mut start = 0;
        while start < body.len() {
            let end = memchr(b'\n', &body[start..]).map_or(body.len(), |at| start + at);
            if !body[start..end].trim_ascii().is_empty() {
                places.push(start..end)?;
            }
            start = end + 1;
        }
        let time = query.remove("time");
        Ok(Self {
            places,
            meta: query,
            time,
        })
    }
}

impl Records for Raw {
    type Outline = ();

    fn count(&self) -> u32 {
        self.places.count()
    }

    fn body(&self) -> &[u8] {
        &self.places.body
    }

    fn read_into(&self, sink: &mut Sink<'_>) {
        let timestamp = self.time.clone().map(seconds).transpose();
        for (index, _, text) in self.places.iter() {
            if sink.is_full() {
                return;
            }
            match &timestamp {
                Ok(timestamp) => sink.line(
                    index,
                    &Line {
                        timestamp: timestamp.clone().flatten(),
                        message: String::from_utf8_lossy(text.trim_ascii_end()),
                        meta: self.meta.clone(),
                        ..Line::default()
                    },
                ),
                Err(LineError { field, reason }) => sink.refuse(index, field, reason),
            }
        }
    }

    fn into_outline(self) {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::unpack::testing;

    const ROOM: usize = 1 << 26;

    #[rstest::rstest]
    #[case(json!(1_795_348_800), Some(json!(1_795_348_800)))]
    #[case(json!(1_795_348_800_123_u64), Some(json!(1_795_348_800_123_u64)))]
    #[case(json!(1_795_348_800.123_456), Some(json!("2026-11-22T12:00:00.123456Z")))]
    #[case(json!("1795348800.123456789"), Some(json!("2026-11-22T12:00:00.123456789Z")))]
    #[case(json!("1795348800"), Some(json!("2026-11-22T12:00:00Z")))]
    #[case(json!("now"), None)]
    #[case(json!(-1.5), None)]
    #[case(json!(1e300), None)]
    #[case(json!("999999999999999999"), None)]
    #[case(json!([1]), None)]
    fn a_time_is_seconds_however_it_is_written(#[case] time: Value, #[case] expected: Option<Value>) {
        assert_eq!(seconds(time).ok().flatten(), expected);
    }

    #[test]
    fn events_stand_one_after_another() {
        let body = "{\"event\":\"a\"}{\"event\":\"b\"}\n {\"event\":{}} [{\"event\":\"c\"},{}] 3";
        let found = events(body.into(), 10).unwrap();
        let (good, rejected) = testing::read(&found, ROOM).unwrap();
        let refused: Vec<_> = rejected.iter().map(|line| line.index).collect();
        assert_eq!((good, refused), (3, vec![2, 4, 5]));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(found) = events(bytes.clone().into(), 100) {
                let _ = testing::read(&found, ROOM);
            }
            let raw = Raw::of(bytes.into(), Map::new(), 1_000).unwrap();
            let _ = testing::read(&raw, ROOM);
        }

        #[test]
        fn no_json_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", "\"event\":", "\"time\":", "\"fields\":", "null", "\"1\"", "\"\\u0000\"", "-1", "{\"level\":1}",
        ]), 0..30)) {
            if let Ok(found) = events(tokens.concat().into(), 100) {
                let _ = testing::read(&found, ROOM);
            }
        }
    }
}
