//! `GET /api/logs/patterns`.

use std::collections::BTreeMap;

use actix_web::{get, web};
use db::{TenantTx, deployments, scopes};
use domain::ids::{DeploymentId, ServiceId};
use domain::level::Level;
use domain::query::aggregate::Cell;
use logstore::reader::{Intervals, PatternCount};
use serde::{Deserialize, Serialize};
use service_kit::access::Viewer;
use service_kit::body::QueryParamsOf;
use service_kit::{ApiError, Data, Kit};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use crate::answer::{SearchRefusals, StatsView};
use crate::app::State;
use crate::ask::{Ask, LogFilter};
use crate::numbers::json;
use crate::patterns::{self, Named, Order, first_seen, service_name};
use crate::time_range;

/// Intervals of an answer, at most: a day by 24 minutes would be 60, and they are multiples of five.
const MOST_INTERVALS: usize = 60;

/// Which patterns, in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatternParams {
    /// `count`, the default: those with the most lines first. `newest`: those that were last seen for the first time.
    #[param(example = "count")]
    sort: Option<String>,
    /// Only patterns that were first seen since then: RFC 3339, or relative to now.
    #[param(example = "-1h")]
    new_since: Option<String>,
    /// Only patterns of this deployment's service and environment that were first seen since it began.
    deployment_id: Option<DeploymentId>,
    /// Patterns in the answer, 1 to 1000; 100 when absent.
    limit: Option<u16>,
}

/// What lines have in common. Each line of the range counts once: the lines of `patterns`, `other` and `rest_lines` add up
/// to `lines`.
#[derive(Serialize, ToSchema)]
pub(crate) struct PatternsView {
    patterns: Vec<PatternView>,
    /// All lines that match.
    lines: u64,
    /// Lines whose pattern there was no room for: a service has at most 2,000.
    other: u64,
    /// Patterns that are not in this answer, and their lines: past the limit, or not new.
    rest_patterns: usize,
    rest_lines: u64,
    /// Lines that were looked at one by one: those that are not merged yet, those at the ends of the range, and with a
    /// query all of them. At most the newest 100,000.
    mined: u64,
    /// Lines that are left out of an answer that is partial; null where that is not known, or none are.
    left_out: Option<u64>,
    /// The length of each interval of `counts`, a multiple of 300.
    #[schema(example = 1500)]
    interval_seconds: i64,
    /// Where each interval starts.
    #[schema(value_type = Vec<String>, example = json!(["2026-01-31T11:40:00Z", "2026-01-31T12:05:00Z"]))]
    starts: Vec<serde_json::Value>,
    stats: StatsView,
}

/// Lines that are alike.
#[derive(Serialize, ToSchema)]
pub(crate) struct PatternView {
    /// A hash of the template: the same in every environment and service, and at any time.
    #[schema(example = "7bbe86d97c2d991b")]
    id: String,
    service_id: ServiceId,
    #[schema(example = "checkout")]
    service: String,
    /// The first line of the message, with `<*>` for what varies.
    #[schema(example = "payment for order <*> failed: card_declined")]
    text: String,
    /// The highest level of its lines in the range.
    level: Level,
    count: u64,
    /// Of all lines that match, 0 to 1.
    #[schema(example = 0.12)]
    share: f64,
    /// Its lines by level; levels without lines are left out.
    #[schema(example = json!({"error": 120}))]
    by_level: BTreeMap<String, u64>,
    /// When it was first seen in the chosen environments, be it before the range.
    #[serde(with = "time::serde::rfc3339")]
    first_seen: OffsetDateTime,
    /// When it was last seen within the range, to five minutes.
    #[serde(with = "time::serde::rfc3339")]
    last_seen: OffsetDateTime,
    /// Lines in each interval.
    #[schema(example = json!([40, 80]))]
    counts: Vec<u32>,
    /// One of its lines, and that line's level.
    #[schema(example = "payment for order 4711 failed: card_declined")]
    sample: String,
    sample_level: Level,
    /// A query that finds its lines; it may also find lines with the same words and more.
    #[schema(example = "service:checkout \"payment for order\" \"failed card_declined\"")]
    query: String,
}

impl PatternView {
    pub(super) fn new(named: Named, service: &str, lines: u64) -> Self {
        let query = named.query(service);
        let first_seen = named.first_seen();
        let Named { count, described } = named;
        let levels = Level::ALL.into_iter().zip(count.by_level);
        Self {
            id: count.id.to_string(),
            service_id: count.service_id,
            service: service.to_owned(),
            level: count.level(),
            count: count.lines(),
            share: count.lines() as f64 / lines.max(1) as f64,
            by_level: levels
                .filter(|(_, lines)| *lines > 0)
                .map(|(level, lines)| (level.to_string(), lines))
                .collect(),
            first_seen,
            last_seen: count.last,
            counts: count.intervals,
            text: described.text,
            sample: described.sample,
            sample_level: described.level,
            query,
        }
    }
}

/// Shows what the messages of matching lines have in common: their templates, how many lines each has and when, and since
/// when there are such lines. Without a query that looks at more than levels this is read from counts that are kept with the
/// lines, whatever the range.
#[utoipa::path(
    operation_id = "list_log_patterns",
    tag = "logs",
    params(LogFilter, PatternParams),
    responses(
        (status = 200, body = Data<PatternsView>, example = json!({"data": {
            "patterns": [{
                "id": "7bbe86d97c2d991b",
                "service_id": "0b9a4f0e-52a5-4d6f-9b61-6ad58f1746e7",
                "service": "checkout",
                "text": "payment for order <*> failed: card_declined",
                "level": "error",
                "count": 120,
                "share": 0.12,
                "by_level": {"error": 120},
                "first_seen": "2026-01-12T08:01:12.5Z",
                "last_seen": "2026-01-31T12:25:00Z",
                "counts": [40, 80],
                "sample": "payment for order 4711 failed: card_declined",
                "sample_level": "error",
                "query": "service:checkout \"payment for order\" \"failed card_declined\""
            }],
            "lines": 1000, "other": 0, "rest_patterns": 31, "rest_lines": 880, "mined": 212, "left_out": null,
            "interval_seconds": 1500,
            "starts": ["2026-01-31T11:40:00Z", "2026-01-31T12:05:00Z"],
            "stats": {
                "rows_scanned": 4096, "blocks_read": 1, "blocks_pruned": 12, "bytes_read": 90000, "elapsed_ms": 9,
                "watermark": "2026-01-31T12:30:00Z", "partial": false, "partial_reason": null
            }
        }})),
        SearchRefusals,
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/patterns")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParamsOf<LogFilter, PatternParams>,
) -> Result<web::Json<Data<PatternsView>>, ApiError> {
    let QueryParamsOf(filter, params) = params;
    let now = kit.clock.now();
    let mut ask = filter.read(now)?;
    let order = match params.sort.as_deref() {
        None | Some("" | "count") => Order::MostLines,
        Some("newest") => Order::Newest,
        Some(_) => return Err(ApiError::invalid("sort", "must be count or newest")),
    };
    let most @ 1..=1000 = params.limit.unwrap_or(100) else {
        return Err(ApiError::invalid("limit", "must be 1 to 1000"));
    };
    let mut since = time_range::read("new_since", params.new_since.as_deref(), now)?;
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.patterns").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    if let Some(id) = params.deployment_id {
        let began = narrow_to_deployment(&tx, &mut ask, id).await?;
        since = since.max(Some(began));
    }
    let chosen = ask.choose(scopes::list(&tx).await?)?;
    let plan = ask.plan(&chosen, state.budget);
    let intervals = Intervals::covering(plan.from, plan.to, MOST_INTERVALS);
    let mut found = patterns::count(&state, &tx, plan, intervals).await?;
    let is_new = |count: &PatternCount| since.is_none_or(|since| first_seen(count) >= since);
    let top = patterns::top(&tx, &mut found, order, most.into(), is_new).await?;
    tx.commit().await?;
    let view = |named: Named| {
        let service = service_name(&chosen, named.count.service_id);
        PatternView::new(named, service, top.lines)
    };
    Ok(web::Json(Data {
        data: PatternsView {
            patterns: top.named.into_iter().map(view).collect(),
            lines: top.lines,
            other: top.other,
            rest_patterns: top.rest.0,
            rest_lines: top.rest.1,
            mined: found.mined,
            left_out: found.left_out,
            interval_seconds: intervals.seconds(),
            starts: intervals.starts().map(|at| json(&Cell::Time(at))).collect(),
            stats: StatsView::from(&found.stats),
        },
    }))
}

/// Asks within the deployment's service and environment only; returns when it began.
pub(super) async fn narrow_to_deployment(
    tx: &TenantTx<'_>,
    ask: &mut Ask,
    id: DeploymentId,
) -> Result<OffsetDateTime, ApiError> {
    let Some(deployment) = deployments::find(tx, id).await? else {
        return Err(ApiError::NotFound { what: "deployment" });
    };
    let standing = deployment.standing;
    ask.scopes.service_id.get_or_insert(deployment.service_id);
    ask.scopes.environment_id.get_or_insert(standing.environment_id);
    let began = standing.started_at.or(standing.finished_at);
    Ok(began.unwrap_or(deployment.created_at))
}
