//! What a pipeline does to one line.

use std::borrow::Cow;

use super::ansi::decolorize;
use super::ast::{
    JsonField, LabelFilter, LabelPick, LineFilter, LineOp, LogPipeline, Logfmt, Quantity, Stage,
};
use super::line::{ERROR, Label, LabelKind, Line, LineLabels, PipelineFault, is_named, sanitized};
use super::matcher::Matcher;
use super::{json, logfmt, units};

/// A line that came through.
#[derive(Clone, Debug, PartialEq)]
pub struct Processed<'a> {
    pub line: Cow<'a, str>,
    /// In no particular order; each name once.
    pub labels: Vec<Label<'a>>,
}

impl LogPipeline {
    /// What becomes of a line; None if it is filtered out.
    pub fn apply<'a>(&self, line: &Line<'a>) -> Option<Processed<'a>> {
        let (text, labels) = self.run(line, true)?;
        Some(Processed {
            line: text,
            labels: labels.into_labels(),
        })
    }

    /// Texts that the message of every line that comes through contains, as they are written.
    pub fn required_substrings(&self) -> Vec<&str> {
        let filters = self.stages.iter().map_while(|stage| match stage {
            Stage::Decolorize => None,
            Stage::Line(filter) => Some(filter.required()),
            Stage::Json(_) | Stage::Logfmt(_) | Stage::Label(_) | Stage::Drop(_) | Stage::Keep(_) => {
                Some(None)
            }
        });
        filters.flatten().collect()
    }

    /// The line's text and labels behind the last stage. Metadata are labels only if asked for.
    pub(super) fn run<'a>(
        &self,
        line: &Line<'a>,
        with_metadata: bool,
    ) -> Option<(Cow<'a, str>, LineLabels<'a>)> {
        if !self.selector.matches(line) {
            return None;
        }
        let mut text = Cow::Borrowed(line.message);
        // Most lines are told apart by their text, before there is a need for labels.
        let without_labels = self.stages.iter().take_while(|stage| stage.is_of_text()).count();
        let (first, rest) = self.stages.split_at(without_labels);
        if !first.iter().all(|stage| stage.run_on_text(&mut text)) {
            return None;
        }
        let mut labels = LineLabels::of(line, with_metadata);
        rest.iter()
            .all(|stage| stage.run(&mut text, &mut labels))
            .then_some((text, labels))
    }
}

impl Stage {
    fn is_of_text(&self) -> bool {
        match self {
            Self::Line(_) | Self::Decolorize => true,
            Self::Json(_) | Self::Logfmt(_) | Self::Label(_) | Self::Drop(_) | Self::Keep(_) => false,
        }
    }

    /// False if the line is filtered out.
    fn run_on_text(&self, text: &mut Cow<'_, str>) -> bool {
        match self {
            Self::Line(filter) => filter.keeps(text),
            Self::Decolorize => {
                if let Cow::Owned(plain) = decolorize(text) {
                    *text = Cow::Owned(plain);
                }
                true
            }
            Self::Json(_) | Self::Logfmt(_) | Self::Label(_) | Self::Drop(_) | Self::Keep(_) => true,
        }
    }

    /// False if the line is filtered out.
    fn run(&self, text: &mut Cow<'_, str>, labels: &mut LineLabels<'_>) -> bool {
        match self {
            Self::Line(_) | Self::Decolorize => return self.run_on_text(text),
            Self::Label(filter) => return filter.keeps(labels),
            Self::Json(fields) => run_json(fields, text, labels),
            Self::Logfmt(logfmt) => run_logfmt(logfmt, text, labels),
            Self::Drop(picks) => drop_labels(picks, labels),
            Self::Keep(picks) => labels.retain(|label| picks.iter().any(|pick| pick.means(label))),
        }
        true
    }
}

impl LineFilter {
    fn keeps(&self, text: &str) -> bool {
        match self.op {
            LineOp::Contains => self.texts.iter().any(|part| text.contains(part.as_str())),
            LineOp::ContainsNot => !self.texts.iter().any(|part| text.contains(part.as_str())),
            LineOp::Matches => self.regexes.iter().any(|regex| regex.is_match(text)),
            LineOp::MatchesNot => !self.regexes.iter().any(|regex| regex.is_match(text)),
        }
    }

    fn required(&self) -> Option<&str> {
        match (self.op, &self.texts[..]) {
            (LineOp::Contains, [text]) if !text.is_empty() => Some(text),
            (LineOp::Contains | LineOp::ContainsNot | LineOp::Matches | LineOp::MatchesNot, _) => None,
        }
    }
}

fn run_json(fields: &[JsonField], text: &str, labels: &mut LineLabels<'_>) {
    let mut insert =
        |name: String, value: String| labels.insert(LabelKind::Parsed, Cow::Owned(name), Cow::Owned(value));
    let outcome = if fields.is_empty() {
        json::for_each_field(text, &mut insert)
    } else if json::is_object(text) {
        for field in fields {
            if let Some(value) = field.path.find(text) {
                insert(field.label.clone(), value);
            }
        }
        Ok(())
    } else {
        Err(json::NotJson)
    };
    if outcome.is_err() {
        labels.fault.get_or_insert(PipelineFault::Json);
    }
}

fn run_logfmt(stage: &Logfmt, text: &str, labels: &mut LineLabels<'_>) {
    let outcome = logfmt::for_each_pair(text, stage.strict, &mut |key, value| {
        let label = match stage.fields.iter().find(|field| field.key == key) {
            Some(field) => Cow::Borrowed(field.label.as_str()),
            None if !stage.fields.is_empty() || (value.is_empty() && !stage.keep_empty) => return,
            None => sanitized(key),
        };
        labels.insert(
            LabelKind::Parsed,
            Cow::Owned(label.into_owned()),
            Cow::Owned(value),
        );
    });
    if outcome.is_err() {
        labels.fault.get_or_insert(PipelineFault::Logfmt);
    }
}

fn drop_labels(picks: &[LabelPick], labels: &mut LineLabels<'_>) {
    if let Some(fault) = labels.fault {
        let error = Label {
            name: Cow::Borrowed(ERROR),
            value: Cow::Borrowed(fault.as_str()),
            kind: LabelKind::Parsed,
        };
        if picks.iter().any(|pick| pick.means(&error)) {
            labels.fault = None;
            labels.fault_accepted = false;
        }
    }
    labels.retain(|label| !picks.iter().any(|pick| pick.means(label)));
}

impl LabelPick {
    fn means(&self, label: &Label<'_>) -> bool {
        match self {
            Self::Name(name) => is_named(label, name),
            Self::Match(matcher) => is_named(label, matcher.label()) && matcher.matches(&label.value),
        }
    }
}

impl LabelFilter {
    /// Whether the line stays. A value that cannot be compared is a fault of the line, which then stays.
    pub(super) fn keeps(&self, labels: &mut LineLabels<'_>) -> bool {
        match self {
            Self::Match(matcher) => keeps_text(matcher, labels),
            Self::And(left, right) => left.keeps(labels) & right.keeps(labels),
            Self::Or(left, right) => left.keeps(labels) || right.keeps(labels),
            Self::Compare { label, .. } if label == ERROR => false,
            // Only a filter on text sorts out a faulty line.
            Self::Compare { .. } if labels.fault.is_some() => true,
            Self::Compare { label, op, with } => {
                let Some(value) = labels.get(label) else {
                    return false;
                };
                let kept = match with {
                    Quantity::Number(with) => value.parse().ok().map(|value: f64| op.holds(value, *with)),
                    Quantity::Duration(with) => {
                        units::parse_duration(value).map(|value| op.holds(value, *with))
                    }
                    Quantity::Bytes(with) => units::parse_bytes(value).map(|value| op.holds(value, *with)),
                };
                kept.unwrap_or_else(|| {
                    labels.fault = Some(PipelineFault::LabelFilter);
                    true
                })
            }
        }
    }
}

fn keeps_text(matcher: &Matcher, labels: &mut LineLabels<'_>) -> bool {
    let kept = matcher.matches(labels.get(matcher.label()).unwrap_or_default());
    if kept && matcher.label() == ERROR && labels.fault.is_some() {
        labels.fault_accepted = true;
    }
    kept
}
