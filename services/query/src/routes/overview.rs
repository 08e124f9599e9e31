//! `GET /api/overview`.

use std::collections::BTreeMap;

use actix_web::{get, web};
use db::overview::{self, LastDeployment, OpenIncident};
use db::scopes::{self, NamedScope};
use domain::deployment::DeploymentStatus;
use domain::ids::{AlertRuleId, DeploymentId, EnvironmentId, IncidentId, ServiceId};
use domain::severity::Severity;
use logstore::reader::{ScopeCount, SearchScope, totals};
use serde::{Deserialize, Serialize};
use service_kit::access::Viewer;
use service_kit::body::QueryParams;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use crate::app::State;
use crate::ask::search_scope;
use crate::time_range;

/// Incidents that are shown; all are counted.
const INCIDENTS: i64 = 20;
/// Deployments that are older are not shown.
const DEPLOYED_SINCE: Duration = Duration::days(90);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverviewParams {
    /// How far back lines are counted, and compared with as long before: `1h`, `24h`, `7d`; at most `30d`. Default `24h`.
    #[param(example = "24h")]
    window: Option<String>,
}

/// How everything is.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverviewView {
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    /// By name.
    services: Vec<ServiceView>,
    /// The worst and newest twenty.
    incidents: Vec<IncidentView>,
    open_incidents: u64,
    /// Rules that fire now, by name.
    firing: Vec<FiringView>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ServiceView {
    service_id: ServiceId,
    #[schema(example = "checkout")]
    service: String,
    lines: u64,
    /// Of level error or fatal.
    errors: u64,
    /// The same of as long before.
    lines_before: u64,
    errors_before: u64,
    /// The minute of its newest line in the window; null without one.
    #[serde(with = "time::serde::rfc3339::option")]
    newest_line: Option<OffsetDateTime>,
    /// The newest to each environment, of the last 90 days.
    deployments: Vec<DeploymentView>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeploymentView {
    id: DeploymentId,
    environment_id: EnvironmentId,
    #[schema(example = "production")]
    environment: String,
    #[schema(value_type = String, example = "success")]
    status: DeploymentStatus,
    version: Option<String>,
    commit_sha: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentView {
    id: IncidentId,
    title: String,
    #[schema(value_type = String, example = "high")]
    severity: Severity,
    acknowledged: bool,
    service_id: Option<ServiceId>,
    #[serde(with = "time::serde::rfc3339")]
    opened_at: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FiringView {
    rule_id: AlertRuleId,
    name: String,
    /// Groups of lines that it fires for.
    firings: u64,
}

/// Shows how the organisation's services are, in one call: lines and errors of each with their trend, its last deployments,
/// what is open, and what fires. Reads counters, so it is quick.
#[utoipa::path(
    operation_id = "get_overview",
    tag = "overview",
    params(OverviewParams),
    responses(
        (status = 200, body = Data<OverviewView>),
        (status = 400, description = "A parameter makes no sense; it is named", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 429, description = "The organisation runs too many searches at once", body = ErrorBody),
        (status = 503, description = "The database is away or busy", body = ErrorBody),
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/overview")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParams<OverviewParams>,
) -> Result<web::Json<Data<OverviewView>>, ApiError> {
    let window = match params.0.window.as_deref() {
        None | Some("") => Duration::DAY,
        Some(text) => time_range::span(text)
            .filter(|window| (Duration::MINUTE..=Duration::days(30)).contains(window))
            .ok_or_else(|| ApiError::invalid("window", "must be a span from 1m to 30d, such as 24h"))?,
    };
    let to = kit.clock.now();
    let from = to - window;
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.overview").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let named = scopes::list(&tx).await?;
    let places: Vec<SearchScope> = named.iter().map(search_scope).collect();
    let now = totals(&tx, &places, (from, to)).await?;
    let before = totals(&tx, &places, (from - window, from)).await?;
    let deployments = overview::last_deployments(&tx, to - DEPLOYED_SINCE).await?;
    let (incidents, open_incidents) = overview::open_incidents(&tx, INCIDENTS).await?;
    let firing = overview::firing_rules(&tx).await?;
    tx.commit().await?;
    Ok(web::Json(Data {
        data: OverviewView {
            from,
            to,
            services: services(&named, &now, &before, deployments),
            incidents: incidents.into_iter().map(IncidentView::from).collect(),
            open_incidents: open_incidents.unsigned_abs(),
            firing: firing
                .into_iter()
                .map(|(rule_id, name, firings)| FiringView {
                    rule_id,
                    name,
                    firings: firings.unsigned_abs(),
                })
                .collect(),
        },
    }))
}

/// Adds up the environments of each service.
fn services(
    named: &[NamedScope],
    now: &[ScopeCount],
    before: &[ScopeCount],
    deployments: Vec<LastDeployment>,
) -> Vec<ServiceView> {
    let mut services: Vec<ServiceView> = Vec::new();
    let mut places: BTreeMap<EnvironmentId, (usize, &str)> = BTreeMap::new();
    for scope in named {
        // Scopes come by the names of their services.
        if services
            .last()
            .is_none_or(|last| last.service_id != scope.service_id)
        {
            services.push(ServiceView {
                service_id: scope.service_id,
                service: scope.service.clone(),
                lines: 0,
                errors: 0,
                lines_before: 0,
                errors_before: 0,
                newest_line: None,
                deployments: Vec::new(),
            });
        }
        places.insert(scope.environment_id, (services.len() - 1, &scope.environment));
    }
    for count in now {
        if let Some((place, _)) = places.get(&count.environment_id) {
            let service = &mut services[*place];
            service.lines += count.lines;
            service.errors += count.errors;
            service.newest_line = service.newest_line.max(Some(count.newest));
        }
    }
    for count in before {
        if let Some((place, _)) = places.get(&count.environment_id) {
            services[*place].lines_before += count.lines;
            services[*place].errors_before += count.errors;
        }
    }
    for deployment in deployments {
        if let Some((place, environment)) = places.get(&deployment.environment_id) {
            services[*place].deployments.push(DeploymentView {
                id: deployment.id,
                environment_id: deployment.environment_id,
                environment: (*environment).to_owned(),
                status: deployment.status,
                version: deployment.version,
                commit_sha: deployment.commit_sha,
                at: deployment.at,
            });
        }
    }
    services
}

impl From<OpenIncident> for IncidentView {
    fn from(incident: OpenIncident) -> Self {
        Self {
            id: incident.id,
            title: incident.title,
            severity: incident.severity,
            acknowledged: incident.is_acknowledged,
            service_id: incident.service_id,
            opened_at: incident.opened_at,
        }
    }
}
