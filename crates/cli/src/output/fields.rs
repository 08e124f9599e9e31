//! `meta` as `name=value`, nested names with dots.

use serde_json::Value;

use super::harmless;

/// Every leaf of an object, in its order; texts are quoted where they would not stand out.
pub(crate) fn flat(meta: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect("", meta, &mut found);
    found
}

fn collect(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let name = harmless::inline(name);
                let path = if path.is_empty() {
                    name
                } else {
                    format!("{path}.{name}")
                };
                collect(&path, value, found);
            }
        }
        Value::String(text) => found.push((path.to_owned(), quoted(text))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            found.push((path.to_owned(), harmless::json(&value.to_string())));
        }
    }
}

fn quoted(text: &str) -> String {
    let is_bare = !text.is_empty() && !text.contains([' ', '"', '=', '\\']);
    let safe = harmless::inline(text);
    if is_bare && safe == text {
        safe
    } else {
        format!("\"{}\"", safe.replace('"', "\\\""))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(meta: &Value) -> String {
        let fields: Vec<_> = flat(meta)
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        fields.join(" ")
    }

    #[test]
    fn nested_fields_have_dots_and_texts_quotes_where_needed() {
        let meta = json!({"http": {"status": 500, "path": "/a b"}, "ids": [1, "x"], "none": {}, "ok": true, "user": "ada", "who": ""});
        let expected = r#"http.path="/a b" http.status=500 ids=[1,"x"] none={} ok=true user=ada who="""#;
        assert_eq!(text(&meta), expected);
    }

    #[test]
    fn a_value_cannot_forge_a_field_or_steer_the_terminal() {
        assert_eq!(
            text(&json!({"a": "x user=root", "b": "q\" c=1"})),
            r#"a="x user=root" b="q\" c=1""#
        );
        assert_eq!(
            text(&json!({"a\u{1b}[1m": "\u{1b}[2J", "b": ["\u{9b}"]})),
            "a\\x1b[1m=\"\\x1b[2J\" b=[\"\\u009b\"]"
        );
    }
}
