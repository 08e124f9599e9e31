//! Incidents: one story per problem. At most one unresolved incident has a fingerprint, whoever races to open it.

pub mod events;
pub mod members;

use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::incident::life::Standing;
use domain::alerting::incident::storm::StormOf;
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
    pub fingerprint: Fingerprint,
    pub assignee_id: Option<UserId>,
    pub snoozed_until: Option<OffsetDateTime>,
    pub merged_into: Option<IncidentId>,
    /// When it was last opened again, and how often that was.
    pub reopened_at: Option<OffsetDateTime>,
    pub reopened_times: i32,
    /// What a storm is of.
    pub storm_of: Option<StormOf>,
    pub firings: i64,
    pub last_fired_at: Option<OffsetDateTime>,
}

impl Incident {
    pub fn standing(&self) -> Standing {
        Standing {
            status: self.status,
            severity: self.severity,
            assignee: self.assignee_id,
            snoozed_until: self.snoozed_until,
            resolved_at: self.resolved_at,
            merged_into: self.merged_into,
        }
    }
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
    pub storm_of: Option<StormOf>,
}

macro_rules! columns {
    () => {
        "id, status, severity, source, title, summary, rule_id, service_id, environment_id, labels,
            opened_at, acknowledged_at, acknowledged_by, resolved_at, resolved_by, updated_at, fingerprint, assignee_id,
            snoozed_until, merged_into, reopened_at, reopened_times, storm_of, firings, last_fired_at"
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
            environment_id, fingerprint, opened_at, labels, storm_of)
        VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
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
                &new.storm_of,
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

/// The newest incident of a fingerprint, however it stands.
pub async fn find_newest(
    tx: &TenantTx<'_>,
    fingerprint: &Fingerprint,
) -> Result<Option<IncidentId>, DbError> {
    const SQL: &str = "
        -- incidents::find_newest
        SELECT id FROM incidents WHERE org_id = $1 AND fingerprint = $2
        ORDER BY status = 'resolved', opened_at DESC, id DESC LIMIT 1";
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

/// The incident that goes on with the story of this one: itself, unless it was merged. Nobody else changes it until the
/// transaction ends.
pub async fn lock_root(tx: &TenantTx<'_>, id: IncidentId) -> Result<Option<Incident>, DbError> {
    const SQL: &str = "
        -- incidents::lock_root
        WITH RECURSIVE story AS (
            SELECT id, merged_into FROM incidents WHERE org_id = $1 AND id = $2
            UNION ALL
            SELECT i.id, i.merged_into FROM story s JOIN incidents i ON i.org_id = $1 AND i.id = s.merged_into
        )
        SELECT id FROM story WHERE merged_into IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    let mut at = id;
    loop {
        let Some(row) = tx.query_opt(&statement, &[&tx.org_id(), &at]).await? else {
            return Ok(None);
        };
        let Some(incident) = find_for_update(tx, row.get("id")).await? else {
            return Ok(None);
        };
        // Merged while its lock was waited for: each round is one merge further, and merges lead to no circle.
        match incident.merged_into {
            None => return Ok(Some(incident)),
            Some(into) => at = into,
        }
    }
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Empty means all.
    pub statuses: Vec<IncidentStatus>,
    pub assignee: Option<UserId>,
    /// Only those that are put off, or only those that are not.
    pub snoozed: Option<bool>,
    /// Only those that became part of this one.
    pub merged_into: Option<IncidentId>,
}

/// Newest first.
pub async fn list(
    tx: &TenantTx<'_>,
    filter: &Filter,
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
          AND ($6::uuid IS NULL OR assignee_id = $6) AND ($7::bool IS NULL OR (snoozed_until IS NOT NULL) = $7)
          AND ($8::uuid IS NULL OR merged_into = $8)
          AND ($3::timestamptz IS NULL OR (opened_at, id) < ($3, $4))
        ORDER BY opened_at DESC, id DESC LIMIT $5"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &filter.statuses,
                &at,
                &id,
                &limit.probe(),
                &filter.assignee,
                &filter.snoozed,
                &filter.merged_into,
            ],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// Earlier incidents that are like this one: of the same problem first, then of its rule, then at its service.
pub async fn list_similar(
    tx: &TenantTx<'_>,
    incident: &Incident,
    most: i64,
) -> Result<Vec<Incident>, DbError> {
    const SQL: &str = concat!(
        "
        -- incidents::list_similar
        SELECT ",
        columns!(),
        "
        FROM incidents
        WHERE org_id = $1 AND id <> $2 AND opened_at <= $6 AND merged_into IS DISTINCT FROM $2
          AND (fingerprint = $3 OR rule_id = $4 OR service_id = $5)
        ORDER BY fingerprint = $3 DESC, coalesce(rule_id = $4, false) DESC, opened_at DESC, id DESC LIMIT $7"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &incident.id,
                &incident.fingerprint,
                &incident.rule_id,
                &incident.service_id,
                &incident.opened_at,
                &most,
            ],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// Stores where an incident stands now, and who brought it there: nobody where a rule, a link or the clock did. The caller
/// holds its lock and has asked whether that is legal. Violates `incidents_unresolved_key` when it is opened again beside
/// another one about the same problem.
pub async fn stand(
    tx: &TenantTx<'_>,
    id: IncidentId,
    standing: &Standing,
    by: Option<UserId>,
    now: OffsetDateTime,
) -> Result<Incident, DbError> {
    const SQL: &str = concat!(
        "
        -- incidents::stand
        UPDATE incidents SET
            status = $3, severity = $4, assignee_id = $5, snoozed_until = $6, resolved_at = $7, merged_into = $8,
            updated_at = $9,
            acknowledged_at = CASE WHEN $3 = status OR $3 = 'resolved' THEN acknowledged_at
                WHEN $3 = 'acknowledged' THEN $9 END,
            acknowledged_by = CASE WHEN $3 = status OR $3 = 'resolved' THEN acknowledged_by
                WHEN $3 = 'acknowledged' THEN $10 END,
            resolved_by = CASE WHEN $3 = status THEN resolved_by WHEN $3 = 'resolved' THEN $10 END,
            reopened_at = CASE WHEN status = 'resolved' AND $3 <> 'resolved' THEN $9 ELSE reopened_at END,
            reopened_times = reopened_times + CASE WHEN status = 'resolved' AND $3 <> 'resolved' THEN 1 ELSE 0 END
        WHERE org_id = $1 AND id = $2
        RETURNING ",
        columns!()
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &tx.org_id(),
                &id,
                &standing.status,
                &standing.severity,
                &standing.assignee,
                &standing.snoozed_until,
                &standing.resolved_at,
                &standing.merged_into,
                &now,
                &by,
            ],
        )
        .await?;
    read(&row)
}

/// The address of a member of the organisation; nothing for anybody else.
pub async fn member_email(tx: &TenantTx<'_>, id: UserId) -> Result<Option<String>, DbError> {
    const SQL: &str = "
        -- incidents::member_email
        SELECT member_email($1) AS email";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&id]).await?.get("email"))
}

/// Incidents whose moment to wake has come, by the database's clock.
pub async fn to_wake_all_orgs(conn: &Connection, most: i32) -> Result<Vec<(OrgId, IncidentId)>, DbError> {
    const SQL: &str = "
        -- incidents::to_wake_all_orgs
        SELECT org_id, incident_id FROM snoozed_incidents_due($1)";
    let statement = conn.prepare_cached(SQL).await?;
    let rows = conn.query(&statement, &[&most]).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get("org_id"), row.get("incident_id")))
        .collect())
}

/// Changes what an incident is called.
pub async fn rename(
    tx: &TenantTx<'_>,
    id: IncidentId,
    title: &str,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    const SQL: &str = "
        -- incidents::rename
        UPDATE incidents SET title = $3, updated_at = $4 WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id, &title, &now]).await?;
    Ok(())
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
        fingerprint: row.get("fingerprint"),
        assignee_id: row.get("assignee_id"),
        snoozed_until: row.get("snoozed_until"),
        merged_into: row.get("merged_into"),
        reopened_at: row.get("reopened_at"),
        reopened_times: row.get("reopened_times"),
        storm_of: row.get("storm_of"),
        firings: row.get("firings"),
        last_fired_at: row.get("last_fired_at"),
    })
}
