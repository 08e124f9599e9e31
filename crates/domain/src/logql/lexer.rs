//! The text of a query cut into tokens. Never fails as a whole: what cannot be read is a token that says why.

use super::units;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A word: a keyword or the name of a label.
    Word(String),
    /// A quoted text, its escapes resolved.
    Text(String),
    Number(f64),
    /// In nanoseconds.
    Duration(i64),
    /// A size in bytes.
    Bytes(u64),
    /// `--strict`, without its dashes.
    Flag(String),
    /// An operator or a bracket, one of [`SIGNS`].
    Sign(&'static str),
    /// What cannot be read, and why.
    Bad(String),
    End,
}

impl Token {
    /// As a message names it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Text(text) => format!("the text {}", quote(text)),
            Self::Number(number) => format!("the number {}", units::print_number(*number)),
            Self::Duration(duration) => format!("the duration {}", units::print_duration(*duration)),
            Self::Bytes(bytes) => format!("the size {bytes}B"),
            Self::Flag(flag) => format!("`--{flag}`"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::Bad(reason) => reason.clone(),
            Self::End => "the end of the query".to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lexeme {
    /// In bytes from the start of the query.
    pub(super) at: usize,
    pub(super) token: Token,
}

/// Longer ones before their beginnings.
const SIGNS: [&str; 28] = [
    "|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=", "|", "=", ">", "<", "{", "}", "(", ")", "[",
    "]", ",", "+", "-", "*", "/", "%", "^", "@",
];

/// The tokens of a query, the last one [`Token::End`] or [`Token::Bad`].
pub(super) fn lex(query: &str) -> Vec<Lexeme> {
    let mut lexemes = Vec::new();
    let mut rest = query;
    loop {
        rest = skip_blank(rest);
        let at = query.len() - rest.len();
        let (token, behind) = next(rest);
        let last = matches!(token, Token::Bad(_) | Token::End);
        lexemes.push(Lexeme { at, token });
        if last {
            return lexemes;
        }
        rest = behind;
    }
}

/// Without white space and comments, which run from `#` to the end of the line.
fn skip_blank(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        match text.strip_prefix('#') {
            Some(comment) => text = comment.find('\n').map_or("", |end| &comment[end..]),
            None => return text,
        }
    }
}

fn next(text: &str) -> (Token, &str) {
    let Some(first) = text.chars().next() else {
        return (Token::End, text);
    };
    match first {
        'a'..='z' | 'A'..='Z' | '_' => {
            let (word, rest) = take_while(text, |c| c.is_ascii_alphanumeric() || c == '_');
            (Token::Word(word.to_owned()), rest)
        }
        '0'..='9' | '.' => quantity(text),
        '"' => quoted(&text[1..]),
        '`' => backticked(&text[1..]),
        '\'' => bad("texts are quoted with \" or `, not with '"),
        _ => flag(text).or_else(|| sign(text)).unwrap_or_else(|| {
            bad(format!(
                "`{}` means nothing here; quote texts with \" or `",
                first.escape_debug()
            ))
        }),
    }
}

fn bad<'a>(reason: impl Into<String>) -> (Token, &'a str) {
    (Token::Bad(reason.into()), "")
}

fn take_while(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// `--strict`. Not `1--1`: a flag is a word.
fn flag(text: &str) -> Option<(Token, &str)> {
    let behind = text.strip_prefix("--")?;
    let (word, rest) = take_while(behind, |c| c.is_ascii_alphabetic() || c == '-');
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        .then(|| (Token::Flag(word.to_owned()), rest))
}

fn sign(text: &str) -> Option<(Token, &str)> {
    SIGNS
        .iter()
        .find_map(|sign| Some((Token::Sign(sign), text.strip_prefix(sign)?)))
}

/// A number, a duration or a size.
fn quantity(text: &str) -> (Token, &str) {
    let (run, rest) = text.split_at(quantity_end(text));
    let token = if let Some(number) = run.parse().ok().filter(|number: &f64| number.is_finite()) {
        Token::Number(number)
    } else if let Some(duration) = units::parse_duration(run) {
        Token::Duration(duration)
    } else if let Some(bytes) = units::parse_bytes(run).filter(|_| run.ends_with(['b', 'B'])) {
        Token::Bytes(bytes)
    } else {
        Token::Bad(format!(
            "`{run}` is no number, duration (such as 5m or 1h30m) or size (such as 5KB or 1MiB)"
        ))
    };
    (token, rest)
}

fn quantity_end(text: &str) -> usize {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | 'µ' | 'μ');
    let (run, rest) = take_while(text, belongs);
    let is_mantissa = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    // The sign of an exponent: 1e-5.
    match run.strip_suffix(['e', 'E']) {
        Some(mantissa) if is_mantissa(mantissa) && rest.starts_with(['-', '+']) => {
            run.len() + 1 + take_while(&rest[1..], belongs).0.len()
        }
        _ => run.len(),
    }
}

/// A raw text, from behind its opening backtick.
fn backticked(text: &str) -> (Token, &str) {
    match text.split_once('`') {
        Some((raw, rest)) => (Token::Text(raw.to_owned()), rest),
        None => bad("this text has no closing `"),
    }
}

/// A text with escapes as in Go, from behind its opening quote.
fn quoted(text: &str) -> (Token, &str) {
    let mut resolved = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next() {
            None => return bad("this text has no closing \""),
            Some('"') => return (Token::Text(resolved), chars.as_str()),
            Some('\\') => match escape(&mut chars) {
                Some(c) => resolved.push(c),
                None => {
                    return bad(
                        "this text has an escape that is none; write \\\\ for a backslash, or quote with `",
                    );
                }
            },
            Some(c) => resolved.push(c),
        }
    }
}

fn escape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        c @ ('\\' | '"' | '\'') => c,
        'x' => return code(chars, 2).filter(char::is_ascii),
        'u' => return code(chars, 4),
        'U' => return code(chars, 8),
        _ => return None,
    })
}

fn code(chars: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let mut value: u32 = 0;
    for _ in 0..digits {
        value = value.checked_mul(16)? + chars.next()?.to_digit(16)?;
    }
    char::from_u32(value)
}

/// A text in quotes, so that it is read back as it was.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(query: &str) -> Vec<Token> {
        lex(query).into_iter().map(|lexeme| lexeme.token).collect()
    }

    #[test]
    fn quantities_know_their_kind() {
        assert_eq!(
            tokens("5 0.5 1e3 1e-3 5m 1.5h 20B 1.5KiB"),
            [
                Token::Number(5.0),
                Token::Number(0.5),
                Token::Number(1000.0),
                Token::Number(0.001),
                Token::Duration(300_000_000_000),
                Token::Duration(5_400_000_000_000),
                Token::Bytes(20),
                Token::Bytes(1536),
                Token::End,
            ]
        );
        assert!(matches!(tokens("5x")[..], [Token::Bad(_)]));
    }

    #[test]
    fn texts_are_quoted_in_two_ways() {
        assert_eq!(
            tokens(r#""a\"b\\\n\u00e4" `\w+`"#),
            [
                Token::Text("a\"b\\\nä".into()),
                Token::Text("\\w+".into()),
                Token::End
            ]
        );
        for broken in [r#""open"#, "`open", r#""\q""#, r#""\xff""#, r#""\u12""#, "'x'"] {
            assert!(matches!(tokens(broken)[..], [Token::Bad(_)]), "{broken}");
        }
    }

    #[test]
    fn comments_reach_to_the_end_of_the_line() {
        assert_eq!(
            lex("# one\n a # two\n|=")
                .iter()
                .map(|lexeme| lexeme.at)
                .collect::<Vec<_>>(),
            [7, 15, 17]
        );
    }

    #[test]
    fn a_quoted_text_reads_back_as_it_was() {
        for text in ["", "\"", "\\", "a\u{0}\u{7f}\u{85}b", "`x`\n\r\t", "🦀"] {
            assert_eq!(tokens(&quote(text)), [Token::Text(text.into()), Token::End]);
        }
    }
}
