//! What people say about a rule beside what it watches.

use serde::{Deserialize, Serialize};
use url::Url;

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
