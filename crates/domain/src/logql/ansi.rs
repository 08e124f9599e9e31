//! `| decolorize`: a line without the escape sequences that colour it on a terminal.

use std::borrow::Cow;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// The text without ANSI escape sequences: `ESC [ ... letter`, `ESC ] ... BEL` and two-character ones.
pub(super) fn decolorize(text: &str) -> Cow<'_, str> {
    let Some((clean, mut rest)) = text.split_once(ESCAPE) else {
        return Cow::Borrowed(text);
    };
    let mut plain = String::from(clean);
    rest = behind_sequence(rest);
    while let Some((clean, behind)) = rest.split_once(ESCAPE) {
        plain.push_str(clean);
        rest = behind_sequence(behind);
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// What stands behind a sequence, given what stands behind its ESC. A sequence without an end is its beginning only.
fn behind_sequence(text: &str) -> &str {
    if let Some(parameters) = text.strip_prefix('[') {
        let is_inside = |c: char| matches!(c, ' '..='?');
        let last = parameters.trim_start_matches(is_inside);
        return last.strip_prefix(|c| matches!(c, '@'..='~')).unwrap_or(last);
    }
    if let Some(command) = text.strip_prefix(']') {
        return match command.find([BELL, ESCAPE]) {
            Some(end) => command[end..].strip_prefix(BELL).unwrap_or(&command[end..]),
            None => command,
        };
    }
    text.strip_prefix(|c| matches!(c, ' '..='~')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("plain", "plain")]
    #[case("\u{1b}[0;32mhttp\u{1b}[0m: GET", "http: GET")]
    #[case("\u{1b}[38;5;196mrot\u{1b}[mend", "rotend")]
    #[case("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{1b}\\ end", "link end")]
    #[case("\u{1b}", "")]
    #[case("a\u{1b}[", "a")]
    #[case("a\u{1b}[12ä", "aä")]
    fn sequences_go_and_text_stays(#[case] text: &str, #[case] plain: &str) {
        assert_eq!(decolorize(text), plain);
    }
}
