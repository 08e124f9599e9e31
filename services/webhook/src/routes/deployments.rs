//! Deployments: reported by CI with an API key, read by people.

use actix_web::{FromRequest as _, HttpRequest, HttpResponse, get, post, web};
use db::auth::{self, KeyRecord};
use db::deployments::{self as table, Deployment, DeploymentKey, Filter, HistoryRow};
use db::{TenantTx, environments};
use domain::api_key::KeyScope;
use domain::deployment::DeploymentStatus;
use domain::deployment_report::{Change, Provider};
use domain::ids::{DeploymentId, EnvironmentId, ServiceId};
use domain::name::Name;
use domain::page::Cursor;
use serde::{Deserialize, Serialize};
use service_kit::access::{Viewer, api_key_of};
use service_kit::body::{JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use crate::app::State;
use crate::deployments::{self, Recorded, storing_failed};
use crate::metrics;
use crate::reports::ReportRequest;

#[derive(Serialize, ToSchema)]
pub(crate) struct DeploymentView {
    id: DeploymentId,
    service_id: ServiceId,
    environment_id: EnvironmentId,
    provider: Provider,
    /// What the provider calls it.
    external_id: String,
    attempt: i32,
    status: DeploymentStatus,
    /// When the status was reached, by the provider's clock.
    #[serde(with = "time::serde::rfc3339")]
    status_at: OffsetDateTime,
    name: Option<String>,
    version: Option<String>,
    commit_sha: Option<String>,
    commit_message: Option<String>,
    #[serde(rename = "ref")]
    git_ref: Option<String>,
    actor: Option<String>,
    url: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Deployment> for DeploymentView {
    fn from(deployment: Deployment) -> Self {
        let standing = deployment.standing;
        let description = standing.description;
        Self {
            id: deployment.id,
            service_id: deployment.service_id,
            environment_id: standing.environment_id,
            provider: deployment.provider,
            external_id: deployment.external_id,
            attempt: standing.progress.attempt,
            status: standing.progress.status,
            status_at: standing.progress.at,
            name: description.name,
            version: description.version,
            commit_sha: description.commit_sha,
            commit_message: description.commit_message,
            git_ref: description.git_ref,
            actor: description.actor,
            url: description.url,
            started_at: standing.started_at,
            finished_at: standing.finished_at,
            created_at: deployment.created_at,
            updated_at: deployment.updated_at,
        }
    }
}

/// A deployment with what was reported about it, in the order in which it happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeploymentDetail {
    #[serde(flatten)]
    deployment: DeploymentView,
    history: Vec<HistoryView>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryView {
    attempt: i32,
    status: DeploymentStatus,
    /// By the provider's clock.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// When the report reached Sightline.
    #[serde(with = "time::serde::rfc3339")]
    recorded_at: OffsetDateTime,
}

impl From<HistoryRow> for HistoryView {
    fn from(row: HistoryRow) -> Self {
        Self {
            attempt: row.progress.attempt,
            status: row.progress.status,
            at: row.progress.at,
            recorded_at: row.recorded_at,
        }
    }
}

/// Reports a status of a deployment; for CI that is not GitHub. The service is the key's.
#[utoipa::path(
    tag = "deployments",
    security(("api_key" = ["deployments:write"])),
    request_body = ReportRequest,
    responses(
        (status = 201, description = "A new deployment", body = Data<DeploymentView>),
        (
            status = 200,
            description = "The deployment as it stands now; a late or repeated report changes nothing",
            body = Data<DeploymentView>
        ),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody)
    )
)]
#[post("/api/v1/deployments")]
pub(crate) async fn report(
    req: HttpRequest,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    body: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let turn = state.turnstile.enter().await?;
    let key = api_key_of(&req, KeyScope::DeploymentsWrite).await?;
    drop(turn);
    let JsonBody(body) = JsonBody::<ReportRequest>::from_request(&req, &mut body.into_inner()).await?;
    let turn = state.turnstile.enter().await?;
    let recorded = record(&kit, &key, &body).await?;
    drop(turn);
    state.outbox.notify_one();
    let mut response = if recorded.before.is_none() {
        HttpResponse::Created()
    } else {
        HttpResponse::Ok()
    };
    let data = DeploymentView::from(recorded.deployment);
    Ok(response.json(Data { data }))
}

async fn record(kit: &Kit, key: &KeyRecord, body: &ReportRequest) -> Result<Recorded, ApiError> {
    let (external_id, now) = (body.external_id()?, kit.clock.now());
    let mut conn = kit.db.conn("webhook.report").await?;
    auth::touch_api_keys(&conn, &[key.id]).await?;
    let tx = conn.tenant(key.scope.org_id).await?;
    let environment_id = match &body.environment {
        Some(name) => named(&tx, key.scope.service_id, name).await?,
        None => key.scope.environment_id,
    };
    let deployment = DeploymentKey {
        service_id: key.scope.service_id,
        provider: Provider::Api,
        external_id: &external_id,
    };
    let reported = body.report(environment_id, now)?;
    let recorded = deployments::record(&tx, deployment, reported, now).await;
    let recorded = recorded.map_err(storing_failed)?;
    tx.commit().await?;
    if recorded.change != Change::None {
        metrics::deployment_changed(Provider::Api, recorded.deployment.standing.progress.status);
    }
    Ok(recorded)
}

async fn named(tx: &TenantTx<'_>, service_id: ServiceId, name: &Name) -> Result<EnvironmentId, ApiError> {
    let known = environments::names(tx, service_id).await?;
    let found = known.iter().find(|(_, known)| known == name.as_str());
    found.map(|(id, _)| *id).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(_, name)| name.as_str()).collect();
        let message = format!(
            "is not an environment of the key's service; it has {}",
            names.join(", ")
        );
        ApiError::invalid("environment", message)
    })
}

/// What a list of deployments may be narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    service_id: Option<ServiceId>,
    environment_id: Option<EnvironmentId>,
    status: Option<DeploymentStatus>,
    /// Rows a page, 1 to 1000; 100 when absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before; absent for the first.
    cursor: Option<String>,
}

/// Deployments of the organisation, those reported first most recently on top.
#[utoipa::path(
    tag = "deployments",
    security(("session" = ["viewer"])),
    params(ListParams),
    responses((status = 200, body = Page<DeploymentView>), (status = 400, body = ErrorBody))
)]
#[get("/api/deployments")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<HttpResponse, ApiError> {
    let filter = Filter {
        service_id: params.service_id,
        environment_id: params.environment_id,
        status: params.status,
    };
    let page = PageParams {
        limit: params.limit,
        cursor: params.cursor,
    };
    let (limit, before) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("webhook.deployments").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = table::list(&tx, filter, before, limit).await?;
    let cursor = |row: &Deployment| Cursor {
        at: row.created_at,
        key: row.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, DeploymentView::from)))
}

/// One deployment with its history.
#[utoipa::path(
    tag = "deployments",
    security(("session" = ["viewer"])),
    params(("id" = DeploymentId, Path)),
    responses((status = 200, body = Data<DeploymentDetail>), (status = 404, body = ErrorBody))
)]
#[get("/api/deployments/{id}")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<DeploymentId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("webhook.deployment").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let found = table::find(&tx, id).await?;
    let deployment = found.ok_or(ApiError::NotFound { what: "deployment" })?;
    let history = table::history(&tx, id).await?;
    let data = DeploymentDetail {
        deployment: deployment.into(),
        history: history.into_iter().map(HistoryView::from).collect(),
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}
