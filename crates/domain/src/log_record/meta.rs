//! Metadata: `meta` and the fields that we do not know, as one JSON object within bounds.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::without_nul;
use super::{LineError, LineRules};

/// JSON text of all of it together, if there is any. A field of `meta` wins over one beside it with the same name.
pub(super) fn clean(given: Option<Value>, rest: Map<String, Value>) -> Result<Option<String>, LineError> {
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
        .map(|(key, value)| Ok((clean_key(key, &mut bytes), clean_value(value, 1, &mut bytes)?)))
        .collect::<Result<Map<_, _>, LineError>>()?;
    if bytes > LineRules::MAX_META_BYTES {
        let may = LineRules::MAX_META_BYTES;
        return Err(LineError::new(
            "meta",
            format!("has more than {may} bytes; send less or put it into the message"),
        ));
    }
    Ok(Some(Value::Object(meta).to_string()))
}

fn clean_key(key: String, bytes: &mut usize) -> String {
    *bytes += key.len() + 4;
    clean_text(key)
}

fn clean_text(text: String) -> String {
    without_nul(Cow::Owned(text)).into_owned()
}

/// Replaces NUL in every text below, and measures depth and size on the way.
fn clean_value(value: Value, depth: usize, bytes: &mut usize) -> Result<Value, LineError> {
    if depth > LineRules::MAX_META_DEPTH {
        let reason = format!("nests deeper than {} levels", LineRules::MAX_META_DEPTH);
        return Err(LineError::new("meta", reason));
    }
    Ok(match value {
        Value::String(text) => {
            *bytes += text.len() + 2;
            Value::String(clean_text(text))
        }
        Value::Array(items) => {
            *bytes += 2 + items.len();
            Value::Array(
                items
                    .into_iter()
                    .map(|item| clean_value(item, depth + 1, bytes))
                    .collect::<Result<_, _>>()?,
            )
        }
        Value::Object(map) => {
            *bytes += 2;
            let cleaned = map
                .into_iter()
                .map(|(key, value)| Ok((clean_key(key, bytes), clean_value(value, depth + 1, bytes)?)))
                .collect::<Result<Map<_, _>, LineError>>()?;
            Value::Object(cleaned)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            *bytes += 8;
            value
        }
    })
}

/// The text of `meta` as it was given. None if that is not certain to be good; a good one may be of nothing.
///
/// The text is valid JSON, but for what a parser passes over when it does not look into it: numbers out of range, and
/// escapes of half a surrogate pair.
#[expect(
    clippy::option_option,
    reason = "unlike an absent meta, an uncertain one is read again"
)]
pub(super) fn as_given(meta: &str) -> Option<Option<&str>> {
    if meta == "null" {
        return Some(None);
    }
    let inside = meta.strip_prefix('{')?.strip_suffix('}')?;
    if inside.trim_ascii().is_empty() {
        return Some(None);
    }
    is_clean(meta).then_some(Some(meta))
}

/// An object of the fields. None if that is not certain to be good.
pub(super) fn composed(fields: &[(Cow<'_, str>, &RawValue)]) -> Option<String> {
    let length: usize = fields
        .iter()
        .map(|(name, value)| name.len() + value.get().len() + 4)
        .sum();
    let mut object = String::with_capacity(length + 1);
    for (name, value) in fields {
        // A name that is owned had escapes.
        let Cow::Borrowed(name) = name else { return None };
        object.push(if object.is_empty() { '{' } else { ',' });
        object.push('"');
        object.push_str(name);
        object.push_str("\":");
        object.push_str(value.get());
    }
    object.push('}');
    is_clean(&object).then_some(object)
}

/// Whether an object can be kept as it was sent: [`clean`] would refuse nothing in it, and change nothing that it means.
/// Never true wrongly; where it takes too little, that costs only time.
fn is_clean(object: &str) -> bool {
    // A byte of text counts as 4.5 bytes at most (each item of `[0,0,...]`).
    object.len() <= LineRules::MAX_META_BYTES / 5 && holds_only_plain(object.as_bytes())
}

fn holds_only_plain(object: &[u8]) -> bool {
    let (mut depth, mut at) = (0, 0);
    while let Some(&byte) = object.get(at) {
        at += 1;
        match byte {
            b'"' => match text_end(&object[at..]) {
                Some(length) => at += length,
                None => return false,
            },
            b'{' | b'[' => {
                depth += 1;
                if depth > LineRules::MAX_META_DEPTH {
                    return false;
                }
            }
            b'}' | b']' => depth -= 1,
            b'0'..=b'9' => match number_end(&object[at..]) {
                Some(length) => at += length,
                None => return false,
            },
            _ => {}
        }
    }
    true
}

/// Behind the closing quote of a text. None if it has an escape that is not certain to be good.
fn text_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' if is_doubtful(text.get(at + 1..)?) => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Whether what stands behind a backslash is NUL, or may be half a surrogate pair (U+D800 to U+DFFF).
fn is_doubtful(escape: &[u8]) -> bool {
    match escape {
        [b'u', b'd' | b'D', second, ..] => !matches!(second, b'0'..=b'7'),
        _ => escape.starts_with(b"u0000"),
    }
}

/// Where a number ends of which the first digit was read. None if it is more than 64 bits hold exactly.
fn number_end(rest: &[u8]) -> Option<usize> {
    const DIGITS_OF_AN_INTEGER: usize = 18;
    const DIGITS_OF_A_FRACTION: usize = 15;
    let length = rest
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))?;
    let number = &rest[..length];
    let most = if number.contains(&b'.') {
        DIGITS_OF_A_FRACTION
    } else {
        DIGITS_OF_AN_INTEGER - 1
    };
    (length <= most && !number.iter().any(u8::is_ascii_alphabetic)).then_some(length)
}
