//! Where people are told. The configuration holds secrets and is stored sealed; a deleted channel stays for the history
//! of what went through it.

use std::time::Duration;

use domain::alerting::channel::{ChannelType, OnUnknown, Streak};
use domain::alerting::routing::{self, HeldBack};
use domain::ids::ChannelId;
use domain::name::Name;
use domain::page::{Cursor, PageLimit};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::{DbError, TenantTx};

/// The unique index on an organisation's channel names.
pub const NAME_KEY: &str = "notification_channels_name_key";

#[derive(Clone)]
pub struct Channel {
    pub id: ChannelId,
    pub kind: ChannelType,
    pub name: String,
    /// Opens with the service's sealing keys only, for this very row only.
    pub config_sealed: Vec<u8>,
    /// What people may see of the configuration.
    pub hint: String,
    pub enabled: bool,
    pub on_unknown: OnUnknown,
    pub paused_at: Option<OffsetDateTime>,
    pub paused_reason: Option<String>,
    /// Failed attempts since the last success.
    pub consecutive_failures: i32,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// The fields that people set, the configuration sealed.
#[derive(Clone)]
pub struct Settings<'a> {
    pub name: &'a Name,
    pub config_sealed: &'a [u8],
    pub hint: &'a str,
    pub enabled: bool,
    pub on_unknown: OnUnknown,
}

macro_rules! columns {
    () => {
        "id, type, name, config_sealed, hint, enabled, on_unknown, paused_at, paused_reason, consecutive_failures,
            created_at, updated_at"
    };
}

/// Violates [`NAME_KEY`] when the organisation has a channel of this name. The id comes from the caller, since the
/// configuration is sealed for it.
pub async fn create(
    tx: &TenantTx<'_>,
    id: ChannelId,
    kind: ChannelType,
    settings: &Settings<'_>,
) -> Result<Channel, DbError> {
    const SQL: &str = concat!(
        "
        -- notification_channels::create
        INSERT INTO notification_channels (org_id, id, type, name, config_sealed, hint, enabled, on_unknown)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
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
                &kind,
                settings.name,
                &settings.config_sealed,
                &settings.hint,
                &settings.enabled,
                &settings.on_unknown,
            ],
        )
        .await?;
    Ok(read(&row))
}

/// Violates [`NAME_KEY`] likewise.
pub async fn update(
    tx: &TenantTx<'_>,
    id: ChannelId,
    settings: &Settings<'_>,
) -> Result<Option<Channel>, DbError> {
    const SQL: &str = concat!(
        "
        -- notification_channels::update
        UPDATE notification_channels
        SET name = $3, config_sealed = $4, hint = $5, enabled = $6, on_unknown = $7, updated_at = now()
        WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL
        RETURNING ",
        columns!()
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_opt(
            &statement,
            &[
                &tx.org_id(),
                &id,
                settings.name,
                &settings.config_sealed,
                &settings.hint,
                &settings.enabled,
                &settings.on_unknown,
            ],
        )
        .await?;
    Ok(row.as_ref().map(read))
}

/// Forgets a channel's secrets and hides it; returns the channel as it was.
pub async fn delete(tx: &TenantTx<'_>, id: ChannelId) -> Result<bool, DbError> {
    const SQL: &str = "
        -- notification_channels::delete
        UPDATE notification_channels SET deleted_at = now(), enabled = false, config_sealed = ''
        WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.execute(&statement, &[&tx.org_id(), &id]).await? > 0)
}

/// A channel that is not deleted.
pub async fn find(tx: &TenantTx<'_>, id: ChannelId) -> Result<Option<Channel>, DbError> {
    const SQL: &str = concat!(
        "
        -- notification_channels::find
        SELECT ",
        columns!(),
        "
        FROM notification_channels WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn find_for_update(tx: &TenantTx<'_>, id: ChannelId) -> Result<Option<Channel>, DbError> {
    const SQL: &str = concat!(
        "
        -- notification_channels::find_for_update
        SELECT ",
        columns!(),
        "
        FROM notification_channels WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

/// Newest first, without deleted ones.
pub async fn list(
    tx: &TenantTx<'_>,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Channel>, DbError> {
    const SQL: &str = concat!(
        "
        -- notification_channels::list
        SELECT ",
        columns!(),
        "
        FROM notification_channels
        WHERE org_id = $1 AND deleted_at IS NULL AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
        ORDER BY created_at DESC, id DESC LIMIT $4"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &at, &id, &limit.probe()])
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// All that are not deleted, by name, without their secrets: who may be told.
pub async fn list_for_routing(tx: &TenantTx<'_>) -> Result<Vec<routing::Channel>, DbError> {
    const SQL: &str = "
        -- notification_channels::list_for_routing
        SELECT id, name, type, enabled, paused_at IS NOT NULL AS paused FROM notification_channels
        WHERE org_id = $1 AND deleted_at IS NULL ORDER BY name";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id()]).await?;
    Ok(rows
        .iter()
        .map(|row| routing::Channel {
            id: row.get("id"),
            name: row.get("name"),
            kind: row.get("type"),
            enabled: row.get("enabled"),
            paused: row.get("paused"),
        })
        .collect())
}

/// Counts a failed attempt; how long the streak is by now. `None` for a channel that is paused or deleted already.
pub async fn note_failure(tx: &TenantTx<'_>, id: ChannelId) -> Result<Option<Streak>, DbError> {
    const SQL: &str = "
        -- notification_channels::note_failure
        UPDATE notification_channels
        SET consecutive_failures = consecutive_failures + 1, failing_since = coalesce(failing_since, clock_timestamp())
        WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL AND paused_at IS NULL
        RETURNING consecutive_failures, extract(epoch FROM clock_timestamp() - failing_since)::double precision AS lasting";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.map(|row| {
        let (failures, lasting): (i32, f64) = (row.get("consecutive_failures"), row.get("lasting"));
        Streak {
            failures: failures.unsigned_abs(),
            lasting: Duration::from_secs_f64(lasting.max(0.0)),
        }
    }))
}

/// Ends a streak of failures. Writes nothing where there is none, which is nearly always.
pub async fn note_success(tx: &TenantTx<'_>, id: ChannelId) -> Result<(), DbError> {
    const SQL: &str = "
        -- notification_channels::note_success
        UPDATE notification_channels SET consecutive_failures = 0, failing_since = NULL
        WHERE org_id = $1 AND id = $2 AND consecutive_failures > 0";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id]).await?;
    Ok(())
}

/// Pauses a channel: what waits for it is held back. `false` when it was paused before.
pub async fn pause(tx: &TenantTx<'_>, id: ChannelId, reason: &str) -> Result<bool, DbError> {
    const PAUSE: &str = "
        -- notification_channels::pause
        UPDATE notification_channels SET paused_at = now(), paused_reason = $3
        WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL AND paused_at IS NULL";
    const HOLD: &str = "
        -- notification_channels::pause
        UPDATE notification_jobs SET state = 'held', held = $3, held_until = NULL
        WHERE org_id = $1 AND channel_id = $2 AND state = 'pending'";
    let pause = tx.prepare_cached(PAUSE).await?;
    if tx.execute(&pause, &[&tx.org_id(), &id, &reason]).await? == 0 {
        return Ok(false);
    }
    let hold = tx.prepare_cached(HOLD).await?;
    let held = Json(HeldBack::ChannelPaused);
    tx.execute(&hold, &[&tx.org_id(), &id, &held]).await?;
    Ok(true)
}

/// Ends a pause: what the channel missed is looked at again at once. `false` when it was not paused.
pub async fn resume(tx: &TenantTx<'_>, id: ChannelId) -> Result<bool, DbError> {
    const RESUME: &str = "
        -- notification_channels::resume
        UPDATE notification_channels
        SET paused_at = NULL, paused_reason = NULL, consecutive_failures = 0, failing_since = NULL
        WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL AND paused_at IS NOT NULL";
    const RELEASE: &str = "
        -- notification_channels::resume
        UPDATE notification_jobs SET held_until = now()
        WHERE org_id = $1 AND channel_id = $2 AND state = 'held' AND held->>'held_by' = 'channel_paused'";
    let resume = tx.prepare_cached(RESUME).await?;
    if tx.execute(&resume, &[&tx.org_id(), &id]).await? == 0 {
        return Ok(false);
    }
    let release = tx.prepare_cached(RELEASE).await?;
    tx.execute(&release, &[&tx.org_id(), &id]).await?;
    Ok(true)
}

pub async fn count(tx: &TenantTx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "
        -- notification_channels::count
        SELECT count(*) FROM notification_channels WHERE org_id = $1 AND deleted_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id()]).await?.get(0))
}

fn read(row: &Row) -> Channel {
    Channel {
        id: row.get("id"),
        kind: row.get("type"),
        name: row.get("name"),
        config_sealed: row.get("config_sealed"),
        hint: row.get("hint"),
        enabled: row.get("enabled"),
        on_unknown: row.get("on_unknown"),
        paused_at: row.get("paused_at"),
        paused_reason: row.get("paused_reason"),
        consecutive_failures: row.get("consecutive_failures"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}
