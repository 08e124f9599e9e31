//! `GET /api/logs/stats`.

use actix_web::{get, web};
use db::scopes;
use domain::query::aggregate::ColumnKind;
use domain::query::pipe::Stage;
use serde::Serialize;
use service_kit::access::Viewer;
use service_kit::body::QueryParams;
use service_kit::{ApiError, Data, Kit};
use utoipa::ToSchema;

use crate::answer::{SearchRefusals, StatsView};
use crate::app::State;
use crate::ask::LogFilter;
use crate::numbers::{self, json};

/// A table of numbers.
#[derive(Serialize, ToSchema)]
pub(crate) struct TableView {
    columns: Vec<ColumnView>,
    /// A cell for each column: RFC 3339 for times, text for fields, null where lines lack the field or a number has no
    /// values, `…` for everything that did not fit the bounds. Buckets of time without lines have no row.
    #[schema(value_type = Vec<Vec<Object>>, example = json!([["checkout", 1200, 87.5]]))]
    rows: Vec<Vec<serde_json::Value>>,
    /// Why numbers are not exact; empty if they are.
    approximate: Vec<String>,
    /// Lines that it was computed from.
    lines: u64,
    stats: StatsView,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ColumnView {
    #[schema(example = "count()")]
    name: String,
    /// `time`, `field` or `number`.
    #[schema(example = "number")]
    kind: &'static str,
}

/// Computes numbers over matching lines: what the pipe of the query says, such as
/// `level:error | stats count(), p95(http.ms) by service every 5m` or `| top 10 http.path`.
#[utoipa::path(
    operation_id = "compute_log_stats",
    tag = "logs",
    params(LogFilter),
    responses(
        (status = 200, body = Data<TableView>),
        SearchRefusals,
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/stats")]
pub(crate) async fn stats(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParams<LogFilter>,
) -> Result<web::Json<Data<TableView>>, ApiError> {
    let ask = params.0.read_with_pipe(kit.clock.now())?;
    let stage = match &ask.query.pipe[..] {
        [stage @ (Stage::Stats(_) | Stage::Top(_))] => stage.clone(),
        [Stage::Patterns] => {
            let message = "asks for patterns, which are no numbers over fields; use | stats or | top";
            return Err(ApiError::invalid("q", message));
        }
        _ => {
            let message = "has no pipe that says what to compute; add one, such as | stats count() by level";
            return Err(ApiError::invalid("q", message));
        }
    };
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.stats").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let chosen = ask.choose(scopes::list(&tx).await?)?;
    let plan = ask.plan(&chosen, state.budget);
    let computed = numbers::compute(&state.reader, &tx, &plan, chosen, &[stage], u64::MAX).await?;
    tx.commit().await?;
    let table = computed.tables.into_iter().next();
    let (columns, rows, approximate) = table.map_or_else(Default::default, |table| {
        (table.columns, table.rows, table.approximate)
    });
    let column = |column: domain::query::aggregate::Column| ColumnView {
        name: column.name,
        kind: match column.kind {
            ColumnKind::Time => "time",
            ColumnKind::Field => "field",
            ColumnKind::Number => "number",
        },
    };
    Ok(web::Json(Data {
        data: TableView {
            columns: columns.into_iter().map(column).collect(),
            rows: rows.iter().map(|row| row.iter().map(json).collect()).collect(),
            approximate: approximate.iter().map(ToString::to_string).collect(),
            lines: computed.lines,
            stats: StatsView::from(&computed.stats),
        },
    }))
}
