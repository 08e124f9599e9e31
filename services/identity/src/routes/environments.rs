//! Environments of a service.

use actix_web::{HttpResponse, get, post, web};
use db::audit_logs;
use db::environments::{self, Environment};
use domain::ids::{EnvironmentId, ServiceId};
use domain::name::Name;
use domain::page::Cursor;
use serde::{Deserialize, Serialize};
use service_kit::access::{Developer, Viewer};
use service_kit::body::{JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::audit::{entry, seen};
use crate::quotas::ENVIRONMENTS_PER_SERVICE;
use crate::routes::services;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EnvironmentView {
    id: EnvironmentId,
    service_id: ServiceId,
    name: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Environment> for EnvironmentView {
    fn from(environment: Environment) -> Self {
        Self {
            id: environment.id,
            service_id: environment.service_id,
            name: environment.name,
            created_at: environment.created_at,
        }
    }
}

/// Environments of a service, oldest first.
#[utoipa::path(
    operation_id = "list_environments",
    tag = "services",
    security(("session" = ["viewer"])),
    params(("id" = ServiceId, Path), PageParams),
    responses((status = 200, body = Page<EnvironmentView>), (status = 404, body = ErrorBody))
)]
#[get("/api/services/{id}/environments")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(service_id): PathId<ServiceId>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, after) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("identity.environments").await?;
    let tx = conn.tenant(caller.org_id).await?;
    services::require(&tx, service_id).await?;
    let rows = environments::list(&tx, service_id, after, limit).await?;
    let cursor = |environment: &Environment| Cursor {
        at: environment.created_at,
        key: environment.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, EnvironmentView::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateEnvironmentRequest {
    name: Name,
}

/// Makes an environment.
#[utoipa::path(
    operation_id = "create_environment",
    tag = "services",
    security(("session" = ["developer"])),
    params(("id" = ServiceId, Path)),
    request_body = CreateEnvironmentRequest,
    responses(
        (status = 201, body = Data<EnvironmentView>),
        (status = 404, body = ErrorBody),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[post("/api/services/{id}/environments")]
pub(crate) async fn create(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(service_id): PathId<ServiceId>,
    JsonBody(body): JsonBody<CreateEnvironmentRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("identity.environments").await?;
    let tx = conn.tenant(caller.org_id).await?;
    services::require(&tx, service_id).await?;
    ENVIRONMENTS_PER_SERVICE.admit(environments::count(&tx, service_id).await?)?;
    let environment = match environments::create(&tx, service_id, &body.name).await {
        Ok(environment) => EnvironmentView::from(environment),
        Err(error) if error.violates_unique(environments::NAME_KEY) => {
            return Err(ApiError::Conflict(format!(
                "this service has an environment named {:?} already; choose another name",
                body.name.as_str()
            )));
        }
        // Deleted at this very moment.
        Err(error) if error.violates_foreign_key() => return Err(ApiError::NotFound { what: "service" }),
        Err(error) => return Err(error.into()),
    };
    let created = entry("environment.create", environment.id.0, None, seen(&environment));
    audit_logs::add(&tx, &caller.actor, created).await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().json(Data { data: environment }))
}
