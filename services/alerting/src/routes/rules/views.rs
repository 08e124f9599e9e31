//! How rules and their firings look to people.

use db::alert_firings::FiringRow;
use db::alert_heartbeats::Seen;
use db::alert_rules::{AlertRule, Version};
use db::alert_transitions::TransitionRow;
use domain::alerting::evaluator::{FiringState, Reason};
use domain::alerting::labels::Labels;
use domain::ids::{AlertRuleId, EnvironmentId, IncidentId, ServiceId};
use domain::severity::Severity;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RuleView {
    id: AlertRuleId,
    name: String,
    /// `error_count`, `error_rate`, `new_pattern`, `log_query`, `silence`, `deployment_failure`, `deploy_regression` or
    /// `heartbeat`.
    #[serde(rename = "type")]
    kind: String,
    #[schema(value_type = Object)]
    params: Value,
    severity: Severity,
    service_id: Option<ServiceId>,
    environment_id: Option<EnvironmentId>,
    enabled: bool,
    for_seconds: i32,
    cooldown_seconds: i32,
    keep_firing_for_seconds: i32,
    labels: Labels,
    runbook_url: Option<String>,
    description: String,
    /// Rises with every change.
    version: i32,
    #[serde(with = "time::serde::rfc3339::option")]
    last_evaluated_at: Option<OffsetDateTime>,
    /// Why the last evaluation failed; null when it did not.
    last_error: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<AlertRule> for RuleView {
    fn from(rule: AlertRule) -> Self {
        Self {
            id: rule.id,
            name: rule.name,
            kind: rule.kind,
            params: rule.params,
            severity: rule.severity,
            service_id: rule.scope.service_id,
            environment_id: rule.scope.environment_id,
            enabled: rule.enabled,
            for_seconds: rule.times.for_seconds,
            cooldown_seconds: rule.times.cooldown_seconds,
            keep_firing_for_seconds: rule.times.keep_firing_for_seconds,
            labels: rule.labels,
            runbook_url: rule.runbook_url,
            description: rule.description,
            version: rule.version,
            last_evaluated_at: rule.last_evaluated_at,
            last_error: rule.last_error,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
        }
    }
}

/// A rule that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleMadeView {
    #[serde(flatten)]
    pub(super) rule: RuleView,
    /// What the job of a heartbeat calls, with POST or GET; it is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) heartbeat_url: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeartbeatUrlView {
    #[schema(example = "https://sightline.example.com/api/v1/heartbeats/slh_…")]
    pub(super) heartbeat_url: String,
}

/// What may be seen of a heartbeat's address, and when it was called last.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeartbeatView {
    token_prefix: String,
    #[serde(with = "time::serde::rfc3339::option")]
    last_beat_at: Option<OffsetDateTime>,
}

impl From<Seen> for HeartbeatView {
    fn from(seen: Seen) -> Self {
        Self {
            token_prefix: seen.token_prefix,
            last_beat_at: seen.last_beat_at,
        }
    }
}

/// What a version of a rule said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionView {
    version: i32,
    #[schema(value_type = Object)]
    definition: Value,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Version> for VersionView {
    fn from(version: Version) -> Self {
        Self {
            version: version.version,
            definition: version.definition,
            created_at: version.created_at,
        }
    }
}

/// Something that the rule decided.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransitionView {
    service_id: Option<ServiceId>,
    environment_id: Option<EnvironmentId>,
    /// The moment that was judged: the end of a step.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// When it was noticed.
    #[serde(with = "time::serde::rfc3339")]
    recorded_at: OffsetDateTime,
    /// pending, held, fired, dropped or ended.
    transition: String,
    reason: String,
    value: Option<f64>,
    threshold: Option<f64>,
    detail: String,
    rule_version: i32,
    incident_id: Option<IncidentId>,
}

impl From<TransitionRow> for TransitionView {
    fn from(row: TransitionRow) -> Self {
        Self {
            service_id: row.service_id,
            environment_id: row.environment_id,
            at: row.at,
            recorded_at: row.recorded_at,
            transition: row.transition,
            reason: row.reason,
            value: row.value,
            threshold: row.threshold,
            detail: row.detail,
            rule_version: row.rule_version,
            incident_id: row.incident_id,
        }
    }
}

/// Where the rule stands in one environment of one service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FiringView {
    service_id: Option<ServiceId>,
    environment_id: Option<EnvironmentId>,
    /// The values of the fields that the rule groups by, or the pattern and its template; null where it groups by neither.
    #[schema(value_type = Option<Object>)]
    group: Option<Value>,
    state: FiringState,
    /// Why it is in this state.
    reason: Reason,
    /// Until when it stays so at least, if the condition does not change; null where time changes nothing.
    #[serde(with = "time::serde::rfc3339::option")]
    held_until: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pending_since: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    fired_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    last_evaluated_at: OffsetDateTime,
    last_value: Option<f64>,
    /// The incident of the present or the last firing.
    incident_id: Option<IncidentId>,
}

impl FiringView {
    pub(super) fn of(row: &FiringRow, rule: &AlertRule) -> Self {
        let held_until = rule
            .condition()
            .ok()
            .and_then(|condition| row.firing.held_until(&condition.timing(rule.times)));
        Self {
            service_id: row.service_id,
            environment_id: row.environment_id,
            group: row.group.clone(),
            state: row.firing.state,
            reason: row.firing.reason,
            held_until,
            pending_since: row.firing.pending_since,
            fired_at: row.firing.fired_at,
            last_evaluated_at: row.last_evaluated_at,
            last_value: row.last_value,
            incident_id: row.incident_id,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleDetailView {
    #[serde(flatten)]
    pub(super) rule: RuleView,
    pub(super) firings: Vec<FiringView>,
    /// What it decided lately, newest first.
    pub(super) transitions: Vec<TransitionView>,
    /// Of a heartbeat.
    pub(super) heartbeat: Option<HeartbeatView>,
}
