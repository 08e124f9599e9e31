//! What arrived, what became of it, and applying it again.

use actix_web::{HttpResponse, get, post, web};
use db::webhook_deliveries::{self, Delivery};
use domain::deployment_report::Provider;
use domain::github::DeliveryStatus;
use domain::ids::{DeliveryId, DeploymentId, IntegrationId, ServiceId};
use domain::page::Cursor;
use serde::{Deserialize, Serialize};
use service_kit::access::{Developer, Viewer};
use service_kit::body::{PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use crate::app::State;
use crate::deliveries;

#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    id: DeliveryId,
    integration_id: IntegrationId,
    service_id: ServiceId,
    provider: Provider,
    /// The provider's own id of it.
    delivery_id: String,
    event: String,
    status: DeliveryStatus,
    /// The status in words, with the reason.
    detail: String,
    deployment_id: Option<DeploymentId>,
    /// How often it was applied: once, and once more per replay.
    attempts: i32,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            integration_id: delivery.integration_id,
            service_id: delivery.service_id,
            provider: delivery.provider,
            delivery_id: delivery.delivery_id,
            event: delivery.event,
            status: delivery.outcome.status,
            detail: delivery.outcome.detail,
            deployment_id: delivery.outcome.deployment_id,
            attempts: delivery.attempts,
            created_at: delivery.created_at,
        }
    }
}

/// What a list of deliveries may be narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    status: Option<DeliveryStatus>,
    /// Rows a page, 1 to 1000; 100 when absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before; absent for the first.
    cursor: Option<String>,
}

/// Deliveries to the organisation's integrations, newest first.
#[utoipa::path(
    tag = "webhooks",
    security(("session" = ["viewer"])),
    params(ListParams),
    responses((status = 200, body = Page<DeliveryView>), (status = 400, body = ErrorBody))
)]
#[get("/api/webhooks/deliveries")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<HttpResponse, ApiError> {
    let page = PageParams {
        limit: params.limit,
        cursor: params.cursor,
    };
    let (limit, before) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("webhook.deliveries").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = webhook_deliveries::list(&tx, params.status, before, limit).await?;
    let cursor = |row: &Delivery| Cursor {
        at: row.created_at,
        key: row.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, DeliveryView::from)))
}

/// Applies a stored delivery again, by the environment mapping of now. What it tells is as old as it was: it cannot
/// undo what came later.
#[utoipa::path(
    tag = "webhooks",
    security(("session" = ["developer"])),
    params(("id" = DeliveryId, Path)),
    responses((status = 200, body = Data<DeliveryView>), (status = 404, body = ErrorBody))
)]
#[post("/api/webhooks/deliveries/{id}/replay")]
pub(crate) async fn replay(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<DeliveryId>,
) -> Result<HttpResponse, ApiError> {
    let delivery = deliveries::replay(&kit, caller.org_id, &caller.actor, id).await?;
    state.outbox.notify_one();
    let data = DeliveryView::from(delivery);
    Ok(HttpResponse::Ok().json(Data { data }))
}
