//! Series of numbers over the steps of a query.

use std::fmt::{Display, Formatter};

use super::ast::Grouping;
use super::lexer::quote;
use super::line::canonical;

/// The labels of a series: sorted, each once, none empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesLabels(Vec<(String, String)>);

impl SeriesLabels {
    /// Of several with one name the first stays.
    pub(super) fn new(mut labels: Vec<(String, String)>) -> Self {
        labels.retain(|(_, value)| !value.is_empty());
        labels.sort_by(|a, b| a.0.cmp(&b.0));
        labels.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(labels)
    }

    /// By its name, or by another name of a stream label.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let by_name = |name: &str| self.0.iter().find(|(label, _)| label == name);
        by_name(name)
            .or_else(|| by_name(canonical(name)))
            .map(|(_, value)| value.as_str())
    }

    /// What remains of them in a group.
    pub(super) fn grouped(&self, grouping: Option<&Grouping>) -> Self {
        let Some(grouping) = grouping else {
            return Self::default();
        };
        if grouping.without {
            let is_out = |label: &str| {
                grouping
                    .labels
                    .iter()
                    .any(|out| out == label || canonical(out) == label)
            };
            return Self(
                self.0
                    .iter()
                    .filter(|(label, _)| !is_out(label))
                    .cloned()
                    .collect(),
            );
        }
        let named = |label: &String| Some((label.clone(), self.get(label)?.to_owned()));
        Self::new(grouping.labels.iter().filter_map(named).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Display for SeriesLabels {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={}", quote(value))?;
        }
        f.write_str("}")
    }
}

/// The value of a series at a step, which counts from 0.
pub(super) type Point = (u16, f64);

/// Points in the order of their steps, each step at most once.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub(super) labels: SeriesLabels,
    pub(super) points: Vec<Point>,
}
