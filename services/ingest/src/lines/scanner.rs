//! Follows the strings and brackets of JSON text, just enough to find where values end.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr2, memchr3};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

/// The text is not JSON.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected} at byte {at}")]
pub(crate) struct Broken {
    expected: &'static str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Starts at the beginning of the range, and ends with it.
    pub(crate) fn within(text: &'a [u8], range: Range<usize>) -> Self {
        Self {
            text: &text[..range.end],
            at: range.start,
        }
    }

    /// The next byte that is not white space, and goes before it.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let rest = &self.text[self.at..];
        let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().position(|byte| !space(byte)).unwrap_or(rest.len());
        self.text.get(self.at).copied()
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn broken(&self, expected: &'static str) -> Broken {
        Broken {
            expected,
            at: self.at,
        }
    }

    pub(crate) fn is_array(&self, range: &Range<usize>) -> bool {
        self.text.get(range.start) == Some(&b'[')
    }

    /// The elements of the array that begins here.
    pub(crate) fn elements(&mut self) -> Result<Elements<'a, '_>, Broken> {
        self.expect(b'[', "[")?;
        Ok(Elements {
            scanner: self,
            first: true,
        })
    }

    /// The members of the object that begins here.
    pub(crate) fn members(&mut self) -> Result<Members<'a, '_>, Broken> {
        self.expect(b'{', "{")?;
        Ok(Members {
            scanner: self,
            first: true,
        })
    }

    fn expect(&mut self, byte: u8, name: &'static str) -> Result<(), Broken> {
        if self.peek() != Some(byte) {
            return Err(self.broken(name));
        }
        self.at += 1;
        Ok(())
    }

    /// Goes on to the next item of a list, or past its end.
    fn more(&mut self, first: bool, close: u8, expected: &'static str) -> Result<bool, Broken> {
        match self.peek() {
            Some(byte) if byte == close => {
                // After a comma something must follow, which is found missing below.
                self.at += 1;
                return Ok(false);
            }
            Some(b',') if !first => self.at += 1,
            Some(_) if first => {}
            _ => return Err(self.broken(expected)),
        }
        Ok(true)
    }

    /// Passes over the value that begins here, whatever is in it.
    pub(crate) fn value(&mut self) -> Result<Range<usize>, Broken> {
        let first = self.peek();
        let start = self.at;
        match first {
            Some(b'{') => self.nested(b'{', b'}')?,
            Some(b'[') => self.nested(b'[', b']')?,
            Some(b'"') => self.string()?,
            None | Some(b',' | b':' | b']' | b'}') => return Err(self.broken("a value")),
            Some(_) => self.word(),
        }
        Ok(start..self.at)
    }

    /// A number, or a word that should be one of JSON's.
    fn word(&mut self) {
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
    }

    fn string(&mut self) -> Result<(), Broken> {
        self.at += 1;
        loop {
            let Some(found) = find2(b'"', b'\\', &self.text[self.at..]) else {
                return Err(self.broken("the end of a text"));
            };
            self.at += found + 1;
            if self.text[self.at - 1] == b'"' {
                return Ok(());
            }
            // Whatever is escaped, it does not end the text.
            self.at = self.text.len().min(self.at + 1);
        }
    }

    /// Only brackets of the value's own kind count: one of the other kind that is missing inside is an error of the line
    /// and not of the request. An explicit depth, since recursion could be made to overflow the stack.
    fn nested(&mut self, open: u8, close: u8) -> Result<(), Broken> {
        let mut depth = 0_usize;
        loop {
            let Some(found) = find3(b'"', open, close, &self.text[self.at..]) else {
                return Err(self.broken(if open == b'{' {
                    "the end of an object"
                } else {
                    "the end of an array"
                }));
            };
            self.at += found;
            match self.text[self.at] {
                b'"' => {
                    self.string()?;
                    continue;
                }
                byte if byte == open => depth += 1,
                _ => depth -= 1,
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

pub(crate) struct Elements<'a, 's> {
    scanner: &'s mut Scanner<'a>,
    first: bool,
}

impl Elements<'_, '_> {
    /// Where the next element is; `None` after the last, with the scanner behind the bracket.
    pub(crate) fn next(&mut self) -> Result<Option<Range<usize>>, Broken> {
        if !self.scanner.more(self.first, b']', ", or ]")? {
            return Ok(None);
        }
        self.first = false;
        self.scanner.value().map(Some)
    }
}

pub(crate) struct Members<'a, 's> {
    scanner: &'s mut Scanner<'a>,
    first: bool,
}

/// An object's member: its name, and where its value is.
type Member<'a> = (Cow<'a, str>, Range<usize>);

impl<'a> Members<'a, '_> {
    /// The next member; `None` after the last, with the scanner behind the bracket.
    pub(crate) fn next(&mut self) -> Result<Option<Member<'a>>, Broken> {
        if !self.scanner.more(self.first, b'}', ", or }")? {
            return Ok(None);
        }
        self.first = false;
        let name = self.name()?;
        self.scanner.expect(b':', ":")?;
        let value = self.scanner.value()?;
        Ok(Some((name, value)))
    }

    fn name(&mut self) -> Result<Cow<'a, str>, Broken> {
        if self.scanner.peek() != Some(b'"') {
            return Err(self.scanner.broken("a field's name in quotes"));
        }
        let start = self.scanner.at;
        self.scanner.string()?;
        let quoted = &self.scanner.text[start..self.scanner.at];
        // A name with a damaged escape is none that we know.
        Ok(serde_json::from_slice(quoted).unwrap_or_else(|_damaged| String::from_utf8_lossy(quoted)))
    }
}

/// Names, numbers and what is between them are short: to look at so many bytes one by one is faster than to start a
/// search that takes many at a time.
const SHORT: usize = 16;

fn find2(a: u8, b: u8, text: &[u8]) -> Option<usize> {
    let (near, far) = text.split_at(text.len().min(SHORT));
    near.iter()
        .position(|&byte| byte == a || byte == b)
        .or_else(|| Some(near.len() + memchr2(a, b, far)?))
}

fn find3(a: u8, b: u8, c: u8, text: &[u8]) -> Option<usize> {
    let (near, far) = text.split_at(text.len().min(SHORT));
    near.iter()
        .position(|&byte| byte == a || byte == b || byte == c)
        .or_else(|| Some(near.len() + memchr3(a, b, c, far)?))
}
