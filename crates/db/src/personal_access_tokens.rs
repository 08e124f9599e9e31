//! Personal access tokens. Only the hash of a token is stored, and its first characters, so that people can tell tokens
//! apart. The look-up by hash is [`crate::auth::find_personal_token`].

use std::time::Duration;

use domain::ids::{PersonalTokenId, UserId};
use domain::page::{Cursor, PageLimit};
use domain::role::Role;
use domain::token::TokenHash;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{DbError, TenantTx};

#[derive(Clone, Debug)]
pub struct PersonalToken {
    pub id: PersonalTokenId,
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    /// The most that it may do; its owner's role may lower that.
    pub role: Role,
    /// The token's first characters.
    pub token_prefix: String,
    pub created_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
    pub last_used_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
    /// By the database's clock.
    pub expired: bool,
}

#[derive(Debug)]
pub struct NewPersonalToken<'a> {
    pub user_id: UserId,
    pub name: &'a str,
    pub role: Role,
    pub token_prefix: &'a str,
    pub hash: TokenHash,
    /// From now on; `None` means for ever.
    pub lifetime: Option<Duration>,
}

/// Violates a foreign key when the person is no member of the organisation (any more).
pub async fn create(tx: &TenantTx<'_>, token: &NewPersonalToken<'_>) -> Result<PersonalToken, DbError> {
    const SQL: &str = "
        -- personal_access_tokens::create
        WITH t AS (
            INSERT INTO personal_access_tokens (org_id, id, user_id, name, role, token_prefix, token_hash, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
            RETURNING id, user_id, name, role, token_prefix, created_at, expires_at, last_used_at, revoked_at)
        SELECT t.id, t.user_id, u.email, t.name, t.role, t.token_prefix, t.created_at, t.expires_at, t.last_used_at,
            t.revoked_at, coalesce(t.expires_at <= now(), false) AS expired
        FROM t JOIN users u ON u.id = t.user_id";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &tx.org_id(),
                &PersonalTokenId::generate(),
                &token.user_id,
                &token.name,
                &token.role,
                &token.token_prefix,
                &token.hash.as_bytes(),
                &token.lifetime.map(|lifetime| lifetime.as_secs_f64()),
            ],
        )
        .await?;
    Ok(read(&row))
}

/// Newest first, revoked and expired ones too; of one person, or of everybody.
pub async fn list(
    tx: &TenantTx<'_>,
    of: Option<UserId>,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<PersonalToken>, DbError> {
    const SQL: &str = "
        -- personal_access_tokens::list
        SELECT t.id, t.user_id, u.email, t.name, t.role, t.token_prefix, t.created_at, t.expires_at, t.last_used_at,
            t.revoked_at, coalesce(t.expires_at <= now(), false) AS expired
        FROM personal_access_tokens t JOIN users u ON u.id = t.user_id
        WHERE t.org_id = $1 AND ($2::uuid IS NULL OR t.user_id = $2)
            AND ($3::timestamptz IS NULL OR (t.created_at, t.id) < ($3, $4))
        ORDER BY t.created_at DESC, t.id DESC LIMIT $5";
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &of, &at, &id, &limit.probe()])
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// Finds a token, and nobody else changes it until the transaction ends.
pub async fn lock(tx: &TenantTx<'_>, id: PersonalTokenId) -> Result<Option<PersonalToken>, DbError> {
    const SQL: &str = "
        -- personal_access_tokens::lock
        SELECT t.id, t.user_id, u.email, t.name, t.role, t.token_prefix, t.created_at, t.expires_at, t.last_used_at,
            t.revoked_at, coalesce(t.expires_at <= now(), false) AS expired
        FROM personal_access_tokens t JOIN users u ON u.id = t.user_id
        WHERE t.org_id = $1 AND t.id = $2 FOR NO KEY UPDATE OF t";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

/// How many of a person's tokens are neither revoked nor expired.
pub async fn count_live(tx: &TenantTx<'_>, user_id: UserId) -> Result<i64, DbError> {
    const SQL: &str = "
        -- personal_access_tokens::count_live
        SELECT count(*) FROM personal_access_tokens
        WHERE org_id = $1 AND user_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id(), &user_id]).await?.get(0))
}

/// Ends a token now.
pub async fn revoke(tx: &TenantTx<'_>, id: PersonalTokenId) -> Result<(), DbError> {
    const SQL: &str = "
        -- personal_access_tokens::revoke
        UPDATE personal_access_tokens SET revoked_at = now() WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id]).await?;
    Ok(())
}

fn read(row: &Row) -> PersonalToken {
    PersonalToken {
        id: row.get("id"),
        user_id: row.get("user_id"),
        email: row.get("email"),
        name: row.get("name"),
        role: row.get("role"),
        token_prefix: row.get("token_prefix"),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
        last_used_at: row.get("last_used_at"),
        revoked_at: row.get("revoked_at"),
        expired: row.get("expired"),
    }
}
