//! Invites into the active organisation, and accepting one.

use std::time::Duration;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use db::audit_logs;
use db::invites::{self, FoundInvite, Invite, NewInvite};
use db::{members, orgs, sessions, users};
use domain::email::Email;
use domain::ids::{InviteId, UserId};
use domain::page::Cursor;
use domain::role::Role;
use domain::token::{self, TokenHash};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::access::{self, Admin, SignedIn};
use service_kit::body::{JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page, secrets};
use time::OffsetDateTime;
use url::Url;
use utoipa::ToSchema;

use crate::app::State;
use crate::audit::{entry, seen};
use crate::quotas::{OPEN_INVITES_PER_ORG, ORGS_PER_USER};
use crate::routes::me::OrgView;

/// What every invite's token starts with, for secret scanners.
const TOKEN_PREFIX: &str = "sli_";
const LIFETIME: Duration = Duration::from_hours(7 * 24);

#[derive(Clone, Debug, Serialize, ToSchema)]
struct InviteView {
    id: InviteId,
    email: String,
    role: Role,
    invited_by: Option<UserId>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    expired: bool,
}

impl From<Invite> for InviteView {
    fn from(invite: Invite) -> Self {
        Self {
            id: invite.id,
            email: invite.email,
            role: invite.role,
            invited_by: invite.invited_by,
            created_at: invite.created_at,
            expires_at: invite.expires_at,
            expired: invite.expired,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct CreatedInviteView {
    #[serde(flatten)]
    invite: InviteView,
    /// Shown this once.
    token: String,
    /// The page that accepts the invite. The token stands behind the #, so that no server on the way logs it.
    url: String,
}

/// Invites that nobody has accepted, oldest first.
#[utoipa::path(
    operation_id = "list_invites",
    tag = "members",
    security(("session" = ["admin"])),
    params(PageParams),
    responses((status = 200, body = Page<InviteView>))
)]
#[get("/api/invites")]
pub(crate) async fn list(
    caller: Admin,
    kit: web::Data<Kit>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, after) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("identity.invites").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = invites::list(&tx, after, limit).await?;
    let cursor = |invite: &Invite| Cursor {
        at: invite.created_at,
        key: invite.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, InviteView::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateInviteRequest {
    email: Email,
    role: Role,
}

/// Invites somebody for seven days. Give them the link: it is shown this once. An earlier invite of the same e-mail
/// stops working.
#[utoipa::path(
    operation_id = "create_invite",
    tag = "members",
    security(("session" = ["admin"])),
    request_body = CreateInviteRequest,
    responses(
        (status = 201, body = Data<CreatedInviteView>),
        (status = 409, description = "they are a member already", body = ErrorBody),
    )
)]
#[post("/api/invites")]
pub(crate) async fn create(
    caller: Admin,
    state: web::Data<State>,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<CreateInviteRequest>,
) -> Result<HttpResponse, ApiError> {
    let token = token::mint(TOKEN_PREFIX, secrets::random_byte);
    let mut conn = kit.db.conn("identity.invites").await?;
    let tx = conn.tenant(caller.org_id).await?;
    if members::includes(&tx, &body.email).await? {
        return Err(ApiError::Conflict(
            "somebody with this e-mail is a member already; change their role instead".into(),
        ));
    }
    let replaced = invites::delete_open_for(&tx, &body.email).await?.pop();
    OPEN_INVITES_PER_ORG.admit(invites::count_open(&tx).await?)?;
    let invite = NewInvite {
        email: &body.email,
        role: body.role,
        token: TokenHash::of(&token),
        invited_by: caller.user_id,
        lifetime: LIFETIME,
    };
    let invite = InviteView::from(invites::create(&tx, &invite).await?);
    let before = replaced.and_then(|old| seen(&InviteView::from(old)));
    let created = entry("invite.create", invite.id.0, before, seen(&invite));
    audit_logs::add(&tx, &caller.actor, created).await?;
    tx.commit().await?;
    let data = CreatedInviteView {
        url: link(&state.public_url, &token),
        invite,
        token,
    };
    let mut response = HttpResponse::Created();
    Ok(response
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(Data { data }))
}

fn link(public_url: &Url, token: &str) -> String {
    format!("{}/invite#{token}", public_url.as_str().trim_end_matches('/'))
}

/// Withdraws an invite that nobody has accepted.
#[utoipa::path(
    operation_id = "withdraw_invite",
    tag = "members",
    security(("session" = ["admin"])),
    params(("id" = InviteId, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
#[delete("/api/invites/{id}")]
pub(crate) async fn withdraw(
    caller: Admin,
    kit: web::Data<Kit>,
    PathId(id): PathId<InviteId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("identity.invites").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let invite = invites::delete(&tx, id)
        .await?
        .ok_or(ApiError::NotFound { what: "invite" })?;
    let withdrawal = entry("invite.delete", id.0, seen(&InviteView::from(invite)), None);
    audit_logs::add(&tx, &caller.actor, withdrawal).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptInviteRequest {
    token: String,
}

/// Joins the organisation of an invite that was sent to the caller's own e-mail, and makes it the active one.
#[utoipa::path(
    operation_id = "accept_invite",
    tag = "members",
    security(("session" = [])),
    request_body = AcceptInviteRequest,
    responses(
        (status = 200, body = Data<OrgView>),
        (status = 403, description = "it was sent to another e-mail", body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "it was used, or has expired, or the caller is a member", body = ErrorBody),
    )
)]
#[post("/api/invites/accept")]
pub(crate) async fn accept(
    SignedIn(user): SignedIn,
    req: HttpRequest,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<AcceptInviteRequest>,
) -> Result<HttpResponse, ApiError> {
    let actor = access::actor_of(&req, Some(&user))?;
    let mut conn = kit.db.conn("identity.invites").await?;
    let found = invites::find_by_token_all_orgs(&conn, TokenHash::of(&body.token)).await?;
    let invite = check(found, &user.email)?;
    ORGS_PER_USER.admit(orgs::count_of_user_all_orgs(&conn, user.user_id).await?)?;
    let tx = conn.tenant(invite.org_id).await?;
    orgs::lock_membership(&tx).await?;
    if !invites::accept(&tx, invite.id).await? {
        return Err(ended());
    }
    if !members::add(&tx, user.user_id, invite.role).await? {
        return Err(ApiError::Conflict(
            "you are a member of this organisation already".into(),
        ));
    }
    sessions::set_active_org(&tx, user.session_id, invite.org_id).await?;
    users::set_last_org(&tx, user.user_id, invite.org_id).await?;
    let after = Some(json!({"user_id": user.user_id, "email": user.email, "role": invite.role}));
    audit_logs::add(&tx, &actor, entry("invite.accept", invite.id.0, None, after)).await?;
    tx.commit().await?;
    let org = orgs::find_of_user_all_orgs(&conn, user.user_id, invite.org_id)
        .await?
        .ok_or(ApiError::NotFound { what: "organisation" })?;
    Ok(HttpResponse::Ok().json(Data {
        data: OrgView::from(org),
    }))
}

/// Whether this person may use this invite now.
fn check(found: Option<FoundInvite>, email: &str) -> Result<FoundInvite, ApiError> {
    let invite = found.ok_or(ApiError::NotFound { what: "invite" })?;
    if invite.email != email {
        return Err(ApiError::Refused(
            "this invite was sent to another e-mail; log in or sign up with that address, or ask for a new invite"
                .into(),
        ));
    }
    if invite.accepted || invite.expired {
        return Err(ended());
    }
    Ok(invite)
}

fn ended() -> ApiError {
    ApiError::Conflict("this invite was used already, or has expired; ask an admin for a new one".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("http://localhost:8080", "http://localhost:8080/invite#sli_x")]
    #[case(
        "https://logs.example.com/sightline/",
        "https://logs.example.com/sightline/invite#sli_x"
    )]
    fn a_link_starts_where_people_reach_the_dashboard(#[case] public_url: Url, #[case] expected: &str) {
        assert_eq!(link(&public_url, "sli_x"), expected);
    }
}
