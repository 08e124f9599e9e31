//! Which GitHub repository a service is deployed from, and the secret that its webhook is signed with.

use domain::github::{EnvironmentMapping, RepoPart};
use domain::ids::{IntegrationId, OrgId, ServiceId};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use crate::{Connection, DbError, TenantTx};

/// Without its secret, which only [`find_secret`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integration {
    pub id: IntegrationId,
    pub service_id: ServiceId,
    pub settings: Settings,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// What people set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub repo_owner: RepoPart,
    pub repo_name: RepoPart,
    pub environment_mapping: EnvironmentMapping,
}

/// Whose integration it is, and its sealed secret: the look-up behind a webhook's address, before its tenant is known.
pub async fn find_secret(conn: &Connection, id: IntegrationId) -> Result<Option<(OrgId, Vec<u8>)>, DbError> {
    const SQL: &str = "
        -- github_integrations::find_secret
        SELECT org_id, secret_sealed FROM find_github_integration($1)";
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn.query_opt(&statement, &[&id]).await?;
    Ok(row.map(|row| (row.get("org_id"), row.get("secret_sealed"))))
}

pub async fn find(tx: &TenantTx<'_>, id: IntegrationId) -> Result<Option<Integration>, DbError> {
    const SQL: &str = "
        -- github_integrations::find
        SELECT id, service_id, repo_owner, repo_name, environment_mapping, created_at, updated_at
        FROM service_github_integrations WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

pub async fn of_service(tx: &TenantTx<'_>, service_id: ServiceId) -> Result<Option<Integration>, DbError> {
    const SQL: &str = "
        -- github_integrations::of_service
        SELECT id, service_id, repo_owner, repo_name, environment_mapping, created_at, updated_at
        FROM service_github_integrations WHERE org_id = $1 AND service_id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &service_id]).await?;
    Ok(row.as_ref().map(read))
}

/// The same, and nobody else changes it until the transaction ends. Deliveries that refer to it go on.
pub async fn lock_of_service(
    tx: &TenantTx<'_>,
    service_id: ServiceId,
) -> Result<Option<Integration>, DbError> {
    const SQL: &str = "
        -- github_integrations::lock_of_service
        SELECT id, service_id, repo_owner, repo_name, environment_mapping, created_at, updated_at
        FROM service_github_integrations WHERE org_id = $1 AND service_id = $2 FOR NO KEY UPDATE";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &service_id]).await?;
    Ok(row.as_ref().map(read))
}

/// The id is the caller's, since the secret is sealed for it. `None` if the service has an integration already;
/// violates a foreign key when this organisation has no such service.
pub async fn create(
    tx: &TenantTx<'_>,
    id: IntegrationId,
    service_id: ServiceId,
    settings: &Settings,
    secret_sealed: &[u8],
) -> Result<Option<Integration>, DbError> {
    const SQL: &str = "
        -- github_integrations::create
        INSERT INTO service_github_integrations (org_id, id, service_id, repo_owner, repo_name, environment_mapping,
            secret_sealed)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT ON CONSTRAINT service_github_integrations_service_key DO NOTHING
        RETURNING id, service_id, repo_owner, repo_name, environment_mapping, created_at, updated_at";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_opt(
            &statement,
            &[
                &tx.org_id(),
                &id,
                &service_id,
                &settings.repo_owner,
                &settings.repo_name,
                &Json(&settings.environment_mapping),
                &secret_sealed,
            ],
        )
        .await?;
    Ok(row.as_ref().map(read))
}

/// `None` if it is gone.
pub async fn update(
    tx: &TenantTx<'_>,
    id: IntegrationId,
    settings: &Settings,
) -> Result<Option<Integration>, DbError> {
    const SQL: &str = "
        -- github_integrations::update
        UPDATE service_github_integrations
        SET repo_owner = $3, repo_name = $4, environment_mapping = $5, updated_at = now()
        WHERE org_id = $1 AND id = $2
        RETURNING id, service_id, repo_owner, repo_name, environment_mapping, created_at, updated_at";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_opt(
            &statement,
            &[
                &tx.org_id(),
                &id,
                &settings.repo_owner,
                &settings.repo_name,
                &Json(&settings.environment_mapping),
            ],
        )
        .await?;
    Ok(row.as_ref().map(read))
}

/// From the commit on, only deliveries that are signed with the new secret are accepted.
pub async fn replace_secret(
    tx: &TenantTx<'_>,
    id: IntegrationId,
    secret_sealed: &[u8],
) -> Result<(), DbError> {
    const SQL: &str = "
        -- github_integrations::replace_secret
        UPDATE service_github_integrations SET secret_sealed = $3, updated_at = now() WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id, &secret_sealed])
        .await?;
    Ok(())
}

/// Deletes it with its deliveries; the deployments stay. `None` if there was none.
pub async fn delete(tx: &TenantTx<'_>, service_id: ServiceId) -> Result<Option<Integration>, DbError> {
    const SQL: &str = "
        -- github_integrations::delete
        DELETE FROM service_github_integrations WHERE org_id = $1 AND service_id = $2
        RETURNING id, service_id, repo_owner, repo_name, environment_mapping, created_at, updated_at";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &service_id]).await?;
    Ok(row.as_ref().map(read))
}

fn read(row: &Row) -> Integration {
    let Json(environment_mapping) = row.get("environment_mapping");
    Integration {
        id: row.get("id"),
        service_id: row.get("service_id"),
        settings: Settings {
            repo_owner: row.get("repo_owner"),
            repo_name: row.get("repo_name"),
            environment_mapping,
        },
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}
