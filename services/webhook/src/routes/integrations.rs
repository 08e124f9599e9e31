//! The GitHub integration of a service.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, HttpResponseBuilder, delete, get, put, web};
use db::github_integrations::Settings;
use domain::github::{EnvironmentMapping, RepoPart};
use domain::ids::{IntegrationId, ServiceId};
use serde::{Deserialize, Serialize};
use service_kit::access::{Developer, Viewer};
use service_kit::body::{JsonBody, PathId};
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::OffsetDateTime;
use url::Url;
use utoipa::ToSchema;

use crate::app::State;
use crate::integrations::{self, Saved, Wanted};

#[derive(Serialize, ToSchema)]
pub(crate) struct IntegrationView {
    id: IntegrationId,
    service_id: ServiceId,
    repo_owner: RepoPart,
    repo_name: RepoPart,
    environment_mapping: EnvironmentMapping,
    /// Names in the mapping that the service has no environment of: what they lead to is ignored.
    unknown_environments: Vec<String>,
    /// The payload URL to enter at GitHub.
    webhook_url: String,
    /// The secret to enter at GitHub. Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl IntegrationView {
    fn new(saved: Saved, public_url: &Url) -> Self {
        let Saved {
            integration,
            secret,
            unknown_environments,
            created: _,
        } = saved;
        let base = public_url.as_str().trim_end_matches('/');
        Self {
            webhook_url: format!("{base}/api/v1/webhooks/github/{}", integration.id),
            id: integration.id,
            service_id: integration.service_id,
            repo_owner: integration.settings.repo_owner,
            repo_name: integration.settings.repo_name,
            environment_mapping: integration.settings.environment_mapping,
            unknown_environments,
            secret,
            created_at: integration.created_at,
            updated_at: integration.updated_at,
        }
    }
}

/// An answer that may hold a secret; nothing on the way may keep it.
fn answer(mut response: HttpResponseBuilder, saved: Saved, state: &State) -> HttpResponse {
    let data = IntegrationView::new(saved, &state.public_url);
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(Data { data })
}

/// The integration of a service, without its secret.
#[utoipa::path(
    tag = "github",
    security(("session" = ["viewer"])),
    params(("id" = ServiceId, Path)),
    responses((status = 200, body = Data<IntegrationView>), (status = 404, body = ErrorBody))
)]
#[get("/api/services/{id}/github")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(service_id): PathId<ServiceId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("webhook.integration").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let saved = integrations::of_service(&tx, service_id).await?;
    Ok(answer(HttpResponse::Ok(), saved, &state))
}

/// The repository whose webhook tells of the service's deployments.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveIntegrationRequest {
    repo_owner: RepoPart,
    repo_name: RepoPart,
    /// Leads workflows (by name), branches and GitHub environments to environments of the service; `"*"` stands for any
    /// other, `null` for "not a deployment". When absent, a mapping that was set before stays.
    environment_mapping: Option<EnvironmentMapping>,
    /// Makes a new secret; the old one is refused from then on.
    #[serde(default)]
    rotate_secret: bool,
}

impl From<SaveIntegrationRequest> for Wanted {
    fn from(request: SaveIntegrationRequest) -> Self {
        Self {
            keep_mapping: request.environment_mapping.is_none(),
            rotate_secret: request.rotate_secret,
            settings: Settings {
                repo_owner: request.repo_owner,
                repo_name: request.repo_name,
                environment_mapping: request.environment_mapping.unwrap_or_default(),
            },
        }
    }
}

/// Connects a service to a repository, or changes the connection. The answer that makes a secret shows it, once.
#[utoipa::path(
    tag = "github",
    security(("session" = ["developer"])),
    params(("id" = ServiceId, Path)),
    request_body = SaveIntegrationRequest,
    responses(
        (status = 201, description = "Connected; with the secret", body = Data<IntegrationView>),
        (status = 200, description = "Changed; with a new secret if one was asked for", body = Data<IntegrationView>),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody)
    )
)]
#[put("/api/services/{id}/github")]
pub(crate) async fn save(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(service_id): PathId<ServiceId>,
    JsonBody(body): JsonBody<SaveIntegrationRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("webhook.save_integration").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let saved = integrations::save(&tx, &state.sealer, &caller.actor, service_id, body.into()).await?;
    tx.commit().await?;
    let response = if saved.created {
        HttpResponse::Created()
    } else {
        HttpResponse::Ok()
    };
    Ok(answer(response, saved, &state))
}

/// Disconnects a service: deliveries are refused from then on, and those received are forgotten. Deployments stay.
#[utoipa::path(
    tag = "github",
    security(("session" = ["developer"])),
    params(("id" = ServiceId, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
#[delete("/api/services/{id}/github")]
pub(crate) async fn delete(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(service_id): PathId<ServiceId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("webhook.delete_integration").await?;
    let tx = conn.tenant(caller.org_id).await?;
    integrations::delete(&tx, &caller.actor, service_id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}
