//! The caller's organisations, and which of them is active.

use actix_web::{HttpRequest, HttpResponse, get, post, put, web};
use db::audit_logs;
use db::{orgs, sessions, users};
use domain::ids::OrgId;
use domain::name::Name;
use domain::page::Cursor;
use domain::role::Role;
use serde::Deserialize;
use service_kit::access::{self, SignedIn};
use service_kit::body::{JsonBody, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use utoipa::ToSchema;

use crate::audit::entry;
use crate::organisations;
use crate::quotas::ORGS_PER_USER;
use crate::routes::me::OrgView;

/// The caller's organisations, oldest first.
#[utoipa::path(
    operation_id = "list_orgs",
    tag = "orgs",
    security(("session" = [])),
    params(PageParams),
    responses((status = 200, body = Page<OrgView>))
)]
#[get("/api/orgs")]
pub(crate) async fn list(
    SignedIn(user): SignedIn,
    kit: web::Data<Kit>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, after) = (page.limit()?, page.cursor()?);
    let conn = kit.db.conn("identity.orgs").await?;
    let rows = orgs::list_of_user_all_orgs(&conn, user.user_id, after, limit).await?;
    let cursor = |org: &orgs::Membership| Cursor {
        at: org.created_at,
        key: org.org_id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, OrgView::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateOrgRequest {
    name: Name,
}

/// Makes an organisation with the caller as admin and a service `default`, and makes it the active one.
#[utoipa::path(
    operation_id = "create_org",
    tag = "orgs",
    security(("session" = [])),
    request_body = CreateOrgRequest,
    responses((status = 201, body = Data<OrgView>), (status = 409, body = ErrorBody))
)]
#[post("/api/orgs")]
pub(crate) async fn create(
    SignedIn(user): SignedIn,
    req: HttpRequest,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<CreateOrgRequest>,
) -> Result<HttpResponse, ApiError> {
    let actor = access::actor_of(&req, Some(&user))?;
    let id = OrgId::generate();
    let mut conn = kit.db.conn("identity.orgs").await?;
    ORGS_PER_USER.admit(orgs::count_of_user_all_orgs(&conn, user.user_id).await?)?;
    let tx = conn.tenant(id).await?;
    organisations::found(&tx, &body.name, user.user_id, &actor).await?;
    sessions::set_active_org(&tx, user.session_id, id).await?;
    tx.commit().await?;
    let data = OrgView {
        id,
        name: body.name.into(),
        role: Role::Admin,
    };
    Ok(HttpResponse::Created().json(Data { data }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ActivateOrgRequest {
    org_id: OrgId,
}

/// Makes one of the caller's organisations the active one of this session, and of the sessions to come.
#[utoipa::path(
    operation_id = "activate_org",
    tag = "orgs",
    security(("session" = [])),
    request_body = ActivateOrgRequest,
    responses((status = 200, body = Data<OrgView>), (status = 404, body = ErrorBody))
)]
#[put("/api/orgs/active")]
pub(crate) async fn activate(
    SignedIn(user): SignedIn,
    req: HttpRequest,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<ActivateOrgRequest>,
) -> Result<HttpResponse, ApiError> {
    let actor = access::actor_of(&req, Some(&user))?;
    let mut conn = kit.db.conn("identity.orgs").await?;
    let org = orgs::find_of_user_all_orgs(&conn, user.user_id, body.org_id)
        .await?
        .ok_or(ApiError::NotFound { what: "organisation" })?;
    let tx = conn.tenant(org.org_id).await?;
    sessions::set_active_org(&tx, user.session_id, org.org_id).await?;
    users::set_last_org(&tx, user.user_id, org.org_id).await?;
    audit_logs::add(
        &tx,
        &actor,
        entry("session.enter_org", user.session_id.0, None, None),
    )
    .await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Data {
        data: OrgView::from(org),
    }))
}
