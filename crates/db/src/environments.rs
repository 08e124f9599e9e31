//! Environments of a service, such as production and staging.

use domain::ids::{EnvironmentId, ServiceId};
use domain::name::Name;
use domain::page::{Cursor, PageLimit};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{DbError, TenantTx};

/// The unique constraint on a service's environment names.
pub const NAME_KEY: &str = "environments_name_key";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    pub id: EnvironmentId,
    pub service_id: ServiceId,
    pub name: String,
    pub created_at: OffsetDateTime,
}

/// Violates [`NAME_KEY`] when the service has an environment of this name, and a foreign key when this organisation has
/// no such service.
pub async fn create(tx: &TenantTx<'_>, service_id: ServiceId, name: &Name) -> Result<Environment, DbError> {
    // The wall clock keeps those made in one transaction in order.
    const SQL: &str = "
        -- environments::create
        INSERT INTO environments (org_id, id, service_id, name, created_at)
        VALUES ($1, $2, $3, $4, clock_timestamp())
        RETURNING id, service_id, name, created_at";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[&tx.org_id(), &EnvironmentId::generate(), &service_id, name],
        )
        .await?;
    Ok(read(&row))
}

/// Oldest first.
pub async fn list(
    tx: &TenantTx<'_>,
    service_id: ServiceId,
    after: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Environment>, DbError> {
    const SQL: &str = "
        -- environments::list
        SELECT id, service_id, name, created_at
        FROM environments
        WHERE org_id = $1 AND service_id = $2 AND ($3::timestamptz IS NULL OR (created_at, id) > ($3, $4))
        ORDER BY created_at, id LIMIT $5";
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (after.map(|cursor| cursor.at), after.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &service_id, &at, &id, &limit.probe()])
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// All environments of a service by name, for looking names up.
pub async fn names(
    tx: &TenantTx<'_>,
    service_id: ServiceId,
) -> Result<Vec<(EnvironmentId, String)>, DbError> {
    const SQL: &str = "
        -- environments::names
        SELECT id, name FROM environments WHERE org_id = $1 AND service_id = $2 ORDER BY created_at, id";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &service_id]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("name"))).collect())
}

/// An environment of this very service.
pub async fn find(
    tx: &TenantTx<'_>,
    service_id: ServiceId,
    id: EnvironmentId,
) -> Result<Option<Environment>, DbError> {
    const SQL: &str = "
        -- environments::find
        SELECT id, service_id, name, created_at
        FROM environments WHERE org_id = $1 AND service_id = $2 AND id = $3";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_opt(&statement, &[&tx.org_id(), &service_id, &id])
        .await?;
    Ok(row.as_ref().map(read))
}

pub async fn count(tx: &TenantTx<'_>, service_id: ServiceId) -> Result<i64, DbError> {
    const SQL: &str = "
        -- environments::count
        SELECT count(*) FROM environments WHERE org_id = $1 AND service_id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx
        .query_one(&statement, &[&tx.org_id(), &service_id])
        .await?
        .get(0))
}

fn read(row: &Row) -> Environment {
    Environment {
        id: row.get("id"),
        service_id: row.get("service_id"),
        name: row.get("name"),
        created_at: row.get("created_at"),
    }
}
