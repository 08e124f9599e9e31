//! The caller's own sessions.

use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, delete, get, web};
use db::sessions::{self, Session};
use domain::ids::SessionId;
use domain::page::Cursor;
use serde::Serialize;
use serde_json::json;
use service_kit::access::{self, SESSION_MAX_IDLE, SignedIn};
use service_kit::body::{PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::audit::entry;
use crate::cookies;
use crate::personal_tx::PersonalTx;

#[derive(Debug, Serialize, ToSchema)]
struct SessionView {
    id: SessionId,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// To the minute.
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    #[schema(value_type = Option<String>)]
    ip: Option<IpAddr>,
    user_agent: Option<String>,
    /// Whether this request belongs to it.
    current: bool,
}

impl SessionView {
    fn of(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
            ip: session.ip,
            user_agent: session.user_agent,
            current: session.id == current,
        }
    }
}

/// The caller's live sessions, newest first.
#[utoipa::path(
    operation_id = "list_sessions",
    tag = "auth",
    security(("session" = [])),
    params(PageParams),
    responses((status = 200, body = Page<SessionView>))
)]
#[get("/api/sessions")]
pub(crate) async fn list(
    SignedIn(user): SignedIn,
    kit: web::Data<Kit>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, before) = (page.limit()?, page.cursor()?);
    let conn = kit.db.conn("identity.sessions").await?;
    let rows = sessions::list_of_user(&conn, user.user_id, SESSION_MAX_IDLE, before, limit).await?;
    let cursor = |session: &Session| Cursor {
        at: session.created_at,
        key: session.id.0,
    };
    let view = |session| SessionView::of(session, user.session_id);
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, view)))
}

#[derive(Debug, Serialize, ToSchema)]
struct EndedView {
    /// How many sessions were ended.
    ended: u64,
}

/// Ends all of the caller's sessions but this one.
#[utoipa::path(
    operation_id = "end_other_sessions",
    tag = "auth",
    security(("session" = [])),
    responses((status = 200, body = Data<EndedView>))
)]
#[delete("/api/sessions")]
pub(crate) async fn end_others(
    SignedIn(user): SignedIn,
    req: HttpRequest,
    kit: web::Data<Kit>,
) -> Result<HttpResponse, ApiError> {
    let actor = access::actor_of(&req, Some(&user))?;
    let mut conn = kit.db.conn("identity.sessions").await?;
    let tx = PersonalTx::open(&mut conn, user.membership.map(|(org_id, _role)| org_id)).await?;
    let ended = sessions::end_others(&tx, user.user_id, user.session_id).await?;
    let after = Some(json!({"ended": ended}));
    tx.audit(
        &actor,
        entry("session.end_others", user.session_id.0, None, after),
    )
    .await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Data {
        data: EndedView { ended },
    }))
}

/// Ends one of the caller's sessions; this one is a logout.
#[utoipa::path(
    operation_id = "end_session",
    tag = "auth",
    security(("session" = [])),
    params(("id" = SessionId, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
#[delete("/api/sessions/{id}")]
pub(crate) async fn end(
    SignedIn(user): SignedIn,
    req: HttpRequest,
    kit: web::Data<Kit>,
    PathId(id): PathId<SessionId>,
) -> Result<HttpResponse, ApiError> {
    let actor = access::actor_of(&req, Some(&user))?;
    let mut conn = kit.db.conn("identity.sessions").await?;
    let tx = PersonalTx::open(&mut conn, user.membership.map(|(org_id, _role)| org_id)).await?;
    if !sessions::end(&tx, user.user_id, id).await? {
        return Err(ApiError::NotFound { what: "session" });
    }
    tx.audit(&actor, entry("session.end", id.0, None, None)).await?;
    tx.commit().await?;
    let mut response = HttpResponse::NoContent();
    if id == user.session_id {
        response.cookie(cookies::no_session(&req));
    }
    Ok(response.finish())
}
