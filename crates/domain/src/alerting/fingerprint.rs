//! What makes two firings the same problem.

use serde::{Deserialize, Serialize};

use crate::ids::{AlertRuleId, ChannelId, EnvironmentId, IncidentId, ServiceId};

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

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

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
    }
}
