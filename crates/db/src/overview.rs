//! What a page about everything shows beside lines: the open incidents, the last deployments, the rules that fire. Over
//! `incidents`, `deployments` and `alert_firings`.

use domain::deployment::DeploymentStatus;
use domain::ids::{AlertRuleId, DeploymentId, EnvironmentId, IncidentId, ServiceId};
use domain::severity::Severity;
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::{DbError, TenantTx};

/// An incident that is not resolved.
#[derive(Clone, Debug)]
pub struct OpenIncident {
    pub id: IncidentId,
    pub title: String,
    pub severity: Severity,
    pub is_acknowledged: bool,
    pub service_id: Option<ServiceId>,
    pub opened_at: OffsetDateTime,
}

/// The newest deployment of a service to one of its environments.
#[derive(Clone, Debug)]
pub struct LastDeployment {
    pub id: DeploymentId,
    pub service_id: ServiceId,
    pub environment_id: EnvironmentId,
    pub status: DeploymentStatus,
    pub version: Option<String>,
    pub commit_sha: Option<String>,
    pub at: OffsetDateTime,
}

/// Unresolved incidents, the worst and newest first, and how many there are.
pub async fn open_incidents(tx: &TenantTx<'_>, limit: i64) -> Result<(Vec<OpenIncident>, i64), DbError> {
    const SQL: &str = "
        -- overview::open_incidents
        SELECT id, title, severity, status, service_id, opened_at, count(*) OVER () AS total
        FROM incidents
        WHERE org_id = $1 AND status <> 'resolved'
        ORDER BY array_position(ARRAY['critical', 'high', 'medium', 'low'], severity), opened_at DESC, id
        LIMIT $2";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &limit]).await?;
    let total = rows.first().map_or(0, |row| row.get("total"));
    let incident = |row: &Row| OpenIncident {
        id: row.get("id"),
        title: row.get("title"),
        severity: row.get("severity"),
        is_acknowledged: row.get::<_, &str>("status") == "acknowledged",
        service_id: row.get("service_id"),
        opened_at: row.get("opened_at"),
    };
    Ok((rows.iter().map(incident).collect(), total))
}

/// The newest deployment of each environment since a moment.
pub async fn last_deployments(
    tx: &TenantTx<'_>,
    since: OffsetDateTime,
) -> Result<Vec<LastDeployment>, DbError> {
    const SQL: &str = "
        -- overview::last_deployments
        SELECT DISTINCT ON (service_id, environment_id) id, service_id, environment_id, status, version, commit_sha,
            coalesce(started_at, created_at) AS at
        FROM deployments
        WHERE org_id = $1 AND created_at >= $2
        ORDER BY service_id, environment_id, created_at DESC, id";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &since]).await?;
    let deployment = |row: &Row| LastDeployment {
        id: row.get("id"),
        service_id: row.get("service_id"),
        environment_id: row.get("environment_id"),
        status: row.get("status"),
        version: row.get("version"),
        commit_sha: row.get("commit_sha"),
        at: row.get("at"),
    };
    Ok(rows.iter().map(deployment).collect())
}

/// The rules that fire, each with how many groups of lines it fires for.
pub async fn firing_rules(tx: &TenantTx<'_>) -> Result<Vec<(AlertRuleId, String, i64)>, DbError> {
    const SQL: &str = "
        -- overview::firing_rules
        SELECT r.id, r.name, count(*) AS firings
        FROM alert_firings f JOIN alert_rules r ON r.org_id = f.org_id AND r.id = f.rule_id
        WHERE f.org_id = $1 AND f.state = 'firing'
        GROUP BY r.id, r.name
        ORDER BY r.name, r.id LIMIT 100";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id()]).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get("id"), row.get("name"), row.get("firings")))
        .collect())
}
