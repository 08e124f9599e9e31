//! Numbers over lines: what the pipe of a query computes, and what histograms and facets are made of.

use domain::query::aggregate::Cell;
pub(crate) use logstore::numbers::{compute, seen_fields};
pub(crate) use logstore::reader::with_line;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;

/// A cell as JSON. What did not fit into the bounds is called `…`.
pub(crate) fn json(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Rest => Value::from("…"),
        Cell::Time(at) => Value::from(at.format(&Rfc3339).unwrap_or_default()),
        Cell::Text(text) => Value::from(text.as_str()),
        Cell::Number(number) => serde_json::from_str(&number.to_string()).unwrap_or_default(),
    }
}
