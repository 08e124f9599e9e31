//! `GET /api/incidents/{id}/members`: the problems that an incident is about.

use actix_web::{HttpResponse, get, web};
use db::incidents;
use db::incidents::members::{self, Member};
use domain::ids::IncidentId;
use domain::page::Cursor;
use service_kit::access::Viewer;
use service_kit::body::{PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, ErrorBody, Kit, Page};

use super::NOT_FOUND;
use super::views::IncidentMemberView;

/// The problems that an incident is about, those that fired first first. Most incidents have one; a storm has one for each of
/// the firings that are told as one.
#[utoipa::path(
    operation_id = "list_incident_members",
    tag = "incidents",
    security(("session" = ["viewer"])),
    params(("id" = IncidentId, Path), PageParams),
    responses((status = 200, body = Page<IncidentMemberView>), (status = 404, body = ErrorBody))
)]
#[get("/api/incidents/{id}/members")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<IncidentId>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, after) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("alerting.incidents").await?;
    let tx = conn.tenant(caller.org_id).await?;
    incidents::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    let rows = members::list(&tx, id, after, limit).await?;
    let cursor = |member: &Member| Cursor {
        at: member.first_fired_at,
        key: member.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, IncidentMemberView::from)))
}
