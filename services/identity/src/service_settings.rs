//! The values that people set on a service, checked where they come in.

use serde::{Deserialize, Serialize};
use url::Url;

/// How many days a service's logs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "i64", into = "i64")]
#[schema(value_type = i32, minimum = 1, maximum = 3650)]
pub(crate) struct RetentionDays(i32);

impl RetentionDays {
    pub(crate) const DEFAULT: Self = Self(30);
    /// Ten years.
    pub(crate) const MAX: i32 = 3_650;

    pub(crate) fn days(self) -> i32 {
        self.0
    }
}

impl TryFrom<i64> for RetentionDays {
    type Error = InvalidSetting;
    fn try_from(days: i64) -> Result<Self, InvalidSetting> {
        i32::try_from(days)
            .ok()
            .filter(|days| (1..=Self::MAX).contains(days))
            .map(Self)
            .ok_or(InvalidSetting::RetentionDays)
    }
}

impl From<RetentionDays> for i64 {
    fn from(days: RetentionDays) -> Self {
        days.0.into()
    }
}

/// Free text of at most 2,000 characters; line breaks and tabs are the only control characters in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, max_length = 2000)]
pub(crate) struct Description(String);

impl Description {
    pub(crate) const MAX_CHARS: usize = 2_000;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Description {
    type Error = InvalidSetting;
    fn try_from(text: String) -> Result<Self, InvalidSetting> {
        if text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        {
            return Err(InvalidSetting::ControlCharacter);
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidSetting::TooLong);
        }
        Ok(Self(text))
    }
}

/// Where a service's code lives. It becomes a link, so only web addresses without credentials pass.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, format = "uri")]
pub(crate) struct RepoUrl(String);

impl RepoUrl {
    const MAX_BYTES: usize = 2_048;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RepoUrl {
    type Error = InvalidSetting;
    fn try_from(text: String) -> Result<Self, InvalidSetting> {
        let url = Url::parse(text.trim()).map_err(|_unparsable| InvalidSetting::RepoUrl)?;
        let bare = url.username().is_empty() && url.password().is_none();
        if matches!(url.scheme(), "http" | "https") && bare && url.as_str().len() <= Self::MAX_BYTES {
            Ok(Self(url.into()))
        } else {
            Err(InvalidSetting::RepoUrl)
        }
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum InvalidSetting {
    #[error("must be between 1 and {} days", RetentionDays::MAX)]
    RetentionDays,
    #[error("must not contain control characters other than line breaks and tabs")]
    ControlCharacter,
    #[error("must be at most {} characters", Description::MAX_CHARS)]
    TooLong,
    #[error("must be an http or https address without user name and password")]
    RepoUrl,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(0, None)]
    #[case(1, Some(1))]
    #[case(3_650, Some(3_650))]
    #[case(3_651, None)]
    #[case(i64::MAX, None)]
    fn retention_is_between_a_day_and_ten_years(#[case] days: i64, #[case] expected: Option<i32>) {
        assert_eq!(
            RetentionDays::try_from(days).ok().map(RetentionDays::days),
            expected
        );
    }

    #[rstest::rstest]
    #[case("https://github.com/acme/checkout", true)]
    #[case("http://git.internal/x", true)]
    #[case("javascript:alert(1)", false)]
    #[case("https://user:token@github.com/acme", false)]
    #[case("ssh://git@github.com/acme", false)]
    #[case("github.com/acme", false)]
    #[case("", false)]
    fn a_repository_is_a_plain_web_address(#[case] text: &str, #[case] accepted: bool) {
        assert_eq!(RepoUrl::try_from(text.to_owned()).is_ok(), accepted);
    }

    #[test]
    fn a_description_has_lines_but_no_nul() {
        assert!(Description::try_from("two\nlines".to_owned()).is_ok());
        assert_eq!(
            Description::try_from("a\0b".to_owned()),
            Err(InvalidSetting::ControlCharacter)
        );
        assert_eq!(
            Description::try_from("é".repeat(2_001)),
            Err(InvalidSetting::TooLong)
        );
    }
}
