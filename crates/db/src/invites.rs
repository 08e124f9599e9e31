//! Invitations into an organisation. Only the hash of an invite's token is stored.

use std::time::Duration;

use domain::email::Email;
use domain::ids::{InviteId, OrgId, UserId};
use domain::page::{Cursor, PageLimit};
use domain::role::Role;
use domain::token::TokenHash;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Connection, DbError, TenantTx};

/// An invite that nobody has accepted.
#[derive(Clone, Debug)]
pub struct Invite {
    pub id: InviteId,
    pub email: String,
    pub role: Role,
    pub invited_by: Option<UserId>,
    pub created_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    /// By the database's clock.
    pub expired: bool,
}

#[derive(Debug)]
pub struct NewInvite<'a> {
    pub email: &'a Email,
    pub role: Role,
    pub token: TokenHash,
    pub invited_by: UserId,
    pub lifetime: Duration,
}

pub async fn create(tx: &TenantTx<'_>, invite: &NewInvite<'_>) -> Result<Invite, DbError> {
    const SQL: &str = "
        -- invites::create
        INSERT INTO invites (org_id, id, email, role, token_hash, invited_by, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
        RETURNING id, email, role, invited_by, created_at, expires_at, false AS expired";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &tx.org_id(),
                &InviteId::generate(),
                invite.email,
                &invite.role,
                &invite.token.as_bytes(),
                &invite.invited_by,
                &invite.lifetime.as_secs_f64(),
            ],
        )
        .await?;
    Ok(read(&row))
}

/// Those that nobody has accepted, expired ones too, oldest first.
pub async fn list(
    tx: &TenantTx<'_>,
    after: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Invite>, DbError> {
    const SQL: &str = "
        -- invites::list
        SELECT id, email, role, invited_by, created_at, expires_at, expires_at <= now() AS expired
        FROM invites
        WHERE org_id = $1 AND accepted_at IS NULL AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3))
        ORDER BY created_at, id LIMIT $4";
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (after.map(|cursor| cursor.at), after.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &at, &id, &limit.probe()])
        .await?;
    Ok(rows.iter().map(read).collect())
}

pub async fn count_open(tx: &TenantTx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "
        -- invites::count_open
        SELECT count(*) FROM invites WHERE org_id = $1 AND accepted_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id()]).await?.get(0))
}

/// Withdraws an invite that nobody has accepted, and returns what it was.
pub async fn delete(tx: &TenantTx<'_>, id: InviteId) -> Result<Option<Invite>, DbError> {
    const SQL: &str = "
        -- invites::delete
        DELETE FROM invites WHERE org_id = $1 AND id = $2 AND accepted_at IS NULL
        RETURNING id, email, role, invited_by, created_at, expires_at, expires_at <= now() AS expired";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

/// Withdraws what is open for this address, so that only its newest link works.
pub async fn delete_open_for(tx: &TenantTx<'_>, email: &Email) -> Result<Vec<Invite>, DbError> {
    const SQL: &str = "
        -- invites::delete_open_for
        DELETE FROM invites WHERE org_id = $1 AND email = $2 AND accepted_at IS NULL
        RETURNING id, email, role, invited_by, created_at, expires_at, expires_at <= now() AS expired";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), email]).await?;
    Ok(rows.iter().map(read).collect())
}

/// What a token stands for, whatever its state.
#[derive(Clone, Debug)]
pub struct FoundInvite {
    pub org_id: OrgId,
    pub id: InviteId,
    pub email: String,
    pub role: Role,
    pub expired: bool,
    pub accepted: bool,
}

pub async fn find_by_token_all_orgs(
    conn: &Connection,
    token: TokenHash,
) -> Result<Option<FoundInvite>, DbError> {
    const SQL: &str = "
        -- invites::find_by_token_all_orgs
        SELECT org_id, invite_id, email, role, expired, accepted FROM find_invite($1)";
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn.query_opt(&statement, &[&token.as_bytes()]).await?;
    Ok(row.map(|row| FoundInvite {
        org_id: row.get("org_id"),
        id: row.get("invite_id"),
        email: row.get("email"),
        role: row.get("role"),
        expired: row.get("expired"),
        accepted: row.get("accepted"),
    }))
}

/// Uses an invite up; false when it was accepted, withdrawn or ran out meanwhile.
pub async fn accept(tx: &TenantTx<'_>, id: InviteId) -> Result<bool, DbError> {
    const SQL: &str = "
        -- invites::accept
        UPDATE invites SET accepted_at = now()
        WHERE org_id = $1 AND id = $2 AND accepted_at IS NULL AND expires_at > now()";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.execute(&statement, &[&tx.org_id(), &id]).await? == 1)
}

fn read(row: &Row) -> Invite {
    Invite {
        id: row.get("id"),
        email: row.get("email"),
        role: row.get("role"),
        invited_by: row.get("invited_by"),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
        expired: row.get("expired"),
    }
}
