//! Incidents: one story per problem. At most one unresolved incident has a fingerprint, whoever races to open it.

pub mod events;

use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::incident::{IncidentSource, IncidentStatus};
use domain::alerting::labels::Labels;
use domain::ids::{AlertRuleId, EnvironmentId, IncidentId, OrgId, ServiceId, UserId};
use domain::page::{Cursor, PageLimit};
use domain::severity::Severity;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::{Connection, DbError, TenantTx, matchers};

#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    pub id: IncidentId,
    pub status: IncidentStatus,
    pub severity: Severity,
    pub source: IncidentSource,
    pub title: String,
    pub summary: String,
    pub rule_id: Option<AlertRuleId>,
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
    pub labels: Labels,
    pub opened_at: OffsetDateTime,
    pub acknowledged_at: Option<OffsetDateTime>,
    pub acknowledged_by: Option<UserId>,
    pub resolved_at: Option<OffsetDateTime>,
    /// Nobody when a rule ended it.
    pub resolved_by: Option<UserId>,
    pub updated_at: OffsetDateTime,
}

#[derive(Clone, Debug)]
pub struct NewIncident {
    pub id: IncidentId,
    pub severity: Severity,
    pub source: IncidentSource,
    pub title: String,
    pub summary: String,
    pub rule_id: Option<AlertRuleId>,
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
    pub fingerprint: Fingerprint,
    /// What routes and silences choose by, beside the rest.
    pub labels: Labels,
    pub opened_at: OffsetDateTime,
}

macro_rules! columns {
    () => {
        "id, status, severity, source, title, summary, rule_id, service_id, environment_id, labels,
            opened_at, acknowledged_at, acknowledged_by, resolved_at, resolved_by, updated_at"
    };
}

/// The moment by the database's clock, for changes that people make.
pub async fn clock(tx: &TenantTx<'_>) -> Result<OffsetDateTime, DbError> {
    let statement = tx.prepare_cached("SELECT clock_timestamp() AS now").await?;
    Ok(tx.query_one(&statement, &[]).await?.get("now"))
}

/// Opens an incident; `None` when an unresolved one has this fingerprint already.
pub async fn open(tx: &TenantTx<'_>, new: &NewIncident) -> Result<Option<Incident>, DbError> {
    const SQL: &str = concat!(
        "
        -- incidents::open
        INSERT INTO incidents (org_id, id, status, severity, source, title, summary, rule_id, service_id,
            environment_id, fingerprint, opened_at, labels)
        VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (org_id, fingerprint) WHERE status <> 'resolved' DO NOTHING
        RETURNING ",
        columns!()
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_opt(
            &statement,
            &[
                &tx.org_id(),
                &new.id,
                &new.severity,
                &new.source,
                &new.title,
                &new.summary,
                &new.rule_id,
                &new.service_id,
                &new.environment_id,
                &new.fingerprint,
                &new.opened_at,
                &Json(&new.labels),
            ],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

/// The incident of a fingerprint that is not resolved, if there is one.
pub async fn find_unresolved(
    tx: &TenantTx<'_>,
    fingerprint: &Fingerprint,
) -> Result<Option<IncidentId>, DbError> {
    const SQL: &str = "
        -- incidents::find_unresolved
        SELECT id FROM incidents WHERE org_id = $1 AND fingerprint = $2 AND status <> 'resolved'";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), fingerprint]).await?;
    Ok(row.map(|row| row.get("id")))
}

pub async fn find(tx: &TenantTx<'_>, id: IncidentId) -> Result<Option<Incident>, DbError> {
    const SQL: &str = concat!(
        "
        -- incidents::find
        SELECT ",
        columns!(),
        "
        FROM incidents WHERE org_id = $1 AND id = $2"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    row.as_ref().map(read).transpose()
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn find_for_update(tx: &TenantTx<'_>, id: IncidentId) -> Result<Option<Incident>, DbError> {
    const SQL: &str = concat!(
        "
        -- incidents::find_for_update
        SELECT ",
        columns!(),
        "
        FROM incidents WHERE org_id = $1 AND id = $2 FOR UPDATE"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    row.as_ref().map(read).transpose()
}

/// Newest first. `statuses` empty means all.
pub async fn list(
    tx: &TenantTx<'_>,
    statuses: &[IncidentStatus],
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Incident>, DbError> {
    const SQL: &str = concat!(
        "
        -- incidents::list
        SELECT ",
        columns!(),
        "
        FROM incidents
        WHERE org_id = $1 AND (cardinality($2::text[]) = 0 OR status = ANY ($2))
          AND ($3::timestamptz IS NULL OR (opened_at, id) < ($3, $4))
        ORDER BY opened_at DESC, id DESC LIMIT $5"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &statuses, &at, &id, &limit.probe()])
        .await?;
    rows.iter().map(read).collect()
}

/// Marks an open incident as looked after; by nobody in particular where a link did it. The caller holds its lock and has checked that the change is legal.
pub async fn acknowledge(
    tx: &TenantTx<'_>,
    id: IncidentId,
    by: Option<UserId>,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    const SQL: &str = "
        -- incidents::acknowledge
        UPDATE incidents SET status = 'acknowledged', acknowledged_at = $3, acknowledged_by = $4, updated_at = $3
        WHERE org_id = $1 AND id = $2 AND status = 'open'";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id, &now, &by]).await?;
    Ok(())
}

/// Resolves an incident; `None` when there is none, or when it was resolved already: exactly one caller gets it.
pub async fn resolve(
    tx: &TenantTx<'_>,
    id: IncidentId,
    by: Option<UserId>,
    now: OffsetDateTime,
) -> Result<Option<Incident>, DbError> {
    const SQL: &str = concat!(
        "
        -- incidents::resolve
        UPDATE incidents SET status = 'resolved', resolved_at = $3, resolved_by = $4, updated_at = $3
        WHERE org_id = $1 AND id = $2 AND status <> 'resolved'
        RETURNING ",
        columns!()
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id, &now, &by]).await?;
    row.as_ref().map(read).transpose()
}

/// Changes what an incident is called and how urgent it is.
pub async fn describe(
    tx: &TenantTx<'_>,
    id: IncidentId,
    title: &str,
    severity: Severity,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    const SQL: &str = "
        -- incidents::describe
        UPDATE incidents SET title = $3, severity = $4, updated_at = $5 WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id, &title, &severity, &now])
        .await?;
    Ok(())
}

/// Unresolved incidents whose rule went with its service or environment, so that no evaluation will resolve them.
pub async fn without_rule_all_orgs(conn: &Connection) -> Result<Vec<(OrgId, IncidentId)>, DbError> {
    const SQL: &str = "
        -- incidents::without_rule_all_orgs
        SELECT org_id, incident_id FROM incidents_without_rule_all_orgs()";
    let statement = conn.prepare_cached(SQL).await?;
    let rows = conn.query(&statement, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get("org_id"), row.get("incident_id")))
        .collect())
}

fn read(row: &Row) -> Result<Incident, DbError> {
    Ok(Incident {
        id: row.get("id"),
        status: row.get("status"),
        severity: row.get("severity"),
        source: row.get("source"),
        title: row.get("title"),
        summary: row.get("summary"),
        rule_id: row.get("rule_id"),
        service_id: row.get("service_id"),
        environment_id: row.get("environment_id"),
        labels: matchers::read_labels(row)?,
        opened_at: row.get("opened_at"),
        acknowledged_at: row.get("acknowledged_at"),
        acknowledged_by: row.get("acknowledged_by"),
        resolved_at: row.get("resolved_at"),
        resolved_by: row.get("resolved_by"),
        updated_at: row.get("updated_at"),
    })
}
