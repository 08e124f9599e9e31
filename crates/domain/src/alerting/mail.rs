//! Mails: a subject of one line, and plain text.

use crate::alerting::notification::{Message, escape_within, in_words, one_line};

/// A header's line may have 998 bytes; mail programs show far less.
const MAX_SUBJECT: usize = 200;
const MAX_TEXT: usize = 20_000;

/// What to send; who sends it to whom is the service's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Without line breaks, whatever the incident is called: nothing in it can become another header.
    pub subject: String,
    pub text: String,
}

pub fn render(message: Message<'_>) -> Mail {
    match message {
        Message::Incident { notification, links } => Mail {
            subject: escape_within(
                &format!(
                    "[{}] {}",
                    notification.severity,
                    notification.title_line(MAX_SUBJECT)
                ),
                MAX_SUBJECT,
                |_| None,
            ),
            text: notification.plain_text(links, MAX_TEXT),
        },
        Message::Test { channel, at } => Mail {
            subject: "Sightline test message".to_owned(),
            text: format!("For the channel {}, sent {}\n", one_line(channel), in_words(at)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::notification::tests::{LINKS, hostile, sample};
    use crate::alerting::notification::{Notification, NotifiedTransition};

    #[test]
    fn a_mail_says_what_where_and_since_when() {
        let notification = &sample(NotifiedTransition::Opened);
        let mail = render(Message::Incident {
            notification,
            links: LINKS,
        });
        assert_eq!(
            mail.subject,
            "[high] Incident opened: Too many errors: checkout / production"
        );
        for part in [
            "27 errors in the last 60 s",
            "Where: checkout / production",
            "Since: 2023-11-14",
            LINKS.incident,
        ] {
            assert!(mail.text.contains(part), "{part} is missing in {}", mail.text);
        }
    }

    #[test]
    fn no_title_makes_a_header() {
        let injected = Notification {
            title: "a\r\nBcc: everybody@example.com\r\n\r\nbody".into(),
            ..sample(NotifiedTransition::Opened)
        };
        for notification in [&injected, &hostile(NotifiedTransition::Resolved)] {
            let mail = render(Message::Incident {
                notification,
                links: LINKS,
            });
            assert!(!mail.subject.chars().any(char::is_control), "{:?}", mail.subject);
            assert!(mail.subject.chars().count() <= MAX_SUBJECT);
        }
    }
}
