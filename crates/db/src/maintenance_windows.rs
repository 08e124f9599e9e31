//! Maintenance windows that come again. A deleted one stays for the history of what it held back.

use domain::alerting::maintenance::Schedule;
use domain::alerting::matcher::Matcher;
use domain::ids::MaintenanceWindowId;
use domain::name::Name;
use domain::page::{Cursor, PageLimit};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::{DbError, TenantTx, matchers};

/// One name an organisation, deleted ones aside.
pub const NAME_KEY: &str = "maintenance_windows_name_key";

#[derive(Clone, Debug, PartialEq)]
pub struct MaintenanceWindow {
    pub id: MaintenanceWindowId,
    pub settings: WindowSettings,
    pub created_by_email: String,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    /// Notifications that it holds back, or held back last.
    pub held: i64,
}

/// What people set on a window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowSettings {
    pub name: Name,
    pub reason: String,
    pub matcher: Matcher,
    pub schedule: Schedule,
    pub enabled: bool,
}

macro_rules! columns {
    () => {
        "w.id, w.name, w.reason, w.min_severity, w.max_severity, w.service_id, w.environment_id, w.rule_id, w.labels,
            w.schedule, w.enabled, w.created_by_email, w.created_at, w.updated_at,
            (SELECT count(*) FROM notification_jobs j WHERE j.org_id = w.org_id AND j.window_id = w.id) AS held
        FROM maintenance_windows w"
    };
}

/// Violates [`NAME_KEY`] when the organisation has a window of this name, and a foreign key when it has no such service,
/// environment or rule.
pub async fn create(
    tx: &TenantTx<'_>,
    settings: &WindowSettings,
    by: &str,
) -> Result<MaintenanceWindowId, DbError> {
    const SQL: &str = "
        -- maintenance_windows::create
        INSERT INTO maintenance_windows (org_id, id, name, reason, min_severity, max_severity, service_id,
            environment_id, rule_id, labels, schedule, enabled, created_by_email)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let id = MaintenanceWindowId::generate();
    let matcher = &settings.matcher;
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &id,
            &settings.name,
            &settings.reason,
            &matcher.min_severity,
            &matcher.max_severity,
            &matcher.service_id,
            &matcher.environment_id,
            &matcher.rule_id,
            &Json(&matcher.labels),
            &Json(&settings.schedule),
            &settings.enabled,
            &by,
        ],
    )
    .await?;
    Ok(id)
}

/// Violates [`NAME_KEY`] and foreign keys likewise. What it holds back is looked at again at once.
pub async fn update(
    tx: &TenantTx<'_>,
    id: MaintenanceWindowId,
    settings: &WindowSettings,
) -> Result<(), DbError> {
    const SQL: &str = "
        -- maintenance_windows::update
        UPDATE maintenance_windows
        SET name = $3, reason = $4, min_severity = $5, max_severity = $6, service_id = $7, environment_id = $8,
            rule_id = $9, labels = $10, schedule = $11, enabled = $12, updated_at = now()
        WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL";
    let matcher = &settings.matcher;
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &id,
            &settings.name,
            &settings.reason,
            &matcher.min_severity,
            &matcher.max_severity,
            &matcher.service_id,
            &matcher.environment_id,
            &matcher.rule_id,
            &Json(&matcher.labels),
            &Json(&settings.schedule),
            &settings.enabled,
        ],
    )
    .await?;
    release(tx, id).await
}

/// Hides a window; returns whether there was one.
pub async fn delete(tx: &TenantTx<'_>, id: MaintenanceWindowId) -> Result<bool, DbError> {
    const SQL: &str = "
        -- maintenance_windows::delete
        UPDATE maintenance_windows SET deleted_at = now(), enabled = false
        WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    let deleted = tx.execute(&statement, &[&tx.org_id(), &id]).await? > 0;
    release(tx, id).await?;
    Ok(deleted)
}

async fn release(tx: &TenantTx<'_>, id: MaintenanceWindowId) -> Result<(), DbError> {
    const SQL: &str = "
        -- maintenance_windows::release
        UPDATE notification_jobs SET held_until = now()
        WHERE org_id = $1 AND window_id = $2 AND state = 'held' AND held_until > now()";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id]).await?;
    Ok(())
}

pub async fn find(tx: &TenantTx<'_>, id: MaintenanceWindowId) -> Result<Option<MaintenanceWindow>, DbError> {
    const SQL: &str = concat!(
        "
        -- maintenance_windows::find
        SELECT ",
        columns!(),
        " WHERE w.org_id = $1 AND w.id = $2 AND w.deleted_at IS NULL"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    row.as_ref().map(read).transpose()
}

/// Newest first.
pub async fn list(
    tx: &TenantTx<'_>,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<MaintenanceWindow>, DbError> {
    const SQL: &str = concat!(
        "
        -- maintenance_windows::list
        SELECT ",
        columns!(),
        "
        WHERE w.org_id = $1 AND w.deleted_at IS NULL
          AND ($2::timestamptz IS NULL OR (w.created_at, w.id) < ($2, $3))
        ORDER BY w.created_at DESC, w.id DESC LIMIT $4"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &at, &id, &limit.probe()])
        .await?;
    rows.iter().map(read).collect()
}

/// All that are enabled.
pub async fn list_enabled(tx: &TenantTx<'_>) -> Result<Vec<MaintenanceWindow>, DbError> {
    const SQL: &str = "
        -- maintenance_windows::list_enabled
        SELECT w.id, w.name, w.reason, w.min_severity, w.max_severity, w.service_id, w.environment_id, w.rule_id,
            w.labels, w.schedule, w.enabled, w.created_by_email, w.created_at, w.updated_at, 0::bigint AS held
        FROM maintenance_windows w WHERE w.org_id = $1 AND w.enabled AND w.deleted_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id()]).await?;
    rows.iter().map(read).collect()
}

pub async fn count(tx: &TenantTx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "
        -- maintenance_windows::count
        SELECT count(*) FROM maintenance_windows WHERE org_id = $1 AND deleted_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id()]).await?.get(0))
}

fn read(row: &Row) -> Result<MaintenanceWindow, DbError> {
    let schedule: Value = row.get("schedule");
    Ok(MaintenanceWindow {
        id: row.get("id"),
        settings: WindowSettings {
            name: row.get("name"),
            reason: row.get("reason"),
            matcher: matchers::read(row)?,
            schedule: serde_json::from_value(schedule).map_err(|error| DbError::Corrupt {
                what: "schedule",
                source: error.into(),
            })?,
            enabled: row.get("enabled"),
        },
        created_by_email: row.get("created_by_email"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        held: row.get("held"),
    })
}
