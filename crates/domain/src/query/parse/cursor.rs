//! Reading a query character by character: white space, quotes, escapes, stars.

use super::super::error::QueryError;

/// From one character to before another, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn to(self, other: Self) -> Self {
        Self {
            start: self.start,
            end: other.end,
        }
    }

    pub(super) fn error(self, message: impl Into<String>, fix: impl Into<String>) -> QueryError {
        QueryError {
            column: self.start + 1,
            length: self.end.saturating_sub(self.start),
            message: message.into(),
            fix: fix.into(),
        }
    }
}

/// A text as it was meant, and where it stood.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    /// Had quotes, so that it is never a keyword nor the name of a known field.
    pub(super) quoted: bool,
    pub(super) span: Span,
}

/// A text with stars at its ends.
#[derive(Clone, Debug)]
pub(super) struct Wild {
    pub(super) body: Piece,
    pub(super) star_before: bool,
    pub(super) star_after: bool,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) struct Cursor {
    chars: Vec<char>,
    at: usize,
}

impl Cursor {
    pub(super) fn new(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn since(&self, start: usize) -> Span {
        Span { start, end: self.at }
    }

    /// Of the next character, or of none at the end.
    pub(super) fn here(&self) -> Span {
        Span {
            start: self.at,
            end: (self.at + 1).min(self.chars.len()),
        }
    }

    pub(super) fn whole(&self) -> Span {
        Span {
            start: 0,
            end: self.chars.len(),
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn peek_second(&self) -> Option<char> {
        self.chars.get(self.at + 1).copied()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += 1;
        Some(char)
    }

    pub(super) fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Says whether there was any.
    pub(super) fn skip_space(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        self.at > start
    }

    /// Whether a token ends here.
    pub(super) fn at_delimiter(&self) -> bool {
        self.peek().is_none_or(is_delimiter)
    }

    /// Whether `-` or `!` stands right before what it negates.
    pub(super) fn at_negation(&self) -> bool {
        matches!(self.peek(), Some('-' | '!')) && self.peek_second().is_some_and(|next| !ends_operand(next))
    }

    /// Passes over a keyword, if it stands here as a whole token.
    pub(super) fn eat_keyword(&mut self, keyword: &str, any_case: bool) -> bool {
        let found = self.sees_keyword(keyword, any_case);
        self.at += if found { keyword.len() } else { 0 };
        found
    }

    /// Whether a keyword, given in upper case, stands here as a whole token; all in lower case, too, if it may.
    pub(super) fn sees_keyword(&self, keyword: &str, any_case: bool) -> bool {
        let end = self.at + keyword.len();
        let Some(found) = self.chars.get(self.at..end) else {
            return false;
        };
        let is_upper = found.iter().copied().eq(keyword.chars());
        let is_lower = any_case && found.iter().copied().eq(keyword.to_ascii_lowercase().chars());
        let ends = self.chars.get(end).is_none_or(|next| is_delimiter(*next));
        (is_upper || is_lower) && ends
    }

    /// Text in quotes; the opening one is next.
    pub(super) fn quoted(&mut self) -> Result<Piece, QueryError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                None => {
                    return Err(self
                        .since(start)
                        .error("this quote is never closed", "put a quote (\") at the end"));
                }
                Some('"') => break,
                Some('\\') => text.push(self.escaped()?),
                Some(char) => {
                    text.push(char);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        Ok(Piece {
            text,
            quoted: true,
            span: self.since(start),
        })
    }

    /// Text without quotes, up to a character that `ends` it or a star.
    pub(super) fn bare(&mut self, ends: impl Fn(char) -> bool) -> Result<Piece, QueryError> {
        let start = self.at;
        let mut text = String::new();
        while let Some(char) = self.peek() {
            match char {
                '\\' => text.push(self.escaped()?),
                '*' => break,
                char if ends(char) => break,
                char => {
                    text.push(char);
                    self.at += 1;
                }
            }
        }
        Ok(Piece {
            text,
            quoted: false,
            span: self.since(start),
        })
    }

    fn escaped(&mut self) -> Result<char, QueryError> {
        let start = self.at;
        self.at += 1;
        match self.bump() {
            None => Err(self.since(start).error(
                "nothing follows this backslash",
                "write \\\\ for a backslash, or leave it out",
            )),
            Some(char) if char.is_alphanumeric() => Err(self.since(start).error(
                format!("\\{char} is no escape; a backslash makes the sign behind it a plain one"),
                format!("write \\\\{char} for a backslash and {char}"),
            )),
            Some(char) => Ok(char),
        }
    }

    /// A text in quotes or without, with stars at its ends or without.
    pub(super) fn wild(&mut self, ends: impl Fn(char) -> bool) -> Result<Wild, QueryError> {
        let start = self.at;
        let star_before = self.eat_stars();
        let body = if self.peek() == Some('"') {
            self.quoted()?
        } else {
            self.bare(&ends)?
        };
        let star_after = self.eat_stars();
        let span = self.since(start);
        if (star_after || star_before) && self.peek().is_some_and(|next| !ends(next) && next != '"') {
            return Err(span.error(
                "a star may stand at the start or at the end of a text only",
                "use a regex, such as /a.*b/, or \\* for a plain star",
            ));
        }
        Ok(Wild {
            body,
            star_before,
            star_after,
            span,
        })
    }

    fn eat_stars(&mut self) -> bool {
        let start = self.at;
        while self.eat('*') {}
        self.at > start
    }

    /// The source of a regex, slashes taken off; the opening one is next.
    pub(super) fn regex(&mut self) -> Result<Piece, QueryError> {
        const FIX: &str = "to search for text with a slash, put it in quotes: \"/api/users\"";
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(char) = self.bump() {
            match char {
                '/' if text.is_empty() => return Err(self.since(start).error("this regex is empty", FIX)),
                '/' if !self.at_delimiter() => {
                    return Err(self.since(start).error(
                        format!("a regex ends at its second slash, and this goes on behind /{text}/"),
                        FIX,
                    ));
                }
                '/' => {
                    return Ok(Piece {
                        text,
                        quoted: true,
                        span: self.since(start),
                    });
                }
                '\\' => text.extend([Some('\\'), self.bump()].into_iter().flatten()),
                char => text.push(char),
            }
        }
        Err(self.since(start).error(
            "this regex is never closed",
            format!("put a slash at the end; {FIX}"),
        ))
    }
}

/// Ends a token at the top and in parentheses.
pub(super) fn is_delimiter(char: char) -> bool {
    char.is_whitespace() || matches!(char, '(' | ')' | '"' | '|')
}

fn ends_operand(char: char) -> bool {
    char.is_whitespace() || matches!(char, ')' | '|')
}
