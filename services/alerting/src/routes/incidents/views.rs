//! How incidents, their timeline and their notifications look to people.

use db::incidents::Incident;
use db::incidents::events::IncidentEvent;
use db::notification_jobs::Job;
use db::notification_jobs::attempts::Attempt;
use domain::alerting::delivery::AttemptOutcome;
use domain::alerting::incident::{EventKind, IncidentSource, IncidentStatus};
use domain::alerting::labels::Labels;
use domain::ids::{AlertRuleId, EnvironmentId, IncidentEventId, IncidentId, ServiceId, UserId};
use domain::severity::Severity;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::routes::notifications::NotificationView;

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct IncidentView {
    pub(super) id: IncidentId,
    status: IncidentStatus,
    severity: Severity,
    source: IncidentSource,
    title: String,
    summary: String,
    /// The rule that opened it; null for one that a person opened.
    rule_id: Option<AlertRuleId>,
    service_id: Option<ServiceId>,
    environment_id: Option<EnvironmentId>,
    labels: Labels,
    #[serde(with = "time::serde::rfc3339")]
    opened_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    acknowledged_at: Option<OffsetDateTime>,
    acknowledged_by: Option<UserId>,
    #[serde(with = "time::serde::rfc3339::option")]
    resolved_at: Option<OffsetDateTime>,
    /// Null when its rule resolved it.
    resolved_by: Option<UserId>,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Incident> for IncidentView {
    fn from(incident: Incident) -> Self {
        Self {
            id: incident.id,
            status: incident.status,
            severity: incident.severity,
            source: incident.source,
            title: incident.title,
            summary: incident.summary,
            rule_id: incident.rule_id,
            service_id: incident.service_id,
            environment_id: incident.environment_id,
            labels: incident.labels,
            opened_at: incident.opened_at,
            acknowledged_at: incident.acknowledged_at,
            acknowledged_by: incident.acknowledged_by,
            resolved_at: incident.resolved_at,
            resolved_by: incident.resolved_by,
            updated_at: incident.updated_at,
        }
    }
}

/// One line of the timeline.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    id: IncidentEventId,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    kind: EventKind,
    /// Null when a rule or a worker did it.
    actor_user_id: Option<UserId>,
    message: String,
    #[schema(value_type = Object)]
    details: Value,
}

impl From<IncidentEvent> for EventView {
    fn from(event: IncidentEvent) -> Self {
        Self {
            id: event.id,
            at: event.at,
            kind: event.kind,
            actor_user_id: event.actor,
            message: event.message,
            details: event.details,
        }
    }
}

/// One try to tell a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttemptView {
    /// From 1.
    attempt: i32,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    duration_ms: Option<i32>,
    outcome: AttemptOutcome,
    http_status: Option<i32>,
    detail: String,
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        Self {
            attempt: attempt.attempt,
            started_at: attempt.started_at,
            duration_ms: attempt.duration_ms,
            outcome: attempt.outcome,
            http_status: attempt.http_status,
            detail: attempt.detail.clone(),
        }
    }
}

/// A notification with its newest attempts, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotificationDetailView {
    #[serde(flatten)]
    notification: NotificationView,
    attempt_history: Vec<AttemptView>,
}

impl NotificationDetailView {
    /// `attempts` are those of all notifications of the incident.
    pub(super) fn of(job: Job, attempts: &[Attempt]) -> Self {
        let id = job.id;
        Self {
            notification: NotificationView::from(job),
            attempt_history: attempts
                .iter()
                .filter(|attempt| attempt.job_id == id)
                .map(AttemptView::from)
                .collect(),
        }
    }
}

/// An incident with its newest 500 events, oldest first, and its newest 100 notifications, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentDetailView {
    #[serde(flatten)]
    pub(super) incident: IncidentView,
    pub(super) timeline: Vec<EventView>,
    pub(super) notifications: Vec<NotificationDetailView>,
}
