//! The URL table: one line per route.

mod deliveries;
mod deployments;
mod github;
mod integrations;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(cfg: &mut ServiceConfig<'_>) {
    cfg.service(github::receive)
        .service(deployments::report)
        .service(deployments::list)
        .service(deployments::show)
        .service(integrations::show)
        .service(integrations::save)
        .service(integrations::delete)
        .service(deliveries::list)
        .service(deliveries::replay);
}
