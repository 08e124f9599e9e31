//! One line, and what was logged around it.

use actix_web::{get, web};
use db::{TenantTx, scopes};
use domain::line_id::LineId;
use domain::page::Cursor;
use domain::query::{Expr, Query};
use logstore::reader::{Line, Order, Plan, Reader};
use serde::{Deserialize, Serialize};
use service_kit::access::Viewer;
use service_kit::body::{PathId, QueryParams};
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::Duration;
use utoipa::{IntoParams, ToSchema};

use crate::answer::LineView;
use crate::app::State;
use crate::ask::{Ask, Chosen, ScopeFilter};
use crate::time_range::TimeRange;

const NOT_FOUND: ApiError = ApiError::NotFound { what: "log line" };

/// How far before and after the line its neighbours may lie.
const REACH: Duration = Duration::days(1);

/// Shows one line: where a link to it leads.
#[utoipa::path(
    operation_id = "get_log_line",
    tag = "logs",
    params(("id" = String, Path, description = "Of the line, as searches show it")),
    responses(
        (status = 200, body = Data<LineView>),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 404, description = "No such line in this organisation, or its retention is over", body = ErrorBody),
        (status = 429, description = "The organisation runs too many searches at once", body = ErrorBody),
        (status = 503, description = "The database is away or busy", body = ErrorBody),
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/lines/{id}")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    id: PathId<String>,
) -> Result<web::Json<Data<LineView>>, ApiError> {
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.line").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    // What is no id is the id of no line.
    let id = id.0.parse().map_err(|_invalid| NOT_FOUND)?;
    let (line, chosen, _) = find(&tx, &state, id).await?;
    tx.commit().await?;
    Ok(web::Json(Data {
        data: LineView::new(line, &chosen),
    }))
}

/// Around which line, and how much.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContextParams {
    /// Of the line, as searches show it.
    id: String,
    /// Lines before it, 0 to 500; 20 when absent.
    before: Option<u16>,
    /// Lines after it, 0 to 500; 20 when absent.
    after: Option<u16>,
}

/// A line among its neighbours, all oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContextView {
    before: Vec<LineView>,
    line: LineView,
    after: Vec<LineView>,
}

/// Shows what the same service logged in the same environment before and after a line, within a day of it.
#[utoipa::path(
    operation_id = "get_log_context",
    tag = "logs",
    params(ContextParams),
    responses(
        (status = 200, body = Data<ContextView>),
        (status = 400, description = "A parameter makes no sense; it is named", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 404, description = "No such line in this organisation, or its retention is over", body = ErrorBody),
        (status = 429, description = "The organisation runs too many searches at once", body = ErrorBody),
        (status = 503, description = "The database is away or busy", body = ErrorBody),
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/context")]
pub(crate) async fn context(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParams<ContextParams>,
) -> Result<web::Json<Data<ContextView>>, ApiError> {
    let id: LineId = params
        .0
        .id
        .parse()
        .map_err(|_invalid| ApiError::invalid("id", "is not the id of a line; copy it from a search"))?;
    let (before, after) = (count("before", params.0.before)?, count("after", params.0.after)?);
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.context").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let (line, chosen, plan) = find(&tx, &state, id).await?;
    let around = Plan {
        from: id.at() - REACH,
        to: id.at() + REACH,
        cursor: Some(Cursor {
            at: id.at(),
            key: id.number,
        }),
        ..plan
    };
    let mut older = neighbours(&state.reader, &tx, &around, Order::NewestFirst, before).await?;
    older.reverse();
    let newer = neighbours(&state.reader, &tx, &around, Order::OldestFirst, after).await?;
    tx.commit().await?;
    let views = |lines: Vec<Line>| {
        lines
            .into_iter()
            .map(|line| LineView::new(line, &chosen))
            .collect()
    };
    Ok(web::Json(Data {
        data: ContextView {
            before: views(older),
            line: LineView::new(line, &chosen),
            after: views(newer),
        },
    }))
}

fn count(name: &'static str, asked: Option<u16>) -> Result<usize, ApiError> {
    match asked.unwrap_or(20) {
        lines @ 0..=500 => Ok(lines.into()),
        _ => Err(ApiError::invalid(name, "must be 0 to 500")),
    }
}

async fn neighbours(
    reader: &Reader,
    tx: &TenantTx<'_>,
    around: &Plan,
    order: Order,
    limit: usize,
) -> Result<Vec<Line>, ApiError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let plan = Plan {
        order,
        limit,
        ..around.clone()
    };
    Ok(reader.search(tx, &plan).await?.lines)
}

/// The line, its names, and a plan that looks at its service and environment only.
async fn find(tx: &TenantTx<'_>, state: &State, id: LineId) -> Result<(Line, Chosen, Plan), ApiError> {
    let ask = Ask {
        query: Query {
            filter: Expr::All,
            pipe: Vec::new(),
        },
        now: id.at(),
        range: TimeRange {
            from: id.at(),
            to: id.at().saturating_add(Duration::MICROSECOND),
        },
        levels: Vec::new(),
        scopes: ScopeFilter {
            environment_id: Some(id.environment_id),
            ..ScopeFilter::default()
        },
    };
    let chosen = ask
        .choose(scopes::list(tx).await?)
        .map_err(|_no_environment| NOT_FOUND)?;
    // The first line that is not after it is the line itself, or it is not there.
    let plan = Plan {
        limit: 1,
        cursor: id.number.checked_add(1).map(|key| Cursor { at: id.at(), key }),
        ..ask.plan(&chosen, state.budget)
    };
    let found = state.reader.search(tx, &plan).await?;
    let line = found
        .lines
        .into_iter()
        .next()
        .filter(|line| line.id.0 == id.number);
    Ok((line.ok_or(NOT_FOUND)?, chosen, plan))
}
