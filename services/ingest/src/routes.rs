//! The URL table.

mod datadog;
mod elasticsearch;
mod logs;
mod loki;
mod maintenance;
mod receipts;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(cfg: &mut ServiceConfig<'_>) {
    cfg.service(logs::ingest);
    cfg.service(receipts::receipt);
    cfg.service(maintenance::cleanup);
}
