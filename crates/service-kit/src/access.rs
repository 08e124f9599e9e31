//! Who may call: the extractor in a handler's signature is its permission, and cannot be forgotten.
//!
//! [`SignedIn`] is anybody with a session; [`Viewer`], [`Developer`] and [`Admin`] are members of the active
//! organisation with at least that role; [`Internal`] is another service of ours. API keys are read by
//! [`api_key_of`], since each service that takes keys treats them differently.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use db::audit_logs::Actor;
use db::auth::{self, KeyRecord, SessionUser};
use domain::api_key::{self, KeyScope};
use domain::ids::{OrgId, UserId};
use domain::role::Role;
use domain::token::{self, TokenHash};
use futures_util::future::LocalBoxFuture;
use secrecy::ExposeSecret as _;

use crate::server::Kit;
use crate::{ApiError, body, client_ip, context, origin, secrets};

/// The session cookie.
pub const SESSION_COOKIE: &str = "sightline_session";
/// What every session token starts with, for secret scanners.
pub const SESSION_PREFIX: &str = "sls_";
/// A session ends when it was not used for this long (OWASP ASVS 7.3.1)...
pub const SESSION_MAX_IDLE: Duration = Duration::from_hours(24);
/// ...and at the latest after this long (ASVS 7.3.2).
pub const SESSION_MAX_AGE: Duration = Duration::from_hours(7 * 24);

/// Anybody with a live session, member of an organisation or not.
#[derive(Clone, Debug)]
pub struct SignedIn(pub SessionUser);

/// A member of the active organisation.
#[derive(Clone, Debug)]
pub struct Member {
    pub org_id: OrgId,
    pub user_id: UserId,
    pub role: Role,
    pub email: String,
    /// Who to name in the audit log.
    pub actor: Actor,
}

impl Member {
    /// The member, if the role is at least this.
    pub fn require(self, needs: Role) -> Result<Self, ApiError> {
        if self.role.at_least(needs) {
            Ok(self)
        } else {
            Err(ApiError::Forbidden { needs })
        }
    }
}

macro_rules! member_with_role {
    ($(#[$doc:meta])* $name:ident, $role:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub Member);

        impl std::ops::Deref for $name {
            type Target = Member;
            fn deref(&self) -> &Member {
                &self.0
            }
        }

        impl FromRequest for $name {
            type Error = ApiError;
            type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;
            fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
                let (req, guard) = (req.clone(), body::hold_back(req));
                Box::pin(async move {
                    let _until_known = guard;
                    member(&req).await?.require($role).map(Self)
                })
            }
        }
    };
}

member_with_role!(
    /// A member of the active organisation, whatever the role.
    Viewer,
    Role::Viewer
);
member_with_role!(
    /// A member whose role is at least developer.
    Developer,
    Role::Developer
);
member_with_role!(
    /// A member whose role is admin.
    Admin,
    Role::Admin
);

impl FromRequest for SignedIn {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (req, guard) = (req.clone(), body::hold_back(req));
        Box::pin(async move {
            let _until_known = guard;
            session(&req).await.map(Self)
        })
    }
}

async fn member(req: &HttpRequest) -> Result<Member, ApiError> {
    let user = session(req).await?;
    let Some((org_id, role)) = user.membership else {
        return Err(ApiError::Refused(
            "no organisation is active; create one (POST /api/orgs) or choose one (PUT /api/orgs/active)"
                .into(),
        ));
    };
    tracing::Span::current().record("org_id", tracing::field::display(org_id));
    let actor = actor_of(req, Some(&user))?;
    Ok(Member {
        org_id,
        user_id: user.user_id,
        role,
        email: user.email,
        actor,
    })
}

/// Who to name in the audit log for this request.
pub fn actor_of(req: &HttpRequest, user: Option<&SessionUser>) -> Result<Actor, ApiError> {
    let kit = kit(req)?;
    Ok(Actor {
        user_id: user.map(|user| user.user_id),
        email: user.map(|user| user.email.clone()),
        ip: client_ip::client_ip(req, &kit.trusted_proxies),
        request_id: context::current().map(|context| context.correlation_id),
    })
}

async fn session(req: &HttpRequest) -> Result<SessionUser, ApiError> {
    let unauthorized = || ApiError::Unauthorized("not signed in, or the session ended; log in again".into());
    let token = session_token(req).ok_or_else(unauthorized)?;
    origin::require_same_origin(req)?;
    let kit = kit(req)?;
    let conn = kit.db.conn("auth.session").await?;
    auth::find_session(&conn, token, SESSION_MAX_IDLE)
        .await?
        .ok_or_else(unauthorized)
}

/// The hash of the session token that a request brings, if it has the right shape.
pub fn session_token(req: &HttpRequest) -> Option<TokenHash> {
    let cookie = req.cookie(SESSION_COOKIE)?;
    token::is_well_formed(SESSION_PREFIX, cookie.value()).then(|| TokenHash::of(cookie.value()))
}

/// The raw API key of a request: `X-API-Key`, or `Authorization: Bearer`. Checked for shape, so that a typo is told
/// from an unknown key without a look-up.
pub fn raw_api_key(req: &HttpRequest) -> Result<String, ApiError> {
    let header = |name: &str| req.headers().get(name).and_then(|value| value.to_str().ok());
    let bearer = || header(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let raw = header("x-api-key")
        .or_else(bearer)
        .map(str::trim)
        .ok_or_else(|| {
            ApiError::Unauthorized(
                "no API key; send one in the header X-API-Key or Authorization: Bearer".into(),
            )
        })?;
    if api_key::is_well_formed(raw) {
        Ok(raw.to_owned())
    } else {
        Err(ApiError::Unauthorized(
            "the API key is malformed; check that it was copied whole".into(),
        ))
    }
}

/// Looks up the key of a request and checks that it is live and allowed to do this.
pub async fn api_key_of(req: &HttpRequest, needs: KeyScope) -> Result<KeyRecord, ApiError> {
    let hash = TokenHash::of(&raw_api_key(req)?);
    let conn = kit(req)?.db.conn("auth.api_key").await?;
    check_api_key(auth::find_api_key(&conn, hash).await?, needs)
}

/// Says whether a key that was looked up may be used, and why not.
pub fn check_api_key(found: Option<KeyRecord>, needs: KeyScope) -> Result<KeyRecord, ApiError> {
    let unauthorized = |message: &str| Err(ApiError::Unauthorized(message.to_owned()));
    match found {
        None => unauthorized("the API key is unknown; create one in the service's settings"),
        Some(key) if key.revoked => unauthorized("the API key was revoked; create a new one"),
        Some(key) if key.expired => unauthorized("the API key has expired; create a new one"),
        Some(key) if !key.scopes.contains(&needs) => Err(ApiError::Refused(format!(
            "the API key lacks the scope {}; create one that has it",
            needs.as_str()
        ))),
        Some(key) => Ok(key),
    }
}

/// Another service of this installation, by `X-Internal-Secret`.
#[derive(Clone, Copy, Debug)]
pub struct Internal;

impl FromRequest for Internal {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(internal(req))
    }
}

fn internal(req: &HttpRequest) -> Result<Internal, ApiError> {
    let kit = kit(req)?;
    let given = req
        .headers()
        .get("x-internal-secret")
        .map_or(&b""[..], |value| value.as_bytes());
    if secrets::equal(given, kit.internal_secret.expose_secret().as_bytes()) {
        Ok(Internal)
    } else {
        Err(ApiError::Unauthorized(
            "this route is for Sightline's own services (X-Internal-Secret)".into(),
        ))
    }
}

/// The service's shared parts.
pub fn kit(req: &HttpRequest) -> Result<&Kit, ApiError> {
    req.app_data::<web::Data<Kit>>()
        .map(web::Data::get_ref)
        .ok_or_else(|| ApiError::internal("the service was built without its kit"))
}
