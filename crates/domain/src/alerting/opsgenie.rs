//! Requests to Opsgenie's Alert API (docs.opsgenie.com/docs/alert-api). The incident's id is the alias by which Opsgenie
//! recognises a repeat, and by which the end finds the beginning.

use serde_json::{Map, Value, json};

use crate::alerting::notification::{
    Links, Message, Notification, NotifiedTransition, escape_within, one_line,
};
use crate::severity::Severity;

const MAX_MESSAGE: usize = 130;
const MAX_DESCRIPTION: usize = 15_000;
const MAX_NOTE: usize = 25_000;
const MAX_DETAIL: usize = 500;

/// A path below the API's address, and the body to POST there.
pub fn render(message: Message<'_>, id: &str) -> (String, Value) {
    match message {
        Message::Incident { notification, links } => incident(notification, links),
        Message::Test { channel, .. } => {
            let body = json!({
                "message": cut(&format!("Sightline test for the channel {channel}"), MAX_MESSAGE),
                "alias": format!("sightline-test-{id}"),
                "source": "Sightline",
                "priority": "P5",
            });
            ("/v2/alerts".to_owned(), body)
        }
    }
}

fn incident(notification: &Notification, links: Links<'_>) -> (String, Value) {
    let alias = notification.incident_id;
    let later = |what: &str| format!("/v2/alerts/{alias}/{what}?identifierType=alias");
    let note = |text: Option<&String>| {
        let text = text.map_or("", String::as_str);
        json!({"source": "Sightline", "note": cut(text, MAX_NOTE)})
    };
    match notification.transition {
        NotifiedTransition::Opened
        | NotifiedTransition::Reopened
        | NotifiedTransition::Raised
        | NotifiedTransition::Reminded => ("/v2/alerts".to_owned(), opened(notification, links)),
        NotifiedTransition::Acknowledged => {
            (later("acknowledge"), note(notification.acknowledged_by.as_ref()))
        }
        NotifiedTransition::Resolved => (later("close"), note(notification.resolution.as_ref())),
    }
}

fn opened(notification: &Notification, links: Links<'_>) -> Value {
    let details: Map<String, Value> = notification
        .facts()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), cut(&one_line(&value), MAX_DETAIL).into()))
        .chain([("Open".to_owned(), links.incident.into())])
        .collect();
    json!({
        "message": cut(&one_line(&notification.title), MAX_MESSAGE),
        "alias": notification.incident_id,
        "description": notification.plain_text(links, MAX_DESCRIPTION),
        "details": details,
        "entity": notification.place().map(|place| cut(&one_line(&place), 512)),
        "source": "Sightline",
        "priority": priority(notification.severity),
    })
}

fn cut(text: &str, max: usize) -> String {
    escape_within(text, max, |_| None)
}

fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "P4",
        Severity::Medium => "P3",
        Severity::High => "P2",
        Severity::Critical => "P1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::notification::tests::{LINKS, hostile, sample};

    #[test]
    fn an_incident_is_one_alert_from_its_beginning_to_its_end() {
        let alias = "00000000-0000-0000-0000-000000000007";
        let of = |transition| {
            let notification = &sample(transition);
            render(
                Message::Incident {
                    notification,
                    links: LINKS,
                },
                "x",
            )
        };
        let (path, body) = of(NotifiedTransition::Opened);
        assert_eq!(
            (path.as_str(), &body["alias"], &body["priority"]),
            ("/v2/alerts", &json!(alias), &json!("P2"))
        );
        let (path, body) = of(NotifiedTransition::Resolved);
        assert_eq!(path, format!("/v2/alerts/{alias}/close?identifierType=alias"));
        assert_eq!(body["note"], "the condition is no longer met");
        assert!(of(NotifiedTransition::Acknowledged).0.contains("/acknowledge?"));
    }

    #[test]
    fn text_fits() {
        let notification = &hostile(NotifiedTransition::Opened);
        let (_, body) = render(
            Message::Incident {
                notification,
                links: LINKS,
            },
            "x",
        );
        let length = |field: &str| body[field].as_str().unwrap().chars().count();
        assert!(
            length("message") <= MAX_MESSAGE
                && length("description") <= MAX_DESCRIPTION
                && length("entity") <= 512
        );
    }
}
