//! Datadog's logs intake, as its agent and libraries speak it.

use actix_web::{HttpRequest, HttpResponse, ResponseError as _, get, post, web};
use serde_json::json;
use service_kit::{ApiError, Kit};

use crate::app::State;
use crate::encoding::Encoding;
use crate::intake::{self, Arrival, Stored};
use crate::keys::IngestKey;
use crate::metrics;
use crate::protocols::datadog;

/// Documents one of the paths that take the same.
macro_rules! intake_route {
    ($name:ident, $path:literal) => {
        /// Stores Datadog logs: an array of JSON objects, or one.
        ///
        /// A 202 comes after the commit. If logs are refused the others are stored, and the answer is 400 with a text that
        /// names them.
        #[utoipa::path(
            operation_id = concat!("datadog_", stringify!($name)),
            tag = "datadog",
            security(("api_key" = ["logs:write"])),
            params(
                ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send a request again"),
                ("Content-Encoding" = Option<String>, Header, description = "gzip or zstd"),
            ),
            request_body(content((serde_json::Value = "application/json"))),
            responses(
                (status = 202, description = "{}: the logs are stored"),
                (status = 400, description = "The body cannot be read, or some logs were refused: the errors name them, the others are stored"),
                (status = 401, description = "The key is missing, malformed, unknown, revoked or expired"),
                (status = 403, description = "The key lacks the scope logs:write"),
                (status = 413, description = "Too many bytes or logs"),
                (status = 415, description = "Another Content-Encoding"),
                (status = 429, description = "The key's lines of this minute are used up; see Retry-After"),
                (status = 503, description = "Overloaded, or the database is away; see Retry-After"),
            )
        )]
        #[post($path)]
        pub(super) async fn $name(
            key: Result<IngestKey, ApiError>,
            req: HttpRequest,
            payload: web::Payload,
            kit: web::Data<Kit>,
            state: web::Data<State>,
        ) -> HttpResponse {
            let result = async { store(Arrival::admit(key?, &req, payload, &kit, &state)?).await };
            answer(result.await)
        }
    };
}

intake_route!(logs, "/api/v2/logs");
intake_route!(input, "/v1/input");

/// Says whether the key is good, which is what senders ask for before they send.
#[utoipa::path(
    operation_id = "datadog_validate",
    tag = "datadog",
    security(("api_key" = ["logs:write"])),
    responses(
        (status = 200, description = "{\"valid\":true}"),
        (status = 401, description = "The key is missing, malformed, unknown, revoked or expired"),
        (status = 403, description = "The key lacks the scope logs:write"),
        (status = 503, description = "The database is away; see Retry-After"),
    )
)]
#[get("/api/v1/validate")]
pub(super) async fn validate(key: Result<IngestKey, ApiError>) -> HttpResponse {
    match key {
        Ok(_) => HttpResponse::Ok().json(json!({"valid": true})),
        Err(error) => failure(&error),
    }
}

async fn store(arrival: Arrival<'_>) -> Result<Stored<()>, ApiError> {
    let encoding = Encoding::of(arrival.req())?;
    intake::store(arrival, encoding, datadog::logs).await
}

fn answer(result: Result<Stored<()>, ApiError>) -> HttpResponse {
    let error = match result {
        Ok(stored) if stored.rejected.is_empty() => return HttpResponse::Accepted().json(json!({})),
        Ok(stored) => {
            let (refused, accepted) = (stored.rejected.len(), stored.accepted);
            let reasons = intake::reasons(&stored.rejected);
            let message = format!("{refused} logs were refused, {accepted} are stored: {reasons}");
            let error = ApiError::invalid("", message);
            if accepted == 0 {
                metrics::refused(&error);
            }
            error
        }
        Err(error) => {
            metrics::refused(&error);
            error
        }
    };
    failure(&error)
}

fn failure(error: &ApiError) -> HttpResponse {
    let status = error.status_code();
    let title = status.canonical_reason().unwrap_or_default();
    error.begin_response().json(json!({"errors":
        [{"status": status.as_str(), "title": title, "detail": error.to_string()}]}))
}
