//! The URL table of alerting.

mod acknowledgements;
mod alertmanager;
mod channels;
mod explanations;
mod heartbeats;
mod incidents;
mod maintenance_windows;
mod notes;
mod notifications;
mod routing;
pub(crate) mod rules;
mod silences;
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
        .service(incidents::settings::show)
        .service(incidents::settings::change)
        .service(incidents::show)
        .service(incidents::change::change)
        .service(incidents::merge::merge)
        .service(incidents::members_of::list)
        .service(incidents::context::show)
        .service(notes::create)
        .service(channels::list)
        .service(channels::create)
        .service(channels::change)
        .service(channels::delete)
        .service(channels::test)
        .service(channels::resume)
        .service(channels::rotate)
        .service(routing::list)
        .service(routing::create)
        .service(routing::change)
        .service(routing::delete)
        .service(routing::reorder)
        .service(routing::preview)
        .service(silences::list)
        .service(silences::create)
        .service(silences::show)
        .service(silences::end)
        .service(maintenance_windows::list)
        .service(maintenance_windows::create)
        .service(maintenance_windows::show)
        .service(maintenance_windows::change)
        .service(maintenance_windows::delete)
        .service(notifications::list)
        .service(notifications::retry_many)
        .service(notifications::retry)
        .service(explanations::of_incident)
        .service(explanations::of_moment)
        .service(acknowledgements::show)
        .service(acknowledgements::acknowledge)
        .service(alertmanager::receive);
}
