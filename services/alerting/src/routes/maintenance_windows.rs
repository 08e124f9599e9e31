//! Maintenance windows that come again.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use db::maintenance_windows::{self as table, MaintenanceWindow, WindowSettings};
use db::{DbError, TenantTx, audit_logs};
use domain::alerting::maintenance::{Occurrence, Schedule};
use domain::alerting::matcher::Matcher;
use domain::ids::MaintenanceWindowId;
use domain::name::Name;
use domain::page::Cursor;
use serde::{Deserialize, Serialize};
use service_kit::access::{Developer, Viewer};
use service_kit::body::{JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::routing::{NO_SUCH_PLACE, check_matcher};
use crate::audit::{entry, seen};
use crate::quotas;
use crate::text::FreeText;

/// Windows that a view foretells.
const FORETOLD: usize = 3;

/// One window, in time.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
struct OccurrenceView {
    #[serde(with = "time::serde::rfc3339")]
    starts_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct WindowView {
    id: MaintenanceWindowId,
    name: String,
    reason: String,
    matcher: Matcher,
    schedule: Schedule,
    enabled: bool,
    author: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// Notifications that it holds back, or held back last: `GET /api/notifications?window_id=…` lists them.
    held: i64,
    /// The present one, if it is one, and those that follow.
    next: Vec<OccurrenceView>,
}

impl WindowView {
    fn of(window: MaintenanceWindow, now: OffsetDateTime) -> Self {
        let next = window.settings.schedule.upcoming(now, FORETOLD);
        Self {
            id: window.id,
            name: window.settings.name.to_string(),
            reason: window.settings.reason,
            matcher: window.settings.matcher,
            schedule: window.settings.schedule,
            enabled: window.settings.enabled,
            author: window.created_by_email,
            created_at: window.created_at,
            updated_at: window.updated_at,
            held: window.held,
            next: next
                .into_iter()
                .map(|Occurrence { start, end }| OccurrenceView {
                    starts_at: start,
                    ends_at: end,
                })
                .collect(),
        }
    }
}

/// Maintenance windows, newest first.
#[utoipa::path(
    tag = "maintenance windows",
    security(("session" = ["viewer"])),
    params(PageParams),
    responses((status = 200, body = Page<WindowView>))
)]
#[get("/api/maintenance-windows")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, before) = (page.limit()?, page.cursor()?);
    let now = kit.clock.now();
    let mut conn = kit.db.conn("alerting.windows").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = table::list(&tx, before, limit).await?;
    let cursor = |window: &MaintenanceWindow| Cursor {
        at: window.created_at,
        key: window.id.0,
    };
    let view = |window| WindowView::of(window, now);
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, view)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "weekly backups", "reason": "disks are busy", "schedule":
    {"time_zone": "Europe/Berlin", "days": ["sat", "sun"], "start": "02:30", "duration_minutes": 90}}))]
struct CreateWindowRequest {
    name: Name,
    reason: Option<FreeText>,
    /// What must hold of an incident; everything is held back when absent.
    #[serde(default)]
    matcher: Matcher,
    schedule: Schedule,
    /// True when absent.
    enabled: Option<bool>,
}

/// Holds back what would be told of such incidents while a window is open. What opens meanwhile and is not over when it
/// closes is told then.
#[utoipa::path(
    tag = "maintenance windows",
    security(("session" = ["developer"])),
    request_body = CreateWindowRequest,
    responses(
        (status = 201, body = Data<WindowView>),
        (status = 404, description = "no such service, environment or rule", body = ErrorBody),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[post("/api/maintenance-windows")]
pub(crate) async fn create(
    caller: Developer,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<CreateWindowRequest>,
) -> Result<HttpResponse, ApiError> {
    let settings = WindowSettings {
        name: body.name,
        reason: body
            .reason
            .map_or_else(String::new, |reason| reason.as_str().to_owned()),
        matcher: body.matcher,
        schedule: body.schedule,
        enabled: body.enabled.unwrap_or(true),
    };
    check(&settings)?;
    let mut conn = kit.db.conn("alerting.windows").await?;
    let tx = conn.tenant(caller.org_id).await?;
    quotas::admit_window(table::count(&tx).await?)?;
    let id = table::create(&tx, &settings, &caller.email)
        .await
        .map_err(|error| refused(error, &settings.name))?;
    let data = view(&tx, id, kit.clock.now()).await?;
    let creation = entry("maintenance_window.create", id.0, None, seen(&data));
    audit_logs::add(&tx, &caller.actor, creation).await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().json(Data { data }))
}

/// One maintenance window.
#[utoipa::path(
    tag = "maintenance windows",
    security(("session" = ["viewer"])),
    params(("id" = MaintenanceWindowId, Path)),
    responses((status = 200, body = Data<WindowView>), (status = 404, body = ErrorBody))
)]
#[get("/api/maintenance-windows/{id}")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<MaintenanceWindowId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.windows").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let data = view(&tx, id, kit.clock.now()).await?;
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// What is absent stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeWindowRequest {
    name: Option<Name>,
    reason: Option<FreeText>,
    /// Replaces the whole matcher.
    matcher: Option<Matcher>,
    /// Replaces the whole schedule.
    schedule: Option<Schedule>,
    enabled: Option<bool>,
}

/// Changes a maintenance window. What it holds back is looked at again.
#[utoipa::path(
    tag = "maintenance windows",
    security(("session" = ["developer"])),
    params(("id" = MaintenanceWindowId, Path)),
    request_body = ChangeWindowRequest,
    responses(
        (status = 200, body = Data<WindowView>),
        (status = 404, body = ErrorBody),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[patch("/api/maintenance-windows/{id}")]
pub(crate) async fn change(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(id): PathId<MaintenanceWindowId>,
    JsonBody(body): JsonBody<ChangeWindowRequest>,
) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut conn = kit.db.conn("alerting.windows").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let before = table::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    let old = before.settings.clone();
    let settings = WindowSettings {
        name: body.name.unwrap_or(old.name),
        reason: body
            .reason
            .map_or(old.reason, |reason| reason.as_str().to_owned()),
        matcher: body.matcher.unwrap_or(old.matcher),
        schedule: body.schedule.unwrap_or(old.schedule),
        enabled: body.enabled.unwrap_or(old.enabled),
    };
    check(&settings)?;
    table::update(&tx, id, &settings)
        .await
        .map_err(|error| refused(error, &settings.name))?;
    let data = view(&tx, id, now).await?;
    let old = seen(&WindowView::of(before, now));
    let changed = entry("maintenance_window.change", id.0, old, seen(&data));
    audit_logs::add(&tx, &caller.actor, changed).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// Deletes a maintenance window. What it holds back is told if its incident is not over.
#[utoipa::path(
    tag = "maintenance windows",
    security(("session" = ["developer"])),
    params(("id" = MaintenanceWindowId, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
#[delete("/api/maintenance-windows/{id}")]
pub(crate) async fn delete(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(id): PathId<MaintenanceWindowId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.windows").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let before = view(&tx, id, kit.clock.now()).await?;
    table::delete(&tx, id).await?;
    let deletion = entry("maintenance_window.delete", id.0, seen(&before), None);
    audit_logs::add(&tx, &caller.actor, deletion).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

const NOT_FOUND: ApiError = ApiError::NotFound {
    what: "maintenance window",
};

async fn view(
    tx: &TenantTx<'_>,
    id: MaintenanceWindowId,
    now: OffsetDateTime,
) -> Result<WindowView, ApiError> {
    let window = table::find(tx, id).await?.ok_or(NOT_FOUND)?;
    Ok(WindowView::of(window, now))
}

fn check(settings: &WindowSettings) -> Result<(), ApiError> {
    check_matcher(&settings.matcher)?;
    settings
        .schedule
        .check()
        .map_err(|error| ApiError::invalid(format!("schedule.{}", error.field()), error.to_string()))
}

fn refused(error: DbError, name: &Name) -> ApiError {
    if error.violates_unique(table::NAME_KEY) {
        ApiError::Conflict(format!(
            "there is a maintenance window named {name} already; choose another name"
        ))
    } else if error.violates_foreign_key() {
        NO_SUCH_PLACE
    } else {
        error.into()
    }
}
