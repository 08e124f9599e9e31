//! What jobs call.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use db::alert_heartbeats;
use domain::alerting::rule::Heartbeat;
use domain::token::{self, TokenHash};
use serde::Serialize;
use service_kit::client_ip::client_ip;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use utoipa::ToSchema;

use crate::app::State;

#[derive(Debug, Serialize, ToSchema)]
struct BeatView {
    /// Always true.
    noted: bool,
}

/// A job says that it ran: the address is shown when its rule is made. Calls within 5 s count as one.
#[utoipa::path(
    tag = "heartbeats",
    params(("token" = String, Path, description = "the secret of the address, slh_…")),
    responses(
        (status = 200, body = Data<BeatView>),
        (status = 404, description = "no such heartbeat", body = ErrorBody),
        (status = 429, description = "too many calls from one place", body = ErrorBody),
    )
)]
#[post("/api/v1/heartbeats/{token}")]
pub(crate) async fn post(
    request: HttpRequest,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    token: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    beat(&request, &kit, &state, &token).await
}

/// The same, for jobs that can only GET.
#[utoipa::path(
    tag = "heartbeats",
    params(("token" = String, Path, description = "the secret of the address, slh_…")),
    responses(
        (status = 200, body = Data<BeatView>),
        (status = 404, description = "no such heartbeat", body = ErrorBody),
        (status = 429, description = "too many calls from one place", body = ErrorBody),
    )
)]
#[get("/api/v1/heartbeats/{token}")]
pub(crate) async fn get(
    request: HttpRequest,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    token: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    beat(&request, &kit, &state, &token).await
}

async fn beat(
    request: &HttpRequest,
    kit: &Kit,
    state: &State,
    token: &str,
) -> Result<HttpResponse, ApiError> {
    // A typing mistake, and whatever scans for addresses, costs no look-up.
    if !token::is_well_formed(Heartbeat::TOKEN_PREFIX, token) {
        return Err(NOT_FOUND);
    }
    let caller = client_ip(request, &kit.trusted_proxies);
    if !state.heartbeat_calls.admit(caller) {
        return Err(ApiError::RateLimited {
            message: "too many heartbeats from this address; call again in a minute".to_owned(),
            retry_after_s: 60,
        });
    }
    let conn = kit.db.conn("alerting.heartbeat").await?;
    let known = alert_heartbeats::note(&conn, TokenHash::of(token), Heartbeat::NOTED_EVERY).await?;
    known.ok_or(NOT_FOUND)?;
    let data = BeatView { noted: true };
    Ok(HttpResponse::Ok().json(Data { data }))
}

const NOT_FOUND: ApiError = ApiError::NotFound { what: "heartbeat" };
