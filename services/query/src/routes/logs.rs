//! `GET /api/logs/query`.

use std::collections::HashMap;

use actix_web::{get, web};
use db::scopes::{self, NamedScope};
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use domain::page::Cursor;
use logstore::reader::{Found, Line, Plan, Predicate, SearchScope, Stats};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use service_kit::access::Viewer;
use service_kit::body::QueryParams;
use service_kit::page::PageParams;
use service_kit::{ApiError, ErrorBody, Kit};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use crate::app::State;
use crate::criteria::{self, ScopeFilter};
use crate::metrics;
use crate::time_range::TimeRange;

/// What to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchParams {
    /// Words; lines that hold all of them match, in any order and case. A word is what Unicode segmentation (UAX 29)
    /// says it is: `timeout` finds `Connection TIMEOUT!`, `time` does not. Absent: every line.
    #[param(example = "payment failed")]
    q: Option<String>,
    /// Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`). Default `-24h`.
    #[param(example = "-1h")]
    from: Option<String>,
    /// Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
    #[param(example = "2026-01-31T12:00:00Z")]
    to: Option<String>,
    /// Lines of this trace.
    #[param(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: Option<String>,
    /// Lines of this request.
    request_id: Option<String>,
    service_id: Option<ServiceId>,
    /// A service by its name.
    #[param(example = "checkout")]
    service: Option<String>,
    environment_id: Option<EnvironmentId>,
    /// An environment by its name; of every service that has one, unless a service is named as well.
    #[param(example = "production")]
    environment: Option<String>,
    /// Levels, comma-separated: trace, debug, info, warn, error, fatal. Absent: all.
    #[param(example = "error,fatal")]
    level: Option<String>,
    /// Lines a page, 1 to 1000; 100 when absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before, with the same other parameters; absent for the first.
    cursor: Option<String>,
}

impl SearchParams {
    /// The plan, still without its scopes, and which scopes are meant.
    fn read(self, state: &State, now: OffsetDateTime) -> Result<(Plan, ScopeFilter), ApiError> {
        let TimeRange { from, to } = TimeRange::parse(self.from.as_deref(), self.to.as_deref(), now)?;
        let page = PageParams {
            limit: self.limit,
            cursor: self.cursor,
        };
        let plan = Plan {
            scopes: Vec::new(),
            from,
            to,
            levels: criteria::levels(self.level.as_deref())?,
            predicates: predicates(self.q.as_deref(), self.trace_id, self.request_id)?,
            limit: page.limit()?,
            cursor: page.cursor()?,
            budget: state.budget,
        };
        let filter = ScopeFilter {
            service_id: self.service_id,
            service: self.service,
            environment_id: self.environment_id,
            environment: self.environment,
        };
        Ok((plan, filter))
    }
}

fn predicates(
    q: Option<&str>,
    trace_id: Option<String>,
    request_id: Option<String>,
) -> Result<Vec<Predicate>, ApiError> {
    let given = |id: &String| !id.is_empty();
    Ok([
        criteria::words(q)?.map(Predicate::Words),
        trace_id.filter(given).map(Predicate::TraceId),
        request_id.filter(given).map(Predicate::RequestId),
    ]
    .into_iter()
    .flatten()
    .collect())
}

/// One page of lines, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchAnswer {
    data: Vec<LineView>,
    /// Goes on after the last line; null when everything was read. A page may be empty and still have one, when it is
    /// partial.
    next_cursor: Option<String>,
    stats: StatsView,
}

/// A stored log line.
#[derive(Serialize, ToSchema)]
pub(crate) struct LineView {
    /// Unique, and opaque.
    #[schema(example = "48201")]
    id: String,
    #[serde(with = "time::serde::rfc3339")]
    timestamp: OffsetDateTime,
    level: Level,
    #[schema(example = "payment for order 4711 failed: card_declined")]
    message: String,
    #[schema(value_type = Option<Object>, example = json!({"order": 4711}))]
    meta: Option<Box<RawValue>>,
    trace_id: Option<String>,
    request_id: Option<String>,
    service_id: ServiceId,
    #[schema(example = "checkout")]
    service: String,
    environment_id: EnvironmentId,
    #[schema(example = "production")]
    environment: String,
}

/// What the search touched.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatsView {
    /// Lines that were looked at.
    rows_scanned: u64,
    /// Blocks of compressed lines that were read, and those that could be left out unread.
    blocks_read: u64,
    blocks_pruned: u64,
    /// Bytes of compressed lines that were read.
    bytes_read: u64,
    elapsed_ms: u64,
    /// Every line that was accepted before this moment was there to be found.
    #[serde(with = "time::serde::rfc3339")]
    watermark: OffsetDateTime,
    /// The answer may miss lines; `partial_reason` says why.
    partial: bool,
    /// `time_budget` or `answer_size` (`next_cursor` goes on), or `damaged` (a stored segment cannot be read); null when
    /// not partial.
    #[schema(example = json!(null))]
    partial_reason: Option<&'static str>,
}

/// Searches the organisation's log lines, newest first.
#[utoipa::path(
    operation_id = "search_logs",
    tag = "logs",
    params(SearchParams),
    responses(
        (status = 200, body = SearchAnswer, example = json!({
            "data": [{
                "id": "48201", "timestamp": "2026-01-31T11:59:58.123456Z", "level": "error",
                "message": "payment for order 4711 failed: card_declined", "meta": {"order": 4711},
                "trace_id": "0af7651916cd43dd8448eb211c80319c", "request_id": null,
                "service_id": "6d6e2a0c-94a1-4d5c-8f0e-1c1d7f3f8a11", "service": "checkout",
                "environment_id": "0b9a4f0e-43a5-4f6a-9b61-6a8f5d1c2e77", "environment": "production"
            }],
            "next_cursor": "MS4xNzY5ODYwNzk4MTIzNDU2LjQ4MjAx",
            "stats": {"rows_scanned": 4096, "blocks_read": 1, "blocks_pruned": 11, "bytes_read": 131_072, "elapsed_ms": 3, "watermark": "2026-01-31T12:00:00.000001Z", "partial": false, "partial_reason": null}
        })),
        (status = 400, description = "A parameter makes no sense; it is named", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 404, description = "No such service or environment in this organisation", body = ErrorBody),
        (status = 429, description = "The organisation runs too many searches at once", body = ErrorBody),
        (status = 503, description = "The database is away or busy", body = ErrorBody),
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/query")]
pub(crate) async fn query(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParams<SearchParams>,
) -> Result<web::Json<SearchAnswer>, ApiError> {
    let (mut plan, filter) = params.0.read(&state, kit.clock.now())?;
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.search").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let scopes = filter.select(scopes::list(&tx).await?)?;
    plan.scopes = search_scopes(&scopes);
    let found = state.reader.search(&tx, &plan).await?;
    tx.commit().await?;
    metrics::search_finished(&found.stats);
    Ok(web::Json(answer(found, &scopes)))
}

/// Where to search, without names.
pub(super) fn search_scopes(scopes: &[NamedScope]) -> Vec<SearchScope> {
    scopes
        .iter()
        .map(|scope| SearchScope {
            service_id: scope.service_id,
            environment_id: scope.environment_id,
            oldest: scope.oldest,
        })
        .collect()
}

fn answer(found: Found, scopes: &[NamedScope]) -> SearchAnswer {
    let names: HashMap<EnvironmentId, &NamedScope> =
        scopes.iter().map(|scope| (scope.environment_id, scope)).collect();
    let view = |line: Line| {
        let scope = names.get(&line.environment_id);
        LineView {
            id: line.id.0.to_string(),
            timestamp: line.ts,
            level: line.level,
            message: line.message,
            meta: line.meta,
            trace_id: line.trace_id,
            request_id: line.request_id,
            service_id: line.service_id,
            service: scope.map(|scope| scope.service.clone()).unwrap_or_default(),
            environment_id: line.environment_id,
            environment: scope.map(|scope| scope.environment.clone()).unwrap_or_default(),
        }
    };
    SearchAnswer {
        data: found.lines.into_iter().map(view).collect(),
        next_cursor: found.next.as_ref().map(Cursor::encode),
        stats: stats(&found.stats),
    }
}

fn stats(stats: &Stats) -> StatsView {
    StatsView {
        rows_scanned: stats.rows_scanned,
        blocks_read: stats.blocks_read,
        blocks_pruned: stats.blocks_pruned,
        bytes_read: stats.bytes_read,
        elapsed_ms: stats.elapsed.as_millis() as u64,
        watermark: stats.watermark,
        partial: stats.partial.is_some(),
        partial_reason: stats.partial.map(metrics::partial_reason),
    }
}
