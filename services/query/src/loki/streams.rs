//! The streams that have lines, and their labels, by the counters that are kept with the lines.

use std::collections::{BTreeMap, BTreeSet};

use db::scopes::NamedScope;
use db::{TenantTx, scopes};
use domain::level::Level;
use domain::logql::{STREAM_LABELS, Selector, TimeRange};
use logstore::reader::{self, HistogramPlan, InvalidInterval};
use service_kit::ApiError;
use time::{Duration, OffsetDateTime};

use super::{Call, Success, refused};
use crate::ask::search_scope;
use crate::time_range::up_to_micros;

type Labels = BTreeMap<&'static str, String>;

/// How many lines a stream had in one interval.
pub(super) struct StreamLines {
    pub(super) service: String,
    pub(super) environment: String,
    pub(super) level: Level,
    pub(super) start: OffsetDateTime,
    pub(super) lines: u64,
}

impl StreamLines {
    pub(super) fn labels(&self) -> Labels {
        STREAM_LABELS
            .into_iter()
            .map(|label| (label, self.label(label)))
            .collect()
    }

    /// One of [`STREAM_LABELS`]; empty for others, which no stream has.
    pub(super) fn label(&self, name: &str) -> String {
        match name {
            "service_name" => self.service.clone(),
            "environment" => self.environment.clone(),
            "level" => self.level.to_string(),
            _ => String::new(),
        }
    }
}

/// The stream label that a name means: clients may say `service`, `env` and `detected_level`.
pub(super) fn stream_label(name: &str) -> &str {
    match name {
        "service" => "service_name",
        "env" => "environment",
        "detected_level" => "level",
        other => other,
    }
}

/// Lines per stream that any of the selectors means, and interval.
pub(super) async fn count(
    tx: &TenantTx<'_>,
    selectors: &[Selector],
    range: TimeRange,
    interval: Duration,
) -> Result<Vec<StreamLines>, ApiError> {
    let named: BTreeMap<_, NamedScope> = scopes::list(tx)
        .await?
        .into_iter()
        .filter(|scope| any_means(selectors, scope, None))
        .map(|scope| (scope.environment_id, scope))
        .collect();
    let places = named.values().map(search_scope).collect();
    // A moment's own minute counts.
    let (from, to) = (
        range.start,
        up_to_micros(range.end).saturating_add(Duration::MICROSECOND),
    );
    let plan = HistogramPlan::new(places, (from, to), Vec::new(), interval).map_err(too_fine)?;
    let counts = reader::stream_counts(tx, &plan).await?;
    let found = counts.into_iter().filter_map(|count| {
        let scope = named.get(&count.environment_id)?;
        any_means(selectors, scope, Some(count.level)).then(|| StreamLines {
            service: scope.service.clone(),
            environment: scope.environment.clone(),
            level: count.level,
            start: count.start,
            lines: count.lines,
        })
    });
    Ok(found.collect())
}

fn too_fine(error: InvalidInterval) -> ApiError {
    match error {
        InvalidInterval::NotWholeMinutes => refused("step must be from 1s to 30d"),
        InvalidInterval::TooManyBuckets(points) => refused(format!(
            "the range has {points} steps; at most {} are counted, send a longer step or a shorter range",
            HistogramPlan::MAX_BUCKETS
        )),
    }
}

fn any_means(selectors: &[Selector], scope: &NamedScope, level: Option<Level>) -> bool {
    selectors.iter().any(|selector| {
        selector.matches_scope(&scope.service, &scope.environment)
            && level.is_none_or(|level| selector.matches_level(level))
    })
}

/// The streams with lines in the call's range.
async fn found(call: &Call<'_>) -> Result<Vec<StreamLines>, ApiError> {
    let selectors = call.params.selectors()?;
    let range = call.params.index_range(call.now)?;
    let _turn = call.state.admission.enter(call.org_id).await?;
    let mut conn = call.kit.db.conn("query.loki").await?;
    let tx = conn.tenant_snapshot(call.org_id).await?;
    let found = count(&tx, &selectors, range, HistogramPlan::MAX_INTERVAL).await?;
    tx.commit().await?;
    Ok(found)
}

/// `labels`: those of streams, if there are any.
pub(crate) async fn labels(call: Call<'_>) -> Result<Success<Vec<&'static str>>, ApiError> {
    let has_streams = !found(&call).await?.is_empty();
    let labels = STREAM_LABELS.into_iter().filter(|_| has_streams);
    Ok(Success::new(labels.collect()))
}

/// `label/{name}/values`.
pub(crate) async fn label_values(call: Call<'_>) -> Result<Success<BTreeSet<String>>, ApiError> {
    let label = stream_label(&call.label);
    let values = found(&call).await?.into_iter().map(|stream| stream.label(label));
    Ok(Success::new(values.filter(|value| !value.is_empty()).collect()))
}

/// `series`: the labels of each stream.
pub(crate) async fn series(call: Call<'_>) -> Result<Success<BTreeSet<Labels>>, ApiError> {
    let streams = found(&call).await?;
    Ok(Success::new(streams.iter().map(StreamLines::labels).collect()))
}
