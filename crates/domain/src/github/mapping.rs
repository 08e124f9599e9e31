//! Which of our environments a branch, a workflow or a GitHub environment stands for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// `{"<workflow, branch or GitHub environment>": "<environment of the service>"}`. `"*"` stands for whatever has no
/// entry of its own; `null` instead of a name means "not a deployment".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "BTreeMap<String, Option<Name>>")]
#[schema(value_type = std::collections::HashMap<String, Option<String>>)]
pub struct EnvironmentMapping(BTreeMap<String, Option<Name>>);

/// Where an entry of the mapping leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Environment(&'a Name),
    NotADeployment,
}

/// The key that stands for whatever has no entry of its own.
const ANY: &str = "*";

impl EnvironmentMapping {
    pub const MAX_ENTRIES: usize = 100;
    /// As long as Git allows a branch to be on common file systems.
    pub const MAX_KEY_CHARS: usize = 255;

    pub(super) fn get(&self, key: &str) -> Option<Entry<'_>> {
        let entry = self.0.get(key)?;
        Some(entry.as_ref().map_or(Entry::NotADeployment, Entry::Environment))
    }

    pub(super) fn any(&self) -> Option<Entry<'_>> {
        self.get(ANY)
    }

    /// The environments that the mapping leads to.
    pub fn environments(&self) -> impl Iterator<Item = &Name> {
        self.0.values().flatten()
    }
}

impl TryFrom<BTreeMap<String, Option<Name>>> for EnvironmentMapping {
    type Error = InvalidMapping;
    fn try_from(entries: BTreeMap<String, Option<Name>>) -> Result<Self, InvalidMapping> {
        if entries.len() > Self::MAX_ENTRIES {
            return Err(InvalidMapping::TooMany);
        }
        let bad = |key: &&String| {
            key.trim().is_empty()
                || key.chars().count() > Self::MAX_KEY_CHARS
                || key.chars().any(char::is_control)
        };
        match entries.keys().find(bad) {
            Some(_) => Err(InvalidMapping::Key),
            None => Ok(Self(entries)),
        }
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidMapping {
    #[error("must have at most {} entries", EnvironmentMapping::MAX_ENTRIES)]
    TooMany,
    #[error(
        "must have keys of 1 to {} characters without control characters",
        EnvironmentMapping::MAX_KEY_CHARS
    )]
    Key,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(json: serde_json::Value) -> Result<EnvironmentMapping, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_mapping_reads_and_prints_as_a_plain_object() {
        let json = json!({"main": "production", "lint": null, "*": "staging"});
        let mapping = parse(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&mapping).unwrap(), json);
        assert_eq!(mapping.get("lint"), Some(Entry::NotADeployment));
        assert_eq!(mapping.get("other"), None);
        let staging = "staging".parse().unwrap();
        assert_eq!(mapping.any(), Some(Entry::Environment(&staging)));
    }

    #[rstest::rstest]
    #[case(json!({"": "production"}), "keys")]
    #[case(json!({"a\0b": "production"}), "keys")]
    #[case(json!({"main": ""}), "blank")]
    #[case(json!({"main": 3}), "string")]
    #[case(json!([]), "map")]
    fn a_malformed_mapping_is_refused(#[case] json: serde_json::Value, #[case] part: &str) {
        let message = parse(json).unwrap_err();
        assert!(message.contains(part), "{message}");
    }

    #[test]
    fn a_mapping_is_bounded() {
        let entries: BTreeMap<String, String> =
            (0..101).map(|n| (n.to_string(), "production".into())).collect();
        assert!(parse(json!(entries)).unwrap_err().contains("at most 100"));
    }
}
