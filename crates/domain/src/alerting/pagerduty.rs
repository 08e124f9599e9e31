//! Events for PagerDuty's Events API v2 (developer.pagerduty.com/docs/events-api-v2). The incident's id is the key by
//! which PagerDuty recognises a repeat, and by which the end finds the beginning.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::alerting::notification::{Links, Message, Notification, NotifiedTransition, escape_within};
use crate::severity::Severity;

const MAX_SUMMARY: usize = 1_024;
const MAX_DETAIL: usize = 2_000;

/// The body to POST. `id` stands for a test message, which belongs to no incident.
pub fn render(message: Message<'_>, routing_key: &str, id: &str) -> Value {
    match message {
        Message::Incident { notification, links } => incident(notification, links, routing_key),
        Message::Test { channel, at } => json!({
            "routing_key": routing_key,
            "event_action": "trigger",
            "dedup_key": format!("sightline-test-{id}"),
            "client": "Sightline",
            "payload": {
                "summary": escape_within(&format!("Sightline test message for the channel {channel}"), MAX_SUMMARY, |_| None),
                "source": "sightline",
                "severity": "info",
                "timestamp": at.format(&Rfc3339).unwrap_or_default(),
            },
        }),
    }
}

fn incident(notification: &Notification, links: Links<'_>, routing_key: &str) -> Value {
    let action = match notification.transition {
        NotifiedTransition::Opened
        | NotifiedTransition::Reopened
        | NotifiedTransition::Raised
        | NotifiedTransition::Reminded => "trigger",
        NotifiedTransition::Acknowledged => "acknowledge",
        NotifiedTransition::Resolved => "resolve",
    };
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": notification.incident_id,
    });
    if !notification.transition.is_page() {
        return event;
    }
    let cut = |text: &str, max| escape_within(text, max, |_| None);
    let details: serde_json::Map<String, Value> = notification
        .facts()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), cut(&value, MAX_DETAIL).into()))
        .collect();
    event["client"] = "Sightline".into();
    event["client_url"] = links.incident.into();
    event["links"] = Value::Array(
        std::iter::once((links.incident, "Open in Sightline"))
            .chain(links.acknowledge.map(|link| (link, "Acknowledge in Sightline")))
            .map(|(href, text)| json!({"href": href, "text": text}))
            .collect(),
    );
    event["payload"] = json!({
        "summary": cut(&notification.title, MAX_SUMMARY),
        "source": notification.place().map_or_else(|| "sightline".to_owned(), |place| cut(&place, 255)),
        "severity": severity(notification.severity),
        "timestamp": notification.at().format(&Rfc3339).unwrap_or_default(),
        "custom_details": {
            "summary": cut(&notification.summary, MAX_DETAIL),
            "facts": details,
            "labels": notification.labels,
            "lines": notification.sample_lines(500),
        },
    });
    event
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "info",
        Severity::Medium => "warning",
        Severity::High => "error",
        Severity::Critical => "critical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::notification::tests::{LINKS, hostile, sample};

    fn event(notification: &Notification) -> Value {
        render(
            Message::Incident {
                notification,
                links: LINKS,
            },
            "R0",
            "7",
        )
    }

    #[test]
    fn an_incident_is_one_alert_from_its_beginning_to_its_end() {
        let events = NotifiedTransition::ALL.map(|transition| event(&sample(transition)));
        let actions: Vec<&Value> = events.iter().map(|event| &event["event_action"]).collect();
        assert_eq!(
            actions,
            [
                "trigger",
                "acknowledge",
                "resolve",
                "trigger",
                "trigger",
                "trigger"
            ]
        );
        for event in &events {
            assert_eq!(event["dedup_key"], "00000000-0000-0000-0000-000000000007");
        }
        assert_eq!(events[0]["payload"]["severity"], "error");
        assert_eq!(events[0]["payload"]["source"], "checkout / production");
    }

    #[test]
    fn text_fits() {
        let event = event(&hostile(NotifiedTransition::Opened));
        assert!(event["payload"]["summary"].as_str().unwrap().chars().count() <= MAX_SUMMARY);
        assert!(event.to_string().len() < 512 * 1024);
    }
}
