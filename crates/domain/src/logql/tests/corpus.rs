//! Ten lines of two services, by which answers are checked.

use serde_json::{Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::super::{Direction, Evaluation, Limits, Line, Query, QueryResult, Streams, Times, parse};
use crate::level::Level;

/// Twelve o'clock, 1,767,268,800 s after the epoch.
pub(super) const NOON: OffsetDateTime = datetime!(2026-01-01 12:00 UTC);

struct Stored {
    /// Seconds before noon.
    before: i64,
    service: &'static str,
    environment: &'static str,
    level: Level,
    message: &'static str,
    meta: Option<Value>,
    trace_id: Option<&'static str>,
}

/// Newest first.
fn stored() -> Vec<Stored> {
    let line = |before, service, environment, level, message| Stored {
        before,
        service,
        environment,
        level,
        message,
        meta: None,
        trace_id: None,
    };
    let api = |before, level, message| line(before, "api", "prod", level, message);
    let db = |before, level, message| line(before, "db", "prod", level, message);
    vec![
        Stored {
            meta: Some(json!({"http": {"status": 502}, "tags": ["a", 1], "level": "x", "user.id": "u1"})),
            trace_id: Some("0242ac120002"),
            ..api(0, Level::Error, "GET /home failed: timeout")
        },
        Stored {
            meta: Some(json!({"http": {"status": 200}})),
            ..api(
                10,
                Level::Info,
                r#"{"method": "GET", "path": "/home", "status": 200, "took": "20ms", "level": "info"}"#,
            )
        },
        api(
            20,
            Level::Info,
            r#"{"method": "POST", "path": "/cart", "status": 500, "took": "1.5s"}"#,
        ),
        api(
            70,
            Level::Warn,
            r#"{"method": "GET", "path": "/home", "status": 404, "took": "oops"}"#,
        ),
        db(
            5,
            Level::Info,
            r#"at=query rows=10 size=5KB host=a msg="select 1""#,
        ),
        db(15, Level::Info, "at=query rows=30 size=1KiB host=b alone"),
        db(60, Level::Info, "at=query rows=20 size=20B host=a"),
        db(61, Level::Fatal, "\u{1b}[31mpanic\u{1b}[0m: =bad at=crash"),
        line(30, "api", "staging", Level::Debug, "cache miss"),
        line(300, "api", "staging", Level::Debug, "cache hit"),
    ]
}

/// Runs something over every line, newest first.
fn for_each_line(mut visit: impl FnMut(&Line<'_>)) {
    let mut stored = stored();
    stored.sort_by_key(|line| line.before);
    for line in &stored {
        visit(&Line {
            ts: NOON - Duration::seconds(line.before),
            level: line.level,
            message: line.message,
            meta: line.meta.as_ref(),
            trace_id: line.trace_id,
            request_id: None,
            service: line.service,
            environment: line.environment,
        });
    }
}

/// The lines that come through a query, newest first, each as `{labels} line`.
pub(super) fn lines(query: &str) -> Vec<String> {
    let Ok(Query::Log(pipeline)) = parse(query) else {
        panic!("{query} is no log query");
    };
    let mut found = Vec::new();
    for_each_line(|line| {
        if let Some(processed) = pipeline.apply(line) {
            let mut labels: Vec<_> = processed
                .labels
                .iter()
                .map(|label| format!("{}={}", label.name, label.value))
                .collect();
            labels.sort();
            found.push(format!("{{{}}} {}", labels.join(" "), processed.line));
        }
    });
    found
}

pub(super) fn streams(query: &str, direction: Direction, categorized: bool) -> QueryResult {
    let Ok(Query::Log(pipeline)) = parse(query) else {
        panic!("{query} is no log query");
    };
    let mut streams = Streams::new(direction, categorized);
    for_each_line(|line| {
        if let Some(processed) = pipeline.apply(line) {
            streams.push(line.ts, processed);
        }
    });
    streams.finish()
}

pub(super) fn evaluate(query: &str, times: Times) -> Result<QueryResult, super::super::EvalError> {
    let Ok(Query::Metric(expr)) = parse(query) else {
        panic!("{query} is no metric query");
    };
    let mut evaluation = Evaluation::new(expr, times, Limits::default())?;
    let mut outcome = Ok(());
    for_each_line(|line| {
        let fed = evaluation.feed(line);
        if outcome.is_ok() {
            outcome = fed;
        }
    });
    outcome?;
    evaluation.finish()
}

/// The answer at noon, each series as `{labels} value`.
pub(super) fn at_noon(query: &str) -> Vec<String> {
    match evaluate(query, Times::Instant(NOON)).unwrap() {
        QueryResult::Vector(samples) => samples
            .iter()
            .map(|sample| {
                format!(
                    "{} {}",
                    sample.metric,
                    super::super::print_number(sample.value.value)
                )
            })
            .collect(),
        QueryResult::Scalar(sample) => vec![super::super::print_number(sample.value)],
        QueryResult::Streams(_) | QueryResult::Matrix(_) => panic!("{query} gave no vector"),
    }
}
