//! Free text that people write: notes and summaries of incidents.

use serde::Deserialize;
use utoipa::ToSchema;

/// At most 10,000 characters, not blank; line breaks and tabs are the only control characters in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, min_length = 1, max_length = 10_000)]
pub(crate) struct FreeText(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum InvalidText {
    #[error("must not be blank")]
    Blank,
    #[error("must not contain control characters other than line breaks and tabs")]
    ControlCharacter,
    #[error("must be at most {} characters", FreeText::MAX_CHARS)]
    TooLong,
}

impl FreeText {
    const MAX_CHARS: usize = 10_000;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FreeText {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        if text.trim().is_empty() {
            return Err(InvalidText::Blank);
        }
        if text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        {
            return Err(InvalidText::ControlCharacter);
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidText::TooLong);
        }
        Ok(Self(text))
    }
}

/// A field of a change that may be left alone, taken away or set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Change<T> {
    /// The field is absent.
    #[default]
    Keep,
    /// The field is null.
    Clear,
    Set(T),
}

impl<T> Change<T> {
    pub(crate) fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(" \n", Err(InvalidText::Blank))]
    #[case("a\0b", Err(InvalidText::ControlCharacter))]
    #[case("a\u{1b}[31m", Err(InvalidText::ControlCharacter))]
    #[case("line one\nline two\t.", Ok(()))]
    fn a_text_is_checked(#[case] text: &str, #[case] expected: Result<(), InvalidText>) {
        assert_eq!(FreeText::try_from(text.to_owned()).map(|_text| ()), expected);
    }

    #[test]
    fn an_absent_field_differs_from_null() {
        #[derive(Deserialize)]
        struct Body {
            #[serde(default)]
            field: Change<u8>,
        }
        let read = |json| serde_json::from_str::<Body>(json).unwrap().field;
        assert_eq!(read("{}"), Change::Keep);
        assert_eq!(read(r#"{"field":null}"#), Change::Clear);
        assert_eq!(read(r#"{"field":7}"#), Change::Set(7));
        assert_eq!(Change::Keep.over(Some(1)), Some(1));
        assert_eq!(Change::Clear.over(Some(1)), None);
    }
}
