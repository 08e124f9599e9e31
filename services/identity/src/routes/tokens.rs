//! Personal access tokens: what scripts, Grafana and the command line send to act as a person.

use std::time::Duration;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use db::personal_access_tokens::{self, PersonalToken};
use domain::ids::{PersonalTokenId, UserId};
use domain::name::Name;
use domain::page::Cursor;
use domain::role::Role;
use serde::{Deserialize, Serialize};
use service_kit::access::{Credential, Member, SignedIn, Viewer};
use service_kit::body::{JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use crate::tokens::{self, TokenPlan};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TokenStatus {
    Live,
    Expired,
    Revoked,
}

/// A token as people see it after its creation: without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TokenView {
    id: PersonalTokenId,
    /// Whom it acts as.
    user_id: UserId,
    email: String,
    name: String,
    /// The most that it may do; if its owner's role is lower, that counts.
    role: Role,
    /// The token's first ten characters.
    token_prefix: String,
    status: TokenStatus,
    /// Whether this request was made with it.
    current: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// To the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    revoked_at: Option<OffsetDateTime>,
}

impl TokenView {
    pub(crate) fn of(token: PersonalToken, reader: &Member) -> Self {
        let status = match (token.revoked_at, token.expired) {
            (Some(_), _) => TokenStatus::Revoked,
            (None, true) => TokenStatus::Expired,
            (None, false) => TokenStatus::Live,
        };
        Self {
            id: token.id,
            user_id: token.user_id,
            email: token.email,
            name: token.name,
            role: token.role,
            token_prefix: token.token_prefix,
            status,
            current: reader.credential == Credential::PersonalToken(token.id),
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            revoked_at: token.revoked_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListTokensParams {
    /// The tokens of all members instead of one's own; for admins.
    #[serde(default)]
    all: bool,
    /// Rows a page, 1 to 1000; 100 when absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before; absent for the first.
    cursor: Option<String>,
}

/// The caller's tokens in the active organisation, newest first; revoked and expired ones too.
#[utoipa::path(
    operation_id = "list_tokens",
    tag = "tokens",
    security(("session" = ["viewer"])),
    params(ListTokensParams),
    responses(
        (status = 200, body = Page<TokenView>),
        (status = 403, description = "`all` needs the admin role", body = ErrorBody),
    )
)]
#[get("/api/tokens")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(params): QueryParams<ListTokensParams>,
) -> Result<HttpResponse, ApiError> {
    let ListTokensParams { all, limit, cursor } = params;
    let page = PageParams { limit, cursor };
    let (limit, before) = (page.limit()?, page.cursor()?);
    if all && !caller.role.at_least(Role::Admin) {
        return Err(ApiError::Forbidden { needs: Role::Admin });
    }
    let of = (!all).then_some(caller.user_id);
    let mut conn = kit.db.conn("identity.tokens").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = personal_access_tokens::list(&tx, of, before, limit).await?;
    let cursor = |token: &PersonalToken| Cursor {
        at: token.created_at,
        key: token.id.0,
    };
    let view = |token| TokenView::of(token, &caller);
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, view)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateTokenRequest {
    /// What it is for: `grafana`, `my laptop`.
    name: Name,
    /// The most that it may do, at most the caller's own role; viewer when absent.
    role: Option<Role>,
    /// The token lives for ever when absent.
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<i64>,
}

impl CreateTokenRequest {
    const MAX_DAYS: u64 = 3_650;

    fn lifetime(&self) -> Result<Option<Duration>, ApiError> {
        let Some(days) = self.expires_in_days else {
            return Ok(None);
        };
        u64::try_from(days)
            .ok()
            .filter(|days| (1..=Self::MAX_DAYS).contains(days))
            .map(|days| Some(Duration::from_hours(24 * days)))
            .ok_or_else(|| {
                let message = format!("must be between 1 and {}, or be left out", Self::MAX_DAYS);
                ApiError::invalid("expires_in_days", message)
            })
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct CreatedTokenView {
    #[serde(flatten)]
    view: TokenView,
    /// The token itself, shown this once: `slp_` and 38 more characters.
    token: String,
}

/// Makes a token that acts as the caller in the active organisation. The answer shows it once. Needs a session: a token
/// cannot make tokens.
#[utoipa::path(
    operation_id = "create_token",
    tag = "tokens",
    security(("session" = [])),
    request_body = CreateTokenRequest,
    responses(
        (status = 201, body = Data<CreatedTokenView>),
        (status = 400, description = "such as a role above the caller's own", body = ErrorBody),
        (status = 403, description = "no organisation is active, or the caller brought a token", body = ErrorBody),
        (status = 409, description = "the caller has 50 live tokens already", body = ErrorBody),
    )
)]
#[post("/api/tokens")]
pub(crate) async fn create(
    signed_in: SignedIn,
    req: HttpRequest,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<CreateTokenRequest>,
) -> Result<HttpResponse, ApiError> {
    let caller = signed_in.member(&req)?;
    let plan = TokenPlan {
        name: &body.name,
        role: body.role.unwrap_or(Role::Viewer),
        lifetime: body.lifetime()?,
    };
    let mut conn = kit.db.conn("identity.tokens").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let minted = tokens::create(&tx, &caller, &plan).await?;
    tx.commit().await?;
    let data = CreatedTokenView {
        view: TokenView::of(minted.token, &caller),
        token: minted.raw,
    };
    // Nothing on the way may keep the one answer that holds a raw token.
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(Data { data }))
}

/// Revokes a token: admins any of the organisation, others their own. It is refused from the next request on. Revoking it
/// again changes nothing. A token without the admin role can revoke itself only.
#[utoipa::path(
    operation_id = "revoke_token",
    tag = "tokens",
    security(("session" = ["viewer"])),
    params(("id" = PersonalTokenId, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
#[delete("/api/tokens/{id}")]
pub(crate) async fn revoke(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<PersonalTokenId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("identity.tokens").await?;
    let tx = conn.tenant(caller.org_id).await?;
    tokens::revoke(&tx, &caller, id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}
