//! Loki's push API, as Alloy, Promtail, Fluent Bit and Docker's driver speak it.

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, post, web};
use service_kit::{ApiError, Kit};

use crate::app::State;
use crate::encoding::Encoding;
use crate::intake::{self, Arrival, Stored};
use crate::keys::IngestKey;
use crate::metrics;
use crate::protocols::loki::{Push, Writing};

/// Stores the entries of Loki streams.
///
/// A `PushRequest` as protobuf in snappy, or Loki's JSON. 204 comes after the commit. If entries are refused the others
/// are stored, and the answer is 400 with a text that names them, as in Loki.
#[utoipa::path(
    operation_id = "ingest_loki",
    tag = "loki",
    security(("api_key" = ["logs:write"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send a request again"),
        ("Content-Encoding" = Option<String>, Header, description =
            "snappy or absent for protobuf, which is in snappy always; gzip or zstd for JSON"),
    ),
    request_body(
        description = "logproto.PushRequest, or {\"streams\":[{\"stream\":{…},\"values\":[[\"<ns>\",\"<line>\",{…}]]}]}",
        content(
            (String = "application/x-protobuf"),
            (serde_json::Value = "application/json"),
        )
    ),
    responses(
        (status = 204, description = "The entries are stored"),
        (status = 400, description = "The body cannot be read, or some entries were refused: the text names them, the others are stored", content_type = "text/plain"),
        (status = 401, description = "The key is missing, malformed, unknown, revoked or expired", content_type = "text/plain"),
        (status = 403, description = "The key lacks the scope logs:write", content_type = "text/plain"),
        (status = 413, description = "Too many bytes or entries", content_type = "text/plain"),
        (status = 415, description = "Another Content-Encoding", content_type = "text/plain"),
        (status = 429, description = "The key's lines of this minute are used up; see Retry-After", content_type = "text/plain"),
        (status = 503, description = "Overloaded, or the database is away; see Retry-After", content_type = "text/plain"),
    )
)]
#[post("/loki/api/v1/push")]
pub(super) async fn push(
    key: Result<IngestKey, ApiError>,
    req: HttpRequest,
    payload: web::Payload,
    kit: web::Data<Kit>,
    state: web::Data<State>,
) -> HttpResponse {
    let result = async {
        let arrival = Arrival::admit(key?, &req, payload, &kit, &state)?;
        store(arrival).await
    };
    match result.await {
        Ok(stored) => match some_ignored(&stored) {
            None => HttpResponse::NoContent().finish(),
            Some(error) => {
                if stored.accepted == 0 {
                    metrics::refused(&error);
                }
                failure(&error)
            }
        },
        Err(error) => {
            metrics::refused(&error);
            failure(&error)
        }
    }
}

fn failure(error: &ApiError) -> HttpResponse {
    error
        .begin_response()
        .content_type("text/plain; charset=utf-8")
        .body(format!("{error}\n"))
}

fn some_ignored(stored: &Stored<()>) -> Option<ApiError> {
    let refused = stored.rejected.len();
    if refused == 0 {
        return None;
    }
    let (total, reasons) = (
        stored.accepted as usize + refused,
        intake::reasons(&stored.rejected),
    );
    let message = format!("{reasons},\ntotal ignored: {refused} out of {total}");
    Some(ApiError::invalid("", message))
}

async fn store(arrival: Arrival<'_>) -> Result<Stored<()>, ApiError> {
    let writing = writing_of(arrival.req());
    let encoding = match writing {
        Writing::Protobuf => snappy_always(arrival.req())?,
        Writing::Json => Encoding::of(arrival.req())?,
    };
    intake::store(arrival, encoding, move |body, max_lines| {
        Push::of(body, writing, max_lines)
    })
    .await
}

/// Everything that does not say it is JSON is protobuf, as in Loki.
fn writing_of(req: &HttpRequest) -> Writing {
    let value = req
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let name = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if name.trim().eq_ignore_ascii_case("application/json") {
        Writing::Json
    } else {
        Writing::Protobuf
    }
}

/// Clients may say so, and mostly do not.
fn snappy_always(req: &HttpRequest) -> Result<Encoding, ApiError> {
    let value = req.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    match value {
        None | Some(b"" | b"snappy") => Ok(Encoding::Snappy),
        Some(_) => Err(ApiError::UnsupportedMediaType(
            "protobuf is in snappy here: Content-Encoding must be snappy, or absent".to_owned(),
        )),
    }
}
