//! Incidents of the active organisation.

use actix_web::{HttpResponse, get, patch, post, web};
use db::incidents::events::{self, NewEvent};
use db::incidents::{self, Incident, NewIncident};
use db::notification_jobs::{self, attempts};
use db::{DbError, TenantTx, audit_logs, scopes};
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::incident::{EventKind, IllegalChange, IncidentSource, IncidentStatus};
use domain::alerting::labels::Labels;
use domain::ids::{EnvironmentId, IncidentId, ServiceId};
use domain::name::Name;
use domain::page::{Cursor, PageLimit};
use domain::severity::Severity;
use serde::Deserialize;
use serde_json::json;
use service_kit::access::{Developer, Member, Viewer};
use service_kit::body::{JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use self::views::{EventView, IncidentDetailView, IncidentView, NotificationDetailView};
use crate::app::State;
use crate::audit::{entry, seen};
use crate::text::FreeText;
use crate::transitions::{self, Acknowledger, Resolution, Story};

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
    status: Option<String>,
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
    let statuses = params.statuses()?;
    let page = PageParams {
        limit: params.limit,
        cursor: params.cursor,
    };
    let (limit, before) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("alerting.incidents").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = incidents::list(&tx, &statuses, before, limit).await?;
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
    let data = IncidentDetailView {
        incident: IncidentView::from(incident),
        timeline: timeline.into_iter().map(EventView::from).collect(),
        notifications: jobs
            .into_iter()
            .map(|job| NotificationDetailView::of(job, &attempts))
            .collect(),
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// What is absent stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeIncidentRequest {
    /// acknowledged or resolved; an incident never goes back.
    status: Option<IncidentStatus>,
    severity: Option<Severity>,
    title: Option<Name>,
}

/// Acknowledges, resolves or describes an incident. The same again changes nothing.
#[utoipa::path(
    tag = "incidents",
    security(("session" = ["developer"])),
    params(("id" = IncidentId, Path)),
    request_body = ChangeIncidentRequest,
    responses(
        (status = 200, body = Data<IncidentView>),
        (status = 404, body = ErrorBody),
        (status = 409, description = "it cannot go back to that status", body = ErrorBody),
    )
)]
#[patch("/api/incidents/{id}")]
pub(crate) async fn change(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<IncidentId>,
    JsonBody(body): JsonBody<ChangeIncidentRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.incidents").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let before = incidents::find_for_update(&tx, id).await?.ok_or(NOT_FOUND)?;
    let now = incidents::clock(&tx).await?;
    describe(&tx, &before, &body, &caller, now).await?;
    move_on(&tx, &before, &body, &caller, now).await?;
    let after = incidents::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    let (old, data) = (IncidentView::from(before), IncidentView::from(after));
    if old != data {
        let changed = entry("incident.change", id.0, seen(&old), seen(&data));
        audit_logs::add(&tx, &caller.actor, changed).await?;
    }
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// Changes title and severity, and tells each in the timeline.
async fn describe(
    tx: &TenantTx<'_>,
    before: &Incident,
    body: &ChangeIncidentRequest,
    caller: &Member,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let title = body.title.as_ref().map_or(before.title.as_str(), Name::as_str);
    let severity = body.severity.unwrap_or(before.severity);
    let by = |kind, message: String, details| (kind, message, details);
    let renamed = (title != before.title).then(|| {
        by(
            EventKind::TitleChanged,
            format!("renamed from {}", before.title),
            json!({"before": before.title, "after": title}),
        )
    });
    let regraded = (severity != before.severity).then(|| {
        by(
            EventKind::SeverityChanged,
            format!("severity changed from {} to {severity}", before.severity),
            json!({"before": before.severity, "after": severity}),
        )
    });
    let changes: Vec<_> = [renamed, regraded].into_iter().flatten().collect();
    if changes.is_empty() {
        return Ok(());
    }
    incidents::describe(tx, before.id, title, severity, now).await?;
    for (kind, message, details) in changes {
        let event = NewEvent {
            kind,
            actor: Some(caller.user_id),
            message: &message,
            details,
        };
        events::add(tx, before.id, &event).await?;
    }
    transitions::announce(tx, before.id, "changed", now).await
}

async fn move_on(
    tx: &TenantTx<'_>,
    before: &Incident,
    body: &ChangeIncidentRequest,
    caller: &Member,
    now: OffsetDateTime,
) -> Result<(), ApiError> {
    let Some(wanted) = body.status else { return Ok(()) };
    let changes = before
        .status
        .change_to(wanted)
        .map_err(|error: IllegalChange| ApiError::Conflict(error.to_string()))?;
    if !changes {
        return Ok(());
    }
    match wanted {
        IncidentStatus::Acknowledged => {
            let by = Acknowledger::Person {
                id: caller.user_id,
                email: &caller.email,
            };
            transitions::acknowledge(tx, before.id, by, now).await?;
        }
        IncidentStatus::Resolved => {
            let why = format!("by {}", caller.email);
            let resolution = Resolution {
                by: Some(caller.user_id),
                why: &why,
                at: now,
            };
            let story = Story::of(tx, before).await?;
            transitions::resolve(tx, before.id, &resolution, &story).await?;
        }
        // No change leads here.
        IncidentStatus::Open => {}
    }
    Ok(())
}

pub(super) const NOT_FOUND: ApiError = ApiError::NotFound { what: "incident" };
