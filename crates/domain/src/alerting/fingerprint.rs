//! What makes two firings the same problem.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::ids::{AlertRuleId, ChannelId, EnvironmentId, IncidentId, ServiceId};
use crate::patterns::TemplateId;

/// Names one problem within an organisation; never empty, and the same for ever. At most one unresolved incident has
/// it. Readable, so that a person who looks into the tables sees where it comes from.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    postgres_types::ToSql,
    postgres_types::FromSql,
)]
#[serde(transparent)]
#[postgres(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// One rule in one environment of one service.
    pub fn of_rule(rule: AlertRuleId, service: ServiceId, environment: EnvironmentId) -> Self {
        Self(format!("rule/{rule}/{service}/{environment}"))
    }

    /// The same of one group of its lines, by the values of the fields that the rule groups by. They are hashed: they are
    /// text of any length that senders choose.
    pub fn of_group(
        rule: AlertRuleId,
        service: ServiceId,
        environment: EnvironmentId,
        values: &[Option<String>],
    ) -> Self {
        let mut hash = Sha256::new();
        for value in values {
            match value {
                // Lengths keep the values apart.
                Some(value) => {
                    hash.update([1]);
                    hash.update(value.len().to_be_bytes());
                    hash.update(value.as_bytes());
                }
                None => hash.update([0]),
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        let digest = Uuid::from_bytes(half).simple();
        Self(format!("rule/{rule}/{service}/{environment}/{digest}"))
    }

    /// The same of the lines of one template.
    pub fn of_pattern(
        rule: AlertRuleId,
        service: ServiceId,
        environment: EnvironmentId,
        pattern: TemplateId,
    ) -> Self {
        Self(format!("rule/{rule}/{service}/{environment}/{pattern}"))
    }

    /// An incident that a person opened: a problem of its own.
    pub fn of_manual(incident: IncidentId) -> Self {
        Self(format!("manual/{incident}"))
    }

    /// An alert of an Alertmanager: its own fingerprint, within the service and environment whose key brought it.
    pub fn of_alertmanager(service: ServiceId, environment: EnvironmentId, alert: &str) -> Self {
        Self(format!("alertmanager/{service}/{environment}/{alert}"))
    }

    /// A channel that takes no messages any more.
    pub fn of_channel(channel: ChannelId) -> Self {
        Self(format!("channel/{channel}"))
    }

    /// A storm of firings of one rule.
    pub fn of_rule_storm(rule: AlertRuleId) -> Self {
        Self(format!("storm/rule/{rule}"))
    }

    /// A storm of firings at one service.
    pub fn of_service_storm(service: ServiceId) -> Self {
        Self(format!("storm/service/{service}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_stable_and_tells_its_parts_apart() {
        let id = Uuid::from_u128;
        let of = |rule, service, environment| {
            Fingerprint::of_rule(
                AlertRuleId(id(rule)),
                ServiceId(id(service)),
                EnvironmentId(id(environment)),
            )
        };
        assert_eq!(
            of(1, 2, 3).as_str(),
            "rule/00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002/\
             00000000-0000-0000-0000-000000000003"
        );
        assert_ne!(of(1, 2, 3), of(2, 1, 3));
        assert_ne!(of(1, 2, 3), of(1, 2, 4));
        let pattern = Fingerprint::of_pattern(
            AlertRuleId(id(1)),
            ServiceId(id(2)),
            EnvironmentId(id(3)),
            TemplateId::from_code(0xab),
        );
        assert_eq!(
            pattern.as_str(),
            format!("{}/00000000000000ab", of(1, 2, 3).as_str())
        );
    }

    #[test]
    fn groups_are_told_apart_by_their_values() {
        let (rule, service, environment) = (
            AlertRuleId::generate(),
            ServiceId::generate(),
            EnvironmentId::generate(),
        );
        let of = |values: &[Option<&str>]| {
            let values: Vec<_> = values.iter().map(|value| value.map(str::to_owned)).collect();
            Fingerprint::of_group(rule, service, environment, &values)
        };
        let all = [
            of(&[Some("a"), Some("bc")]),
            of(&[Some("ab"), Some("c")]),
            of(&[Some("abc"), None]),
            of(&[None, Some("abc")]),
            of(&[Some(""), Some("abc")]),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(!all[..place].contains(one));
        }
        assert_eq!(of(&[Some("a")]), of(&[Some("a")]));
    }
}
