//! The ledger of notifications: what was sent to whom, what waits, what was given up.

use actix_web::{HttpResponse, get, post, web};
use db::audit_logs::{self, Entry};
use db::incidents::events::{self, NewEvent};
use db::notification_jobs::{self, Filter, Job, NotRevived, Revival, Revived};
use db::{DbError, TenantTx, incidents, notification_channels};
use domain::alerting::channel::ChannelType;
use domain::alerting::delivery::{JobState, UnknownDeliveryWord};
use domain::alerting::incident::EventKind;
use domain::alerting::notification::NotifiedTransition;
use domain::alerting::routing::{ChosenBy, HeldBack};
use domain::ids::{ChannelId, IncidentId, MaintenanceWindowId, NotificationJobId, SilenceId, UserId};
use domain::page::Cursor;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::access::{Developer, Viewer};
use service_kit::body::{JsonBody, PathId, QueryParams};
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
    /// Null where the routes chose nobody (state unrouted); so are the next two.
    channel_id: Option<ChannelId>,
    channel_name: Option<String>,
    channel_type: Option<ChannelType>,
    transition: NotifiedTransition,
    state: JobState,
    attempts: i32,
    /// When it is tried again; null when it is settled.
    #[serde(with = "time::serde::rfc3339::option")]
    next_attempt_at: Option<OffsetDateTime>,
    /// Why the last attempt failed.
    last_error: Option<String>,
    /// What chose the channel; null for notifications of older versions.
    chosen_by: Option<ChosenBy>,
    /// What holds it back, or held it back before it was sent after all.
    held: Option<HeldBack>,
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
            JobState::Claimed
            | JobState::Sent
            | JobState::Dead
            | JobState::Unknown
            | JobState::Held
            | JobState::Unrouted => None,
        };
        let (channel_id, channel_name, channel_type) = match job.channel {
            Some(channel) => (Some(channel.id), Some(channel.name), Some(channel.kind)),
            None => (None, None, None),
        };
        Self {
            id: job.id,
            incident_id: job.incident_id,
            channel_id,
            channel_name,
            channel_type,
            transition: job.transition,
            state: job.state,
            attempts: job.attempts,
            next_attempt_at,
            last_error: job.last_error,
            chosen_by: job.chosen_by,
            held: job.held,
            created_at: job.created_at,
            settled_at: job.settled_at,
        }
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// pending, claimed, sent, dead, unknown, held or unrouted; all when absent.
    state: Option<String>,
    /// Those of one incident.
    incident_id: Option<IncidentId>,
    /// Those of one channel.
    channel_id: Option<ChannelId>,
    /// What this silence holds back, or held back last.
    silence_id: Option<SilenceId>,
    /// What this maintenance window holds back, or held back last.
    window_id: Option<MaintenanceWindowId>,
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
        channel_id: params.channel_id,
        silence_id: params.silence_id,
        window_id: params.window_id,
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
    let revived = Revived {
        id,
        incident_id: before.incident_id,
        channel_id: before.channel.ok_or(NOT_FOUND)?.id,
        transition: before.transition,
    };
    tell_revived(&tx, &[revived], caller.user_id).await?;
    audit_logs::add(&tx, &caller.actor, entry("notification.retry", id.0, None, None)).await?;
    let after = notification_jobs::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::Ok().json(Data {
        data: NotificationView::from(after),
    }))
}

/// Which notifications are tried again. At least one field is needed; `{"all": true}` means all that were given up.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"created_from": "2026-11-29T20:00:00Z"}))]
struct RetryManyRequest {
    /// Those of one channel.
    channel_id: Option<ChannelId>,
    /// Those of one incident.
    incident_id: Option<IncidentId>,
    /// Also those that may have arrived (state unknown).
    #[serde(default)]
    with_unknown: bool,
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_from: Option<OffsetDateTime>,
    /// Not included.
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_until: Option<OffsetDateTime>,
    #[serde(default)]
    all: bool,
}

impl RetryManyRequest {
    fn which(&self) -> Result<Revival, ApiError> {
        let is_narrowed = self.channel_id.is_some()
            || self.incident_id.is_some()
            || self.created_from.is_some()
            || self.created_until.is_some();
        if !is_narrowed && !self.all {
            let message = "must be true to retry everything that was given up; or name channel_id, incident_id, \
                           created_from or created_until";
            return Err(ApiError::invalid("all", message));
        }
        Ok(Revival {
            channel_id: self.channel_id,
            incident_id: self.incident_id,
            with_unknown: self.with_unknown,
            created_from: self.created_from,
            created_until: self.created_until,
        })
    }
}

/// What a retry of many did.
#[derive(Serialize, ToSchema)]
struct RetriedView {
    retried: usize,
    /// Whether there may be more: ask again.
    more: bool,
}

/// Tries many notifications that were given up again, at most 500 at a time, oldest first. Those that a later notification
/// overtook stay given up, and so do openings of incidents that are over: they would tell an old story as new.
#[utoipa::path(
    tag = "notifications",
    security(("session" = ["developer"])),
    request_body = RetryManyRequest,
    responses((status = 200, body = Data<RetriedView>), (status = 404, body = ErrorBody))
)]
#[post("/api/notifications/retry")]
pub(crate) async fn retry_many(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    JsonBody(body): JsonBody<RetryManyRequest>,
) -> Result<HttpResponse, ApiError> {
    let which = body.which()?;
    let mut conn = kit.db.conn("alerting.notifications").await?;
    let tx = conn.tenant(caller.org_id).await?;
    if let Some(id) = body.channel_id {
        let found = notification_channels::find(&tx, id).await?;
        found.ok_or(ApiError::NotFound { what: "channel" })?;
    }
    if let Some(id) = body.incident_id {
        let found = incidents::find(&tx, id).await?;
        found.ok_or(ApiError::NotFound { what: "incident" })?;
    }
    let revived = notification_jobs::revive_many(&tx, which, RETRIED_AT_ONCE).await?;
    tell_revived(&tx, &revived, caller.user_id).await?;
    if !revived.is_empty() {
        let ids: Vec<NotificationJobId> = revived.iter().map(|one| one.id).collect();
        let entry = Entry {
            action: "notification.retry_many",
            target_type: "notification",
            target_id: None,
            before: None,
            after: Some(json!({"ids": ids})),
        };
        audit_logs::add(&tx, &caller.actor, entry).await?;
    }
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::Ok().json(Data {
        data: RetriedView {
            retried: revived.len(),
            more: revived.len() == RETRIED_AT_ONCE as usize,
        },
    }))
}

const RETRIED_AT_ONCE: i64 = 500;

/// Tells each revival in the timeline of its incident.
async fn tell_revived(tx: &TenantTx<'_>, revived: &[Revived], by: UserId) -> Result<(), DbError> {
    let channels = notification_channels::list_for_routing(tx).await?;
    for one in revived {
        let channel = channels.iter().find(|channel| channel.id == one.channel_id);
        let name = channel.map_or("a deleted channel", |channel| &channel.name);
        let what = one.transition.as_str();
        let event = NewEvent {
            kind: EventKind::NotificationRevived,
            actor: Some(by),
            message: &format!("{name} is to be told after all that the incident was {what}"),
            details: json!({"notification_id": one.id, "channel_id": one.channel_id, "transition": what}),
        };
        events::add(tx, one.incident_id, &event).await?;
    }
    Ok(())
}

const NOT_FOUND: ApiError = ApiError::NotFound { what: "notification" };

fn not_revived(why: NotRevived) -> ApiError {
    ApiError::Conflict(match why {
        NotRevived::NotDead => {
            "only a notification that was given up (state dead) or may have arrived (state unknown) can be retried".into()
        }
        NotRevived::Overtaken => {
            "a later notification of this incident reached the channel; sending this one now would tell an old story \
             as new"
                .into()
        }
    })
}
