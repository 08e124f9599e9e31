//! Found lines, put together into streams.

use std::collections::BTreeMap;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::line::{Label, LabelKind};
use super::pipeline::Processed;
use super::result::QueryResult;

type Labels = BTreeMap<String, String>;

/// In which order the lines of a stream come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first, which is the default.
    Backward,
}

/// Streams by their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundStreams {
    /// Whether a stream has the labels of streams only.
    pub categorized: bool,
    pub streams: Vec<Stream>,
}

impl Serialize for FoundStreams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.streams.serialize(serializer)
    }
}

/// Lines of the same labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stream {
    pub stream: Labels,
    pub values: Vec<Entry>,
}

impl Stream {
    /// The stream of one line, with it. Categorized, it has the labels of streams only.
    pub fn of_line(ts: OffsetDateTime, line: Processed<'_>, categorized: bool) -> Self {
        let of_kind = |kind| labels(line.labels.iter().filter(move |label| label.kind == kind));
        let (stream, categories) = if categorized {
            let categories = Categories {
                structured_metadata: of_kind(LabelKind::Metadata),
                parsed: of_kind(LabelKind::Parsed),
            };
            (of_kind(LabelKind::Stream), Some(categories))
        } else {
            (labels(line.labels.iter()), None)
        };
        let entry = Entry {
            nanoseconds: ts.unix_timestamp_nanos(),
            line: line.line.into_owned(),
            categories,
        };
        Self {
            stream,
            values: vec![entry],
        }
    }
}

/// `["1570818238000000000", "line"]`, with the labels that are not of the stream if these were asked for apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Since the epoch.
    pub nanoseconds: i128,
    pub line: String,
    pub categories: Option<Categories>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Categories {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub structured_metadata: Labels,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parsed: Labels,
}

/// Gathers the lines of a log query.
#[derive(Debug)]
pub struct Streams {
    direction: Direction,
    /// Grafana asks for it by `X-Loki-Response-Encoding-Flags: categorize-labels`: a stream has only the labels of streams.
    /// Without it, as Loki does, all labels of a line make its stream.
    categorized: bool,
    by_labels: BTreeMap<Labels, Vec<Entry>>,
    entries: usize,
}

impl Streams {
    pub fn new(direction: Direction, categorized: bool) -> Self {
        Self {
            direction,
            categorized,
            by_labels: BTreeMap::new(),
            entries: 0,
        }
    }

    /// Lines so far, for the caller's limit.
    pub fn entries(&self) -> usize {
        self.entries
    }

    pub fn push(&mut self, ts: OffsetDateTime, line: Processed<'_>) {
        self.entries += 1;
        let Stream { stream, values } = Stream::of_line(ts, line, self.categorized);
        self.by_labels.entry(stream).or_default().extend(values);
    }

    /// Lines of one moment stay in the order in which they came.
    pub fn finish(self) -> QueryResult {
        QueryResult::Streams(self.into_streams())
    }

    /// The same as streams.
    pub fn into_streams(self) -> FoundStreams {
        let direction = self.direction;
        let in_order = |mut values: Vec<Entry>| {
            match direction {
                Direction::Forward => values.sort_by_key(|entry| entry.nanoseconds),
                Direction::Backward => values.sort_by_key(|entry| std::cmp::Reverse(entry.nanoseconds)),
            }
            values
        };
        FoundStreams {
            categorized: self.categorized,
            streams: self
                .by_labels
                .into_iter()
                .map(|(stream, values)| Stream {
                    stream,
                    values: in_order(values),
                })
                .collect(),
        }
    }
}

fn labels<'l>(labels: impl Iterator<Item = &'l Label<'l>>) -> Labels {
    labels
        .map(|label| (label.name.to_string(), label.value.to_string()))
        .collect()
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut values = serializer.serialize_seq(None)?;
        values.serialize_element(&self.nanoseconds.to_string())?;
        values.serialize_element(&self.line)?;
        if let Some(categories) = &self.categories {
            values.serialize_element(categories)?;
        }
        values.end()
    }
}
