//! Text of strangers, made harmless: a log line must not colour, clear or steer the terminal of whoever reads it, hide
//! what it says by turning its direction, or pass for several lines.

use std::fmt::Write as _;

/// Control characters, those of 8-bit terminals included, and what turns the direction of text or breaks lines.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// On one line: what is harmful is written as `\n`, `\t`, `\r`, `\x1b` or `\u{202e}`.
pub(crate) fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut out, c));
    out
}

/// On as many lines as it has, each but the first indented, so that none passes for the next log line.
pub(crate) fn block(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // A final line feed is the end of the last line, and no new one.
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' => out.push_str("\n    "),
            '\t' => out.push('\t'),
            other => push(&mut out, other),
        }
    }
    out
}

fn push(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_harmful(c) && c.is_ascii() => {
            // Writing into a String cannot fail.
            let _ = write!(out, "\\x{:02x}", u32::from(c));
        }
        c if is_harmful(c) => {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
        c => out.push(c),
    }
}

/// One line of JSON that means the same: what is harmful can only stand in its texts, where it is escaped as JSON does it;
/// line breaks can only stand between its parts.
pub(crate) fn json(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_harmful(c) => {
                // All of them are below U+10000, so that one escape is enough.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(inline("\u{1b}[2Jgone"), "\\x1b[2Jgone");
        assert_eq!(
            inline("8-bit \u{9b}2J, bell \u{7}, del \u{7f}"),
            "8-bit \\u{9b}2J, bell \\x07, del \\x7f"
        );
        assert_eq!(inline("abc\u{202e}fed"), "abc\\u{202e}fed");
        assert_eq!(inline("grün 日本 🙂"), "grün 日本 🙂");
    }

    #[test]
    fn a_message_cannot_pass_for_several_lines() {
        assert_eq!(block("one\ntwo\r\n\tthree\n"), "one\n    two\n    \tthree");
        assert_eq!(block("over\rwritten"), "over\\rwritten");
        assert_eq!(inline("one\ntwo\t"), "one\\ntwo\\t");
    }

    #[test]
    fn json_stays_one_line_and_means_the_same() {
        let raw = "{\n\"a\": \"x\u{9b}y\u{202e}z\",\r\n\"b\": \"\\n\\u001b\"}";
        let safe = json(raw);
        assert!(!safe.chars().any(is_harmful), "{safe:?}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&safe), read(raw));
    }

    #[test]
    fn nothing_that_is_harmful_is_left_of_any_character() {
        let all: String = ('\0'..='\u{3000}').collect();
        assert!(!inline(&all).chars().any(is_harmful));
        assert!(
            !block(&all)
                .chars()
                .any(|c| is_harmful(c) && c != '\n' && c != '\t')
        );
    }
}
