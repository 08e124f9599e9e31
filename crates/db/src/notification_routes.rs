//! Routes: which channels are told of which incidents, in order.

use domain::alerting::matcher::Matcher;
use domain::ids::{ChannelId, RouteId};
use domain::name::Name;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use crate::{DbError, TenantTx, matchers};

/// One name an organisation.
pub const NAME_KEY: &str = "notification_routes_name_key";

#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    pub id: RouteId,
    /// Smaller ones are asked first.
    pub position: i32,
    pub settings: RouteSettings,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// What people set on a route.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteSettings {
    pub name: Name,
    pub matcher: Matcher,
    pub channel_ids: Vec<ChannelId>,
    pub continues: bool,
    pub enabled: bool,
}

macro_rules! columns {
    () => {
        "r.id, r.position, r.name, r.min_severity, r.max_severity, r.service_id, r.environment_id, r.rule_id, r.labels,
            r.continues, r.enabled, r.created_at, r.updated_at,
            ARRAY(SELECT c.channel_id FROM notification_route_channels c JOIN notification_channels n
                    ON n.org_id = c.org_id AND n.id = c.channel_id
                  WHERE c.org_id = r.org_id AND c.route_id = r.id AND n.deleted_at IS NULL
                  ORDER BY c.position) AS channel_ids
        FROM notification_routes r"
    };
}

/// All routes in their order; an organisation has few.
pub async fn list(tx: &TenantTx<'_>) -> Result<Vec<Route>, DbError> {
    const SQL: &str = concat!(
        "
        -- notification_routes::list
        SELECT ",
        columns!(),
        " WHERE r.org_id = $1 ORDER BY r.position, r.id"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id()]).await?;
    rows.iter().map(read).collect()
}

pub async fn find(tx: &TenantTx<'_>, id: RouteId) -> Result<Option<Route>, DbError> {
    const SQL: &str = concat!(
        "
        -- notification_routes::find
        SELECT ",
        columns!(),
        " WHERE r.org_id = $1 AND r.id = $2"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    row.as_ref().map(read).transpose()
}

/// Nobody else changes the organisation's routes until the transaction ends: their order is one thing.
pub async fn lock(tx: &TenantTx<'_>) -> Result<(), DbError> {
    const SQL: &str = "
        -- notification_routes::lock
        SELECT pg_advisory_xact_lock(hashtextextended('sightline.notification_routes ' || $1::uuid::text, 0))";
    let statement = tx.prepare_cached(SQL).await?;
    tx.query_one(&statement, &[&tx.org_id()]).await?;
    Ok(())
}

/// Violates [`NAME_KEY`] when the organisation has a route of this name, and a foreign key when it has no such service,
/// environment or rule.
pub async fn create(tx: &TenantTx<'_>, position: i32, settings: &RouteSettings) -> Result<RouteId, DbError> {
    const SQL: &str = "
        -- notification_routes::create
        INSERT INTO notification_routes (org_id, id, position, name, min_severity, max_severity, service_id,
            environment_id, rule_id, labels, continues, enabled)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let id = RouteId::generate();
    let matcher = &settings.matcher;
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &id,
            &position,
            &settings.name,
            &matcher.min_severity,
            &matcher.max_severity,
            &matcher.service_id,
            &matcher.environment_id,
            &matcher.rule_id,
            &Json(&matcher.labels),
            &settings.continues,
            &settings.enabled,
        ],
    )
    .await?;
    set_channels(tx, id, &settings.channel_ids).await?;
    Ok(id)
}

/// Violates [`NAME_KEY`] and foreign keys likewise.
pub async fn update(tx: &TenantTx<'_>, id: RouteId, settings: &RouteSettings) -> Result<(), DbError> {
    const SQL: &str = "
        -- notification_routes::update
        UPDATE notification_routes
        SET name = $3, min_severity = $4, max_severity = $5, service_id = $6, environment_id = $7, rule_id = $8,
            labels = $9, continues = $10, enabled = $11, updated_at = now()
        WHERE org_id = $1 AND id = $2";
    let matcher = &settings.matcher;
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &id,
            &settings.name,
            &matcher.min_severity,
            &matcher.max_severity,
            &matcher.service_id,
            &matcher.environment_id,
            &matcher.rule_id,
            &Json(&matcher.labels),
            &settings.continues,
            &settings.enabled,
        ],
    )
    .await?;
    set_channels(tx, id, &settings.channel_ids).await
}

async fn set_channels(tx: &TenantTx<'_>, id: RouteId, channel_ids: &[ChannelId]) -> Result<(), DbError> {
    const CLEAR: &str = "
        -- notification_routes::set_channels
        DELETE FROM notification_route_channels WHERE org_id = $1 AND route_id = $2";
    const SET: &str = "
        -- notification_routes::set_channels
        INSERT INTO notification_route_channels (org_id, route_id, channel_id, position)
        SELECT $1, $2, channel_id, position FROM unnest($3::uuid[]) WITH ORDINALITY AS c (channel_id, position)";
    let clear = tx.prepare_cached(CLEAR).await?;
    tx.execute(&clear, &[&tx.org_id(), &id]).await?;
    let set = tx.prepare_cached(SET).await?;
    tx.execute(&set, &[&tx.org_id(), &id, &channel_ids]).await?;
    Ok(())
}

/// Puts the routes into this order.
pub async fn reorder(tx: &TenantTx<'_>, ids: &[RouteId]) -> Result<(), DbError> {
    const SQL: &str = "
        -- notification_routes::reorder
        UPDATE notification_routes r SET position = o.position
        FROM unnest($2::uuid[]) WITH ORDINALITY AS o (id, position) WHERE r.org_id = $1 AND r.id = o.id";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &ids]).await?;
    Ok(())
}

pub async fn delete(tx: &TenantTx<'_>, id: RouteId) -> Result<(), DbError> {
    const SQL: &str = "
        -- notification_routes::delete
        DELETE FROM notification_routes WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Route, DbError> {
    Ok(Route {
        id: row.get("id"),
        position: row.get("position"),
        settings: RouteSettings {
            name: row.get("name"),
            matcher: matchers::read(row)?,
            channel_ids: row.get("channel_ids"),
            continues: row.get("continues"),
            enabled: row.get("enabled"),
        },
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    })
}
