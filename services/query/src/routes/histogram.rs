//! `GET /api/logs/histogram`.

use actix_web::{get, web};
use db::scopes;
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use logstore::reader::{self, Bucket, HistogramPlan};
use serde::{Deserialize, Serialize};
use service_kit::access::Viewer;
use service_kit::body::QueryParams;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use crate::app::State;
use crate::criteria::{self, ScopeFilter};
use crate::routes::logs::search_scopes;
use crate::time_range::{self, TimeRange};

/// What to count.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistogramParams {
    /// Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`). Default `-24h`.
    #[param(example = "-1h")]
    from: Option<String>,
    /// Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
    #[param(example = "2026-01-31T12:00:00Z")]
    to: Option<String>,
    service_id: Option<ServiceId>,
    /// A service by its name.
    #[param(example = "checkout")]
    service: Option<String>,
    environment_id: Option<EnvironmentId>,
    /// An environment by its name.
    #[param(example = "production")]
    environment: Option<String>,
    /// Levels, comma-separated: trace, debug, info, warn, error, fatal. Absent: all.
    #[param(example = "error,fatal")]
    level: Option<String>,
    /// Length of a bucket in whole minutes: `1m`, `15m`, `1h`, `1d`. Absent: what makes at most 120 buckets.
    #[param(example = "5m")]
    interval: Option<String>,
}

impl HistogramParams {
    fn interval(&self, range: &TimeRange) -> Result<Duration, ApiError> {
        match self.interval.as_deref() {
            None | Some("") => Ok(fitting_interval(range.length())),
            Some(text) => time_range::span(text)
                .ok_or_else(|| ApiError::invalid("interval", "must be a span such as 1m, 15m, 1h or 1d")),
        }
    }
}

/// The shortest usual interval that cuts a range into at most 120 pieces.
fn fitting_interval(length: Duration) -> Duration {
    const BUCKETS: i32 = 120;
    const MINUTES: [i64; 13] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 10_080];
    MINUTES
        .into_iter()
        .map(Duration::minutes)
        .find(|interval| length <= *interval * BUCKETS)
        .unwrap_or(HistogramPlan::MAX_INTERVAL)
}

/// Lines over time.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistogramView {
    /// Seconds.
    interval_seconds: i64,
    /// Without a gap, oldest first.
    buckets: Vec<BucketView>,
}

/// The lines of one interval. A minute counts whole if any part of it is in the range.
#[derive(Serialize, ToSchema)]
pub(crate) struct BucketView {
    /// A multiple of the interval since 1970, UTC.
    #[serde(with = "time::serde::rfc3339")]
    start: OffsetDateTime,
    total: u64,
    counts: LevelCounts,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LevelCounts {
    trace: u64,
    debug: u64,
    info: u64,
    warn: u64,
    error: u64,
    fatal: u64,
}

impl From<Bucket> for BucketView {
    fn from(bucket: Bucket) -> Self {
        let count = |level: Level| bucket.counts[level.code() as usize];
        Self {
            start: bucket.start,
            total: bucket.counts.iter().sum(),
            counts: LevelCounts {
                trace: count(Level::Trace),
                debug: count(Level::Debug),
                info: count(Level::Info),
                warn: count(Level::Warn),
                error: count(Level::Error),
                fatal: count(Level::Fatal),
            },
        }
    }
}

/// Counts the organisation's log lines over time, by level. Reads counters, not lines, so it is quick over any range.
#[utoipa::path(
    operation_id = "count_logs",
    tag = "logs",
    params(HistogramParams),
    responses(
        (status = 200, body = Data<HistogramView>, example = json!({"data": {
            "interval_seconds": 300,
            "buckets": [{
                "start": "2026-01-31T11:55:00Z", "total": 130,
                "counts": {"trace": 0, "debug": 20, "info": 100, "warn": 7, "error": 3, "fatal": 0}
            }]
        }})),
        (status = 400, description = "A parameter makes no sense; it is named", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 404, description = "No such service or environment in this organisation", body = ErrorBody),
        (status = 429, description = "The organisation runs too many searches at once", body = ErrorBody),
        (status = 503, description = "The database is away or busy", body = ErrorBody),
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/histogram")]
pub(crate) async fn histogram(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParams<HistogramParams>,
) -> Result<web::Json<Data<HistogramView>>, ApiError> {
    let params = params.0;
    let range = TimeRange::parse(params.from.as_deref(), params.to.as_deref(), kit.clock.now())?;
    let interval = params.interval(&range)?;
    let levels = criteria::levels(params.level.as_deref())?;
    let filter = ScopeFilter {
        service_id: params.service_id,
        service: params.service,
        environment_id: params.environment_id,
        environment: params.environment,
    };
    let mut plan = HistogramPlan::new(Vec::new(), (range.from, range.to), levels, interval)
        .map_err(|error| ApiError::invalid("interval", error.to_string()))?;
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.histogram").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    plan.scopes = search_scopes(&filter.select(scopes::list(&tx).await?)?);
    let buckets = reader::histogram(&tx, &plan).await?;
    tx.commit().await?;
    let view = HistogramView {
        interval_seconds: interval.whole_seconds(),
        buckets: buckets.into_iter().map(BucketView::from).collect(),
    };
    Ok(web::Json(Data { data: view }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(Duration::minutes(10), Duration::minutes(1))]
    #[case(Duration::minutes(120), Duration::minutes(1))]
    #[case(Duration::minutes(121), Duration::minutes(2))]
    #[case(Duration::minutes(24 * 60 + 10), Duration::minutes(15))]
    #[case(Duration::days(30), Duration::hours(6))]
    #[case(Duration::days(36_500), Duration::days(30))]
    fn a_range_gets_an_interval_that_fits(#[case] length: Duration, #[case] expected: Duration) {
        assert_eq!(fitting_interval(length), expected);
    }
}
