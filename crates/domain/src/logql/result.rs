//! Answers as Loki's HTTP API gives them.

use serde::ser::{SerializeMap, SerializeTuple};
use serde::{Serialize, Serializer};

use super::eval::constant;
use super::series::{Series, SeriesLabels};
use super::steps::{Steps, Times};
use super::streams::FoundStreams;
use super::units::print_number;
use super::vector::Value;

/// The body of an answer of `/loki/api/v1/query` and `query_range`.
#[derive(Debug, Serialize)]
pub struct Response {
    status: &'static str,
    data: Data,
    /// Shown by Grafana beside the result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Response {
    pub fn new(result: QueryResult, stats: Stats, warnings: Vec<String>) -> Self {
        let encoding_flags = match &result {
            QueryResult::Streams(found) if found.categorized => Some(["categorize-labels"]),
            QueryResult::Streams(_)
            | QueryResult::Matrix(_)
            | QueryResult::Vector(_)
            | QueryResult::Scalar(_) => None,
        };
        let data = Data {
            result_type: result.kind(),
            encoding_flags,
            result,
            stats,
        };
        Self {
            status: "success",
            data,
            warnings,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_flags: Option<[&'static str; 1]>,
    result: QueryResult,
    stats: Stats,
}

/// What a query cost: the part of Loki's statistics that clients show.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    pub summary: Summary,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub bytes_processed_per_second: u64,
    pub lines_processed_per_second: u64,
    pub total_bytes_processed: u64,
    pub total_lines_processed: u64,
    /// In seconds.
    pub exec_time: f64,
    /// In seconds.
    pub queue_time: f64,
    pub total_entries_returned: u64,
}

/// What a query found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum QueryResult {
    Streams(FoundStreams),
    Matrix(Vec<MatrixSeries>),
    Vector(Vec<VectorSample>),
    Scalar(Sample),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatrixSeries {
    pub metric: SeriesLabels,
    pub values: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VectorSample {
    pub metric: SeriesLabels,
    pub value: Sample,
}

/// A number and its time: `[1588889221, "0.5"]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Since the epoch.
    pub milliseconds: i64,
    pub value: f64,
}

impl QueryResult {
    /// The `resultType`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Streams(_) => "streams",
            Self::Matrix(_) => "matrix",
            Self::Vector(_) => "vector",
            Self::Scalar(_) => "scalar",
        }
    }

    /// Streams, series, or one scalar.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Streams(found) => found.streams.len(),
            Self::Matrix(series) => series.len(),
            Self::Vector(samples) => samples.len(),
            Self::Scalar(_) => 1,
        }
    }

    pub(super) fn of_metric(value: Value, times: Times, steps: &Steps) -> Self {
        let sample = |(step, value)| Sample {
            milliseconds: (steps.at(step).div_euclid(1_000_000)) as i64,
            value,
        };
        match (times, value) {
            (Times::Instant(_), Value::Number(number)) => Self::Scalar(sample((0, number))),
            (Times::Range { .. }, Value::Number(number)) => Self::Matrix(vec![MatrixSeries {
                metric: SeriesLabels::default(),
                values: constant(number, steps).into_iter().map(sample).collect(),
            }]),
            (Times::Instant(_), Value::Vector(series)) => Self::Vector(
                series
                    .into_iter()
                    .filter_map(|Series { labels, points }| {
                        Some(VectorSample {
                            metric: labels,
                            value: sample(*points.first()?),
                        })
                    })
                    .collect(),
            ),
            (Times::Range { .. }, Value::Vector(series)) => Self::Matrix(
                series
                    .into_iter()
                    .map(|Series { labels, points }| MatrixSeries {
                        metric: labels,
                        values: points.into_iter().map(sample).collect(),
                    })
                    .collect(),
            ),
        }
    }
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        // Whole seconds without a fraction, as Prometheus writes them.
        if self.milliseconds % 1000 == 0 {
            pair.serialize_element(&(self.milliseconds / 1000))?;
        } else {
            pair.serialize_element(&(self.milliseconds as f64 / 1000.0))?;
        }
        pair.serialize_element(&print_number(self.value))?;
        pair.end()
    }
}

impl Serialize for SeriesLabels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
