//! Syslog messages, RFC 5424 and the loose habits that RFC 3164 describes, and how they are framed on a stream (RFC 6587).

use std::ops::Range;

use actix_web::web::Bytes;
use domain::level::Level;
use memchr::memchr2;
use serde_json::{Map, Value};
use service_kit::ApiError;
use syslog_loose::{Message, ProcId, SyslogSeverity, Variant};
use time::OffsetDateTime;

use super::places::Places;
use crate::line::{self, Line};
use crate::unpack::{Records, Sink};

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

/// The API key in a message's structured data: `[sightline@… token="slk_…"]`.
pub(crate) fn token_of(message: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(message).ok()?;
    if !text.contains("[sightline") {
        return None;
    }
    let message = syslog_loose::parse_message_with_year(text, |_| 1970, Variant::RFC5424);
    let element = message
        .structured_data
        .iter()
        .find(|element| is_ours(element.id))?;
    let token = element.params.iter().find(|(name, _)| *name == "token");
    token.map(|(_, value)| (*value).to_owned())
}

fn is_ours(id: &str) -> bool {
    id == "sightline" || id.starts_with("sightline@")
}

/// Messages of one API key.
#[derive(Debug)]
pub(crate) struct Messages(Places<()>);

impl Messages {
    pub(crate) fn of(body: Bytes, ranges: Vec<Range<usize>>, max_lines: usize) -> Result<Self, ApiError> {
        let mut places = Places::new(body, max_lines);
        places.begin_group(());
        for range in ranges {
            places.push(range)?;
        }
        Ok(Self(places))
    }
}

impl Records for Messages {
    type Outline = ();

    fn count(&self) -> u32 {
        self.0.count()
    }

    fn body(&self) -> &[u8] {
        &self.0.body
    }

    fn read_into(&self, sink: &mut Sink<'_>) {
        let now = sink.rules().now;
        for (index, _, message) in self.0.iter() {
            let text = String::from_utf8_lossy(message);
            sink.line(index, &line_of(text.trim_end_matches(['\0', '\r', '\n']), now));
        }
    }

    fn into_outline(self) {}
}

fn line_of(text: &str, now: OffsetDateTime) -> Line<'static> {
    let mut message =
        syslog_loose::parse_message_with_year(text, |(month, ..)| year_of(month, now), Variant::Either);
    if message.severity.is_none()
        && let Some((priority, rest)) = priority_of(text)
    {
        // Python sends nothing else of a header.
        (message.facility, message.severity) = syslog_loose::decompose_pri(priority);
        message.msg = rest;
    }
    let timestamp = message.timestamp.and_then(|at| at.timestamp_nanos_opt());
    let body = message.msg.trim_start_matches('\u{FEFF}').trim_end();
    // A message may be all header; its text is then the whole of it.
    let body = if body.trim().is_empty() { text.trim() } else { body };
    Line {
        timestamp: timestamp.and_then(|nanos| line::at_nanos(nanos.into())),
        level: message.severity.map(level_of),
        message: body.to_owned().into(),
        meta: meta_of(&message),
        trace_id: None,
    }
}

/// `<11>`, and what comes after it.
fn priority_of(text: &str) -> Option<(u8, &str)> {
    const MAX: u8 = 191;
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let priority = digits.parse().ok().filter(|priority| *priority <= MAX)?;
    Some((priority, rest))
}

fn meta_of(message: &Message<&str>) -> Map<String, Value> {
    let mut meta = Map::new();
    for element in message
        .structured_data
        .iter()
        .filter(|element| !is_ours(element.id))
    {
        let params = element
            .params()
            .map(|(name, value)| ((*name).to_owned(), value.into()));
        meta.insert(element.id.to_owned(), Value::Object(params.collect()));
    }
    let procid = message.procid.as_ref().map(|procid| match procid {
        ProcId::PID(pid) => Value::from(*pid),
        ProcId::Name(name) => (*name).into(),
    });
    for (name, value) in [
        ("host", message.hostname.map(Value::from)),
        ("app", message.appname.map(Value::from)),
        ("procid", procid),
        ("msgid", message.msgid.map(Value::from)),
        (
            "facility",
            message.facility.map(|facility| facility.as_str().into()),
        ),
    ] {
        if let Some(value) = value {
            meta.insert(name.to_owned(), value);
        }
    }
    meta
}

fn level_of(severity: SyslogSeverity) -> Level {
    match severity {
        SyslogSeverity::SEV_EMERG | SyslogSeverity::SEV_ALERT | SyslogSeverity::SEV_CRIT => Level::Fatal,
        SyslogSeverity::SEV_ERR => Level::Error,
        SyslogSeverity::SEV_WARNING => Level::Warn,
        SyslogSeverity::SEV_NOTICE | SyslogSeverity::SEV_INFO => Level::Info,
        SyslogSeverity::SEV_DEBUG => Level::Debug,
    }
}

/// RFC 3164 writes no year: it is this one, but for messages that come just after, or just before, the turn of it.
fn year_of(month: u32, now: OffsetDateTime) -> i32 {
    match (month, u8::from(now.month())) {
        (12, 1) => now.year() - 1,
        (1, 12) => now.year() + 1,
        _ => now.year(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use time::macros::datetime;

    use super::*;
    use crate::unpack::testing;

    const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

    fn read(text: &str) -> (Option<Value>, Option<Level>, String, Value) {
        let line = line_of(text, NOW);
        (
            line.timestamp,
            line.level,
            line.message.into_owned(),
            Value::Object(line.meta),
        )
    }

    #[test]
    fn a_message_of_rfc_5424_is_read_with_its_structured_data() {
        let text = "<165>1 2026-11-22T11:59:59.003Z host.example evntslog 77 ID47 \
            [exampleSDID@32473 iut=\"3\" say=\"a\\\"b\"][sightline@1 token=\"t\"] \u{FEFF}An event";
        let meta = json!({"host": "host.example", "app": "evntslog", "procid": 77, "msgid": "ID47", "facility": "local4",
            "exampleSDID@32473": {"iut": "3", "say": "a\"b"}});
        let at = Some(json!("2026-11-22T11:59:59.003Z"));
        assert_eq!(read(text), (at, Some(Level::Info), "An event".to_owned(), meta));
        assert_eq!(token_of(text.as_bytes()).as_deref(), Some("t"));
    }

    #[test]
    fn a_message_of_rfc_3164_is_read() {
        let (at, level, message, meta) = read("<34>Nov 22 11:14:15 mymachine su[12]: 'su root' failed");
        assert!(at.unwrap().as_str().unwrap().starts_with("2026-11-2"));
        assert_eq!(
            (level, message.as_str()),
            (Some(Level::Fatal), "'su root' failed")
        );
        let expected = json!({"host": "mymachine", "app": "su", "procid": 12, "facility": "auth"});
        assert_eq!(meta, expected);
    }

    #[test]
    fn what_is_no_syslog_is_a_message_all_the_same() {
        assert_eq!(read("hello"), (None, None, "hello".to_owned(), json!({})));
        let expected = (
            None,
            Some(Level::Error),
            "from Python".to_owned(),
            json!({"facility": "user"}),
        );
        assert_eq!(read("<11>from Python"), expected);
        assert_eq!(read("<999>x").2, "<999>x");
        assert_eq!(token_of(b"<14>1 - - - - - - [sightline"), None);
    }

    #[test]
    fn the_year_turns() {
        assert_eq!(year_of(12, datetime!(2027-01-01 0:00 UTC)), 2026);
        assert_eq!(year_of(1, datetime!(2026-12-31 23:59 UTC)), 2027);
        assert_eq!(year_of(6, NOW), 2026);
    }

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
        fn no_bytes_make_it_panic(
            bytes in prop::collection::vec(prop_oneof![
                any::<u8>(), Just(b'<'), Just(b'>'), Just(b'['), Just(b'"'), Just(b' '), Just(b'1'), Just(b'\n'), Just(b':'),
            ], 0..200),
            size in 1_usize..50,
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            let _ = messages(&pieces);
            let _ = token_of(&bytes);
            let whole = 0..bytes.len();
            for header in ["", "<34>1 ", "<34>", "<34>1 2026-11-22T11:59:59.003Z h a p m "] {
                let text = format!("{header}{}", String::from_utf8_lossy(&bytes));
                let _ = token_of(text.as_bytes());
                let _ = line_of(&text, NOW);
            }
            let found = Messages::of(bytes.into(), vec![whole], 10).unwrap();
            let _ = testing::read(&found, 1 << 26);
        }
    }
}
