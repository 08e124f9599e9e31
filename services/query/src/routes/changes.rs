//! `GET /api/logs/changes`.

use std::sync::Arc;

use actix_web::{get, web};
use db::scopes::NamedScope;
use db::{TenantTx, scopes};
use domain::ids::{DeploymentId, ServiceId};
use domain::level::Level;
use domain::what_changed::Kind;
use logstore::changes::Side;
use logstore::reader::{Intervals, PatternCount, Patterns};
use serde::{Deserialize, Serialize};
use service_kit::access::Viewer;
use service_kit::body::QueryParamsOf;
use service_kit::{ApiError, Data, Kit};
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use super::patterns::narrow_to_deployment;
use crate::answer::{SearchRefusals, StatsView};
use crate::app::State;
use crate::ask::{Ask, LogFilter};
use crate::leanings::{self, LeaningView};
use crate::patterns;
use crate::time_range::{self, TimeRange};

/// What is compared, and how much of it is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangesParams {
    /// Compares with this window, as `from` and `to` name the other. Absent: as long before `from` as there is after it.
    #[param(example = "-2h")]
    before_from: Option<String>,
    /// Exclusive; `from` when absent.
    #[param(example = "-1h")]
    before_to: Option<String>,
    /// Compares before and after this deployment began, in its service and environment, instead of `from` and `to`.
    deployment_id: Option<DeploymentId>,
    /// How long before and after a deployment: `15m`, `1h`; at most `7d`. Default `1h`.
    #[param(example = "1h")]
    around: Option<String>,
    /// Fields whose values are compared, comma-separated, at most 16; `none` for no fields. Absent: level, service, env and
    /// the eight fields that most lines have.
    #[param(example = "level,http.status")]
    fields: Option<String>,
    /// Changes of patterns, and of values, 1 to 200; 50 when absent.
    limit: Option<u16>,
}

/// What differs between two windows.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangesView {
    before: WindowView,
    after: WindowView,
    /// Lines after that are expected for each line before, as most patterns have it: what rose and fell is measured by it.
    #[schema(example = 1.05)]
    scale: f64,
    /// The most telling first.
    patterns: Vec<ChangedPattern>,
    /// Patterns that changed and are not shown, past the limit.
    more_patterns: usize,
    /// Patterns with lines in one of the windows that did not change, or have too few lines to say so.
    unchanged_patterns: usize,
    /// Values of fields that make out more of one window than of the other, the most telling first. Of the newest 50,000 lines
    /// of each window.
    values: Vec<LeaningView>,
}

/// One of the windows.
#[derive(Serialize, ToSchema)]
pub(crate) struct WindowView {
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    /// Lines that match, in all patterns.
    lines: u64,
    /// Lines that are left out where the answer is partial, if that is known.
    left_out: Option<u64>,
    stats: StatsView,
}

/// A pattern that is new, gone, risen or fallen.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedPattern {
    kind: Kind,
    /// How much it stands out, comparable within the answer: standard deviations, more for warnings and errors.
    #[schema(example = 21.4)]
    score: f64,
    /// How many times as many lines as expected; null for a new one.
    #[schema(example = json!(null))]
    ratio: Option<f64>,
    /// Its lines in each window.
    #[schema(example = 0)]
    lines_before: u64,
    #[schema(example = 120)]
    lines_after: u64,
    #[schema(example = "7bbe86d97c2d991b")]
    id: String,
    service_id: ServiceId,
    #[schema(example = "checkout")]
    service: String,
    #[schema(example = "payment for order <*> failed: card_declined")]
    text: String,
    /// The highest level of its lines in both windows.
    level: Level,
    #[serde(with = "time::serde::rfc3339")]
    first_seen: OffsetDateTime,
    /// Never seen before the later window; a new pattern that was is one that came back.
    never_seen_before: bool,
    #[schema(example = "payment for order 4711 failed: card_declined")]
    sample: String,
    /// A query that finds its lines.
    #[schema(example = "service:checkout \"payment for order\" \"failed card_declined\"")]
    query: String,
}

/// Compares two windows of time, or the time before and after a deployment: which patterns of messages are new, gone, risen or
/// fallen, and which values of fields are more frequent in one of them. Few lines are no change: a new pattern has five
/// lines at least, one that rose twenty, and twice what the traffic lets expect.
#[utoipa::path(
    operation_id = "compare_logs",
    tag = "logs",
    params(LogFilter, ChangesParams),
    responses(
        (status = 200, body = Data<ChangesView>, example = json!({"data": {
            "before": {
                "from": "2026-01-31T11:00:00Z", "to": "2026-01-31T12:00:00Z", "lines": 104_000, "left_out": null,
                "stats": {
                    "rows_scanned": 4096, "blocks_read": 1, "blocks_pruned": 12, "bytes_read": 90000, "elapsed_ms": 9,
                    "watermark": "2026-01-31T13:00:00Z", "partial": false, "partial_reason": null
                }
            },
            "after": {
                "from": "2026-01-31T12:00:00Z", "to": "2026-01-31T13:00:00Z", "lines": 109_000, "left_out": null,
                "stats": {
                    "rows_scanned": 4096, "blocks_read": 1, "blocks_pruned": 12, "bytes_read": 90000, "elapsed_ms": 9,
                    "watermark": "2026-01-31T13:00:00Z", "partial": false, "partial_reason": null
                }
            },
            "scale": 1.05,
            "patterns": [{
                "kind": "new", "score": 21.4, "ratio": null, "lines_before": 0, "lines_after": 120,
                "id": "7bbe86d97c2d991b",
                "service_id": "0b9a4f0e-52a5-4d6f-9b61-6ad58f1746e7", "service": "checkout",
                "text": "payment for order <*> failed: card_declined", "level": "error",
                "first_seen": "2026-01-31T12:01:12.5Z", "never_seen_before": true,
                "sample": "payment for order 4711 failed: card_declined",
                "query": "service:checkout \"payment for order\" \"failed card_declined\""
            }],
            "more_patterns": 0, "unchanged_patterns": 61,
            "values": [{
                "field": "region", "value": "eu-west-2", "lines_before": 9000, "lines_after": 21000,
                "share_before": 0.18, "share_after": 0.42, "score": 70.2, "query": "region:eu-west-2"
            }]
        }})),
        SearchRefusals,
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/changes")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParamsOf<LogFilter, ChangesParams>,
) -> Result<web::Json<Data<ChangesView>>, ApiError> {
    let QueryParamsOf(filter, params) = params;
    let now = kit.clock.now();
    let mut ask = filter.read(now)?;
    let limit @ 1..=200 = params.limit.unwrap_or(50) else {
        return Err(ApiError::invalid("limit", "must be 1 to 200"));
    };
    let around = around(params.around.as_deref())?;
    let fields = leanings::read(params.fields.as_deref())?;
    let mut ranges = ranges(&params, ask.range, now)?;
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.changes").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    if let Some(id) = params.deployment_id {
        let began = time_range::up_to_micros(narrow_to_deployment(&tx, &mut ask, id).await?);
        ranges = [(began - around, began), (began, began + around)].map(|(from, to)| TimeRange { from, to });
    }
    let all = scopes::list(&tx).await?;
    let asks = ranges.map(|range| Ask { range, ..ask.clone() });
    let before = look(&state, &tx, &asks[0], &all).await?;
    let after = look(&state, &tx, &asks[1], &all).await?;
    let chosen = [asks[0].choose(all.clone())?, asks[1].choose(all.clone())?].map(Arc::new);
    let plans = [0, 1].map(|place| asks[place].plan(&chosen[place], state.budget));
    let sides = [0, 1].map(|place| Side {
        plan: &plans[place],
        chosen: &chosen[place],
    });
    let values = logstore::changes::values(&state.reader, &tx, sides, fields, limit.into()).await?;
    let values = values.into_iter().map(LeaningView::from).collect();
    let view = compare([before, after], ranges, &all, &tx, limit.into()).await?;
    tx.commit().await?;
    Ok(web::Json(Data {
        data: ChangesView { values, ..view },
    }))
}

fn around(text: Option<&str>) -> Result<Duration, ApiError> {
    const MAX: Duration = Duration::days(7);
    let text = text.filter(|text| !text.is_empty()).unwrap_or("1h");
    time_range::span(text)
        .filter(|span| Duration::MINUTE <= *span && *span <= MAX)
        .ok_or_else(|| ApiError::invalid("around", "must be a time from 1m to 7d, such as 15m"))
}

/// The earlier window, and the later.
fn ranges(params: &ChangesParams, after: TimeRange, now: OffsetDateTime) -> Result<[TimeRange; 2], ApiError> {
    let from = time_range::read("before_from", params.before_from.as_deref(), now)?;
    let to = time_range::read("before_to", params.before_to.as_deref(), now)?.unwrap_or(after.from);
    // What lies ahead is no time that lines had to come.
    let length = after.to.min(now).max(after.from + Duration::MINUTE) - after.from;
    let before = TimeRange {
        from: from.or(to.checked_sub(length)).unwrap_or(to),
        to,
    };
    if before.from >= before.to {
        return Err(ApiError::invalid("before_from", "must be before before_to"));
    }
    if before.to > after.from && after.to > before.from {
        return Err(ApiError::invalid(
            "before_to",
            "must not lie within the window from `from` to `to`: each line belongs to one of them",
        ));
    }
    Ok([before, after])
}

async fn look(state: &State, tx: &TenantTx<'_>, ask: &Ask, all: &[NamedScope]) -> Result<Patterns, ApiError> {
    let chosen = ask.choose(all.to_vec())?;
    let plan = ask.plan(&chosen, state.budget);
    Ok(patterns::count(state, tx, plan, Intervals::one()).await?)
}

/// All but the values of fields.
async fn compare(
    windows: [Patterns; 2],
    ranges: [TimeRange; 2],
    all: &[NamedScope],
    tx: &TenantTx<'_>,
    limit: usize,
) -> Result<ChangesView, ApiError> {
    let seconds = ranges.map(|range| range.length().as_seconds_f64());
    let changed = logstore::changes::patterns(&windows, seconds, tx, limit, |_| true).await?;
    let views = changed.patterns.into_iter().map(|changed| {
        let service = all.iter().find(|scope| scope.service_id == changed.service_id);
        let service = service.map_or("", |scope| scope.service.as_str());
        let first_seen = changed.first_seen.unwrap_or(ranges[1].from);
        ChangedPattern {
            kind: changed.kind,
            score: changed.score,
            ratio: changed.ratio,
            lines_before: changed.lines.before,
            lines_after: changed.lines.after,
            id: changed.id.to_string(),
            service_id: changed.service_id,
            service: service.to_owned(),
            level: changed.level,
            first_seen,
            never_seen_before: first_seen >= ranges[1].from,
            query: domain::patterns::finding(&changed.text, Some(service)),
            text: changed.text,
            sample: changed.sample,
        }
    });
    let patterns = views.collect();
    let [before, after] = [0, 1].map(|place| WindowView::new(&windows[place], ranges[place]));
    Ok(ChangesView {
        before,
        after,
        scale: changed.scale,
        patterns,
        more_patterns: changed.more,
        unchanged_patterns: changed.unchanged,
        values: Vec::new(),
    })
}

impl WindowView {
    fn new(patterns: &Patterns, range: TimeRange) -> Self {
        Self {
            from: range.from,
            to: range.to,
            lines: patterns.counts.iter().map(PatternCount::lines).sum(),
            left_out: patterns.left_out,
            stats: StatsView::from(&patterns.stats),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

    fn of(from: &str, before: [Option<&str>; 2]) -> Result<[TimeRange; 2], ApiError> {
        let params = ChangesParams {
            before_from: before[0].map(str::to_owned),
            before_to: before[1].map(str::to_owned),
            deployment_id: None,
            around: None,
            fields: None,
            limit: None,
        };
        ranges(&params, TimeRange::parse(Some(from), None, NOW)?, NOW)
    }

    #[test]
    fn the_window_before_is_as_long_as_there_was_time_after() {
        let [before, after] = of("-1h", [None, None]).unwrap();
        assert_eq!(before.to, after.from);
        assert_eq!(before.length(), Duration::HOUR);
        let [before, _] = of("-1h", [Some("-1d"), Some("-23h")]).unwrap();
        assert_eq!(
            (before.from, before.length()),
            (NOW - Duration::DAY, Duration::HOUR)
        );
    }

    #[rstest::rstest]
    #[case([Some("-1h"), Some("-2h")], "before_from")]
    #[case([Some("-2h"), Some("-30m")], "before_to")]
    fn windows_that_make_no_sense_are_refused(#[case] before: [Option<&str>; 2], #[case] expected: &str) {
        let error = of("-1h", before).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
