//! Loki's query API, so that Grafana and logcli work as clients. The language is `domain::logql`; this is what it runs on.
//!
//! Services, environments and levels make the streams, so labels, series and volumes come from the counters that are kept
//! with the lines. Only [`lines`], [`numbers`] and [`fields`] look at lines;
//! [`patterns`] does so where lines are not merged yet.

mod fields;
mod lines;
mod numbers;
mod params;
mod patterns;
mod places;
mod streams;
mod tail;
mod volume;

use std::collections::BTreeMap;
use std::time::Instant;

use domain::ids::OrgId;
use domain::logql::{self, Query, Stats, Summary};
use logstore::reader;
use serde::Serialize;
use service_kit::{ApiError, Kit};
use time::OffsetDateTime;

use crate::app::State;

pub(crate) use fields::{detected_fields, detected_labels};
pub(crate) use params::Params;
pub(crate) use patterns::patterns;
pub(crate) use streams::{label_values, labels, series};
pub(crate) use tail::FollowedLines;
pub(crate) use volume::{index_stats, volume, volume_range};

/// What every route has at hand.
pub(crate) struct Call<'a> {
    pub(crate) kit: &'a Kit,
    pub(crate) state: &'a State,
    pub(crate) org_id: OrgId,
    pub(crate) params: Params,
    /// The label that the path names, where it names one.
    pub(crate) label: String,
    /// Grafana asks for it: the labels of streams apart from those of lines.
    pub(crate) categorized: bool,
    pub(crate) now: OffsetDateTime,
}

/// Success as Loki says it.
#[derive(Serialize)]
pub(crate) struct Success<T> {
    status: &'static str,
    data: T,
}

impl<T> Success<T> {
    fn new(data: T) -> Self {
        Self {
            status: "success",
            data,
        }
    }
}

/// `query`: numbers at one moment.
pub(crate) async fn query(call: Call<'_>) -> Result<logql::Response, ApiError> {
    match call.params.query()? {
        Query::Metric(expr) => numbers::at_one_moment(&call, expr).await,
        Query::Log(_) => Err(refused(logql::INSTANT_LOG_QUERY)),
    }
}

/// `query_range`: lines, or numbers over time.
pub(crate) async fn query_range(call: Call<'_>) -> Result<logql::Response, ApiError> {
    match call.params.query()? {
        Query::Metric(expr) => numbers::over_time(&call, expr).await,
        Query::Log(pipeline) => lines::find(&call, pipeline).await,
    }
}

/// `status/buildinfo`: what clients choose their features by is Loki's version, of which this speaks the API.
pub(crate) async fn build_info(_call: Call<'_>) -> Result<BTreeMap<&'static str, &'static str>, ApiError> {
    let empty = ["revision", "branch", "buildUser", "buildDate", "goVersion"];
    let version = ("version", "3.0.0");
    Ok(empty
        .map(|name| (name, ""))
        .into_iter()
        .chain([version])
        .collect())
}

/// A mistake in what was asked, in words that are the whole answer.
fn refused(message: impl ToString) -> ApiError {
    ApiError::invalid("", message.to_string())
}

/// What a query cost, as clients show it.
fn cost(started: Instant, searched: reader::Stats, entries: usize) -> Stats {
    let elapsed = started.elapsed().as_secs_f64();
    let per_second = |amount: u64| (amount as f64 / elapsed.max(1e-6)) as u64;
    Stats {
        summary: Summary {
            bytes_processed_per_second: per_second(searched.bytes_read),
            lines_processed_per_second: per_second(searched.rows_scanned),
            total_bytes_processed: searched.bytes_read,
            total_lines_processed: searched.rows_scanned,
            exec_time: elapsed,
            queue_time: 0.0,
            total_entries_returned: entries as u64,
        },
    }
}
