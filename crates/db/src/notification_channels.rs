//! Where people are told. The configuration holds secrets and is stored sealed; a deleted channel stays for the history
//! of what went through it.

use domain::alerting::channel::ChannelType;
use domain::ids::ChannelId;
use domain::name::Name;
use domain::page::{Cursor, PageLimit};
use time::OffsetDateTime;
use tokio_postgres::Row;
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
}

macro_rules! columns {
    () => {
        "id, type, name, config_sealed, hint, enabled, created_at, updated_at"
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
        INSERT INTO notification_channels (org_id, id, type, name, config_sealed, hint, enabled)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
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
        SET name = $3, config_sealed = $4, hint = $5, enabled = $6, updated_at = now()
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
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}
