//! How much there is of each stream. Counters hold lines, not bytes: bytes are lines times the length of an average one
//! of the newest, so they are about right together, and less so for a single stream.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use db::{TenantTx, scopes};
use domain::logql::{LogPipeline, Matcher, Selector, TimeRange, parse_length};
use logstore::reader::{HistogramPlan, Line, Projection};
use serde::Serialize;
use serde_json::{Value, json};
use service_kit::ApiError;
use time::Duration;

use super::places::Places;
use super::streams::{self, StreamLines, stream_label};
use super::{Call, Success, refused};
use crate::time_range::up_to_micros;

/// Lines that the average is taken of.
const SAMPLE: u64 = 1_000;
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 5_000;

/// What a selector means is made of.
#[derive(Serialize)]
pub(crate) struct IndexStats {
    streams: usize,
    /// As many as streams: Sightline's segments hold several streams.
    chunks: usize,
    entries: u64,
    /// Estimated.
    bytes: u64,
}

type Labels = BTreeMap<String, String>;

/// `index/stats`
pub(crate) async fn index_stats(call: Call<'_>) -> Result<IndexStats, ApiError> {
    let Measured {
        streams, line_bytes, ..
    } = measure(&call, HistogramPlan::MAX_INTERVAL).await?;
    let names: BTreeSet<_> = streams.iter().map(StreamLines::labels).collect();
    let entries = streams.iter().map(|stream| stream.lines).sum();
    Ok(IndexStats {
        streams: names.len(),
        chunks: names.len(),
        entries,
        bytes: estimated(entries, line_bytes),
    })
}

/// `index/volume`: of the whole range.
pub(crate) async fn volume(call: Call<'_>) -> Result<Success<Value>, ApiError> {
    let grouping = Grouping::read(&call)?;
    let limit = call.params.limit("limit", DEFAULT_LIMIT, MAX_LIMIT)?;
    let measured = measure(&call, HistogramPlan::MAX_INTERVAL).await?;
    let at = measured.range.end.unix_timestamp();
    let bytes = |lines: u64| estimated(lines, measured.line_bytes).to_string();
    let result: Vec<Value> = largest(&grouping, &measured.streams, limit)
        .into_iter()
        .map(|(labels, points)| json!({"metric": labels, "value": [at, bytes(points.values().sum())]}))
        .collect();
    Ok(answer("vector", result))
}

/// `index/volume_range`: of each step, which is in whole minutes.
pub(crate) async fn volume_range(call: Call<'_>) -> Result<Success<Value>, ApiError> {
    let grouping = Grouping::read(&call)?;
    let limit = call.params.limit("limit", DEFAULT_LIMIT, MAX_LIMIT)?;
    let measured = measure(&call, step(&call)?).await?;
    let point = |(at, lines): (i64, u64)| json!([at, estimated(lines, measured.line_bytes).to_string()]);
    let result: Vec<Value> = largest(&grouping, &measured.streams, limit)
        .into_iter()
        .map(|(labels, points)| {
            let values: Vec<Value> = points.into_iter().map(point).collect();
            json!({"metric": labels, "values": values})
        })
        .collect();
    Ok(answer("matrix", result))
}

fn answer(kind: &'static str, result: Vec<Value>) -> Success<Value> {
    Success::new(json!({"resultType": kind, "result": result, "stats": {"summary": {}}}))
}

/// Whole minutes, since that is how counters are kept; a shorter step is one minute.
fn step(call: &Call<'_>) -> Result<Duration, ApiError> {
    let range = call.params.index_range(call.now)?;
    let step = call.params.get("step");
    let step = step.map_or(Ok(range.default_step()), |text| parse_length("step", text));
    let seconds = step.map_err(refused)?.as_seconds_f64();
    let minutes = (seconds / 60.0).ceil();
    // Past the longest interval it is refused, however long it is.
    Ok(Duration::minutes(minutes.min(1e6) as i64))
}

struct Measured {
    range: TimeRange,
    streams: Vec<StreamLines>,
    /// Of an average line.
    line_bytes: f64,
}

async fn measure(call: &Call<'_>, interval: Duration) -> Result<Measured, ApiError> {
    let selector = call.params.selector()?;
    let range = call.params.index_range(call.now)?;
    let _turn = call.state.admission.enter(call.org_id).await?;
    let mut conn = call.kit.db.conn("query.loki").await?;
    let tx = conn.tenant_snapshot(call.org_id).await?;
    let streams = streams::count(&tx, std::slice::from_ref(&selector), range, interval).await?;
    let line_bytes = average(call, &tx, selector, range).await?;
    tx.commit().await?;
    Ok(Measured {
        range,
        streams,
        line_bytes,
    })
}

async fn average(
    call: &Call<'_>,
    tx: &TenantTx<'_>,
    selector: Selector,
    range: TimeRange,
) -> Result<f64, ApiError> {
    let stages = Vec::new();
    let places = Places::of(scopes::list(tx).await?, &[&LogPipeline { selector, stages }]);
    let (from, to) = (up_to_micros(range.start), up_to_micros(range.end));
    let plan = places.plan(from, to, 1, call.state.budget);
    let projection = Projection {
        message: true,
        ..Projection::default()
    };
    let add = |(lines, bytes): &mut (u64, u64), line: Line| {
        *lines += 1;
        *bytes += line.message.len() as u64;
        if *lines < SAMPLE {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let ((lines, bytes), _) = call.state.reader.fold(tx, &plan, projection, (0, 0), add).await?;
    Ok(bytes as f64 / lines.max(1) as f64)
}

fn estimated(lines: u64, line_bytes: f64) -> u64 {
    (lines as f64 * line_bytes).round() as u64
}

/// What volumes are told of.
enum Grouping {
    /// Streams, by these of their labels.
    Series(Vec<String>),
    /// Labels, whatever their values; only of these if there are any.
    Labels(Vec<String>),
}

impl Grouping {
    /// As in Loki: labels that are asked for, else those of the selector, else all.
    fn read(call: &Call<'_>) -> Result<Self, ApiError> {
        let selector = call.params.selector()?;
        let asked: Vec<&str> = match call.params.get("targetLabels") {
            Some(text) => text.split(',').map(str::trim).collect(),
            None => selector.matchers().iter().map(Matcher::label).collect(),
        };
        let targets = asked
            .into_iter()
            .map(|label| stream_label(label).to_owned())
            .collect();
        match call.params.get("aggregateBy") {
            None | Some("series") => Ok(Self::Series(targets)),
            Some("labels") => Ok(Self::Labels(targets)),
            Some(_) => Err(refused("aggregateBy must be series or labels")),
        }
    }

    /// The groups that a stream belongs to.
    fn of(&self, stream: &StreamLines) -> Vec<Labels> {
        let (targets, each) = match self {
            Self::Series(targets) => (targets, false),
            Self::Labels(targets) => (targets, true),
        };
        let labels = stream.labels().into_iter();
        let named =
            labels.filter(|(label, _)| targets.is_empty() || targets.iter().any(|target| target == label));
        if each {
            named
                .map(|(label, _)| Labels::from([(label.to_owned(), String::new())]))
                .collect()
        } else {
            vec![named.map(|(label, value)| (label.to_owned(), value)).collect()]
        }
    }
}

/// The groups with the most lines, the largest first, and their lines by interval.
fn largest(grouping: &Grouping, streams: &[StreamLines], limit: usize) -> Vec<(Labels, BTreeMap<i64, u64>)> {
    let mut groups: BTreeMap<Labels, BTreeMap<i64, u64>> = BTreeMap::new();
    for stream in streams {
        for labels in grouping.of(stream) {
            *groups
                .entry(labels)
                .or_default()
                .entry(stream.start.unix_timestamp())
                .or_default() += stream.lines;
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, points)| std::cmp::Reverse(points.values().sum::<u64>()));
    groups.truncate(limit);
    groups
}
