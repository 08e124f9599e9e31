//! Incidents of the active organisation.

use actix_web::{HttpResponse, get, post, web};
use db::incidents::events::{self, NewEvent};
use db::incidents::{self, Incident, NewIncident, members};
use db::notification_jobs::{self, attempts};
use db::{TenantTx, audit_logs, scopes};
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::incident::{EventKind, IncidentSource, IncidentStatus};
use domain::alerting::labels::Labels;
use domain::ids::{EnvironmentId, IncidentId, ServiceId, UserId};
use domain::name::Name;
use domain::page::{Cursor, PageLimit};
use domain::severity::Severity;
use serde::Deserialize;
use serde_json::json;
use service_kit::access::{Developer, Member, Viewer};
use service_kit::body::{JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use utoipa::{IntoParams, ToSchema};

use self::views::{
    EventView, IncidentDetailView, IncidentMemberView, IncidentView, MergedIncidentView,
    NotificationDetailView,
};
use crate::app::State;
use crate::audit::{entry, seen};
use crate::text::FreeText;
use crate::transitions::{self, Story};

pub(crate) mod change;
pub(crate) mod context;
pub(crate) mod members_of;
pub(crate) mod merge;
pub(crate) mod settings;
pub(crate) mod views;

/// The newest events that an incident's page shows.
const TIMELINE: i64 = 500;
/// The newest attempts that an incident's page shows, of all its notifications.
const ATTEMPTS: i64 = 500;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// open, acknowledged, resolved; several separated by commas. All when absent.
    #[param(example = "open,acknowledged")]
    status: Option<String>,
    /// `me`, or the id of a member: those that this person looks after.
    #[param(example = "me")]
    assignee: Option<String>,
    /// Only those that are snoozed, or only those that are not.
    snoozed: Option<bool>,
    /// Rows a page, 1 to 1000; 100 when absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before; absent for the first.
    cursor: Option<String>,
}

impl ListParams {
    fn statuses(&self) -> Result<Vec<IncidentStatus>, ApiError> {
        let Some(text) = &self.status else {
            return Ok(Vec::new());
        };
        text.split(',')
            .map(|word| {
                word.trim().parse().map_err(|_unknown| {
                    ApiError::invalid(
                        "status",
                        "must be open, acknowledged, resolved, or several of them separated by commas",
                    )
                })
            })
            .collect()
    }

    fn assignee(&self, me: UserId) -> Result<Option<UserId>, ApiError> {
        match self.assignee.as_deref() {
            None | Some("") => Ok(None),
            Some("me") => Ok(Some(me)),
            Some(id) => id
                .parse()
                .map(Some)
                .map_err(|_unknown| ApiError::invalid("assignee", "must be me or the id of a member")),
        }
    }
}

/// Incidents, newest first.
#[utoipa::path(
    tag = "incidents",
    security(("session" = ["viewer"])),
    params(ListParams),
    responses((status = 200, body = Page<IncidentView>))
)]
#[get("/api/incidents")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<HttpResponse, ApiError> {
    let filter = incidents::Filter {
        statuses: params.statuses()?,
        assignee: params.assignee(caller.user_id)?,
        snoozed: params.snoozed,
        merged_into: None,
    };
    let page = PageParams {
        limit: params.limit,
        cursor: params.cursor,
    };
    let (limit, before) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("alerting.incidents").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = incidents::list(&tx, &filter, before, limit).await?;
    let cursor = |incident: &Incident| Cursor {
        at: incident.opened_at,
        key: incident.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, IncidentView::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateIncidentRequest {
    title: Name,
    severity: Severity,
    summary: Option<FreeText>,
    service_id: Option<ServiceId>,
    /// Needs service_id.
    environment_id: Option<EnvironmentId>,
    /// What routes and silences choose by, beside the rest.
    labels: Option<Labels>,
}

/// Opens an incident by hand. Everybody who is told of incidents is told of it.
#[utoipa::path(
    tag = "incidents",
    security(("session" = ["developer"])),
    request_body = CreateIncidentRequest,
    responses(
        (status = 201, body = Data<IncidentView>),
        (status = 404, description = "no such service or environment", body = ErrorBody),
    )
)]
#[post("/api/incidents")]
pub(crate) async fn create(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    JsonBody(body): JsonBody<CreateIncidentRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.incidents").await?;
    let tx = conn.tenant(caller.org_id).await?;
    check_scope(&tx, &body).await?;
    let incident = open_by_hand(&tx, &body, &caller).await?;
    let data = IncidentView::from(incident);
    let creation = entry("incident.create", data.id.0, None, seen(&data));
    audit_logs::add(&tx, &caller.actor, creation).await?;
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::Created().json(Data { data }))
}

async fn check_scope(tx: &TenantTx<'_>, body: &CreateIncidentRequest) -> Result<(), ApiError> {
    if body.service_id.is_none() {
        return if body.environment_id.is_none() {
            Ok(())
        } else {
            Err(ApiError::invalid(
                "environment_id",
                "needs service_id: an environment belongs to one service",
            ))
        };
    }
    let found = scopes::list_within(tx, body.service_id, body.environment_id).await?;
    if found.is_empty() {
        Err(ApiError::NotFound {
            what: "the service or environment of the incident",
        })
    } else {
        Ok(())
    }
}

async fn open_by_hand(
    tx: &TenantTx<'_>,
    body: &CreateIncidentRequest,
    caller: &Member,
) -> Result<Incident, ApiError> {
    let id = IncidentId::generate();
    let new = NewIncident {
        id,
        severity: body.severity,
        source: IncidentSource::Manual,
        title: body.title.as_str().to_owned(),
        summary: body
            .summary
            .as_ref()
            .map_or_else(String::new, |summary| summary.as_str().to_owned()),
        rule_id: None,
        service_id: body.service_id,
        environment_id: body.environment_id,
        fingerprint: Fingerprint::of_manual(id),
        labels: body.labels.clone().unwrap_or_default(),
        opened_at: incidents::clock(tx).await?,
        storm_of: None,
    };
    let incident = incidents::open(tx, &new)
        .await?
        .ok_or_else(|| ApiError::internal("a new id was taken"))?;
    let event = NewEvent {
        kind: EventKind::Opened,
        actor: Some(caller.user_id),
        message: "opened by hand",
        details: json!({}),
    };
    let story = Story::of(tx, &incident).await?;
    transitions::opened(tx, &incident, &event, &story).await?;
    Ok(incident)
}

/// One incident with its timeline, and who was told and how that went.
#[utoipa::path(
    tag = "incidents",
    security(("session" = ["viewer"])),
    params(("id" = IncidentId, Path)),
    responses((status = 200, body = Data<IncidentDetailView>), (status = 404, body = ErrorBody))
)]
#[get("/api/incidents/{id}")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<IncidentId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.incidents").await?;
    // One moment for all parts: a notification is never newer than the timeline that tells it.
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let incident = incidents::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    let timeline = events::list(&tx, id, TIMELINE).await?;
    let filter = notification_jobs::Filter {
        incident_id: Some(id),
        ..notification_jobs::Filter::default()
    };
    let mut jobs = notification_jobs::list(&tx, filter, None, PageLimit::DEFAULT).await?;
    jobs.truncate(PageLimit::DEFAULT.rows());
    let attempts = attempts::list_of_incident(&tx, id, ATTEMPTS).await?;
    let mut members = members::list(&tx, id, None, PageLimit::DEFAULT).await?;
    members.truncate(PageLimit::DEFAULT.rows());
    let tally = members::tally(&tx, id).await?;
    let merged = incidents::Filter {
        merged_into: Some(id),
        ..incidents::Filter::default()
    };
    let mut merged = incidents::list(&tx, &merged, None, PageLimit::DEFAULT).await?;
    merged.truncate(PageLimit::DEFAULT.rows());
    let data = IncidentDetailView {
        incident: IncidentView::from(incident),
        timeline: timeline.into_iter().map(EventView::from).collect(),
        notifications: jobs
            .into_iter()
            .map(|job| NotificationDetailView::of(job, &attempts))
            .collect(),
        members: members.into_iter().map(IncidentMemberView::from).collect(),
        firing: tally.firing,
        clear: tally.clear,
        merged: merged.into_iter().map(MergedIncidentView::from).collect(),
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}

pub(super) const NOT_FOUND: ApiError = ApiError::NotFound { what: "incident" };
