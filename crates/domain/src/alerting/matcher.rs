//! Which incidents something is about: routes, silences and maintenance windows choose by the same few facts.

use serde::{Deserialize, Serialize};

use crate::alerting::labels::Labels;
use crate::ids::{AlertRuleId, EnvironmentId, ServiceId};
use crate::severity::Severity;

/// The facts of an incident that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub severity: Severity,
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
    pub rule_id: Option<AlertRuleId>,
    pub labels: Labels,
}

/// What must hold of an incident; what is absent may be anything, so the default matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"min_severity": "high", "labels": {"team": "payments"}}))]
pub struct Matcher {
    /// At least so urgent.
    pub min_severity: Option<Severity>,
    /// At most so urgent.
    pub max_severity: Option<Severity>,
    pub service_id: Option<ServiceId>,
    /// Needs service_id.
    pub environment_id: Option<EnvironmentId>,
    /// The rule that opened it.
    pub rule_id: Option<AlertRuleId>,
    /// Each of them must be there with this value.
    pub labels: Labels,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMatcher {
    #[error("needs service_id: an environment belongs to one service")]
    EnvironmentWithoutService,
    #[error("is above max_severity, so nothing would match")]
    SeveritiesCrossed,
}

impl InvalidMatcher {
    /// The field that is to be changed.
    pub fn field(self) -> &'static str {
        match self {
            Self::EnvironmentWithoutService => "environment_id",
            Self::SeveritiesCrossed => "min_severity",
        }
    }
}

impl Matcher {
    pub fn check(&self) -> Result<(), InvalidMatcher> {
        if self.environment_id.is_some() && self.service_id.is_none() {
            return Err(InvalidMatcher::EnvironmentWithoutService);
        }
        match (self.min_severity, self.max_severity) {
            (Some(min), Some(max)) if min > max => Err(InvalidMatcher::SeveritiesCrossed),
            (_, _) => Ok(()),
        }
    }

    pub fn matches(&self, subject: &Subject) -> bool {
        fn allows<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none_or(|wanted| found == Some(wanted))
        }
        self.min_severity.is_none_or(|min| subject.severity >= min)
            && self.max_severity.is_none_or(|max| subject.severity <= max)
            && allows(self.service_id.as_ref(), subject.service_id.as_ref())
            && allows(self.environment_id.as_ref(), subject.environment_id.as_ref())
            && allows(self.rule_id.as_ref(), subject.rule_id.as_ref())
            && self
                .labels
                .iter()
                .all(|(name, value)| subject.labels.get(name) == Some(value))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;

    pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
        let pairs: BTreeMap<String, String> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        pairs.try_into().unwrap()
    }

    pub(crate) fn subject() -> Subject {
        Subject {
            severity: Severity::High,
            service_id: Some(ServiceId(Uuid::from_u128(2))),
            environment_id: Some(EnvironmentId(Uuid::from_u128(3))),
            rule_id: Some(AlertRuleId(Uuid::from_u128(1))),
            labels: labels(&[("team", "payments"), ("tier", "1")]),
        }
    }

    #[test]
    fn what_is_absent_matches_everything() {
        let nowhere = Subject {
            service_id: None,
            environment_id: None,
            rule_id: None,
            labels: Labels::default(),
            ..subject()
        };
        assert!(Matcher::default().matches(&subject()));
        assert!(Matcher::default().matches(&nowhere));
    }

    #[test]
    fn each_fact_must_hold() {
        let id = Uuid::from_u128;
        let all = Matcher {
            min_severity: Some(Severity::High),
            max_severity: Some(Severity::High),
            service_id: Some(ServiceId(id(2))),
            environment_id: Some(EnvironmentId(id(3))),
            rule_id: Some(AlertRuleId(id(1))),
            labels: labels(&[("team", "payments")]),
        };
        assert!(all.matches(&subject()));
        for other in [
            Matcher {
                min_severity: Some(Severity::Critical),
                ..all.clone()
            },
            Matcher {
                max_severity: Some(Severity::Medium),
                ..all.clone()
            },
            Matcher {
                service_id: Some(ServiceId(id(9))),
                ..all.clone()
            },
            Matcher {
                environment_id: Some(EnvironmentId(id(9))),
                ..all.clone()
            },
            Matcher {
                rule_id: Some(AlertRuleId(id(9))),
                ..all.clone()
            },
            Matcher {
                labels: labels(&[("team", "search")]),
                ..all.clone()
            },
            Matcher {
                labels: labels(&[("missing", "")]),
                ..all.clone()
            },
        ] {
            assert!(!other.matches(&subject()), "{other:?}");
        }
        let of_no_service = Subject {
            service_id: None,
            ..subject()
        };
        assert!(!all.matches(&of_no_service));
    }

    #[test]
    fn a_matcher_that_cannot_match_is_refused_by_its_field() {
        let crossed = Matcher {
            min_severity: Some(Severity::High),
            max_severity: Some(Severity::Low),
            ..Matcher::default()
        };
        assert_eq!(crossed.check().unwrap_err().field(), "min_severity");
        let homeless = Matcher {
            environment_id: Some(EnvironmentId(Uuid::from_u128(3))),
            ..Matcher::default()
        };
        assert_eq!(homeless.check().unwrap_err().field(), "environment_id");
    }
}
