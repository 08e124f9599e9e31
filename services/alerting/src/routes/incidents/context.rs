//! `GET /api/incidents/{id}/context`: an incident that opens explained.

use actix_web::{HttpResponse, get, web};
use db::incidents;
use db::scopes::NamedScope;
use domain::deployment::DeploymentStatus;
use domain::ids::{DeploymentId, EnvironmentId, IncidentEventId, IncidentId, ServiceId};
use domain::level::Level;
use domain::line_id::LineId;
use domain::what_changed::Kind;
use logstore::changes::{ChangedPattern, Leaning};
use logstore::reader::Line;
use serde::Serialize;
use service_kit::access::Viewer;
use service_kit::body::PathId;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::NOT_FOUND;
use crate::app::State;
use crate::context::parts::{Deployed, Found, Seeker, Similar};
use crate::context::{Windows, place};

/// Of a line or sample that is shown, in characters.
const SHOWN: usize = 2_000;

/// What is known around an incident's opening. Each part may be partial by itself, and says why.
#[derive(Serialize, ToSchema)]
struct IncidentContextView {
    incident_id: IncidentId,
    /// Lines of this window are held against those of the window before it, which is as long.
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    /// What was deployed there last before it opened, the newest first; at most three.
    deployments: ContextPart<ContextDeployment>,
    /// Templates of errors that are new or risen, the most telling first; at most five.
    patterns: ContextPart<ContextPattern>,
    /// Values of fields that its lines have more often than all lines there, the most telling first; at most five.
    values: ContextPart<ContextValue>,
    /// The newest of its lines when it opened; at most three.
    lines: ContextPart<ContextLine>,
    /// Earlier incidents of the same problem, rule or service; at most five.
    similar: ContextPart<SimilarIncident>,
}

#[derive(Serialize, ToSchema)]
struct ContextPart<T> {
    found: Vec<T>,
    /// Why there may be more, or why there is nothing; null when that is all.
    partial: Option<String>,
}

impl<T> ContextPart<T> {
    fn of<F>(part: Found<F>, view: impl Fn(F) -> T) -> Self {
        Self {
            found: part.found.into_iter().map(view).collect(),
            partial: part.partial,
        }
    }
}

#[derive(Serialize, ToSchema)]
struct ContextDeployment {
    deployment_id: DeploymentId,
    service_id: ServiceId,
    environment_id: EnvironmentId,
    status: DeploymentStatus,
    #[schema(example = "v1.8.2")]
    version: Option<String>,
    commit_sha: Option<String>,
    commit_message: Option<String>,
    actor: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    began_at: OffsetDateTime,
    /// How long before the incident opened.
    #[schema(example = 240)]
    seconds_before: i64,
    /// Where GitHub shows what changed since the deployment before it.
    #[schema(example = "https://github.com/acme/shop/compare/1f0a9c3...8be21d4")]
    compare_url: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct ContextPattern {
    /// As `/api/logs/patterns` names it.
    #[schema(example = "7bbe86d97c2d991b")]
    id: String,
    service_id: ServiceId,
    kind: Kind,
    level: Level,
    #[schema(example = "payment for order <*> failed: card_declined")]
    text: String,
    sample: String,
    lines_before: u64,
    lines_after: u64,
    #[serde(with = "time::serde::rfc3339::option")]
    first_seen: Option<OffsetDateTime>,
    /// A query that finds its lines.
    query: String,
}

#[derive(Serialize, ToSchema)]
struct ContextValue {
    #[schema(example = "region")]
    field: String,
    #[schema(example = "eu-west-2")]
    value: String,
    /// Of all lines there, 0 to 1.
    #[schema(example = 0.18)]
    share_of_all: f64,
    /// Of the incident's lines.
    #[schema(example = 0.93)]
    share_of_its: f64,
    /// A query that finds the lines that have it.
    #[schema(example = "region:eu-west-2")]
    query: String,
}

#[derive(Serialize, ToSchema)]
struct ContextLine {
    /// As `/api/logs/line` takes it: the line keeps it as long as it is kept.
    #[schema(value_type = String)]
    id: LineId,
    service_id: ServiceId,
    environment_id: EnvironmentId,
    #[serde(with = "time::serde::rfc3339")]
    timestamp: OffsetDateTime,
    level: Level,
    message: String,
}

/// How an earlier incident is like this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum IncidentLikeness {
    Problem,
    Rule,
    Service,
}

#[derive(Serialize, ToSchema)]
struct SimilarIncident {
    incident_id: IncidentId,
    title: String,
    same: IncidentLikeness,
    #[serde(with = "time::serde::rfc3339")]
    opened_at: OffsetDateTime,
    /// How long it lasted; null for one that is not over.
    #[schema(example = 1_260)]
    lasted_seconds: Option<i64>,
    /// How it ended, in words, and the row of its timeline that says so.
    #[schema(example = "resolved: the condition is no longer met: 0 errors in the last 60 s (threshold 20)")]
    end: Option<String>,
    end_event_id: Option<IncidentEventId>,
}

/// Explains an incident by what is known around its opening: deployments with what they changed, errors that are new or risen,
/// values that stand out, some of its lines, and earlier incidents like it. Each claim names the row that it comes from.
#[utoipa::path(
    operation_id = "show_incident_context",
    tag = "incidents",
    security(("session" = ["viewer"])),
    params(("id" = IncidentId, Path)),
    responses((status = 200, body = Data<IncidentContextView>), (status = 404, body = ErrorBody))
)]
#[get("/api/incidents/{id}/context")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<IncidentId>,
) -> Result<HttpResponse, ApiError> {
    let (incident, place) = {
        let mut conn = kit.db.conn("alerting.context").await?;
        let tx = conn.tenant(caller.org_id).await?;
        let incident = incidents::find(&tx, id).await?.ok_or(NOT_FOUND)?;
        let place = place::of(&tx, &incident).await?;
        (incident, place)
    };
    let seeker = Seeker {
        kit: &kit,
        state: &state,
        org_id: caller.org_id,
        incident: &incident,
        place: &place,
    };
    let rows = async { (seeker.deployments().await, seeker.similar().await) };
    let searches = async {
        (
            seeker.lines().await,
            seeker.patterns().await,
            seeker.values().await,
        )
    };
    let ((deployments, similar), (lines, patterns, values)) = tokio::join!(rows, searches);
    let window = Windows::around(place.opened_at).after;
    let data = IncidentContextView {
        incident_id: id,
        from: window.0,
        to: window.1,
        deployments: ContextPart::of(deployments, |one| deployed(one, place.opened_at)),
        patterns: ContextPart::of(patterns, |one| pattern(one, &place.scopes)),
        values: ContextPart::of(values, value),
        lines: ContextPart::of(lines, sample),
        similar: ContextPart::of(similar, |one| like(one, &incident)),
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}

fn deployed(one: Deployed, opened_at: OffsetDateTime) -> ContextDeployment {
    let Deployed {
        deployment,
        compare_url,
    } = one;
    let standing = deployment.standing;
    let began_at = standing
        .started_at
        .or(standing.finished_at)
        .unwrap_or(deployment.created_at);
    ContextDeployment {
        deployment_id: deployment.id,
        service_id: deployment.service_id,
        environment_id: standing.environment_id,
        status: standing.progress.status,
        version: standing.description.version,
        commit_sha: standing.description.commit_sha,
        commit_message: standing.description.commit_message,
        actor: standing.description.actor,
        began_at,
        seconds_before: (opened_at - began_at).whole_seconds(),
        compare_url,
    }
}

fn pattern(changed: ChangedPattern, scopes: &[NamedScope]) -> ContextPattern {
    let service = scopes.iter().find(|scope| scope.service_id == changed.service_id);
    let service = service.map(|scope| scope.service.as_str());
    ContextPattern {
        id: changed.id.to_string(),
        service_id: changed.service_id,
        kind: changed.kind,
        level: changed.level,
        query: domain::patterns::finding(&changed.text, service),
        text: changed.text,
        sample: cut(&changed.sample),
        lines_before: changed.lines.before,
        lines_after: changed.lines.after,
        first_seen: changed.first_seen,
    }
}

fn value(leaning: Leaning) -> ContextValue {
    ContextValue {
        field: leaning.field,
        value: leaning.value,
        share_of_all: leaning.share_before,
        share_of_its: leaning.share_after,
        query: leaning.query,
    }
}

fn sample(line: Line) -> ContextLine {
    ContextLine {
        id: LineId::new(line.environment_id, line.ts, line.id),
        service_id: line.service_id,
        environment_id: line.environment_id,
        timestamp: line.ts,
        level: line.level,
        message: cut(&line.message),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn like(one: Similar, incident: &incidents::Incident) -> SimilarIncident {
    let Similar { incident: other, end } = one;
    let same = if other.fingerprint == incident.fingerprint {
        IncidentLikeness::Problem
    } else if other.rule_id.is_some() && other.rule_id == incident.rule_id {
        IncidentLikeness::Rule
    } else {
        IncidentLikeness::Service
    };
    let (end_event_id, end) = end.unzip();
    SimilarIncident {
        incident_id: other.id,
        same,
        opened_at: other.opened_at,
        lasted_seconds: other.resolved_at.map(|at| (at - other.opened_at).whole_seconds()),
        title: other.title,
        end,
        end_event_id,
    }
}
