//! A service's connection to one GitHub repository: making it, changing it, and the secret that its webhook signs with.

use db::audit_logs::{self, Actor, Entry};
use db::github_integrations::{self, Integration, Settings};
use db::{TenantTx, environments, services};
use domain::ids::{IntegrationId, OrgId, ServiceId};
use domain::token;
use secrecy::SecretString;
use serde_json::{Value, json};
use service_kit::secrets::{SealError, SealedFor, Sealer, random_byte};
use service_kit::{ApiError, Kit};

use crate::app::State;

/// What every secret of ours for a webhook starts with, so that scanners can find a leaked one.
const SECRET_PREFIX: &str = "slh_";

/// An integration as it was just read or stored.
pub(crate) struct Saved {
    pub(crate) integration: Integration,
    pub(crate) created: bool,
    /// The new secret in clear, if one was made. This is the only time that it is seen.
    pub(crate) secret: Option<String>,
    /// Names that the environment mapping leads to and that the service has no environment of.
    pub(crate) unknown_environments: Vec<String>,
}

/// What somebody wants the integration of a service to be.
pub(crate) struct Wanted {
    /// The mapping in it is used as it is only if `keep_mapping` is false.
    pub(crate) settings: Settings,
    /// Whether a mapping that is stored already stays.
    pub(crate) keep_mapping: bool,
    pub(crate) rotate_secret: bool,
}

/// Whose integration an address names, and the secret that its deliveries are signed with.
pub(crate) async fn secret_of(
    kit: &Kit,
    state: &State,
    id: IntegrationId,
) -> Result<(OrgId, SecretString), ApiError> {
    let conn = kit.db.conn("webhook.find_secret").await?;
    let found = github_integrations::find_secret(&conn, id).await?;
    let (org_id, sealed) = found.ok_or(ApiError::NotFound {
        what: "GitHub integration",
    })?;
    let secret = state
        .sealer
        .open(&sealed, owner(org_id, id))
        .map_err(ApiError::internal)?;
    let secret = String::from_utf8(secret).map_err(ApiError::internal)?;
    Ok((org_id, secret.into()))
}

pub(crate) async fn of_service(tx: &TenantTx<'_>, service_id: ServiceId) -> Result<Saved, ApiError> {
    require_service(tx, service_id).await?;
    let integration = github_integrations::of_service(tx, service_id).await?;
    let integration = integration.ok_or(NONE)?;
    saved(tx, integration, false, None).await
}

/// Makes the integration of a service, or changes it.
pub(crate) async fn save(
    tx: &TenantTx<'_>,
    sealer: &Sealer,
    actor: &Actor,
    service_id: ServiceId,
    wanted: Wanted,
) -> Result<Saved, ApiError> {
    require_service(tx, service_id).await?;
    match github_integrations::lock_of_service(tx, service_id).await? {
        Some(existing) => change(tx, sealer, actor, existing, wanted).await,
        None => create(tx, sealer, actor, service_id, wanted.settings).await,
    }
}

pub(crate) async fn delete(tx: &TenantTx<'_>, actor: &Actor, service_id: ServiceId) -> Result<(), ApiError> {
    require_service(tx, service_id).await?;
    let gone = github_integrations::delete(tx, service_id).await?.ok_or(NONE)?;
    let before = Some(seen(&gone.settings));
    audit_logs::add(
        tx,
        actor,
        entry("github_integration.delete", gone.id, before, None),
    )
    .await?;
    Ok(())
}

async fn create(
    tx: &TenantTx<'_>,
    sealer: &Sealer,
    actor: &Actor,
    service_id: ServiceId,
    settings: Settings,
) -> Result<Saved, ApiError> {
    let id = IntegrationId::generate();
    let (secret, sealed) = new_secret(sealer, owner(tx.org_id(), id))?;
    let made = github_integrations::create(tx, id, service_id, &settings, &sealed).await?;
    let integration = made.ok_or_else(|| {
        ApiError::Conflict("somebody else connected the service at this moment; read it again".into())
    })?;
    let after = Some(seen(&integration.settings));
    audit_logs::add(tx, actor, entry("github_integration.create", id, None, after)).await?;
    saved(tx, integration, true, Some(secret)).await
}

async fn change(
    tx: &TenantTx<'_>,
    sealer: &Sealer,
    actor: &Actor,
    existing: Integration,
    wanted: Wanted,
) -> Result<Saved, ApiError> {
    let mut settings = wanted.settings;
    if wanted.keep_mapping {
        settings.environment_mapping = existing.settings.environment_mapping.clone();
    }
    let secret = if wanted.rotate_secret {
        Some(rotate(tx, sealer, actor, existing.id).await?)
    } else {
        None
    };
    let mut integration = existing.clone();
    if settings != existing.settings || secret.is_some() {
        let updated = github_integrations::update(tx, existing.id, &settings).await?;
        integration = updated.ok_or(NONE)?;
    }
    if settings != existing.settings {
        let (before, after) = (Some(seen(&existing.settings)), Some(seen(&settings)));
        audit_logs::add(
            tx,
            actor,
            entry("github_integration.update", existing.id, before, after),
        )
        .await?;
    }
    saved(tx, integration, false, secret).await
}

async fn rotate(
    tx: &TenantTx<'_>,
    sealer: &Sealer,
    actor: &Actor,
    id: IntegrationId,
) -> Result<String, ApiError> {
    let (secret, sealed) = new_secret(sealer, owner(tx.org_id(), id))?;
    github_integrations::replace_secret(tx, id, &sealed).await?;
    audit_logs::add(
        tx,
        actor,
        entry("github_integration.rotate_secret", id, None, None),
    )
    .await?;
    Ok(secret)
}

const NONE: ApiError = ApiError::NotFound {
    what: "GitHub integration of this service",
};

async fn require_service(tx: &TenantTx<'_>, service_id: ServiceId) -> Result<(), ApiError> {
    let service = services::find(tx, service_id).await?;
    service.map(|_| ()).ok_or(ApiError::NotFound { what: "service" })
}

async fn saved(
    tx: &TenantTx<'_>,
    integration: Integration,
    created: bool,
    secret: Option<String>,
) -> Result<Saved, ApiError> {
    let known = environments::names(tx, integration.service_id).await?;
    let mapping = &integration.settings.environment_mapping;
    let mut unknown_environments: Vec<String> = mapping
        .environments()
        .map(|name| name.as_str().to_owned())
        .filter(|name| known.iter().all(|(_, known)| known != name))
        .collect();
    unknown_environments.sort_unstable();
    unknown_environments.dedup();
    Ok(Saved {
        integration,
        created,
        secret,
        unknown_environments,
    })
}

fn owner(org_id: OrgId, id: IntegrationId) -> SealedFor<'static> {
    SealedFor {
        what: "github_integration",
        org_id,
        row_id: id.0,
    }
}

/// A secret in clear and sealed.
fn new_secret(sealer: &Sealer, owner: SealedFor<'_>) -> Result<(String, Vec<u8>), ApiError> {
    let secret = token::mint(SECRET_PREFIX, random_byte);
    let sealed = sealer
        .seal(secret.as_bytes(), owner)
        .map_err(|error: SealError| ApiError::internal(error))?;
    Ok((secret, sealed))
}

fn seen(settings: &Settings) -> Value {
    json!({
        "repo_owner": settings.repo_owner,
        "repo_name": settings.repo_name,
        "environment_mapping": settings.environment_mapping,
    })
}

fn entry(
    action: &'static str,
    id: IntegrationId,
    before: Option<Value>,
    after: Option<Value>,
) -> Entry<'static> {
    Entry {
        action,
        target_type: "github_integration",
        target_id: Some(id.0),
        before,
        after,
    }
}
