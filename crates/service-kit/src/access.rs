//! Who may call: the extractor in a handler's signature is its permission, and cannot be forgotten.
//!
//! [`Viewer`], [`Developer`] and [`Admin`] are members of the active organisation with at least that role, by session or
//! by personal access token; [`Caller`] is either without asking for a membership; [`SignedIn`] is anybody with a session,
//! for what a token must not do; [`Internal`] is another service of ours. API keys are read by [`api_key_of`], since each
//! service that takes keys treats them differently.

mod personal_token;

use std::borrow::Cow;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use db::audit_logs::Actor;
use db::auth::{self, KeyRecord, SessionUser, TokenUser};
use domain::api_key::{self, KeyScope};
use domain::ids::{OrgId, PersonalTokenId, SessionId, UserId};
use domain::role::Role;
use domain::token::{self, TokenHash};
use futures_util::future::LocalBoxFuture;
use secrecy::ExposeSecret as _;

use crate::server::Kit;
use crate::{ApiError, body, client_ip, context, origin, secrets};

pub use personal_token::TokenUses;

/// The session cookie.
pub const SESSION_COOKIE: &str = "sightline_session";
/// What every session token starts with, for secret scanners.
pub const SESSION_PREFIX: &str = "sls_";
/// A session ends when it was not used for this long (OWASP ASVS 7.3.1)...
pub const SESSION_MAX_IDLE: Duration = Duration::from_hours(24);
/// ...and at the latest after this long (ASVS 7.3.2).
pub const SESSION_MAX_AGE: Duration = Duration::from_hours(7 * 24);

/// Anybody with a live session, member of an organisation or not. A personal access token is refused.
#[derive(Clone, Debug)]
pub struct SignedIn(pub SessionUser);

impl SignedIn {
    /// The same person as a member of the active organisation.
    pub fn member(self, req: &HttpRequest) -> Result<Member, ApiError> {
        member(req, Caller::Session(self.0))
    }
}

/// A person, by either of the two ways to prove who one is. A request that brings both is the token's.
#[derive(Clone, Debug)]
pub enum Caller {
    Session(SessionUser),
    /// Acts within the token's organisation only.
    Token(TokenUser),
}

/// What a member's request proved itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    Session(SessionId),
    PersonalToken(PersonalTokenId),
}

/// A member of the active organisation, or of a token's.
#[derive(Clone, Debug)]
pub struct Member {
    pub org_id: OrgId,
    pub user_id: UserId,
    pub role: Role,
    pub email: String,
    pub credential: Credential,
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
                    member(&req, caller(&req).await?)?.require($role).map(Self)
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
            match caller(&req).await? {
                Caller::Session(user) => Ok(Self(user)),
                Caller::Token(_) => Err(ApiError::Refused(
                    "a personal access token cannot do this; log in and do it there".into(),
                )),
            }
        })
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (req, guard) = (req.clone(), body::hold_back(req));
        Box::pin(async move {
            let _until_known = guard;
            caller(&req).await
        })
    }
}

async fn caller(req: &HttpRequest) -> Result<Caller, ApiError> {
    match personal_token::user_of(req).await? {
        Some(user) => Ok(Caller::Token(user)),
        None => session(req).await.map(Caller::Session),
    }
}

fn member(req: &HttpRequest, caller: Caller) -> Result<Member, ApiError> {
    let ((org_id, role), user_id, email, credential) = match caller {
        Caller::Session(user) => {
            let membership = user.membership.ok_or_else(no_active_org)?;
            (
                membership,
                user.user_id,
                user.email,
                Credential::Session(user.session_id),
            )
        }
        Caller::Token(user) => {
            let membership = (user.org_id, user.role);
            (
                membership,
                user.user_id,
                user.email,
                Credential::PersonalToken(user.token_id),
            )
        }
    };
    tracing::Span::current().record("org_id", tracing::field::display(org_id));
    let token_id = match credential {
        Credential::Session(_) => None,
        Credential::PersonalToken(id) => Some(id),
    };
    let actor = Actor {
        user_id: Some(user_id),
        email: Some(email.clone()),
        token_id,
        ..actor_of(req, None)?
    };
    Ok(Member {
        org_id,
        user_id,
        role,
        email,
        credential,
        actor,
    })
}

fn no_active_org() -> ApiError {
    ApiError::Refused(
        "no organisation is active; create one (POST /api/orgs) or choose one (PUT /api/orgs/active)".into(),
    )
}

/// Who to name in the audit log for this request of a session's, or of nobody's.
pub fn actor_of(req: &HttpRequest, user: Option<&SessionUser>) -> Result<Actor, ApiError> {
    let kit = kit(req)?;
    Ok(Actor {
        user_id: user.map(|user| user.user_id),
        email: user.map(|user| user.email.clone()),
        token_id: None,
        ip: client_ip::client_ip(req, &kit.trusted_proxies),
        request_id: context::current().map(|context| context.correlation_id),
    })
}

async fn session(req: &HttpRequest) -> Result<SessionUser, ApiError> {
    let token = session_token(req).ok_or_else(|| not_signed_in(req))?;
    origin::require_same_origin(req)?;
    let kit = kit(req)?;
    let conn = kit.db.conn("auth.session").await?;
    auth::find_session(&conn, token, SESSION_MAX_IDLE)
        .await?
        .ok_or_else(|| not_signed_in(req))
}

fn not_signed_in(req: &HttpRequest) -> ApiError {
    let message = if personal_token::is_api_key_instead(req) {
        "an API key can only write; log in, or send a personal access token (slp_…) instead"
    } else {
        "not signed in, or the session ended; log in again, or send a personal access token as Authorization: Bearer"
    };
    ApiError::Unauthorized(message.into())
}

/// The hash of the session token that a request brings, if it has the right shape.
pub fn session_token(req: &HttpRequest) -> Option<TokenHash> {
    let cookie = req.cookie(SESSION_COOKIE)?;
    token::is_well_formed(SESSION_PREFIX, cookie.value()).then(|| TokenHash::of(cookie.value()))
}

/// The raw API key of a request, from wherever the clients of the protocols we speak put one: `X-API-Key`, `DD-API-KEY`, or
/// `Authorization` with Bearer, Basic (the password; any user), Splunk, or ApiKey (Elasticsearch's base64 of `id:key`, or
/// the key itself). Checked for shape, so that a typo is told from an unknown key without a look-up.
pub fn raw_api_key(req: &HttpRequest) -> Result<String, ApiError> {
    raw_api_key_among(|name| req.headers().get(name).and_then(|value| value.to_str().ok()))
}

/// The same of a request that came by another server than actix: `header` finds a header by its name in lower case.
pub fn raw_api_key_among<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Result<String, ApiError> {
    let own = || header("x-api-key").or_else(|| header("dd-api-key"));
    let raw = match own() {
        Some(key) => Some(Cow::Borrowed(key)),
        None => header(AUTHORIZATION.as_str()).and_then(credentials),
    };
    let raw = raw.ok_or_else(|| {
        ApiError::Unauthorized(
            "no API key; send one in the header X-API-Key or Authorization: Bearer (or Basic, as the password)"
                .into(),
        )
    })?;
    let raw = raw.trim();
    if api_key::is_well_formed(raw) {
        Ok(raw.to_owned())
    } else {
        Err(ApiError::Unauthorized(
            "the API key is malformed; check that it was copied whole".into(),
        ))
    }
}

/// The secret of an `Authorization` header whose scheme we know.
fn credentials(header: &str) -> Option<Cow<'_, str>> {
    let (scheme, rest) = header.trim().split_once(' ')?;
    let rest = rest.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "splunk" => Some(Cow::Borrowed(rest)),
        // A damaged pair is a malformed key, and not a missing one.
        "basic" => Some(Cow::Owned(after_colon(rest).unwrap_or_default())),
        "apikey" => Some(after_colon(rest).map_or(Cow::Borrowed(rest), Cow::Owned)),
        _ => None,
    }
}

/// The second half of a pair in base64.
fn after_colon(pair: &str) -> Option<String> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(pair).ok()?).ok()?;
    let (_user, secret) = decoded.split_once(':')?;
    Some(secret.to_owned())
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

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn key() -> String {
        api_key::mint(|| 7)
    }

    fn base64(text: &str) -> String {
        BASE64_STANDARD.encode(text)
    }

    fn found(header: &str, value: &str) -> Result<String, String> {
        let request = TestRequest::default().insert_header((header, value));
        raw_api_key(&request.to_http_request()).map_err(|error| error.to_string())
    }

    #[rstest::rstest]
    #[case("X-API-Key", key())]
    #[case("DD-API-KEY", key())]
    #[case("Authorization", format!("Bearer {}", key()))]
    #[case("Authorization", format!("bearer  {} ", key()))]
    #[case("Authorization", format!("Splunk {}", key()))]
    #[case("Authorization", format!("Basic {}", base64(&format!("anybody:{}", key()))))]
    #[case("Authorization", format!("Basic {}", base64(&format!(":{}", key()))))]
    #[case("Authorization", format!("ApiKey {}", base64(&format!("id:{}", key()))))]
    #[case("Authorization", format!("ApiKey {}", key()))]
    fn a_key_is_found_where_clients_put_it(#[case] header: &str, #[case] value: String) {
        assert_eq!(found(header, &value), Ok(key()));
    }

    #[rstest::rstest]
    #[case("X-Other", "a", "no API key")]
    #[case("Authorization", "Digest a", "no API key")]
    #[case("Authorization", "slk_a", "no API key")]
    #[case("Authorization", "Bearer slk_a", "malformed")]
    #[case("Authorization", "Basic ???", "malformed")]
    #[case("Authorization", "Basic c2xrX2E=", "malformed")]
    #[case("Authorization", "ApiKey c2xrX2E=", "malformed")]
    #[case("X-API-Key", "", "malformed")]
    fn what_is_no_key_is_told_from_none(#[case] header: &str, #[case] value: &str, #[case] message: &str) {
        let error = found(header, value).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}
