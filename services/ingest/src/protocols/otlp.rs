//! OpenTelemetry's logs (OTLP 1.x), as protobuf and as JSON.
//!
//! The attributes of resource, scope and record meet in `meta`, the nearest winning; dotted names and nested values stay as
//! they are. Those of the resource also say where its records belong, for a key whose lines may go there.

mod json;
mod record;
mod resource;

use std::collections::HashSet;
use std::ops::Range;

use actix_web::web::Bytes;
use domain::destination::Destination;
use domain::log_record::{LineError, LineRules};
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::{DecodeError, Message as _};
use serde_json::{Map, Value};
use service_kit::ApiError;

use super::documents::{self, refused};
use super::places::{self, Places};
use crate::protobuf::{Broken, Fields};
use crate::routing::Wish;
use crate::unpack::{Records, Sink};

/// How a request writes its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Protobuf,
    Json,
}

/// An `ExportLogsServiceRequest` whose records were found.
#[derive(Debug)]
pub(crate) struct Export {
    writing: Writing,
    places: Places<Group>,
}

/// Where resource and scope of some records are described.
#[derive(Clone, Debug, Default)]
struct Group {
    resource: Option<Range<usize>>,
    scope: Option<Range<usize>>,
}

/// What several records have in common.
struct Shared {
    group: usize,
    /// An error is that of each of them.
    meta: Result<Map<String, Value>, LineError>,
    wish: Wish,
}

// Field numbers of opentelemetry/proto/logs/v1/logs.proto and collector/logs/v1/logs_service.proto.
const REQUEST_RESOURCE_LOGS: u32 = 1;
const RESOURCE_LOGS_RESOURCE: u32 = 1;
const RESOURCE_LOGS_SCOPE_LOGS: u32 = 2;
const SCOPE_LOGS_SCOPE: u32 = 1;
const SCOPE_LOGS_RECORDS: u32 = 2;

impl Export {
    /// Finds the records. None at all is a request too.
    pub(crate) fn of(body: Bytes, writing: Writing, max_lines: usize) -> Result<Self, ApiError> {
        let mut places = Places::new(body.clone(), max_lines);
        match writing {
            Writing::Protobuf => find_in_protobuf(&body, &mut places)?,
            Writing::Json => find_in_json(&body, &mut places)?,
        }
        Ok(Self { writing, places })
    }
}

fn find_in_protobuf(body: &[u8], places: &mut Places<Group>) -> Result<(), ApiError> {
    let mut request = Fields::within(body, 0..body.len());
    while let Some((number, resource_logs)) = request.next().map_err(not_protobuf)? {
        if number != REQUEST_RESOURCE_LOGS {
            continue;
        }
        let resource = last_field(body, resource_logs.clone(), RESOURCE_LOGS_RESOURCE)?;
        let mut resource_logs = Fields::within(body, resource_logs);
        while let Some((number, scope_logs)) = resource_logs.next().map_err(not_protobuf)? {
            if number != RESOURCE_LOGS_SCOPE_LOGS {
                continue;
            }
            places.begin_group(Group {
                resource: resource.clone(),
                scope: last_field(body, scope_logs.clone(), SCOPE_LOGS_SCOPE)?,
            });
            let mut scope_logs = Fields::within(body, scope_logs);
            while let Some((number, record)) = scope_logs.next().map_err(not_protobuf)? {
                if number == SCOPE_LOGS_RECORDS {
                    places.push(record)?;
                }
            }
        }
    }
    Ok(())
}

fn last_field(body: &[u8], range: Range<usize>, wanted: u32) -> Result<Option<Range<usize>>, ApiError> {
    let mut fields = Fields::within(body, range);
    let mut found = None;
    while let Some((number, range)) = fields.next().map_err(not_protobuf)? {
        if number == wanted {
            found = Some(range);
        }
    }
    Ok(found)
}

fn find_in_json(body: &[u8], places: &mut Places<Group>) -> Result<(), ApiError> {
    let whole = places::whole_object(body)?;
    places::each_member(body, whole, |name, list| {
        if !matches!(name, "resourceLogs" | "resource_logs") {
            return Ok(());
        }
        places::each_element(body, list, |resource_logs| {
            let resource = places::member(body, resource_logs.clone(), "resource")?;
            places::each_member(body, resource_logs, |name, list| {
                if !matches!(name, "scopeLogs" | "scope_logs") {
                    return Ok(());
                }
                places::each_element(body, list, |scope_logs| {
                    places.begin_group(Group {
                        resource: resource.clone(),
                        scope: places::member(body, scope_logs.clone(), "scope")?,
                    });
                    places::each_member(body, scope_logs, |name, list| match name {
                        "logRecords" | "log_records" => {
                            places::each_element(body, list, |record| places.push(record))
                        }
                        _ => Ok(()),
                    })
                })
            })
        })
    })
}

fn not_protobuf(broken: Broken) -> ApiError {
    ApiError::invalid(
        "",
        format!("the body is not an ExportLogsServiceRequest in protobuf: {broken}"),
    )
}

impl Records for Export {
    type Outline = ();

    fn count(&self) -> u32 {
        self.places.count()
    }

    fn body(&self) -> &[u8] {
        &self.places.body
    }

    fn read_into(&self, sink: &mut Sink<'_>) {
        let mut shared: Option<Shared> = None;
        for (index, group, record) in self.places.iter() {
            if sink.is_full() {
                return;
            }
            let shared = match &mut shared {
                Some(known) if known.group == group => known,
                old => {
                    let new = self.shared(group, sink.rules());
                    sink.turn_to(&new.wish);
                    old.insert(new)
                }
            };
            let line = match &shared.meta {
                Ok(meta) => self
                    .read(record, sink)
                    .and_then(|record| record::line_of(record, meta)),
                Err(error) => Err(error.clone()),
            };
            match line {
                Ok(line) => sink.line(index, &line),
                Err(LineError { field, reason }) => sink.refuse(index, field, reason),
            }
        }
    }

    fn destinations(&self, rules: &LineRules, most: usize) -> Vec<Destination> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut last = None;
        for Group { resource, .. } in self.places.groups() {
            // Those of one resource follow one another.
            if found.len() == most || last.replace(resource) == Some(resource) {
                continue;
            }
            let attributes = self.resource(resource.clone(), rules).unwrap_or_default();
            if let Ok(Some(wanted)) = resource::wish_of(&attributes)
                && seen.insert(wanted.clone())
            {
                found.push(wanted);
            }
        }
        found
    }

    fn into_outline(self) {}
}

impl Export {
    fn read(&self, record: &[u8], sink: &Sink<'_>) -> Result<LogRecord, LineError> {
        self.decode("", record, sink.rules(), json::record, |bytes| {
            LogRecord::decode(bytes)
        })
    }

    /// What resource and scope say of each of their records.
    fn shared(&self, group: usize, rules: &LineRules) -> Shared {
        let place = self.places.group(group).cloned().unwrap_or_default();
        let attributes = self.resource(place.resource, rules);
        let wish = attributes.as_deref().map_or(Ok(None), resource::wish_of);
        let meta = attributes.and_then(|attributes| self.meta(attributes, place.scope, rules));
        Shared { group, meta, wish }
    }

    /// The attributes of a resource.
    fn resource(&self, place: Option<Range<usize>>, rules: &LineRules) -> Result<Vec<KeyValue>, LineError> {
        let Some(range) = place else {
            return Ok(Vec::new());
        };
        let resource = self.decode(
            "resource",
            &self.places.body[range],
            rules,
            json::resource,
            |bytes| Resource::decode(bytes),
        )?;
        Ok(resource.attributes)
    }

    fn meta(
        &self,
        resource: Vec<KeyValue>,
        scope: Option<Range<usize>>,
        rules: &LineRules,
    ) -> Result<Map<String, Value>, LineError> {
        let mut meta = Map::new();
        record::add_attributes(&mut meta, resource);
        if let Some(range) = scope {
            let scope = self.decode("scope", &self.places.body[range], rules, json::scope, |bytes| {
                InstrumentationScope::decode(bytes)
            })?;
            record::add_attributes(&mut meta, scope.attributes);
            // The names that OpenTelemetry gives them where there is no scope.
            for (name, value) in [
                ("otel.scope.name", scope.name),
                ("otel.scope.version", scope.version),
            ] {
                if !value.is_empty() {
                    meta.insert(name.to_owned(), value.into());
                }
            }
        }
        Ok(meta)
    }

    fn decode<T>(
        &self,
        field: &str,
        bytes: &[u8],
        rules: &LineRules,
        from_json: impl FnOnce(Value) -> Result<T, LineError>,
        from_protobuf: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<T, LineError> {
        if let Some(reason) = places::too_long(bytes.len(), rules) {
            return Err(refused(field, reason));
        }
        match self.writing {
            Writing::Json => {
                let value = documents::parse(bytes)
                    .map_err(|error| refused(field, format!("is not valid JSON: {error}")))?;
                from_json(value)
            }
            Writing::Protobuf => {
                from_protobuf(bytes).map_err(|error| refused(field, format!("cannot be decoded: {error}")))
            }
        }
    }
}
#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::common::v1::AnyValue;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
    use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
    use proptest::prelude::*;

    use super::*;
    use crate::unpack::testing;

    const ROOM: usize = 1 << 26;

    fn text(text: &str) -> AnyValue {
        AnyValue {
            value: Some(Any::StringValue(text.to_owned())),
        }
    }

    fn request(resource: Option<Resource>, records: Vec<LogRecord>) -> Vec<u8> {
        let scope_logs = vec![ScopeLogs {
            log_records: records,
            ..ScopeLogs::default()
        }];
        let resource_logs = vec![ResourceLogs {
            resource,
            scope_logs,
            ..ResourceLogs::default()
        }];
        ExportLogsServiceRequest { resource_logs }.encode_to_vec()
    }

    fn with_body(message: &str) -> LogRecord {
        LogRecord {
            body: Some(text(message)),
            ..LogRecord::default()
        }
    }

    #[test]
    fn records_are_counted_before_they_are_decoded() {
        // A thousand records of two bytes each, which would be a thousand structs.
        let body = request(None, vec![LogRecord::default(); 1_000]);
        assert!(body.len() < 2_100, "{}", body.len());
        let error = Export::of(body.into(), Writing::Protobuf, 999).unwrap_err();
        assert_eq!(error.status_code(), 413);
    }

    #[test]
    fn a_resource_that_holds_for_many_records_does_not_grow_beyond_the_limit() {
        let attributes = vec![KeyValue {
            key: "a".into(),
            value: Some(text(&"x".repeat(10_000))),
            ..KeyValue::default()
        }];
        let resource = Resource {
            attributes,
            ..Resource::default()
        };
        let body = request(Some(resource), vec![with_body("m"); 200]);
        let export = Export::of(body.into(), Writing::Protobuf, 1_000).unwrap();
        assert_eq!(testing::read(&export, 3_000_000).unwrap().0, 200);
        let error = testing::read(&export, 1_000_000).unwrap_err();
        assert_eq!(error.status_code(), 413);
    }

    #[test]
    fn one_damaged_record_costs_only_itself() {
        let mut body = request(
            None,
            vec![with_body("first"), with_body("second"), with_body("third")],
        );
        let place = body.windows(6).position(|window| window == b"second").unwrap();
        body[place] = 0xFF;
        let export = Export::of(body.into(), Writing::Protobuf, 10).unwrap();
        let (good, rejected) = testing::read(&export, ROOM).unwrap();
        assert_eq!((good, rejected[0].index), (2, 1));
        let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{"body":NaN},
            {"body":{"stringValue":3}}]}]}]}"#;
        let export = Export::of(body.into(), Writing::Json, 10).unwrap();
        let (good, rejected) = testing::read(&export, ROOM).unwrap();
        let fields: Vec<_> = rejected
            .iter()
            .map(|line| (line.index, line.field.as_str()))
            .collect();
        assert_eq!((good, fields), (1, vec![(1, ""), (2, "body")]));
    }

    #[test]
    fn depth_is_no_danger() {
        let nested = r#"{"arrayValue":{"values":["#.repeat(10_000) + &"]}}".repeat(10_000);
        let json =
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{nested}}}]}}]}}]}}"#);
        let export = Export::of(json.into(), Writing::Json, 10).unwrap();
        assert_eq!(testing::read(&export, ROOM).unwrap().0, 0);
        // AnyValue { array_value { values [ AnyValue … ] } }, from the inside out.
        let wrap = |key: u8, inner: &[u8]| {
            let mut message = vec![key];
            prost::encode_length_delimiter(inner.len(), &mut message).unwrap();
            message.extend_from_slice(inner);
            message
        };
        let deep = (0..1_000).fold(Vec::new(), |inner, _| wrap(0x2A, &wrap(0x0A, &inner)));
        let record = wrap(0x2A, &deep);
        let body = wrap(0x0A, &wrap(0x12, &wrap(0x12, &record)));
        let export = Export::of(body.into(), Writing::Protobuf, 10).unwrap();
        assert_eq!(testing::read(&export, ROOM).unwrap().0, 0);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
            for writing in [Writing::Protobuf, Writing::Json] {
                if let Ok(export) = Export::of(bytes.clone().into(), writing, 100) {
                    let _ = testing::read(&export, ROOM);
                }
            }
            // A good request with a piece replaced.
            let mut body = request(None, vec![with_body("some message of a record"); 3]);
            let at = cut.min(body.len());
            let end = (at + bytes.len().min(4)).min(body.len());
            body.splice(at..end, bytes.iter().copied().take(4));
            if let Ok(export) = Export::of(body.into(), Writing::Protobuf, 100) {
                let _ = testing::read(&export, ROOM);
            }
        }

        #[test]
        fn no_json_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"resourceLogs\":", "\"scopeLogs\":", "\"logRecords\":", "\"body\":", "null", "1e400",
            "\"stringValue\":", r#""\u0000""#, "\"attributes\":", "-1", "[{", "}]", "\"timeUnixNano\":",
        ]), 0..40)) {
            let text = tokens.concat();
            for body in [text.clone(), format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{text}}}]}}]}}]}}"#)] {
                if let Ok(export) = Export::of(body.into(), Writing::Json, 100) {
                    let _ = testing::read(&export, ROOM);
                }
            }
        }
    }
}
