//! Syslog messages: RFC 5424, and the loose habits that RFC 3164 describes.

pub(crate) mod framing;

use std::ops::Range;

use actix_web::web::Bytes;
use domain::level::Level;
use serde_json::{Map, Value};
use service_kit::ApiError;
use syslog_loose::{Message, ProcId, SyslogSeverity, Variant};
use time::OffsetDateTime;

use super::places::Places;
use crate::line::{self, Line};
use crate::unpack::{Records, Sink};

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

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            bytes in prop::collection::vec(prop_oneof![
                any::<u8>(), Just(b'<'), Just(b'>'), Just(b'['), Just(b'"'), Just(b' '), Just(b'1'), Just(b'\n'), Just(b':'),
            ], 0..200),
        ) {
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
