//! Founding an organisation: what every new one starts with.

use db::audit_logs::{self, Actor};
use db::environments::Environment;
use db::services::{self, Service, Settings};
use db::{DbError, TenantTx, environments, members, orgs, users};
use domain::ids::UserId;
use domain::name::{InvalidName, Name};
use domain::role::Role;
use serde_json::json;
use service_kit::ApiError;

use crate::audit::{entry, seen};
use crate::routes::services::ServiceView;
use crate::service_settings::RetentionDays;

/// Every service starts with these environments, in this order.
const FIRST_ENVIRONMENTS: [&str; 2] = ["production", "staging"];
/// The service that a new organisation can send its first line to.
const FIRST_SERVICE: &str = "default";

/// Writes the organisation that the transaction was opened for, with its founder as admin and a first service.
pub(crate) async fn found(
    tx: &TenantTx<'_>,
    name: &Name,
    founder: UserId,
    actor: &Actor,
) -> Result<(), ApiError> {
    orgs::create(tx, name).await?;
    members::add(tx, founder, Role::Admin).await?;
    users::set_last_org(tx, founder, tx.org_id()).await?;
    let after = Some(json!({"name": name, "admin": founder}));
    audit_logs::add(tx, actor, entry("org.create", tx.org_id().0, None, after)).await?;
    let first = Settings {
        name: &literal(FIRST_SERVICE)?,
        description: "",
        repo_url: None,
        retention_days: RetentionDays::DEFAULT.days(),
    };
    create_service(tx, &first, actor).await?;
    Ok(())
}

/// Writes a service with its first environments.
pub(crate) async fn create_service(
    tx: &TenantTx<'_>,
    settings: &Settings<'_>,
    actor: &Actor,
) -> Result<(Service, Vec<Environment>), ApiError> {
    let service = services::create(tx, settings)
        .await
        .map_err(|error| name_taken(error, settings.name))?;
    let mut first = Vec::with_capacity(FIRST_ENVIRONMENTS.len());
    for name in FIRST_ENVIRONMENTS {
        first.push(environments::create(tx, service.id, &literal(name)?).await?);
    }
    let after = seen(&ServiceView::from(service.clone()));
    audit_logs::add(tx, actor, entry("service.create", service.id.0, None, after)).await?;
    Ok((service, first))
}

/// Says that another service has the name, where that is what went wrong.
pub(crate) fn name_taken(error: DbError, name: &Name) -> ApiError {
    if error.violates_unique(services::NAME_KEY) {
        ApiError::Conflict(format!(
            "this organisation has a service named {name:?} already; choose another name"
        ))
    } else {
        error.into()
    }
}

fn literal(name: &'static str) -> Result<Name, ApiError> {
    name.parse()
        .map_err(|error: InvalidName| ApiError::internal(error))
}
