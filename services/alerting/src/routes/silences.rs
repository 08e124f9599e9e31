//! Silences: what holds notifications back for a while, by whom and why.

use actix_web::{HttpResponse, delete, get, post, web};
use db::silences::{self as table, NewSilence, Silence};
use db::{audit_logs, incidents};
use domain::alerting::matcher::Matcher;
use domain::ids::SilenceId;
use domain::page::Cursor;
use serde::{Deserialize, Serialize};
use service_kit::access::{Developer, Viewer};
use service_kit::body::{JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use super::routing::{NO_SUCH_PLACE, check_matcher};
use crate::app::State;
use crate::audit::{entry, seen};
use crate::quotas;
use crate::text::FreeText;

/// Longer ones are forgotten; a rule that is not wanted is disabled.
const LONGEST: Duration = Duration::days(90);

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct SilenceView {
    id: SilenceId,
    matcher: Matcher,
    #[serde(with = "time::serde::rfc3339")]
    starts_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
    reason: String,
    author: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When somebody ended it before its time; null otherwise.
    #[serde(with = "time::serde::rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    ended_by: Option<String>,
    /// Notifications that it holds back, or held back last: `GET /api/notifications?silence_id=…` lists them.
    held: i64,
}

impl From<Silence> for SilenceView {
    fn from(silence: Silence) -> Self {
        Self {
            id: silence.id,
            matcher: silence.matcher,
            starts_at: silence.starts_at,
            ends_at: silence.ends_at,
            reason: silence.reason,
            author: silence.created_by_email,
            created_at: silence.created_at,
            ended_at: silence.ended_at,
            ended_by: silence.ended_by_email,
            held: silence.held,
        }
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// Whether those that are over are listed too; false when absent.
    with_ended: Option<bool>,
    /// Rows a page, 1 to 1000; 100 when absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before; absent for the first.
    cursor: Option<String>,
}

/// Silences, newest first.
#[utoipa::path(
    tag = "silences",
    security(("session" = ["viewer"])),
    params(ListParams),
    responses((status = 200, body = Page<SilenceView>))
)]
#[get("/api/silences")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<HttpResponse, ApiError> {
    let page = PageParams {
        limit: params.limit,
        cursor: params.cursor,
    };
    let (limit, before) = (page.limit()?, page.cursor()?);
    let only_live = !params.with_ended.unwrap_or(false);
    let mut conn = kit.db.conn("alerting.silences").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = table::list(&tx, only_live, before, limit).await?;
    let cursor = |silence: &Silence| Cursor {
        at: silence.created_at,
        key: silence.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, SilenceView::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"matcher": {"labels": {"team": "payments"}}, "ends_at": "2026-11-29T23:00:00Z",
    "reason": "planned migration"}))]
struct CreateSilenceRequest {
    /// What must hold of an incident; everything is held back when absent.
    #[serde(default)]
    matcher: Matcher,
    /// Now when absent.
    #[serde(default, with = "time::serde::rfc3339::option")]
    starts_at: Option<OffsetDateTime>,
    /// At most 90 days after its start.
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
    reason: FreeText,
}

/// Holds back what would be told of such incidents. What opens meanwhile and is not over when the silence ends is told then.
#[utoipa::path(
    tag = "silences",
    security(("session" = ["developer"])),
    request_body = CreateSilenceRequest,
    responses(
        (status = 201, body = Data<SilenceView>),
        (status = 404, description = "no such service, environment or rule", body = ErrorBody),
    )
)]
#[post("/api/silences")]
pub(crate) async fn create(
    caller: Developer,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<CreateSilenceRequest>,
) -> Result<HttpResponse, ApiError> {
    check_matcher(&body.matcher)?;
    let mut conn = kit.db.conn("alerting.silences").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let now = incidents::clock(&tx).await?;
    let starts_at = body.starts_at.unwrap_or(now);
    if body.ends_at <= starts_at.max(now) {
        return Err(ApiError::invalid(
            "ends_at",
            "must lie in the future, and after starts_at",
        ));
    }
    if body.ends_at - starts_at > LONGEST {
        let message = "must be at most 90 days after starts_at; disable what is not wanted for longer";
        return Err(ApiError::invalid("ends_at", message));
    }
    quotas::admit_silence(table::count_live(&tx).await?)?;
    let new = NewSilence {
        matcher: &body.matcher,
        starts_at,
        ends_at: body.ends_at,
        reason: body.reason.as_str(),
        created_by: caller.user_id,
        created_by_email: &caller.email,
    };
    let id = table::create(&tx, &new).await.map_err(|error| {
        if error.violates_foreign_key() {
            NO_SUCH_PLACE
        } else {
            error.into()
        }
    })?;
    let data = SilenceView::from(table::find(&tx, id).await?.ok_or(NOT_FOUND)?);
    audit_logs::add(
        &tx,
        &caller.actor,
        entry("silence.create", id.0, None, seen(&data)),
    )
    .await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().json(Data { data }))
}

/// One silence.
#[utoipa::path(
    tag = "silences",
    security(("session" = ["viewer"])),
    params(("id" = SilenceId, Path)),
    responses((status = 200, body = Data<SilenceView>), (status = 404, body = ErrorBody))
)]
#[get("/api/silences/{id}")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<SilenceId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.silences").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let data = SilenceView::from(table::find(&tx, id).await?.ok_or(NOT_FOUND)?);
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// Ends a silence now. What it holds back is told if its incident is not over. The silence stays in the list of those that
/// are over.
#[utoipa::path(
    tag = "silences",
    security(("session" = ["developer"])),
    params(("id" = SilenceId, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
#[delete("/api/silences/{id}")]
pub(crate) async fn end(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<SilenceId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.silences").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let before = SilenceView::from(table::find(&tx, id).await?.ok_or(NOT_FOUND)?);
    if table::end(&tx, id, &caller.email).await? {
        let after = SilenceView::from(table::find(&tx, id).await?.ok_or(NOT_FOUND)?);
        let ended = entry("silence.end", id.0, seen(&before), seen(&after));
        audit_logs::add(&tx, &caller.actor, ended).await?;
    }
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::NoContent().finish())
}

const NOT_FOUND: ApiError = ApiError::NotFound { what: "silence" };
