//! `| json`: a message that is a JSON object, as labels.
//!
//! Numbers stay as they were written. Fields within fields are joined by `_`; without paths, lists are passed over.

use std::borrow::Cow;
use std::fmt::{Formatter, Result as FmtResult};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::line::{nested, sanitized};

/// Objects deeper than this are passed over.
const MAX_DEPTH: usize = 32;

/// The line is not a JSON object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotJson;

/// Calls `visit` with the label and the value of every field that is neither null nor an empty text.
pub(super) fn for_each_field(text: &str, visit: &mut impl FnMut(String, String)) -> Result<(), NotJson> {
    let object = object(text).ok_or(NotJson)?;
    for (name, value) in object {
        flatten(sanitized(&name).into_owned(), value.get(), 1, visit);
    }
    Ok(())
}

fn flatten(name: String, value: &str, depth: usize, visit: &mut impl FnMut(String, String)) {
    if value.starts_with('[') || (value.starts_with('{') && depth >= MAX_DEPTH) {
        return;
    }
    if value.starts_with('{') {
        for (inner, value) in object(value).unwrap_or_default() {
            flatten(nested(&name, &inner), value.get(), depth + 1, visit);
        }
        return;
    }
    let text = scalar(value);
    if !text.is_empty() {
        visit(name, text);
    }
}

/// A value as a label's: a text without its quotes, null as nothing, the rest as it was written.
fn scalar(value: &str) -> String {
    if value == "null" {
        return String::new();
    }
    if value.starts_with('"') {
        return serde_json::from_str(value).unwrap_or_default();
    }
    value.to_owned()
}

/// Where in a document a value is: `request.headers["User-Agent"]`, `servers[0]`.
#[derive(Clone, Debug)]
pub struct Path {
    text: String,
    steps: Vec<Step>,
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
}

impl Path {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (step, behind) = if let Some(inside) = rest.strip_prefix('[') {
                bracketed(inside)?
            } else {
                let named = match rest.strip_prefix('.') {
                    Some(named) if !steps.is_empty() => named,
                    None if steps.is_empty() => rest,
                    Some(_) | None => return None,
                };
                let (name, behind) = named.split_at(named.find(['.', '[']).unwrap_or(named.len()));
                let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
                if name.is_empty() || !name.chars().all(is_plain) {
                    return None;
                }
                (Step::Field(name.to_owned()), behind)
            };
            steps.push(step);
            rest = behind;
        }
        (!steps.is_empty()).then(|| Self {
            text: text.to_owned(),
            steps,
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The value at this place: an object or a list as its JSON text. None if there is nothing.
    pub(super) fn find(&self, text: &str) -> Option<String> {
        let mut at = text.trim();
        for step in &self.steps {
            at = match step {
                Step::Field(name) => object(at)?.into_iter().find(|(field, _)| field == name)?.1.get(),
                Step::Item(index) => serde_json::from_str::<Vec<&RawValue>>(at)
                    .ok()?
                    .get(*index)?
                    .get(),
            };
        }
        Some(scalar(at)).filter(|value| !value.is_empty())
    }
}

/// `"User-Agent"]` or `0]`, and what stands behind it.
fn bracketed(inside: &str) -> Option<(Step, &str)> {
    if inside.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(inside).into_iter::<String>();
        let name = values.next()?.ok()?;
        let behind = inside.get(values.byte_offset()..)?.strip_prefix(']')?;
        return Some((Step::Field(name), behind));
    }
    let (index, behind) = inside.split_once(']')?;
    Some((Step::Item(index.parse().ok()?), behind))
}

/// Whether the text is a JSON object as a whole.
pub(super) fn is_object(text: &str) -> bool {
    object(text).is_some()
}

/// The fields of an object in order, each value as it was written.
fn object(text: &str) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    serde_json::from_str::<RawObject<'_>>(text)
        .ok()
        .map(|object| object.0)
}

struct RawObject<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for RawObject<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawFields)
    }
}

struct RawFields;

impl<'de> Visitor<'de> for RawFields {
    type Value = RawObject<'de>;

    fn expecting(&self, f: &mut Formatter<'_>) -> FmtResult {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        #[derive(serde::Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        let mut fields = Vec::new();
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            fields.push((name, value));
        }
        Ok(RawObject(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Result<Vec<(String, String)>, NotJson> {
        let mut fields = Vec::new();
        for_each_field(text, &mut |name, value| fields.push((name, value)))?;
        Ok(fields)
    }

    #[test]
    fn fields_are_flattened_and_numbers_stay_as_written() {
        let text = r#"{"a.b": {"c": "d\n"}, "1st": 1.50, "big": 1e400, "list": [1], "no": null, "yes": true, "": 7}"#;
        let expected = [
            ("a_b_c", "d\n"),
            ("_1st", "1.50"),
            ("big", "1e400"),
            ("yes", "true"),
            ("_", "7"),
        ];
        let expected: Vec<_> = expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        assert_eq!(fields(text), Ok(expected));
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for text in ["", "GET /", "[1]", "1", "{", r#"{"a":1} x"#] {
            assert_eq!(fields(text), Err(NotJson), "{text}");
        }
    }

    #[test]
    fn a_very_deep_object_is_passed_over() {
        let text = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
        assert_eq!(fields(&text), Ok(vec![]));
    }

    #[rstest::rstest]
    #[case("servers[0]", Some("129.0.1.1"))]
    #[case(r#"request.headers["User-Agent"]"#, Some("curl/7.68.0"))]
    #[case(r#"["request"]["size"]"#, Some("55"))]
    #[case("servers", Some(r#"["129.0.1.1","10.2.1.3"]"#))]
    #[case("request.nothing", None)]
    #[case("servers[7]", None)]
    #[case("servers.a", None)]
    fn paths(#[case] path: &str, #[case] value: Option<&str>) {
        let text = r#"{"servers":["129.0.1.1","10.2.1.3"],"request":{"size":55,"headers":{"User-Agent":"curl/7.68.0"}}}"#;
        assert_eq!(Path::parse(path).unwrap().find(text).as_deref(), value);
    }

    #[test]
    fn a_broken_path_is_none() {
        for path in ["", ".", ".a", "a.", "a..b", "a[", "a[x]", "a[\"b]", "a b", "[0]x"] {
            assert!(Path::parse(path).is_none(), "{path}");
        }
    }
}
