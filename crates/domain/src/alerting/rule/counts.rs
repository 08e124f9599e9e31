//! Conditions over how many lines there are.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::RuleType;
use super::params::{InvalidParams, invalid, number, refuse_unknown, text, whole_number, window};
use super::window::Window;
use crate::alerting::evaluator::{NoData, Observation, Reading};
use crate::alerting::history::History;
use crate::query::Query;
use crate::query::pipe::Stage;

const THRESHOLD: std::ops::RangeInclusive<u64> = 1..=1_000_000_000;
/// Two buckets of arrivals up to a day.
const WINDOW_SECONDS: std::ops::RangeInclusive<u64> = 10..=86_400;

/// `error_count`: at least `threshold` lines of level error or fatal arrived within the last `window_seconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCount {
    threshold: u64,
    window: Window,
}

impl ErrorCount {
    pub(super) fn parse(params: &Map<String, Value>) -> Result<Self, InvalidParams> {
        refuse_unknown(RuleType::ErrorCount, params, &["threshold", "window_seconds"])?;
        Ok(Self {
            threshold: whole_number(params, "threshold", &THRESHOLD)?,
            window: window(params, &WINDOW_SECONDS)?,
        })
    }

    pub(super) fn params(&self) -> Value {
        json!({"threshold": self.threshold, "window_seconds": self.window.seconds()})
    }

    pub fn window(&self) -> Window {
        self.window
    }

    pub fn threshold(&self) -> u64 {
        self.threshold
    }

    pub(super) fn judge(&self, history: &History, at: OffsetDateTime) -> Reading {
        let errors = history.lines.between(self.window.start(at), at).errors;
        let (threshold, seconds) = (self.threshold, self.window.seconds());
        Reading {
            holds: errors >= threshold,
            value: errors as f64,
            threshold: threshold as f64,
            detail: format!(
                "{} in the last {seconds} s (threshold {threshold})",
                counted(errors, "error")
            ),
        }
    }
}

/// `error_rate`: at least `threshold_percent` of the lines that arrived within the window are of level error or fatal, and
/// they are at least `min_lines`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorRate {
    threshold_percent: f64,
    window: Window,
    min_lines: u64,
}

impl ErrorRate {
    const PERCENT: std::ops::RangeInclusive<f64> = 0.001..=100.0;

    pub(super) fn parse(params: &Map<String, Value>) -> Result<Self, InvalidParams> {
        let known = ["threshold_percent", "window_seconds", "min_lines"];
        refuse_unknown(RuleType::ErrorRate, params, &known)?;
        Ok(Self {
            threshold_percent: number(params, "threshold_percent", &Self::PERCENT)?,
            window: window(params, &WINDOW_SECONDS)?,
            min_lines: whole_number(params, "min_lines", &THRESHOLD)?,
        })
    }

    pub(super) fn params(&self) -> Value {
        json!({"threshold_percent": self.threshold_percent, "window_seconds": self.window.seconds(),
            "min_lines": self.min_lines})
    }

    pub fn window(&self) -> Window {
        self.window
    }

    pub fn threshold_percent(&self) -> f64 {
        self.threshold_percent
    }

    pub(super) fn judge(&self, history: &History, at: OffsetDateTime) -> Reading {
        let counts = history.lines.between(self.window.start(at), at);
        let percent = match counts.lines {
            0 => 0.0,
            lines => counts.errors as f64 * 100.0 / lines as f64,
        };
        let enough = counts.lines >= self.min_lines;
        let (seconds, threshold) = (self.window.seconds(), self.threshold_percent);
        let lines = counted(counts.lines, "line");
        let detail = if enough {
            format!("{percent:.1} % of {lines} in the last {seconds} s are errors (threshold {threshold} %)")
        } else {
            format!(
                "{lines} in the last {seconds} s, fewer than the {} that a rate needs",
                self.min_lines
            )
        };
        Reading {
            holds: enough && percent >= threshold,
            value: percent,
            threshold,
            detail,
        }
    }
}

/// Which side of the threshold is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    AtLeast,
    Below,
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "at_least" => Some(Self::AtLeast),
            "below" => Some(Self::Below),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::AtLeast => "at_least",
            Self::Below => "below",
        }
    }
}

/// `log_query`: at least (or fewer than) `threshold` lines match `q`, by their own time within the window, in each group of
/// `group_by`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogQuery {
    q: Arc<str>,
    query: Arc<Query>,
    /// The filter with what counts it, by service, environment, the fields of `group_by` and the window's step.
    counted: Arc<Query>,
    threshold: u64,
    comparison: Comparison,
    window: Window,
    group_by: Arc<[String]>,
}

impl LogQuery {
    /// Lines are counted by service and environment, too, and the language takes four.
    const MAX_GROUP_BY: usize = 2;
    /// A search for each evaluation: an hour of lines is the most that it goes over.
    const WINDOW_SECONDS: std::ops::RangeInclusive<u64> = 10..=3_600;
    /// So long after their own time lines may arrive and still keep a rule that wants more of them quiet.
    const DELAY: Duration = Duration::minutes(1);

    pub(super) fn parse(params: &Map<String, Value>) -> Result<Self, InvalidParams> {
        let known = ["q", "threshold", "comparison", "window_seconds", "group_by"];
        refuse_unknown(RuleType::LogQuery, params, &known)?;
        let q = text(params, "q")?;
        let query = parse_filter(q)?;
        let comparison = match params.get("comparison") {
            None | Some(Value::Null) => Comparison::AtLeast,
            Some(value) => value
                .as_str()
                .and_then(Comparison::parse)
                .ok_or_else(|| invalid("comparison", "must be at_least or below"))?,
        };
        let window = window(params, &Self::WINDOW_SECONDS)?;
        let group_by = parse_group_by(params)?;
        if comparison == Comparison::Below && !group_by.is_empty() {
            return Err(invalid(
                "group_by",
                "goes with the comparison at_least: a group without lines is not known",
            ));
        }
        Ok(Self {
            q: q.into(),
            counted: Arc::new(counted_query(&query, &group_by, window)?),
            query: Arc::new(query),
            threshold: whole_number(params, "threshold", &THRESHOLD)?,
            comparison,
            window,
            group_by: group_by.into(),
        })
    }

    pub(super) fn params(&self) -> Value {
        let mut params = json!({"q": &*self.q, "threshold": self.threshold, "comparison": self.comparison.as_str(),
            "window_seconds": self.window.seconds()});
        if !self.group_by.is_empty() {
            params["group_by"] = json!(&*self.group_by);
        }
        params
    }

    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The query with the stage that counts.
    pub fn counted(&self) -> &Query {
        &self.counted
    }

    pub fn group_by(&self) -> &[String] {
        &self.group_by
    }

    pub fn window(&self) -> Window {
        self.window
    }

    pub fn threshold(&self) -> u64 {
        self.threshold
    }

    pub fn comparison(&self) -> Comparison {
        self.comparison
    }

    pub(super) fn delay(&self) -> Duration {
        match self.comparison {
            Comparison::AtLeast => Duration::ZERO,
            Comparison::Below => Self::DELAY,
        }
    }

    pub(super) fn judge(&self, history: &History, at: OffsetDateTime) -> Observation {
        let lines = history.lines.between(self.window.start(at), at).lines;
        let (threshold, seconds) = (self.threshold, self.window.seconds());
        let (holds, bound) = match self.comparison {
            Comparison::AtLeast => (lines >= threshold, "threshold"),
            Comparison::Below => (lines < threshold, "at least"),
        };
        // Of a part of the lines only enough is sure.
        let is_sure = !history.is_partial || lines >= threshold;
        if !is_sure {
            return Observation::NoData(NoData::Partial);
        }
        let matched = if lines == 1 { "line matches" } else { "lines match" };
        Observation::Read(Reading {
            holds,
            value: lines as f64,
            threshold: threshold as f64,
            detail: format!("{lines} {matched} in the last {seconds} s ({bound} {threshold})"),
        })
    }
}

fn parse_filter(q: &str) -> Result<Query, InvalidParams> {
    let query = Query::parse(q).map_err(|error| invalid("q", error.to_string()))?;
    if !query.pipe.is_empty() {
        return Err(invalid(
            "q",
            "must be a filter alone, without | and what follows: matching lines are counted",
        ));
    }
    if query.filter.has_relative_times() {
        return Err(invalid(
            "q",
            "must not hold times from now on, as in ts:>now-1h: window_seconds says which lines count",
        ));
    }
    Ok(query)
}

fn parse_group_by(params: &Map<String, Value>) -> Result<Vec<String>, InvalidParams> {
    let wanted = || {
        invalid(
            "group_by",
            format!(
                "must be a list of at most {} different fields, such as [\"http.path\"]",
                LogQuery::MAX_GROUP_BY
            ),
        )
    };
    let fields: Vec<String> = match params.get("group_by") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(fields)) => fields
            .iter()
            .map(|field| field.as_str().map(str::to_owned).ok_or_else(wanted))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(wanted()),
    };
    let repeats = fields
        .iter()
        .enumerate()
        .any(|(at, field)| fields[..at].contains(field));
    if fields.len() > LogQuery::MAX_GROUP_BY || repeats {
        return Err(wanted());
    }
    let place =
        |field: &String| ["service", "env", "environment", "ts", "timestamp"].contains(&field.as_str());
    match fields.iter().find(|field| place(field)) {
        Some(field) => Err(invalid(
            "group_by",
            format!("cannot be {field}: services and environments are told apart anyway"),
        )),
        None => Ok(fields),
    }
}

fn counted_query(query: &Query, group_by: &[String], window: Window) -> Result<Query, InvalidParams> {
    let mut by = String::from("service, env");
    for field in group_by {
        by.push_str(", ");
        by.push_str(field);
    }
    let step = window.step().whole_seconds();
    let text = format!("* | stats count() by {by} every {step}s");
    let stage = Query::parse(&text)
        .map_err(|error| invalid("group_by", format!("is no list of fields: {}", error.message)))?;
    // A name that is more than a name would change what is counted.
    let is_as_meant = matches!(stage.pipe.as_slice(), [Stage::Stats(stats)]
        if stats.by.len() == group_by.len() + 2 && stats.every.is_some_and(|every| i64::from(every.seconds()) == step));
    if !is_as_meant {
        return Err(invalid("group_by", "must name one field in each text"));
    }
    Ok(Query {
        filter: query.filter.clone(),
        pipe: stage.pipe,
    })
}

/// `silence`: a source that has sent before has sent nothing for the whole window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    window: Window,
}

impl Silence {
    /// A minute up to a week.
    const WINDOW_SECONDS: std::ops::RangeInclusive<u64> = 60..=604_800;

    pub(super) fn parse(params: &Map<String, Value>) -> Result<Self, InvalidParams> {
        refuse_unknown(RuleType::Silence, params, &["window_seconds"])?;
        Ok(Self {
            window: window(params, &Self::WINDOW_SECONDS)?,
        })
    }

    pub(super) fn params(self) -> Value {
        json!({"window_seconds": self.window.seconds()})
    }

    pub fn window(&self) -> Window {
        self.window
    }

    pub(super) fn judge(self, history: &History, at: OffsetDateTime) -> Observation {
        let last = history.lines.newest_before(at).or(history.last_before);
        let Some(last) = last.filter(|last| *last < at) else {
            return Observation::NoData(NoData::NeverSeen);
        };
        let silent = (at - last).whole_seconds();
        let seconds = self.window.seconds();
        Observation::Read(Reading {
            // Arrivals are known by the bin: nothing came since the end of the last.
            holds: last + self.window.step() <= at - self.window.length(),
            value: silent as f64,
            threshold: seconds.into(),
            detail: format!("the last line arrived {silent} s before (threshold {seconds} s)"),
        })
    }
}

pub(super) fn counted(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
