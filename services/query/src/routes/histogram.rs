//! `GET /api/logs/histogram`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{get, web};
use db::{TenantTx, scopes};
use domain::level::Level;
use domain::query::aggregate::Table;
use domain::query::ast::Field;
use domain::query::pipe::{Aggregate, Function, Interval, Stage, Stats as StatsStage};
use logstore::reader::{self, Bucket, HistogramPlan};
use serde::{Deserialize, Serialize};
use service_kit::access::Viewer;
use service_kit::body::QueryParamsOf;
use service_kit::{ApiError, Data, Kit};
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use crate::answer::{SearchRefusals, StatsView};
use crate::app::State;
use crate::ask::{Ask, Chosen, LogFilter};
use crate::fields;
use crate::numbers::{self, json};
use crate::time_range::{self, TimeRange};

/// How to count them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistogramParams {
    /// Length of a bucket in whole minutes: `1m`, `15m`, `1h`, `1d`. Absent: what makes at most 120 buckets.
    #[param(example = "5m")]
    interval: Option<String>,
    /// What to count by: `level`, which is the default, `service`, `env`, or a field of the metadata (`http.status`).
    #[param(example = "level")]
    field: Option<String>,
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
    /// What was read for it; null when counters told.
    stats: Option<StatsView>,
}

/// The lines of one interval. Where counters tell, a minute counts whole if any part of it is in the range.
#[derive(Serialize, ToSchema)]
pub(crate) struct BucketView {
    /// A multiple of the interval since 1970, UTC.
    #[serde(with = "time::serde::rfc3339")]
    start: OffsetDateTime,
    total: u64,
    /// By level, each of the six; or by the field's value, where it has lines. Values beyond 10,000 are counted as `…`,
    /// lines without the field as an empty text.
    #[schema(
        value_type = BTreeMap<String, u64>,
        example = json!({"trace": 0, "debug": 20, "info": 100, "warn": 7, "error": 3, "fatal": 0}),
    )]
    counts: BTreeMap<Cow<'static, str>, u64>,
}

/// Counts the organisation's log lines over time, by level or by a field. Without a query that looks at text it reads
/// counters, not lines, so it is quick over any range.
#[utoipa::path(
    operation_id = "count_logs",
    tag = "logs",
    params(LogFilter, HistogramParams),
    responses(
        (status = 200, body = Data<HistogramView>, example = json!({"data": {
            "interval_seconds": 300,
            "buckets": [{
                "start": "2026-01-31T11:55:00Z", "total": 130,
                "counts": {"trace": 0, "debug": 20, "info": 100, "warn": 7, "error": 3, "fatal": 0}
            }],
            "stats": null
        }})),
        SearchRefusals,
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/histogram")]
pub(crate) async fn histogram(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParamsOf<LogFilter, HistogramParams>,
) -> Result<web::Json<Data<HistogramView>>, ApiError> {
    let QueryParamsOf(filter, params) = params;
    let ask = filter.read(kit.clock.now())?;
    let field = match params.field.as_deref() {
        None | Some("") => Field::Level,
        Some(name) => fields::parse("field", name)?,
    };
    let interval = params.interval(&ask.range)?;
    // Refuses an interval that makes too many buckets, or none that a minute's counter knows.
    let plan = HistogramPlan::new(Vec::new(), (ask.range.from, ask.range.to), Vec::new(), interval)
        .map_err(|error| ApiError::invalid("interval", error.to_string()))?;
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.histogram").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let chosen = ask.choose(scopes::list(&tx).await?)?;
    let view = match chosen.only_levels() {
        Some(levels) if field == Field::Level => from_counters(&tx, &chosen, levels, plan).await?,
        _ => from_lines(&tx, &state, &ask, chosen, field, &plan).await?,
    };
    tx.commit().await?;
    Ok(web::Json(Data { data: view }))
}

async fn from_counters(
    tx: &TenantTx<'_>,
    chosen: &Chosen,
    levels: Vec<Level>,
    mut plan: HistogramPlan,
) -> Result<HistogramView, ApiError> {
    plan.scopes = chosen.places();
    plan.levels = levels;
    let buckets = reader::histogram(tx, &plan).await?;
    Ok(HistogramView {
        interval_seconds: plan.interval().whole_seconds(),
        buckets: buckets.into_iter().map(BucketView::from).collect(),
        stats: None,
    })
}

async fn from_lines(
    tx: &TenantTx<'_>,
    state: &State,
    ask: &Ask,
    chosen: Chosen,
    field: Field,
    plan: &HistogramPlan,
) -> Result<HistogramView, ApiError> {
    let seconds = plan.interval().whole_seconds();
    let every = Interval::from_seconds(seconds.unsigned_abs());
    let by_level = field == Field::Level;
    let stage = Stage::Stats(StatsStage {
        aggregates: vec![Aggregate {
            function: Function::Count,
            alias: None,
        }],
        by: vec![field],
        every,
    });
    let search = ask.plan(&chosen, state.budget);
    let computed =
        numbers::compute(&state.reader, tx, &search, &Arc::new(chosen), &[stage], u64::MAX).await?;
    let mut buckets: BTreeMap<OffsetDateTime, BucketView> = plan
        .starts()
        .map(|start| (start, BucketView::empty(start, by_level)))
        .collect();
    for table in &computed.tables {
        fill(&mut buckets, table);
    }
    Ok(HistogramView {
        interval_seconds: seconds,
        buckets: buckets.into_values().collect(),
        stats: Some(StatsView::from(&computed.stats)),
    })
}

/// Rows are of a bucket's start, the field's value and a count.
fn fill(buckets: &mut BTreeMap<OffsetDateTime, BucketView>, table: &Table) {
    use domain::query::aggregate::Cell;
    for row in &table.rows {
        let [Cell::Time(start), value, count] = &row[..] else {
            continue;
        };
        let count = json(count).as_u64().unwrap_or_default();
        let name = json(value).as_str().map(str::to_owned).unwrap_or_default();
        let bucket = buckets
            .entry(*start)
            .or_insert_with(|| BucketView::empty(*start, false));
        bucket.total += count;
        *bucket.counts.entry(name.into()).or_default() += count;
    }
}

impl BucketView {
    fn empty(start: OffsetDateTime, by_level: bool) -> Self {
        let levels = Level::ALL.into_iter().filter(|_| by_level);
        Self {
            start,
            total: 0,
            counts: levels.map(|level| (level.as_str().into(), 0)).collect(),
        }
    }
}

impl From<Bucket> for BucketView {
    fn from(bucket: Bucket) -> Self {
        let count = |level: Level| {
            (
                Cow::Borrowed(level.as_str()),
                bucket.counts[level.code() as usize],
            )
        };
        Self {
            start: bucket.start,
            total: bucket.counts.iter().sum(),
            counts: Level::ALL.into_iter().map(count).collect(),
        }
    }
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
