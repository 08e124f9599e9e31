//! The timeline of an incident. Append-only by grant.

use domain::alerting::incident::EventKind;
use domain::ids::{IncidentEventId, IncidentId, UserId};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{DbError, TenantTx};

#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    pub kind: EventKind,
    /// Nobody when a rule or a worker did it.
    pub actor: Option<UserId>,
    /// In words, for people.
    pub message: &'a str,
    /// For programs; never a secret.
    pub details: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub struct IncidentEvent {
    pub id: IncidentEventId,
    pub at: OffsetDateTime,
    pub kind: EventKind,
    pub actor: Option<UserId>,
    pub message: String,
    pub details: Value,
}

/// Adds a row in the transaction of what it tells. Its time is the wall clock's, so that the events of one transaction
/// keep their order.
pub async fn add(
    tx: &TenantTx<'_>,
    incident_id: IncidentId,
    event: &NewEvent<'_>,
) -> Result<IncidentEventId, DbError> {
    const SQL: &str = "
        -- incidents::events::add
        INSERT INTO incident_events (org_id, id, incident_id, at, kind, actor_user_id, message, details)
        VALUES ($1, $2, $3, clock_timestamp(), $4, $5, $6, $7)";
    let id = IncidentEventId::generate();
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &id,
            &incident_id,
            &event.kind,
            &event.actor,
            &event.message,
            &event.details,
        ],
    )
    .await?;
    Ok(id)
}

/// How these incidents ended last, in words.
pub async fn ends(
    tx: &TenantTx<'_>,
    incidents: &[IncidentId],
) -> Result<Vec<(IncidentId, IncidentEventId, String)>, DbError> {
    const SQL: &str = "
        -- incidents::events::ends
        SELECT DISTINCT ON (incident_id) incident_id, id, message FROM incident_events
        WHERE org_id = $1 AND incident_id = ANY ($2) AND kind IN ('resolved', 'merged')
        ORDER BY incident_id, at DESC, id DESC";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &incidents]).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get("incident_id"), row.get("id"), row.get("message")))
        .collect())
}

/// The newest events of an incident, oldest of them first.
pub async fn list(
    tx: &TenantTx<'_>,
    incident_id: IncidentId,
    newest: i64,
) -> Result<Vec<IncidentEvent>, DbError> {
    const SQL: &str = "
        -- incidents::events::list
        SELECT id, at, kind, actor_user_id, message, details FROM (
            SELECT id, at, kind, actor_user_id, message, details FROM incident_events
            WHERE org_id = $1 AND incident_id = $2
            ORDER BY at DESC, id DESC LIMIT $3
        ) newest
        ORDER BY at, id";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &incident_id, &newest])
        .await?;
    Ok(rows
        .iter()
        .map(|row| IncidentEvent {
            id: row.get("id"),
            at: row.get("at"),
            kind: row.get("kind"),
            actor: row.get("actor_user_id"),
            message: row.get("message"),
            details: row.get("details"),
        })
        .collect())
}
