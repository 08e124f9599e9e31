//! What rules decided, transition by transition.

use domain::alerting::evaluator::{Firing, Observation, Transition};
use domain::alerting::fingerprint::Fingerprint;
use domain::ids::{AlertRuleId, EnvironmentId, IncidentId, ServiceId};
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::{DbError, TenantTx};

#[derive(Clone, Debug)]
pub struct NewTransition<'a> {
    pub rule_id: AlertRuleId,
    pub rule_version: i32,
    pub fingerprint: &'a Fingerprint,
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
    /// The moment that was judged.
    pub at: OffsetDateTime,
    pub transition: Transition,
    pub observed: &'a Observation,
    pub firing: &'a Firing,
    pub incident_id: Option<IncidentId>,
}

/// Writes down what was decided.
pub async fn add(tx: &TenantTx<'_>, new: &NewTransition<'_>) -> Result<(), DbError> {
    const SQL: &str = "
        -- alert_transitions::add
        INSERT INTO alert_transitions (org_id, rule_id, rule_version, fingerprint, service_id, environment_id, at,
            transition, state, reason, value, threshold, detail, incident_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let (value, threshold, detail) = match new.observed {
        Observation::Read(reading) => (
            Some(reading.value),
            Some(reading.threshold),
            reading.detail.clone(),
        ),
        Observation::NoData(why) => (None, None, why.to_string()),
        Observation::Withdrawn(_) => (None, None, String::new()),
    };
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &new.rule_id,
            &new.rule_version,
            new.fingerprint,
            &new.service_id,
            &new.environment_id,
            &new.at,
            &new.transition.as_str(),
            &new.firing.state,
            &new.firing.reason,
            &value,
            &threshold,
            &detail,
            &new.incident_id,
        ],
    )
    .await?;
    Ok(())
}

#[derive(Clone, Debug, PartialEq)]
pub struct TransitionRow {
    pub rule_version: i32,
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
    pub at: OffsetDateTime,
    pub recorded_at: OffsetDateTime,
    pub transition: String,
    pub reason: String,
    pub value: Option<f64>,
    pub threshold: Option<f64>,
    pub detail: String,
    pub incident_id: Option<IncidentId>,
}

/// The newest of a rule, newest first.
pub async fn newest_of_rule(
    tx: &TenantTx<'_>,
    rule_id: AlertRuleId,
    most: i64,
) -> Result<Vec<TransitionRow>, DbError> {
    const SQL: &str = "
        -- alert_transitions::newest_of_rule
        SELECT rule_version, service_id, environment_id, at, recorded_at, transition, reason, value, threshold, detail,
            incident_id
        FROM alert_transitions WHERE org_id = $1 AND rule_id = $2 ORDER BY id DESC LIMIT $3";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &rule_id, &most]).await?;
    Ok(rows.iter().map(read).collect())
}

fn read(row: &Row) -> TransitionRow {
    TransitionRow {
        rule_version: row.get("rule_version"),
        service_id: row.get("service_id"),
        environment_id: row.get("environment_id"),
        at: row.get("at"),
        recorded_at: row.get("recorded_at"),
        transition: row.get("transition"),
        reason: row.get("reason"),
        value: row.get("value"),
        threshold: row.get("threshold"),
        detail: row.get("detail"),
        incident_id: row.get("incident_id"),
    }
}
