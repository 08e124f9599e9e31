//! Sessions of signed-in people. Only the hash of a session's token is stored. Times follow the database's clock; the
//! look-up by token is [`crate::auth::find_session`].

use std::net::IpAddr;
use std::time::Duration;

use deadpool_postgres::Transaction;
use domain::ids::{OrgId, SessionId, UserId};
use domain::page::{Cursor, PageLimit};
use domain::token::TokenHash;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Connection, DbError};

#[derive(Debug)]
pub struct NewSession<'a> {
    pub user_id: UserId,
    pub token: TokenHash,
    pub active_org_id: Option<OrgId>,
    pub max_age: Duration,
    pub ip: Option<IpAddr>,
    pub user_agent: Option<&'a str>,
}

pub async fn create(tx: &Transaction<'_>, session: &NewSession<'_>) -> Result<SessionId, DbError> {
    const SQL: &str = "
        -- sessions::create
        INSERT INTO sessions (id, user_id, session_token_hash, active_org_id, expires_at, ip, user_agent)
        VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5), $6, $7)";
    let id = SessionId::generate();
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &id,
            &session.user_id,
            &session.token.as_bytes(),
            &session.active_org_id,
            &session.max_age.as_secs_f64(),
            &session.ip,
            &session.user_agent,
        ],
    )
    .await?;
    Ok(id)
}

/// A session as its owner sees it.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub created_at: OffsetDateTime,
    pub last_seen_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
}

/// The live sessions of one person, newest first.
pub async fn list_of_user(
    conn: &Connection,
    user_id: UserId,
    max_idle: Duration,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Session>, DbError> {
    const SQL: &str = "
        -- sessions::list_of_user
        SELECT id, created_at, last_seen_at, expires_at, ip, user_agent
        FROM sessions
        WHERE user_id = $1 AND expires_at > now() AND last_seen_at > now() - make_interval(secs => $2)
            AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4))
        ORDER BY created_at DESC, id DESC LIMIT $5";
    let statement = conn.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = conn
        .query(
            &statement,
            &[&user_id, &max_idle.as_secs_f64(), &at, &id, &limit.probe()],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| Session {
            id: row.get("id"),
            created_at: row.get("created_at"),
            last_seen_at: row.get("last_seen_at"),
            expires_at: row.get("expires_at"),
            ip: row.get("ip"),
            user_agent: row.get("user_agent"),
        })
        .collect())
}

/// Ends one session of this person; false when there is none of this id.
pub async fn end(tx: &Transaction<'_>, user_id: UserId, id: SessionId) -> Result<bool, DbError> {
    const SQL: &str = "
        -- sessions::end
        DELETE FROM sessions WHERE user_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.execute(&statement, &[&user_id, &id]).await? == 1)
}

/// Ends all sessions of this person but one, and returns how many.
pub async fn end_others(tx: &Transaction<'_>, user_id: UserId, kept: SessionId) -> Result<u64, DbError> {
    const SQL: &str = "
        -- sessions::end_others
        DELETE FROM sessions WHERE user_id = $1 AND id <> $2";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.execute(&statement, &[&user_id, &kept]).await?)
}

/// Ends the session behind a token, whoever's it is.
pub async fn end_by_token(tx: &Transaction<'_>, token: TokenHash) -> Result<(), DbError> {
    const SQL: &str = "
        -- sessions::end_by_token
        DELETE FROM sessions WHERE session_token_hash = $1";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&token.as_bytes()]).await?;
    Ok(())
}

/// Ends the oldest sessions of this person, so that `kept` remain.
pub async fn end_oldest(tx: &Transaction<'_>, user_id: UserId, kept: i64) -> Result<(), DbError> {
    const SQL: &str = "
        -- sessions::end_oldest
        DELETE FROM sessions WHERE user_id = $1 AND id NOT IN (
            SELECT id FROM sessions WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2)";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&user_id, &kept]).await?;
    Ok(())
}

pub async fn set_active_org(tx: &Transaction<'_>, id: SessionId, org_id: OrgId) -> Result<(), DbError> {
    const SQL: &str = "
        -- sessions::set_active_org
        UPDATE sessions SET active_org_id = $2 WHERE id = $1";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&id, &org_id]).await?;
    Ok(())
}

/// Takes an organisation out of the sessions of somebody who left it.
pub async fn leave_org(tx: &Transaction<'_>, user_id: UserId, org_id: OrgId) -> Result<(), DbError> {
    const SQL: &str = "
        -- sessions::leave_org
        UPDATE sessions SET active_org_id = NULL WHERE user_id = $1 AND active_org_id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&user_id, &org_id]).await?;
    Ok(())
}

/// Deletes up to `batch` sessions that ran out, and returns how many. Those that were merely idle for too long are
/// refused at once and deleted when they run out.
pub async fn sweep(conn: &Connection, batch: i64) -> Result<u64, DbError> {
    const SQL: &str = "
        -- sessions::sweep
        DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)";
    let statement = conn.prepare_cached(SQL).await?;
    Ok(conn.execute(&statement, &[&batch]).await?)
}
