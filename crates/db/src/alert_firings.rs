//! Where each rule stands for each scope it watches: the evaluator's memory, one row per rule and fingerprint.

use domain::alerting::evaluator::Firing;
use domain::alerting::fingerprint::Fingerprint;
use domain::ids::{AlertRuleId, EnvironmentId, IncidentId, ServiceId};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::{DbError, TenantTx};

#[derive(Clone, Debug, PartialEq)]
pub struct FiringRow {
    pub fingerprint: Fingerprint,
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
    pub firing: Firing,
    pub last_evaluated_at: OffsetDateTime,
    pub last_value: Option<f64>,
    /// The last moment that was judged, where that is later than the rule's.
    pub evaluated_to: Option<OffsetDateTime>,
    /// The values of the fields that the rule groups by, by name.
    pub group: Option<Value>,
    /// The incident of the present firing, or of the last one.
    pub incident_id: Option<IncidentId>,
}

/// All firings of a rule. `settled` comes from the incident: its status is the one truth about what a person did. One that
/// was merged fires on in another.
pub async fn list_of_rule(tx: &TenantTx<'_>, rule_id: AlertRuleId) -> Result<Vec<FiringRow>, DbError> {
    const SQL: &str = "
        -- alert_firings::list_of_rule
        SELECT f.fingerprint, f.service_id, f.environment_id, f.state, f.reason, f.pending_since, f.fired_at,
            f.last_true_at, f.clear_since, f.last_evaluated_at, f.last_value, f.incident_id, f.evaluated_to,
            f.group_values,
            f.state = 'firing' AND coalesce(i.status = 'resolved' AND i.merged_into IS NULL, false) AS settled
        FROM alert_firings f
        LEFT JOIN incidents i ON i.org_id = f.org_id AND i.id = f.incident_id AND i.org_id = $1
        WHERE f.org_id = $1 AND f.rule_id = $2
        ORDER BY f.fingerprint";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &rule_id]).await?;
    Ok(rows.iter().map(read).collect())
}

/// Firings of all the organisation's rules that are not simply inactive, and those whose last moment is remembered.
pub async fn list_of_all_rules(tx: &TenantTx<'_>) -> Result<Vec<(AlertRuleId, FiringRow)>, DbError> {
    const SQL: &str = "
        -- alert_firings::list_of_all_rules
        SELECT f.rule_id, f.fingerprint, f.service_id, f.environment_id, f.state, f.reason, f.pending_since, f.fired_at,
            f.last_true_at, f.clear_since, f.last_evaluated_at, f.last_value, f.incident_id, f.evaluated_to,
            f.group_values, f.state = 'firing' AND coalesce(i.status = 'resolved' AND i.merged_into IS NULL, false) AS settled
        FROM alert_firings f
        LEFT JOIN incidents i ON i.org_id = f.org_id AND i.id = f.incident_id AND i.org_id = $1
        WHERE f.org_id = $1";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id()]).await?;
    Ok(rows.iter().map(|row| (row.get("rule_id"), read(row))).collect())
}

/// Stores the state of one fingerprint.
pub async fn save(tx: &TenantTx<'_>, rule_id: AlertRuleId, row: &FiringRow) -> Result<(), DbError> {
    const SQL: &str = "
        -- alert_firings::save
        INSERT INTO alert_firings (org_id, rule_id, fingerprint, service_id, environment_id, state, reason,
            pending_since, fired_at, last_true_at, clear_since, last_evaluated_at, last_value, incident_id,
            evaluated_to, group_values)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT (org_id, rule_id, fingerprint) DO UPDATE SET
            state = excluded.state, reason = excluded.reason, pending_since = excluded.pending_since,
            fired_at = excluded.fired_at, last_true_at = excluded.last_true_at, clear_since = excluded.clear_since,
            last_evaluated_at = excluded.last_evaluated_at, last_value = excluded.last_value,
            incident_id = excluded.incident_id, evaluated_to = excluded.evaluated_to,
            group_values = excluded.group_values";
    let statement = tx.prepare_cached(SQL).await?;
    let firing = &row.firing;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &rule_id,
            &row.fingerprint,
            &row.service_id,
            &row.environment_id,
            &firing.state,
            &firing.reason,
            &firing.pending_since,
            &firing.fired_at,
            &firing.last_true_at,
            &firing.clear_since,
            &row.last_evaluated_at,
            &row.last_value,
            &row.incident_id,
            &row.evaluated_to,
            &row.group,
        ],
    )
    .await?;
    Ok(())
}

fn read(row: &Row) -> FiringRow {
    FiringRow {
        fingerprint: row.get("fingerprint"),
        service_id: row.get("service_id"),
        environment_id: row.get("environment_id"),
        firing: Firing {
            state: row.get("state"),
            reason: row.get("reason"),
            pending_since: row.get("pending_since"),
            fired_at: row.get("fired_at"),
            last_true_at: row.get("last_true_at"),
            clear_since: row.get("clear_since"),
            settled: row.get("settled"),
        },
        last_evaluated_at: row.get("last_evaluated_at"),
        last_value: row.get("last_value"),
        incident_id: row.get("incident_id"),
        evaluated_to: row.get("evaluated_to"),
        group: row.get("group_values"),
    }
}
