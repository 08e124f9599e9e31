//! One range aggregation of a query while it is fed.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use super::ast::{Conversion, Grouping, RangeAggregation, RangeOp, Stage, Unwrap};
use super::eval::EvalError;
use super::line::{ERROR, Label, LabelKind, Line, LineLabels, PipelineFault, STREAM_LABELS, canonical};
use super::series::{Series, SeriesLabels};
use super::steps::Steps;
use super::units;
use super::window::Gathered;

#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) rule: Rule,
    /// By their labels, written one behind the other.
    series: HashMap<String, (SeriesLabels, Gathered)>,
    /// Where the key of a line is written, kept for its memory.
    key: String,
}

/// What becomes of a line.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) range: RangeAggregation,
    /// Its own, or that of the sum around it.
    grouping: Option<Grouping>,
    /// The metadata that may be labels of its series.
    metadata: BTreeSet<String>,
    /// Whether lines need their metadata for labels.
    pub(super) with_metadata: bool,
}

impl Leaf {
    pub(super) fn new(range: RangeAggregation, grouping: Option<Grouping>, named: &BTreeSet<String>) -> Self {
        let of_lines = |name: &&String| !STREAM_LABELS.contains(&canonical(name)) && *name != ERROR;
        let metadata: BTreeSet<String> = named.iter().filter(of_lines).cloned().collect();
        // What is extracted is named after what metadata there are.
        let extracts = range.pipeline.stages.iter().any(|stage| match stage {
            Stage::Json(_) | Stage::Logfmt(_) => true,
            Stage::Line(_) | Stage::Label(_) | Stage::Drop(_) | Stage::Keep(_) | Stage::Decolorize => false,
        });
        Self {
            rule: Rule {
                range,
                grouping,
                with_metadata: extracts || !metadata.is_empty(),
                metadata,
            },
            series: HashMap::new(),
            key: String::new(),
        }
    }

    /// Whether the line took new memory.
    pub(super) fn feed(
        &mut self,
        line: &Line<'_>,
        steps: &Steps,
        max_series: usize,
    ) -> Result<bool, EvalError> {
        let op = self.rule.range.op;
        let moment = line.ts.unix_timestamp_nanos() + i128::from(self.rule.range.offset);
        let Some(span) = steps.windows_with(moment, self.rule.range.range) else {
            return Ok(false);
        };
        let Some((value, labels)) = self.rule.sample(line) else {
            return Ok(false);
        };
        let of_series = self.rule.series_labels(&labels)?;
        write_key(&mut self.key, &of_series);
        if let Some((_, gathered)) = self.series.get_mut(&self.key) {
            return Ok(gathered.add(op, span, value));
        }
        if self.series.len() >= max_series {
            return Err(EvalError::Series(max_series));
        }
        let mut gathered = Gathered::new(op);
        gathered.add(op, span, value);
        let labels = SeriesLabels::new(owned(&of_series));
        self.series.insert(self.key.clone(), (labels, gathered));
        Ok(true)
    }

    /// Its series, sorted. `points` counts those of the whole query.
    pub(super) fn finish(self, points: &mut usize, max_points: usize) -> Result<Vec<Series>, EvalError> {
        let range = self.rule.range.range as f64 / 1e9;
        let quantile = self.rule.range.parameter.unwrap_or_default();
        let mut all = Vec::with_capacity(self.series.len());
        for (labels, gathered) in self.series.into_values() {
            let series = Series {
                labels,
                points: gathered.points(self.rule.range.op, quantile, range),
            };
            *points += series.points.len();
            if *points > max_points {
                return Err(EvalError::Points(max_points));
            }
            all.push(series);
        }
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(all)
    }
}

impl Rule {
    /// The value of a line and its labels; None if it has no value, or is filtered out.
    fn sample<'a>(&self, line: &Line<'a>) -> Option<(f64, LineLabels<'a>)> {
        let (text, mut labels) = self.range.pipeline.run(line, self.with_metadata)?;
        let value = match (&self.range.unwrap, self.range.op) {
            (Some(unwrap), _) => unwrap.sample(&mut labels)?,
            (None, RangeOp::Bytes | RangeOp::BytesRate) => text.len() as f64,
            (None, _) => 1.0,
        };
        Some((value, labels))
    }

    /// The labels of the series that a line belongs to, sorted. A faulty line that nobody asked for ends the query.
    fn series_labels<'l>(&'l self, labels: &'l LineLabels<'_>) -> Result<Vec<(&'l str, &'l str)>, EvalError> {
        let mut chosen: Vec<(&str, &str)> = match &self.grouping {
            Some(grouping) if !grouping.without => grouping
                .labels
                .iter()
                .filter_map(|name| Some((name.as_str(), labels.get(name)?)))
                .collect(),
            grouping => labels
                .iter()
                .filter(|label| self.is_of_series(label, grouping.as_ref()))
                .map(|label| (&*label.name, &*label.value))
                .collect(),
        };
        if let Some(fault) = labels.fault {
            chosen.push((ERROR, fault.as_str()));
        }
        chosen.retain(|(_, value)| !value.is_empty());
        chosen.sort_unstable();
        chosen.dedup_by(|later, earlier| later.0 == earlier.0);
        match labels.fault {
            Some(fault) if !labels.fault_accepted => Err(EvalError::Pipeline {
                fault: fault.as_str(),
                series: SeriesLabels::new(owned(&chosen)).to_string(),
            }),
            Some(_) | None => Ok(chosen),
        }
    }

    fn is_of_series(&self, label: &Label<'_>, without: Option<&Grouping>) -> bool {
        let is_unwrapped = self
            .range
            .unwrap
            .as_ref()
            .is_some_and(|unwrap| label.name == *unwrap.label);
        let is_named = label.kind != LabelKind::Metadata || self.metadata.contains(&*label.name);
        let is_out = without.is_some_and(|grouping| {
            let mut labels = grouping.labels.iter();
            labels.any(|out| *out == label.name || canonical(out) == label.name)
        });
        is_named && !is_unwrapped && !is_out
    }
}

impl Unwrap {
    /// None if the line lacks the label, or a filter behind it sorts the line out. What cannot be converted is a fault.
    fn sample(&self, labels: &mut LineLabels<'_>) -> Option<f64> {
        let text = labels.get(&self.label).filter(|text| !text.is_empty())?;
        let value = match self.conversion {
            Conversion::Number => text.parse().ok(),
            Conversion::Bytes => units::parse_bytes(text).map(|bytes| bytes as f64),
            Conversion::Duration => units::parse_duration(text).map(|nanoseconds| nanoseconds as f64 / 1e9),
        };
        if value.is_none() {
            labels.fault.get_or_insert(PipelineFault::SampleExtraction);
        }
        self.filters
            .iter()
            .all(|filter| filter.keeps(labels))
            .then(|| value.unwrap_or_default())
    }
}

fn owned(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// With lengths, so that no two sets of labels have one key.
fn write_key(key: &mut String, labels: &[(&str, &str)]) {
    key.clear();
    for (name, value) in labels {
        // Writing into a string does not fail.
        let _ = write!(key, "{name}={}:{value}", value.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_sets_of_labels_have_one_key() {
        let key = |labels: &[(&str, &str)]| {
            let mut key = "from before".to_owned();
            write_key(&mut key, labels);
            key
        };
        assert_eq!(key(&[("a", "1"), ("b", "2")]), key(&[("a", "1"), ("b", "2")]));
        assert_ne!(key(&[("a", "1"), ("b", "2")]), key(&[("a", "1b2")]));
        assert_ne!(key(&[("a", "1"), ("b", "2")]), key(&[("a", "1b=1:2")]));
        assert_ne!(key(&[("a", "")]), key(&[]));
    }
}
