//! One log line, and its form on the wire.

use std::fmt::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

/// How bad it is, as Sightline knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One log line, for [`Client::log`](crate::Client::log).
///
/// Sightline takes messages of up to 1 MiB that are not blank, `meta` of up to 256 KiB and 32 levels, ids of up to 256
/// bytes; a line that breaks this is rejected and counted with the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    level: Level,
    message: String,
    timestamp: SystemTime,
    meta: Map<String, Value>,
    trace_id: Option<String>,
    request_id: Option<String>,
}

impl Record {
    /// A line that happened now.
    pub fn new(level: Level, message: impl Into<String>) -> Self {
        Self {
            level,
            message: message.into(),
            timestamp: now(),
            meta: Map::new(),
            trace_id: None,
            request_id: None,
        }
    }

    pub fn trace(message: impl Into<String>) -> Self {
        Self::new(Level::Trace, message)
    }

    pub fn debug(message: impl Into<String>) -> Self {
        Self::new(Level::Debug, message)
    }

    pub fn info(message: impl Into<String>) -> Self {
        Self::new(Level::Info, message)
    }

    pub fn warn(message: impl Into<String>) -> Self {
        Self::new(Level::Warn, message)
    }

    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Level::Error, message)
    }

    pub fn fatal(message: impl Into<String>) -> Self {
        Self::new(Level::Fatal, message)
    }

    /// Adds a field to `meta`, instead of one of the same name.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.insert(name.into(), value.into());
        self
    }

    /// Replaces all of `meta`.
    pub fn meta(mut self, meta: Map<String, Value>) -> Self {
        self.meta = meta;
        self
    }

    pub fn trace_id(mut self, id: impl Into<String>) -> Self {
        self.trace_id = Some(id.into());
        self
    }

    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// When it happened; otherwise, when the record was made. Kept to the microsecond.
    pub fn timestamp(mut self, timestamp: SystemTime) -> Self {
        self.timestamp = timestamp;
        self
    }

    /// One line of NDJSON, without the line feed. Written by hand, since none of it can fail: `serde_json` escapes
    /// control characters, so the text is one line.
    pub(crate) fn into_json(self) -> String {
        // Ingest takes a number of this size as microseconds.
        let micros = self
            .timestamp
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_micros();
        let message = Value::String(self.message);
        let mut json = format!(
            r#"{{"timestamp":{micros},"level":"{}","message":{message}"#,
            self.level
        );
        if !self.meta.is_empty() {
            // Writing into a String cannot fail.
            let _ = write!(json, r#","meta":{}"#, Value::Object(self.meta));
        }
        for (name, id) in [("trace_id", self.trace_id), ("request_id", self.request_id)] {
            if let Some(id) = id {
                let _ = write!(json, r#","{name}":{}"#, Value::String(id));
            }
        }
        json.push('}');
        json
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this crate stands alone, and the time of a log line is the machine's"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(micros: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(micros)
    }

    #[test]
    fn a_line_has_what_was_given_and_nothing_else() {
        let bare = Record::fatal("out of disk").timestamp(at(1_770_000_000_123_456));
        assert_eq!(
            bare.into_json(),
            r#"{"timestamp":1770000000123456,"level":"fatal","message":"out of disk"}"#
        );
        let full = Record::warn("slow")
            .timestamp(at(1_770_000_000_000_000))
            .field("ms", 1500)
            .field("ok", false)
            .trace_id("t-1")
            .request_id("r-1");
        assert_eq!(
            full.into_json(),
            r#"{"timestamp":1770000000000000,"level":"warn","message":"slow","meta":{"ms":1500,"ok":false},"trace_id":"t-1","request_id":"r-1"}"#
        );
    }

    #[test]
    fn whatever_the_text_a_line_is_one_line_of_valid_json() {
        let text = "two\nlines, \"quoted\", a \u{0}, a \u{2028} and \\";
        let json = Record::info(text)
            .field("key \"of\"\n\u{0}", text)
            .trace_id(text)
            .into_json();
        assert!(!json.contains('\n'));
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["message"], text);
        assert_eq!(value["meta"]["key \"of\"\n\u{0}"], text);
        assert_eq!(value["trace_id"], text);
    }
}
