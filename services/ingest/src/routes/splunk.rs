//! Splunk's HTTP Event Collector, as Docker's driver, Fluentd, Vector and Splunk's own libraries speak it.

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, get, post, web};
use serde_json::{Map, Value, json};
use service_kit::{ApiError, Kit};

use crate::app::State;
use crate::encoding::Encoding;
use crate::intake::{self, Arrival, Stored};
use crate::keys::IngestKey;
use crate::metrics;
use crate::protocols::splunk::{self, EVENT_IS_BLANK, EVENT_IS_MISSING, Raw};

/// Splunk's codes with their texts.
type Word = (u16, &'static str);
const SUCCESS: Word = (0, "Success");
const TOKEN_IS_REQUIRED: Word = (2, "Token is required");
const INVALID_TOKEN: Word = (4, "Invalid token");
const NO_DATA: Word = (5, "No data");
const INVALID_DATA_FORMAT: Word = (6, "Invalid data format");
const INTERNAL_SERVER_ERROR: Word = (8, "Internal server error");
const SERVER_IS_BUSY: Word = (9, "Server is busy");
const EVENT_FIELD_IS_REQUIRED: Word = (12, EVENT_IS_MISSING);
const EVENT_FIELD_CANNOT_BE_BLANK: Word = (13, EVENT_IS_BLANK);
const HEC_IS_HEALTHY: Word = (17, "HEC is healthy");
const HEC_IS_UNHEALTHY: Word = (18, "HEC is unhealthy, queues are full");

/// Documents one of the paths that take the same.
macro_rules! hec_route {
    ($name:ident, $path:literal, $store:ident, $what:literal) => {
        #[doc = $what]
        ///
        /// A 200 comes after the commit. If events are refused the others are stored, and the answer is 400 with the number
        /// of the first in `invalid-event-number` and the reasons in `details`.
        #[utoipa::path(
            operation_id = concat!("splunk_", stringify!($name)),
            tag = "splunk",
            security(("api_key" = ["logs:write"])),
            params(
                ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send a request again"),
                ("Content-Encoding" = Option<String>, Header, description = "gzip or zstd"),
            ),
            responses(
                (status = 200, description = "{\"text\":\"Success\",\"code\":0}: the events are stored"),
                (status = 400, description = "Codes 5, 6, 12, 13: no data, or data that cannot be read"),
                (status = 401, description = "Code 2: no token"),
                (status = 403, description = "Code 4: the key is malformed, unknown, revoked or expired, or may not write logs"),
                (status = 413, description = "Code 6: too many bytes or events"),
                (status = 415, description = "Code 6: another Content-Encoding"),
                (status = 429, description = "Code 9: the key's lines of this minute are used up; see Retry-After"),
                (status = 503, description = "Code 9: overloaded, or the database is away; see Retry-After"),
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
            let result = async { $store(Arrival::admit(key?, &req, payload, &kit, &state)?).await };
            answer(&req, result.await)
        }
    };
}

hec_route!(
    collector,
    "/services/collector",
    store_events,
    "Stores events: JSON objects one after another."
);
hec_route!(
    event,
    "/services/collector/event",
    store_events,
    "Stores events: JSON objects one after another."
);
hec_route!(
    event_1_0,
    "/services/collector/event/1.0",
    store_events,
    "Stores events: JSON objects one after another."
);
hec_route!(
    raw,
    "/services/collector/raw",
    store_raw,
    "Stores each line of a text."
);
hec_route!(
    raw_1_0,
    "/services/collector/raw/1.0",
    store_raw,
    "Stores each line of a text."
);

/// Documents one of the paths that tell the same.
macro_rules! health_route {
    ($name:ident, $path:literal) => {
        /// Says whether events would be taken now.
        #[utoipa::path(
            operation_id = concat!("splunk_", stringify!($name)),
            tag = "splunk",
            responses(
                (status = 200, description = "Code 17: they would"),
                (status = 503, description = "Code 18: they would not; /readyz says why"),
            )
        )]
        #[get($path)]
        pub(super) async fn $name(state: web::Data<State>) -> HttpResponse {
            let ((code, text), status) = match state.gate.require_open() {
                Ok(()) => (HEC_IS_HEALTHY, StatusCode::OK),
                Err(_) => (HEC_IS_UNHEALTHY, StatusCode::SERVICE_UNAVAILABLE),
            };
            HttpResponse::build(status).json(json!({"text": text, "code": code}))
        }
    };
}

health_route!(health, "/services/collector/health");
health_route!(health_1_0, "/services/collector/health/1.0");

async fn store_events(arrival: Arrival<'_>) -> Result<Stored<()>, ApiError> {
    let encoding = Encoding::of(arrival.req())?;
    intake::store(arrival, encoding, splunk::events).await
}

async fn store_raw(arrival: Arrival<'_>) -> Result<Stored<()>, ApiError> {
    let encoding = Encoding::of(arrival.req())?;
    let meta = raw_meta(arrival.req());
    intake::store(arrival, encoding, move |body, max_lines| {
        Raw::of(body, meta, max_lines)
    })
    .await
}

/// What the query string says of the lines.
fn raw_meta(req: &HttpRequest) -> Map<String, Value> {
    let query = web::Query::<Vec<(String, String)>>::from_query(req.query_string());
    let pairs = query.map(web::Query::into_inner).unwrap_or_default();
    let known = ["time", "host", "source", "sourcetype", "index"];
    pairs
        .into_iter()
        .filter(|(name, _)| known.contains(&name.as_str()))
        .map(|(name, value)| (name, value.into()))
        .collect()
}

fn answer(req: &HttpRequest, result: Result<Stored<()>, ApiError>) -> HttpResponse {
    match result {
        Ok(stored) if stored.rejected.is_empty() && stored.accepted == 0 => failure(
            &ApiError::invalid("", "there are no events in the body"),
            NO_DATA,
            None,
        ),
        Ok(stored) => match stored.rejected.first() {
            None => HttpResponse::Ok().json(json!({"text": SUCCESS.1, "code": SUCCESS.0})),
            Some(first) => {
                let word = match first.reason.as_str() {
                    EVENT_IS_MISSING => EVENT_FIELD_IS_REQUIRED,
                    EVENT_IS_BLANK => EVENT_FIELD_CANNOT_BE_BLANK,
                    _ => INVALID_DATA_FORMAT,
                };
                let (refused, accepted) = (stored.rejected.len(), stored.accepted);
                let reasons = intake::reasons(&stored.rejected);
                let message = format!("{refused} events were refused, {accepted} are stored: {reasons}");
                let error = ApiError::invalid("", message);
                if accepted == 0 {
                    metrics::refused(&error);
                }
                failure(&error, word, Some(first.index))
            }
        },
        Err(error) => {
            metrics::refused(&error);
            failure(&error, word_for(req, &error), None)
        }
    }
}

fn word_for(req: &HttpRequest, error: &ApiError) -> Word {
    match error.status_code() {
        StatusCode::UNAUTHORIZED if !brings_a_token(req) => TOKEN_IS_REQUIRED,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => INVALID_TOKEN,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => SERVER_IS_BUSY,
        StatusCode::INTERNAL_SERVER_ERROR => INTERNAL_SERVER_ERROR,
        _ => INVALID_DATA_FORMAT,
    }
}

fn brings_a_token(req: &HttpRequest) -> bool {
    [AUTHORIZATION.as_str(), "x-api-key", "dd-api-key"]
        .iter()
        .any(|name| req.headers().contains_key(*name))
}

fn failure(error: &ApiError, (code, text): Word, number: Option<u32>) -> HttpResponse {
    let mut response = error.begin_response();
    // An unknown token is 403 there; 401 is for none.
    if code == INVALID_TOKEN.0 {
        response.status(StatusCode::FORBIDDEN);
    }
    let mut body = json!({"text": text, "code": code, "details": error.to_string()});
    if let Some(number) = number {
        body["invalid-event-number"] = number.into();
    }
    response.json(body)
}
