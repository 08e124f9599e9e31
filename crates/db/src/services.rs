//! Services: what an organisation runs, and where its logs belong.

use domain::ids::ServiceId;
use domain::name::Name;
use domain::page::{Cursor, PageLimit};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{DbError, TenantTx};

/// The unique constraint on an organisation's service names.
pub const NAME_KEY: &str = "services_name_key";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub id: ServiceId,
    pub name: String,
    pub description: String,
    pub repo_url: Option<String>,
    /// How many days its logs are kept.
    pub retention_days: i32,
    pub created_at: OffsetDateTime,
}

/// The fields that people set.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    pub name: &'a Name,
    pub description: &'a str,
    pub repo_url: Option<&'a str>,
    pub retention_days: i32,
}

/// Violates [`NAME_KEY`] when the organisation has a service of this name.
pub async fn create(tx: &TenantTx<'_>, settings: &Settings<'_>) -> Result<Service, DbError> {
    const SQL: &str = "
        -- services::create
        INSERT INTO services (org_id, id, name, description, repo_url, retention_days)
        VALUES ($1, $2, $3, $4, $5, $6)
        RETURNING id, name, description, repo_url, retention_days, created_at";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &tx.org_id(),
                &ServiceId::generate(),
                settings.name,
                &settings.description,
                &settings.repo_url,
                &settings.retention_days,
            ],
        )
        .await?;
    Ok(read(&row))
}

/// Oldest first.
pub async fn list(
    tx: &TenantTx<'_>,
    after: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Service>, DbError> {
    const SQL: &str = "
        -- services::list
        SELECT id, name, description, repo_url, retention_days, created_at
        FROM services
        WHERE org_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3))
        ORDER BY created_at, id LIMIT $4";
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (after.map(|cursor| cursor.at), after.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &at, &id, &limit.probe()])
        .await?;
    Ok(rows.iter().map(read).collect())
}

pub async fn find(tx: &TenantTx<'_>, id: ServiceId) -> Result<Option<Service>, DbError> {
    const SQL: &str = "
        -- services::find
        SELECT id, name, description, repo_url, retention_days, created_at
        FROM services WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn lock(tx: &TenantTx<'_>, id: ServiceId) -> Result<Option<Service>, DbError> {
    const SQL: &str = "
        -- services::lock
        SELECT id, name, description, repo_url, retention_days, created_at
        FROM services WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

pub async fn count(tx: &TenantTx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "
        -- services::count
        SELECT count(*) FROM services WHERE org_id = $1";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id()]).await?.get(0))
}

/// Violates [`NAME_KEY`] when another service of the organisation has this name.
pub async fn update(
    tx: &TenantTx<'_>,
    id: ServiceId,
    settings: &Settings<'_>,
) -> Result<Option<Service>, DbError> {
    const SQL: &str = "
        -- services::update
        UPDATE services SET name = $3, description = $4, repo_url = $5, retention_days = $6
        WHERE org_id = $1 AND id = $2
        RETURNING id, name, description, repo_url, retention_days, created_at";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_opt(
            &statement,
            &[
                &tx.org_id(),
                &id,
                settings.name,
                &settings.description,
                &settings.repo_url,
                &settings.retention_days,
            ],
        )
        .await?;
    Ok(row.as_ref().map(read))
}

/// Deletes a service with its environments, keys and whatever else refers to it. Its logs are the log store's to drop.
pub async fn delete(tx: &TenantTx<'_>, id: ServiceId) -> Result<bool, DbError> {
    const SQL: &str = "
        -- services::delete
        DELETE FROM services WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.execute(&statement, &[&tx.org_id(), &id]).await? == 1)
}

fn read(row: &Row) -> Service {
    Service {
        id: row.get("id"),
        name: row.get("name"),
        description: row.get("description"),
        repo_url: row.get("repo_url"),
        retention_days: row.get("retention_days"),
        created_at: row.get("created_at"),
    }
}
