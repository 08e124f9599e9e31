//! One line as a query sees it: its labels.

use std::borrow::Cow;

use serde_json::Value;

pub use crate::query::Line;

pub(super) const SERVICE: &str = "service_name";
pub(super) const ENVIRONMENT: &str = "environment";
pub(super) const LEVEL: &str = "level";
pub(super) const ERROR: &str = "__error__";

/// The labels that make a stream, in order.
pub const STREAM_LABELS: [&str; 3] = [ENVIRONMENT, LEVEL, SERVICE];

/// What is beyond this many labels of one line is passed over.
const MAX_LABELS: usize = 512;

/// The stream label that a name means, where it means one.
pub(super) fn canonical(name: &str) -> &str {
    match name {
        "service" => SERVICE,
        "env" => ENVIRONMENT,
        "detected_level" => LEVEL,
        name => name,
    }
}

/// Where a label comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LabelKind {
    /// One of [`STREAM_LABELS`].
    Stream,
    /// From `meta`, `trace_id` and `request_id`.
    Metadata,
    /// Taken from the message by `| json` or `| logfmt`, or an error of the pipeline.
    Parsed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    pub name: Cow<'a, str>,
    pub value: Cow<'a, str>,
    pub kind: LabelKind,
}

/// What can go wrong with a line in a pipeline. It goes on with the label `__error__`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PipelineFault {
    Json,
    Logfmt,
    LabelFilter,
    SampleExtraction,
}

impl PipelineFault {
    /// The value of `__error__`, as in Loki.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "JSONParserErr",
            Self::Logfmt => "LogfmtParserErr",
            Self::LabelFilter => "LabelFilterErr",
            Self::SampleExtraction => "SampleExtractionErr",
        }
    }
}

/// The labels of one line on its way through a pipeline.
#[derive(Debug)]
pub(super) struct LineLabels<'a> {
    labels: Vec<Label<'a>>,
    pub(super) fault: Option<PipelineFault>,
    /// Whether a filter on `__error__` let the faulty line through on purpose.
    pub(super) fault_accepted: bool,
}

impl<'a> LineLabels<'a> {
    pub(super) fn of(line: &Line<'a>, with_metadata: bool) -> Self {
        let mut labels = Self {
            labels: Vec::with_capacity(8),
            fault: None,
            fault_accepted: false,
        };
        for (name, value) in [
            (ENVIRONMENT, line.environment),
            (LEVEL, line.level.as_str()),
            (SERVICE, line.service),
        ] {
            labels.insert(LabelKind::Stream, Cow::Borrowed(name), Cow::Borrowed(value));
        }
        if with_metadata {
            labels.insert_metadata(line);
        }
        labels
    }

    fn insert_metadata(&mut self, line: &Line<'a>) {
        for (name, id) in [("trace_id", line.trace_id), ("request_id", line.request_id)] {
            if let Some(id) = id {
                self.insert(LabelKind::Metadata, Cow::Borrowed(name), Cow::Borrowed(id));
            }
        }
        if let Some(Value::Object(fields)) = line.meta {
            for (name, value) in fields {
                self.flatten(sanitized(name), value);
            }
        }
    }

    fn flatten(&mut self, name: Cow<'a, str>, value: &'a Value) {
        let text = match value {
            Value::Null => return,
            Value::Bool(yes) => Cow::Borrowed(if *yes { "true" } else { "false" }),
            Value::Number(number) => Cow::Owned(number.to_string()),
            Value::String(text) => Cow::Borrowed(text.as_str()),
            Value::Array(_) => Cow::Owned(value.to_string()),
            Value::Object(fields) => {
                for (inner, value) in fields {
                    self.flatten(Cow::Owned(nested(&name, inner)), value);
                }
                return;
            }
        };
        if !text.is_empty() {
            self.insert(LabelKind::Metadata, name, text);
        }
    }

    /// A name that a label of an earlier kind has is suffixed; of two of one kind the first stays.
    pub(super) fn insert(&mut self, kind: LabelKind, name: Cow<'a, str>, value: Cow<'a, str>) {
        if self.labels.len() >= MAX_LABELS {
            return;
        }
        let taken = |labels: &[Label<'a>], name: &str| {
            labels
                .iter()
                .find(|label| label.name == name)
                .map(|label| label.kind)
        };
        let name = match taken(&self.labels, &name) {
            None => name,
            Some(earlier) if earlier == kind => return,
            Some(_) => {
                let suffixed = format!("{name}_extracted");
                if taken(&self.labels, &suffixed).is_some() {
                    return;
                }
                Cow::Owned(suffixed)
            }
        };
        self.labels.push(Label { name, value, kind });
    }

    /// The value of a label, also by the other names of stream labels.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        if name == ERROR {
            return self.fault.map(PipelineFault::as_str);
        }
        let by_name = |name: &str| self.labels.iter().find(|label| label.name == name);
        by_name(name)
            .or_else(|| by_name(canonical(name)))
            .map(|label| &*label.value)
    }

    pub(super) fn retain(&mut self, keeps: impl Fn(&Label<'_>) -> bool) {
        self.labels.retain(|label| keeps(label));
    }

    /// All of them, and `__error__` if there is one.
    pub(super) fn into_labels(mut self) -> Vec<Label<'a>> {
        if let Some(fault) = self.fault {
            self.labels.push(Label {
                name: Cow::Borrowed(ERROR),
                value: Cow::Borrowed(fault.as_str()),
                kind: LabelKind::Parsed,
            });
        }
        self.labels
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Label<'a>> {
        self.labels.iter()
    }
}

/// Whether a pick of `drop` or `keep` means this label: by its name, or by another name of a stream label.
pub(super) fn is_named(label: &Label<'_>, name: &str) -> bool {
    label.name == name || (label.kind == LabelKind::Stream && label.name == canonical(name))
}

/// A field's name as a label's: letters, digits and `_`, not a digit first.
pub(super) fn sanitized(name: &str) -> Cow<'_, str> {
    let is_clean = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let starts_well = name.starts_with(|c: char| !c.is_ascii_digit());
    if is_clean(name) && starts_well {
        return Cow::Borrowed(name);
    }
    let mut label = String::from(if starts_well { "" } else { "_" });
    push_sanitized(&mut label, name);
    Cow::Owned(label)
}

/// The name of a field within a field.
pub(super) fn nested(outer: &str, inner: &str) -> String {
    let mut name = String::with_capacity(outer.len() + inner.len() + 1);
    name.push_str(outer);
    name.push('_');
    push_sanitized(&mut name, inner);
    name
}

fn push_sanitized(label: &mut String, name: &str) {
    label.extend(
        name.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }),
    );
}
