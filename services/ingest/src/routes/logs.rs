//! The native way in: JSON and NDJSON.

use actix_web::{HttpRequest, post, web};
use domain::ids::ReceiptId;
use domain::log_record::LineRules;
use logstore::receipts::{IdempotencyRecord, Receipt};
use logstore::writer::{Batch, WriteError};
use serde::Serialize;
use service_kit::{ApiError, Data, ErrorBody, FieldError, Kit};
use utoipa::ToSchema;

use crate::app::State;
use crate::body::{self, Admission};
use crate::encoding::Encoding;
use crate::format::Format;
use crate::idempotency::IdempotencyKey;
use crate::keys::IngestKey;
use crate::metrics::{self, Outcome};
use crate::rate_limit::Tokens;
use crate::unpack::{RejectedLine, Unpacked};

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
    let result = store(&key, &req, payload, &kit, &state).await;
    metrics::inflight(state.inflight.used());
    match result {
        Ok(data) => Ok(web::Json(Data { data })),
        Err(error) => {
            metrics::refused(&error);
            Err(error)
        }
    }
}

/// What is cheap to refuse is refused before anything is read.
async fn store(
    IngestKey(key): &IngestKey,
    req: &HttpRequest,
    payload: web::Payload,
    kit: &Kit,
    state: &State,
) -> Result<IngestResult, ApiError> {
    state.gate.require_open()?;
    state.rate_limiter.refuse_if_exhausted(key)?;
    let (format, encoding) = (Format::of(req)?, Encoding::of(req)?);
    let idempotency_key = IdempotencyKey::of(req)?;
    let admission = Admission::of(
        req,
        key.scope.org_id,
        &state.inflight,
        state.limits.max_body_bytes,
    )?;
    let body = admission.read(payload.into_inner()).await?;
    let split = state.workshop.split(body, encoding, format, state.limits).await?;

    let tokens = state.rate_limiter.take(key, split.lines.count()).await?;
    let rules = LineRules {
        max_message_bytes: state.limits.max_message_bytes,
        retention: key.retention,
        now: kit.clock.now(),
    };
    let api_key_id = key.id;
    let (unpacked, record) = state
        .workshop
        .read(split, rules, key.scope, move |lines, unpacked| {
            let record = idempotency_key.map(|key| {
                let rejected = serde_json::to_value(&unpacked.rejected).unwrap_or_default();
                key.record(api_key_id, lines.body(), rejected)
            });
            (unpacked, record)
        })
        .await?;

    let Unpacked { batch, rejected } = unpacked;
    metrics::lines(Outcome::Rejected, rejected.len());
    if batch.is_empty() {
        return Err(nothing_acceptable(&rejected));
    }
    let receipt = append(state, batch, record, tokens).await?;
    answer(receipt, rejected)
}

/// Hands the batch to the writer; tokens of lines that were surely not stored now go back.
async fn append(
    state: &State,
    batch: Batch,
    record: Option<IdempotencyRecord>,
    tokens: Tokens,
) -> Result<Receipt, ApiError> {
    let result = state.writer.append(batch, record).await;
    match &result {
        Ok(Receipt::Stored { accepted, .. }) => tokens.keep(*accepted),
        Err(WriteError::Unknown) => tokens.keep_all(),
        Ok(Receipt::Repeated { .. }) | Err(_) => drop(tokens),
    }
    result.map_err(write_error)
}

fn answer(receipt: Receipt, rejected: Vec<RejectedLine>) -> Result<IngestResult, ApiError> {
    match receipt {
        Receipt::Stored { id, accepted } => {
            metrics::lines(Outcome::Accepted, accepted as usize);
            Ok(IngestResult {
                accepted,
                rejected,
                receipt_id: id,
            })
        }
        Receipt::Repeated {
            id,
            accepted,
            rejected,
        } => {
            metrics::lines(Outcome::Repeated, accepted as usize);
            Ok(IngestResult {
                accepted,
                rejected: serde_json::from_value(rejected).map_err(ApiError::internal)?,
                receipt_id: Some(id),
            })
        }
    }
}

fn write_error(error: WriteError) -> ApiError {
    let again = |message: &str| ApiError::Busy {
        message: message.to_owned(),
        retry_after_s: body::a_little_later(),
    };
    match error {
        WriteError::Busy => body::busy(),
        WriteError::NotStored => {
            again("the database is away or busy, and nothing was stored; send this request again")
        }
        WriteError::Unknown => again(
            "the connection to the database broke while the lines were being stored: they may be stored or not; send \
             this request again with the same Idempotency-Key (without one, lines may be stored twice)",
        ),
        WriteError::Stopping => {
            again("this process is stopping, and nothing was stored; send this request again")
        }
        WriteError::KeyConflict => ApiError::Conflict(
            "the Idempotency-Key was used before with another body; use a new key for each batch".to_owned(),
        ),
        WriteError::Refused(state) => ApiError::invalid(
            "",
            format!(
                "the database refuses the lines of this request ({state}), and nothing was stored; send its lines in \
                 smaller parts to find which one it is"
            ),
        ),
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
