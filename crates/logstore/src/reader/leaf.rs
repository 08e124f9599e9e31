//! One test of a query, decided on one line or on a block of them. What a test means is said by [`domain::query::evaluate`];
//! here rows that cannot match are passed over first. No I/O.

use std::ops::Range;

use domain::level::Level;
use domain::query::ast::{MessageTest, MetaTest, OptionalField, Test, TextField, TextTest};
use domain::query::evaluate::{self, fold, leaves, message_matches, meta_matches, text_matches};
use domain::query::number::Number;
use domain::query::text::MetaPath;
use domain::words::{is_whole_word, is_word_start};
use serde_json::Value;

use super::condition::{levels_of, times_of};
use super::haystack::{Haystack, Search};
use crate::segment::{Column, Texts as Stored};

/// What of a line tests look at. Texts are empty where it has none, and where no test looks at them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'a> {
    /// Microseconds since 1970.
    pub(super) ts: i64,
    pub(super) level: Level,
    pub(super) message: &'a str,
    pub(super) meta: &'a str,
    pub(super) trace_id: &'a str,
    pub(super) request_id: &'a str,
}

/// The same of a block's lines, column by column; those that no test looks at may be missing.
#[derive(Default)]
pub(super) struct BlockTexts<'a> {
    pub(super) rows: u32,
    /// Microseconds since 1970.
    pub(super) ts: Vec<i64>,
    /// By [`Level::code`].
    pub(super) levels: Vec<u8>,
    pub(super) message: Option<Haystack<'a>>,
    pub(super) meta: Option<Haystack<'a>>,
    pub(super) trace_id: Option<Haystack<'a>>,
    pub(super) request_id: Option<Haystack<'a>>,
}

/// A test, and what was made of it once.
#[derive(Clone, Debug)]
pub(super) enum Leaf {
    /// A bit for each code.
    Level(u8),
    /// From inclusive, to exclusive.
    Ts(i64, i64),
    Message {
        test: MessageTest,
        needle: String,
        hit: Hit,
    },
    Id {
        of: Id,
        test: TextTest,
        needle: String,
    },
    HasId(Id),
    Meta {
        path: MetaPath,
        /// None: anything at the path.
        test: Option<MetaTest>,
        needle: String,
    },
    /// A name that belongs to the scope is decided before lines are looked at ([`super::Condition::for_scope`]).
    Never,
}

/// Which of the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Id {
    Trace,
    Request,
}

/// What tells that an ASCII message which holds the needle matches.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hit {
    Anywhere,
    WholeWord,
    WordStart,
    /// Only the test itself.
    Test,
}

impl<'a> BlockTexts<'a> {
    pub(super) fn set(&mut self, column: Column, texts: Stored<'a>) {
        let place = match column {
            Column::Message => &mut self.message,
            Column::Meta => &mut self.meta,
            Column::Trace => &mut self.trace_id,
            Column::Request => &mut self.request_id,
            Column::Ts | Column::Level | Column::Id => return,
        };
        *place = Some(Haystack::new(texts));
    }

    pub(super) fn len(&self) -> u32 {
        self.rows
    }

    fn id(&self, of: Id) -> Option<&Haystack<'a>> {
        match of {
            Id::Trace => self.trace_id.as_ref(),
            Id::Request => self.request_id.as_ref(),
        }
    }
}

impl Leaf {
    pub(super) fn new(test: &Test) -> Self {
        match test {
            Test::Message(test) => Self::message(test),
            Test::Level(range) => Self::Level(levels_of(*range)),
            Test::Ts(range) => {
                let (from, to) = times_of(*range);
                Self::Ts(from, to)
            }
            Test::Text(TextField::TraceId, test) => Self::id(Id::Trace, test),
            Test::Text(TextField::RequestId, test) => Self::id(Id::Request, test),
            Test::Text(TextField::Service | TextField::Environment, _) => Self::Never,
            Test::Meta(path, test) => Self::Meta {
                needle: needle_of_meta(path, test),
                path: path.clone(),
                test: Some(test.clone()),
            },
            Test::Has(OptionalField::TraceId) => Self::HasId(Id::Trace),
            Test::Has(OptionalField::RequestId) => Self::HasId(Id::Request),
            Test::Has(OptionalField::Meta(path)) => Self::Meta {
                needle: last_name(path),
                path: path.clone(),
                test: None,
            },
        }
    }

    fn message(test: &MessageTest) -> Self {
        // The longest word is likely the rarest.
        let longest = |words: &[String]| words.iter().max_by_key(|word| word.len()).cloned();
        let (needle, hit) = match test {
            MessageTest::Words(phrase) => match phrase.words() {
                [word] => (Some(word.clone()), Hit::WholeWord),
                words => (longest(words), Hit::Test),
            },
            MessageTest::Prefix(phrase) => match phrase.words() {
                [word] => (Some(word.clone()), Hit::WordStart),
                words => (longest(words), Hit::Test),
            },
            MessageTest::Contains(text) => (Some(fold(text)), Hit::Anywhere),
            MessageTest::Regex(_) => (None, Hit::Test),
        };
        Self::Message {
            test: test.clone(),
            needle: needle.unwrap_or_default(),
            hit,
        }
    }

    fn id(of: Id, test: &TextTest) -> Self {
        let needle = match test {
            TextTest::Equals(text) | TextTest::Prefix(text) | TextTest::Contains(text) => fold(text),
            TextTest::Regex(_) => String::new(),
        };
        Self::Id {
            of,
            test: test.clone(),
            needle,
        }
    }

    /// The column that it looks at.
    pub(super) fn column(&self) -> Column {
        match self {
            Self::Level(_) | Self::Never => Column::Level,
            Self::Ts(..) => Column::Ts,
            Self::Message { .. } => Column::Message,
            Self::Id { of: Id::Trace, .. } | Self::HasId(Id::Trace) => Column::Trace,
            Self::Id { of: Id::Request, .. } | Self::HasId(Id::Request) => Column::Request,
            Self::Meta { .. } => Column::Meta,
        }
    }

    pub(super) fn matches(&self, line: &Texts<'_>) -> bool {
        let id = |of: Id| match of {
            Id::Trace => line.trace_id,
            Id::Request => line.request_id,
        };
        match self {
            Self::Level(bits) => bits & (1 << line.level.code()) != 0,
            Self::Ts(from, to) => (*from..*to).contains(&line.ts),
            Self::Message { test, .. } => message_matches(test, line.message),
            Self::Id { of, test, .. } => id_matches(test, id(*of)),
            Self::HasId(of) => !id(*of).is_empty(),
            Self::Meta { path, test, .. } => meta_text_matches(path, test.as_ref(), line.meta),
            Self::Never => false,
        }
    }

    /// The rows of a block that match, rising.
    pub(super) fn rows(&self, block: &BlockTexts<'_>) -> Vec<u32> {
        let where_level =
            |bits: u8| rows_where(&block.levels, |level| *level < 8 && bits & (1 << level) != 0);
        match self {
            Self::Level(bits) => where_level(*bits),
            Self::Ts(from, to) => rows_where(&block.ts, |ts| (*from..*to).contains(ts)),
            Self::Message { test, needle, hit } => {
                let whole = |text: &str| message_matches(test, text);
                let at_hit = |text: &[u8], at: Range<usize>| match hit {
                    Hit::Anywhere => true,
                    Hit::WholeWord => is_whole_word(text, at),
                    Hit::WordStart => is_word_start(text, at.start),
                    Hit::Test => std::str::from_utf8(text).is_ok_and(whole),
                };
                let search = Search {
                    needle,
                    at_hit,
                    is_local: !matches!(hit, Hit::Test),
                    whole,
                };
                block
                    .message
                    .as_ref()
                    .map_or_else(Vec::new, |texts| texts.rows_with(&search))
            }
            Self::Id { of, test, needle } => block.id(*of).map_or_else(Vec::new, |texts| {
                texts.rows_holding(needle, |id| id_matches(test, id))
            }),
            Self::HasId(of) => block
                .id(*of)
                .map_or_else(Vec::new, |texts| texts.rows_where(|id| !id.is_empty())),
            Self::Meta { path, test, needle } => block.meta.as_ref().map_or_else(Vec::new, |texts| {
                texts.rows_holding(needle, |meta| meta_text_matches(path, test.as_ref(), meta))
            }),
            Self::Never => Vec::new(),
        }
    }
}

fn rows_where<T>(values: &[T], matches: impl Fn(&T) -> bool) -> Vec<u32> {
    (0..)
        .zip(values)
        .filter(|(_, value)| matches(value))
        .map(|(row, _)| row)
        .collect()
}

/// A line without the id lacks the field, whatever is asked of it.
fn id_matches(test: &TextTest, id: &str) -> bool {
    !id.is_empty() && text_matches(test, id)
}

fn meta_text_matches(path: &MetaPath, test: Option<&MetaTest>, meta: &str) -> bool {
    if meta.is_empty() {
        return false;
    }
    let Ok(meta) = serde_json::from_str::<Value>(meta) else {
        return false;
    };
    let mut values = evaluate::values_at(&meta, path.as_str()).into_iter();
    match test {
        None => values.next().is_some(),
        Some(test) => values.flat_map(leaves).any(|leaf| meta_matches(test, leaf)),
    }
}

/// Text that stands in the JSON of all metadata that passes, in lower case: the value where it stands as it is, else the
/// name of the field.
fn needle_of_meta(path: &MetaPath, test: &MetaTest) -> String {
    match test {
        MetaTest::Text(TextTest::Equals(text)) if Number::parse(text).is_none() => in_json(text),
        MetaTest::Text(TextTest::Prefix(text) | TextTest::Contains(text)) if !may_be_of_a_number(text) => {
            in_json(text)
        }
        MetaTest::Text(_) | MetaTest::Range(_) => last_name(path),
    }
}

/// A number may be spelt in other ways than it is compared in.
fn may_be_of_a_number(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
}

/// The end of the path belongs to one name, whichever of its dots are levels.
fn last_name(path: &MetaPath) -> String {
    let path = path.as_str();
    in_json(path.rsplit('.').next().unwrap_or(path))
}

/// As it stands within a JSON text, in lower case.
fn in_json(text: &str) -> String {
    let quoted = fold(&Value::from(text).to_string());
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}
