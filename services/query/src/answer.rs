//! Lines and what a search touched, as answers show them.

use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use domain::line_id::LineId;
use logstore::reader::{Line, Stats};
use serde::Serialize;
use serde_json::value::RawValue;
use service_kit::ErrorBody;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use crate::ask::Chosen;
use crate::metrics;

/// A stored log line.
#[derive(Serialize, ToSchema)]
pub(crate) struct LineView {
    /// Stable, opaque, and enough to find the line again: `GET /api/logs/lines/{id}`.
    #[schema(example = "C5pPDkOlT2qbYWqPXRwud0iwDk7x7oAAAAAAAAAAvEk")]
    id: LineId,
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

impl LineView {
    pub(crate) fn new(line: Line, chosen: &Chosen) -> Self {
        let (service, environment) = chosen.names(line.environment_id);
        Self {
            id: LineId::new(line.environment_id, line.ts, line.id),
            timestamp: line.ts,
            level: line.level,
            message: line.message,
            meta: line.meta,
            trace_id: line.trace_id,
            request_id: line.request_id,
            service_id: line.service_id,
            service: service.to_owned(),
            environment_id: line.environment_id,
            environment: environment.to_owned(),
        }
    }
}

impl LineView {
    /// Its time, since 1970.
    #[cfg(feature = "parquet")]
    pub(crate) fn micros(&self) -> i64 {
        (self.timestamp.unix_timestamp_nanos() / 1_000) as i64
    }

    pub(crate) const CSV_COLUMNS: [&'static str; 9] = [
        "timestamp",
        "level",
        "service",
        "environment",
        "message",
        "meta",
        "trace_id",
        "request_id",
        "id",
    ];

    /// In the order of the columns.
    pub(crate) fn csv_record(&self) -> [String; 9] {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            self.timestamp.format(&Rfc3339).unwrap_or_default(),
            self.level.to_string(),
            self.service.clone(),
            self.environment.clone(),
            self.message.clone(),
            self.meta
                .as_ref()
                .map(|meta| meta.get().to_owned())
                .unwrap_or_default(),
            text(&self.trace_id),
            text(&self.request_id),
            self.id.to_string(),
        ]
    }
}

/// What searches are refused with, as the OpenAPI document says it.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "read by the derive")]
pub(crate) enum SearchRefusals {
    /// A parameter makes no sense; it is named
    #[response(status = 400)]
    Invalid(ErrorBody),
    /// Not signed in
    #[response(status = 401)]
    Unauthorized(ErrorBody),
    /// No such service, environment or deployment in this organisation
    #[response(status = 404)]
    NotFound(ErrorBody),
    /// The organisation runs too many searches at once
    #[response(status = 429)]
    RateLimited(ErrorBody),
    /// The database is away or busy
    #[response(status = 503)]
    Unavailable(ErrorBody),
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
    /// `time_budget` or `answer_size` (`next_cursor` goes on), or `damaged` (a stored segment cannot be read), or
    /// `too_many_lines` (patterns are looked for in the newest only); null when not partial.
    #[schema(example = json!(null))]
    partial_reason: Option<&'static str>,
}

impl From<&Stats> for StatsView {
    fn from(stats: &Stats) -> Self {
        Self {
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
}
