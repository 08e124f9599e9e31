//! Events on the bus: a versioned contract. An event is a hint or a copy; PostgreSQL is the truth.
//!
//! The wire form of each is pinned by a test. New meaning means a new variant, never a changed one.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::deployment::DeploymentStatus;
use crate::ids::{AlertRuleId, ApiKeyId, DeploymentId, EnvironmentId, EventId, IncidentId, OrgId, ServiceId};

/// The topic exchange that every event goes through.
pub const EXCHANGE: &str = "sightline.events";

/// An event with what every consumer needs: an id that stays the same when it is published again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    pub event_id: EventId,
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// Ties the event to the request that caused it.
    pub correlation_id: Option<String>,
    pub event: Event,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Counts of this scope changed: a hint to evaluate its rules. At most one a second per scope and process.
    LogsCountedV1 {
        org_id: OrgId,
        service_id: ServiceId,
        environment_id: EnvironmentId,
    },
    /// A deployment reached a new status.
    DeploymentChangedV1 {
        org_id: OrgId,
        deployment_id: DeploymentId,
        service_id: ServiceId,
        environment_id: EnvironmentId,
        status: DeploymentStatus,
    },
    /// An incident was opened, acknowledged, changed or resolved.
    IncidentChangedV1 {
        org_id: OrgId,
        incident_id: IncidentId,
        change: String,
    },
    /// A rule was created, changed or deleted.
    RuleChangedV1 { org_id: OrgId, rule_id: AlertRuleId },
    /// A key was revoked, or its limits changed: caches drop it.
    KeyRevokedV1 { org_id: OrgId, api_key_id: ApiKeyId },
}

impl Event {
    pub fn org_id(&self) -> OrgId {
        match self {
            Self::LogsCountedV1 { org_id, .. }
            | Self::DeploymentChangedV1 { org_id, .. }
            | Self::IncidentChangedV1 { org_id, .. }
            | Self::RuleChangedV1 { org_id, .. }
            | Self::KeyRevokedV1 { org_id, .. } => *org_id,
        }
    }

    pub fn routing_key(&self) -> RoutingKey {
        match self {
            Self::LogsCountedV1 { .. } => RoutingKey::LogsCounted,
            Self::DeploymentChangedV1 { .. } => RoutingKey::DeploymentChanged,
            Self::IncidentChangedV1 { .. } => RoutingKey::IncidentChanged,
            Self::RuleChangedV1 { .. } => RoutingKey::RuleChanged,
            Self::KeyRevokedV1 { .. } => RoutingKey::KeyRevoked,
        }
    }
}

/// Routing keys of [`EXCHANGE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoutingKey {
    LogsCounted,
    DeploymentChanged,
    IncidentChanged,
    RuleChanged,
    KeyRevoked,
}

impl RoutingKey {
    pub const ALL: [Self; 5] = [
        Self::LogsCounted,
        Self::DeploymentChanged,
        Self::IncidentChanged,
        Self::RuleChanged,
        Self::KeyRevoked,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::LogsCounted => "logs.counted",
            Self::DeploymentChanged => "deployment.changed",
            Self::IncidentChanged => "incident.changed",
            Self::RuleChanged => "rule.changed",
            Self::KeyRevoked => "key.revoked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(event: Event) -> serde_json::Value {
        let envelope = Envelope {
            event_id: EventId(uuid::Uuid::nil()),
            occurred_at: OffsetDateTime::UNIX_EPOCH,
            correlation_id: Some("c-1".into()),
            event,
        };
        let json = serde_json::to_value(&envelope).unwrap();
        assert_eq!(
            serde_json::from_value::<Envelope>(json.clone()).unwrap(),
            envelope
        );
        assert_eq!(json["event_id"], "00000000-0000-0000-0000-000000000000");
        assert_eq!(json["occurred_at"], "1970-01-01T00:00:00Z");
        json["event"].clone()
    }

    #[test]
    fn the_wire_form_of_every_event_is_stable() {
        const NIL: &str = "00000000-0000-0000-0000-000000000000";
        let (org_id, service_id, environment_id) = (
            OrgId(uuid::Uuid::nil()),
            ServiceId(uuid::Uuid::nil()),
            EnvironmentId(uuid::Uuid::nil()),
        );
        assert_eq!(
            wire(Event::LogsCountedV1 {
                org_id,
                service_id,
                environment_id
            }),
            serde_json::json!({"type":"logs_counted_v1","org_id":NIL,"service_id":NIL,"environment_id":NIL})
        );
        assert_eq!(
            wire(Event::DeploymentChangedV1 {
                org_id,
                deployment_id: DeploymentId(uuid::Uuid::nil()),
                service_id,
                environment_id,
                status: DeploymentStatus::InProgress
            }),
            serde_json::json!({"type":"deployment_changed_v1","org_id":NIL,"deployment_id":NIL,"service_id":NIL,
                "environment_id":NIL,"status":"in_progress"})
        );
        assert_eq!(
            wire(Event::IncidentChangedV1 {
                org_id,
                incident_id: IncidentId(uuid::Uuid::nil()),
                change: "opened".into()
            }),
            serde_json::json!({"type":"incident_changed_v1","org_id":NIL,"incident_id":NIL,"change":"opened"})
        );
        assert_eq!(
            wire(Event::RuleChangedV1 {
                org_id,
                rule_id: AlertRuleId(uuid::Uuid::nil())
            }),
            serde_json::json!({"type":"rule_changed_v1","org_id":NIL,"rule_id":NIL})
        );
        assert_eq!(
            wire(Event::KeyRevokedV1 {
                org_id,
                api_key_id: ApiKeyId(uuid::Uuid::nil())
            }),
            serde_json::json!({"type":"key_revoked_v1","org_id":NIL,"api_key_id":NIL})
        );
    }
}
