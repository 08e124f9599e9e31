//! Reading single parameters; what is wrong is named.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::RuleType;
use super::window::Window;

/// A wrong parameter: `field` is its path below `params`, empty for `params` itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("params.{field} {message}")]
pub struct InvalidParams {
    pub field: String,
    pub message: String,
}

pub(super) fn refuse_unknown(
    kind: RuleType,
    params: &Map<String, Value>,
    known: &[&str],
) -> Result<(), InvalidParams> {
    let Some(unknown) = params.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let hint = if known.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", known.join(", "))
    };
    Err(invalid(unknown, format!("is not a parameter of {kind}: {hint}")))
}

pub(super) fn whole_number(
    params: &Map<String, Value>,
    name: &str,
    range: &RangeInclusive<u64>,
) -> Result<u64, InvalidParams> {
    let wanted = || format!("must be a whole number from {} to {}", range.start(), range.end());
    let value = params.get(name).ok_or_else(|| invalid(name, wanted()))?;
    value
        .as_u64()
        .filter(|number| range.contains(number))
        .ok_or_else(|| invalid(name, wanted()))
}

pub(super) fn number(
    params: &Map<String, Value>,
    name: &str,
    range: &RangeInclusive<f64>,
) -> Result<f64, InvalidParams> {
    let wanted = || format!("must be a number from {} to {}", range.start(), range.end());
    let value = params.get(name).ok_or_else(|| invalid(name, wanted()))?;
    value
        .as_f64()
        .filter(|number| range.contains(number))
        .ok_or_else(|| invalid(name, wanted()))
}

pub(super) fn text<'a>(params: &'a Map<String, Value>, name: &str) -> Result<&'a str, InvalidParams> {
    params
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| invalid(name, "must be a text"))
}

pub(super) fn window(
    params: &Map<String, Value>,
    range: &RangeInclusive<u64>,
) -> Result<Window, InvalidParams> {
    Ok(Window::new(whole_number(params, "window_seconds", range)? as u32))
}

pub(super) fn invalid(field: &str, message: impl Into<String>) -> InvalidParams {
    InvalidParams {
        field: field.to_owned(),
        message: message.into(),
    }
}
