//! Messages for a workflow of Microsoft Teams: one adaptive card of version 1.4, well below the 28 KB that Teams takes.
//!
//! Text of others stands in text runs, which know no markup: nothing in it can mention anybody or hide a link.

use serde_json::{Value, json};

use crate::alerting::notification::{
    Links, Message, Notification, NotifiedTransition, escape_within, in_words,
};

const MAX_TITLE: usize = 500;
const MAX_SUMMARY: usize = 2_000;
const MAX_FACT: usize = 500;

/// The body to POST.
pub fn render(message: Message<'_>) -> Value {
    let (body, actions) = match message {
        Message::Incident { notification, links } => (incident(notification), ways(links)),
        Message::Test { channel, at } => {
            let text = format!(
                "Sightline test message for the channel {channel}, sent {}",
                in_words(at)
            );
            (vec![plain(&text, MAX_TITLE)], Vec::new())
        }
    };
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": actions,
        "msteams": {"width": "Full"},
    });
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn incident(notification: &Notification) -> Vec<Value> {
    let title = escape_within(
        &format!("{} {}", notification.mark(), notification.title_line(MAX_TITLE)),
        MAX_TITLE,
        |_| None,
    );
    let color = match notification.transition {
        NotifiedTransition::Opened
        | NotifiedTransition::Reopened
        | NotifiedTransition::Raised
        | NotifiedTransition::Reminded => "Attention",
        NotifiedTransition::Acknowledged => "Warning",
        NotifiedTransition::Resolved => "Good",
    };
    let mut body = vec![rich(&[
        json!({"type": "TextRun", "text": title, "weight": "Bolder", "size": "Large",
        "color": color}),
    ])];
    if !notification.summary.is_empty() {
        body.push(plain(&notification.summary, MAX_SUMMARY));
    }
    let facts = notification.facts();
    body.extend(facts.iter().map(|(name, value)| {
        rich(&[
            json!({"type": "TextRun", "text": format!("{name}: "), "weight": "Bolder"}),
            run(value, MAX_FACT),
        ])
    }));
    body.extend(notification.sample_lines(300).iter().map(|line| {
        let mut run = run(line, 300);
        run["fontType"] = "Monospace".into();
        rich(&[run])
    }));
    body
}

fn ways(links: Links<'_>) -> Vec<Value> {
    let mut actions = vec![open(links.incident, "Open in Sightline")];
    actions.extend(links.acknowledge.map(|link| open(link, "Acknowledge")));
    actions
}

fn open(url: &str, title: &str) -> Value {
    json!({"type": "Action.OpenUrl", "title": title, "url": url})
}

fn plain(text: &str, max: usize) -> Value {
    rich(&[run(text, max)])
}

fn rich(inlines: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "inlines": inlines})
}

fn run(text: &str, max: usize) -> Value {
    json!({"type": "TextRun", "text": escape_within(text, max, |_| None)})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::notification::tests::{LINKS, hostile, sample};

    #[test]
    fn a_card_says_what_where_and_where_to_go() {
        let notification = &sample(NotifiedTransition::Opened);
        let body = render(Message::Incident {
            notification,
            links: LINKS,
        });
        let card = &body["attachments"][0]["content"];
        assert_eq!(
            (&card["type"], &card["version"]),
            (&json!("AdaptiveCard"), &json!("1.4"))
        );
        let text = card.to_string();
        for part in [
            "🔴 Incident opened: Too many errors",
            "checkout / production",
            "27 errors",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        let urls: Vec<&Value> = card["actions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["url"])
            .collect();
        assert_eq!(urls, [LINKS.incident, LINKS.acknowledge.unwrap()]);
    }

    #[test]
    fn untrusted_text_stands_in_runs_without_markup_and_fits() {
        for transition in NotifiedTransition::ALL {
            let notification = &hostile(transition);
            let body = render(Message::Incident {
                notification,
                links: LINKS,
            });
            assert!(body.to_string().len() < 28_000, "{}", body.to_string().len());
            for block in body["attachments"][0]["content"]["body"].as_array().unwrap() {
                assert_eq!(block["type"], "RichTextBlock");
            }
        }
    }
}
