//! Messages for a receiver of the Standard Webhooks specification: `type`, `timestamp`, `data`, as it asks for, and a
//! version. A contract with programs outside: fields are added, never changed.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::alerting::notification::{Links, Message, Notification, NotifiedTransition};

/// The version of the payload; a changed meaning needs a new one.
const VERSION: u32 = 1;

/// The body to POST.
pub fn render(message: Message<'_>) -> Value {
    match message {
        Message::Incident { notification, links } => json!({
            "type": format!("incident.{}", notification.transition.as_str()),
            "version": VERSION,
            "timestamp": rfc3339(notification.at()),
            "data": {"incident": incident(notification, links)},
        }),
        Message::Test { channel, at } => json!({
            "type": "channel.test",
            "version": VERSION,
            "timestamp": rfc3339(at),
            "data": {"channel": {"name": channel}},
        }),
    }
}

fn incident(notification: &Notification, links: Links<'_>) -> Value {
    let status = match notification.transition {
        NotifiedTransition::Opened | NotifiedTransition::Reopened => "open",
        NotifiedTransition::Raised | NotifiedTransition::Reminded
            if notification.acknowledged_at.is_none() =>
        {
            "open"
        }
        NotifiedTransition::Acknowledged | NotifiedTransition::Raised | NotifiedTransition::Reminded => {
            "acknowledged"
        }
        NotifiedTransition::Resolved => "resolved",
    };
    json!({
        "id": notification.incident_id,
        "status": status,
        "severity": notification.severity,
        "source": notification.source,
        "title": notification.title,
        "summary": notification.summary,
        "rule": notification.rule,
        "service": notification.service,
        "environment": notification.environment,
        "value": notification.value,
        "threshold": notification.threshold,
        "since": rfc3339(notification.since),
        "opened_at": rfc3339(notification.opened_at),
        "resolved_at": notification.resolved_at.map(rfc3339),
        "resolution": notification.resolution,
        "acknowledged_at": notification.acknowledged_at.map(rfc3339),
        "acknowledged_by": notification.acknowledged_by,
        "cause": notification.cause,
        "labels": notification.labels,
        "runbook": notification.runbook,
        "samples": notification.samples,
        "url": links.incident,
        "acknowledge_url": links.acknowledge,
    })
}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::notification::tests::{LINKS, sample};

    #[test]
    fn the_payload_is_stable() {
        let body = |transition| {
            let notification = &sample(transition);
            render(Message::Incident {
                notification,
                links: LINKS,
            })
        };
        let opened = json!({
            "type": "incident.opened",
            "version": 1,
            "timestamp": "2023-11-14T22:13:25Z",
            "data": {"incident": {
                "id": "00000000-0000-0000-0000-000000000007",
                "status": "open",
                "severity": "high",
                "source": "rule",
                "title": "Too many errors: checkout / production",
                "summary": "27 errors in the last 60 s (threshold 20)",
                "rule": {"id": "00000000-0000-0000-0000-000000000001", "name": "Too many errors"},
                "service": {"id": "00000000-0000-0000-0000-000000000002", "name": "checkout"},
                "environment": {"id": "00000000-0000-0000-0000-000000000003", "name": "production"},
                "value": 27.0,
                "threshold": 20.0,
                "since": "2023-11-14T22:13:20Z",
                "opened_at": "2023-11-14T22:13:25Z",
                "resolved_at": null,
                "resolution": null,
                "acknowledged_at": null,
                "acknowledged_by": null,
                "cause": null,
                "labels": {},
                "runbook": null,
                "samples": [],
                "url": "https://sightline.example/incidents/7",
                "acknowledge_url": "https://sightline.example/api/acknowledge/abc",
            }},
        });
        assert_eq!(body(NotifiedTransition::Opened), opened);
        let mut resolved = opened;
        resolved["type"] = json!("incident.resolved");
        resolved["timestamp"] = json!("2023-11-14T22:18:20Z");
        resolved["data"]["incident"]["status"] = json!("resolved");
        resolved["data"]["incident"]["resolved_at"] = json!("2023-11-14T22:18:20Z");
        resolved["data"]["incident"]["resolution"] = json!("the condition is no longer met");
        assert_eq!(body(NotifiedTransition::Resolved), resolved);
    }
}
