//! Messages for a Slack incoming webhook (Block Kit), within its limits: 3,000 characters a section, 2,000 a field, 10
//! fields (docs.slack.dev/reference/block-kit).
//!
//! Whatever people or senders wrote is untrusted: `&`, `<` and `>` are escaped, so that no text can mention a channel
//! or make a link, and `verbatim` keeps Slack from linking what looks like a name or an address.

use serde_json::{Value, json};

use crate::alerting::notification::{Links, Message, Notification, escape_within, in_words};

const MAX_TITLE: usize = 600;
const MAX_SECTION: usize = 2_900;
const MAX_FIELD: usize = 1_900;
const MAX_CODE: usize = 2_000;

/// The body to POST.
pub fn render(message: Message<'_>) -> Value {
    match message {
        Message::Incident { notification, links } => incident(notification, links),
        Message::Test { channel, at } => {
            let text = format!(
                "Sightline test message for the channel {}, sent {}",
                escape(channel, MAX_TITLE),
                in_words(at)
            );
            json!({"text": text, "blocks": [section(&text)]})
        }
    }
}

/// The arguments of `chat.postMessage`: the message in a channel, or as an answer in the thread of an earlier one.
pub fn post(message: Message<'_>, channel: &str, thread: Option<&str>) -> Value {
    let mut body = render(message);
    body["channel"] = channel.into();
    body["unfurl_media"] = false.into();
    if let Some(ts) = thread {
        body["thread_ts"] = ts.into();
        // Who is called again must not overlook it within a thread.
        let is_page = match message {
            Message::Incident { notification, .. } => notification.transition.is_page(),
            Message::Test { .. } => false,
        };
        if is_page {
            body["reply_broadcast"] = true.into();
        }
    }
    body
}

/// The arguments of `chat.update`: the message in place of the one that was posted.
pub fn update(message: Message<'_>, channel: &str, ts: &str) -> Value {
    let mut body = render(message);
    body["channel"] = channel.into();
    body["ts"] = ts.into();
    body
}

fn incident(notification: &Notification, links: Links<'_>) -> Value {
    let mark = notification.mark();
    let title = escape(&notification.title, MAX_TITLE);
    let summary = escape(&notification.summary, MAX_SECTION);
    let headline = notification.headline();
    let fields: Vec<Value> = notification
        .facts()
        .iter()
        .map(|(name, value)| mrkdwn(&format!("*{name}*\n{}", escape(value, MAX_FIELD))))
        .collect();
    let mut blocks = vec![section(&format!("{mark} *{headline}: {title}*"))];
    if !summary.is_empty() {
        blocks.push(section(&summary));
    }
    blocks.push(json!({"type": "section", "fields": fields}));
    let lines = notification.sample_lines(500);
    if !lines.is_empty() {
        blocks.push(section(&format!(
            "```{}```",
            escape_code(&lines.join("\n"), MAX_CODE)
        )));
    }
    let mut ways = vec![format!("<{}|Open it in Sightline>", links.incident)];
    ways.extend(links.acknowledge.map(|link| format!("<{link}|Acknowledge>")));
    blocks.push(section(&ways.join(" · ")));
    json!({
        // What a phone's notification shows.
        "text": format!("{mark} {headline}: {title}"),
        "blocks": blocks,
        "link_names": false,
        "unfurl_links": false,
    })
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": mrkdwn(text)})
}

fn mrkdwn(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// Within a block of code nothing but its end has a meaning.
fn escape_code(text: &str, max: usize) -> String {
    let harmless: String = text.chars().map(|c| if c == '`' { '\'' } else { c }).collect();
    escape(&harmless, max)
}

fn escape(text: &str, max: usize) -> String {
    escape_within(text, max, |character| match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::notification::NotifiedTransition;
    use crate::alerting::notification::tests::{LINKS, hostile, sample};

    fn render_incident(notification: &Notification) -> Value {
        render(Message::Incident {
            notification,
            links: LINKS,
        })
    }

    #[test]
    fn an_opened_incident_says_what_where_and_since_when() {
        let body = render_incident(&sample(NotifiedTransition::Opened)).to_string();
        for part in [
            "🔴 *Incident opened: Too many errors: checkout / production*",
            "27 errors in the last 60 s (threshold 20)",
            "checkout / production",
            "27 (threshold 20)",
            "2023-11-14 22:13:20 UTC",
            "<https://sightline.example/incidents/7|",
            "<https://sightline.example/api/acknowledge/abc|Acknowledge>",
        ] {
            assert!(body.contains(part), "{part} is missing in {body}");
        }
        let body = render_incident(&sample(NotifiedTransition::Resolved)).to_string();
        assert!(
            body.contains("✅ *Incident resolved:") && body.contains("no longer met"),
            "{body}"
        );
    }

    #[test]
    fn untrusted_text_mentions_nobody_and_fits() {
        for transition in NotifiedTransition::ALL {
            let body = render_incident(&hostile(transition));
            let text = body.to_string();
            assert!(!text.contains("<!channel>") && !text.contains("<@U1>"), "{text}");
            let blocks = body["blocks"].as_array().unwrap();
            for block in blocks {
                let length = |text: &Value| text["text"].as_str().unwrap().chars().count();
                if let Some(fields) = block["fields"].as_array() {
                    assert!(fields.len() <= 10 && fields.iter().all(|field| length(field) <= 2_000));
                } else {
                    assert!(length(&block["text"]) <= 3_000);
                }
            }
        }
    }

    #[test]
    fn a_bots_message_is_posted_once_then_edited_and_answered() {
        let notification = &sample(NotifiedTransition::Resolved);
        let message = Message::Incident {
            notification,
            links: LINKS,
        };
        let posted = post(message, "C123", None);
        assert_eq!(
            (&posted["channel"], posted.get("thread_ts")),
            (&json!("C123"), None)
        );
        assert_eq!(post(message, "C123", Some("1.2"))["thread_ts"], "1.2");
        let updated = update(message, "C123", "1.2");
        assert_eq!(
            (&updated["ts"], &updated["text"]),
            (&json!("1.2"), &posted["text"])
        );
    }

    #[test]
    fn sample_lines_stay_within_their_block() {
        let notification = Notification {
            samples: vec!["```<!channel>".into(), "two".into()],
            ..sample(NotifiedTransition::Opened)
        };
        let body = render_incident(&notification).to_string();
        assert!(body.contains("```'''&lt;!channel&gt;\\ntwo```"), "{body}");
    }

    #[test]
    fn an_empty_summary_makes_no_empty_block() {
        let notification = Notification {
            summary: String::new(),
            ..sample(NotifiedTransition::Opened)
        };
        assert!(
            !render_incident(&notification)
                .to_string()
                .contains(r#""text":"""#)
        );
    }
}
