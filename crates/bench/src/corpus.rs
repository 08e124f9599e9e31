//! The seeded corpus: lines as real services write them, the same on every run.
//!
//! Its shape is that of the measurements in ARCHITECTURE.md: 200 message templates used unevenly, about 130 bytes of
//! message, metadata on 70 % of the lines, a trace id on 30 %, a request id on 10 %, one word in a fifth of the lines, a
//! needle in ten lines, levels 5/80/10/5 %.

use std::fmt::Write as _;

use bytes::Bytes;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// Each is in about a fifth of the lines.
pub(crate) const WORDS: [&str; 48] = [
    "request",
    "completed",
    "for",
    "user",
    "order",
    "payment",
    "cache",
    "miss",
    "hit",
    "database",
    "query",
    "took",
    "rows",
    "returned",
    "connection",
    "pool",
    "exhausted",
    "retrying",
    "after",
    "backoff",
    "upstream",
    "service",
    "responded",
    "with",
    "status",
    "timeout",
    "while",
    "waiting",
    "lock",
    "acquired",
    "released",
    "job",
    "scheduled",
    "finished",
    "failed",
    "validation",
    "error",
    "invalid",
    "token",
    "expired",
    "session",
    "created",
    "deleted",
    "updated",
    "item",
    "cart",
    "checkout",
    "inventory",
];
const TEMPLATES: usize = 200;
/// How many kinds of variable part a template may hold, beside the words.
const SLOTS: usize = 12;

/// xorshift64*: fast, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }
}

/// One line before it is written in any protocol.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) ts: OffsetDateTime,
    pub(crate) level: &'static str,
    pub(crate) message: String,
    pub(crate) meta: String,
    pub(crate) trace_id: String,
    pub(crate) request_id: String,
}

/// Makes lines, spread evenly over the 24 hours before `end`.
pub(crate) struct Corpus {
    random: Random,
    templates: Vec<Vec<usize>>,
    ts: OffsetDateTime,
    step: Duration,
    made: usize,
    total: usize,
}

impl Corpus {
    pub(crate) fn new(seed: u64, total: usize, end: OffsetDateTime) -> Self {
        let mut random = Random::new(seed);
        let templates = (0..TEMPLATES)
            .map(|_| {
                let words = 12 + random.below(8);
                (0..words)
                    .map(|_| random.below((WORDS.len() + SLOTS) as u64) as usize)
                    .collect()
            })
            .collect();
        let step = Duration::DAY / (total.max(1) as f64);
        Self {
            random,
            templates,
            ts: end - Duration::DAY,
            step,
            made: 0,
            total,
        }
    }

    fn line(&mut self) -> Line {
        self.ts += self.step;
        self.made += 1;
        let message = self.message();
        let random = &mut self.random;
        let meta = if random.below(10) < 7 {
            meta(random)
        } else {
            String::new()
        };
        let trace_id = if random.below(10) < 3 {
            format!("{:016x}{:016x}", random.next(), random.next())
        } else {
            String::new()
        };
        let request_id = if random.below(10) == 0 {
            format!("req-{:012x}", random.next() >> 16)
        } else {
            String::new()
        };
        let level = match random.below(20) {
            0 => "debug",
            1..17 => "info",
            17..19 => "warn",
            _ => "error",
        };
        Line {
            ts: self.ts,
            level,
            message,
            meta,
            trace_id,
            request_id,
        }
    }

    fn message(&mut self) -> String {
        let random = &mut self.random;
        // The product of two draws makes low numbers common, as a few templates are in real logs.
        let template =
            (random.below(TEMPLATES as u64) * random.below(TEMPLATES as u64) / TEMPLATES as u64) as usize;
        let mut text = String::with_capacity(180);
        for &part in &self.templates[template] {
            if !text.is_empty() {
                text.push(' ');
            }
            if let Some(word) = WORDS.get(part) {
                text.push_str(word);
            } else {
                slot(&mut text, part, random);
            }
        }
        if random.below(5) == 0 {
            text.push_str(" common");
        }
        if self.made.is_multiple_of((self.total / 10).max(1)) {
            text.push_str(" needle");
        }
        text
    }
}

impl Iterator for Corpus {
    type Item = Line;
    fn next(&mut self) -> Option<Line> {
        (self.made < self.total).then(|| self.line())
    }
}

fn slot(text: &mut String, kind: usize, random: &mut Random) {
    // Writing into a String cannot fail.
    let _ = match kind % 4 {
        0 => write!(text, "id={}", random.below(1_000_000)),
        1 => write!(text, "{}ms", random.below(2_000)),
        2 => write!(text, "{:08x}", random.next() >> 32),
        _ => write!(
            text,
            "10.{}.{}.{}",
            random.below(4),
            random.below(256),
            random.below(256)
        ),
    };
}

fn meta(random: &mut Random) -> String {
    const STATUS: [u16; 5] = [200, 200, 200, 404, 500];
    format!(
        r#"{{"user_id":"u{}","http_status":{},"duration_ms":{},"region":"eu-west-{}","host":"web-{}"}}"#,
        random.below(200_000),
        STATUS[random.below(5) as usize],
        random.below(3_000),
        random.below(3),
        random.below(20)
    )
}

/// One request body of the native protocol: `{"logs":[...]}`.
pub(crate) fn native_body(lines: &[Line]) -> Bytes {
    let mut body = String::with_capacity(lines.len() * 330 + 16);
    body.push_str(r#"{"logs":["#);
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        write_line(&mut body, line);
    }
    body.push_str("]}");
    Bytes::from(body)
}

fn write_line(body: &mut String, line: &Line) {
    let ts = line.ts.format(&Rfc3339).unwrap_or_default();
    // The corpus holds no character that JSON would escape.
    let _ = write!(
        body,
        r#"{{"timestamp":"{ts}","level":"{}","message":"{}""#,
        line.level, line.message
    );
    for (name, text) in [("trace_id", &line.trace_id), ("request_id", &line.request_id)] {
        if !text.is_empty() {
            let _ = write!(body, r#","{name}":"{text}""#);
        }
    }
    if !line.meta.is_empty() {
        let _ = write!(body, r#","meta":{}"#, line.meta);
    }
    body.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_the_same_on_every_run_and_has_the_stated_shape() {
        let end = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let lines: Vec<Line> = Corpus::new(7, 10_000, end).collect();
        let again: Vec<Line> = Corpus::new(7, 10_000, end).collect();
        assert!(
            lines
                .iter()
                .zip(&again)
                .all(|(a, b)| a.message == b.message && a.meta == b.meta)
        );

        let share = |test: fn(&Line) -> bool| lines.iter().filter(|line| test(line)).count();
        assert_eq!(share(|line| line.message.ends_with("needle")), 10);
        assert!((1_800..2_200).contains(&share(|line| line.message.contains("common"))));
        assert!((6_800..7_200).contains(&share(|line| !line.meta.is_empty())));
        let bytes: usize = lines.iter().map(|line| line.message.len()).sum();
        assert!(
            (90..150).contains(&(bytes / lines.len())),
            "{} bytes of message a line",
            bytes / lines.len()
        );
        assert!(lines.first().unwrap().ts > end - Duration::DAY && lines.last().unwrap().ts <= end);
        let body: serde_json::Value = serde_json::from_slice(&native_body(&lines)).unwrap();
        assert_eq!(body["logs"].as_array().unwrap().len(), 10_000);
    }
}
