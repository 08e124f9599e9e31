//! The ledger of notifications: one row per transition of an incident and channel, written with the transition; also where
//! something holds it back, and without a channel where nobody was chosen. [`attempts`] is what workers do with it, [`held`]
//! what becomes of what was held back.

pub mod attempts;
pub mod held;

use domain::alerting::channel::ChannelType;
use domain::alerting::delivery::JobState;
use domain::alerting::notification::{Notification, NotifiedTransition};
use domain::alerting::routing::{ChosenBy, HeldBack, Opening, Target};
use domain::ids::{ChannelId, IncidentId, MaintenanceWindowId, NotificationJobId, SilenceId};
use domain::page::{Cursor, PageLimit};
use serde::de::DeserializeOwned;
use serde_json::Value;
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
    /// `None` where the routes chose nobody.
    pub channel: Option<JobChannel>,
    pub transition: NotifiedTransition,
    pub state: JobState,
    pub attempts: i32,
    /// When the next attempt is due, while it is pending.
    pub next_attempt_at: OffsetDateTime,
    pub last_error: Option<String>,
    /// What chose the channel; rows of older versions do not say.
    pub chosen_by: Option<ChosenBy>,
    /// What holds it back, or held it back before it was sent after all.
    pub held: Option<HeldBack>,
    pub held_until: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
    pub settled_at: Option<OffsetDateTime>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobChannel {
    pub id: ChannelId,
    pub name: String,
    pub kind: ChannelType,
}

/// Writes one row for each target, or one without a channel where there is none; the ids, in the order of the targets.
///
/// The incident's row is locked by the transition, so that sequence numbers are taken one after the other.
pub async fn enqueue(
    tx: &TenantTx<'_>,
    notification: &Notification,
    targets: &[Target],
) -> Result<Vec<NotificationJobId>, DbError> {
    const SQL: &str = "
        -- notification_jobs::enqueue
        INSERT INTO notification_jobs (org_id, id, incident_id, channel_id, transition, sequence, message, state,
            chosen_by, held, held_until, silence_id, window_id, settled_at)
        SELECT $1, t.id, $2, t.channel_id, $3,
            (SELECT coalesce(max(sequence), 0) + 1 FROM notification_jobs WHERE org_id = $1 AND incident_id = $2), $4,
            t.state, t.chosen_by, t.held, t.held_until, t.silence_id, t.window_id,
            CASE WHEN t.is_settled THEN now() END
        FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::jsonb[], $9::jsonb[], $10::timestamptz[], $11::uuid[],
            $12::uuid[], $13::bool[])
            AS t (id, channel_id, state, chosen_by, held, held_until, silence_id, window_id, is_settled)
        ON CONFLICT ON CONSTRAINT notification_jobs_once DO NOTHING";
    let rows = NewRows::of(targets);
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &notification.incident_id,
            &notification.transition,
            &Json(notification),
            &rows.ids,
            &rows.channel_ids,
            &rows.states,
            &rows.chosen_by,
            &rows.held,
            &rows.held_until,
            &rows.silence_ids,
            &rows.window_ids,
            &rows.is_settled,
        ],
    )
    .await?;
    Ok(rows.ids)
}

/// Targets column by column, as the statement takes them.
#[derive(Default)]
struct NewRows<'a> {
    ids: Vec<NotificationJobId>,
    channel_ids: Vec<Option<ChannelId>>,
    states: Vec<JobState>,
    chosen_by: Vec<Option<Json<&'a ChosenBy>>>,
    held: Vec<Option<Json<&'a HeldBack>>>,
    held_until: Vec<Option<OffsetDateTime>>,
    silence_ids: Vec<Option<SilenceId>>,
    window_ids: Vec<Option<MaintenanceWindowId>>,
    is_settled: Vec<bool>,
}

impl<'a> NewRows<'a> {
    fn of(targets: &'a [Target]) -> Self {
        let mut rows = Self::default();
        for target in targets {
            let held = target.held.as_ref();
            let state = if held.is_some() {
                JobState::Held
            } else {
                JobState::Pending
            };
            rows.add(Some(target.channel_id), state, Some(&target.chosen_by), held);
        }
        if targets.is_empty() {
            rows.add(None, JobState::Unrouted, None, None);
        }
        rows
    }

    fn add(
        &mut self,
        channel_id: Option<ChannelId>,
        state: JobState,
        chosen_by: Option<&'a ChosenBy>,
        held: Option<&'a HeldBack>,
    ) {
        let (silence_id, window_id) = held.map_or((None, None), held::causes);
        self.ids.push(NotificationJobId::generate());
        self.channel_ids.push(channel_id);
        self.states.push(state);
        self.chosen_by.push(chosen_by.map(Json));
        self.held.push(held.map(Json));
        self.held_until.push(held.and_then(HeldBack::until));
        self.silence_ids.push(silence_id);
        self.window_ids.push(window_id);
        let is_final = held.is_some_and(|held| !held.may_end()) || state == JobState::Unrouted;
        self.is_settled.push(is_final);
    }
}

/// What became, at each channel, of the pages of an incident since it was last resolved.
pub async fn openings(tx: &TenantTx<'_>, incident_id: IncidentId) -> Result<Vec<Opening>, DbError> {
    const SQL: &str = "
        -- notification_jobs::openings
        SELECT channel_id, bool_and(state = 'held') AS held FROM notification_jobs
        WHERE org_id = $1 AND incident_id = $2 AND channel_id IS NOT NULL
          AND transition IN ('opened', 'reopened', 'raised', 'reminded')
          AND sequence > (SELECT coalesce(max(sequence), 0) FROM notification_jobs
                          WHERE org_id = $1 AND incident_id = $2 AND transition = 'resolved')
        GROUP BY channel_id ORDER BY channel_id";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &incident_id]).await?;
    Ok(rows
        .iter()
        .map(|row| Opening {
            channel_id: row.get("channel_id"),
            held: row.get("held"),
        })
        .collect())
}

/// What a list is narrowed to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub state: Option<JobState>,
    pub incident_id: Option<IncidentId>,
    pub channel_id: Option<ChannelId>,
    /// What this silence holds back, or held back last.
    pub silence_id: Option<SilenceId>,
    /// Likewise.
    pub window_id: Option<MaintenanceWindowId>,
}

macro_rules! columns {
    () => {
        "j.id, j.incident_id, j.channel_id, c.name AS channel_name, c.type AS channel_type, j.transition, j.state,
            j.attempts, j.next_attempt_at, j.last_error, j.chosen_by, j.held, j.held_until, j.created_at, j.settled_at
        FROM notification_jobs j LEFT JOIN notification_channels c ON c.org_id = j.org_id AND c.id = j.channel_id"
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
        WHERE j.org_id = $1 AND ($2::text IS NULL OR j.state = $2)
          AND ($3::uuid IS NULL OR j.incident_id = $3) AND ($4::uuid IS NULL OR j.channel_id = $4)
          AND ($5::uuid IS NULL OR j.silence_id = $5) AND ($6::uuid IS NULL OR j.window_id = $6)
          AND ($7::timestamptz IS NULL OR (j.created_at, j.id) < ($7, $8))
        ORDER BY j.created_at DESC, j.id DESC LIMIT $9"
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
                &filter.channel_id,
                &filter.silence_id,
                &filter.window_id,
                &at,
                &id,
                &limit.probe(),
            ],
        )
        .await?;
    rows.iter().map(read).collect()
}

pub async fn find(tx: &TenantTx<'_>, id: NotificationJobId) -> Result<Option<Job>, DbError> {
    const SQL: &str = concat!(
        "
        -- notification_jobs::find
        SELECT ",
        columns!(),
        "
        WHERE j.org_id = $1 AND j.id = $2"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    row.as_ref().map(read).transpose()
}

/// Why a notification cannot be revived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRevived {
    /// It is waiting, on its way, or sent.
    NotDead,
    /// A later notification of the same incident reached the channel: this one would tell an old story as new.
    Overtaken,
}

/// Makes a notification that was given up, or that may have arrived, due now, with the whole schedule of retries before it.
pub async fn revive(tx: &TenantTx<'_>, id: NotificationJobId) -> Result<Result<(), NotRevived>, DbError> {
    const SQL: &str = "
        -- notification_jobs::revive
        UPDATE notification_jobs j
        SET state = 'pending', revived_at_attempt = attempts, next_attempt_at = now(), settled_at = NULL
        WHERE j.org_id = $1 AND j.id = $2 AND j.state IN ('dead', 'unknown') AND NOT EXISTS (
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
        Some(JobState::Dead | JobState::Unknown) => NotRevived::Overtaken,
        Some(
            JobState::Pending | JobState::Claimed | JobState::Sent | JobState::Held | JobState::Unrouted,
        )
        | None => NotRevived::NotDead,
    }))
}

/// Which notifications that were given up are meant; what is absent may be anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Revival {
    pub channel_id: Option<ChannelId>,
    pub incident_id: Option<IncidentId>,
    /// Those that may have arrived, too.
    pub with_unknown: bool,
    pub created_from: Option<OffsetDateTime>,
    pub created_until: Option<OffsetDateTime>,
}

/// A notification that was revived with others.
#[derive(Clone, Copy, Debug)]
pub struct Revived {
    pub id: NotificationJobId,
    pub incident_id: IncidentId,
    pub channel_id: ChannelId,
    pub transition: NotifiedTransition,
}

/// Makes such notifications due now, oldest first, at most `most`. Those that a later one overtook stay as they are, and so
/// do openings of incidents that are over: they would tell an old story as new.
pub async fn revive_many(tx: &TenantTx<'_>, which: Revival, most: i64) -> Result<Vec<Revived>, DbError> {
    const SQL: &str = "
        -- notification_jobs::revive_many
        WITH chosen AS (
            SELECT j.id FROM notification_jobs j JOIN incidents i ON i.org_id = j.org_id AND i.id = j.incident_id
            WHERE j.org_id = $1 AND i.org_id = $1 AND (j.state = 'dead' OR ($4 AND j.state = 'unknown'))
              AND ($2::uuid IS NULL OR j.channel_id = $2) AND ($3::uuid IS NULL OR j.incident_id = $3)
              AND ($5::timestamptz IS NULL OR j.created_at >= $5) AND ($6::timestamptz IS NULL OR j.created_at < $6)
              AND (j.transition = 'resolved' OR i.status <> 'resolved')
              AND NOT EXISTS (
                  SELECT FROM notification_jobs later
                  WHERE later.org_id = $1 AND later.incident_id = j.incident_id AND later.channel_id = j.channel_id
                    AND later.sequence > j.sequence AND later.state IN ('sent', 'claimed'))
            ORDER BY j.created_at, j.id LIMIT $7
            FOR UPDATE OF j SKIP LOCKED
        )
        UPDATE notification_jobs j
        SET state = 'pending', revived_at_attempt = attempts, next_attempt_at = now(), settled_at = NULL
        FROM chosen WHERE j.org_id = $1 AND j.id = chosen.id
        RETURNING j.id, j.incident_id, j.channel_id, j.transition";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &which.channel_id,
                &which.incident_id,
                &which.with_unknown,
                &which.created_from,
                &which.created_until,
                &most,
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| Revived {
            id: row.get("id"),
            incident_id: row.get("incident_id"),
            channel_id: row.get("channel_id"),
            transition: row.get("transition"),
        })
        .collect())
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

fn read(row: &Row) -> Result<Job, DbError> {
    let channel_id: Option<ChannelId> = row.get("channel_id");
    Ok(Job {
        id: row.get("id"),
        incident_id: row.get("incident_id"),
        channel: channel_id.map(|id| JobChannel {
            id,
            name: row.get("channel_name"),
            kind: row.get("channel_type"),
        }),
        transition: row.get("transition"),
        state: row.get("state"),
        attempts: row.get("attempts"),
        next_attempt_at: row.get("next_attempt_at"),
        last_error: row.get("last_error"),
        chosen_by: read_json(row, "chosen_by")?,
        held: read_json(row, "held")?,
        held_until: row.get("held_until"),
        created_at: row.get("created_at"),
        settled_at: row.get("settled_at"),
    })
}

fn read_json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<Option<T>, DbError> {
    let value: Option<Value> = row.get(column);
    value
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| DbError::Corrupt {
            what: column,
            source: error.into(),
        })
}
