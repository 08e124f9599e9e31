//! Loki's push: streams of entries, as protobuf and as JSON. Labels and structured metadata meet in `meta`, the entry's own
//! winning.

mod labels;

use std::ops::Range;

use actix_web::web::Bytes;
use domain::level::Level;
use domain::log_record::LineError;
use prost::Message;
use serde_json::{Map, Value};
use service_kit::ApiError;

use super::documents::{self, refused};
use super::places::{self, Places};
use crate::line::{self, Line};
use crate::protobuf::{Broken, Fields};
use crate::unpack::{Records, Sink};

/// How a request writes its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Protobuf,
    Json,
}

/// A push whose entries were found.
#[derive(Debug)]
pub(crate) struct Push {
    writing: Writing,
    places: Places<Stream>,
}

/// Where the labels of some entries are.
#[derive(Clone, Debug)]
struct Stream {
    labels: Option<Range<usize>>,
}

// Field numbers of pkg/push/push.proto.
const REQUEST_STREAMS: u32 = 1;
const STREAM_LABELS: u32 = 1;
const STREAM_ENTRIES: u32 = 2;

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<Timestamp>,
    /// Not `string`: a line that is not UTF-8 should not be lost.
    #[prost(bytes = "vec", tag = "2")]
    line: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    structured_metadata: Vec<LabelPair>,
}

#[derive(Clone, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

type Labels = Result<Map<String, Value>, LineError>;

impl Push {
    pub(crate) fn of(body: Bytes, writing: Writing, max_lines: usize) -> Result<Self, ApiError> {
        let mut places = Places::new(body.clone(), max_lines);
        match writing {
            Writing::Protobuf => find_in_protobuf(&body, &mut places)?,
            Writing::Json => find_in_json(&body, &mut places)?,
        }
        Ok(Self { writing, places })
    }

    fn labels(&self, stream: usize, sink: &Sink<'_>) -> Labels {
        let Some(Stream { labels: Some(range) }) = self.places.group(stream) else {
            return Ok(Map::new());
        };
        let bytes = &self.places.body[range.clone()];
        if let Some(reason) = places::too_long(bytes.len(), sink.rules()) {
            return Err(refused("labels", reason));
        }
        match self.writing {
            Writing::Protobuf => labels::parse(&String::from_utf8_lossy(bytes))
                .ok_or_else(|| refused("labels", "must be written as {name=\"value\", other=\"value\"}")),
            Writing::Json => match documents::parse(bytes) {
                Ok(Value::Object(labels)) => Ok(labels),
                Ok(_) => Err(refused("stream", "must be a JSON object of labels")),
                Err(error) => Err(refused("stream", format!("is not valid JSON: {error}"))),
            },
        }
    }

    fn read(&self, entry: &[u8], labels: &Labels, sink: &Sink<'_>) -> Result<Line<'static>, LineError> {
        let labels = labels.as_ref().map_err(Clone::clone)?;
        if let Some(reason) = places::too_long(entry.len(), sink.rules()) {
            return Err(refused("", reason));
        }
        match self.writing {
            Writing::Protobuf => read_protobuf(entry, labels),
            Writing::Json => read_json(entry, labels),
        }
    }
}

fn find_in_protobuf(body: &[u8], places: &mut Places<Stream>) -> Result<(), ApiError> {
    let mut request = Fields::within(body, 0..body.len());
    while let Some((number, stream)) = request.next().map_err(not_protobuf)? {
        if number != REQUEST_STREAMS {
            continue;
        }
        let mut labels = None;
        let mut fields = Fields::within(body, stream.clone());
        while let Some((number, range)) = fields.next().map_err(not_protobuf)? {
            if number == STREAM_LABELS {
                labels = Some(range);
            }
        }
        places.begin_group(Stream { labels });
        let mut fields = Fields::within(body, stream);
        while let Some((number, entry)) = fields.next().map_err(not_protobuf)? {
            if number == STREAM_ENTRIES {
                places.push(entry)?;
            }
        }
    }
    Ok(())
}

fn find_in_json(body: &[u8], places: &mut Places<Stream>) -> Result<(), ApiError> {
    let whole = places::whole_object(body)?;
    let streams = places::member(body, whole, "streams")?
        .ok_or_else(|| ApiError::invalid("streams", "is missing; send {\"streams\":[…]}"))?;
    places::each_element(body, streams, |stream| {
        places.begin_group(Stream {
            labels: places::member(body, stream.clone(), "stream")?,
        });
        match places::member(body, stream, "values")? {
            Some(values) => places::each_element(body, values, |entry| places.push(entry)),
            None => Ok(()),
        }
    })
}

fn not_protobuf(broken: Broken) -> ApiError {
    ApiError::invalid("", format!("the body is not a PushRequest in protobuf: {broken}"))
}

impl Records for Push {
    type Outline = ();

    fn count(&self) -> u32 {
        self.places.count()
    }

    fn body(&self) -> &[u8] {
        &self.places.body
    }

    fn read_into(&self, sink: &mut Sink<'_>) {
        let mut known: Option<(usize, Labels)> = None;
        for (index, stream, entry) in self.places.iter() {
            if sink.is_full() {
                return;
            }
            let labels = match known.take() {
                Some((of, labels)) if of == stream => labels,
                _ => self.labels(stream, sink),
            };
            match self.read(entry, &labels, sink) {
                Ok(line) => sink.line(index, &line),
                Err(LineError { field, reason }) => sink.refuse(index, field, reason),
            }
            known = Some((stream, labels));
        }
    }

    fn into_outline(self) {}
}

fn read_protobuf(entry: &[u8], labels: &Map<String, Value>) -> Result<Line<'static>, LineError> {
    let entry = Entry::decode(entry).map_err(|error| refused("", format!("cannot be decoded: {error}")))?;
    let nanos = entry
        .timestamp
        .map(|at| i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos));
    let metadata = entry
        .structured_metadata
        .into_iter()
        .map(|pair| (pair.name, pair.value.into()));
    let line = match String::from_utf8(entry.line) {
        Ok(line) => line,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    line_of(nanos, line, labels, metadata)
}

fn read_json(entry: &[u8], labels: &Map<String, Value>) -> Result<Line<'static>, LineError> {
    const SHAPE: &str =
        "must be [\"<nanoseconds since 1970>\", \"<line>\"] or the same with an object of metadata";
    let mut parts = match documents::parse(entry) {
        Ok(Value::Array(parts)) => parts.into_iter(),
        Ok(_) => return Err(refused("", SHAPE)),
        Err(error) => return Err(refused("", format!("is not valid JSON: {error}"))),
    };
    let (nanos, line) = match (parts.next(), parts.next()) {
        (Some(Value::String(nanos)), Some(Value::String(line))) => (nanos, line),
        (Some(Value::Number(nanos)), Some(Value::String(line))) => (nanos.to_string(), line),
        _ => return Err(refused("", SHAPE)),
    };
    let metadata = match parts.next() {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(metadata)) => metadata,
        Some(_) => return Err(refused("", SHAPE)),
    };
    let nanos = nanos
        .parse()
        .map_err(|_not_a_number| refused("timestamp", "must be nanoseconds since 1970"))?;
    line_of(Some(nanos), line, labels, metadata.into_iter())
}

fn line_of(
    nanos: Option<i128>,
    line: String,
    labels: &Map<String, Value>,
    metadata: impl Iterator<Item = (String, Value)>,
) -> Result<Line<'static>, LineError> {
    let in_no_calendar = || refused("timestamp", "is in no calendar");
    let timestamp = nanos
        .map(|nanos| line::at_nanos(nanos).ok_or_else(in_no_calendar))
        .transpose()?;
    let mut meta = labels.clone();
    meta.extend(metadata);
    let level = level_of(&mut meta);
    let trace_id = documents::take_text(&mut meta, &["trace_id", "traceID", "traceId"]);
    Ok(Line {
        timestamp,
        level,
        message: line.into(),
        meta,
        trace_id: trace_id.map(Into::into),
    })
}

/// `detected_level` is a guess of Loki's own agents, so that what the application says comes first.
fn level_of(meta: &mut Map<String, Value>) -> Option<Level> {
    documents::take_level(meta, &["level", "severity", "detected_level"])
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;
    use proptest::prelude::*;

    use super::*;
    use crate::unpack::testing;

    const ROOM: usize = 1 << 26;

    #[test]
    fn entries_are_counted_before_they_are_decoded() {
        let body = [[0x0A, 2, 0x12, 0]; 4].concat();
        assert_eq!(
            Push::of(body.clone().into(), Writing::Protobuf, 4)
                .unwrap()
                .count(),
            4
        );
        let error = Push::of(body.into(), Writing::Protobuf, 3).unwrap_err();
        assert_eq!(error.status_code(), 413);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for writing in [Writing::Protobuf, Writing::Json] {
                if let Ok(push) = Push::of(bytes.clone().into(), writing, 100) {
                    let _ = testing::read(&push, ROOM);
                }
            }
            let mut framed = vec![0x0A, bytes.len() as u8];
            framed.extend(&bytes);
            if let Ok(push) = Push::of(framed.into(), Writing::Protobuf, 100) {
                let _ = testing::read(&push, ROOM);
            }
        }

        #[test]
        fn no_json_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", "\"stream\":", "\"values\":", "null", "\"1\"", "\"\\u0000\"", "-1", "{\"level\":1}", "1e99",
        ]), 0..30)) {
            let text = tokens.concat();
            for body in [format!(r#"{{"streams":[{{{text}}}]}}"#), format!(r#"{{"streams":[{{"values":[[{text}]]}}]}}"#)] {
                if let Ok(push) = Push::of(body.into(), Writing::Json, 100) {
                    let _ = testing::read(&push, ROOM);
                }
            }
        }
    }
}
