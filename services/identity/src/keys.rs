//! Making, rotating and ending API keys. A raw key exists only here and in one answer.

use std::time::Duration;

use db::api_keys::{self, ApiKey, NewApiKey};
use db::audit_logs;
use db::{DbError, TenantTx, outbox};
use domain::api_key::{self, KeyScope};
use domain::events::Event;
use domain::ids::{ApiKeyId, EnvironmentId, ServiceId};
use domain::token::TokenHash;
use service_kit::access::Member;
use service_kit::{ApiError, context, secrets};
use time::OffsetDateTime;

use crate::audit::{entry, seen};
use crate::routes::keys::KeyView;

/// What a new key is for.
pub(crate) struct KeyPlan<'a> {
    pub(crate) service_id: ServiceId,
    pub(crate) environment_id: EnvironmentId,
    pub(crate) name: &'a str,
    pub(crate) scopes: &'a [KeyScope],
    pub(crate) rate_limit_per_minute: Option<i32>,
    pub(crate) expires_at: Option<OffsetDateTime>,
}

/// A key and its raw form, to be shown once.
pub(crate) struct MintedKey {
    pub(crate) key: ApiKey,
    pub(crate) raw: String,
}

pub(crate) async fn create(
    tx: &TenantTx<'_>,
    caller: &Member,
    plan: &KeyPlan<'_>,
) -> Result<MintedKey, ApiError> {
    let minted = mint(tx, caller, plan).await?;
    let after = seen(&KeyView::from(minted.key.clone()));
    let created = entry("api_key.create", minted.key.id.0, None, after);
    audit_logs::add(tx, &caller.actor, created).await?;
    Ok(minted)
}

/// Ends a key now, and tells everybody who may have cached it. Nothing happens to one that is revoked already.
pub(crate) async fn revoke(
    tx: &TenantTx<'_>,
    caller: &Member,
    id: ApiKeyId,
    now: OffsetDateTime,
) -> Result<(), ApiError> {
    let key = require(tx, id).await?;
    if key.revoked_at.is_some() {
        return Ok(());
    }
    api_keys::revoke(tx, id).await?;
    announce(tx, id, now).await?;
    let revoked = entry("api_key.revoke", id.0, seen(&KeyView::from(key)), None);
    Ok(audit_logs::add(tx, &caller.actor, revoked).await?)
}

/// Makes a key with the settings of another, which ends now or after a grace period.
pub(crate) async fn rotate(
    tx: &TenantTx<'_>,
    caller: &Member,
    id: ApiKeyId,
    grace: Duration,
    now: OffsetDateTime,
) -> Result<MintedKey, ApiError> {
    let old = require(tx, id).await?;
    if old.revoked_at.is_some() || old.expired {
        return Err(ApiError::Conflict(
            "this key has ended already; create a new one instead".into(),
        ));
    }
    let plan = KeyPlan {
        service_id: old.service_id,
        environment_id: old.environment_id,
        name: &old.name,
        scopes: &old.scopes,
        rate_limit_per_minute: old.rate_limit_per_minute,
        expires_at: old.expires_at,
    };
    let minted = mint(tx, caller, &plan).await?;
    if grace.is_zero() {
        api_keys::revoke(tx, id).await?;
    } else {
        api_keys::expire_in(tx, id, grace).await?;
    }
    announce(tx, id, now).await?;
    let after = seen(&KeyView::from(minted.key.clone()));
    let rotated = entry("api_key.rotate", id.0, seen(&KeyView::from(old)), after);
    audit_logs::add(tx, &caller.actor, rotated).await?;
    Ok(minted)
}

/// Tells everybody who may have cached a key of this service that something about it changed.
pub(crate) async fn announce_all_of(
    tx: &TenantTx<'_>,
    service_id: ServiceId,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    for id in api_keys::live_of_service(tx, service_id).await? {
        announce(tx, id, now).await?;
    }
    Ok(())
}

async fn announce(tx: &TenantTx<'_>, id: ApiKeyId, now: OffsetDateTime) -> Result<(), DbError> {
    let event = Event::KeyRevokedV1 {
        org_id: tx.org_id(),
        api_key_id: id,
    };
    let correlation_id = context::current().map(|context| context.correlation_id);
    outbox::add(tx, event, correlation_id.as_deref(), now).await?;
    Ok(())
}

async fn require(tx: &TenantTx<'_>, id: ApiKeyId) -> Result<ApiKey, ApiError> {
    api_keys::lock(tx, id)
        .await?
        .ok_or(ApiError::NotFound { what: "API key" })
}

/// A raw key is power in the hands of whoever is shown it: of a new one as of one that hands its scopes on.
fn require_right_to_give(caller: &Member, scopes: &[KeyScope]) -> Result<(), ApiError> {
    match scopes.iter().map(|scope| scope.given_by()).max() {
        Some(needs) if !caller.role.at_least(needs) => Err(ApiError::Forbidden { needs }),
        Some(_) | None => Ok(()),
    }
}

async fn mint(tx: &TenantTx<'_>, caller: &Member, plan: &KeyPlan<'_>) -> Result<MintedKey, ApiError> {
    require_right_to_give(caller, plan.scopes)?;
    let raw = api_key::mint(secrets::random_byte);
    let key = NewApiKey {
        service_id: plan.service_id,
        environment_id: plan.environment_id,
        name: plan.name,
        key_prefix: raw.get(..api_key::SHOWN_CHARS).unwrap_or_default(),
        hash: TokenHash::of(&raw),
        scopes: plan.scopes,
        rate_limit_per_minute: plan.rate_limit_per_minute,
        created_by: caller.user_id,
        expires_at: plan.expires_at,
    };
    match api_keys::create(tx, &key).await {
        Ok(key) => Ok(MintedKey { key, raw }),
        // Deleted at this very moment.
        Err(error) if error.violates_foreign_key() => Err(ApiError::NotFound { what: "environment" }),
        Err(error) => Err(error.into()),
    }
}
