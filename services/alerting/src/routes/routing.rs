//! Routes: who is told of which incidents, in order; and the question who would be told.

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use db::audit_logs::{self, Entry};
use db::notification_routes::{self, Route, RouteSettings};
use db::{DbError, TenantTx, incidents, scopes};
use domain::alerting::channel::ChannelType;
use domain::alerting::labels::Labels;
use domain::alerting::matcher::{Matcher, Subject};
use domain::alerting::routing::{ChosenBy, HeldBack};
use domain::ids::{AlertRuleId, ChannelId, EnvironmentId, RouteId, ServiceId};
use domain::name::Name;
use domain::severity::Severity;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::access::{Developer, Viewer};
use service_kit::body::{JsonBody, PathId};
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::audit::{entry, seen};
use crate::{policy, quotas};

/// Channels that one route may tell.
const MAX_CHANNELS: usize = 50;

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct RouteView {
    id: RouteId,
    name: String,
    matcher: Matcher,
    /// Whom it tells; nobody when empty.
    channel_ids: Vec<ChannelId>,
    /// Whether the routes behind it are asked as well when it matches.
    continues: bool,
    enabled: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Route> for RouteView {
    fn from(route: Route) -> Self {
        Self {
            id: route.id,
            name: route.settings.name.to_string(),
            matcher: route.settings.matcher,
            channel_ids: route.settings.channel_ids,
            continues: route.settings.continues,
            enabled: route.settings.enabled,
            created_at: route.created_at,
            updated_at: route.updated_at,
        }
    }
}

/// All routes in the order in which they are asked. Where none matches, every channel is told.
#[utoipa::path(
    tag = "routing",
    security(("session" = ["viewer"])),
    responses((status = 200, body = Data<Vec<RouteView>>))
)]
#[get("/api/routing/routes")]
pub(crate) async fn list(caller: Viewer, kit: web::Data<Kit>) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.routes").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let routes = notification_routes::list(&tx).await?;
    let data: Vec<RouteView> = routes.into_iter().map(RouteView::from).collect();
    Ok(HttpResponse::Ok().json(Data { data }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "payments, urgent", "matcher": {"min_severity": "high", "labels": {"team": "payments"}},
    "channel_ids": ["6d6e2a0c-5c1d-4c64-9b0e-0d6c5f1f2a3b"]}))]
struct CreateRouteRequest {
    name: Name,
    /// What must hold of an incident; everything matches when absent.
    #[serde(default)]
    matcher: Matcher,
    /// Whom it tells; an empty list tells nobody.
    channel_ids: Vec<ChannelId>,
    /// False when absent.
    #[serde(default)]
    continues: bool,
    /// True when absent.
    enabled: Option<bool>,
}

/// Makes a route behind all others.
#[utoipa::path(
    tag = "routing",
    security(("session" = ["developer"])),
    request_body = CreateRouteRequest,
    responses(
        (status = 201, body = Data<RouteView>),
        (status = 404, description = "no such channel, service, environment or rule", body = ErrorBody),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[post("/api/routing/routes")]
pub(crate) async fn create(
    caller: Developer,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<CreateRouteRequest>,
) -> Result<HttpResponse, ApiError> {
    let settings = RouteSettings {
        name: body.name,
        matcher: body.matcher,
        channel_ids: body.channel_ids,
        continues: body.continues,
        enabled: body.enabled.unwrap_or(true),
    };
    check(&settings)?;
    let mut conn = kit.db.conn("alerting.routes").await?;
    let tx = conn.tenant(caller.org_id).await?;
    notification_routes::lock(&tx).await?;
    let existing = notification_routes::list(&tx).await?;
    quotas::admit_route(existing.len() as i64)?;
    let position = existing.last().map_or(1, |last| last.position + 1);
    let id = notification_routes::create(&tx, position, &settings)
        .await
        .map_err(|error| refused(error, &settings.name))?;
    let data = view(&tx, id).await?;
    audit_logs::add(&tx, &caller.actor, entry("route.create", id.0, None, seen(&data))).await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().json(Data { data }))
}

/// What is absent stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeRouteRequest {
    name: Option<Name>,
    /// Replaces the whole matcher.
    matcher: Option<Matcher>,
    channel_ids: Option<Vec<ChannelId>>,
    continues: Option<bool>,
    enabled: Option<bool>,
}

/// Changes a route.
#[utoipa::path(
    tag = "routing",
    security(("session" = ["developer"])),
    params(("id" = RouteId, Path)),
    request_body = ChangeRouteRequest,
    responses(
        (status = 200, body = Data<RouteView>),
        (status = 404, body = ErrorBody),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[patch("/api/routing/routes/{id}")]
pub(crate) async fn change(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(id): PathId<RouteId>,
    JsonBody(body): JsonBody<ChangeRouteRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.routes").await?;
    let tx = conn.tenant(caller.org_id).await?;
    notification_routes::lock(&tx).await?;
    let before = notification_routes::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    let old = before.settings.clone();
    let settings = RouteSettings {
        name: body.name.unwrap_or(old.name),
        matcher: body.matcher.unwrap_or(old.matcher),
        channel_ids: body.channel_ids.unwrap_or(old.channel_ids),
        continues: body.continues.unwrap_or(old.continues),
        enabled: body.enabled.unwrap_or(old.enabled),
    };
    check(&settings)?;
    notification_routes::update(&tx, id, &settings)
        .await
        .map_err(|error| refused(error, &settings.name))?;
    let data = view(&tx, id).await?;
    let changed = entry("route.change", id.0, seen(&RouteView::from(before)), seen(&data));
    audit_logs::add(&tx, &caller.actor, changed).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// Deletes a route.
#[utoipa::path(
    tag = "routing",
    security(("session" = ["developer"])),
    params(("id" = RouteId, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
#[delete("/api/routing/routes/{id}")]
pub(crate) async fn delete(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(id): PathId<RouteId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.routes").await?;
    let tx = conn.tenant(caller.org_id).await?;
    notification_routes::lock(&tx).await?;
    let before = view(&tx, id).await?;
    notification_routes::delete(&tx, id).await?;
    audit_logs::add(
        &tx,
        &caller.actor,
        entry("route.delete", id.0, seen(&before), None),
    )
    .await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderRequest {
    /// Every route once, in the order in which they are to be asked.
    ids: Vec<RouteId>,
}

/// Puts the routes into an order.
#[utoipa::path(
    tag = "routing",
    security(("session" = ["developer"])),
    request_body = OrderRequest,
    responses(
        (status = 200, body = Data<Vec<RouteView>>),
        (status = 409, description = "the list is not the one of all routes", body = ErrorBody),
    )
)]
#[put("/api/routing/order")]
pub(crate) async fn reorder(
    caller: Developer,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<OrderRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.routes").await?;
    let tx = conn.tenant(caller.org_id).await?;
    notification_routes::lock(&tx).await?;
    let before: Vec<RouteId> = notification_routes::list(&tx)
        .await?
        .iter()
        .map(|route| route.id)
        .collect();
    let sorted = |ids: &[RouteId]| {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids
    };
    if sorted(&before) != sorted(&body.ids) {
        let message =
            "ids must name every route once; read the routes again, since somebody may have changed them";
        return Err(ApiError::Conflict(message.into()));
    }
    notification_routes::reorder(&tx, &body.ids).await?;
    let order = Entry {
        action: "route.reorder",
        target_type: "route",
        target_id: None,
        before: Some(json!(before)),
        after: Some(json!(body.ids)),
    };
    audit_logs::add(&tx, &caller.actor, order).await?;
    let routes = notification_routes::list(&tx).await?;
    tx.commit().await?;
    let data: Vec<RouteView> = routes.into_iter().map(RouteView::from).collect();
    Ok(HttpResponse::Ok().json(Data { data }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"severity": "high", "labels": {"team": "payments"}, "at": "2026-11-29T02:30:00Z"}))]
struct PreviewRequest {
    severity: Severity,
    service_id: Option<ServiceId>,
    /// Needs service_id.
    environment_id: Option<EnvironmentId>,
    rule_id: Option<AlertRuleId>,
    #[serde(default)]
    labels: Labels,
    /// Now when absent. Silences that begin until then count; those that are over by now do not.
    #[serde(default, with = "time::serde::rfc3339::option")]
    at: Option<OffsetDateTime>,
}

/// Whether one channel would be told.
#[derive(Debug, Serialize, ToSchema)]
struct WouldBeTold {
    channel_id: ChannelId,
    channel_name: String,
    channel_type: ChannelType,
    told: bool,
    chosen_by: ChosenBy,
    /// What would hold it back; null when it is told.
    held: Option<HeldBack>,
}

/// Who would be told if such an incident opened. Channels that nothing chooses are not listed.
#[utoipa::path(
    tag = "routing",
    security(("session" = ["viewer"])),
    request_body = PreviewRequest,
    responses((status = 200, body = Data<Vec<WouldBeTold>>), (status = 404, body = ErrorBody))
)]
#[post("/api/routing/preview")]
pub(crate) async fn preview(
    caller: Viewer,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<PreviewRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.routes").await?;
    let tx = conn.tenant(caller.org_id).await?;
    if body.service_id.is_some() {
        let found = scopes::list_within(&tx, body.service_id, body.environment_id).await?;
        if found.is_empty() {
            return Err(NO_SUCH_PLACE);
        }
    } else if body.environment_id.is_some() {
        return Err(ApiError::invalid(
            "environment_id",
            "needs service_id: an environment belongs to one service",
        ));
    }
    if let Some(rule_id) = body.rule_id {
        let rule = db::alert_rules::find(&tx, rule_id).await?;
        rule.ok_or(ApiError::NotFound { what: "alert rule" })?;
    }
    let at = match body.at {
        Some(at) => at,
        None => incidents::clock(&tx).await?,
    };
    let policy = policy::load(&tx, at).await?;
    let subject = Subject {
        severity: body.severity,
        service_id: body.service_id,
        environment_id: body.environment_id,
        rule_id: body.rule_id,
        labels: body.labels,
    };
    let targets = policy.opened(&subject, at);
    let data: Vec<WouldBeTold> = targets
        .into_iter()
        .filter_map(|target| {
            let channel = policy
                .channels
                .iter()
                .find(|channel| channel.id == target.channel_id)?;
            Some(WouldBeTold {
                channel_id: channel.id,
                channel_name: channel.name.clone(),
                channel_type: channel.kind,
                told: target.held.is_none(),
                chosen_by: target.chosen_by,
                held: target.held,
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(Data { data }))
}

const NOT_FOUND: ApiError = ApiError::NotFound { what: "route" };
/// What a foreign key refused: it never says which, since another tenant's ids are as unknown as any.
pub(super) const NO_SUCH_PLACE: ApiError = ApiError::NotFound {
    what: "the service, environment, rule or channel",
};

async fn view(tx: &TenantTx<'_>, id: RouteId) -> Result<RouteView, ApiError> {
    let route = notification_routes::find(tx, id).await?;
    route.map(RouteView::from).ok_or(NOT_FOUND)
}

fn check(settings: &RouteSettings) -> Result<(), ApiError> {
    check_matcher(&settings.matcher)?;
    let mut ids = settings.channel_ids.clone();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < settings.channel_ids.len() || ids.len() > MAX_CHANNELS {
        let message = format!("must be at most {MAX_CHANNELS} channels, each once");
        return Err(ApiError::invalid("channel_ids", message));
    }
    Ok(())
}

pub(super) fn check_matcher(matcher: &Matcher) -> Result<(), ApiError> {
    matcher
        .check()
        .map_err(|error| ApiError::invalid(format!("matcher.{}", error.field()), error.to_string()))
}

fn refused(error: DbError, name: &Name) -> ApiError {
    if error.violates_unique(notification_routes::NAME_KEY) {
        ApiError::Conflict(format!(
            "there is a route named {name} already; choose another name"
        ))
    } else if error.violates_foreign_key() {
        NO_SUCH_PLACE
    } else {
        error.into()
    }
}
