//! The native way in: JSON and NDJSON.

use actix_web::{HttpRequest, post, web};
use domain::ids::ReceiptId;
use serde::Serialize;
use service_kit::{ApiError, Data, ErrorBody, FieldError, Kit};
use utoipa::ToSchema;

use crate::app::State;
use crate::encoding::Encoding;
use crate::format::Format;
use crate::intake::{self, Arrival, Stored};
use crate::keys::IngestKey;
use crate::lines::Lines;
use crate::metrics;
use crate::unpack::RejectedLine;

/// One log line.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"timestamp": "2026-01-31T12:00:00.123Z", "level": "error",
    "message": "payment for order 4711 failed", "meta": {"order": 4711}, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}))]
pub(super) struct LogLine {
    /// RFC 3339, or a number since 1970 in seconds, milli-, micro- or nanoseconds. Now, if it is absent.
    timestamp: Option<String>,
    /// trace, debug, info, warn, error, fatal, or one of the names that common loggers give them. `info` if it is absent.
    level: Option<String>,
    /// At most 1 MiB. NUL characters are replaced.
    message: String,
    /// Any JSON object, at most 256 KiB and 32 levels deep. Fields of the line that are not listed here are added to it.
    meta: Option<serde_json::Map<String, serde_json::Value>>,
    trace_id: Option<String>,
    request_id: Option<String>,
}

/// Several lines. One line alone, an array of lines, and NDJSON are taken too.
#[derive(Serialize, ToSchema)]
pub(super) struct IngestRequest {
    logs: Vec<LogLine>,
}

/// What became of the lines.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IngestResult {
    /// Lines that are durable and can be found by now.
    accepted: u32,
    /// Lines that were refused, each with the reason.
    rejected: Vec<RejectedLine>,
    /// For a request with an Idempotency-Key.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_id: Option<ReceiptId>,
}

/// Stores log lines.
///
/// A 200 comes after the commit: the accepted lines are durable and queryable, and every other line is named. Bodies may
/// be compressed (`Content-Encoding: gzip` or `zstd`). With an `Idempotency-Key` a request is stored once within 24 hours,
/// however often it is sent.
#[utoipa::path(
    operation_id = "ingest_logs",
    tag = "logs",
    security(("api_key" = ["logs:write"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description =
            "1 to 200 printable ASCII characters, new for each batch; makes it safe to send a request again"),
        ("Content-Encoding" = Option<String>, Header, description = "gzip or zstd"),
    ),
    request_body(
        description = "At most 10 MiB as sent, 64 MiB decompressed, 50,000 lines",
        content(
            (IngestRequest = "application/json"),
            (LogLine = "application/x-ndjson"),
        )
    ),
    responses(
        (status = 200, description = "The accepted lines are stored", body = Data<IngestResult>),
        (status = 400, description = "Nothing was stored: the body cannot be read, or no line can be stored", body = ErrorBody),
        (status = 401, description = "The key is missing, malformed, unknown, revoked or expired", body = ErrorBody),
        (status = 403, description = "The key lacks the scope logs:write", body = ErrorBody),
        (status = 409, description = "The Idempotency-Key was used with another body", body = ErrorBody),
        (status = 413, description = "Too many bytes or lines", body = ErrorBody),
        (status = 415, description = "Another Content-Type or Content-Encoding", body = ErrorBody),
        (status = 429, description = "The key's lines of this minute are used up; see Retry-After", body = ErrorBody),
        (status = 503, description = "Overloaded, or the database is away; see Retry-After", body = ErrorBody),
    )
)]
#[post("/api/v1/logs/ingest")]
pub(super) async fn ingest(
    key: IngestKey,
    req: HttpRequest,
    payload: web::Payload,
    kit: web::Data<Kit>,
    state: web::Data<State>,
) -> Result<web::Json<Data<IngestResult>>, ApiError> {
    let stored = match Arrival::admit(key, &req, payload, &kit, &state) {
        Ok(arrival) => store(arrival).await,
        Err(error) => Err(error),
    };
    let data = stored.inspect_err(metrics::refused)?.into();
    Ok(web::Json(Data { data }))
}

async fn store(arrival: Arrival<'_>) -> Result<Stored<()>, ApiError> {
    let (format, encoding) = (Format::of(arrival.req())?, Encoding::of(arrival.req())?);
    let stored = intake::store(arrival, encoding, move |body, max_lines| {
        Lines::of(body, format, max_lines)
    })
    .await?;
    if stored.accepted == 0 && !stored.rejected.is_empty() {
        return Err(nothing_acceptable(&stored.rejected));
    }
    Ok(stored)
}

impl From<Stored<()>> for IngestResult {
    fn from(stored: Stored<()>) -> Self {
        Self {
            accepted: stored.accepted,
            rejected: stored.rejected,
            receipt_id: stored.receipt_id,
        }
    }
}

/// All lines were refused. The first reasons are enough to see what is wrong; the count says how much of it there is.
fn nothing_acceptable(rejected: &[RejectedLine]) -> ApiError {
    const LISTED: usize = 100;
    let details = rejected.iter().take(LISTED).map(|line| {
        let path = match line.field.as_str() {
            "" => format!("logs[{}]", line.index),
            field => format!("logs[{}].{field}", line.index),
        };
        FieldError {
            path,
            message: line.reason.clone(),
        }
    });
    let total = rejected.len();
    let message = match total {
        1 => "the line was not stored; see details for what is wrong with it".to_owned(),
        2..=LISTED => {
            format!("none of the {total} lines was stored; see details for what is wrong with each")
        }
        _ => format!("none of the {total} lines was stored; details lists the first {LISTED}"),
    };
    ApiError::Validation {
        message,
        details: details.collect(),
    }
}
