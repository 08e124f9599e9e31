//! The URL table.

mod logs;
mod maintenance;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(cfg: &mut ServiceConfig<'_>) {
    cfg.service(logs::ingest);
    cfg.service(maintenance::cleanup);
}
