//! "Why was I (not) told?": of an incident, and of a moment at a place.

use actix_web::{HttpResponse, get, web};
use db::explanations as table;
use db::incidents::{events, members};
use db::notification_jobs::attempts;
use db::{TenantTx, incidents, notification_jobs, scopes};
use domain::ids::{EnvironmentId, IncidentId, ServiceId};
use domain::page::PageLimit;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::access::Viewer;
use service_kit::body::{PathId, QueryParams};
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::{IntoParams, ToSchema};

use super::incidents::views::IncidentView;
use super::routing::NO_SUCH_PLACE;
use crate::explanation::rules::RuleExplanation;
use crate::explanation::{Explanation, FoldedFiring, Rows, held_firings};

/// Events and attempts that are read for one incident.
const ROWS: i64 = 5_000;
/// Problems of an incident that are shown with its explanation.
const FIRINGS: i64 = 100;
/// Incidents that a moment is explained by.
const INCIDENTS: i64 = 20;

/// An incident, and how each of its transitions reached each channel, or why not. At most 1,000 of them, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentExplanation {
    incident: IncidentView,
    notifications: Vec<Explanation>,
    /// Times at which the rule would have fired again, and what held it.
    #[schema(value_type = Vec<Object>)]
    held_firings: Vec<Value>,
    /// The problems that it is about, those that fired first first, at most 100; at one place where a place is explained.
    /// `/api/incidents/{id}/members` has them all.
    firings: Vec<FoldedFiring>,
}

/// Explains an incident: evaluation, grouping, silence, routing, channel, attempt and answer, each step with the row that it
/// comes from; also for channels that were not told.
#[utoipa::path(
    tag = "explain",
    security(("session" = ["viewer"])),
    params(("id" = IncidentId, Path)),
    responses((status = 200, body = Data<IncidentExplanation>), (status = 404, body = ErrorBody))
)]
#[get("/api/incidents/{id}/explain")]
pub(crate) async fn of_incident(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<IncidentId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.explain").await?;
    // One moment for all steps.
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let data = explain(&tx, id, None).await?;
    Ok(HttpResponse::Ok().json(Data { data }))
}

async fn explain(
    tx: &TenantTx<'_>,
    id: IncidentId,
    place: Option<(ServiceId, EnvironmentId)>,
) -> Result<IncidentExplanation, ApiError> {
    let incident = incidents::find(tx, id)
        .await?
        .ok_or(super::incidents::NOT_FOUND)?;
    let timeline = events::list(tx, id, ROWS).await?;
    let attempts = attempts::list_of_incident(tx, id, ROWS).await?;
    let filter = notification_jobs::Filter {
        incident_id: Some(id),
        ..notification_jobs::Filter::default()
    };
    let most = PageLimit::new(1_000).map_err(ApiError::internal)?;
    let mut jobs = notification_jobs::list(tx, filter, None, most).await?;
    jobs.truncate(most.rows());
    let mut firings = match place {
        Some(place) => members::list_at(tx, id, place, FIRINGS).await?,
        None => members::list(tx, id, None, PageLimit::DEFAULT).await?,
    };
    firings.truncate(PageLimit::DEFAULT.rows());
    let rows = Rows {
        incident: &incident,
        timeline: &timeline,
        attempts: &attempts,
    };
    Ok(IncidentExplanation {
        notifications: jobs.iter().map(|job| rows.explain(job)).collect(),
        held_firings: held_firings(&timeline),
        firings: firings
            .into_iter()
            .map(|member| FoldedFiring::of(&incident, member))
            .collect(),
        incident: IncidentView::from(incident),
    })
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct MomentParams {
    /// RFC 3339; now when absent.
    at: Option<String>,
    service_id: ServiceId,
    environment_id: EnvironmentId,
}

/// A moment at a place: the incidents that were not over, each explained, and every rule that looks there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MomentExplanation {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    incidents: Vec<IncidentExplanation>,
    rules: Vec<RuleExplanation>,
}

/// Explains a moment at a place, also when nobody was told: each rule that looks there says why it fires or not. Of a moment of
/// the past, each rule in the version of then says what it had decided, as far as that is kept (35 days).
#[utoipa::path(
    tag = "explain",
    security(("session" = ["viewer"])),
    params(MomentParams),
    responses(
        (status = 200, body = Data<MomentExplanation>),
        (status = 404, description = "no such service or environment", body = ErrorBody),
    )
)]
#[get("/api/explain")]
pub(crate) async fn of_moment(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(params): QueryParams<MomentParams>,
) -> Result<HttpResponse, ApiError> {
    let at = params
        .at
        .as_deref()
        .map(|text| OffsetDateTime::parse(text, &Rfc3339))
        .transpose()
        .map_err(|_format| ApiError::invalid("at", "must be a time such as 2026-11-29T20:00:00Z"))?;
    let mut conn = kit.db.conn("alerting.explain").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let (service_id, environment_id) = (params.service_id, params.environment_id);
    let place = scopes::list_within(&tx, Some(service_id), Some(environment_id)).await?;
    if place.is_empty() {
        return Err(NO_SUCH_PLACE);
    }
    let now = incidents::clock(&tx).await?;
    let past = at.filter(|at| *at < now);
    let at = at.unwrap_or(now);
    let mut explained = Vec::new();
    for id in table::incidents_at(&tx, service_id, environment_id, at, INCIDENTS).await? {
        explained.push(explain(&tx, id, Some((service_id, environment_id))).await?);
    }
    let rules = if let Some(at) = past {
        let rules = table::rules_then(&tx, service_id, environment_id, at).await?;
        let rules = rules.into_iter();
        rules.map(|rule| RuleExplanation::then(rule, at)).collect()
    } else {
        let rules = table::rules_there(&tx, service_id, environment_id).await?;
        rules.into_iter().map(RuleExplanation::from).collect()
    };
    let data = MomentExplanation {
        at,
        incidents: explained,
        rules,
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}
