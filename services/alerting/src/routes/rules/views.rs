//! How rules and their firings look to people.

use db::alert_firings::FiringRow;
use db::alert_rules::AlertRule;
use domain::alerting::evaluator::{FiringState, Reason};
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
    /// `error_count` or `deployment_failure`.
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
            for_seconds: rule.for_seconds,
            cooldown_seconds: rule.cooldown_seconds,
            version: rule.version,
            last_evaluated_at: rule.last_evaluated_at,
            last_error: rule.last_error,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
        }
    }
}

/// Where the rule stands in one environment of one service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FiringView {
    service_id: Option<ServiceId>,
    environment_id: Option<EnvironmentId>,
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
        let held_until = rule.condition().ok().and_then(|condition| {
            row.firing
                .held_until(&condition.timing(rule.for_seconds, rule.cooldown_seconds))
        });
        Self {
            service_id: row.service_id,
            environment_id: row.environment_id,
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
}
