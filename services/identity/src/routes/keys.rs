//! API keys of a service: what applications and CI send with.

use std::time::Duration;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, HttpResponseBuilder, delete, get, post, web};
use db::api_keys::{self, ApiKey};
use db::environments;
use domain::api_key::KeyScope;
use domain::ids::{ApiKeyId, EnvironmentId, ServiceId, UserId};
use domain::name::Name;
use domain::page::Cursor;
use serde::{Deserialize, Serialize};
use service_kit::access::{Developer, Viewer};
use service_kit::body::{JsonBody, OptionalJsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::keys::{self, KeyPlan, MintedKey};
use crate::quotas::LIVE_KEYS_PER_SERVICE;
use crate::routes::services;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum KeyStatus {
    Live,
    Expired,
    Revoked,
}

/// A key as people see it after its creation: without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    id: ApiKeyId,
    service_id: ServiceId,
    environment_id: EnvironmentId,
    name: String,
    /// The key's first ten characters.
    key_prefix: String,
    scopes: Vec<KeyScope>,
    /// Log lines a minute; null means the installation's default.
    rate_limit_per_minute: Option<i32>,
    status: KeyStatus,
    created_by: Option<UserId>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    revoked_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        let status = match (key.revoked_at, key.expired) {
            (Some(_), _) => KeyStatus::Revoked,
            (None, true) => KeyStatus::Expired,
            (None, false) => KeyStatus::Live,
        };
        Self {
            id: key.id,
            service_id: key.service_id,
            environment_id: key.environment_id,
            name: key.name,
            key_prefix: key.key_prefix,
            scopes: key.scopes,
            rate_limit_per_minute: key.rate_limit_per_minute,
            status,
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct CreatedKeyView {
    #[serde(flatten)]
    view: KeyView,
    /// The key itself, shown this once: `slk_` and 38 more characters.
    key: String,
}

/// The one answer that holds a raw key; nothing on the way may keep it.
fn answer(mut response: HttpResponseBuilder, minted: MintedKey) -> HttpResponse {
    let data = CreatedKeyView {
        view: KeyView::from(minted.key),
        key: minted.raw,
    };
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(Data { data })
}

/// Keys of a service, newest first; revoked and expired ones too.
#[utoipa::path(
    operation_id = "list_keys",
    tag = "keys",
    security(("session" = ["viewer"])),
    params(("id" = ServiceId, Path), PageParams),
    responses((status = 200, body = Page<KeyView>), (status = 404, body = ErrorBody))
)]
#[get("/api/services/{id}/keys")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(service_id): PathId<ServiceId>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, before) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("identity.keys").await?;
    let tx = conn.tenant(caller.org_id).await?;
    services::require(&tx, service_id).await?;
    let rows = api_keys::list(&tx, service_id, before, limit).await?;
    let cursor = |key: &ApiKey| Cursor {
        at: key.created_at,
        key: key.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, KeyView::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateKeyRequest {
    name: Name,
    /// One of this service's environments.
    environment_id: EnvironmentId,
    /// What the key may be used for; `logs:write` and `deployments:write` when absent. `logs:route` lets lines go to other
    /// services and environments of the organisation, where OpenTelemetry names them, and `logs:create` also makes those
    /// that are named first; only an admin can give these two.
    scopes: Option<Vec<KeyScope>>,
    /// The key lives for ever when absent.
    #[serde(default, with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// Log lines a minute; the installation's default when absent.
    #[schema(minimum = 1)]
    rate_limit_per_minute: Option<i64>,
}

impl CreateKeyRequest {
    /// Each scope once; the usual ones when none was named.
    fn scopes(&self) -> Result<Vec<KeyScope>, ApiError> {
        let Some(named) = &self.scopes else {
            return Ok(KeyScope::USUAL.to_vec());
        };
        if named.is_empty() {
            return Err(ApiError::invalid(
                "scopes",
                "must name at least one scope, or be left out",
            ));
        }
        let mut scopes = named.clone();
        scopes.sort_unstable();
        scopes.dedup();
        for scope in &scopes {
            if let Some(needed) = scope.needs().filter(|needed| !scopes.contains(needed)) {
                let (scope, needed) = (scope.as_str(), needed.as_str());
                return Err(ApiError::invalid(
                    "scopes",
                    format!("must name {needed} too: {scope} is of no use without it"),
                ));
            }
        }
        Ok(scopes)
    }

    fn rate_limit(&self) -> Result<Option<i32>, ApiError> {
        let Some(lines) = self.rate_limit_per_minute else {
            return Ok(None);
        };
        i32::try_from(lines)
            .ok()
            .filter(|lines| *lines > 0)
            .map(Some)
            .ok_or_else(|| {
                ApiError::invalid(
                    "rate_limit_per_minute",
                    format!("must be between 1 and {}", i32::MAX),
                )
            })
    }

    fn expires_at(&self, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, ApiError> {
        match self.expires_at {
            Some(at) if at <= now => Err(ApiError::invalid("expires_at", "must be in the future")),
            other => Ok(other),
        }
    }
}

/// Makes a key for one environment. The answer shows it once. A key that reaches beyond that environment (`logs:route`,
/// `logs:create`) is an admin's to make.
#[utoipa::path(
    operation_id = "create_key",
    tag = "keys",
    security(("session" = ["developer"])),
    params(("id" = ServiceId, Path)),
    request_body = CreateKeyRequest,
    responses(
        (status = 201, body = Data<CreatedKeyView>),
        (status = 403, description = "these scopes need an admin", body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
#[post("/api/services/{id}/keys")]
pub(crate) async fn create(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(service_id): PathId<ServiceId>,
    JsonBody(body): JsonBody<CreateKeyRequest>,
) -> Result<HttpResponse, ApiError> {
    let plan = KeyPlan {
        service_id,
        environment_id: body.environment_id,
        name: body.name.as_str(),
        scopes: &body.scopes()?,
        rate_limit_per_minute: body.rate_limit()?,
        expires_at: body.expires_at(kit.clock.now())?,
    };
    let mut conn = kit.db.conn("identity.keys").await?;
    let tx = conn.tenant(caller.org_id).await?;
    services::require(&tx, service_id).await?;
    environments::find(&tx, service_id, body.environment_id)
        .await?
        .ok_or(ApiError::NotFound { what: "environment" })?;
    LIVE_KEYS_PER_SERVICE.admit(api_keys::live_of_service(&tx, service_id).await?.len() as i64)?;
    let minted = keys::create(&tx, &caller, &plan).await?;
    tx.commit().await?;
    Ok(answer(HttpResponse::Created(), minted))
}

/// Revokes a key: it is refused everywhere within five seconds. Revoking it again changes nothing.
#[utoipa::path(
    operation_id = "revoke_key",
    tag = "keys",
    security(("session" = ["developer"])),
    params(("id" = ApiKeyId, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
#[delete("/api/keys/{id}")]
pub(crate) async fn revoke(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(id): PathId<ApiKeyId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("identity.keys").await?;
    let tx = conn.tenant(caller.org_id).await?;
    keys::revoke(&tx, &caller, id, kit.clock.now()).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateKeyRequest {
    /// Seconds for which the old key stays valid, at most 30 days; 0 when absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2_592_000)]
    grace_seconds: i64,
}

impl RotateKeyRequest {
    const MAX_GRACE: Duration = Duration::from_hours(30 * 24);

    fn grace(&self) -> Result<Duration, ApiError> {
        u64::try_from(self.grace_seconds)
            .ok()
            .map(Duration::from_secs)
            .filter(|grace| *grace <= Self::MAX_GRACE)
            .ok_or_else(|| {
                ApiError::invalid(
                    "grace_seconds",
                    format!("must be between 0 and {}", Self::MAX_GRACE.as_secs()),
                )
            })
    }
}

/// Makes a new key with the same settings, shown once in the answer. The old one ends now, or after `grace_seconds`. Whoever
/// may not make such a key may not rotate it, and may revoke it.
#[utoipa::path(
    operation_id = "rotate_key",
    tag = "keys",
    security(("session" = ["developer"])),
    params(("id" = ApiKeyId, Path)),
    request_body = inline(Option<RotateKeyRequest>),
    responses(
        (status = 201, body = Data<CreatedKeyView>),
        (status = 403, description = "the key's scopes need an admin", body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "the key has ended already", body = ErrorBody),
    )
)]
#[post("/api/keys/{id}/rotate")]
pub(crate) async fn rotate(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(id): PathId<ApiKeyId>,
    OptionalJsonBody(body): OptionalJsonBody<RotateKeyRequest>,
) -> Result<HttpResponse, ApiError> {
    let grace = body.grace()?;
    let mut conn = kit.db.conn("identity.keys").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let minted = keys::rotate(&tx, &caller, id, grace, kit.clock.now()).await?;
    tx.commit().await?;
    Ok(answer(HttpResponse::Created(), minted))
}
