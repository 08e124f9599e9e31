//! Signing up, logging in, logging out.

use actix_web::{HttpRequest, HttpResponse, post, web};
use db::sessions;
use domain::email::Email;
use domain::name::Name;
use serde::Deserialize;
use service_kit::access::{self, SignedIn};
use service_kit::body::JsonBody;
use service_kit::{ApiError, Data, ErrorBody, Kit, origin};
use utoipa::ToSchema;

use crate::app::State;
use crate::audit::entry;
use crate::cookies;
use crate::login::log_in;
use crate::password_policy::NewPassword;
use crate::personal_tx::PersonalTx;
use crate::routes::me::SignedInView;
use crate::signup::{Application, sign_up};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignupRequest {
    email: Email,
    /// 8 to 128 characters, and not one of the most common passwords.
    #[schema(value_type = String, min_length = 8, max_length = 128, format = Password)]
    password: NewPassword,
    /// What colleagues see; the part of the e-mail before the @ when absent.
    name: Option<Name>,
    /// The name of the new organisation.
    org_name: Name,
}

/// Makes a person, their organisation with them as admin, and its service `default` with the environments `production`
/// and `staging`. Signs them in: the cookie `sightline_session`.
#[utoipa::path(
    operation_id = "sign_up",
    tag = "auth",
    request_body = SignupRequest,
    responses(
        (status = 201, body = Data<SignedInView>),
        (status = 400, body = ErrorBody),
        (status = 409, description = "the e-mail has an account", body = ErrorBody),
        (status = 429, body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
#[post("/api/auth/signup")]
pub(crate) async fn signup(
    req: HttpRequest,
    state: web::Data<State>,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<SignupRequest>,
) -> Result<HttpResponse, ApiError> {
    origin::require_same_origin(&req)?;
    let application = Application {
        name: body.name.map_or_else(|| local_part(&body.email), String::from),
        password: body.password.for_account(&body.email)?,
        email: body.email,
        org_name: body.org_name,
    };
    let signed_in = sign_up(&req, &state, &kit, &application).await?;
    signed_in.answer(&req, &state, HttpResponse::Created())
}

fn local_part(email: &Email) -> String {
    let local = email.as_str().split('@').next().unwrap_or_default();
    local.chars().take(Name::MAX_CHARS).collect()
}

/// Not judged by the policy: it may be older than the policy.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct GivenPassword(String);

impl std::fmt::Debug for GivenPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GivenPassword(..)")
    }
}

impl TryFrom<String> for GivenPassword {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        // Bounds the work of one request; no password of ours or of an older system is as long.
        const MAX_BYTES: usize = 1_024;
        if text.contains('\0') {
            Err("must not contain the NUL character")
        } else if text.len() > MAX_BYTES {
            Err("must be at most 1024 bytes")
        } else {
            Ok(Self(text))
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginRequest {
    email: Email,
    #[schema(value_type = String, format = Password)]
    password: GivenPassword,
}

/// Opens a session: the cookie `sightline_session`. Failures are slowed down per account and per address; a browser that
/// has logged in to the account before (`sightline_device`) is counted apart, so that nobody can lock its owner out.
#[utoipa::path(
    operation_id = "log_in",
    tag = "auth",
    request_body = LoginRequest,
    responses(
        (status = 200, body = Data<SignedInView>),
        (status = 401, description = "the e-mail or the password is wrong", body = ErrorBody),
        (status = 429, body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
#[post("/api/auth/login")]
pub(crate) async fn login(
    req: HttpRequest,
    state: web::Data<State>,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<LoginRequest>,
) -> Result<HttpResponse, ApiError> {
    origin::require_same_origin(&req)?;
    let signed_in = log_in(&req, &state, &kit, &body.email, &body.password.0).await?;
    signed_in.answer(&req, &state, HttpResponse::Ok())
}

/// Ends this session.
#[utoipa::path(operation_id = "log_out", tag = "auth", security(("session" = [])), responses((status = 204)))]
#[post("/api/auth/logout")]
pub(crate) async fn logout(
    SignedIn(user): SignedIn,
    req: HttpRequest,
    kit: web::Data<Kit>,
) -> Result<HttpResponse, ApiError> {
    let actor = access::actor_of(&req, Some(&user))?;
    let mut conn = kit.db.conn("identity.logout").await?;
    let tx = PersonalTx::open(&mut conn, user.membership.map(|(org_id, _role)| org_id)).await?;
    sessions::end(&tx, user.user_id, user.session_id).await?;
    tx.audit(&actor, entry("user.logout", user.user_id.0, None, None))
        .await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent()
        .cookie(cookies::no_session(&req))
        .finish())
}
