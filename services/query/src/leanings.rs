//! Values of fields that make out more of one window than of another, as people ask for them and see them.

use domain::query::ast::Field;
use logstore::changes::Leaning;
use serde::Serialize;
use service_kit::ApiError;
use utoipa::ToSchema;

use crate::fields;

const MAX_FIELDS: usize = 16;

/// A value that leans to one window.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeaningView {
    #[schema(example = "region")]
    field: String,
    #[schema(example = "eu-west-2")]
    value: String,
    /// Lines that have it, of those that were looked at.
    lines_before: u64,
    lines_after: u64,
    /// Of the lines that were looked at in each window, 0 to 1.
    share_before: f64,
    share_after: f64,
    /// How much it stands out, in standard deviations.
    score: f64,
    /// A query that finds its lines.
    #[schema(example = "region:eu-west-2")]
    query: String,
}

impl From<Leaning> for LeaningView {
    fn from(leaning: Leaning) -> Self {
        Self {
            field: leaning.field,
            value: leaning.value,
            lines_before: leaning.lines.before,
            lines_after: leaning.lines.after,
            share_before: leaning.share_before,
            share_after: leaning.share_after,
            score: leaning.score,
            query: leaning.query,
        }
    }
}

/// Which fields: these, or nothing for the usual ones.
pub(crate) fn read(names: Option<&str>) -> Result<Option<Vec<(String, Field)>>, ApiError> {
    let names = match names {
        None | Some("") => return Ok(None),
        Some("none") => return Ok(Some(Vec::new())),
        Some(names) => names,
    };
    let names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    if names.len() > MAX_FIELDS {
        return Err(ApiError::invalid(
            "fields",
            format!("names more than {MAX_FIELDS} fields"),
        ));
    }
    let named = names.into_iter().map(|name| {
        let field = fields::parse("fields", &name)?;
        Ok((name, field))
    });
    named.collect::<Result<_, ApiError>>().map(Some)
}
