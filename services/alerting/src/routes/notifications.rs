//! The ledger of notifications: what was sent to whom, what waits, what was given up.

use actix_web::{HttpResponse, get, post, web};
use db::audit_logs;
use db::incidents::events::{self, NewEvent};
use db::notification_jobs::{self, Filter, Job, NotRevived};
use domain::alerting::channel::ChannelType;
use domain::alerting::delivery::{JobState, UnknownDeliveryWord};
use domain::alerting::incident::EventKind;
use domain::alerting::notification::NotifiedTransition;
use domain::ids::{ChannelId, IncidentId, NotificationJobId};
use domain::page::Cursor;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::access::{Developer, Viewer};
use service_kit::body::{PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use crate::app::State;
use crate::audit::entry;

/// One transition of one incident, told through one channel. Its id is the receiver's `webhook-id`, however often it is
/// sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NotificationView {
    id: NotificationJobId,
    incident_id: IncidentId,
    channel_id: ChannelId,
    channel_name: String,
    channel_type: ChannelType,
    transition: NotifiedTransition,
    state: JobState,
    attempts: i32,
    /// When it is tried again; null when it is settled.
    #[serde(with = "time::serde::rfc3339::option")]
    next_attempt_at: Option<OffsetDateTime>,
    /// Why the last attempt failed.
    last_error: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was sent or given up.
    #[serde(with = "time::serde::rfc3339::option")]
    settled_at: Option<OffsetDateTime>,
}

impl From<Job> for NotificationView {
    fn from(job: Job) -> Self {
        let next_attempt_at = match job.state {
            JobState::Pending => Some(job.next_attempt_at),
            JobState::Claimed | JobState::Sent | JobState::Dead => None,
        };
        Self {
            id: job.id,
            incident_id: job.incident_id,
            channel_id: job.channel_id,
            channel_name: job.channel_name,
            channel_type: job.channel_type,
            transition: job.transition,
            state: job.state,
            attempts: job.attempts,
            next_attempt_at,
            last_error: job.last_error,
            created_at: job.created_at,
            settled_at: job.settled_at,
        }
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// pending, claimed, sent or dead; all when absent.
    state: Option<String>,
    /// Those of one incident.
    incident_id: Option<IncidentId>,
    /// Rows a page, 1 to 1000; 100 when absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before; absent for the first.
    cursor: Option<String>,
}

/// Notifications, newest first.
#[utoipa::path(
    tag = "notifications",
    security(("session" = ["viewer"])),
    params(ListParams),
    responses((status = 200, body = Page<NotificationView>))
)]
#[get("/api/notifications")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<HttpResponse, ApiError> {
    let state = params
        .state
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error: UnknownDeliveryWord| ApiError::invalid("state", error.to_string()))?;
    let filter = Filter {
        state,
        incident_id: params.incident_id,
    };
    let page = PageParams {
        limit: params.limit,
        cursor: params.cursor,
    };
    let (limit, before) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("alerting.notifications").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = notification_jobs::list(&tx, filter, before, limit).await?;
    let cursor = |job: &Job| Cursor {
        at: job.created_at,
        key: job.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, NotificationView::from)))
}

/// Tries a notification that was given up again, with all its attempts anew.
#[utoipa::path(
    tag = "notifications",
    security(("session" = ["developer"])),
    params(("id" = NotificationJobId, Path)),
    responses(
        (status = 200, body = Data<NotificationView>),
        (status = 404, body = ErrorBody),
        (status = 409, description = "it is not dead, or was overtaken by a later one", body = ErrorBody),
    )
)]
#[post("/api/notifications/{id}/retry")]
pub(crate) async fn retry(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<NotificationJobId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.notifications").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let before = notification_jobs::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    notification_jobs::revive(&tx, id).await?.map_err(not_revived)?;
    let what = before.transition.as_str();
    let event = NewEvent {
        kind: EventKind::NotificationRevived,
        actor: Some(caller.user_id),
        message: &format!(
            "{} is to be told after all that the incident was {what}",
            before.channel_name
        ),
        details: json!({"notification_id": id, "channel_id": before.channel_id, "transition": what}),
    };
    events::add(&tx, before.incident_id, &event).await?;
    audit_logs::add(&tx, &caller.actor, entry("notification.retry", id.0, None, None)).await?;
    let after = notification_jobs::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::Ok().json(Data {
        data: NotificationView::from(after),
    }))
}

const NOT_FOUND: ApiError = ApiError::NotFound { what: "notification" };

fn not_revived(why: NotRevived) -> ApiError {
    ApiError::Conflict(match why {
        NotRevived::NotDead => {
            "only a notification that was given up (state dead) can be retried; this one is waiting or sent".into()
        }
        NotRevived::Overtaken => {
            "a later notification of this incident reached the channel; sending this one now would tell an old story \
             as new"
                .into()
        }
    })
}
