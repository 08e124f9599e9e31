//! Work that an operator, or a cron job of the cluster, may ask for.

use actix_web::{post, web};
use logstore::maintenance::{self, Cleanup, CleanupReport};
use serde::Serialize;
use service_kit::access::Internal;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use utoipa::ToSchema;

/// What a cleanup removed.
#[derive(Serialize, ToSchema)]
pub(super) struct CleanupView {
    /// Partitions of rows and of segments, a day each, that were dropped whole.
    #[schema(example = json!(["logs_20260101"]))]
    partitions: Vec<String>,
    /// Lines past their service's retention, or of services that no longer exist.
    log_rows: i64,
    /// Segments of services that no longer exist, or that expired before they were merged.
    segments: i64,
    count_rows: i64,
    arrival_rows: i64,
    receipt_rows: i64,
    rate_bucket_rows: i64,
    /// Templates of lines that are no longer kept.
    patterns: i64,
    error_arrival_rows: i64,
}

impl From<CleanupReport> for CleanupView {
    fn from(report: CleanupReport) -> Self {
        Self {
            partitions: report.partitions,
            log_rows: report.log_rows,
            segments: report.segments,
            count_rows: report.count_rows,
            arrival_rows: report.arrival_rows,
            receipt_rows: report.receipt_rows,
            rate_bucket_rows: report.rate_bucket_rows,
            patterns: report.patterns,
            error_arrival_rows: report.error_arrival_rows,
        }
    }
}

/// Removes what expired, now, and says what that was.
///
/// The same happens every hour by itself. Each run is recorded in `cron_runs`.
#[utoipa::path(
    operation_id = "clean_up_logs",
    tag = "internal",
    security(("internal" = [])),
    responses(
        (status = 200, body = Data<CleanupView>),
        (status = 401, body = ErrorBody),
        (status = 409, description = "A cleanup is running already", body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
#[post("/api/v1/internal/logs/cleanup")]
pub(super) async fn cleanup(
    _caller: Internal,
    kit: web::Data<Kit>,
) -> Result<web::Json<Data<CleanupView>>, ApiError> {
    match maintenance::cleanup(&kit.db).await? {
        Cleanup::Done(report) => Ok(web::Json(Data { data: report.into() })),
        Cleanup::AlreadyRunning => Err(ApiError::Conflict(
            "a cleanup is running already; its report will be in cron_runs".to_owned(),
        )),
    }
}
