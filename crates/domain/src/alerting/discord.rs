//! Messages for a Discord webhook: one embed within its limits (title 256, description 4,096, field value 1,024, 25
//! fields, 6,000 in all; discord.com/developers/docs/resources/message). Nobody is mentioned, whatever the text says,
//! and its Markdown is escaped.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::alerting::notification::{Links, Message, Notification, NotifiedTransition, escape_within};
use crate::severity::Severity;

const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 1_800;
/// Seven fields of this size, links of 900 characters, a title and a description stay below 6,000.
const MAX_FIELD: usize = 380;

const GREEN: u32 = 0x002e_a043;

/// The body to POST.
pub fn render(message: Message<'_>) -> Value {
    let embed = match message {
        Message::Incident { notification, links } => incident(notification, links),
        Message::Test { channel, at } => json!({
            "title": "Sightline test message",
            "description": format!("For the channel {}", escape(channel, MAX_DESCRIPTION)),
            "timestamp": at.format(&Rfc3339).unwrap_or_default(),
        }),
    };
    json!({"embeds": [embed], "allowed_mentions": {"parse": []}})
}

fn incident(notification: &Notification, links: Links<'_>) -> Value {
    let title = format!("{}: {}", notification.headline(), notification.title);
    let fields: Vec<Value> = notification
        .facts()
        .iter()
        .map(|(name, value)| json!({"name": name, "value": escape(value, MAX_FIELD), "inline": value.len() < 40}))
        .chain(lines_and_links(notification, links))
        .collect();
    json!({
        "title": escape(&title, MAX_TITLE),
        "description": escape(&notification.summary, MAX_DESCRIPTION),
        "url": links.incident,
        "color": color(notification),
        "fields": fields,
        "timestamp": notification.at().format(&Rfc3339).unwrap_or_default(),
    })
}

/// Fields for what leads on: their text is ours, but for the sample lines.
fn lines_and_links(notification: &Notification, links: Links<'_>) -> Vec<Value> {
    let mut fields = Vec::new();
    let lines = notification.sample_lines(100);
    if !lines.is_empty() {
        fields.push(json!({"name": "Lines", "value": escape(&lines.join("\n"), MAX_FIELD)}));
    }
    let mut ways: Vec<String> = vec![format!("[Open]({})", links.incident)];
    ways.extend(links.acknowledge.map(|link| format!("[Acknowledge]({link})")));
    fields.push(json!({"name": "Next", "value": ways.join(" · ")}));
    fields
}

fn color(notification: &Notification) -> u32 {
    match (notification.transition, notification.severity) {
        (NotifiedTransition::Resolved, _) => GREEN,
        (
            NotifiedTransition::Opened
            | NotifiedTransition::Acknowledged
            | NotifiedTransition::Reopened
            | NotifiedTransition::Raised
            | NotifiedTransition::Reminded,
            severity,
        ) => match severity {
            Severity::Low => 0x0054_aeff,
            Severity::Medium => 0x00d4_a72c,
            Severity::High => 0x00fb_8500,
            Severity::Critical => 0x00cf_222e,
        },
    }
}

fn escape(text: &str, max: usize) -> String {
    escape_within(text, max, |character| match character {
        '\\' => Some("\\\\"),
        '*' => Some("\\*"),
        '_' => Some("\\_"),
        '~' => Some("\\~"),
        '`' => Some("\\`"),
        '|' => Some("\\|"),
        '>' => Some("\\>"),
        '<' => Some("\\<"),
        '[' => Some("\\["),
        ']' => Some("\\]"),
        '(' => Some("\\("),
        ')' => Some("\\)"),
        '#' => Some("\\#"),
        '@' => Some("@\u{200b}"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::notification::tests::{LINKS, hostile, sample};

    fn render_incident(notification: &Notification) -> Value {
        render(Message::Incident {
            notification,
            links: LINKS,
        })
    }

    #[test]
    fn an_opened_incident_is_one_embed_that_mentions_nobody() {
        let body = render_incident(&sample(NotifiedTransition::Opened));
        assert_eq!(body["allowed_mentions"], json!({"parse": []}));
        let embed = &body["embeds"][0];
        assert_eq!(
            embed["title"],
            "Incident opened: Too many errors: checkout / production"
        );
        assert_eq!(
            embed["description"],
            "27 errors in the last 60 s \\(threshold 20\\)"
        );
        assert_eq!(embed["url"], "https://sightline.example/incidents/7");
        assert_eq!(embed["timestamp"], "2023-11-14T22:13:25Z");
        assert_eq!(
            embed["fields"][1],
            json!({"name": "Where", "value": "checkout / production", "inline": true})
        );
    }

    #[test]
    fn untrusted_text_is_escaped_and_fits() {
        for transition in [NotifiedTransition::Opened, NotifiedTransition::Resolved] {
            let body = render_incident(&hostile(transition));
            let embed = &body["embeds"][0];
            let length = |text: &Value| text.as_str().unwrap().chars().count();
            let mut total = length(&embed["title"]) + length(&embed["description"]);
            assert!(length(&embed["title"]) <= 256 && length(&embed["description"]) <= 4_096);
            for field in embed["fields"].as_array().unwrap() {
                assert!(length(&field["value"]) <= 1_024);
                total += length(&field["name"]) + length(&field["value"]);
            }
            assert!(total <= 6_000, "{total} characters");
            assert!(
                !body.to_string().contains("](http://evil") && !body.to_string().contains("@everyone"),
                "{body}"
            );
        }
    }
}
