//! The lines that every client sends, and what must be stored of them.

use std::collections::BTreeMap;

use domain::level::Level;
use domain::scope::Scope;
use serde_json::{Map, Value, json};
use testkit::stored::{self, StoredLine};
use time::OffsetDateTime;

use crate::program::Target;

/// Several requests for clients that send in batches, and a number that no batch size divides.
pub(crate) const COUNT: usize = 503;

pub(crate) const LEVELS: [Level; 6] = [
    Level::Trace,
    Level::Debug,
    Level::Info,
    Level::Warn,
    Level::Error,
    Level::Fatal,
];

/// When the first line was written: an hour ago, to the microsecond.
pub(crate) fn start() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc() - time::Duration::HOUR;
    now.replace_nanosecond(now.microsecond() * 1_000).unwrap()
}

pub(crate) fn nanos(start: OffsetDateTime) -> String {
    start.unix_timestamp_nanos().to_string()
}

/// Line `n`, in what all protocols have in common.
#[derive(Debug, PartialEq)]
struct Expected {
    ts: OffsetDateTime,
    level: Level,
    message: String,
    trace_id: Option<String>,
    meta: Map<String, Value>,
}

fn expected(n: usize, start: OffsetDateTime, more: &Value) -> Expected {
    let Value::Object(mut meta) = json!({"order.id": n, "ratio": n as f64 + 0.5, "paid": n.is_multiple_of(2),
        "tags": ["a", format!("b-{n}")], "customer": "Zoë O'Hara", "service.name": "shop",
        "span_id": format!("{:016x}", n + 1)})
    else {
        unreachable!("it is an object");
    };
    meta.extend(more.as_object().unwrap().clone());
    Expected {
        ts: start + time::Duration::microseconds(1_001 * n as i64),
        level: LEVELS[n % 6],
        message: format!("order {n}: «quoted \"{n}\"»\nsecond line ✓"),
        trace_id: Some(format!("5ca1ab1e{:024x}", n / 10 + 1)),
        meta,
    }
}

/// Every line is stored once, in the key's scope, with all that its sender said of it. `more` is what this client says of
/// each line beside that; what an SDK says of itself may be there.
pub(crate) async fn assert_stored(target: &Target, start: OffsetDateTime, more: Value) {
    assert_stored_in(target, target.org.scope(), start, more).await;
}

/// The same in another scope.
pub(crate) async fn assert_stored_in(target: &Target, scope: Scope, start: OffsetDateTime, more: Value) {
    let mut found: BTreeMap<usize, StoredLine> = BTreeMap::new();
    for line in stored::lines(&target.stack.db).await {
        assert_eq!(line.scope, scope);
        let n = number(&line.message);
        let before = found.insert(n, line);
        assert_eq!(before, None, "line {n} is stored twice");
    }
    for n in 0..COUNT {
        let line = found
            .remove(&n)
            .unwrap_or_else(|| panic!("line {n} of {COUNT} is missing"));
        let Some(Value::Object(mut meta)) = line.meta else {
            panic!("line {n} lost its attributes");
        };
        meta.retain(|name, _| !name.starts_with("telemetry.") && name != "service.instance.id");
        let line = Expected {
            ts: line.ts,
            level: line.level,
            message: line.message,
            trace_id: line.trace_id,
            meta,
        };
        assert_eq!(line, expected(n, start, &more));
    }
    assert!(found.is_empty(), "lines that nobody sent: {found:?}");
}

/// Of `order 17: …`.
pub(crate) fn number(message: &str) -> usize {
    let word = message.split([' ', ':']).nth(1);
    word.and_then(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("not a line of ours: {message}"))
}
