//! Datadog's logs: an array of JSON objects, or one.

use actix_web::web::Bytes;
use serde_json::{Map, Value};
use service_kit::ApiError;

use super::documents::{self, Documents};
use super::places::{self, Places};
use crate::line::Line;
use crate::lines::scanner::Scanner;

/// Finds the logs of a body. An empty object is none: it is how the agent tries whether it gets through.
pub(crate) fn logs(body: Bytes, max_lines: usize) -> Result<Documents<()>, ApiError> {
    let body = documents::without_bom(body);
    let mut places = Places::new(body.clone(), max_lines);
    places.begin_group(());
    let mut scanner = Scanner::new(&body);
    let first = scanner
        .peek()
        .ok_or_else(|| ApiError::invalid("", "the body is empty"))?;
    let range = scanner.value().map_err(places::not_json)?;
    match first {
        b'[' => places::each_element(&body, range, |log| places.push(log))?,
        b'{' if body[range.clone()].trim_ascii_start().get(1..) == Some(b"}") => {}
        b'{' => places.push(range)?,
        _ => {
            return Err(ApiError::invalid(
                "",
                "the body must be a JSON array of logs, or one",
            ));
        }
    }
    if scanner.peek().is_some() {
        return Err(places::not_json(scanner.broken("the end of the body")));
    }
    Ok(Documents::new(places, |fields, ()| Ok(line_of(fields)), ()))
}

/// `ddsource`, `ddtags`, `hostname`, `service` and the log's own attributes go into `meta` under their names.
fn line_of(mut fields: Map<String, Value>) -> Line<'static> {
    let timestamp = documents::take(&mut fields, &["timestamp", "@timestamp", "date"]);
    // `message` may itself be an object, whose attributes then are those of the log.
    if fields.get("message").is_some_and(Value::is_object)
        && let Some(Value::Object(inner)) = fields.remove("message")
    {
        for (name, value) in inner {
            fields.entry(name).or_insert(value);
        }
    }
    let level = documents::take_level(&mut fields, &["status", "level", "severity"]);
    let trace_id = documents::take_text(&mut fields, &["dd.trace_id", "trace_id"]);
    let message = documents::take_message(&mut fields, &["message", "msg"]);
    Line {
        timestamp: timestamp.map(documents::time_of),
        level,
        message: message.into(),
        meta: fields,
        trace_id: trace_id.map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::unpack::{Records as _, testing};

    const ROOM: usize = 1 << 26;

    #[test]
    fn a_trial_of_the_agent_is_no_log() {
        assert_eq!(logs("{}".into(), 10).unwrap().count(), 0);
        assert_eq!(logs(" [] ".into(), 10).unwrap().count(), 0);
        assert_eq!(logs("{\"message\":\"a\"}".into(), 10).unwrap().count(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(found) = logs(bytes.into(), 100) {
                let _ = testing::read(&found, ROOM);
            }
        }

        #[test]
        fn no_json_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", "\"message\":", "\"dd\":", "\"trace_id\":", "null", "\"1\"", "\"\\u0000\"", "-1", "{\"status\":1}",
        ]), 0..30)) {
            for text in [tokens.concat(), format!("[{{{}}}]", tokens.concat())] {
                if let Ok(found) = logs(text.into(), 100) {
                    let _ = testing::read(&found, ROOM);
                }
            }
        }
    }
}
