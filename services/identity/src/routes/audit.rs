//! Who changed what in the active organisation.

use std::net::IpAddr;

use actix_web::{HttpResponse, get, web};
use db::audit_logs::{self, AuditRow};
use domain::ids::{AuditId, PersonalTokenId, UserId};
use domain::page::Cursor;
use serde::Serialize;
use serde_json::Value;
use service_kit::access::Admin;
use service_kit::body::QueryParams;
use service_kit::page::PageParams;
use service_kit::{ApiError, Kit, Page};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Serialize, ToSchema)]
struct AuditView {
    id: AuditId,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    actor: ActorView,
    /// `<target>.<verb>`, such as `api_key.revoke`.
    action: String,
    target_type: String,
    target_id: Option<Uuid>,
    /// The target's public fields before the change; null when it is new.
    before: Option<Value>,
    /// The target's public fields after the change; null when it is gone.
    after: Option<Value>,
    #[schema(value_type = Option<String>)]
    ip: Option<IpAddr>,
    request_id: Option<String>,
}

/// Who did it; without a user it was an application or Sightline itself.
#[derive(Debug, Serialize, ToSchema)]
struct ActorView {
    user_id: Option<UserId>,
    email: Option<String>,
    /// The personal access token that they used; null for a session.
    token_id: Option<PersonalTokenId>,
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor: ActorView {
                user_id: row.actor.user_id,
                email: row.actor.email,
                token_id: row.actor.token_id,
            },
            action: row.action,
            target_type: row.target_type,
            target_id: row.target_id,
            before: row.before,
            after: row.after,
            ip: row.actor.ip,
            request_id: row.actor.request_id,
        }
    }
}

/// The audit log of the active organisation, newest first.
#[utoipa::path(
    operation_id = "list_audit_log",
    tag = "audit",
    security(("session" = ["admin"])),
    params(PageParams),
    responses((status = 200, body = Page<AuditView>))
)]
#[get("/api/audit")]
pub(crate) async fn list(
    caller: Admin,
    kit: web::Data<Kit>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, before) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("identity.audit").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = audit_logs::list(&tx, before, limit).await?;
    let cursor = |row: &AuditRow| Cursor {
        at: row.at,
        key: row.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, AuditView::from)))
}
