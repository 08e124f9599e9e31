//! The URL table of alerting.

mod channels;
mod incidents;
mod notes;
mod notifications;
mod rules;
mod sweeps;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(rules::list)
        .service(rules::create)
        .service(rules::show)
        .service(rules::change)
        .service(rules::delete)
        .service(sweeps::evaluate)
        .service(incidents::list)
        .service(incidents::create)
        .service(incidents::show)
        .service(incidents::change)
        .service(notes::create)
        .service(channels::list)
        .service(channels::create)
        .service(channels::change)
        .service(channels::delete)
        .service(channels::test)
        .service(notifications::list)
        .service(notifications::retry);
}
