//! `GET /api/logs/query`.

use actix_web::{get, web};
use db::scopes;
use domain::page::Cursor;
use logstore::reader::{Order, Plan};
use serde::{Deserialize, Serialize};
use service_kit::access::Viewer;
use service_kit::body::QueryParamsOf;
use service_kit::page::PageParams;
use service_kit::{ApiError, Kit};
use utoipa::{IntoParams, ToSchema};

use crate::answer::{LineView, SearchRefusals, StatsView};
use crate::app::State;
use crate::ask::LogFilter;
use crate::metrics;

/// Which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchParams {
    /// `newest` first, which is the default, or `oldest`.
    #[param(inline, example = "newest")]
    order: Option<OrderName>,
    /// Lines a page, 1 to 1000; 100 when absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before, with the same other parameters; absent for the first.
    cursor: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrderName {
    Newest,
    Oldest,
}

impl From<OrderName> for Order {
    fn from(name: OrderName) -> Self {
        match name {
            OrderName::Newest => Self::NewestFirst,
            OrderName::Oldest => Self::OldestFirst,
        }
    }
}

/// One page of lines, in the order that was asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchAnswer {
    data: Vec<LineView>,
    /// Goes on after the last line; null when everything was read. A page may be empty and still have one, when it is
    /// partial.
    next_cursor: Option<String>,
    stats: StatsView,
}

/// Searches the organisation's log lines, newest or oldest first. Pages stay stable while lines arrive and are merged.
#[utoipa::path(
    operation_id = "search_logs",
    tag = "logs",
    params(LogFilter, SearchParams),
    responses(
        (status = 200, body = SearchAnswer, example = json!({
            "data": [{
                "id": "C5pPDkOlT2qbYWqPXRwud0iwDk7x7oAAAAAAAAAAvEk", "timestamp": "2026-01-31T11:59:58.123456Z", "level": "error",
                "message": "payment for order 4711 failed: card_declined", "meta": {"order": 4711},
                "trace_id": "0af7651916cd43dd8448eb211c80319c", "request_id": null,
                "service_id": "6d6e2a0c-94a1-4d5c-8f0e-1c1d7f3f8a11", "service": "checkout",
                "environment_id": "0b9a4f0e-43a5-4f6a-9b61-6a8f5d1c2e77", "environment": "production"
            }],
            "next_cursor": "MS4xNzY5ODYwNzk4MTIzNDU2LjQ4MjAx",
            "stats": {"rows_scanned": 4096, "blocks_read": 1, "blocks_pruned": 11, "bytes_read": 131_072, "elapsed_ms": 3, "watermark": "2026-01-31T12:00:00.000001Z", "partial": false, "partial_reason": null}
        })),
        SearchRefusals,
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/query")]
pub(crate) async fn query(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParamsOf<LogFilter, SearchParams>,
) -> Result<web::Json<SearchAnswer>, ApiError> {
    let QueryParamsOf(filter, params) = params;
    let ask = filter.read(kit.clock.now())?;
    let page = PageParams {
        limit: params.limit,
        cursor: params.cursor,
    };
    let (limit, cursor) = (page.limit()?.rows(), page.cursor()?);
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.search").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let chosen = ask.choose(scopes::list(&tx).await?)?;
    let plan = Plan {
        order: params.order.unwrap_or(OrderName::Newest).into(),
        limit,
        cursor,
        ..ask.plan(&chosen, state.budget)
    };
    let found = state.reader.search(&tx, &plan).await?;
    tx.commit().await?;
    metrics::search_finished(&found.stats);
    Ok(web::Json(SearchAnswer {
        next_cursor: found.next.as_ref().map(Cursor::encode),
        stats: StatsView::from(&found.stats),
        data: found
            .lines
            .into_iter()
            .map(|line| LineView::new(line, &chosen))
            .collect(),
    }))
}
