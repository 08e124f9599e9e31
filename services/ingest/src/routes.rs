//! The URL table.

mod datadog;
mod elasticsearch;
mod logs;
mod loki;
mod maintenance;
pub(crate) mod otlp;
mod receipts;
mod splunk;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(cfg: &mut ServiceConfig<'_>) {
    cfg.service(logs::ingest);
    cfg.service(receipts::receipt);
    cfg.service(otlp::export);
    cfg.service(loki::push);
    cfg.service(elasticsearch::root);
    cfg.service(elasticsearch::license);
    cfg.service(elasticsearch::health);
    cfg.service(elasticsearch::bulk);
    cfg.service(elasticsearch::bulk_into);
    cfg.service(elasticsearch::index_template);
    cfg.service(elasticsearch::component_template);
    cfg.service(elasticsearch::template);
    cfg.service(elasticsearch::policy);
    cfg.service(elasticsearch::pipeline);
    cfg.service(elasticsearch::data_stream);
    cfg.service(splunk::collector);
    cfg.service(splunk::event);
    cfg.service(splunk::event_1_0);
    cfg.service(splunk::raw);
    cfg.service(splunk::raw_1_0);
    cfg.service(splunk::health);
    cfg.service(splunk::health_1_0);
    cfg.service(datadog::logs);
    cfg.service(datadog::input);
    cfg.service(datadog::validate);
    cfg.service(maintenance::cleanup);
}
