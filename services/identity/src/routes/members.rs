//! Who belongs to the active organisation, and as what.

use actix_web::{HttpResponse, delete, get, patch, web};
use db::audit_logs;
use db::members::{self, Member};
use db::{TenantTx, orgs, sessions};
use domain::ids::UserId;
use domain::page::Cursor;
use domain::role::Role;
use serde::{Deserialize, Serialize};
use service_kit::access::{Admin, Viewer};
use service_kit::body::{JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::audit::{entry, seen};

#[derive(Clone, Debug, Serialize, ToSchema)]
struct MemberView {
    user_id: UserId,
    email: String,
    name: String,
    role: Role,
    /// When the membership began.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user_id,
            email: member.email,
            name: member.name,
            role: member.role,
            created_at: member.created_at,
        }
    }
}

/// Members of the active organisation, oldest first.
#[utoipa::path(
    operation_id = "list_members",
    tag = "members",
    security(("session" = ["viewer"])),
    params(PageParams),
    responses((status = 200, body = Page<MemberView>))
)]
#[get("/api/members")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, after) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("identity.members").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = members::list(&tx, after, limit).await?;
    let cursor = |member: &Member| Cursor {
        at: member.created_at,
        key: member.user_id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, MemberView::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeRoleRequest {
    role: Role,
}

/// Gives a member another role, from their next request on. The last admin stays one.
#[utoipa::path(
    operation_id = "change_member_role",
    tag = "members",
    security(("session" = ["admin"])),
    params(("user_id" = UserId, Path)),
    request_body = ChangeRoleRequest,
    responses(
        (status = 200, body = Data<MemberView>),
        (status = 404, body = ErrorBody),
        (status = 409, description = "they are the last admin", body = ErrorBody),
    )
)]
#[patch("/api/members/{user_id}")]
pub(crate) async fn change_role(
    caller: Admin,
    kit: web::Data<Kit>,
    PathId(user_id): PathId<UserId>,
    JsonBody(body): JsonBody<ChangeRoleRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("identity.members").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let before = lock(&tx, user_id).await?;
    let after = Member {
        role: body.role,
        ..before.clone()
    };
    if before.role != after.role {
        keep_an_admin(&tx, &before).await?;
        members::set_role(&tx, user_id, body.role).await?;
        let (before, after) = (
            seen(&MemberView::from(before)),
            seen(&MemberView::from(after.clone())),
        );
        let change = entry("member.change_role", user_id.0, before, after);
        audit_logs::add(&tx, &caller.actor, change).await?;
    }
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Data {
        data: MemberView::from(after),
    }))
}

/// Removes a member: admins anybody, others only themselves. Their sessions lose the organisation and their personal access
/// tokens end at once; the keys that they made stay.
#[utoipa::path(
    operation_id = "remove_member",
    tag = "members",
    security(("session" = ["viewer"])),
    params(("user_id" = UserId, Path)),
    responses(
        (status = 204),
        (status = 403, description = "removing somebody else needs the admin role", body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "they are the last admin", body = ErrorBody),
    )
)]
#[delete("/api/members/{user_id}")]
pub(crate) async fn remove(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(user_id): PathId<UserId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("identity.members").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let member = lock(&tx, user_id).await?;
    if user_id != caller.user_id && !caller.role.at_least(Role::Admin) {
        return Err(ApiError::Forbidden { needs: Role::Admin });
    }
    keep_an_admin(&tx, &member).await?;
    members::remove(&tx, user_id).await?;
    sessions::leave_org(&tx, user_id, caller.org_id).await?;
    let removal = entry("member.remove", user_id.0, seen(&MemberView::from(member)), None);
    audit_logs::add(&tx, &caller.actor, removal).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The member, after every other change of memberships in this organisation is done.
async fn lock(tx: &TenantTx<'_>, user_id: UserId) -> Result<Member, ApiError> {
    orgs::lock_membership(tx).await?;
    members::find(tx, user_id)
        .await?
        .ok_or(ApiError::NotFound { what: "member" })
}

/// Refuses to take the role from the last admin: nobody could give it back.
async fn keep_an_admin(tx: &TenantTx<'_>, member: &Member) -> Result<(), ApiError> {
    if member.role == Role::Admin && members::count_admins(tx).await? <= 1 {
        return Err(ApiError::Conflict(
            "this is the organisation's last admin; make somebody else admin first".into(),
        ));
    }
    Ok(())
}
