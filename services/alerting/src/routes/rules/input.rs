//! What a rule is made from, and what its fields together must be.

use db::alert_rules::{AlertRule, Settings};
use domain::alerting::labels::Labels;
use domain::alerting::rule::{
    Condition, Definition, Description, InvalidParams, MAX_COOLDOWN_SECONDS, MAX_FOR_SECONDS,
    MAX_KEEP_FIRING_SECONDS, RuleScope, RuleType, RunbookUrl, Times,
};
use domain::ids::{EnvironmentId, ServiceId};
use domain::name::Name;
use domain::severity::Severity;
use serde::Deserialize;
use serde_json::Value;
use service_kit::ApiError;
use utoipa::ToSchema;

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleBody {
    pub(super) name: Name,
    #[serde(rename = "type")]
    pub(super) kind: RuleType,
    /// By type. `error_count`: threshold, window_seconds. `error_rate`: threshold_percent, window_seconds, min_lines.
    /// `new_pattern`: since (ever, last_deployment, previous_deployment, or {days: 1 to 30}; ever when absent), min_count,
    /// window_minutes.
    /// `log_query`: q, threshold, comparison (at_least or below), window_seconds, group_by (up to two fields). `silence`:
    /// window_seconds. `deployment_failure`: {}. `deploy_regression`: window_seconds, min_errors, factor. `heartbeat`:
    /// every_seconds, grace_seconds.
    #[schema(value_type = Object)]
    pub(super) params: Value,
    pub(super) severity: Severity,
    /// Absent: every service of the organisation, each on its own. A heartbeat needs it.
    pub(super) service_id: Option<ServiceId>,
    /// Absent: every environment. Needs service_id.
    pub(super) environment_id: Option<EnvironmentId>,
    /// How long the condition must hold before the rule fires, 0 to 86400; 0 when absent.
    #[serde(default)]
    pub(super) for_seconds: i32,
    /// How long after firing it does not fire again, 0 to 604800; 0 when absent.
    #[serde(default)]
    pub(super) cooldown_seconds: i32,
    /// How long the condition must be false before a firing ends, 0 to 86400; at least the window of a rule that counts.
    #[serde(default)]
    pub(super) keep_firing_for_seconds: i32,
    /// At most 20.
    #[serde(default)]
    pub(super) labels: Labels,
    pub(super) runbook_url: Option<RunbookUrl>,
    #[serde(default)]
    pub(super) description: Description,
    /// True when absent.
    pub(super) enabled: Option<bool>,
}

impl RuleBody {
    pub(super) fn settings(&self) -> Result<Settings<'_>, ApiError> {
        let settings = Settings {
            scope: RuleScope {
                service_id: self.service_id,
                environment_id: self.environment_id,
            },
            name: &self.name,
            condition: Condition::parse(self.kind, &self.params).map_err(invalid_params)?,
            severity: self.severity,
            enabled: self.enabled.unwrap_or(true),
            times: Times {
                for_seconds: self.for_seconds,
                cooldown_seconds: self.cooldown_seconds,
                keep_firing_for_seconds: self.keep_firing_for_seconds,
            },
            labels: self.labels.clone(),
            runbook_url: self.runbook_url.clone(),
            description: self.description.clone(),
        };
        check(&settings)?;
        Ok(settings)
    }
}

/// A rule that is only tried: what decides of it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    #[serde(rename = "type")]
    kind: RuleType,
    /// As of a rule of this type.
    #[schema(value_type = Object)]
    params: Value,
    service_id: Option<ServiceId>,
    environment_id: Option<EnvironmentId>,
    #[serde(default)]
    for_seconds: i32,
    #[serde(default)]
    cooldown_seconds: i32,
    #[serde(default)]
    keep_firing_for_seconds: i32,
}

/// A rule that may be tried on history, and where it looks.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) definition: Definition,
    pub(super) scope: RuleScope,
}

impl Draft {
    pub(super) fn tried(&self) -> Result<Tried, ApiError> {
        let scope = RuleScope {
            service_id: self.service_id,
            environment_id: self.environment_id,
        };
        let times = Times {
            for_seconds: self.for_seconds,
            cooldown_seconds: self.cooldown_seconds,
            keep_firing_for_seconds: self.keep_firing_for_seconds,
        };
        let below = |error| prefixed(error, "draft");
        let condition = Condition::parse(self.kind, &self.params)
            .map_err(invalid_params)
            .map_err(below)?;
        check_times(times)
            .and_then(|()| check_scope(scope, &condition))
            .map_err(below)?;
        Ok(Tried {
            definition: Definition::new(condition, times),
            scope,
        })
    }
}

/// An error about a part of a request.
pub(super) fn prefixed(error: ApiError, part: &str) -> ApiError {
    match error {
        ApiError::Validation { details, .. } => {
            let details = details.into_iter().next();
            let (path, message) =
                details.map_or_else(Default::default, |detail| (detail.path, detail.message));
            let path = if path.is_empty() {
                part.to_owned()
            } else {
                format!("{part}.{path}")
            };
            ApiError::invalid(path, message)
        }
        other => other,
    }
}

pub(super) fn invalid_params(error: InvalidParams) -> ApiError {
    let path = if error.field.is_empty() {
        "params".to_owned()
    } else {
        format!("params.{}", error.field)
    };
    ApiError::invalid(path, error.message)
}

/// What the types of single fields cannot say.
pub(super) fn check(settings: &Settings<'_>) -> Result<(), ApiError> {
    check_times(settings.times)?;
    check_scope(settings.scope, &settings.condition)
}

fn check_times(times: Times) -> Result<(), ApiError> {
    let within = |field: &str, seconds: i32, most: i32| {
        if (0..=most).contains(&seconds) {
            Ok(())
        } else {
            Err(ApiError::invalid(field, format!("must be from 0 to {most}")))
        }
    };
    within("for_seconds", times.for_seconds, MAX_FOR_SECONDS)?;
    within("cooldown_seconds", times.cooldown_seconds, MAX_COOLDOWN_SECONDS)?;
    within(
        "keep_firing_for_seconds",
        times.keep_firing_for_seconds,
        MAX_KEEP_FIRING_SECONDS,
    )
}

fn check_scope(scope: RuleScope, condition: &Condition) -> Result<(), ApiError> {
    if scope.environment_id.is_some() && scope.service_id.is_none() {
        return Err(ApiError::invalid(
            "environment_id",
            "needs service_id: an environment belongs to one service",
        ));
    }
    if condition.kind() == RuleType::Heartbeat && scope.environment_id.is_none() {
        return Err(ApiError::invalid(
            "environment_id",
            "is needed, with service_id: a job runs in one environment of one service",
        ));
    }
    Ok(())
}

pub(super) fn stored_runbook(rule: &AlertRule) -> Option<RunbookUrl> {
    rule.runbook_url.clone().and_then(|url| url.try_into().ok())
}

pub(super) fn stored_description(rule: &AlertRule) -> Description {
    rule.description.clone().try_into().unwrap_or_default()
}
