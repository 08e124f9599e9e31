//! `| logfmt`: a message of `key=value` pairs, as labels.
//!
//! No crate on crates.io is kept and can pass over a broken pair, which free text is full of.

/// A pair that is none, in a line that must have none such.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotLogfmt;

/// Calls `visit` with each key and value; a key that stands alone has an empty one. A broken pair is passed over, or ends
/// it if `strict`.
pub(super) fn for_each_pair(
    text: &str,
    strict: bool,
    visit: &mut impl FnMut(&str, String),
) -> Result<(), NotLogfmt> {
    let mut rest = text.trim_start_matches(is_blank);
    while !rest.is_empty() {
        let (pair, behind) = pair(rest);
        match pair {
            Some((key, value)) => visit(key, value),
            None if strict => return Err(NotLogfmt),
            None => {}
        }
        rest = behind.trim_start_matches(is_blank);
    }
    Ok(())
}

fn is_blank(c: char) -> bool {
    c <= ' '
}

/// The pair at the beginning, if it is one, and what is behind it.
fn pair(text: &str) -> (Option<(&str, String)>, &str) {
    let key_end = text
        .find(|c| is_blank(c) || c == '=' || c == '"')
        .unwrap_or(text.len());
    let (key, rest) = text.split_at(key_end);
    if key.is_empty() || rest.starts_with('"') {
        return (None, skip_word(text));
    }
    let Some(value) = rest.strip_prefix('=') else {
        return (Some((key, String::new())), rest);
    };
    if value.starts_with('"') {
        return match quoted(value) {
            Some((value, behind)) if behind.is_empty() || behind.starts_with(is_blank) => {
                (Some((key, value)), behind)
            }
            Some(_) | None => (None, skip_word(text)),
        };
    }
    let (value, behind) = value.split_at(value.find(is_blank).unwrap_or(value.len()));
    let is_value = !value.contains(['=', '"']);
    (is_value.then(|| (key, value.to_owned())), behind)
}

fn skip_word(text: &str) -> &str {
    &text[text.find(is_blank).unwrap_or(text.len())..]
}

/// A text in quotes with escapes as in JSON, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        byte => byte == b'"',
    })?;
    let (inside, behind) = text.split_at(end + 2);
    // Control characters, which JSON forbids, are left as they are.
    let value = serde_json::from_str(inside)
        .ok()
        .or_else(|| Some(inside.get(1..end + 1)?.to_owned()).filter(|raw| !raw.contains('\\')))?;
    Some((value, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str, strict: bool) -> Result<Vec<(String, String)>, NotLogfmt> {
        let mut pairs = Vec::new();
        for_each_pair(text, strict, &mut |key, value| {
            pairs.push((key.to_owned(), value));
        })?;
        Ok(pairs)
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn pairs_quotes_and_lone_keys() {
        let text = "at=info method=GET  path=/ fwd=\"124.133.124.161\" msg=\"a \\\"b\\\" c=d\\n\" alone tab=\"a\tb\" empty=";
        let expected = owned(&[
            ("at", "info"),
            ("method", "GET"),
            ("path", "/"),
            ("fwd", "124.133.124.161"),
            ("msg", "a \"b\" c=d\n"),
            ("alone", ""),
            ("tab", "a\tb"),
            ("empty", ""),
        ]);
        assert_eq!(pairs(text, true), Ok(expected));
    }

    #[rstest::rstest]
    #[case("=value a=1")]
    #[case("foo=bar=buzz a=1")]
    #[case("fo\"o=bar a=1")]
    #[case("x=\"y\"z a=1")]
    #[case("x=\"open a=1")]
    fn a_broken_pair_is_passed_over_or_ends_it(#[case] text: &str) {
        assert_eq!(pairs(text, false), Ok(owned(&[("a", "1")])));
        assert_eq!(pairs(text, true), Err(NotLogfmt));
    }
}
