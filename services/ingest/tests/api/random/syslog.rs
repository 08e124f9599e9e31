//! Lines as messages of syslog.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use testkit::corpus::Dice;

use crate::random::bodies::{Body, rfc3339};
use crate::random::generate::{self, Line, one_in};

/// Counted messages of RFC 5424, since a line of ours may have line feeds. What surrounds a text is not part of it there.
pub(crate) fn messages(dice: &mut Dice, lines: Vec<Line>) -> Body {
    let mut bytes = Vec::new();
    let mut stored = Vec::new();
    for mut line in lines {
        line.round_to(1_000);
        let (mut message, meta) = syslog_header(dice, &mut line);
        let marked = one_in(dice, 2) || line.message.trim_start().starts_with(['[', '<']);
        let text = line.message.trim_end_matches(['\0', '\r', '\n']).trim_end();
        let text = if marked {
            text
        } else {
            text.trim_start_matches([' ', '\t'])
        };
        let text = text.trim_start_matches('\u{FEFF}').to_owned();
        message.push_str(if marked { "\u{FEFF}" } else { "" });
        message.push_str(&line.message);
        let _ = write!(MessageBytes(&mut bytes), "{} {message}", message.len());
        line.message = text;
        line.meta = meta;
        line.trace_id = None;
        line.request_id = None;
        stored.push(line.stored());
    }
    Body::new("", "", bytes, stored)
}

struct MessageBytes<'a>(&'a mut Vec<u8>);

impl std::fmt::Write for MessageBytes<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// All but the text, and what becomes of it. Level and time are those of the line, as far as they can be said.
fn syslog_header(dice: &mut Dice, line: &mut Line) -> (String, Map<String, Value>) {
    const FACILITIES: [(u64, &str); 5] = [
        (0, "kern"),
        (1, "user"),
        (4, "auth"),
        (16, "local0"),
        (23, "local7"),
    ];
    const SEVERITIES: [domain::level::Level; 8] = {
        use domain::level::Level::{Debug, Error, Fatal, Info, Warn};
        [Fatal, Fatal, Fatal, Error, Warn, Info, Info, Debug]
    };
    let (facility, name) = *dice.pick(&FACILITIES);
    let severity = dice.below(8);
    line.level = Some(SEVERITIES[severity as usize]);
    let mut meta = Map::from_iter([("facility".to_owned(), name.into())]);
    let mut header = format!("<{}>1 {}", facility * 8 + severity, rfc3339(dice, line.nanos));
    for field in ["host", "app", "procid", "msgid"] {
        let value = match dice.below(3) {
            0 => None,
            1 => Some(format!("a.b-c_{}", dice.below(1_000_000))),
            _ => Some((1 + dice.below(99_999)).to_string()),
        };
        let _ = write!(header, " {}", value.as_deref().unwrap_or("-"));
        if let Some(value) = value {
            let number = value.parse::<i32>().ok().filter(|_| field == "procid");
            meta.insert(field.to_owned(), number.map_or_else(|| value.into(), Value::from));
        }
    }
    let elements: Map<String, Value> = (0..dice.below(3))
        .map(|n| (format!("element-{n}@32473"), Value::Object(params(dice))))
        .collect();
    header.push(' ');
    for (id, params) in &elements {
        let _ = write!(header, "[{id}");
        for (name, value) in params.as_object().unwrap() {
            let escaped = value
                .as_str()
                .unwrap()
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace(']', "\\]");
            let _ = write!(header, " {name}=\"{escaped}\"");
        }
        header.push(']');
    }
    header.push_str(if elements.is_empty() { "- " } else { " " });
    meta.extend(elements);
    (header, meta)
}

fn params(dice: &mut Dice) -> Map<String, Value> {
    (0..dice.below(4))
        .map(|n| (format!("param{n}"), generate::text(dice, 40).into()))
        .collect()
}
