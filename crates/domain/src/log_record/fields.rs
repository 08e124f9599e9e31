//! The fields of a line that are texts or numbers, and what each may be. However the line was read, the rules are these.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::{LineError, LineRules};
use crate::level::{Level, UnknownLevel};

/// A line's fields before they are judged.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) timestamp: Scalar<'a>,
    pub(super) level: Scalar<'a>,
    pub(super) message: Scalar<'a>,
    pub(super) trace_id: Scalar<'a>,
    pub(super) request_id: Scalar<'a>,
    /// What becomes of `meta` and the fields that we do not know, as in [`super::NewLog::meta`].
    pub(super) meta: Result<Option<Cow<'a, str>>, LineError>,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self {
            timestamp: Scalar::Absent,
            level: Scalar::Absent,
            message: Scalar::Absent,
            trace_id: Scalar::Absent,
            request_id: Scalar::Absent,
            meta: Ok(None),
        }
    }
}

#[derive(Debug)]
pub(super) enum Scalar<'a> {
    /// Or null, which is the same to us.
    Absent,
    Text(Cow<'a, str>),
    Number(Number),
    /// An object, an array, true or false: in none of these fields.
    Other,
}

impl From<Option<Value>> for Scalar<'_> {
    fn from(value: Option<Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Absent,
            Some(Value::String(text)) => Self::Text(Cow::Owned(text)),
            Some(Value::Number(number)) => Self::Number(number),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Self::Other,
        }
    }
}

pub(super) fn level(value: &Scalar<'_>) -> Result<Level, LineError> {
    match value {
        Scalar::Absent => Ok(Level::Info),
        Scalar::Text(text) => text
            .parse()
            .map_err(|unknown: UnknownLevel| LineError::new("level", unknown.to_string())),
        Scalar::Number(_) | Scalar::Other => Err(LineError::new("level", UnknownLevel.to_string())),
    }
}

pub(super) fn message<'a>(value: Scalar<'a>, rules: &LineRules) -> Result<Cow<'a, str>, LineError> {
    let text = match value {
        Scalar::Text(text) => text,
        Scalar::Absent => {
            return Err(LineError::new("message", "is missing; send the text of the line"));
        }
        Scalar::Number(_) | Scalar::Other => {
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

pub(super) fn id<'a>(field: &str, value: Scalar<'a>) -> Result<Option<Cow<'a, str>>, LineError> {
    let text = match value {
        Scalar::Absent => return Ok(None),
        Scalar::Text(text) => text,
        Scalar::Number(number) => Cow::Owned(number.to_string()),
        Scalar::Other => return Err(LineError::new(field, "must be a text")),
    };
    if text.len() > LineRules::MAX_ID_BYTES {
        return Err(LineError::new(
            field,
            format!("must be at most {} bytes", LineRules::MAX_ID_BYTES),
        ));
    }
    Ok(Some(without_nul(text)).filter(|text| !text.is_empty()))
}

pub(super) fn without_nul(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        // JSON has NUL only as an escape, and what was escaped is owned.
        Cow::Owned(text) if text.contains('\0') => Cow::Owned(text.replace('\0', "\u{FFFD}")),
        Cow::Owned(_) | Cow::Borrowed(_) => text,
    }
}
