//! Labels as Loki writes them.

use serde_json::{Map, Value};

/// Reads `{name="value", other="value"}`; a value may also stand in backquotes.
pub(super) fn parse(text: &str) -> Option<Map<String, Value>> {
    let mut labels = Map::new();
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = quoted(after.trim_start())?;
        labels.insert(name.trim().to_owned(), value.into());
        rest = after.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start();
        }
    }
    Some(labels)
}

/// The text in quotes that begins here, and what comes after it. It is escaped as in JSON or as in Go.
fn quoted(text: &str) -> Option<(String, &str)> {
    if let Some(raw) = text.strip_prefix('`') {
        let (value, after) = raw.split_once('`')?;
        return Some((value.to_owned(), after));
    }
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.find(|c: char| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (value, after) = (inner.get(..end)?, inner.get(end + 1..)?);
    let json = serde_json::from_str(text.get(..end + 2)?);
    Some((json.unwrap_or_else(|_| unescape(value)), after))
}

/// Undoes what Go's `strconv.Quote` does, as Loki's own agents write labels. What is escaped otherwise stands for itself.
fn unescape(mut rest: &str) -> String {
    let mut text = String::with_capacity(rest.len());
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut chars = escape.chars();
        let Some(kind) = chars.next() else {
            return text;
        };
        rest = chars.as_str();
        let digits = match kind {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        match code_point(rest, digits) {
            Some(code) => {
                text.push(code);
                rest = rest.get(digits..).unwrap_or_default();
            }
            None => text.push(control(kind).unwrap_or(kind)),
        }
    }
    text.push_str(rest);
    text
}

/// What so many hex digits stand for. A byte beyond ASCII is a part of what was not UTF-8.
fn code_point(text: &str, digits: usize) -> Option<char> {
    const BYTE: usize = 2;
    let digits_of = text
        .get(..digits)
        .filter(|text| !text.is_empty() && !text.starts_with('+'))?;
    let code = u32::from_str_radix(digits_of, 16).ok()?;
    let code = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some(if digits == BYTE && !code.is_ascii() {
        char::REPLACEMENT_CHARACTER
    } else {
        code
    })
}

fn control(kind: char) -> Option<char> {
    match kind {
        'a' => Some('\x07'),
        'b' => Some('\x08'),
        'f' => Some('\x0C'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\x0B'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[rstest::rstest]
    #[case("{}", Some(json!({})))]
    #[case(r#"{app="shop", env="prod",}"#, Some(json!({"app": "shop", "env": "prod"})))]
    #[case(r#" { a = "b\"c\\" , d=`e"f`} "#, Some(json!({"a": "b\"c\\", "d": "e\"f"})))]
    #[case(r#"{a="\x41\n"}"#, Some(json!({"a": "A\n"})))]
    #[case(r#"{a="\a\b\f\r\t\v\x1b\x7f\u200b\U0001f600\xff\q\x4"}"#, Some(json!({"a": "\x07\x08\x0C\r\t\x0B\x1B\x7F\u{200B}😀\u{FFFD}qx4"})))]
    #[case(r#"{a="größe, {x}=y"}"#, Some(json!({"a": "größe, {x}=y"})))]
    #[case("", None)]
    #[case("{a=b}", None)]
    #[case(r#"{a="b"#, None)]
    #[case(r#"{a="b" c="d"}"#, None)]
    #[case(r#"{a="b\"}"#, None)]
    fn labels_are_read_as_loki_writes_them(#[case] text: &str, #[case] expected: Option<Value>) {
        assert_eq!(parse(text).map(Value::Object), expected);
    }

    proptest! {
        #[test]
        fn no_labels_make_it_panic(text in "\\{[a=\"`\\\\,{} éxuU4]{0,20}\\}") {
            let _ = parse(&text);
        }
    }
}
