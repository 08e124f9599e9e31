//! The two halves of `owner/name`.

use serde::{Deserialize, Serialize};

/// The owner or the name of a repository: 1 to 100 ASCII letters, digits, dots, dashes and underscores, which is what
/// GitHub allows in either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._-]+$")]
pub struct RepoPart(String);

impl RepoPart {
    const MAX_CHARS: usize = 100;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for RepoPart {
    type Err = InvalidRepoPart;
    fn from_str(text: &str) -> Result<Self, InvalidRepoPart> {
        let text = text.trim();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if (1..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRepoPart)
        }
    }
}

impl TryFrom<String> for RepoPart {
    type Error = InvalidRepoPart;
    fn try_from(text: String) -> Result<Self, InvalidRepoPart> {
        text.parse()
    }
}

impl From<RepoPart> for String {
    fn from(part: RepoPart) -> Self {
        part.0
    }
}

crate::text_column!(RepoPart);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "must be one part of github.com/<owner>/<name>: 1 to {} letters, digits, dots, dashes or underscores",
    RepoPart::MAX_CHARS
)]
pub struct InvalidRepoPart;

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("acme", true)]
    #[case(" acme-inc ", true)]
    #[case("site.github_io", true)]
    #[case("acme/shop", false)]
    #[case("https://github.com/acme", false)]
    #[case("", false)]
    #[case("a\0b", false)]
    #[case("größe", false)]
    #[case(&"a".repeat(101), false)]
    fn a_part_is_what_github_allows(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(text.parse::<RepoPart>().is_ok(), expected);
    }
}
