//! What a saved view keeps of a search. Whether the search makes sense is the search's business.

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// The text of a search as it was typed: at most 4,096 bytes, without NUL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, max_length = 4096)]
pub struct QueryText(String);

impl QueryText {
    pub const MAX_BYTES: usize = 4_096;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for QueryText {
    type Error = InvalidView;
    fn try_from(text: String) -> Result<Self, InvalidView> {
        if text.contains('\0') {
            Err(InvalidView::Nul)
        } else if text.len() > Self::MAX_BYTES {
            Err(InvalidView::QueryTooLong)
        } else {
            Ok(Self(text))
        }
    }
}

impl From<QueryText> for String {
    fn from(text: QueryText) -> Self {
        text.0
    }
}

/// The columns that a view shows, in order: fields of a line, or paths into its metadata. At most 50.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "Vec<Name>", into = "Vec<Name>")]
#[schema(value_type = Vec<String>, max_items = 50)]
pub struct Columns(Vec<Name>);

impl Columns {
    pub const MAX: usize = 50;

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<Name>> for Columns {
    type Error = InvalidView;
    fn try_from(names: Vec<Name>) -> Result<Self, InvalidView> {
        if names.len() > Self::MAX {
            Err(InvalidView::TooManyColumns)
        } else {
            Ok(Self(names))
        }
    }
}

impl From<Columns> for Vec<Name> {
    fn from(columns: Columns) -> Self {
        columns.0
    }
}

/// What a search takes beside its text, as people typed it: `-1h` stays relative to when the view is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewParams {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Name>,
    #[serde(default, skip_serializing_if = "Columns::is_empty")]
    pub columns: Columns,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidView {
    #[error("must not contain the NUL character")]
    Nul,
    #[error("must be at most {} bytes", QueryText::MAX_BYTES)]
    QueryTooLong,
    #[error("must be at most {} columns", Columns::MAX)]
    TooManyColumns,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_bounded_and_has_no_nul() {
        let text = |text: String| QueryText::try_from(text);
        assert_eq!(text("x".repeat(4_096)).unwrap().as_str().len(), 4_096);
        assert_eq!(text("x".repeat(4_097)), Err(InvalidView::QueryTooLong));
        assert_eq!(text("a\0".into()), Err(InvalidView::Nul));
        assert_eq!(
            text("two\nlines \"of it\"".into()).unwrap().as_str(),
            "two\nlines \"of it\""
        );
    }

    #[test]
    fn columns_are_bounded() {
        let columns = |count: usize| serde_json::from_value::<Columns>(json!(vec!["c"; count]));
        assert!(columns(50).is_ok());
        assert!(columns(51).is_err());
        assert!(serde_json::from_value::<Columns>(json!([" "])).is_err());
    }

    #[test]
    fn what_is_stored_is_short_and_reads_back_also_with_fields_of_a_newer_version() {
        assert_eq!(serde_json::to_value(ViewParams::default()).unwrap(), json!({}));
        let stored = json!({"service": "web", "from": "-1h", "columns": ["message"], "colour": "red"});
        let params: ViewParams = serde_json::from_value(stored).unwrap();
        assert_eq!(
            serde_json::to_value(&params).unwrap(),
            json!({"service": "web", "from": "-1h", "columns": ["message"]})
        );
    }
}
