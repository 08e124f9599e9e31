//! What a rule sees over a range of time, for a chart.

use actix_web::{HttpResponse, post, web};
use domain::alerting::backtest::{Point, chart, is_worse};
use domain::alerting::rule::floor;
use domain::ids::{AlertRuleId, EnvironmentId, ServiceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::access::Viewer;
use service_kit::body::JsonBody;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::backtest::in_force;
use super::input::Draft;
use super::past::Past;
use crate::app::State;
use crate::evaluation::facts::Span;
use crate::evaluation::places::Place;

const LONGEST: Duration = Duration::days(7);
const DEFAULT: Duration = Duration::hours(6);
/// Points of a line, about.
const POINTS: i32 = 300;
/// Lines of the chart: those that come closest to firing.
const MOST_SERIES: usize = 20;

/// A draft, or a rule as it is in force.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RulePreviewRequest {
    rule_id: Option<AlertRuleId>,
    draft: Option<Draft>,
    /// Six hours before `to` when absent; at most seven days before it.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<OffsetDateTime>,
    /// Now when absent.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<OffsetDateTime>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PointView {
    /// The end of the stretch that it stands for.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// The worst value of the stretch; null where nothing can be said.
    value: Option<f64>,
    /// What that value was compared with.
    threshold: Option<f64>,
    /// Whether the condition held with it.
    holds: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct SeriesView {
    service_id: ServiceId,
    service: String,
    environment_id: EnvironmentId,
    environment: String,
    /// The values of the fields that the rule groups by, or the pattern and its template; null where it groups by neither.
    #[schema(value_type = Option<Object>)]
    group: Option<Value>,
    points: Vec<PointView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewView {
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    /// Between two points.
    step_seconds: i64,
    /// Null where it differs from point to point.
    threshold: Option<f64>,
    /// Those that come closest to firing first; at most 20.
    series: Vec<SeriesView>,
    /// Places that are not in `series`.
    left_out: usize,
}

/// Shows what a rule sees over a range of time.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["viewer"])),
    request_body(content = RulePreviewRequest, examples(
        ("draft" = (summary = "A draft, the last six hours", value = json!({"draft": {"type": "error_rate",
            "params": {"threshold_percent": 5, "window_seconds": 300, "min_lines": 50}}})))
    )),
    responses(
        (status = 200, body = Data<PreviewView>),
        (status = 400, description = "a wrong field, or more history than can be looked at in time", body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 503, description = "others look back at this moment", body = ErrorBody),
    )
)]
#[post("/api/alerts/preview")]
pub(crate) async fn preview(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    JsonBody(body): JsonBody<RulePreviewRequest>,
) -> Result<HttpResponse, ApiError> {
    let rule_id = body.rule_id.unwrap_or_else(AlertRuleId::generate);
    let tried = match (&body.draft, body.rule_id) {
        (Some(draft), _) => draft.tried()?,
        (None, Some(id)) => in_force(&kit, caller.org_id, id).await?,
        (None, None) => return Err(ApiError::invalid("draft", "is needed, or rule_id")),
    };
    let past = Past::open(&kit, &state, caller.org_id)?;
    let settled = past.settled().await?;
    let condition = &tried.definition.condition;
    let step = condition.step();
    let to = floor(body.to.unwrap_or(settled).min(settled), step);
    let from = floor(body.from.unwrap_or(to - DEFAULT), step);
    if from >= to {
        return Err(ApiError::invalid(
            "from",
            "must be before to, and not in the future",
        ));
    }
    if to - from > LONGEST + step {
        return Err(ApiError::invalid("from", "must be at most seven days before to"));
    }
    let width = floor_up((to - from) / POINTS, step);
    let span = Span {
        after: from,
        until: to,
    };
    let mut drawn: Vec<(Option<f64>, SeriesView)> = Vec::new();
    let mut left_out = 0;
    past.each((rule_id, condition), tried.scope, span, |places| {
        for place in places {
            let points = chart(condition, &place.history, (from, to), width);
            let worst = points
                .iter()
                .filter_map(|point| point.reading.as_ref().map(|reading| reading.value))
                .reduce(|one, other| {
                    if is_worse(condition, other, one) {
                        other
                    } else {
                        one
                    }
                });
            drawn.push((worst, series_view(place, points)));
        }
        drawn.sort_by(|(one, _), (other, _)| match (one, other) {
            (Some(one), Some(other)) if is_worse(condition, *one, *other) => std::cmp::Ordering::Less,
            (Some(one), Some(other)) if is_worse(condition, *other, *one) => std::cmp::Ordering::Greater,
            (one, other) => one.is_none().cmp(&other.is_none()),
        });
        left_out += drawn.len().saturating_sub(MOST_SERIES);
        drawn.truncate(MOST_SERIES);
    })
    .await?;
    let data = PreviewView {
        from,
        to,
        step_seconds: width.whole_seconds(),
        threshold: condition.threshold(),
        series: drawn.into_iter().map(|(_, series)| series).collect(),
        left_out,
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// The least multiple of `step` that is not shorter.
fn floor_up(length: Duration, step: Duration) -> Duration {
    let steps = length.as_seconds_f64() / step.as_seconds_f64();
    step * (steps.ceil().max(1.0) as i32)
}

fn series_view(place: Place, points: Vec<Point>) -> SeriesView {
    SeriesView {
        service_id: place.target.service_id,
        service: place.target.service,
        environment_id: place.target.environment_id,
        environment: place.target.environment,
        group: place.group,
        points: points
            .into_iter()
            .map(|point| PointView {
                at: point.at,
                value: point.reading.as_ref().map(|reading| reading.value),
                threshold: point.reading.as_ref().map(|reading| reading.threshold),
                holds: point.reading.is_some_and(|reading| reading.holds),
            })
            .collect(),
    }
}
