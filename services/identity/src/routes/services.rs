//! Services of the active organisation.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use db::audit_logs;
use db::services::{self, Service, Settings};
use db::{TenantTx, environments};
use domain::ids::ServiceId;
use domain::name::{InvalidName, Name};
use domain::page::{Cursor, PageLimit};
use serde::{Deserialize, Serialize};
use service_kit::access::{Developer, Viewer};
use service_kit::body::{Change, JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::audit::{entry, seen};
use crate::keys;
use crate::organisations::{create_service, name_taken};
use crate::quotas::SERVICES_PER_ORG;
use crate::routes::environments::EnvironmentView;
use crate::service_settings::{Description, RepoUrl, RetentionDays};

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ServiceView {
    id: ServiceId,
    name: String,
    description: String,
    repo_url: Option<String>,
    /// How many days its logs are kept.
    retention_days: i32,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Service> for ServiceView {
    fn from(service: Service) -> Self {
        Self {
            id: service.id,
            name: service.name,
            description: service.description,
            repo_url: service.repo_url,
            retention_days: service.retention_days,
            created_at: service.created_at,
        }
    }
}

/// A service with its environments (its first hundred), oldest first.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceDetailView {
    #[serde(flatten)]
    service: ServiceView,
    environments: Vec<EnvironmentView>,
}

/// Services of the active organisation, oldest first.
#[utoipa::path(
    operation_id = "list_services",
    tag = "services",
    security(("session" = ["viewer"])),
    params(PageParams),
    responses((status = 200, body = Page<ServiceView>))
)]
#[get("/api/services")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, after) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("identity.services").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = services::list(&tx, after, limit).await?;
    let cursor = |service: &Service| Cursor {
        at: service.created_at,
        key: service.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, ServiceView::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateServiceRequest {
    name: Name,
    #[serde(default)]
    description: Description,
    repo_url: Option<RepoUrl>,
    /// 1 to 3650 days; 30 when absent.
    retention_days: Option<RetentionDays>,
}

/// Makes a service with the environments `production` and `staging`.
#[utoipa::path(
    operation_id = "create_service",
    tag = "services",
    security(("session" = ["developer"])),
    request_body = CreateServiceRequest,
    responses(
        (status = 201, body = Data<ServiceDetailView>),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[post("/api/services")]
pub(crate) async fn create(
    caller: Developer,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<CreateServiceRequest>,
) -> Result<HttpResponse, ApiError> {
    let settings = Settings {
        name: &body.name,
        description: body.description.as_str(),
        repo_url: body.repo_url.as_ref().map(RepoUrl::as_str),
        retention_days: body.retention_days.unwrap_or(RetentionDays::DEFAULT).days(),
    };
    let mut conn = kit.db.conn("identity.services").await?;
    let tx = conn.tenant(caller.org_id).await?;
    SERVICES_PER_ORG.admit(services::count(&tx).await?)?;
    let (service, environments) = create_service(&tx, &settings, &caller.actor).await?;
    tx.commit().await?;
    let data = ServiceDetailView {
        service: ServiceView::from(service),
        environments: environments.into_iter().map(EnvironmentView::from).collect(),
    };
    Ok(HttpResponse::Created().json(Data { data }))
}

/// One service with its environments.
#[utoipa::path(
    operation_id = "show_service",
    tag = "services",
    security(("session" = ["viewer"])),
    params(("id" = ServiceId, Path)),
    responses((status = 200, body = Data<ServiceDetailView>), (status = 404, body = ErrorBody))
)]
#[get("/api/services/{id}")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<ServiceId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("identity.services").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let service = require(&tx, id).await?;
    let mut environments = environments::list(&tx, id, None, PageLimit::DEFAULT).await?;
    environments.truncate(PageLimit::DEFAULT.rows());
    let data = ServiceDetailView {
        service: ServiceView::from(service),
        environments: environments.into_iter().map(EnvironmentView::from).collect(),
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// What is absent stays as it is; a `repo_url` of null takes the address away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeServiceRequest {
    name: Option<Name>,
    description: Option<Description>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uri")]
    repo_url: Change<RepoUrl>,
    retention_days: Option<RetentionDays>,
}

/// Changes a service. A shorter retention hides older logs at once.
#[utoipa::path(
    operation_id = "change_service",
    tag = "services",
    security(("session" = ["developer"])),
    params(("id" = ServiceId, Path)),
    request_body = ChangeServiceRequest,
    responses(
        (status = 200, body = Data<ServiceView>),
        (status = 404, body = ErrorBody),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[patch("/api/services/{id}")]
pub(crate) async fn change(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(id): PathId<ServiceId>,
    JsonBody(body): JsonBody<ChangeServiceRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("identity.services").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let before = lock(&tx, id).await?;
    let after = write(&tx, &before, &body).await?;
    if before.retention_days != after.retention_days {
        // Ingest caches the retention with the key.
        keys::announce_all_of(&tx, id, kit.clock.now()).await?;
    }
    if before != after {
        let (before, after) = (
            seen(&ServiceView::from(before)),
            seen(&ServiceView::from(after.clone())),
        );
        audit_logs::add(&tx, &caller.actor, entry("service.change", id.0, before, after)).await?;
    }
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Data {
        data: ServiceView::from(after),
    }))
}

async fn write(
    tx: &TenantTx<'_>,
    before: &Service,
    wanted: &ChangeServiceRequest,
) -> Result<Service, ApiError> {
    let old_name: Name = before
        .name
        .parse()
        .map_err(|error: InvalidName| ApiError::internal(error))?;
    let name = wanted.name.as_ref().unwrap_or(&old_name);
    let settings = Settings {
        name,
        description: wanted
            .description
            .as_ref()
            .map_or(before.description.as_str(), Description::as_str),
        repo_url: match &wanted.repo_url {
            Change::Keep => before.repo_url.as_deref(),
            Change::Clear => None,
            Change::Set(url) => Some(url.as_str()),
        },
        retention_days: wanted
            .retention_days
            .map_or(before.retention_days, RetentionDays::days),
    };
    services::update(tx, before.id, &settings)
        .await
        .map_err(|error| name_taken(error, name))?
        .ok_or(ApiError::NotFound { what: "service" })
}

/// Deletes a service with its environments, keys, rules and history. Its keys stop working everywhere, and its logs
/// disappear.
#[utoipa::path(
    operation_id = "delete_service",
    tag = "services",
    security(("session" = ["developer"])),
    params(("id" = ServiceId, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
#[delete("/api/services/{id}")]
pub(crate) async fn delete(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(id): PathId<ServiceId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("identity.services").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let service = lock(&tx, id).await?;
    keys::announce_all_of(&tx, id, kit.clock.now()).await?;
    services::delete(&tx, id).await?;
    let deletion = entry("service.delete", id.0, seen(&ServiceView::from(service)), None);
    audit_logs::add(&tx, &caller.actor, deletion).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The service, or 404.
pub(crate) async fn require(tx: &TenantTx<'_>, id: ServiceId) -> Result<Service, ApiError> {
    services::find(tx, id)
        .await?
        .ok_or(ApiError::NotFound { what: "service" })
}

async fn lock(tx: &TenantTx<'_>, id: ServiceId) -> Result<Service, ApiError> {
    services::lock(tx, id)
        .await?
        .ok_or(ApiError::NotFound { what: "service" })
}
