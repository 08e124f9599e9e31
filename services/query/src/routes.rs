//! The URL table.

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{dashboard, gateway, parts};

mod changes;
mod export;
mod facets;
mod histogram;
mod lines;
mod logs;
mod loki;
mod overview;
mod patterns;
mod stats;
mod tail;
pub(crate) mod views;

pub(crate) fn configure(cfg: &mut ServiceConfig<'_>) {
    cfg.service(logs::query);
    cfg.service(histogram::histogram);
    cfg.service(facets::facets);
    cfg.service(facets::list_fields);
    cfg.service(lines::show);
    cfg.service(lines::context);
    cfg.service(stats::stats);
    cfg.service(patterns::list);
    cfg.service(changes::show);
    cfg.service(tail::follow);
    cfg.service(export::export);
    cfg.service(views::list);
    cfg.service(views::create);
    cfg.service(views::show);
    cfg.service(views::change);
    cfg.service(views::delete);
    cfg.service(overview::show);
    cfg.service(parts::show);
    loki::configure(cfg);
    // Whatever is not the gateway's own. It stands in no OpenAPI document: the owner of each route documents it.
    cfg.route("/api/{path:.*}", web::route().to(gateway::forward));
    // Files and pages for browsers. The paths that every service answers are registered later and not taken by these.
    for (path, answer) in dashboard::routes() {
        cfg.route(path, answer);
    }
}
