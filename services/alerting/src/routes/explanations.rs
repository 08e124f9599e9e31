//! "Why was I (not) told?": of an incident, and of a moment at a place.

use actix_web::{HttpResponse, get, web};
use db::explanations::{self as table, RuleThere};
use db::incidents::{events, members};
use db::notification_jobs::attempts;
use db::{TenantTx, incidents, notification_jobs, scopes};
use domain::ids::{AlertRuleId, EnvironmentId, IncidentId, ServiceId};
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
use crate::explanation::{Explanation, FoldedFiring, RowRef, Rows, held_firings, rule_in_words, rule_row};

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

/// A rule that looks at the place, and why it fires there or not.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleExplanation {
    rule_id: AlertRuleId,
    name: String,
    version: i32,
    /// inactive, pending or firing; null where it never found anything.
    state: Option<String>,
    because: String,
    row: RowRef,
    last_value: Option<f64>,
    #[serde(with = "time::serde::rfc3339::option")]
    pending_since: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    last_fired_at: Option<OffsetDateTime>,
    /// When it was last evaluated: `state` and `because` are of this moment, and say nothing of an earlier one.
    #[serde(with = "time::serde::rfc3339::option")]
    as_of: Option<OffsetDateTime>,
    incident_id: Option<IncidentId>,
}

impl From<RuleThere> for RuleExplanation {
    fn from(there: RuleThere) -> Self {
        let (because, row) = (rule_in_words(&there), rule_row(&there));
        let firing = there.firing;
        Self {
            rule_id: there.rule_id,
            name: there.name,
            version: there.version,
            because,
            row,
            last_value: firing.as_ref().and_then(|firing| firing.last_value),
            pending_since: firing.as_ref().and_then(|firing| firing.pending_since),
            last_fired_at: firing.as_ref().and_then(|firing| firing.fired_at),
            as_of: there.last_evaluated_at,
            incident_id: firing.as_ref().and_then(|firing| firing.incident_id),
            state: firing.map(|firing| firing.state),
        }
    }
}

/// A moment at a place: the incidents that were not over, each explained, and every rule that looks there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MomentExplanation {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    incidents: Vec<IncidentExplanation>,
    rules: Vec<RuleExplanation>,
}

/// Explains a moment at a place, also when nobody was told: each rule that looks there says why it fires or not.
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
    let at = match at {
        Some(at) => at,
        None => incidents::clock(&tx).await?,
    };
    let mut explained = Vec::new();
    for id in table::incidents_at(&tx, service_id, environment_id, at, INCIDENTS).await? {
        explained.push(explain(&tx, id, Some((service_id, environment_id))).await?);
    }
    let rules = table::rules_there(&tx, service_id, environment_id).await?;
    let data = MomentExplanation {
        at,
        incidents: explained,
        rules: rules.into_iter().map(RuleExplanation::from).collect(),
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}
