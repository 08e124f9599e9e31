//! Who is calling: the look-ups that precede a tenant.

use std::time::Duration;

use domain::api_key::KeyScope;
use domain::ids::{ApiKeyId, OrgId, PersonalTokenId, SessionId, UserId};
use domain::personal_token;
use domain::role::Role;
use domain::scope::Scope;
use domain::token::TokenHash;
use time::OffsetDateTime;

use crate::{Connection, DbError};

/// The live session behind a cookie.
#[derive(Clone, Debug)]
pub struct SessionUser {
    pub session_id: SessionId,
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    /// The active organisation and the role in it; `None` when the membership ended.
    pub membership: Option<(OrgId, Role)>,
}

/// Finds a session that is neither expired nor idle for longer than `max_idle`, and notes that it was used.
pub async fn find_session(
    conn: &Connection,
    token: TokenHash,
    max_idle: Duration,
) -> Result<Option<SessionUser>, DbError> {
    const SQL: &str = "
        -- auth::find_session
        SELECT session_id, user_id, email, user_name, org_id, role
        FROM auth_session($1, make_interval(secs => $2))";
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn
        .query_opt(&statement, &[&token.as_bytes(), &max_idle.as_secs_f64()])
        .await?;
    let Some(row) = row else { return Ok(None) };
    let org_id: Option<OrgId> = row.get("org_id");
    let role: Option<Role> = row.get("role");
    Ok(Some(SessionUser {
        session_id: row.get("session_id"),
        user_id: row.get("user_id"),
        email: row.get("email"),
        name: row.get("user_name"),
        membership: org_id.zip(role),
    }))
}

/// Whom a personal access token stands for. Revoked and expired tokens are found too, so that their holder can be told
/// which it is; those of somebody who left the organisation are not.
#[derive(Clone, Debug)]
pub struct TokenUser {
    pub token_id: PersonalTokenId,
    pub org_id: OrgId,
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    /// The lower of the token's role and the person's, at this moment.
    pub role: Role,
    pub revoked: bool,
    /// By the database's clock, at the time of the look-up.
    pub expired: bool,
    /// Whether its last use was noted more than a minute ago, or never.
    pub use_is_unnoted: bool,
}

pub async fn find_personal_token(conn: &Connection, token: TokenHash) -> Result<Option<TokenUser>, DbError> {
    const SQL: &str = "
        -- auth::find_personal_token
        SELECT token_id, org_id, user_id, email, user_name, token_role, member_role, revoked, expired, use_is_unnoted
        FROM auth_personal_token($1)";
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn.query_opt(&statement, &[&token.as_bytes()]).await?;
    Ok(row.map(|row| TokenUser {
        token_id: row.get("token_id"),
        org_id: row.get("org_id"),
        user_id: row.get("user_id"),
        email: row.get("email"),
        name: row.get("user_name"),
        role: personal_token::effective_role(row.get("token_role"), row.get("member_role")),
        revoked: row.get("revoked"),
        expired: row.get("expired"),
        use_is_unnoted: row.get("use_is_unnoted"),
    }))
}

/// Notes that a token was used; at most once a minute, whoever asks.
pub async fn touch_personal_token(conn: &Connection, id: PersonalTokenId) -> Result<(), DbError> {
    let statement = conn.prepare_cached("SELECT touch_personal_token($1)").await?;
    conn.execute(&statement, &[&id]).await?;
    Ok(())
}

/// What an API key stands for. Revoked and expired keys are found too, so that their holder can be told which it is.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    pub id: ApiKeyId,
    pub scope: Scope,
    pub scopes: Vec<KeyScope>,
    /// Log lines a minute; `None` means the installation's default.
    pub rate_limit_per_minute: Option<u32>,
    /// How long the key's service keeps logs.
    pub retention: time::Duration,
    pub revoked: bool,
    pub expires_at: Option<OffsetDateTime>,
    /// By the database's clock, at the time of the look-up.
    pub expired: bool,
}

pub async fn find_api_key(conn: &Connection, key: TokenHash) -> Result<Option<KeyRecord>, DbError> {
    const SQL: &str = "
        -- auth::find_api_key
        SELECT api_key_id, org_id, service_id, environment_id, scopes, rate_limit_per_minute, retention_days, revoked,
            expires_at, expired
        FROM auth_api_key($1)";
    let statement = conn.prepare_cached(SQL).await?;
    let Some(row) = conn.query_opt(&statement, &[&key.as_bytes()]).await? else {
        return Ok(None);
    };
    let limit: Option<i32> = row.get("rate_limit_per_minute");
    let days: i32 = row.get("retention_days");
    Ok(Some(KeyRecord {
        id: row.get("api_key_id"),
        scope: Scope {
            org_id: row.get("org_id"),
            service_id: row.get("service_id"),
            environment_id: row.get("environment_id"),
        },
        scopes: row.get("scopes"),
        rate_limit_per_minute: limit.and_then(|limit| u32::try_from(limit).ok()),
        retention: time::Duration::days(days.into()),
        revoked: row.get("revoked"),
        expires_at: row.get("expires_at"),
        expired: row.get("expired"),
    }))
}

/// Notes that keys were used; once a minute per key is enough, so that busy keys cost nothing.
pub async fn touch_api_keys(conn: &Connection, keys: &[ApiKeyId]) -> Result<(), DbError> {
    let statement = conn.prepare_cached("SELECT touch_api_keys($1)").await?;
    conn.execute(&statement, &[&keys]).await?;
    Ok(())
}
