//! Lines as nobody would write them: any Unicode, any JSON, any order of time.

use std::fmt::Write as _;

use domain::level::Level;
use serde_json::{Map, Number, Value};
use testkit::corpus::Dice;
use time::OffsetDateTime;

use crate::random::stored;

/// A line before it is put into the words of a protocol.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Since 1970.
    pub(crate) nanos: i128,
    pub(crate) level: Option<Level>,
    /// Not blank.
    pub(crate) message: String,
    /// Under names that no protocol gives a meaning to.
    pub(crate) meta: Map<String, Value>,
    /// Not blank.
    pub(crate) trace_id: Option<String>,
    /// Not blank.
    pub(crate) request_id: Option<String>,
}

impl Line {
    /// The line as it should be stored, if the protocol says all of it.
    pub(crate) fn stored(&self) -> stored::Line {
        stored::Line::new(
            self.nanos,
            self.level,
            &self.message,
            &self.meta,
            self.trace_id.as_deref(),
            self.request_id.as_deref(),
        )
    }

    pub(crate) fn micros(&self) -> i128 {
        self.nanos.div_euclid(1_000)
    }

    /// Cuts what is finer than so many nanoseconds off the time, for ways of writing it that cannot say it.
    pub(crate) fn round_to(&mut self, nanos: i128) {
        self.nanos -= self.nanos.rem_euclid(nanos);
    }
}

/// What is made differs from protocol to protocol only where one cannot say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) max_message_bytes: usize,
    /// Whether values of metadata are texts only.
    pub(crate) texts_only: bool,
    /// How deep values of metadata may nest beyond the usual few levels.
    pub(crate) max_depth: usize,
}

impl Shape {
    /// Far less than the protocols of HTTP take.
    pub(crate) const USUAL: Self = Self {
        max_message_bytes: 120_000,
        texts_only: false,
        max_depth: 12,
    };
}

pub(crate) fn line(dice: &mut Dice, now: OffsetDateTime, shape: Shape) -> Line {
    const OLDEST: u64 = 25 * 24 * 3600 * 1_000_000_000;
    const NEWEST: u64 = 9 * 60 * 1_000_000_000;
    let newest = now.unix_timestamp_nanos() + i128::from(NEWEST);
    let span = if one_in(dice, 3) {
        OLDEST
    } else {
        3_600_000_000_000
    };
    let length = message_length(dice);
    Line {
        nanos: newest - i128::from(dice.below(span)),
        level: (!one_in(dice, 8)).then(|| *dice.pick(&Level::ALL)),
        message: visible_text(dice, length.min(shape.max_message_bytes)),
        meta: metadata(dice, shape),
        trace_id: one_in(dice, 3).then(|| id(dice)),
        request_id: one_in(dice, 3).then(|| id(dice)),
    }
}

pub(crate) fn one_in(dice: &mut Dice, of: u64) -> bool {
    dice.below(of) == 0
}

fn message_length(dice: &mut Dice) -> usize {
    let length = match dice.below(1_000) {
        0 => dice.below(120_000),
        1..50 => dice.below(6_000),
        50..250 => 1 + dice.below(3),
        _ => dice.below(150),
    };
    length as usize
}

fn id(dice: &mut Dice) -> String {
    match dice.below(4) {
        0 => format!("{:016x}{:016x}", dice.roll(), dice.roll()),
        1 => dice.roll().to_string(),
        _ => {
            let length = dice.below(200) as usize;
            visible_text(dice, length)
        }
    }
}

/// About so many bytes, and at least one character that is neither white space, NUL nor a byte order mark.
pub(crate) fn visible_text(dice: &mut Dice, bytes: usize) -> String {
    let mut text = text(dice, bytes.saturating_sub(4));
    if text.chars().all(is_invisible) {
        text.push(*dice.pick(&['x', '0', 'é', '语', '😀', '"', '\\', '{', '<']));
    }
    text
}

fn is_invisible(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\0' | '\u{FEFF}')
}

/// At most so many bytes, mostly of one kind.
pub(crate) fn text(dice: &mut Dice, bytes: usize) -> String {
    let kind = dice.below(8);
    let mut text = String::with_capacity(bytes);
    loop {
        let kind = if one_in(dice, 10) { dice.below(8) } else { kind };
        let next = character(dice, kind);
        if text.len() + next.len_utf8() > bytes {
            return text;
        }
        text.push(next);
    }
}

fn character(dice: &mut Dice, kind: u64) -> char {
    /// Right to left and back, combining, joined, not to be seen, ends of planes, what JSON and syslog escape.
    const ODD: [char; 30] = [
        '\u{202E}',
        '\u{202C}',
        '\u{200F}',
        '\u{2066}',
        '\u{0301}',
        '\u{0323}',
        '\u{20E3}',
        '\u{200D}',
        '\u{200B}',
        '\u{FE0F}',
        '\u{FEFF}',
        '\u{FFFD}',
        '\u{FFFE}',
        '\u{FFFF}',
        '\u{D7FF}',
        '\u{E000}',
        '\u{10000}',
        '\u{10FFFF}',
        '\u{2028}',
        '\u{85}',
        '\u{A0}',
        '"',
        '\\',
        ']',
        '[',
        '=',
        '\'',
        '`',
        '\u{7F}',
        '/',
    ];
    let within = |from: u32, to: u64, dice: &mut Dice| {
        char::from_u32(from + dice.below(to) as u32).unwrap_or('\u{FFFD}')
    };
    match kind {
        0..3 => within(0x20, 0x5F, dice),
        3 => within(0, 0x20, dice),
        4 => *dice.pick(&ODD),
        5 => within(0x590, 0x170, dice),
        6 => within(0x1F300, 0x400, dice),
        _ => within(0, 0x11_0000, dice),
    }
}

fn metadata(dice: &mut Dice, shape: Shape) -> Map<String, Value> {
    let fields = match dice.below(20) {
        0..4 => 0,
        4 => dice.below(60),
        _ => dice.below(8),
    };
    let mut meta = Map::new();
    for _ in 0..fields {
        let value = if shape.texts_only {
            Value::String(some_text(dice))
        } else {
            value(dice, shape.max_depth, 3)
        };
        meta.insert(key(dice), value);
    }
    meta
}

/// None that a protocol gives a meaning to, at the top or below: those are all lower case, and here the first letter is not.
fn key(dice: &mut Dice) -> String {
    let length = match dice.below(200) {
        0 => 2_000,
        1 => return String::new(),
        2..100 => dice.below(4),
        _ => dice.below(16),
    };
    let mut key = text(dice, length as usize);
    if key.starts_with(|first: char| first.is_ascii_lowercase() || first == '@') {
        key.insert(0, 'K');
    }
    key
}

fn some_text(dice: &mut Dice) -> String {
    let length = match dice.below(100) {
        0 => dice.below(3_000),
        1..20 => 0,
        _ => dice.below(40),
    };
    text(dice, length as usize)
}

/// `depth` is how much deeper it may be, `width` how much wider.
fn value(dice: &mut Dice, depth: usize, width: u64) -> Value {
    match dice.below(if depth == 0 { 10 } else { 14 }) {
        0 => Value::Null,
        1 => Value::Bool(one_in(dice, 2)),
        2..6 => Value::Number(number(dice)),
        6..10 => Value::String(some_text(dice)),
        10 if one_in(dice, 20) => (1..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner])),
        10..12 => (0..dice.below(width + 1))
            .map(|_| value(dice, depth - 1, width.saturating_sub(1)))
            .collect(),
        _ => (0..dice.below(width + 1))
            .map(|_| (key(dice), value(dice, depth - 1, width.saturating_sub(1))))
            .collect(),
    }
}

fn number(dice: &mut Dice) -> Number {
    const ODD: [f64; 12] = [
        0.0,
        -0.0,
        0.1,
        1.0,
        1e15,
        1e16,
        1e22,
        1.797_693_134_862_315_7e308,
        5e-324,
        2.225_073_858_507_201e-308,
        -1e-7,
        1e100,
    ];
    match dice.below(7) {
        0 => dice.roll().into(),
        1 => dice.roll().cast_signed().into(),
        2 => (*dice.pick(&[0, -1, i64::MIN, i64::MAX, 1 << 53, (1 << 53) + 1])).into(),
        3 => dice.below(1_000).into(),
        4 => Number::from_f64(*dice.pick(&ODD)).unwrap(),
        // Any that there is.
        5 => Number::from_f64(f64::from_bits(dice.roll())).unwrap_or_else(|| 0.into()),
        _ => Number::from_f64(dice.below(1_000_000) as f64 / 1_000.0).unwrap(),
    }
}

/// JSON in one line, as some other writer might write it: with spaces, escapes and exponents where it likes.
pub(crate) fn json(dice: &mut Dice, value: &Value) -> String {
    let mut out = String::new();
    write_json(dice, value, &mut out);
    out
}

fn write_json(dice: &mut Dice, value: &Value, out: &mut String) {
    match value {
        Value::String(text) => write_text(dice, text, out),
        Value::Number(number) if number.is_f64() && one_in(dice, 4) => {
            let _ = write!(out, "{:e}", number.as_f64().unwrap());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                separate(dice, place, out);
                write_json(dice, item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (place, (name, value)) in fields.iter().enumerate() {
                separate(dice, place, out);
                write_text(dice, name, out);
                out.push_str(dice.pick::<&str>(&[":", ": ", "\t:"]));
                write_json(dice, value, out);
            }
            out.push('}');
        }
    }
}

fn separate(dice: &mut Dice, place: usize, out: &mut String) {
    if place > 0 {
        out.push(',');
    }
    if one_in(dice, 5) {
        out.push_str(dice.pick::<&str>(&[" ", "\t", "  "]));
    }
}

fn write_text(dice: &mut Dice, text: &str, out: &mut String) {
    if !one_in(dice, 6) {
        out.push_str(&Value::from(text).to_string());
        return;
    }
    out.push('"');
    for unit in text.encode_utf16() {
        let _ = write!(out, "\\u{unit:04x}");
    }
    out.push('"');
}
