//! Who changed what. Append-only: no service role may update or delete.

use std::net::IpAddr;

use domain::ids::{AuditId, OrgId, PersonalTokenId, UserId};
use domain::page::{Cursor, PageLimit};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{DbError, TenantTx};

/// Who did it, and from where.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    pub user_id: Option<UserId>,
    pub email: Option<String>,
    /// The personal access token that they used; `None` for a session.
    pub token_id: Option<PersonalTokenId>,
    pub ip: Option<IpAddr>,
    pub request_id: Option<String>,
}

/// One change. `before` and `after` hold the target's public fields, never a secret.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// `<target>.<verb>`, such as `api_key.revoke`.
    pub action: &'a str,
    pub target_type: &'a str,
    pub target_id: Option<Uuid>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Adds an entry in the transaction of the change itself.
pub async fn add(tx: &TenantTx<'_>, actor: &Actor, entry: Entry<'_>) -> Result<(), DbError> {
    const SQL: &str = "
        -- audit_logs::add
        INSERT INTO audit_logs (org_id, id, actor_user_id, actor_email, actor_token_id, action, target_type, target_id,
            before, after, ip, request_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &AuditId::generate(),
            &actor.user_id,
            &actor.email,
            &actor.token_id,
            &entry.action,
            &entry.target_type,
            &entry.target_id,
            &entry.before,
            &entry.after,
            &actor.ip,
            &actor.request_id,
        ],
    )
    .await?;
    Ok(())
}

#[derive(Clone, Debug)]
pub struct AuditRow {
    pub org_id: OrgId,
    pub id: AuditId,
    pub at: OffsetDateTime,
    pub actor: Actor,
    pub action: String,
    pub target_type: String,
    pub target_id: Option<Uuid>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Newest first.
pub async fn list(
    tx: &TenantTx<'_>,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<AuditRow>, DbError> {
    const SQL: &str = "
        -- audit_logs::list
        SELECT org_id, id, at, actor_user_id, actor_email, actor_token_id, action, target_type, target_id, before, after,
            ip, request_id
        FROM audit_logs
        WHERE org_id = $1 AND ($2::timestamptz IS NULL OR (at, id) < ($2, $3))
        ORDER BY at DESC, id DESC LIMIT $4";
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &at, &id, &limit.probe()])
        .await?;
    Ok(rows
        .iter()
        .map(|row| AuditRow {
            org_id: row.get("org_id"),
            id: row.get("id"),
            at: row.get("at"),
            actor: Actor {
                user_id: row.get("actor_user_id"),
                email: row.get("actor_email"),
                token_id: row.get("actor_token_id"),
                ip: row.get("ip"),
                request_id: row.get("request_id"),
            },
            action: row.get("action"),
            target_type: row.get("target_type"),
            target_id: row.get("target_id"),
            before: row.get("before"),
            after: row.get("after"),
        })
        .collect())
}
