//! A table of numbers.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table as Drawn, presets};
use serde::Deserialize;
use serde_json::Value;

use super::harmless;
use crate::times::Clockface;

/// As `GET /api/logs/stats` answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Value>>,
    /// Why numbers are not exact.
    #[serde(default)]
    pub(crate) approximate: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// `time`, `field` or `number`.
    pub(crate) kind: String,
}

impl Table {
    /// An object for each row, its columns in their order.
    pub(crate) fn ndjson(&self) -> Vec<String> {
        let object = |row: &Vec<Value>| {
            let cells = self.columns.iter().zip(row);
            let fields: Vec<_> = cells
                .map(|(column, cell)| format!("{}:{cell}", Value::String(column.name.clone())))
                .collect();
            harmless::json(&format!("{{{}}}", fields.join(",")))
        };
        self.rows.iter().map(object).collect()
    }

    /// Aligned columns, numbers to the right.
    pub(crate) fn text(&self, clockface: &Clockface) -> String {
        let mut drawn = Drawn::new();
        drawn
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        drawn.set_header(
            self.columns
                .iter()
                .map(|column| aligned(&harmless::inline(&column.name), column)),
        );
        for row in &self.rows {
            let cells = self.columns.iter().zip(row);
            drawn.add_row(cells.map(|(column, cell)| aligned(&shown(cell, column, clockface), column)));
        }
        drawn.trim_fmt()
    }
}

fn aligned(text: &str, column: &Column) -> Cell {
    let alignment = if column.kind == "number" {
        CellAlignment::Right
    } else {
        CellAlignment::Left
    };
    Cell::new(text).set_alignment(alignment)
}

fn shown(cell: &Value, column: &Column, clockface: &Clockface) -> String {
    match cell {
        Value::Null => "-".to_owned(),
        Value::String(text) if column.kind == "time" => harmless::inline(&clockface.show_seconds(text)),
        Value::String(text) => harmless::inline(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            harmless::json(&cell.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table() -> Table {
        serde_json::from_value(json!({
            "columns": [{"name": "ts", "kind": "time"}, {"name": "service", "kind": "field"}, {"name": "count()", "kind": "number"}],
            "rows": [["2026-01-31T12:00:00Z", "check\u{1b}[2Jout", 1200], ["2026-01-31T12:05:00Z", null, 7]],
        }))
        .unwrap()
    }

    #[test]
    fn people_see_aligned_columns_without_escape_sequences() {
        let text = table().text(&Clockface::utc());
        let rows: Vec<_> = text.lines().collect();
        assert!(
            rows[1].contains("2026-01-31 12:00:00") && rows[1].contains("check\\x1b[2Jout"),
            "{text}"
        );
        let ends: Vec<_> = rows[0..3].iter().map(|row| row.trim_end().len()).collect();
        assert!(ends.iter().all(|end| *end == ends[0]), "{text}");
        assert!(
            rows[2].trim_end().ends_with(" 7") && rows[2].contains(" - "),
            "{text}"
        );
    }

    #[test]
    fn programs_get_an_object_for_each_row_in_the_order_of_the_columns() {
        assert_eq!(
            table().ndjson()[1],
            r#"{"ts":"2026-01-31T12:05:00Z","service":null,"count()":7}"#
        );
    }
}
