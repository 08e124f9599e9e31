//! The URL table.

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{dashboard, gateway, parts};

pub(crate) mod histogram;
pub(crate) mod logs;

pub(crate) fn configure(cfg: &mut ServiceConfig<'_>) {
    cfg.service(logs::query);
    cfg.service(histogram::histogram);
    cfg.service(parts::show);
    // Whatever is not the gateway's own. It stands in no OpenAPI document: the owner of each route documents it.
    cfg.route("/api/{path:.*}", web::route().to(gateway::forward));
    // Files and pages for browsers. The paths that every service answers are registered later and not taken by these.
    for (path, answer) in dashboard::routes() {
        cfg.route(path, answer);
    }
}
