//! What a rule watches, and with which parameters.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::Duration;

use crate::alerting::evaluator::{Reading, Timing};
use crate::deployment::DeploymentStatus;
use crate::ids::{EnvironmentId, ServiceId};

/// The kinds of rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleType {
    /// Too many lines of level error or fatal arrived within a window. Params: threshold, window_seconds.
    ErrorCount,
    /// The newest finished deployment failed. No params.
    DeploymentFailure,
}

impl RuleType {
    pub const ALL: [Self; 2] = [Self::ErrorCount, Self::DeploymentFailure];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ErrorCount => "error_count",
            Self::DeploymentFailure => "deployment_failure",
        }
    }
}

impl std::fmt::Display for RuleType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for RuleType {
    type Err = UnknownRuleType;
    fn from_str(text: &str) -> Result<Self, UnknownRuleType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownRuleType)
    }
}

crate::text_column!(RuleType);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a rule's type is one of error_count, deployment_failure")]
pub struct UnknownRuleType;

/// The longest that a rule may ask its condition to hold before it fires.
pub const MAX_FOR_SECONDS: i32 = 86_400;
/// The longest cooldown: a week.
pub const MAX_COOLDOWN_SECONDS: i32 = 604_800;

/// What must be true for a rule to fire: its type with its parameters, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    ErrorCount(ErrorCount),
    DeploymentFailure,
}

/// A wrong parameter: `field` is its path below `params`, empty for `params` itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("params.{field} {message}")]
pub struct InvalidParams {
    pub field: String,
    pub message: String,
}

impl Condition {
    /// Reads the parameters of a rule of this type. Unknown ones are refused by name.
    pub fn parse(kind: RuleType, params: &Value) -> Result<Self, InvalidParams> {
        let Some(params) = params.as_object() else {
            return Err(invalid("", "must be an object"));
        };
        match kind {
            RuleType::ErrorCount => ErrorCount::parse(params).map(Self::ErrorCount),
            RuleType::DeploymentFailure => {
                refuse_unknown(kind, params, &[])?;
                Ok(Self::DeploymentFailure)
            }
        }
    }

    pub fn kind(&self) -> RuleType {
        match self {
            Self::ErrorCount(_) => RuleType::ErrorCount,
            Self::DeploymentFailure => RuleType::DeploymentFailure,
        }
    }

    /// The stored form of the parameters.
    pub fn params(&self) -> Value {
        match self {
            Self::ErrorCount(count) => {
                json!({"threshold": count.threshold, "window_seconds": count.window_seconds})
            }
            Self::DeploymentFailure => json!({}),
        }
    }

    /// How long the condition must have been false before a firing ends by itself. A count stays low for its window,
    /// so that a burst which comes and goes is one story; a deployment that succeeded has ended it.
    fn clear_after(&self) -> Duration {
        match self {
            Self::ErrorCount(count) => count.window(),
            Self::DeploymentFailure => Duration::ZERO,
        }
    }

    /// The rule's times, for the evaluator.
    pub fn timing(&self, for_seconds: i32, cooldown_seconds: i32) -> Timing {
        Timing {
            hold_for: Duration::seconds(for_seconds.into()),
            cooldown: Duration::seconds(cooldown_seconds.into()),
            clear_after: self.clear_after(),
        }
    }
}

/// `error_count`: at least `threshold` lines of level error or fatal arrived within the last `window_seconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCount {
    threshold: u64,
    window_seconds: u32,
}

impl ErrorCount {
    pub const THRESHOLD: std::ops::RangeInclusive<u64> = 1..=1_000_000_000;
    /// Two buckets of arrivals up to a day.
    pub const WINDOW_SECONDS: std::ops::RangeInclusive<u64> = 10..=86_400;

    fn parse(params: &Map<String, Value>) -> Result<Self, InvalidParams> {
        refuse_unknown(RuleType::ErrorCount, params, &["threshold", "window_seconds"])?;
        Ok(Self {
            threshold: whole_number(params, "threshold", &Self::THRESHOLD)?,
            window_seconds: whole_number(params, "window_seconds", &Self::WINDOW_SECONDS)? as u32,
        })
    }

    pub fn window(&self) -> Duration {
        Duration::seconds(self.window_seconds.into())
    }

    /// What this many errors within the window mean.
    pub fn read(&self, errors: u64) -> Reading {
        let Self {
            threshold,
            window_seconds,
        } = self;
        let noun = if errors == 1 { "error" } else { "errors" };
        Reading {
            holds: errors >= *threshold,
            value: errors as f64,
            threshold: *threshold as f64,
            detail: format!("{errors} {noun} in the last {window_seconds} s (threshold {threshold})"),
        }
    }
}

/// An attempt to deploy that ended in success or failure; cancelled and superseded ones are neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedDeployment {
    pub succeeded: bool,
    /// What people call it: its version, short commit or name.
    pub label: String,
}

impl FinishedDeployment {
    /// `None` for a status that says neither success nor failure.
    pub fn new(
        status: DeploymentStatus,
        version: Option<&str>,
        commit_sha: Option<&str>,
        name: &str,
    ) -> Option<Self> {
        let succeeded = match status {
            DeploymentStatus::Success => true,
            DeploymentStatus::Failure => false,
            DeploymentStatus::Pending
            | DeploymentStatus::InProgress
            | DeploymentStatus::Cancelled
            | DeploymentStatus::Superseded => return None,
        };
        let commit: Option<String> = commit_sha.map(|sha| sha.chars().take(7).collect());
        let parts = [
            Some(name.to_owned()),
            version.map(str::to_owned),
            commit.map(|commit| format!("({commit})")),
        ];
        let label: Vec<String> = parts
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        Some(Self {
            succeeded,
            label: label.join(" "),
        })
    }
}

/// `deployment_failure`: what the newest finished deployment of a service and environment means.
pub fn read_deployment(newest_finished: Option<&FinishedDeployment>) -> Reading {
    let (holds, detail) = match newest_finished {
        None => (false, "no deployment has finished".to_owned()),
        Some(deployment) => {
            let verb = if deployment.succeeded {
                "succeeded"
            } else {
                "failed"
            };
            let words = ["deployment", &deployment.label, verb];
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            (!deployment.succeeded, words.join(" "))
        }
    };
    Reading {
        holds,
        value: f64::from(u8::from(holds)),
        threshold: 1.0,
        detail,
    }
}

/// Where a rule looks: everywhere, in one service, or in one environment of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RuleScope {
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
}

impl RuleScope {
    pub fn covers(&self, service_id: ServiceId, environment_id: EnvironmentId) -> bool {
        self.service_id.is_none_or(|wanted| wanted == service_id)
            && self.environment_id.is_none_or(|wanted| wanted == environment_id)
    }
}

fn refuse_unknown(kind: RuleType, params: &Map<String, Value>, known: &[&str]) -> Result<(), InvalidParams> {
    let Some(unknown) = params.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let hint = if known.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", known.join(", "))
    };
    Err(invalid(unknown, format!("is not a parameter of {kind}: {hint}")))
}

fn whole_number(
    params: &Map<String, Value>,
    name: &str,
    range: &std::ops::RangeInclusive<u64>,
) -> Result<u64, InvalidParams> {
    let wanted = || format!("must be a whole number from {} to {}", range.start(), range.end());
    let value = params.get(name).ok_or_else(|| invalid(name, wanted()))?;
    value
        .as_u64()
        .filter(|number| range.contains(number))
        .ok_or_else(|| invalid(name, wanted()))
}

fn invalid(field: &str, message: impl Into<String>) -> InvalidParams {
    InvalidParams {
        field: field.to_owned(),
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_round_trip() {
        let params = json!({"threshold": 20, "window_seconds": 60});
        let condition = Condition::parse(RuleType::ErrorCount, &params).unwrap();
        assert_eq!(condition.params(), params);
        assert_eq!(condition.kind(), RuleType::ErrorCount);
        let none = Condition::parse(RuleType::DeploymentFailure, &json!({})).unwrap();
        assert_eq!(none.params(), json!({}));
    }

    #[rstest::rstest]
    #[case(RuleType::ErrorCount, json!({"window_seconds": 60}), "threshold")]
    #[case(RuleType::ErrorCount, json!({"threshold": 0, "window_seconds": 60}), "threshold")]
    #[case(RuleType::ErrorCount, json!({"threshold": 1.5, "window_seconds": 60}), "threshold")]
    #[case(RuleType::ErrorCount, json!({"threshold": "20", "window_seconds": 60}), "threshold")]
    #[case(RuleType::ErrorCount, json!({"threshold": 1e300_f64, "window_seconds": 60}), "threshold")]
    #[case(RuleType::ErrorCount, json!({"threshold": 1, "window_seconds": 9}), "window_seconds")]
    #[case(RuleType::ErrorCount, json!({"threshold": 1, "window_seconds": 86_401}), "window_seconds")]
    #[case(RuleType::ErrorCount, json!({"threshold": 1, "window_seconds": 60, "q": "x"}), "q")]
    #[case(RuleType::DeploymentFailure, json!({"threshold": 1}), "threshold")]
    #[case(RuleType::DeploymentFailure, json!([]), "")]
    #[case(RuleType::ErrorCount, json!(null), "")]
    fn a_wrong_parameter_is_named(#[case] kind: RuleType, #[case] params: Value, #[case] field: &str) {
        assert_eq!(Condition::parse(kind, &params).unwrap_err().field, field);
    }

    #[test]
    fn a_count_holds_from_its_threshold_on() {
        let Ok(Condition::ErrorCount(count)) = Condition::parse(
            RuleType::ErrorCount,
            &json!({"threshold": 2, "window_seconds": 60}),
        ) else {
            panic!("must parse")
        };
        assert!(!count.read(1).holds);
        assert!(count.read(2).holds);
        assert_eq!(count.read(1).detail, "1 error in the last 60 s (threshold 2)");
    }

    #[test]
    fn only_a_failed_newest_deployment_holds() {
        let finished =
            |status| FinishedDeployment::new(status, Some("v1.2"), Some("0123456789abcdef"), "deploy");
        let failed = finished(DeploymentStatus::Failure).unwrap();
        assert_eq!(
            read_deployment(Some(&failed)).detail,
            "deployment deploy v1.2 (0123456) failed"
        );
        assert!(read_deployment(Some(&failed)).holds);
        assert!(!read_deployment(finished(DeploymentStatus::Success).as_ref()).holds);
        assert!(!read_deployment(None).holds);
        assert_eq!(finished(DeploymentStatus::Cancelled), None);
        assert_eq!(finished(DeploymentStatus::Superseded), None);
    }

    #[test]
    fn a_scope_covers_what_it_names_and_nothing_else() {
        let (service, environment) = (ServiceId::generate(), EnvironmentId::generate());
        let everywhere = RuleScope::default();
        let one_service = RuleScope {
            service_id: Some(service),
            environment_id: None,
        };
        let one_environment = RuleScope {
            service_id: Some(service),
            environment_id: Some(environment),
        };
        for scope in [everywhere, one_service, one_environment] {
            assert!(scope.covers(service, environment));
        }
        assert!(everywhere.covers(ServiceId::generate(), environment));
        assert!(!one_service.covers(ServiceId::generate(), environment));
        assert!(!one_environment.covers(service, EnvironmentId::generate()));
    }
}
