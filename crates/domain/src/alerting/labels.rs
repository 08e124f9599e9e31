//! Names with values, by which routes and silences choose and people tell things apart: `{"team": "payments"}`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Name and value pairs of a rule or of an alert from outside, within bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
#[schema(value_type = BTreeMap<String, String>)]
pub struct Labels(BTreeMap<String, String>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabels {
    #[error("at most {} labels are allowed", Labels::MAX)]
    TooMany,
    #[error(
        "a label's name has 1 to {} letters, digits and _ . - /, and does not start with a digit",
        Labels::MAX_NAME
    )]
    Name,
    #[error(
        "a label's value has at most {} characters, none of them a control character",
        Labels::MAX_VALUE
    )]
    Value,
}

impl Labels {
    pub const MAX: usize = 32;
    const MAX_NAME: usize = 100;
    const MAX_VALUE: usize = 500;

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What of foreign labels fits: over-long values are cut, what cannot be a label is left out.
    pub fn from_outside(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let kept = pairs
            .into_iter()
            .filter(|(name, _value)| is_name(name))
            .map(|(name, value)| {
                let value = value.chars().filter(|c| !c.is_control());
                (name, value.take(Self::MAX_VALUE).collect())
            })
            .take(Self::MAX)
            .collect();
        Self(kept)
    }
}

fn is_name(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    name.len() <= Labels::MAX_NAME
        && name.chars().all(known)
        && name.chars().next().is_some_and(|first| !first.is_ascii_digit())
}

impl TryFrom<BTreeMap<String, String>> for Labels {
    type Error = InvalidLabels;
    fn try_from(pairs: BTreeMap<String, String>) -> Result<Self, InvalidLabels> {
        if pairs.len() > Self::MAX {
            return Err(InvalidLabels::TooMany);
        }
        for (name, value) in &pairs {
            if !is_name(name) {
                return Err(InvalidLabels::Name);
            }
            if value.chars().count() > Self::MAX_VALUE || value.chars().any(char::is_control) {
                return Err(InvalidLabels::Value);
            }
        }
        Ok(Self(pairs))
    }
}

impl From<Labels> for BTreeMap<String, String> {
    fn from(labels: Labels) -> Self {
        labels.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("", "x", InvalidLabels::Name)]
    #[case("1st", "x", InvalidLabels::Name)]
    #[case("a b", "x", InvalidLabels::Name)]
    #[case("a", "x\0", InvalidLabels::Value)]
    #[case("a", &"é".repeat(501), InvalidLabels::Value)]
    fn a_bad_label_is_refused(#[case] name: &str, #[case] value: &str, #[case] reason: InvalidLabels) {
        let pairs = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        assert_eq!(Labels::try_from(pairs.clone()), Err(reason));
        assert!(Labels::try_from(BTreeMap::from(Labels::from_outside(pairs))).is_ok());
    }

    #[test]
    fn so_many_labels_and_no_more() {
        let many: BTreeMap<_, _> = (0..33).map(|n| (format!("l{n}"), String::new())).collect();
        assert_eq!(Labels::try_from(many), Err(InvalidLabels::TooMany));
    }
}
