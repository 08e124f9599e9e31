//! Messages of a Telegram bot (core.telegram.org/bots/api#sendmessage): plain text of at most 4,096 characters, without a
//! parse mode, so that nothing in it is markup.

use serde_json::{Value, json};

use crate::alerting::notification::{Message, in_words};

/// Telegram counts UTF-16 code units; characters outside the basic plane are two. Half the limit fits whatever comes.
const MAX_TEXT: usize = 2_000;

/// The arguments of `sendMessage`; `reply_to` is the message of the incident's opening.
pub fn render(message: Message<'_>, chat_id: &str, reply_to: Option<i64>) -> Value {
    let text = match message {
        Message::Incident { notification, links } => {
            let title = notification.title_line(300);
            let mark = notification.mark();
            let rest = notification.plain_text(links, MAX_TEXT - 310);
            format!("{mark} {title}\n\n{rest}")
        }
        Message::Test { channel, at } => {
            format!(
                "Sightline test message for the channel {channel}, sent {}",
                in_words(at)
            )
        }
    };
    let mut body = json!({"chat_id": chat_id, "text": text, "link_preview_options": {"is_disabled": true}});
    if let Some(id) = reply_to {
        body["reply_parameters"] = json!({"message_id": id, "allow_sending_without_reply": true});
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::notification::NotifiedTransition;
    use crate::alerting::notification::tests::{LINKS, hostile, sample};

    #[test]
    fn a_message_says_what_and_where_and_answers_the_first() {
        let notification = &sample(NotifiedTransition::Resolved);
        let body = render(
            Message::Incident {
                notification,
                links: LINKS,
            },
            "-100",
            Some(7),
        );
        let text = body["text"].as_str().unwrap();
        assert!(
            text.starts_with("✅ Incident resolved: Too many errors"),
            "{text}"
        );
        assert!(text.contains("Where: checkout / production") && text.contains(LINKS.incident));
        assert_eq!(body["reply_parameters"]["message_id"], 7);
        assert!(body.get("parse_mode").is_none());
    }

    #[test]
    fn text_fits() {
        let notification = &hostile(NotifiedTransition::Opened);
        let body = render(
            Message::Incident {
                notification,
                links: LINKS,
            },
            "1",
            None,
        );
        assert!(body["text"].as_str().unwrap().encode_utf16().count() <= 4_096);
    }
}
