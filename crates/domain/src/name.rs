//! Names that people give to organisations, services, environments, keys, rules and channels.

use serde::{Deserialize, Serialize};

/// A trimmed, non-empty, single-line text of at most 200 characters without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 200)]
pub struct Name(String);

impl Name {
    /// In characters.
    pub const MAX_CHARS: usize = 200;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl std::str::FromStr for Name {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidName::Blank);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidName::ControlCharacter);
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidName::TooLong);
        }
        Ok(Self(text.to_owned()))
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

crate::text_column!(Name);

#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq, Hash)]
pub enum InvalidName {
    #[error("must not be blank")]
    Blank,
    #[error("must not contain line breaks or other control characters")]
    ControlCharacter,
    #[error("must be at most {} characters", Name::MAX_CHARS)]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed() {
        assert_eq!("  checkout ".parse::<Name>().unwrap().as_str(), "checkout");
    }

    #[rstest::rstest]
    #[case("", InvalidName::Blank)]
    #[case(" \t ", InvalidName::Blank)]
    #[case("a\nb", InvalidName::ControlCharacter)]
    #[case("a\0b", InvalidName::ControlCharacter)]
    #[case(&"é".repeat(201), InvalidName::TooLong)]
    fn a_bad_name_is_refused_with_its_reason(#[case] text: &str, #[case] reason: InvalidName) {
        assert_eq!(text.parse::<Name>(), Err(reason));
    }
}
