//! The URL table of identity.

mod audit;
mod auth;
mod environments;
mod invites;
pub(crate) mod keys;
pub(crate) mod me;
mod members;
mod orgs;
pub(crate) mod services;
mod sessions;
pub(crate) mod tokens;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(auth::signup)
        .service(auth::login)
        .service(auth::logout)
        .service(me::show)
        .service(orgs::list)
        .service(orgs::create)
        .service(orgs::activate)
        .service(members::list)
        .service(members::change_role)
        .service(members::remove)
        .service(invites::list)
        .service(invites::create)
        .service(invites::accept)
        .service(invites::withdraw)
        .service(services::list)
        .service(services::create)
        .service(services::show)
        .service(services::change)
        .service(services::delete)
        .service(environments::list)
        .service(environments::create)
        .service(keys::list)
        .service(keys::create)
        .service(keys::revoke)
        .service(keys::rotate)
        .service(tokens::list)
        .service(tokens::create)
        .service(tokens::revoke)
        .service(sessions::list)
        .service(sessions::end_others)
        .service(sessions::end)
        .service(audit::list);
}
