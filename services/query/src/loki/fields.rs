//! What labels lines have beside those of their streams, seen on some of the newest.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{Hash as _, Hasher as _};
use std::ops::ControlFlow;
use std::sync::Arc;

use db::scopes;
use domain::logql::{
    Label, LabelKind, LogPipeline, Logfmt, STREAM_LABELS, Stage, parse_bytes, parse_duration,
};
use logstore::reader::{HistogramPlan, Line, Projection};
use serde::Serialize;
use service_kit::ApiError;

use super::places::Places;
use super::{Call, streams};
use crate::metrics;
use crate::time_range::up_to_micros;

const DEFAULT_LINES: usize = 1_000;
const MAX_LINES: usize = 5_000;
const DEFAULT_FIELDS: usize = 1_000;
const MAX_FIELDS: usize = 1_000;
/// Values of one field that are told apart.
const MAX_VALUES: usize = 1_000;

/// `detected_labels`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DetectedLabels {
    detected_labels: Vec<DetectedLabel>,
}

#[derive(Serialize)]
struct DetectedLabel {
    label: &'static str,
    cardinality: usize,
}

/// The labels of streams, each with how many values it has.
pub(crate) async fn detected_labels(call: Call<'_>) -> Result<DetectedLabels, ApiError> {
    let selectors = call.params.selectors()?;
    let range = call.params.index_range(call.now)?;
    let _turn = call.state.admission.enter(call.org_id).await?;
    let mut conn = call.kit.db.conn("query.loki").await?;
    let tx = conn.tenant_snapshot(call.org_id).await?;
    let found = streams::count(&tx, &selectors, range, HistogramPlan::MAX_INTERVAL).await?;
    tx.commit().await?;
    let cardinality = |label| {
        found
            .iter()
            .map(|stream| stream.label(label))
            .collect::<BTreeSet<_>>()
            .len()
    };
    let labels = STREAM_LABELS.into_iter().filter(|_| !found.is_empty());
    Ok(DetectedLabels {
        detected_labels: labels
            .map(|label| DetectedLabel {
                label,
                cardinality: cardinality(label),
            })
            .collect(),
    })
}

/// `detected_fields`
#[derive(Serialize)]
pub(crate) struct DetectedFields {
    fields: Vec<DetectedField>,
    limit: usize,
}

#[derive(Serialize)]
struct DetectedField {
    label: String,
    #[serde(rename = "type")]
    kind: &'static str,
    cardinality: usize,
    /// The stages that bring it out; null for metadata, which need none.
    parsers: Option<Vec<&'static str>>,
}

/// The other labels, looked for in the newest lines: metadata, and what `| json` or `| logfmt` take from the message.
pub(crate) async fn detected_fields(call: Call<'_>) -> Result<DetectedFields, ApiError> {
    let pipeline = call.params.pipeline()?;
    let range = call.params.range(call.now)?;
    let lines = call.params.limit("line_limit", DEFAULT_LINES, MAX_LINES)?;
    let limit = call.params.limit("limit", DEFAULT_FIELDS, MAX_FIELDS)?;
    let _turn = call.state.admission.enter(call.org_id).await?;
    let mut conn = call.kit.db.conn("query.loki").await?;
    let tx = conn.tenant_snapshot(call.org_id).await?;
    let places = Places::of(scopes::list(&tx).await?, &[&pipeline]);
    let (from, to) = (up_to_micros(range.start), up_to_micros(range.end));
    let plan = places.plan(from, to, 1, call.state.budget);
    let looker = Arc::new(Looker::new(pipeline, places));
    let add = move |seen: &mut Seen, line: Line| {
        looker.look(&line, seen);
        if seen.lines < lines {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let reader = &call.state.reader;
    let (seen, stats) = reader
        .fold(&tx, &plan, Projection::ALL, Seen::default(), add)
        .await?;
    tx.commit().await?;
    metrics::search_finished(&stats);
    Ok(DetectedFields {
        fields: seen.fields(limit),
        limit,
    })
}

/// The pipeline that was asked for, with each of the stages that bring out fields behind it.
struct Looker {
    json: LogPipeline,
    logfmt: LogPipeline,
    places: Places,
}

impl Looker {
    fn new(pipeline: LogPipeline, places: Places) -> Self {
        let with = |stage| {
            let mut pipeline = pipeline.clone();
            pipeline.stages.push(stage);
            pipeline
        };
        Self {
            json: with(Stage::Json(Vec::new())),
            logfmt: with(Stage::Logfmt(Logfmt::default())),
            places,
        }
    }

    fn look(&self, line: &Line, seen: &mut Seen) {
        let is_object = line.message.trim_start().starts_with('{');
        let (pipeline, parser) = if is_object {
            (&self.json, "json")
        } else {
            (&self.logfmt, "logfmt")
        };
        self.places.with_line(line, |line| {
            if let Some(processed) = pipeline.apply(line) {
                seen.lines += 1;
                processed.labels.iter().for_each(|label| seen.add(label, parser));
            }
        });
    }
}

#[derive(Default)]
struct Seen {
    /// That came through.
    lines: usize,
    fields: BTreeMap<String, SeenField>,
}

struct SeenField {
    kind: Kind,
    /// Hashes of values.
    values: HashSet<u64>,
    parsers: BTreeSet<&'static str>,
}

impl Seen {
    fn add(&mut self, label: &Label<'_>, parser: &'static str) {
        let parser = match label.kind {
            LabelKind::Stream => return,
            LabelKind::Metadata => None,
            LabelKind::Parsed => Some(parser),
        };
        let is_full = self.fields.len() >= MAX_FIELDS && !self.fields.contains_key(&*label.name);
        if is_full || label.name.starts_with("__") {
            return;
        }
        let kind = Kind::of(&label.value);
        let field = self
            .fields
            .entry(label.name.to_string())
            .or_insert_with(|| SeenField {
                kind,
                values: HashSet::new(),
                parsers: BTreeSet::new(),
            });
        if field.kind != kind {
            field.kind = Kind::String;
        }
        if field.values.len() < MAX_VALUES {
            let mut hasher = DefaultHasher::new();
            label.value.hash(&mut hasher);
            field.values.insert(hasher.finish());
        }
        field.parsers.extend(parser);
    }

    /// Those with the most values first, as in Loki.
    fn fields(self, limit: usize) -> Vec<DetectedField> {
        let field = |(label, field): (String, SeenField)| DetectedField {
            label,
            kind: field.kind.as_str(),
            cardinality: field.values.len(),
            parsers: Some(field.parsers.into_iter().collect()).filter(|parsers: &Vec<_>| !parsers.is_empty()),
        };
        let mut fields: Vec<DetectedField> = self.fields.into_iter().map(field).collect();
        fields.sort_by_key(|field| std::cmp::Reverse(field.cardinality));
        fields.truncate(limit);
        fields
    }
}

/// What the values of a field look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Float,
    Boolean,
    Duration,
    Bytes,
    String,
}

impl Kind {
    fn of(value: &str) -> Self {
        if value.parse::<i64>().is_ok() {
            Self::Int
        } else if value.parse::<f64>().is_ok() {
            Self::Float
        } else if matches!(value, "true" | "false") {
            Self::Boolean
        } else if parse_duration(value).is_some() {
            Self::Duration
        } else if parse_bytes(value).is_some() {
            Self::Bytes
        } else {
            Self::String
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Duration => "duration",
            Self::Bytes => "bytes",
            Self::String => "string",
        }
    }
}
