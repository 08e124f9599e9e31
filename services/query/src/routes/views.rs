//! `/api/logs/views`: searches that people keep under a name.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use db::saved_views::{self, SavedView, ViewSettings};
use domain::ids::{SavedViewId, UserId};
use domain::name::Name;
use domain::page::Cursor;
use domain::saved_view::{Columns, QueryText, ViewParams};
use serde::{Deserialize, Serialize};
use service_kit::access::Viewer;
use service_kit::body::{Change, JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::{ask, time_range, views};

/// A saved view.
#[derive(Serialize, ToSchema)]
pub(crate) struct ViewView {
    id: SavedViewId,
    /// The owner; `GET /api/members` knows the name.
    user_id: UserId,
    /// Whether the caller owns it.
    mine: bool,
    #[schema(example = "checkout errors")]
    name: String,
    #[schema(example = "card_declined")]
    q: String,
    #[schema(example = "checkout")]
    service: Option<Name>,
    #[schema(example = "production")]
    environment: Option<Name>,
    #[schema(example = "error,fatal")]
    level: Option<Name>,
    #[schema(example = "-1h")]
    from: Option<Name>,
    to: Option<Name>,
    columns: Columns,
    /// Whether every member sees it, or its owner only.
    shared: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl ViewView {
    pub(crate) fn of(view: SavedView, reader: UserId) -> Self {
        let ViewSettings {
            name,
            is_shared,
            q,
            params,
        } = view.settings;
        Self {
            id: view.id,
            user_id: view.user_id,
            mine: view.user_id == reader,
            name: name.into(),
            q: q.into(),
            service: params.service,
            environment: params.environment,
            level: params.level,
            from: params.from,
            to: params.to,
            columns: params.columns,
            shared: is_shared,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

/// The caller's views and those that others share, newest first.
#[utoipa::path(
    operation_id = "list_views",
    tag = "views",
    params(PageParams),
    responses((status = 200, body = Page<ViewView>)),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/views")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, before) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("query.views").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = saved_views::list(&tx, caller.user_id, before, limit).await?;
    let cursor = |view: &SavedView| Cursor {
        at: view.created_at,
        key: view.id.0,
    };
    let view = |view| ViewView::of(view, caller.user_id);
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, view)))
}

/// The parameters of a search as `GET /api/logs/query` takes them, kept as they were typed: relative times stay relative.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateViewRequest {
    /// One name an owner.
    name: Name,
    #[serde(default)]
    q: QueryText,
    /// A service by its name.
    service: Option<Name>,
    /// An environment by its name.
    environment: Option<Name>,
    /// Levels, comma-separated.
    #[schema(example = "error,fatal")]
    level: Option<Name>,
    #[schema(example = "-1h")]
    from: Option<Name>,
    to: Option<Name>,
    /// Columns to show, in order; the client's default when absent.
    #[serde(default)]
    columns: Columns,
    /// Whether every member sees it; sharing needs the developer role.
    #[serde(default)]
    shared: bool,
}

impl CreateViewRequest {
    fn settings(self, now: OffsetDateTime) -> Result<ViewSettings, ApiError> {
        let settings = ViewSettings {
            name: self.name,
            is_shared: self.shared,
            q: self.q,
            params: ViewParams {
                service: self.service,
                environment: self.environment,
                level: self.level,
                from: self.from,
                to: self.to,
                columns: self.columns,
            },
        };
        makes_sense(&settings.params, now)?;
        Ok(settings)
    }
}

/// Refuses levels and times that no search would take at any time. A service or environment may be made later, two times
/// may be in order on one day only, and the text is read when the view is opened.
fn makes_sense(params: &ViewParams, now: OffsetDateTime) -> Result<(), ApiError> {
    ask::levels(params.level.as_ref().map(Name::as_str))?;
    time_range::read("from", params.from.as_ref().map(Name::as_str), now)?;
    time_range::read("to", params.to.as_ref().map(Name::as_str), now)?;
    Ok(())
}

/// Saves a view of the caller's.
#[utoipa::path(
    operation_id = "create_view",
    tag = "views",
    request_body = CreateViewRequest,
    responses(
        (status = 201, body = Data<ViewView>),
        (status = 400, description = "A field makes no sense; it is named", body = ErrorBody),
        (status = 403, description = "Sharing needs the developer role", body = ErrorBody),
        (status = 409, description = "The caller has a view of this name, or 200 of them", body = ErrorBody),
    ),
    security(("session" = ["viewer"])),
)]
#[post("/api/logs/views")]
pub(crate) async fn create(
    caller: Viewer,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<CreateViewRequest>,
) -> Result<HttpResponse, ApiError> {
    let settings = body.settings(kit.clock.now())?;
    let mut conn = kit.db.conn("query.views").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let view = views::create(&tx, &caller, &settings).await?;
    tx.commit().await?;
    let data = ViewView::of(view, caller.user_id);
    Ok(HttpResponse::Created().json(Data { data }))
}

/// One view: the caller's own, or a shared one.
#[utoipa::path(
    operation_id = "show_view",
    tag = "views",
    params(("id" = SavedViewId, Path)),
    responses((status = 200, body = Data<ViewView>), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/views/{id}")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<SavedViewId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("query.views").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let data = ViewView::of(views::find(&tx, &caller, id).await?, caller.user_id);
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// What is absent stays as it is; null takes a service, environment, level or time away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeViewRequest {
    name: Option<Name>,
    q: Option<QueryText>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    service: Change<Name>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    environment: Change<Name>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    level: Change<Name>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    from: Change<Name>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    to: Change<Name>,
    columns: Option<Columns>,
    shared: Option<bool>,
}

impl ChangeViewRequest {
    fn apply(self, before: &ViewSettings, now: OffsetDateTime) -> Result<ViewSettings, ApiError> {
        let ViewSettings {
            name,
            is_shared,
            q,
            params,
        } = before.clone();
        let settings = ViewSettings {
            name: self.name.unwrap_or(name),
            is_shared: self.shared.unwrap_or(is_shared),
            q: self.q.unwrap_or(q),
            params: ViewParams {
                service: self.service.apply(params.service),
                environment: self.environment.apply(params.environment),
                level: self.level.apply(params.level),
                from: self.from.apply(params.from),
                to: self.to.apply(params.to),
                columns: self.columns.unwrap_or(params.columns),
            },
        };
        makes_sense(&settings.params, now)?;
        Ok(settings)
    }
}

/// Changes a view: its owner, or an admin if it is shared. A view that is shared afterwards needs the developer role.
#[utoipa::path(
    operation_id = "change_view",
    tag = "views",
    params(("id" = SavedViewId, Path)),
    request_body = ChangeViewRequest,
    responses(
        (status = 200, body = Data<ViewView>),
        (status = 400, description = "A field makes no sense; it is named", body = ErrorBody),
        (status = 403, description = "It is somebody else's, or sharing needs the developer role", body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "Its owner has a view of this name", body = ErrorBody),
    ),
    security(("session" = ["viewer"])),
)]
#[patch("/api/logs/views/{id}")]
pub(crate) async fn change(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<SavedViewId>,
    JsonBody(body): JsonBody<ChangeViewRequest>,
) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut conn = kit.db.conn("query.views").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let view = views::change(&tx, &caller, id, |before| body.apply(before, now)).await?;
    tx.commit().await?;
    let data = ViewView::of(view, caller.user_id);
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// Deletes a view: its owner, or an admin if it is shared.
#[utoipa::path(
    operation_id = "delete_view",
    tag = "views",
    params(("id" = SavedViewId, Path)),
    responses(
        (status = 204),
        (status = 403, description = "It is somebody else's", body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
    security(("session" = ["viewer"])),
)]
#[delete("/api/logs/views/{id}")]
pub(crate) async fn delete(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<SavedViewId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("query.views").await?;
    let tx = conn.tenant(caller.org_id).await?;
    views::delete(&tx, &caller, id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}
