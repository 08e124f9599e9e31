//! The ledger of notifications: one row per transition of an incident and channel, written with the transition.
//! [`attempts`] is what workers do with it.

pub mod attempts;

use domain::alerting::channel::ChannelType;
use domain::alerting::delivery::JobState;
use domain::alerting::notification::{Notification, NotifiedTransition};
use domain::ids::{ChannelId, IncidentId, NotificationJobId};
use domain::page::{Cursor, PageLimit};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::{Connection, DbError, TenantTx};

/// A row of the ledger, with its channel as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: NotificationJobId,
    pub incident_id: IncidentId,
    pub channel_id: ChannelId,
    pub channel_name: String,
    pub channel_type: ChannelType,
    pub transition: NotifiedTransition,
    pub state: JobState,
    pub attempts: i32,
    /// When the next attempt is due, while it is pending.
    pub next_attempt_at: OffsetDateTime,
    pub last_error: Option<String>,
    pub created_at: OffsetDateTime,
    pub settled_at: Option<OffsetDateTime>,
}

/// A new row of the ledger.
#[derive(Clone, Debug)]
pub struct Enqueued {
    pub id: NotificationJobId,
    pub channel_id: ChannelId,
    pub channel_name: String,
}

/// Writes one row for each channel that is enabled now. A transition that is in the ledger already adds nothing.
pub async fn enqueue(tx: &TenantTx<'_>, notification: &Notification) -> Result<Vec<Enqueued>, DbError> {
    const SQL: &str = "
        -- notification_jobs::enqueue
        WITH told AS (
            INSERT INTO notification_jobs (org_id, id, incident_id, channel_id, transition, sequence, message)
            SELECT $1, gen_random_uuid(), $2, c.id, $3,
                (SELECT coalesce(max(sequence), 0) + 1 FROM notification_jobs WHERE org_id = $1 AND incident_id = $2), $4
            FROM notification_channels c
            WHERE c.org_id = $1 AND c.enabled AND c.deleted_at IS NULL
            ON CONFLICT ON CONSTRAINT notification_jobs_once DO NOTHING
            RETURNING id, channel_id
        )
        SELECT told.id, told.channel_id, c.name
        FROM told JOIN notification_channels c ON c.org_id = $1 AND c.id = told.channel_id
        ORDER BY c.name";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &notification.incident_id,
                &notification.transition,
                &Json(notification),
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| Enqueued {
            id: row.get("id"),
            channel_id: row.get("channel_id"),
            channel_name: row.get("name"),
        })
        .collect())
}

/// What a list is narrowed to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub state: Option<JobState>,
    pub incident_id: Option<IncidentId>,
}

macro_rules! columns {
    () => {
        "j.id, j.incident_id, j.channel_id, c.name AS channel_name, c.type AS channel_type, j.transition, j.state,
            j.attempts, j.next_attempt_at, j.last_error, j.created_at, j.settled_at
        FROM notification_jobs j JOIN notification_channels c ON c.org_id = j.org_id AND c.id = j.channel_id"
    };
}

/// Newest first.
pub async fn list(
    tx: &TenantTx<'_>,
    filter: Filter,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Job>, DbError> {
    const SQL: &str = concat!(
        "
        -- notification_jobs::list
        SELECT ",
        columns!(),
        "
        WHERE j.org_id = $1 AND c.org_id = $1 AND ($2::text IS NULL OR j.state = $2)
          AND ($3::uuid IS NULL OR j.incident_id = $3) AND ($4::timestamptz IS NULL OR (j.created_at, j.id) < ($4, $5))
        ORDER BY j.created_at DESC, j.id DESC LIMIT $6"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &filter.state,
                &filter.incident_id,
                &at,
                &id,
                &limit.probe(),
            ],
        )
        .await?;
    Ok(rows.iter().map(read).collect())
}

pub async fn find(tx: &TenantTx<'_>, id: NotificationJobId) -> Result<Option<Job>, DbError> {
    const SQL: &str = concat!(
        "
        -- notification_jobs::find
        SELECT ",
        columns!(),
        "
        WHERE j.org_id = $1 AND c.org_id = $1 AND j.id = $2"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

/// Why a notification cannot be revived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRevived {
    /// It is waiting, on its way, or sent.
    NotDead,
    /// A later notification of the same incident reached the channel: this one would tell an old story as new.
    Overtaken,
}

/// Makes a dead notification due now, with the whole schedule of retries before it.
pub async fn revive(tx: &TenantTx<'_>, id: NotificationJobId) -> Result<Result<(), NotRevived>, DbError> {
    const SQL: &str = "
        -- notification_jobs::revive
        UPDATE notification_jobs j
        SET state = 'pending', revived_at_attempt = attempts, next_attempt_at = now(), settled_at = NULL
        WHERE j.org_id = $1 AND j.id = $2 AND j.state = 'dead' AND NOT EXISTS (
            SELECT FROM notification_jobs later
            WHERE later.org_id = $1 AND later.incident_id = j.incident_id AND later.channel_id = j.channel_id
              AND later.sequence > j.sequence AND later.state IN ('sent', 'claimed'))";
    const WHY: &str = "
        -- notification_jobs::revive
        SELECT state FROM notification_jobs WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    if tx.execute(&statement, &[&tx.org_id(), &id]).await? > 0 {
        return Ok(Ok(()));
    }
    let why = tx.prepare_cached(WHY).await?;
    let state: Option<JobState> = tx
        .query_opt(&why, &[&tx.org_id(), &id])
        .await?
        .map(|row| row.get("state"));
    Ok(Err(match state {
        Some(JobState::Dead) => NotRevived::Overtaken,
        Some(JobState::Pending | JobState::Claimed | JobState::Sent) | None => NotRevived::NotDead,
    }))
}

/// How the ledger stands, over all tenants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backlog {
    /// Not settled.
    pub waiting: i64,
    /// For how long the one that is due longest has been due.
    pub oldest_due_seconds: f64,
    /// Given up in the last week.
    pub dead: i64,
}

pub async fn backlog_all_orgs(conn: &Connection) -> Result<Backlog, DbError> {
    const SQL: &str = "
        -- notification_jobs::backlog_all_orgs
        SELECT waiting, oldest_due_seconds, dead FROM notification_backlog()";
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn.query_one(&statement, &[]).await?;
    Ok(Backlog {
        waiting: row.get("waiting"),
        oldest_due_seconds: row.get("oldest_due_seconds"),
        dead: row.get("dead"),
    })
}

fn read(row: &Row) -> Job {
    Job {
        id: row.get("id"),
        incident_id: row.get("incident_id"),
        channel_id: row.get("channel_id"),
        channel_name: row.get("channel_name"),
        channel_type: row.get("channel_type"),
        transition: row.get("transition"),
        state: row.get("state"),
        attempts: row.get("attempts"),
        next_attempt_at: row.get("next_attempt_at"),
        last_error: row.get("last_error"),
        created_at: row.get("created_at"),
        settled_at: row.get("settled_at"),
    }
}
