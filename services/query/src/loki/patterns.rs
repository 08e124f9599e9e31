//! `patterns`: what lines of a selector have in common, for Grafana's Explore Logs.

use db::scopes;
use domain::logql::{LogPipeline, parse_length};
use domain::patterns::PLACEHOLDER;
use logstore::reader::Intervals;
use serde::Serialize;
use service_kit::ApiError;
use time::OffsetDateTime;

use super::places::Places;
use super::{Call, Success, refused};
use crate::patterns::{self, Order};
use crate::time_range::up_to_micros;

/// Loki's sign for what varies.
const LOKI_PLACEHOLDER: &str = "<_>";
const MOST_POINTS: usize = 300;
const DEFAULT_LIMIT: usize = 300;
const MAX_LIMIT: usize = 1_000;

/// A pattern as Loki shows it.
#[derive(Serialize)]
pub(crate) struct LokiPattern {
    pattern: String,
    /// The highest level of its lines.
    level: &'static str,
    /// When, in seconds since 1970, and how many lines; without those that are none.
    samples: Vec<(i64, u32)>,
}

/// The patterns of the streams that a selector means. Points are five minutes apart, or a multiple of that.
pub(crate) async fn patterns(call: Call<'_>) -> Result<Success<Vec<LokiPattern>>, ApiError> {
    let pipeline = call.params.pipeline()?;
    if !pipeline.stages.is_empty() {
        return Err(refused(
            "patterns are those of streams: leave out what stands behind the selector",
        ));
    }
    let range = call.params.range(call.now)?;
    let limit = call.params.limit("limit", DEFAULT_LIMIT, MAX_LIMIT)?;
    let points = match call.params.get("step") {
        None => MOST_POINTS,
        Some(text) => {
            let step = parse_length("step", text).map_err(refused)?;
            let points = (range.end - range.start) / step.max(time::Duration::SECOND);
            (points as usize).clamp(2, MOST_POINTS)
        }
    };
    let _turn = call.state.admission.enter(call.org_id).await?;
    let mut conn = call.kit.db.conn("query.loki").await?;
    let tx = conn.tenant_snapshot(call.org_id).await?;
    let selector = pipeline.selector;
    let stages = Vec::new();
    let places = Places::of(scopes::list(&tx).await?, &[&LogPipeline { selector, stages }]);
    let (from, to) = (up_to_micros(range.start), up_to_micros(range.end));
    let plan = places.plan(from, to, 1, call.state.budget);
    let intervals = Intervals::covering(from, to, points);
    let mut found = patterns::count(call.state, &tx, plan, intervals).await?;
    let top = patterns::top(&tx, &mut found, Order::MostLines, limit, |_| true).await?;
    tx.commit().await?;
    let starts: Vec<i64> = intervals.starts().map(OffsetDateTime::unix_timestamp).collect();
    let view = |named: patterns::Named| LokiPattern {
        pattern: named.described.text.replace(PLACEHOLDER, LOKI_PLACEHOLDER),
        level: named.count.level().as_str(),
        samples: starts
            .iter()
            .copied()
            .zip(named.count.intervals)
            .filter(|(_, lines)| *lines > 0)
            .collect(),
    };
    Ok(Success::new(top.named.into_iter().map(view).collect()))
}
