//! Elasticsearch's bulk: pairs of an action and a document, one a line. Documents follow ECS, or whatever the shipper makes
//! of them.

use actix_web::web::Bytes;
use memchr::memchr;
use serde::Deserialize;
use serde_json::{Map, Value};
use service_kit::ApiError;

use super::documents::{self, Documents};
use super::places::Places;
use crate::line::Line;

/// What a bulk request asks for, in order.
pub(crate) type Items = Vec<Item>;

#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) action: Action,
    pub(crate) index: String,
    pub(crate) id: Option<String>,
    /// The number of its record; `None` for an action that logs do not have.
    pub(crate) record: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Index,
    Update,
    Delete,
}

impl Action {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Index => "index",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// `{"create":{"_index":"logs","_id":"1"}}`.
#[derive(Deserialize)]
struct ActionLine {
    create: Option<Target>,
    index: Option<Target>,
    update: Option<Target>,
    delete: Option<Target>,
}

#[derive(Default, Deserialize)]
struct Target {
    #[serde(rename = "_index")]
    index: Option<String>,
    #[serde(rename = "_id")]
    id: Option<String>,
}

/// As Elasticsearch limits the name of an index. That of the path holds for every item, and is repeated in each answer.
const MAX_INDEX_BYTES: usize = 255;
/// An action's line holds names, which are at most 512 bytes each.
const MAX_ACTION_BYTES: usize = 8 * 1024;

/// Finds the documents of a bulk request. `index` is that of the path.
pub(crate) fn bulk(
    body: Bytes,
    index: Option<&str>,
    max_lines: usize,
) -> Result<Documents<String, Items>, ApiError> {
    if index.is_some_and(|index| index.len() > MAX_INDEX_BYTES) {
        let reason = format!("must be at most {MAX_INDEX_BYTES} bytes");
        return Err(ApiError::invalid("index", reason));
    }
    let body = documents::without_bom(body);
    let mut places = Places::new(body.clone(), max_lines);
    let mut items = Items::new();
    let mut lines = TextLines {
        body: &body,
        start: 0,
        number: 0,
    };
    let mut group: Option<String> = None;
    while let Some((number, range)) = lines.next_full() {
        if items.len() == max_lines {
            return Err(ApiError::PayloadTooLarge(format!(
                "the request has more than {max_lines} items; send fewer a request"
            )));
        }
        let (action, target) = action_of(&body[range]).ok_or_else(|| malformed(number))?;
        let index = target
            .index
            .or_else(|| index.map(str::to_owned))
            .unwrap_or_default();
        let record = match action {
            Action::Delete => None,
            Action::Update => {
                lines.next_full().ok_or_else(|| without_document(number))?;
                None
            }
            Action::Create | Action::Index => {
                let (_, document) = lines.next_full().ok_or_else(|| without_document(number))?;
                if group.as_ref() != Some(&index) {
                    places.begin_group(index.clone());
                    group = Some(index.clone());
                }
                places.push(document)?;
                Some(places.count() - 1)
            }
        };
        items.push(Item {
            action,
            index,
            id: target.id,
            record,
        });
    }
    if items.is_empty() {
        return Err(ApiError::invalid("", "request body is required"));
    }
    Ok(Documents::new(
        places,
        |fields, index| Ok(line_of(fields, index)),
        items,
    ))
}

fn malformed(number: usize) -> ApiError {
    ApiError::invalid(
        "",
        format!("Malformed action/metadata line [{number}], expected an object with create or index"),
    )
}

fn without_document(number: usize) -> ApiError {
    ApiError::invalid(
        "",
        format!("the action of line [{number}] has no document after it"),
    )
}

fn action_of(line: &[u8]) -> Option<(Action, Target)> {
    if line.len() > MAX_ACTION_BYTES {
        return None;
    }
    let line: ActionLine = serde_json::from_slice(line).ok()?;
    match line {
        ActionLine {
            create: Some(target), ..
        } => Some((Action::Create, target)),
        ActionLine {
            index: Some(target), ..
        } => Some((Action::Index, target)),
        ActionLine {
            update: Some(target), ..
        } => Some((Action::Update, target)),
        ActionLine {
            delete: Some(target), ..
        } => Some((Action::Delete, target)),
        _ => None,
    }
}

/// The lines of a text that are not blank, with their numbers from 1.
struct TextLines<'a> {
    body: &'a [u8],
    start: usize,
    number: usize,
}

impl TextLines<'_> {
    fn next_full(&mut self) -> Option<(usize, std::ops::Range<usize>)> {
        while self.start < self.body.len() {
            let rest = &self.body[self.start..];
            let range = self.start..self.start + memchr(b'\n', rest).unwrap_or(rest.len());
            self.start = range.end + 1;
            self.number += 1;
            if !self.body[range.clone()].trim_ascii().is_empty() {
                return Some((self.number, range));
            }
        }
        None
    }
}

fn line_of(mut fields: Map<String, Value>, index: &str) -> Line<'static> {
    let timestamp = documents::take(&mut fields, &["@timestamp", "timestamp"]);
    let level = documents::take_level(&mut fields, &["log.level", "level", "severity"]);
    let trace_id = documents::take_text(&mut fields, &["trace.id", "trace_id", "traceId"]);
    let message = documents::take_message(&mut fields, &["message", "log", "event.original", "msg"]);
    if !index.is_empty() {
        fields.insert("index".to_owned(), index.into());
    }
    Line {
        timestamp: timestamp.map(documents::time_of),
        level,
        message: message.into(),
        meta: fields,
        trace_id: trace_id.map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;
    use proptest::prelude::*;

    use super::*;
    use crate::unpack::{Records as _, testing};

    const ROOM: usize = 1 << 26;

    #[test]
    fn actions_and_documents_take_turns() {
        let body = "{\"create\":{}}\n{\"message\":\"a\"}\n\n{\"delete\":{\"_index\":\"i\",\"_id\":\"7\"}}\n\
            {\"update\":{\"_id\":\"8\"}}\n{\"doc\":{}}\n{\"index\":{\"_index\":\"j\"}}\n{\"message\":\"b\"}";
        let found = bulk(body.into(), Some("path"), 10).unwrap();
        assert_eq!(testing::read(&found, ROOM).unwrap().0, 2);
        let items: Vec<_> = found
            .into_outline()
            .into_iter()
            .map(|item| (item.action.as_str(), item.index, item.record))
            .collect();
        let expected = [
            ("create", "path".to_owned(), Some(0)),
            ("delete", "i".to_owned(), None),
            ("update", "path".to_owned(), None),
            ("index", "j".to_owned(), Some(1)),
        ];
        assert_eq!(items, expected);
    }

    #[rstest::rstest]
    #[case("", 400)]
    #[case("\n\n", 400)]
    #[case("{\"create\":{}}\n", 400)]
    #[case("{\"message\":\"a\"}\n", 400)]
    #[case("{\"create\":3}\n{}\n", 400)]
    #[case("{\"delete\":{}}\n{\"delete\":{}}\n{\"delete\":{}}\n", 413)]
    fn what_is_no_bulk_is_refused(#[case] body: &'static str, #[case] status: u16) {
        let error = bulk(body.into(), None, 2).unwrap_err();
        assert_eq!(error.status_code(), status);
    }

    #[test]
    fn a_name_in_the_path_that_no_index_has_is_refused() {
        let body = || Bytes::from_static(b"{\"create\":{}}\n{\"message\":\"a\"}\n");
        assert!(bulk(body(), Some(&"i".repeat(255)), 2).is_ok());
        let error = bulk(body(), Some(&"i".repeat(256)), 2).unwrap_err();
        assert_eq!(error.status_code(), 400);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut body = b"{\"create\":{\"_index\":\"i\"}}\n".to_vec();
            body.extend(&bytes);
            for body in [bytes, body] {
                if let Ok(found) = bulk(body.into(), None, 100) {
                    let _ = testing::read(&found, ROOM);
                }
            }
        }

        #[test]
        fn no_json_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", "\"message\":", "\"log\":", "\"level\":", "null", "\"1\"", "\"\\u0000\"", "-1", "{\"trace\":{\"id\":",
        ]), 0..30)) {
            let body = format!("{{\"index\":{{}}}}\n{{{}}}\n", tokens.concat());
            if let Ok(found) = bulk(body.into(), None, 100) {
                let _ = testing::read(&found, ROOM);
            }
        }
    }
}
