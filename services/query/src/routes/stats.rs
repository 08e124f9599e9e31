//! `GET /api/logs/stats`.

use std::sync::Arc;

use actix_web::{get, web};
use db::{TenantTx, scopes};
use domain::query::aggregate::ColumnKind;
use domain::query::pipe::Stage;
use logstore::reader::{Intervals, Partial, Plan};
use serde::Serialize;
use service_kit::access::Viewer;
use service_kit::body::QueryParams;
use service_kit::{ApiError, Data, Kit};
use utoipa::ToSchema;

use crate::answer::{SearchRefusals, StatsView};
use crate::app::State;
use crate::ask::{Chosen, LogFilter};
use crate::numbers::{self, json};
use crate::patterns::{self, Order, service_name};

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
/// `level:error | stats count(), p95(http.ms) by service every 5m`, `| top 10 http.path` or `| patterns`, of which
/// `/api/logs/patterns` tells more.
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
    let [stage] = &ask.query.pipe[..] else {
        let message = "has no pipe that says what to compute; add one, such as | stats count() by level";
        return Err(ApiError::invalid("q", message));
    };
    let stage = stage.clone();
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.stats").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let chosen = ask.choose(scopes::list(&tx).await?)?;
    let plan = ask.plan(&chosen, state.budget);
    if stage == Stage::Patterns {
        let table = patterns_table(&state, &tx, plan, &chosen).await?;
        tx.commit().await?;
        return Ok(web::Json(Data { data: table }));
    }
    let computed = numbers::compute(&state.reader, &tx, &plan, &Arc::new(chosen), &[stage], u64::MAX).await?;
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

/// Patterns in the table; the others are its last row.
const PATTERNS: usize = 1_000;

/// What `| patterns` computes: a row for each pattern, those with the most lines first.
async fn patterns_table(
    state: &State,
    tx: &TenantTx<'_>,
    plan: Plan,
    chosen: &Chosen,
) -> Result<TableView, ApiError> {
    let mut found = patterns::count(state, tx, plan, Intervals::one()).await?;
    let top = patterns::top(tx, &mut found, Order::MostLines, PATTERNS, |_| true).await?;
    let row = |named: &patterns::Named| {
        vec![
            named.count.id.to_string().into(),
            service_name(chosen, named.count.service_id).into(),
            named.described.text.as_str().into(),
            named.count.lines().into(),
        ]
    };
    let mut rows: Vec<Vec<serde_json::Value>> = top.named.iter().map(row).collect();
    let rest = top.other + top.rest.1;
    if rest > 0 {
        rows.push(vec!["…".into(), "…".into(), "…".into(), rest.into()]);
    }
    let column = |(name, kind): (&str, &'static str)| ColumnView {
        name: name.to_owned(),
        kind,
    };
    let columns = [
        ("pattern_id", "field"),
        ("service", "field"),
        ("pattern", "field"),
        ("count", "number"),
    ];
    let is_sample = found.stats.partial == Some(Partial::TooManyLines);
    let sampled = format!("only {} lines, the newest, were looked at", found.mined);
    Ok(TableView {
        columns: columns.map(column).into(),
        rows,
        approximate: is_sample.then_some(sampled).into_iter().collect(),
        lines: top.lines,
        stats: StatsView::from(&found.stats),
    })
}
