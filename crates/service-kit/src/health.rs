//! `/healthz`, `/readyz`, `/metrics`, `/openapi.json`: the same on every service.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::server::Kit;
use crate::telemetry;

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz))
        .route("/metrics", web::get().to(prometheus));
}

/// The process runs and its event loop answers; nothing else, so that a dependency's outage restarts no pod.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({"data": {"status": "ok"}}))
}

/// It would serve a request now: not stopping, not reluctant, PostgreSQL answers, and its schema is new enough.
async fn readyz(kit: web::Data<Kit>) -> HttpResponse {
    let unready = |reason: String| {
        HttpResponse::ServiceUnavailable().json(json!({"data": {"status": "unready", "reason": reason}}))
    };
    if kit.stopping.is_cancelled() {
        return unready("stopping".into());
    }
    if let Some(reason) = kit.reluctance.borrow().clone() {
        return unready(reason);
    }
    match kit.db.check().await {
        Ok(()) => HttpResponse::Ok().json(json!({"data": {"status": "ready"}})),
        Err(error) => unready(error.to_string()),
    }
}

async fn prometheus() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(telemetry::metrics_handle().render())
}
