//! What people are told, before it takes the form of a channel.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::alerting::incident::IncidentSource;
use crate::alerting::labels::Labels;
use crate::ids::{AlertRuleId, EnvironmentId, IncidentId, ServiceId};
use crate::severity::Severity;

/// The changes of an incident that people are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotifiedTransition {
    Opened,
    /// Somebody looks after it: for receivers that keep a state of the incident.
    Acknowledged,
    Resolved,
    /// It was over, and is not any more.
    Reopened,
    /// It became more urgent.
    Raised,
    /// It was put off, and is not over.
    Reminded,
}

impl NotifiedTransition {
    pub const ALL: [Self; 6] = [
        Self::Opened,
        Self::Acknowledged,
        Self::Resolved,
        Self::Reopened,
        Self::Raised,
        Self::Reminded,
    ];

    /// Whether it calls people: such a page goes where the routes say, and silences hold it back.
    pub fn is_page(self) -> bool {
        match self {
            Self::Opened | Self::Reopened | Self::Raised | Self::Reminded => true,
            Self::Acknowledged | Self::Resolved => false,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Reopened => "reopened",
            Self::Raised => "raised",
            Self::Reminded => "reminded",
        }
    }

    /// As people read it: `the incident was …`.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Reopened => "reopened",
            Self::Raised => "raised in severity",
            Self::Reminded => "put off and is not over",
        }
    }
}

impl std::str::FromStr for NotifiedTransition {
    type Err = UnknownTransition;
    fn from_str(text: &str) -> Result<Self, UnknownTransition> {
        Self::ALL
            .into_iter()
            .find(|transition| transition.as_str() == text)
            .ok_or(UnknownTransition)
    }
}

crate::text_column!(NotifiedTransition);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a notified transition is one of opened, acknowledged, resolved, reopened, raised, reminded")]
pub struct UnknownTransition;

/// An id with the name that it had at the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named<Id> {
    pub id: Id,
    pub name: String,
}

/// One transition of one incident, as it was when it happened: a retry tells the same story. Stored with each
/// notification, so its form only ever grows, by fields with a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    pub transition: NotifiedTransition,
    pub incident_id: IncidentId,
    pub title: String,
    pub severity: Severity,
    pub source: IncidentSource,
    /// What was seen, such as "27 errors in the last 60 s (threshold 20)".
    pub summary: String,
    pub rule: Option<Named<AlertRuleId>>,
    pub service: Option<Named<ServiceId>>,
    pub environment: Option<Named<EnvironmentId>>,
    pub value: Option<f64>,
    pub threshold: Option<f64>,
    /// When the problem began, as far as is known.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub opened_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub resolved_at: Option<OffsetDateTime>,
    /// Why it resolved, and by whom.
    pub resolution: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub acknowledged_at: Option<OffsetDateTime>,
    /// Who looks after it.
    #[serde(default)]
    pub acknowledged_by: Option<String>,
    #[serde(default)]
    pub labels: Labels,
    /// What to do about it, as its rule says: an address.
    #[serde(default)]
    pub runbook: Option<String>,
    /// Some of the lines that it is about, newest first; what senders wrote.
    #[serde(default)]
    pub samples: Vec<String>,
    /// When it happened, where no other time says so.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
    /// Why people are called again: who reopened it, what it was before.
    #[serde(default)]
    pub cause: Option<String>,
}

impl Notification {
    /// `service / environment`, or what is known of it.
    pub(crate) fn place(&self) -> Option<String> {
        let service = self.service.as_ref().map(|service| service.name.as_str());
        let environment = self
            .environment
            .as_ref()
            .map(|environment| environment.name.as_str());
        match (service, environment) {
            (Some(service), Some(environment)) => Some(format!("{service} / {environment}")),
            (Some(service), None) => Some(service.to_owned()),
            (None, _) => None,
        }
    }

    /// `Incident opened` or `Incident resolved`.
    pub(crate) fn headline(&self) -> &'static str {
        match self.transition {
            NotifiedTransition::Opened => "Incident opened",
            NotifiedTransition::Acknowledged => "Incident acknowledged",
            NotifiedTransition::Resolved => "Incident resolved",
            NotifiedTransition::Reopened => "Incident reopened",
            NotifiedTransition::Raised => "Incident more severe",
            NotifiedTransition::Reminded => "Incident not over",
        }
    }

    /// When the transition happened.
    pub(crate) fn at(&self) -> OffsetDateTime {
        if let Some(at) = self.at {
            return at;
        }
        match self.transition {
            NotifiedTransition::Opened => self.opened_at,
            NotifiedTransition::Acknowledged => self.acknowledged_at.unwrap_or(self.opened_at),
            NotifiedTransition::Resolved => self.resolved_at.unwrap_or(self.opened_at),
            NotifiedTransition::Reopened | NotifiedTransition::Raised | NotifiedTransition::Reminded => {
                self.opened_at
            }
        }
    }

    /// `🔴`, `👀` or `✅`, for receivers that show text alone.
    pub(crate) fn mark(&self) -> &'static str {
        match self.transition {
            NotifiedTransition::Opened
            | NotifiedTransition::Reopened
            | NotifiedTransition::Raised
            | NotifiedTransition::Reminded => "🔴",
            NotifiedTransition::Acknowledged => "👀",
            NotifiedTransition::Resolved => "✅",
        }
    }

    /// What it is about, in one line: `Incident opened: …`.
    pub(crate) fn title_line(&self, max: usize) -> String {
        let title = one_line(&self.title);
        escape_within(&format!("{}: {title}", self.headline()), max, |_| None)
    }

    /// The whole message as plain text, for receivers that know no markup.
    pub(crate) fn plain_text(&self, links: Links<'_>, max: usize) -> String {
        let facts = self
            .facts()
            .into_iter()
            .map(|(name, value)| format!("{name}: {}", escape_within(&one_line(&value), 300, |_| None)));
        let mut parts: Vec<String> = vec![escape_within(&self.summary, 1_000, |_| None)];
        parts.push(facts.collect::<Vec<_>>().join("\n"));
        if !self.samples.is_empty() {
            let lines = self.sample_lines(200);
            parts.push(format!("Lines:\n{}", lines.join("\n")));
        }
        // Links come last, and are never cut.
        let links = links.in_lines(self);
        let room = max.saturating_sub(links.chars().count() + 2);
        parts.retain(|part| !part.is_empty());
        let text = escape_within(&parts.join("\n\n"), room, |_| None);
        format!("{text}\n\n{links}")
    }

    /// The sample lines, each on one line and cut.
    pub(crate) fn sample_lines(&self, max: usize) -> Vec<String> {
        self.samples
            .iter()
            .map(|line| escape_within(&one_line(line), max, |_| None))
            .collect()
    }

    /// The facts below the headline, as (name, value); values are as untrusted as the names that people give.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("Severity", self.severity.to_string())];
        facts.extend(self.place().map(|place| ("Where", place)));
        if let (Some(value), Some(threshold)) = (self.value, self.threshold) {
            facts.push(("Value", format!("{value} (threshold {threshold})")));
        }
        facts.push(("Since", in_words(self.since)));
        facts.extend(self.acknowledged_by.clone().map(|who| ("Acknowledged by", who)));
        facts.extend(self.resolved_at.map(|at| ("Resolved", in_words(at))));
        facts.extend(self.resolution.clone().map(|why| ("Why", why)));
        facts.extend(self.cause.clone().map(|why| ("Why again", why)));
        facts
    }
}

/// Where a message leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Links<'a> {
    /// The incident's page.
    pub incident: &'a str,
    /// Where the addressee says that they look after it; while somebody may.
    pub acknowledge: Option<&'a str>,
}

impl Links<'_> {
    fn in_lines(&self, notification: &Notification) -> String {
        let mut lines = vec![format!("Open: {}", self.incident)];
        lines.extend(self.acknowledge.map(|link| format!("Acknowledge: {link}")));
        lines.extend(
            notification
                .runbook
                .as_ref()
                .map(|link| format!("Runbook: {link}")),
        );
        lines.join("\n")
    }
}

/// Text without line breaks and other control characters.
pub(crate) fn one_line(text: &str) -> String {
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    spaced.collect::<String>().trim().to_owned()
}

/// What a worker sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Message<'a> {
    /// With the address of the incident's page.
    Incident {
        notification: &'a Notification,
        links: Links<'a>,
    },
    /// A person tries a channel out.
    Test { channel: &'a str, at: OffsetDateTime },
}

/// A time for people, in UTC.
pub(crate) fn in_words(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (date, time) = (at.date(), at.time());
    format!(
        "{date} {:02}:{:02}:{:02} UTC",
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// Writes untrusted text with its special characters replaced, cut to `max` characters of output: never in the middle
/// of a replacement.
pub(crate) fn escape_within(
    text: &str,
    max: usize,
    replacement: impl Fn(char) -> Option<&'static str>,
) -> String {
    const ELLIPSIS: char = '…';
    let mut out = String::new();
    let mut length = 0;
    let mut cut_at = 0;
    for character in text.chars() {
        let mut buffer = [0; 4];
        let piece = match replacement(character) {
            Some(replaced) => replaced,
            None => character.encode_utf8(&mut buffer),
        };
        let piece_length = piece.chars().count();
        if length + piece_length > max {
            out.truncate(cut_at);
            out.push(ELLIPSIS);
            return out;
        }
        out.push_str(piece);
        length += piece_length;
        if length < max {
            cut_at = out.len();
        }
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use uuid::Uuid;

    use super::*;

    pub(crate) fn sample(transition: NotifiedTransition) -> Notification {
        let at = |second: i64| OffsetDateTime::from_unix_timestamp(1_700_000_000 + second).unwrap();
        let resolved = transition == NotifiedTransition::Resolved;
        Notification {
            transition,
            incident_id: IncidentId(Uuid::from_u128(7)),
            title: "Too many errors: checkout / production".into(),
            severity: Severity::High,
            source: IncidentSource::Rule,
            summary: "27 errors in the last 60 s (threshold 20)".into(),
            rule: Some(Named {
                id: AlertRuleId(Uuid::from_u128(1)),
                name: "Too many errors".into(),
            }),
            service: Some(Named {
                id: ServiceId(Uuid::from_u128(2)),
                name: "checkout".into(),
            }),
            environment: Some(Named {
                id: EnvironmentId(Uuid::from_u128(3)),
                name: "production".into(),
            }),
            value: Some(27.0),
            threshold: Some(20.0),
            since: at(0),
            opened_at: at(5),
            resolved_at: resolved.then(|| at(300)),
            resolution: resolved.then(|| "the condition is no longer met".into()),
            acknowledged_at: (transition == NotifiedTransition::Acknowledged).then(|| at(60)),
            acknowledged_by: (transition == NotifiedTransition::Acknowledged)
                .then(|| "ada@example.com".into()),
            labels: Labels::default(),
            runbook: None,
            samples: Vec::new(),
            at: None,
            cause: None,
        }
    }

    /// The same with hostile, overlong text wherever people or senders can put text.
    pub(crate) fn hostile(transition: NotifiedTransition) -> Notification {
        let text = "<!channel> <@U1> @everyone [x](http://evil) *b* `c` & \u{202e}\n".repeat(200);
        let name = |id: u128| Uuid::from_u128(id);
        Notification {
            title: text.clone(),
            summary: text.clone(),
            rule: Some(Named {
                id: AlertRuleId(name(1)),
                name: text.clone(),
            }),
            service: Some(Named {
                id: ServiceId(name(2)),
                name: text.clone(),
            }),
            environment: Some(Named {
                id: EnvironmentId(name(3)),
                name: text.clone(),
            }),
            resolution: Some(text.clone()),
            acknowledged_by: Some(text.clone()),
            cause: Some(text.clone()),
            samples: vec![text.clone(), text.clone(), text],
            ..sample(transition)
        }
    }

    #[test]
    fn a_stored_notification_is_read_back() {
        for transition in NotifiedTransition::ALL {
            let notification = sample(transition);
            let stored = serde_json::to_value(&notification).unwrap();
            assert_eq!(
                serde_json::from_value::<Notification>(stored).unwrap(),
                notification
            );
        }
    }

    /// Links as tests have them.
    pub(crate) const LINKS: Links<'_> = Links {
        incident: "https://sightline.example/incidents/7",
        acknowledge: Some("https://sightline.example/api/acknowledge/abc"),
    };

    #[test]
    fn what_an_older_version_stored_is_read() {
        let mut stored = serde_json::to_value(sample(NotifiedTransition::Opened)).unwrap();
        for newer in [
            "acknowledged_at",
            "acknowledged_by",
            "labels",
            "runbook",
            "samples",
            "at",
            "cause",
        ] {
            stored.as_object_mut().unwrap().remove(newer);
        }
        assert_eq!(
            serde_json::from_value::<Notification>(stored).unwrap(),
            sample(NotifiedTransition::Opened)
        );
    }

    #[test]
    fn plain_text_fits_and_keeps_its_links_whole() {
        for transition in NotifiedTransition::ALL {
            let text = hostile(transition).plain_text(LINKS, 1_000);
            assert!(text.chars().count() <= 1_000, "{}", text.chars().count());
            assert!(text.ends_with(LINKS.acknowledge.unwrap()), "{text}");
        }
    }

    #[test]
    fn cut_text_never_ends_within_a_replacement() {
        let escape = |c| (c == '<').then_some("&lt;");
        assert_eq!(escape_within("a<b", 10, escape), "a&lt;b");
        assert_eq!(escape_within("a<b", 6, escape), "a&lt;b");
        assert_eq!(escape_within("a<b", 5, escape), "a…");
        assert_eq!(escape_within("<<<<", 9, escape), "&lt;&lt;…");
        assert_eq!(escape_within("<", 2, escape), "…");
        assert_eq!(escape_within("", 0, escape), "");
    }

    proptest::proptest! {
        #[test]
        fn cut_text_fits(text in "[<a&é]{0,40}", max in 1..30_usize) {
            let escaped = escape_within(&text, max, |c| match c { '<' => Some("&lt;"), '&' => Some("&amp;"), _ => None });
            proptest::prop_assert!(escaped.chars().count() <= max);
            proptest::prop_assert!(!escaped.contains('<'));
        }
    }
}
