//! Reading the usual line: in one pass over its text, from which everything is borrowed that has no escapes.
//!
//! Nothing is refused here. Where the slightest thing is unusual the answer is none, and `any` reads the line again.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::{Fields, Scalar};
use super::meta;

/// The fields, if they are certain to be those that `any` would read.
pub(super) fn read(json: &[u8]) -> Option<Fields<'_>> {
    // Once for the whole line, which is faster than text by text.
    let text = std::str::from_utf8(json).ok()?;
    let Line(mut fields, given, unknown) = serde_json::from_str(text).ok()?;
    fields.meta = Ok(match (given, unknown.as_slice()) {
        (None, []) => None,
        (Some(given), []) => meta::as_given(given.get())?.map(Cow::Borrowed),
        (None, unknown) => Some(Cow::Owned(meta::composed(unknown)?)),
        // Where both have a field of the same name, `any` decides.
        (Some(_), _) => return None,
    });
    Some(fields)
}

/// All fields but `meta`, then `meta`, then those that we do not know.
struct Line<'a>(
    Fields<'a>,
    Option<&'a RawValue>,
    Vec<(Cow<'a, str>, &'a RawValue)>,
);

impl<'de> Deserialize<'de> for Line<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(LineVisitor)
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = Line<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line<'de>, A::Error> {
        let mut fields = Fields::default();
        let mut given = None;
        let mut unknown = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "timestamp" => fields.timestamp = map.next_value()?,
                "level" => fields.level = map.next_value()?,
                "message" => fields.message = map.next_value()?,
                "trace_id" => fields.trace_id = map.next_value()?,
                "request_id" => fields.request_id = map.next_value()?,
                // The last one counts, but all must be valid.
                "meta" => {
                    if given.replace(map.next_value()?).is_some() {
                        return Err(A::Error::duplicate_field("meta"));
                    }
                }
                _ => unknown.push((name, map.next_value()?)),
            }
        }
        Ok(Line(fields, given, unknown))
    }
}

/// A text that is borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(from)? {
            Scalar::Text(text) => Ok(Self(text)),
            Scalar::Absent | Scalar::Number(_) | Scalar::Other => Err(D::Error::custom("not a text")),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ScalarVisitor)
    }
}

/// Takes no [`Scalar::Other`], since what is in it would have to be looked at.
struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(serde_json::Number::from_f64(number).map_or(Scalar::Other, Scalar::Number))
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Absent)
    }
}
