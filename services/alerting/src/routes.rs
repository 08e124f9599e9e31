//! The URL table of alerting.

mod channels;
mod heartbeats;
mod incidents;
mod notes;
mod notifications;
pub(crate) mod rules;
mod sweeps;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(rules::list)
        .service(rules::create)
        .service(rules::apply::export)
        .service(rules::apply::apply)
        .service(rules::backtest::backtest)
        .service(rules::preview::preview)
        .service(rules::versions)
        .service(rules::rotate_heartbeat)
        .service(rules::show)
        .service(rules::change)
        .service(rules::delete)
        .service(sweeps::evaluate)
        .service(heartbeats::post)
        .service(heartbeats::get)
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
