//! Reading any line: into a tree, which is then taken apart.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::LineError;
use super::fields::Fields;
use super::meta;

/// Refuses what is not a JSON object.
pub(super) fn read(json: &[u8]) -> Result<Fields<'static>, LineError> {
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
    Ok(take_apart(fields))
}

fn not_json(error: &serde_json::Error) -> LineError {
    LineError::new("", format!("is not valid JSON: {error}"))
}

fn take_apart(mut fields: Map<String, Value>) -> Fields<'static> {
    let mut take = |field: &str| fields.remove(field).into();
    Fields {
        timestamp: take("timestamp"),
        level: take("level"),
        message: take("message"),
        trace_id: take("trace_id"),
        request_id: take("request_id"),
        meta: meta::clean(fields.remove("meta"), fields).map(|meta| meta.map(Cow::Owned)),
    }
}
