//! What people say about a rule beside what it watches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

/// A few names with values, for routing and for people: `{"team": "payments"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
#[schema(value_type = std::collections::HashMap<String, String>)]
pub struct Labels(BTreeMap<String, String>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabels {
    #[error("has more than {} labels", Labels::MAX)]
    TooMany,
    #[error("has a name that is not 1 to 63 of a-z, 0-9, _, - and ., beginning with a letter")]
    Name,
    #[error("has a value that is blank, longer than 200 characters or holds control characters")]
    Value,
}

impl Labels {
    pub const MAX: usize = 20;

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl TryFrom<BTreeMap<String, String>> for Labels {
    type Error = InvalidLabels;
    fn try_from(labels: BTreeMap<String, String>) -> Result<Self, InvalidLabels> {
        if labels.len() > Self::MAX {
            return Err(InvalidLabels::TooMany);
        }
        for (name, value) in &labels {
            let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
            if !begins || name.len() > 63 || !name.bytes().all(plain) {
                return Err(InvalidLabels::Name);
            }
            if value.trim().is_empty() || value.chars().count() > 200 || value.chars().any(char::is_control) {
                return Err(InvalidLabels::Value);
            }
        }
        Ok(Self(labels))
    }
}

impl From<Labels> for BTreeMap<String, String> {
    fn from(labels: Labels) -> Self {
        labels.0
    }
}

/// Where it is written what to do. Only https: people follow it from a page, half asleep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, max_length = 2_000, example = "https://runbooks.example.com/checkout")]
pub struct RunbookUrl(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an https address without user and password, of at most 2,000 characters")]
pub struct InvalidRunbook;

impl RunbookUrl {
    const MAX_CHARS: usize = 2_000;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RunbookUrl {
    type Error = InvalidRunbook;
    fn try_from(text: String) -> Result<Self, InvalidRunbook> {
        let url: Url = text.parse().map_err(|_no_url| InvalidRunbook)?;
        let is_plain = url.username().is_empty() && url.password().is_none() && url.host_str().is_some();
        if url.scheme() == "https" && is_plain && text.chars().count() <= Self::MAX_CHARS {
            Ok(Self(url.into()))
        } else {
            Err(InvalidRunbook)
        }
    }
}

impl From<RunbookUrl> for String {
    fn from(url: RunbookUrl) -> Self {
        url.0
    }
}

/// What a rule is for, in the words of its makers: at most 2,000 characters; line breaks and tabs are the only control
/// characters in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, max_length = 2_000)]
pub struct Description(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be at most 2,000 characters, with line breaks and tabs as the only control characters")]
pub struct InvalidDescription;

impl Description {
    const MAX_CHARS: usize = 2_000;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Description {
    type Error = InvalidDescription;
    fn try_from(text: String) -> Result<Self, InvalidDescription> {
        let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.chars().count() > Self::MAX_CHARS || text.chars().any(is_odd) {
            return Err(InvalidDescription);
        }
        Ok(Self(text))
    }
}

impl From<Description> for String {
    fn from(description: Description) -> Self {
        description.0
    }
}
