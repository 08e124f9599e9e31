//! Notifications that something holds back: looked at again when it may be over, then sent, held on, or kept as what was
//! never sent.

use domain::alerting::incident::IncidentStatus;
use domain::alerting::notification::NotifiedTransition;
use domain::alerting::routing::HeldBack;
use domain::ids::{ChannelId, IncidentId, MaintenanceWindowId, NotificationJobId, OrgId, SilenceId};
use tokio_postgres::types::Json;

use crate::{Connection, DbError, TenantTx};

/// A held notification whose time has come.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    pub org_id: OrgId,
    pub job_id: NotificationJobId,
}

pub async fn due_all_orgs(conn: &Connection, most: i32) -> Result<Vec<Due>, DbError> {
    const SQL: &str = "
        -- notification_jobs::held::due_all_orgs
        SELECT org_id, job_id FROM held_notifications_due($1)";
    let statement = conn.prepare_cached(SQL).await?;
    let rows = conn.query(&statement, &[&most]).await?;
    Ok(rows
        .iter()
        .map(|row| Due {
            org_id: row.get("org_id"),
            job_id: row.get("job_id"),
        })
        .collect())
}

/// What decides about a held notification.
#[derive(Clone, Debug)]
pub struct Held {
    pub incident_id: IncidentId,
    pub status: IncidentStatus,
    pub channel_id: ChannelId,
    pub channel_name: String,
    pub transition: NotifiedTransition,
    /// Whether the channel was not told that the incident opened either.
    pub opening_held: bool,
}

/// Locks a held notification that is due, and its incident before it, as transitions do; `None` when another replica was
/// quicker.
pub async fn lock(tx: &TenantTx<'_>, id: NotificationJobId) -> Result<Option<Held>, DbError> {
    const INCIDENT: &str = "
        -- notification_jobs::held::lock
        SELECT i.status FROM incidents i
        WHERE i.org_id = $1 AND i.id = (SELECT incident_id FROM notification_jobs WHERE org_id = $1 AND id = $2)
        FOR UPDATE";
    const JOB: &str = "
        -- notification_jobs::held::lock
        SELECT j.incident_id, j.channel_id, c.name, j.transition,
            coalesce((SELECT bool_and(o.state = 'held') FROM notification_jobs o
                WHERE o.org_id = $1 AND o.incident_id = j.incident_id AND o.channel_id = j.channel_id
                  AND o.transition IN ('opened', 'reopened', 'raised', 'reminded') AND o.sequence < j.sequence
                  AND o.sequence > (SELECT coalesce(max(r.sequence), 0) FROM notification_jobs r
                      WHERE r.org_id = $1 AND r.incident_id = j.incident_id AND r.transition = 'resolved'
                        AND r.sequence < j.sequence)), false) AS opening_held
        FROM notification_jobs j JOIN notification_channels c ON c.org_id = j.org_id AND c.id = j.channel_id
        WHERE j.org_id = $1 AND c.org_id = $1 AND j.id = $2 AND j.state = 'held' AND j.held_until <= now()
        FOR UPDATE OF j";
    let incident = tx.prepare_cached(INCIDENT).await?;
    let Some(incident) = tx.query_opt(&incident, &[&tx.org_id(), &id]).await? else {
        return Ok(None);
    };
    let job = tx.prepare_cached(JOB).await?;
    let row = tx.query_opt(&job, &[&tx.org_id(), &id]).await?;
    Ok(row.map(|row| Held {
        incident_id: row.get("incident_id"),
        status: incident.get("status"),
        channel_id: row.get("channel_id"),
        channel_name: row.get("name"),
        transition: row.get("transition"),
        opening_held: row.get("opening_held"),
    }))
}

/// Nothing holds it back any more: it is due now.
pub async fn release(tx: &TenantTx<'_>, id: NotificationJobId) -> Result<(), DbError> {
    const SQL: &str = "
        -- notification_jobs::held::release
        UPDATE notification_jobs SET state = 'pending', next_attempt_at = now(), held_until = NULL
        WHERE org_id = $1 AND id = $2 AND state = 'held'";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id]).await?;
    Ok(())
}

/// It is never sent: what it tells is over.
pub async fn settle(tx: &TenantTx<'_>, id: NotificationJobId) -> Result<(), DbError> {
    const SQL: &str = "
        -- notification_jobs::held::settle
        UPDATE notification_jobs SET held_until = NULL, settled_at = now()
        WHERE org_id = $1 AND id = $2 AND state = 'held'";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id]).await?;
    Ok(())
}

/// Something else holds it back from now on.
pub async fn hold_on(tx: &TenantTx<'_>, id: NotificationJobId, held: &HeldBack) -> Result<(), DbError> {
    const SQL: &str = "
        -- notification_jobs::held::hold_on
        UPDATE notification_jobs
        SET held = $3, held_until = $4, silence_id = $5, window_id = $6, settled_at = CASE WHEN $7 THEN now() END
        WHERE org_id = $1 AND id = $2 AND state = 'held'";
    let (silence_id, window_id) = causes(held);
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &id,
            &Json(held),
            &held.until(),
            &silence_id,
            &window_id,
            &!held.may_end(),
        ],
    )
    .await?;
    Ok(())
}

/// Pages of an incident that are still held back at these channels are never sent: a newer one takes their place.
pub async fn supersede(
    tx: &TenantTx<'_>,
    incident_id: IncidentId,
    channels: &[ChannelId],
) -> Result<(), DbError> {
    const SQL: &str = "
        -- notification_jobs::held::supersede
        UPDATE notification_jobs SET held_until = NULL, settled_at = now()
        WHERE org_id = $1 AND incident_id = $2 AND channel_id = ANY ($3) AND state = 'held' AND settled_at IS NULL
          AND transition IN ('opened', 'reopened', 'raised', 'reminded')";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &incident_id, &channels])
        .await?;
    Ok(())
}

/// What of an incident waits to be sent is held back from now on; how many notifications.
pub async fn hold_waiting(
    tx: &TenantTx<'_>,
    incident_id: IncidentId,
    held: &HeldBack,
) -> Result<u64, DbError> {
    const SQL: &str = "
        -- notification_jobs::held::hold_waiting
        UPDATE notification_jobs SET state = 'held', held = $3, held_until = $4, silence_id = NULL, window_id = NULL
        WHERE org_id = $1 AND incident_id = $2 AND state = 'pending'";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[&tx.org_id(), &incident_id, &Json(held), &held.until()],
    )
    .await
    .map_err(DbError::from)
}

/// An incident wakes: of what its wait held back, the newest news of its end are sent if it is over; all else is settled.
pub async fn wake(tx: &TenantTx<'_>, incident_id: IncidentId, is_over: bool) -> Result<(), DbError> {
    const SQL: &str = "
        -- notification_jobs::held::wake
        WITH waiting AS (
            SELECT id, transition = 'resolved' AND $3
                AND row_number() OVER (PARTITION BY channel_id, transition ORDER BY sequence DESC) = 1 AS is_sent
            FROM notification_jobs
            WHERE org_id = $1 AND incident_id = $2 AND state = 'held' AND settled_at IS NULL
              AND held ->> 'held_by' = 'snoozed'
        )
        UPDATE notification_jobs j SET
            state = CASE WHEN w.is_sent THEN 'pending' ELSE 'held' END,
            next_attempt_at = CASE WHEN w.is_sent THEN now() ELSE j.next_attempt_at END,
            settled_at = CASE WHEN w.is_sent THEN NULL ELSE now() END
        FROM waiting w WHERE j.org_id = $1 AND j.id = w.id";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &incident_id, &is_over])
        .await?;
    Ok(())
}

/// The rows that hold something back.
pub(super) fn causes(held: &HeldBack) -> (Option<SilenceId>, Option<MaintenanceWindowId>) {
    match held {
        HeldBack::Silence { silence_id, .. } => (Some(*silence_id), None),
        HeldBack::Maintenance { window_id, .. } => (None, Some(*window_id)),
        HeldBack::ChannelDisabled
        | HeldBack::ChannelPaused
        | HeldBack::OpeningHeld
        | HeldBack::Snoozed { .. } => (None, None),
    }
}
