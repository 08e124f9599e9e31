//! A record of each run of a recurring job.

use serde_json::Value;

use crate::{Connection, DbError};

pub async fn start(conn: &Connection, job: &str) -> Result<i64, DbError> {
    let sql = "-- cron_runs::start
        INSERT INTO cron_runs (job) VALUES ($1) RETURNING id";
    Ok(conn.query_one(sql, &[&job]).await?.get("id"))
}

/// `outcome` is `ok` or the error in words; `report` is what the job did.
pub async fn finish(conn: &Connection, id: i64, outcome: &str, report: &Value) -> Result<(), DbError> {
    let sql = "-- cron_runs::finish
        UPDATE cron_runs SET finished_at = now(), outcome = $2, report = $3 WHERE id = $1";
    conn.execute(sql, &[&id, &outcome, report]).await?;
    Ok(())
}
