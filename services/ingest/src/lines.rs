//! Finding the lines in a body, without looking into them: one that is broken costs only itself.
//!
//! The body is walked once and nothing is copied. A line's own syntax is checked where it is read
//! (`domain::log_record`); here only strings and brackets are followed, so that its end is found.

pub(crate) mod scanner;

use std::ops::Range;

use actix_web::web::Bytes;
use memchr::memchr;
use service_kit::ApiError;

use crate::format::Format;
use crate::unpack::{Records, Sink};
use scanner::{Broken, Scanner};

/// A body and where its lines are.
#[derive(Debug)]
pub(crate) struct Lines {
    body: Bytes,
    spans: Vec<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    /// Position in the array, or the line of the text, from 0.
    index: u32,
    start: u32,
    end: u32,
}

impl Lines {
    /// Splits a body of less than 4 GiB. Refuses one that is not of its format, has no lines, or has more than
    /// `max_lines`.
    pub(crate) fn of(body: Bytes, format: Format, max_lines: usize) -> Result<Self, ApiError> {
        let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&body);
        let offset = body.len() - text.len();
        let mut spans = Spans {
            found: Vec::new(),
            offset,
            max_lines,
        };
        match format {
            Format::Json => split_json(text, &mut spans)?,
            Format::Ndjson => split_ndjson(text, &mut spans)?,
        }
        let spans = spans.found;
        if spans.is_empty() {
            let what = if text.trim_ascii().is_empty() {
                "the body is empty"
            } else {
                "there are no log lines in it"
            };
            return Err(ApiError::invalid(
                "",
                format!("{what}; send {{\"logs\":[{{\"level\":\"info\",\"message\":\"started\"}}]}}"),
            ));
        }
        Ok(Self { body, spans })
    }

    /// Each line with its index.
    fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.spans
            .iter()
            .map(|span| (span.index, &self.body[span.start as usize..span.end as usize]))
    }
}

impl Records for Lines {
    type Outline = ();

    /// At least 1.
    fn count(&self) -> u32 {
        self.spans.len() as u32
    }

    fn body(&self) -> &[u8] {
        &self.body
    }

    fn read_into(&self, sink: &mut Sink<'_>) {
        for (index, json) in self.iter() {
            sink.json(index, json);
        }
    }

    fn into_outline(self) {}
}

/// The lines found so far, counted as they come.
struct Spans {
    found: Vec<Span>,
    /// Where the text starts in the body.
    offset: usize,
    max_lines: usize,
}

impl Spans {
    fn push(&mut self, index: usize, range: Range<usize>) -> Result<(), ApiError> {
        if self.found.len() == self.max_lines {
            let max_lines = self.max_lines;
            return Err(ApiError::PayloadTooLarge(format!(
                "the request has more than {max_lines} lines; send fewer lines a request"
            )));
        }
        self.found.push(Span {
            index: index as u32,
            start: (self.offset + range.start) as u32,
            end: (self.offset + range.end) as u32,
        });
        Ok(())
    }
}

fn split_ndjson(text: &[u8], spans: &mut Spans) -> Result<(), ApiError> {
    let (mut start, mut index) = (0, 0);
    while start < text.len() {
        let end = memchr(b'\n', &text[start..]).map_or(text.len(), |at| start + at);
        if !text[start..end].trim_ascii().is_empty() {
            spans.push(index, start..end)?;
        }
        start = end + 1;
        index += 1;
    }
    Ok(())
}

fn split_json(text: &[u8], spans: &mut Spans) -> Result<(), ApiError> {
    let mut scanner = Scanner::new(text);
    match scanner.peek() {
        None => return Ok(()),
        Some(b'[') => push_elements(&mut scanner, spans)?,
        Some(b'{') => match Envelope::read(&mut scanner)? {
            Envelope::Line(range) => spans.push(0, range)?,
            Envelope::Logs(range) => {
                let mut inside = Scanner::within(text, range);
                push_elements(&mut inside, spans)?;
            }
        },
        Some(_) => return Err(not_json(&scanner.broken("a JSON object or array"))),
    }
    match scanner.peek() {
        None => Ok(()),
        Some(_) => Err(not_json(&scanner.broken(
            "the end of the body (for one JSON object a line send Content-Type: application/x-ndjson)",
        ))),
    }
}

fn push_elements(scanner: &mut Scanner<'_>, spans: &mut Spans) -> Result<(), ApiError> {
    let mut index = 0;
    let mut elements = scanner.elements().map_err(|broken| not_json(&broken))?;
    while let Some(range) = elements.next().map_err(|broken| not_json(&broken))? {
        spans.push(index, range)?;
        index += 1;
    }
    Ok(())
}

/// The two things that an object may be.
enum Envelope {
    /// `{"logs":[…]}`: where the array is.
    Logs(Range<usize>),
    /// A line of its own.
    Line(Range<usize>),
}

impl Envelope {
    /// Reads an object to its end. One with `logs` is an envelope, and has no other fields; but a line may have a field
    /// of that name beside its `message`, as long as it is no array.
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, ApiError> {
        let start = scanner.position();
        let (mut logs, mut other, mut has_message) = (None, None, false);
        let mut members = scanner.members().map_err(|broken| not_json(&broken))?;
        while let Some((key, value)) = members.next().map_err(|broken| not_json(&broken))? {
            has_message |= key == "message";
            if key != "logs" {
                other.get_or_insert(key);
            } else if logs.replace(value).is_some() {
                return Err(ApiError::invalid("logs", "is there twice; send one array"));
            }
        }
        let end = scanner.position();
        match (logs, other) {
            (None, _) => Ok(Self::Line(start..end)),
            (Some(logs), _) if has_message && !scanner.is_array(&logs) => Ok(Self::Line(start..end)),
            (Some(logs), None) if scanner.is_array(&logs) => Ok(Self::Logs(logs)),
            (Some(_), None) => Err(ApiError::invalid("logs", "must be an array of log lines")),
            (Some(_), Some(field)) => Err(ApiError::invalid(
                field,
                "is not a field of the request; beside logs there are none, metadata belongs into each line's meta",
            )),
        }
    }
}

fn not_json(broken: &Broken) -> ApiError {
    ApiError::invalid("", format!("the body is not valid JSON: {broken}"))
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;
    use proptest::prelude::*;

    use super::*;

    fn split(body: &str, format: Format) -> Result<Vec<(u32, String)>, (u16, String)> {
        Lines::of(Bytes::copy_from_slice(body.as_bytes()), format, 4)
            .map(|lines| {
                let text = |line: &[u8]| String::from_utf8(line.to_vec()).unwrap();
                lines.iter().map(|(index, line)| (index, text(line))).collect()
            })
            .map_err(|error| (error.status_code().as_u16(), error.to_string()))
    }

    fn json(body: &str) -> Vec<String> {
        split(body, Format::Json)
            .unwrap()
            .into_iter()
            .map(|(_, line)| line)
            .collect()
    }

    #[rstest::rstest]
    #[case(r#"{"logs":[{"message":"a"},{"message":"b"}]}"#, &[r#"{"message":"a"}"#, r#"{"message":"b"}"#])]
    #[case(" [ {\"a\":1} , 2 ] \n", &[r#"{"a":1}"#, "2"])]
    #[case(r#"{"message":"a"}"#, &[r#"{"message":"a"}"#])]
    #[case("\u{FEFF}{\"l\\u006fgs\":[1]}", &["1"])]
    #[case(r#"{"message":"a","logs":3}"#, &[r#"{"message":"a","logs":3}"#])]
    // What is broken inside costs only itself.
    #[case(r#"[{"message": NaN}, {"a":]}, {"b":"}]\"{["}]"#, &[r#"{"message": NaN}"#, r#"{"a":]}"#, r#"{"b":"}]\"{["}"#])]
    #[case(r#"[tru, "x\\", [1,[2],{}]]"#, &["tru", r#""x\\""#, "[1,[2],{}]"])]
    fn lines_are_found_in_json(#[case] body: &str, #[case] expected: &[&str]) {
        assert_eq!(json(body), expected);
    }

    #[rstest::rstest]
    #[case("", "the body is empty")]
    #[case(" \n", "the body is empty")]
    #[case("[]", "no log lines")]
    #[case(r#"{"logs":[]}"#, "no log lines")]
    #[case("hello", "not valid JSON: expected a JSON object or array at byte 0")]
    #[case("[{}", "expected , or ] at byte 3")]
    #[case("[{},]", "expected a value at byte 4")]
    #[case("[{} {}]", "expected , or ] at byte 4")]
    #[case(r#"[{"a":"b]"#, "expected the end of a text")]
    #[case(r#"{"logs":[{}]"#, "expected , or }")]
    #[case(r#"{"logs" [{}]}"#, "expected :")]
    #[case("{logs:[{}]}", "expected a field's name")]
    #[case("{\"a\":1}\n{\"b\":2}", "application/x-ndjson")]
    #[case(r#"{"logs":{}}"#, "logs must be an array")]
    #[case(r#"{"logs":[],"logs":[]}"#, "logs is there twice")]
    #[case(r#"{"logs":[{}],"source":"a"}"#, "source is not a field")]
    #[case(r#"{"logs":[{}],"message":"a"}"#, "message is not a field")]
    fn what_is_no_request_is_refused_with_the_place(#[case] body: &str, #[case] message: &str) {
        let (status, found) = split(body, Format::Json).unwrap_err();
        assert_eq!(status, 400);
        assert!(found.contains(message), "{found}");
    }

    #[test]
    fn lines_of_text_are_counted_with_the_blank_ones_between() {
        let found = split("{}\r\n\n  \n{\"a\":1}", Format::Ndjson).unwrap();
        assert_eq!(found, [(0, "{}\r".to_owned()), (3, "{\"a\":1}".to_owned())]);
        assert_eq!(split("\n\r\n", Format::Ndjson).unwrap_err().0, 400);
    }

    #[test]
    fn too_many_lines_are_too_large() {
        assert_eq!(json("[1,2,3,4]").len(), 4);
        assert_eq!(split("[1,2,3,4,5]", Format::Json).unwrap_err().0, 413);
        assert_eq!(split("1\n2\n3\n4\n5", Format::Ndjson).unwrap_err().0, 413);
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(json(&deep).len(), 1);
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "[\\PC\"\\\\{}\\[\\],:]{0,40}".prop_map(Into::into),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::hash_map("[\\PC\"{}]{0,6}", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_array_is_split_as_a_json_parser_would(
            values in prop::collection::vec(any_json(), 1..5),
            pretty in any::<bool>(),
            wrapped in any::<bool>(),
        ) {
            let values = values.into_iter().take(4).collect::<Vec<_>>();
            let document = if wrapped { serde_json::json!({ "logs": values }) } else { values.clone().into() };
            let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
            let found: Vec<serde_json::Value> =
                json(&text.unwrap()).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            prop_assert_eq!(found, values);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop_oneof![
            any::<u8>(), Just(b'"'), Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b','), Just(b'\\'), Just(b':'),
        ], 0..60), text in any::<bool>()) {
            let format = if text { Format::Ndjson } else { Format::Json };
            let _ = Lines::of(bytes.into(), format, 1_000);
        }
    }
}
