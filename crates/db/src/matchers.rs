//! The columns by which routes, silences and maintenance windows choose incidents; the same in each of their tables.

use std::collections::BTreeMap;

use domain::alerting::labels::Labels;
use domain::alerting::matcher::Matcher;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use crate::DbError;

/// Labels as they are stored.
pub(crate) fn read_labels(row: &Row) -> Result<Labels, DbError> {
    let Json(labels): Json<BTreeMap<String, String>> = row.get("labels");
    Labels::try_from(labels).map_err(|error| DbError::Corrupt {
        what: "label",
        source: error.into(),
    })
}

pub(crate) fn read(row: &Row) -> Result<Matcher, DbError> {
    Ok(Matcher {
        min_severity: row.get("min_severity"),
        max_severity: row.get("max_severity"),
        service_id: row.get("service_id"),
        environment_id: row.get("environment_id"),
        rule_id: row.get("rule_id"),
        labels: read_labels(row)?,
    })
}
