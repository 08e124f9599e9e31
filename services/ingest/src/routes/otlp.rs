//! OTLP over HTTP: OpenTelemetry's own way to send logs.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, post, web};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message;
use serde_json::json;
use service_kit::{ApiError, Kit};

use crate::app::State;
use crate::encoding::Encoding;
use crate::intake::{self, Arrival, Stored};
use crate::keys::IngestKey;
use crate::metrics;
use crate::protocols::otlp::{Export, Writing};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Stores OpenTelemetry log records (OTLP/HTTP).
///
/// An `ExportLogsServiceRequest` as protobuf or JSON, plain, gzip or zstd; the answer comes in the same encoding. A 200
/// comes after the commit; `partial_success` counts the records that were refused and says why. If all are refused the
/// answer is 400.
///
/// With a key that has the scope `logs:route`, the attributes `service.name` and `deployment.environment.name` of a resource
/// say to which service and environment of the organisation its records go; with `logs:create`, what is missing is made.
/// Records whose names lead nowhere go to the key's own, and `partial_success` says so with 0 refused.
#[utoipa::path(
    operation_id = "ingest_otlp",
    tag = "otlp",
    security(("api_key" = ["logs:write"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send a request again"),
        ("Content-Encoding" = Option<String>, Header, description = "gzip or zstd"),
    ),
    request_body(
        description = "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest",
        content(
            (String = "application/x-protobuf"),
            (serde_json::Value = "application/json"),
        )
    ),
    responses(
        (status = 200, description = "ExportLogsServiceResponse: the records are stored, but for those that partial_success counts"),
        (status = 400, description = "google.rpc.Status: nothing was stored, and sending it again would not help"),
        (status = 401, description = "google.rpc.Status: the key is missing, malformed, unknown, revoked or expired"),
        (status = 403, description = "google.rpc.Status: the key lacks the scope logs:write"),
        (status = 413, description = "google.rpc.Status: too many bytes or records"),
        (status = 415, description = "google.rpc.Status: another Content-Type or Content-Encoding"),
        (status = 429, description = "google.rpc.Status: the key's lines of this minute are used up; see Retry-After"),
        (status = 503, description = "google.rpc.Status: overloaded, or the database is away; see Retry-After"),
    )
)]
#[post("/v1/logs")]
pub(super) async fn export(
    key: Result<IngestKey, ApiError>,
    req: HttpRequest,
    payload: web::Payload,
    kit: web::Data<Kit>,
    state: web::Data<State>,
) -> HttpResponse {
    let writing = writing_of(&req);
    let result = async {
        let arrival = Arrival::admit(key?, &req, payload, &kit, &state)?;
        store(arrival, writing).await
    };
    // A request of a kind that we do not read is answered in the kind that a person reads.
    let answer_in = writing.unwrap_or(Writing::Json);
    match result.await {
        Ok(stored) => success(answer_in, &stored),
        Err(error) => {
            metrics::refused(&error);
            failure(answer_in, &error)
        }
    }
}

async fn store(arrival: Arrival<'_>, writing: Option<Writing>) -> Result<Stored<()>, ApiError> {
    let writing = writing.ok_or_else(|| {
        ApiError::UnsupportedMediaType(format!("Content-Type must be {PROTOBUF} or {JSON}"))
    })?;
    let encoding = Encoding::of(arrival.req())?;
    let stored = intake::store(arrival, encoding, move |body, max_lines| {
        Export::of(body, writing, max_lines)
    })
    .await?;
    require_some(&stored)?;
    Ok(stored)
}

/// A request whose records were all refused is a mistake of its sender, who would take a success for one.
pub(crate) fn require_some(stored: &Stored<()>) -> Result<(), ApiError> {
    if stored.accepted == 0 && !stored.rejected.is_empty() {
        return Err(ApiError::invalid("", intake::reasons(&stored.rejected)));
    }
    Ok(())
}

fn writing_of(req: &HttpRequest) -> Option<Writing> {
    let value = req.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let name = value.split(';').next()?.trim().to_ascii_lowercase();
    match name.as_str() {
        PROTOBUF | "application/protobuf" => Some(Writing::Protobuf),
        JSON => Some(Writing::Json),
        _ => None,
    }
}

fn success(writing: Writing, stored: &Stored<()>) -> HttpResponse {
    let response = response_of(stored);
    match (writing, response.partial_success) {
        (Writing::Protobuf, partial_success) => {
            let response = ExportLogsServiceResponse { partial_success };
            HttpResponse::Ok()
                .content_type(PROTOBUF)
                .body(response.encode_to_vec())
        }
        // 64-bit numbers are texts in protobuf's JSON.
        (Writing::Json, Some(partial)) => HttpResponse::Ok().json(json!({"partialSuccess":
            {"rejectedLogRecords": partial.rejected_log_records.to_string(), "errorMessage": partial.error_message}})),
        (Writing::Json, None) => HttpResponse::Ok().json(json!({})),
    }
}

pub(crate) fn response_of(stored: &Stored<()>) -> ExportLogsServiceResponse {
    let mut said = vec![
        intake::reasons(&stored.rejected),
        intake::warnings(&stored.strays),
    ];
    said.retain(|text| !text.is_empty());
    let error_message = said.join("; ");
    // A message with 0 refused is a warning (OTLP 1.x, "Partial Success").
    ExportLogsServiceResponse {
        partial_success: (!error_message.is_empty()).then_some(ExportLogsPartialSuccess {
            rejected_log_records: stored.rejected.len() as i64,
            error_message,
        }),
    }
}

/// `google.rpc.Status`, which OTLP asks for in the body of every failure.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn failure(writing: Writing, error: &ApiError) -> HttpResponse {
    let status = Status {
        code: grpc_code(error.status_code()),
        message: error.to_string(),
    };
    let mut response = error.begin_response();
    match writing {
        Writing::Protobuf => response.content_type(PROTOBUF).body(status.encode_to_vec()),
        Writing::Json => response.json(json!({"code": status.code, "message": status.message})),
    }
}

/// The numbers of google.rpc.Code.
pub(crate) fn grpc_code(status: StatusCode) -> i32 {
    match status {
        StatusCode::UNAUTHORIZED => 16,
        StatusCode::FORBIDDEN => 7,
        StatusCode::CONFLICT => 6,
        StatusCode::TOO_MANY_REQUESTS => 8,
        StatusCode::SERVICE_UNAVAILABLE => 14,
        StatusCode::INTERNAL_SERVER_ERROR => 13,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => 12,
        _ => 3,
    }
}
