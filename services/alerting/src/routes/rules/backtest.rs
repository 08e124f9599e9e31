//! What a rule would have done over some days.

use actix_web::{HttpResponse, post, web};
use db::known_incidents::{self, KnownIncident};
use db::{DbError, alert_rules};
use domain::alerting::backtest::{Episode, meets, pages_per_week, replay};
use domain::alerting::evaluator::{Observation, Reason};
use domain::alerting::replay::Change;
use domain::ids::{AlertRuleId, EnvironmentId, IncidentId, OrgId, ServiceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::access::Viewer;
use service_kit::body::JsonBody;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::input::{Draft, Tried};
use super::past::Past;
use crate::app::State;
use crate::evaluation::facts::Span;
use crate::evaluation::places::Place;

const MOST_DAYS: u8 = 30;
/// Listed of each rule, the newest; all are counted.
const MOST_EPISODES: usize = 500;
const MOST_TRANSITIONS: usize = 2_000;
const MOST_INCIDENTS: i64 = 500;

/// A draft, a rule as it is in force, or both to compare them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BacktestRequest {
    /// The rule in force. Without a draft it is what is tried.
    rule_id: Option<AlertRuleId>,
    draft: Option<Draft>,
    /// 1 to 30.
    #[schema(minimum = 1, maximum = 30)]
    days: u8,
}

/// When a rule would have fired in one place.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct EpisodeView {
    service_id: ServiceId,
    environment_id: EnvironmentId,
    /// The values of the fields that the rule groups by, or the pattern and its template; null where it groups by neither.
    #[schema(value_type = Option<Object>)]
    group: Option<Value>,
    #[serde(with = "time::serde::rfc3339")]
    begin: OffsetDateTime,
    /// Null: it fires still.
    #[serde(with = "time::serde::rfc3339::option")]
    end: Option<OffsetDateTime>,
    /// The worst value, and what it was compared with.
    peak: f64,
    threshold: f64,
}

/// A step of the evaluator.
#[derive(Debug, Serialize, ToSchema)]
struct ReplayedTransitionView {
    service_id: ServiceId,
    environment_id: EnvironmentId,
    #[schema(value_type = Option<Object>)]
    group: Option<Value>,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// pending, held, fired, dropped or ended.
    transition: String,
    reason: Reason,
    value: Option<f64>,
}

/// What one rule would have done.
#[derive(Debug, Serialize, ToSchema)]
struct OutcomeView {
    /// All of them; the newest 500 are listed.
    episode_count: usize,
    pages_per_week: f64,
    /// Newest first.
    episodes: Vec<EpisodeView>,
    /// Newest first; the newest 2,000.
    transitions: Vec<ReplayedTransitionView>,
    incidents_caught: usize,
    incidents_missed: usize,
}

/// An incident of these days where the rule looks.
#[derive(Debug, Serialize, ToSchema)]
struct IncidentMetView {
    id: IncidentId,
    title: String,
    #[serde(with = "time::serde::rfc3339")]
    opened_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    resolved_at: Option<OffsetDateTime>,
    /// Whether the candidate fires at that time and place.
    caught: bool,
    /// The same of the version in force; null without one to compare with.
    caught_in_force: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BacktestView {
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    /// The draft; the rule in force where there is none.
    candidate: OutcomeView,
    /// The rule in force beside a draft; null without both.
    in_force: Option<OutcomeView>,
    /// Newest first, the newest 500.
    incidents: Vec<IncidentMetView>,
}

/// Tries a rule on the last days, with the evaluator that runs in production. Rules over arrivals, deployments and calls find
/// what they would have found then; a query counts lines by their own time, late ones included. What people did to incidents
/// plays no part.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["viewer"])),
    request_body(content = BacktestRequest, examples(
        ("draft" = (summary = "A draft", value = json!({"days": 7, "draft": {"type": "error_count",
            "params": {"threshold": 20, "window_seconds": 300}, "for_seconds": 60}}))),
        ("compare" = (summary = "A change against the version in force", value = json!({"days": 30,
            "rule_id": "6d6e2a0c-5a0f-4d3c-9a57-3f8b0c1f2e4d", "draft": {"type": "error_count",
            "params": {"threshold": 50, "window_seconds": 300}}})))
    )),
    responses(
        (status = 200, body = Data<BacktestView>),
        (status = 400, description = "a wrong field, or more history than can be looked at in time", body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 503, description = "others look back at this moment", body = ErrorBody),
    )
)]
#[post("/api/alerts/backtest")]
pub(crate) async fn backtest(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    JsonBody(body): JsonBody<BacktestRequest>,
) -> Result<HttpResponse, ApiError> {
    if !(1..=MOST_DAYS).contains(&body.days) {
        return Err(ApiError::invalid(
            "days",
            format!("must be from 1 to {MOST_DAYS}"),
        ));
    }
    let stored = match body.rule_id {
        Some(id) => Some((id, in_force(&kit, caller.org_id, id).await?)),
        None => None,
    };
    let draft = body.draft.as_ref().map(Draft::tried).transpose()?;
    let past = Past::open(&kit, &state, caller.org_id)?;
    let to = past.settled().await?;
    let from = to - Duration::days(body.days.into());
    let stored_id = stored.as_ref().map_or(AlertRuleId::generate(), |(id, _)| *id);
    let stored = stored.map(|(_, tried)| tried);
    let (candidate, other) = match (draft, stored) {
        (Some(draft), stored) => (draft, stored),
        (None, Some(stored)) => (stored, None),
        (None, None) => return Err(ApiError::invalid("draft", "is needed, or rule_id")),
    };
    let found = Found::of(&past, stored_id, &candidate, (from, to)).await?;
    let in_force = match &other {
        Some(other) => Some(Found::of(&past, stored_id, other, (from, to)).await?),
        None => None,
    };
    let known = known(&kit, caller.org_id, &candidate, (from, to)).await?;
    let data = BacktestView {
        from,
        to,
        incidents: known
            .iter()
            .map(|known| met(known, &found, in_force.as_ref()))
            .collect(),
        in_force: in_force.map(|found| found.view(&known, (from, to))),
        candidate: found.view(&known, (from, to)),
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}

pub(super) async fn in_force(kit: &Kit, org_id: OrgId, id: AlertRuleId) -> Result<Tried, ApiError> {
    let mut conn = kit.db.conn("alerting.backtest").await?;
    let tx = conn.tenant(org_id).await?;
    let rule = alert_rules::find(&tx, id).await?.ok_or(super::NOT_FOUND)?;
    Ok(Tried {
        definition: rule.definition()?,
        scope: rule.scope,
    })
}

/// Incidents of these days where a rule looks.
async fn known(
    kit: &Kit,
    org_id: OrgId,
    tried: &Tried,
    range: (OffsetDateTime, OffsetDateTime),
) -> Result<Vec<KnownIncident>, DbError> {
    let mut conn = kit.db.conn("alerting.backtest").await?;
    let tx = conn.tenant(org_id).await?;
    let mut known = known_incidents::opened_between(&tx, range, MOST_INCIDENTS).await?;
    let scope = tried.scope;
    known.retain(|incident| {
        let is_same_service = scope.service_id.is_none() || incident.service_id == scope.service_id;
        let is_same_environment = scope.environment_id.is_none()
            || incident.environment_id.is_none()
            || incident.environment_id == scope.environment_id;
        is_same_service && is_same_environment
    });
    Ok(known)
}

#[derive(Default)]
struct Found {
    episodes: Vec<(Episode, EpisodeView)>,
    transitions: Vec<ReplayedTransitionView>,
}

impl Found {
    async fn of(
        past: &Past<'_>,
        rule_id: AlertRuleId,
        tried: &Tried,
        (from, to): (OffsetDateTime, OffsetDateTime),
    ) -> Result<Self, ApiError> {
        let mut found = Self::default();
        let span = Span {
            after: from,
            until: to,
        };
        let asked = (rule_id, &tried.definition.condition);
        past.each(asked, tried.scope, span, |places| {
            for place in places {
                let replayed = replay(&tried.definition, &place.history, from, to);
                let views = replayed.episodes.into_iter().map(|episode| {
                    let view = episode_view(&place, &episode);
                    (episode, view)
                });
                found.episodes.extend(views);
                let changes = replayed.changes.iter();
                found
                    .transitions
                    .extend(changes.map(|change| transition_view(&place, change)));
            }
        })
        .await?;
        found
            .episodes
            .sort_by_key(|(episode, _)| std::cmp::Reverse(episode.begin));
        found
            .transitions
            .sort_by_key(|transition| std::cmp::Reverse(transition.at));
        Ok(found)
    }

    fn catches(&self, incident: &KnownIncident) -> bool {
        self.episodes.iter().any(|(episode, view)| {
            let is_there = incident.service_id.is_none_or(|id| id == view.service_id)
                && incident.environment_id.is_none_or(|id| id == view.environment_id);
            is_there && meets(episode, (incident.opened_at, incident.resolved_at))
        })
    }

    fn view(self, known: &[KnownIncident], (from, to): (OffsetDateTime, OffsetDateTime)) -> OutcomeView {
        let caught = known.iter().filter(|incident| self.catches(incident)).count();
        OutcomeView {
            episode_count: self.episodes.len(),
            pages_per_week: pages_per_week(self.episodes.len(), from, to),
            episodes: self
                .episodes
                .into_iter()
                .map(|(_, view)| view)
                .take(MOST_EPISODES)
                .collect(),
            transitions: self.transitions.into_iter().take(MOST_TRANSITIONS).collect(),
            incidents_caught: caught,
            incidents_missed: known.len() - caught,
        }
    }
}

fn episode_view(place: &Place, episode: &Episode) -> EpisodeView {
    EpisodeView {
        service_id: place.target.service_id,
        environment_id: place.target.environment_id,
        group: place.group.clone(),
        begin: episode.begin,
        end: episode.end,
        peak: episode.peak,
        threshold: episode.threshold,
    }
}

fn transition_view(place: &Place, change: &Change) -> ReplayedTransitionView {
    ReplayedTransitionView {
        service_id: place.target.service_id,
        environment_id: place.target.environment_id,
        group: place.group.clone(),
        at: change.at,
        transition: change.transition.as_str().to_owned(),
        reason: change.firing.reason,
        value: match &change.observed {
            Observation::Read(reading) => Some(reading.value),
            Observation::NoData(_) | Observation::Withdrawn(_) => None,
        },
    }
}

fn met(known: &KnownIncident, candidate: &Found, in_force: Option<&Found>) -> IncidentMetView {
    IncidentMetView {
        id: known.id,
        title: known.title.clone(),
        opened_at: known.opened_at,
        resolved_at: known.resolved_at,
        caught: candidate.catches(known),
        caught_in_force: in_force.map(|found| found.catches(known)),
    }
}
