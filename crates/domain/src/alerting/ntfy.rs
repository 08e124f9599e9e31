//! Messages for a topic of ntfy (docs.ntfy.sh/publish), as JSON: at most 4,096 bytes of text, without Markdown.

use serde_json::{Value, json};

use crate::alerting::notification::{Links, Message, Notification, NotifiedTransition, in_words};
use crate::severity::Severity;

/// Characters; four bytes each still fit.
const MAX_TEXT: usize = 1_000;
const MAX_TITLE: usize = 200;

/// The body to POST to the server's root.
pub fn render(message: Message<'_>, topic: &str) -> Value {
    match message {
        Message::Incident { notification, links } => incident(notification, links, topic),
        Message::Test { channel, at } => json!({
            "topic": topic,
            "title": "Sightline test message",
            "message": format!("For the channel {channel}, sent {}", in_words(at)),
            "priority": 3,
        }),
    }
}

fn incident(notification: &Notification, links: Links<'_>, topic: &str) -> Value {
    let view = |label: &str, url: &str| json!({"action": "view", "label": label, "url": url});
    let mut actions = vec![view("Open", links.incident)];
    actions.extend(links.acknowledge.map(|link| view("Acknowledge", link)));
    let without_links = Links {
        acknowledge: None,
        ..links
    };
    json!({
        "topic": topic,
        "title": notification.title_line(MAX_TITLE),
        "message": notification.plain_text(without_links, MAX_TEXT),
        "priority": priority(notification),
        "tags": [tag(notification.transition)],
        "click": links.incident,
        "actions": actions,
    })
}

fn priority(notification: &Notification) -> u8 {
    if !notification.transition.is_page() {
        return 3;
    }
    match notification.severity {
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

/// Names of emoji.
fn tag(transition: NotifiedTransition) -> &'static str {
    match transition {
        NotifiedTransition::Opened
        | NotifiedTransition::Reopened
        | NotifiedTransition::Raised
        | NotifiedTransition::Reminded => "red_circle",
        NotifiedTransition::Acknowledged => "eyes",
        NotifiedTransition::Resolved => "white_check_mark",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::notification::tests::{LINKS, hostile, sample};

    #[test]
    fn a_message_is_as_urgent_as_its_incident() {
        let of = |transition| {
            let notification = &sample(transition);
            render(
                Message::Incident {
                    notification,
                    links: LINKS,
                },
                "ops",
            )
        };
        let opened = of(NotifiedTransition::Opened);
        assert_eq!(
            (&opened["topic"], &opened["priority"]),
            (&json!("ops"), &json!(4))
        );
        assert_eq!(opened["actions"][1]["url"], LINKS.acknowledge.unwrap());
        assert_eq!(of(NotifiedTransition::Resolved)["priority"], 3);
    }

    #[test]
    fn text_fits() {
        let notification = &hostile(NotifiedTransition::Opened);
        let body = render(
            Message::Incident {
                notification,
                links: LINKS,
            },
            "ops",
        );
        assert!(body["message"].as_str().unwrap().len() <= 4_096);
        assert!(body["title"].as_str().unwrap().len() <= 1_024);
    }
}
