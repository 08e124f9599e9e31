//! How syslog messages follow one another on a stream (RFC 6587).

use std::ops::Range;

use memchr::memchr2;

/// A message that is longer is refused. RFC 5424 asks for 2 KiB; what applications write is longer at times.
pub(crate) const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// Digits of a frame's length, and the space after them.
const MAX_PREFIX: usize = 6;

/// What a stream holds next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Message(Range<usize>),
    /// Passed over up to its end.
    TooLong,
    /// More bytes are needed.
    Incomplete,
}

/// Finds messages in the bytes of a stream, each by its own frame: some senders change from one kind to the other.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    /// What is left to be passed over of a message that is too long.
    skipping: Option<Skip>,
}

#[derive(Clone, Copy, Debug)]
enum Skip {
    Bytes(usize),
    ToEndOfLine,
}

impl Framing {
    /// The first frame at or after `at`, and where to look for the next.
    pub(crate) fn next(&mut self, bytes: &[u8], at: usize) -> (Frame, usize) {
        let rest = bytes.get(at..).unwrap_or_default();
        if let Some(skip) = self.skipping {
            return self.skip(skip, rest, at);
        }
        // Python ends a message with NUL instead of a line feed, and some end a counted one with a line feed as well.
        let start = rest
            .iter()
            .position(|byte| !matches!(byte, b'\n' | b'\r' | 0))
            .unwrap_or(rest.len());
        let (rest, at) = (&rest[start..], at + start);
        match counted(rest) {
            Counted::Yes { prefix, length } if length > MAX_MESSAGE_BYTES => {
                self.skipping = Some(Skip::Bytes(length));
                (Frame::TooLong, at + prefix)
            }
            Counted::Yes { prefix, length } if rest.len() < prefix + length => (Frame::Incomplete, at),
            Counted::Yes { prefix, length } => {
                let start = at + prefix;
                (Frame::Message(start..start + length), start + length)
            }
            Counted::Unknown => (Frame::Incomplete, at),
            Counted::No => match memchr2(b'\n', 0, rest) {
                Some(end) if end > MAX_MESSAGE_BYTES => (Frame::TooLong, at + end + 1),
                Some(end) => (Frame::Message(at..at + end), at + end + 1),
                None if rest.len() > MAX_MESSAGE_BYTES => {
                    self.skipping = Some(Skip::ToEndOfLine);
                    (Frame::TooLong, at + rest.len())
                }
                None => (Frame::Incomplete, at),
            },
        }
    }

    fn skip(&mut self, skip: Skip, rest: &[u8], at: usize) -> (Frame, usize) {
        let (passed, left) = match skip {
            Skip::Bytes(left) => {
                let passed = left.min(rest.len());
                (passed, (left > passed).then_some(Skip::Bytes(left - passed)))
            }
            Skip::ToEndOfLine => match memchr2(b'\n', 0, rest) {
                Some(end) => (end + 1, None),
                None => (rest.len(), Some(skip)),
            },
        };
        self.skipping = left;
        match left {
            Some(_) => (Frame::Incomplete, at + passed),
            None => self.next_after_skip(rest, passed, at),
        }
    }

    fn next_after_skip(&mut self, rest: &[u8], passed: usize, at: usize) -> (Frame, usize) {
        let (frame, next) = self.next(rest, passed);
        let moved = match frame {
            Frame::Message(range) => Frame::Message(range.start + at..range.end + at),
            other => other,
        };
        (moved, next + at)
    }
}

enum Counted {
    Yes { prefix: usize, length: usize },
    No,
    Unknown,
}

/// Whether a frame begins with its length. A line that begins with a number is none: after the space a message follows,
/// which begins with `<`.
fn counted(rest: &[u8]) -> Counted {
    let head = &rest[..rest.len().min(MAX_PREFIX + 1)];
    let digits = head.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if head.first().is_none_or(|first| !matches!(first, b'1'..=b'9')) || digits > MAX_PREFIX {
        return if rest.is_empty() {
            Counted::Unknown
        } else {
            Counted::No
        };
    }
    match (rest.get(digits), rest.get(digits + 1)) {
        (None, _) | (Some(b' '), None) => Counted::Unknown,
        (Some(b' '), Some(b'<')) => {
            let length = head[..digits]
                .iter()
                .fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
            Counted::Yes {
                prefix: digits + 1,
                length,
            }
        }
        _ => Counted::No,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The messages of a stream that comes in these pieces, and how many were too long.
    fn messages(pieces: &[&[u8]]) -> (Vec<String>, usize) {
        let (mut framing, mut buffer, mut found, mut long) = (Framing::default(), Vec::new(), Vec::new(), 0);
        for piece in pieces {
            buffer.extend_from_slice(piece);
            let mut at = 0;
            loop {
                let (frame, next) = framing.next(&buffer, at);
                at = next;
                match frame {
                    Frame::Message(range) => found.push(String::from_utf8_lossy(&buffer[range]).into_owned()),
                    Frame::TooLong => long += 1,
                    Frame::Incomplete => break,
                }
            }
            buffer.drain(..at);
        }
        (found, long)
    }

    #[test]
    fn both_framings_are_understood_however_they_arrive() {
        let stream =
            b"7 <1>a\nb 8 <2>x\ny z<3>line\r\n\n2026 begins a line\n10 <4>counted\n<5>NUL\0<6>last\0\n";
        let whole = messages(&[stream]);
        let expected = [
            "<1>a\nb ",
            "<2>x\ny z",
            "<3>line\r",
            "2026 begins a line",
            "<4>counted",
            "<5>NUL",
            "<6>last",
        ];
        assert_eq!(whole.0, expected);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(messages(&bytes), whole);
    }

    #[test]
    fn a_message_that_is_too_long_costs_only_itself() {
        let long = "x".repeat(MAX_MESSAGE_BYTES + 1);
        let stream = format!("<1>{long}\n<2>ok\n{} <{long}<3>fine\n", MAX_MESSAGE_BYTES + 2);
        let expected = (vec!["<2>ok".to_owned(), "<3>fine".to_owned()], 2);
        assert_eq!(messages(&[stream.as_bytes()]), expected);
        let pieces: Vec<&[u8]> = stream.as_bytes().chunks(1_000).collect();
        assert_eq!(messages(&pieces), expected);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_pieces_make_no_difference(
            bytes in prop::collection::vec(prop_oneof![
                any::<u8>(), Just(b'<'), Just(b' '), Just(b'1'), Just(b'2'), Just(b'\n'), Just(0),
            ], 0..200),
            size in 1_usize..50,
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            prop_assert_eq!(messages(&pieces), messages(&[&bytes]));
        }
    }
}
