//! The problems that an incident is about, one row a fingerprint: most incidents have one, storms and merged ones many. Whoever
//! writes here holds the incident's lock.

use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::incident::storm::Seen;
use domain::ids::{AlertRuleId, EnvironmentId, IncidentId, IncidentMemberId, OrgId, ServiceId};
use domain::page::{Cursor, PageLimit};
use domain::severity::Severity;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Connection, DbError, TenantTx};

/// A problem that fires.
#[derive(Clone, Debug)]
pub struct Firing<'a> {
    pub fingerprint: &'a Fingerprint,
    pub rule_id: Option<AlertRuleId>,
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
    pub title: &'a str,
    pub summary: &'a str,
    pub severity: Severity,
    pub at: OffsetDateTime,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub id: IncidentMemberId,
    pub fingerprint: Fingerprint,
    pub rule_id: Option<AlertRuleId>,
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
    pub title: String,
    pub summary: String,
    pub severity: Severity,
    pub firings: i64,
    pub first_fired_at: OffsetDateTime,
    pub last_fired_at: OffsetDateTime,
    /// `None` while it fires.
    pub cleared_at: Option<OffsetDateTime>,
    /// The incident that it was in before the two became one.
    pub merged_from: Option<IncidentId>,
}

/// How an incident stands after a firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// All firings of the incident so far.
    pub firings: i64,
}

/// Writes down that a problem fires, for the first time or again.
pub async fn fired(
    tx: &TenantTx<'_>,
    incident_id: IncidentId,
    firing: &Firing<'_>,
) -> Result<Joined, DbError> {
    const MEMBER: &str = "
        -- incidents::members::fired
        INSERT INTO incident_members AS m (org_id, id, incident_id, fingerprint, rule_id, service_id, environment_id,
            title, summary, severity, first_fired_at, last_fired_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
        ON CONFLICT ON CONSTRAINT incident_members_once DO UPDATE SET
            firings = m.firings + 1, last_fired_at = excluded.last_fired_at, cleared_at = NULL,
            title = excluded.title, summary = excluded.summary, severity = excluded.severity";
    const INCIDENT: &str = "
        -- incidents::members::fired
        UPDATE incidents SET firings = firings + 1, last_fired_at = $3, updated_at = greatest(updated_at, $3)
        WHERE org_id = $1 AND id = $2 RETURNING firings";
    let statement = tx.prepare_cached(MEMBER).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &IncidentMemberId::generate(),
            &incident_id,
            &firing.fingerprint,
            &firing.rule_id,
            &firing.service_id,
            &firing.environment_id,
            &firing.title,
            &firing.summary,
            &firing.severity,
            &firing.at,
        ],
    )
    .await?;
    let statement = tx.prepare_cached(INCIDENT).await?;
    let row = tx
        .query_one(&statement, &[&tx.org_id(), &incident_id, &firing.at])
        .await?;
    Ok(Joined {
        firings: row.get("firings"),
    })
}

/// How many problems of an incident are clear, and how many fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    pub clear: i64,
    pub firing: i64,
}

/// Writes down that a problem is clear; how the incident stands then.
pub async fn clear(
    tx: &TenantTx<'_>,
    incident_id: IncidentId,
    fingerprint: &Fingerprint,
    at: OffsetDateTime,
) -> Result<Tally, DbError> {
    const SQL: &str = "
        -- incidents::members::clear
        UPDATE incident_members SET cleared_at = $4
        WHERE org_id = $1 AND incident_id = $2 AND fingerprint = $3 AND cleared_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &incident_id, fingerprint, &at])
        .await?;
    tally(tx, incident_id).await
}

pub async fn tally(tx: &TenantTx<'_>, incident_id: IncidentId) -> Result<Tally, DbError> {
    const SQL: &str = "
        -- incidents::members::tally
        SELECT count(*) FILTER (WHERE cleared_at IS NOT NULL) AS clear,
            count(*) FILTER (WHERE cleared_at IS NULL) AS firing
        FROM incident_members WHERE org_id = $1 AND incident_id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_one(&statement, &[&tx.org_id(), &incident_id]).await?;
    Ok(Tally {
        clear: row.get("clear"),
        firing: row.get("firing"),
    })
}

/// What still fires of one incident fires in the other from now on; how many problems that are. Both are locked.
pub async fn move_burning(tx: &TenantTx<'_>, from: IncidentId, into: IncidentId) -> Result<u64, DbError> {
    // What the other one has of them already gives its count to the row that moves.
    const SAME: &str = "
        -- incidents::members::move_burning
        WITH gone AS (
            DELETE FROM incident_members o USING incident_members m
            WHERE o.org_id = $1 AND o.incident_id = $3 AND m.org_id = $1 AND m.incident_id = $2
              AND m.fingerprint = o.fingerprint AND m.cleared_at IS NULL
            RETURNING o.fingerprint, o.firings, o.first_fired_at
        )
        UPDATE incident_members m
        SET firings = m.firings + gone.firings, first_fired_at = least(m.first_fired_at, gone.first_fired_at)
        FROM gone WHERE m.org_id = $1 AND m.incident_id = $2 AND m.fingerprint = gone.fingerprint";
    const MOVE: &str = "
        -- incidents::members::move_burning
        UPDATE incident_members SET incident_id = $3, merged_from = coalesce(merged_from, $2)
        WHERE org_id = $1 AND incident_id = $2 AND cleared_at IS NULL";
    const COUNT: &str = "
        -- incidents::members::move_burning
        UPDATE incidents a SET firings = a.firings + b.firings, last_fired_at = greatest(a.last_fired_at, b.last_fired_at)
        FROM incidents b WHERE a.org_id = $1 AND a.id = $3 AND b.org_id = $1 AND b.id = $2";
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&tx.org_id(), &from, &into];
    let statement = tx.prepare_cached(SAME).await?;
    tx.execute(&statement, &params).await?;
    let statement = tx.prepare_cached(MOVE).await?;
    let moved = tx.execute(&statement, &params).await?;
    let statement = tx.prepare_cached(COUNT).await?;
    tx.execute(&statement, &params).await?;
    Ok(moved)
}

/// Those that fired first come first.
pub async fn list(
    tx: &TenantTx<'_>,
    incident_id: IncidentId,
    after: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Member>, DbError> {
    const SQL: &str = "
        -- incidents::members::list
        SELECT id, fingerprint, rule_id, service_id, environment_id, title, summary, severity, firings, first_fired_at,
            last_fired_at, cleared_at, merged_from
        FROM incident_members
        WHERE org_id = $1 AND incident_id = $2
          AND ($3::timestamptz IS NULL OR (first_fired_at, id) > ($3, $4))
        ORDER BY first_fired_at, id LIMIT $5";
    let (at, id) = (after.map(|cursor| cursor.at), after.map(|cursor| cursor.key));
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[&tx.org_id(), &incident_id, &at, &id, &limit.probe()],
        )
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// The members of an incident at one place; the first so many.
pub async fn list_at(
    tx: &TenantTx<'_>,
    incident_id: IncidentId,
    place: (ServiceId, EnvironmentId),
    most: i64,
) -> Result<Vec<Member>, DbError> {
    const SQL: &str = "
        -- incidents::members::list_at
        SELECT id, fingerprint, rule_id, service_id, environment_id, title, summary, severity, firings, first_fired_at,
            last_fired_at, cleared_at, merged_from
        FROM incident_members
        WHERE org_id = $1 AND incident_id = $2 AND service_id = $3 AND environment_id = $4
        ORDER BY first_fired_at, id LIMIT $5";
    let (service_id, environment_id) = place;
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[&tx.org_id(), &incident_id, &service_id, &environment_id, &most],
        )
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// What fired lately: of a rule, and at a service; other problems than this one. And when the storms that are open last took
/// a firing in.
pub async fn seen(
    tx: &TenantTx<'_>,
    (rule_id, service_id): (Option<AlertRuleId>, ServiceId),
    fingerprint: &Fingerprint,
    since: OffsetDateTime,
) -> Result<Seen, DbError> {
    const SQL: &str = "
        -- incidents::members::seen
        SELECT
            (SELECT count(DISTINCT fingerprint) FROM incident_members
             WHERE org_id = $1 AND rule_id = $2 AND last_fired_at > $5 AND fingerprint <> $4) AS of_rule,
            -- What a storm of a rule took in is one problem.
            (SELECT count(DISTINCT CASE i.storm_of WHEN 'rule' THEN i.fingerprint ELSE m.fingerprint END)
             FROM incident_members m JOIN incidents i ON i.org_id = m.org_id AND i.id = m.incident_id
             WHERE m.org_id = $1 AND m.service_id = $3 AND m.last_fired_at > $5 AND m.fingerprint <> $4) AS at_service,
            (SELECT last_fired_at FROM incidents
             WHERE org_id = $1 AND status <> 'resolved' AND fingerprint = $6) AS rule_storm,
            (SELECT last_fired_at FROM incidents
             WHERE org_id = $1 AND status <> 'resolved' AND fingerprint = $7) AS service_storm";
    let rule_storm = rule_id.map(Fingerprint::of_rule_storm);
    let service_storm = Fingerprint::of_service_storm(service_id);
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &tx.org_id(),
                &rule_id,
                &service_id,
                fingerprint,
                &since,
                &rule_storm,
                &service_storm,
            ],
        )
        .await?;
    let count = |name| row.get::<_, i64>(name).unsigned_abs();
    Ok(Seen {
        of_rule: count("of_rule"),
        at_service: count("at_service"),
        rule_storm: row.get("rule_storm"),
        service_storm: row.get("service_storm"),
    })
}

/// Problems that fire although their rule is gone: no evaluation will ever find them clear.
pub async fn without_rule_all_orgs(
    conn: &Connection,
    most: i32,
) -> Result<Vec<(OrgId, IncidentId, Fingerprint)>, DbError> {
    const SQL: &str = "
        -- incidents::members::without_rule_all_orgs
        SELECT org_id, incident_id, fingerprint FROM members_without_rule_all_orgs($1)";
    let statement = conn.prepare_cached(SQL).await?;
    let rows = conn.query(&statement, &[&most]).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get("org_id"), row.get("incident_id"), row.get("fingerprint")))
        .collect())
}

fn read(row: &Row) -> Member {
    Member {
        id: row.get("id"),
        fingerprint: row.get("fingerprint"),
        rule_id: row.get("rule_id"),
        service_id: row.get("service_id"),
        environment_id: row.get("environment_id"),
        title: row.get("title"),
        summary: row.get("summary"),
        severity: row.get("severity"),
        firings: row.get("firings"),
        first_fired_at: row.get("first_fired_at"),
        last_fired_at: row.get("last_fired_at"),
        cleared_at: row.get("cleared_at"),
        merged_from: row.get("merged_from"),
    }
}
