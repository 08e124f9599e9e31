//! API keys. Only the hash of a key is stored, and its first characters, so that people can tell keys apart. The
//! look-up by hash is [`crate::auth::find_api_key`].

use std::time::Duration;

use domain::api_key::KeyScope;
use domain::ids::{ApiKeyId, EnvironmentId, ServiceId, UserId};
use domain::page::{Cursor, PageLimit};
use domain::token::TokenHash;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{DbError, TenantTx};

#[derive(Clone, Debug)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub service_id: ServiceId,
    pub environment_id: EnvironmentId,
    pub name: String,
    /// The key's first characters.
    pub key_prefix: String,
    pub scopes: Vec<KeyScope>,
    /// Log lines a minute; `None` means the installation's default.
    pub rate_limit_per_minute: Option<i32>,
    pub created_by: Option<UserId>,
    pub created_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
    pub last_used_at: Option<OffsetDateTime>,
    /// By the database's clock.
    pub expired: bool,
}

#[derive(Debug)]
pub struct NewApiKey<'a> {
    pub service_id: ServiceId,
    pub environment_id: EnvironmentId,
    pub name: &'a str,
    pub key_prefix: &'a str,
    pub hash: TokenHash,
    pub scopes: &'a [KeyScope],
    pub rate_limit_per_minute: Option<i32>,
    pub created_by: UserId,
    pub expires_at: Option<OffsetDateTime>,
}

/// Violates a foreign key when the environment is not one of this service of this organisation.
pub async fn create(tx: &TenantTx<'_>, key: &NewApiKey<'_>) -> Result<ApiKey, DbError> {
    const SQL: &str = "
        -- api_keys::create
        INSERT INTO api_keys (org_id, id, service_id, environment_id, name, key_prefix, key_hash, scopes,
            rate_limit_per_minute, created_by, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        RETURNING id, service_id, environment_id, name, key_prefix, scopes, rate_limit_per_minute, created_by,
            created_at, expires_at, revoked_at, last_used_at, coalesce(expires_at <= now(), false) AS expired";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &tx.org_id(),
                &ApiKeyId::generate(),
                &key.service_id,
                &key.environment_id,
                &key.name,
                &key.key_prefix,
                &key.hash.as_bytes(),
                &key.scopes,
                &key.rate_limit_per_minute,
                &key.created_by,
                &key.expires_at,
            ],
        )
        .await?;
    Ok(read(&row))
}

/// Newest first, revoked and expired ones too.
pub async fn list(
    tx: &TenantTx<'_>,
    service_id: ServiceId,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<ApiKey>, DbError> {
    const SQL: &str = "
        -- api_keys::list
        SELECT id, service_id, environment_id, name, key_prefix, scopes, rate_limit_per_minute, created_by,
            created_at, expires_at, revoked_at, last_used_at, coalesce(expires_at <= now(), false) AS expired
        FROM api_keys
        WHERE org_id = $1 AND service_id = $2 AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4))
        ORDER BY created_at DESC, id DESC LIMIT $5";
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &service_id, &at, &id, &limit.probe()])
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// Finds a key, and nobody else changes it until the transaction ends.
pub async fn lock(tx: &TenantTx<'_>, id: ApiKeyId) -> Result<Option<ApiKey>, DbError> {
    const SQL: &str = "
        -- api_keys::lock
        SELECT id, service_id, environment_id, name, key_prefix, scopes, rate_limit_per_minute, created_by,
            created_at, expires_at, revoked_at, last_used_at, coalesce(expires_at <= now(), false) AS expired
        FROM api_keys WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

/// The keys of a service that are neither revoked nor expired.
pub async fn live_of_service(tx: &TenantTx<'_>, service_id: ServiceId) -> Result<Vec<ApiKeyId>, DbError> {
    const SQL: &str = "
        -- api_keys::live_of_service
        SELECT id FROM api_keys
        WHERE org_id = $1 AND service_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &service_id]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

/// Ends a key now.
pub async fn revoke(tx: &TenantTx<'_>, id: ApiKeyId) -> Result<(), DbError> {
    const SQL: &str = "
        -- api_keys::revoke
        UPDATE api_keys SET revoked_at = now() WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id]).await?;
    Ok(())
}

/// Lets a key live for this much longer, unless it ends earlier anyway.
pub async fn expire_in(tx: &TenantTx<'_>, id: ApiKeyId, grace: Duration) -> Result<(), DbError> {
    const SQL: &str = "
        -- api_keys::expire_in
        UPDATE api_keys SET expires_at = least(expires_at, now() + make_interval(secs => $3))
        WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id, &grace.as_secs_f64()])
        .await?;
    Ok(())
}

fn read(row: &Row) -> ApiKey {
    ApiKey {
        id: row.get("id"),
        service_id: row.get("service_id"),
        environment_id: row.get("environment_id"),
        name: row.get("name"),
        key_prefix: row.get("key_prefix"),
        scopes: row.get("scopes"),
        rate_limit_per_minute: row.get("rate_limit_per_minute"),
        created_by: row.get("created_by"),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
        revoked_at: row.get("revoked_at"),
        last_used_at: row.get("last_used_at"),
        expired: row.get("expired"),
    }
}
