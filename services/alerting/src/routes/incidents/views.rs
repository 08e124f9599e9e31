//! How incidents, their timeline and their notifications look to people.

use db::incidents::Incident;
use db::incidents::events::IncidentEvent;
use db::incidents::members::Member;
use db::notification_jobs::Job;
use db::notification_jobs::attempts::Attempt;
use domain::alerting::delivery::AttemptOutcome;
use domain::alerting::incident::storm::StormOf;
use domain::alerting::incident::{EventKind, IncidentSource, IncidentStatus};
use domain::alerting::labels::Labels;
use domain::ids::{
    AlertRuleId, EnvironmentId, IncidentEventId, IncidentId, IncidentMemberId, ServiceId, UserId,
};
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
    /// Who looks after it; null for nobody.
    assignee_id: Option<UserId>,
    /// Until then it tells nobody; null unless it is snoozed.
    #[serde(with = "time::serde::rfc3339::option")]
    snoozed_until: Option<OffsetDateTime>,
    /// The incident that goes on with its story.
    merged_into: Option<IncidentId>,
    /// When it was last opened again, and how often that was.
    #[serde(with = "time::serde::rfc3339::option")]
    reopened_at: Option<OffsetDateTime>,
    reopened_times: i32,
    /// What a storm of firings is of; null for any other incident.
    storm_of: Option<StormOf>,
    /// Firings that it is about.
    #[schema(example = 37)]
    firings: i64,
    #[serde(with = "time::serde::rfc3339::option")]
    last_fired_at: Option<OffsetDateTime>,
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
            assignee_id: incident.assignee_id,
            snoozed_until: incident.snoozed_until,
            merged_into: incident.merged_into,
            reopened_at: incident.reopened_at,
            reopened_times: incident.reopened_times,
            storm_of: incident.storm_of,
            firings: incident.firings,
            last_fired_at: incident.last_fired_at,
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

/// One of the problems that an incident is about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentMemberView {
    id: IncidentMemberId,
    /// The rule that found it; null for an alert of an Alertmanager.
    rule_id: Option<AlertRuleId>,
    service_id: Option<ServiceId>,
    environment_id: Option<EnvironmentId>,
    #[schema(example = "too many errors: checkout / production")]
    title: String,
    /// What was seen when it last fired.
    #[schema(example = "27 errors in the last 60 s (threshold 20)")]
    summary: String,
    severity: Severity,
    #[schema(example = 2)]
    firings: i64,
    #[serde(with = "time::serde::rfc3339")]
    first_fired_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_fired_at: OffsetDateTime,
    /// Null while it fires.
    #[serde(with = "time::serde::rfc3339::option")]
    cleared_at: Option<OffsetDateTime>,
    /// The incident that it was in before the two became one.
    merged_from: Option<IncidentId>,
}

impl From<Member> for IncidentMemberView {
    fn from(member: Member) -> Self {
        Self {
            id: member.id,
            rule_id: member.rule_id,
            service_id: member.service_id,
            environment_id: member.environment_id,
            title: member.title,
            summary: member.summary,
            severity: member.severity,
            firings: member.firings,
            first_fired_at: member.first_fired_at,
            last_fired_at: member.last_fired_at,
            cleared_at: member.cleared_at,
            merged_from: member.merged_from,
        }
    }
}

/// An incident that became part of another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergedIncidentView {
    id: IncidentId,
    title: String,
    #[serde(with = "time::serde::rfc3339")]
    opened_at: OffsetDateTime,
    /// When it was merged.
    #[serde(with = "time::serde::rfc3339::option")]
    resolved_at: Option<OffsetDateTime>,
}

impl From<Incident> for MergedIncidentView {
    fn from(incident: Incident) -> Self {
        Self {
            id: incident.id,
            title: incident.title,
            opened_at: incident.opened_at,
            resolved_at: incident.resolved_at,
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
    /// The problems that it is about, those that fired first first; at most 100 of them.
    pub(super) members: Vec<IncidentMemberView>,
    /// Of all its problems, how many fire, and how many are clear.
    pub(super) firing: i64,
    pub(super) clear: i64,
    /// The incidents that became part of it, newest first; at most 100 of them.
    pub(super) merged: Vec<MergedIncidentView>,
}
