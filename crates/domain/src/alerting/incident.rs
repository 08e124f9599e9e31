//! The words of an incident and its timeline. [`life`] knows which changes are legal, [`storm`] which firings become one.

pub mod life;
pub mod storm;

use serde::{Deserialize, Serialize};

use crate::alerting::evaluator::{EndCause, Withdrawal};

/// Where an incident stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum IncidentStatus {
    Open,
    /// Somebody looks after it.
    Acknowledged,
    Resolved,
}

impl IncidentStatus {
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Resolved];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

impl std::fmt::Display for IncidentStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for IncidentStatus {
    type Err = UnknownIncidentWord;
    fn from_str(text: &str) -> Result<Self, UnknownIncidentWord> {
        find(&Self::ALL, Self::as_str, text)
    }
}

crate::text_column!(IncidentStatus);

/// How an organisation wants its firings to become incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// For how long after its end a problem that comes back is the same incident.
    pub reopen_within: time::Duration,
    pub storms: storm::Limits,
}

/// Who opened an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentSource {
    Rule,
    Manual,
    /// An Alertmanager said so.
    Alertmanager,
    /// One of the organisation's channels takes no messages any more.
    Channel,
}

impl IncidentSource {
    pub const ALL: [Self; 4] = [Self::Rule, Self::Manual, Self::Alertmanager, Self::Channel];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Manual => "manual",
            Self::Alertmanager => "alertmanager",
            Self::Channel => "channel",
        }
    }
}

impl std::str::FromStr for IncidentSource {
    type Err = UnknownIncidentWord;
    fn from_str(text: &str) -> Result<Self, UnknownIncidentWord> {
        find(&Self::ALL, Self::as_str, text)
    }
}

impl IncidentSource {
    /// Whether it ends by itself once all that fired is clear; what a person opened, a person resolves.
    pub fn ends_by_itself(self) -> bool {
        match self {
            Self::Rule | Self::Alertmanager => true,
            Self::Manual | Self::Channel => false,
        }
    }
}

crate::text_column!(IncidentSource);

/// What a row of the timeline tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    Opened,
    Acknowledged,
    Resolved,
    /// The rule would fire again, and its cooldown holds it back.
    FiringHeld,
    /// The rule's condition is no longer met, or the rule looks elsewhere now.
    FiringEnded,
    SeverityChanged,
    TitleChanged,
    Note,
    NotificationEnqueued,
    NotificationSent,
    /// An attempt failed or its outcome is unknown; another follows.
    NotificationFailed,
    /// Given up; a person may revive it.
    NotificationDead,
    NotificationRevived,
    /// There was no channel to tell.
    NobodyTold,
    /// A silence, a maintenance window or the channel's state holds it back.
    NotificationHeld,
    /// What held it back is over, and the incident is not.
    NotificationReleased,
    /// It may have arrived, and is not sent again by itself.
    NotificationUnknown,
    /// A firing or a person opened it again.
    Reopened,
    /// It has somebody who looks after it, or nobody any more.
    Assigned,
    /// It tells nobody until a moment.
    Snoozed,
    /// The moment has come, or a person ended the wait.
    SnoozeEnded,
    /// It became part of another one, which goes on with its story.
    Merged,
    /// Another one became part of it.
    TookIn,
    /// One more firing, or one again, is part of it.
    FiringJoined,
}

impl EventKind {
    pub const ALL: [Self; 24] = [
        Self::Opened,
        Self::Acknowledged,
        Self::Resolved,
        Self::FiringHeld,
        Self::FiringEnded,
        Self::SeverityChanged,
        Self::TitleChanged,
        Self::Note,
        Self::NotificationEnqueued,
        Self::NotificationSent,
        Self::NotificationFailed,
        Self::NotificationDead,
        Self::NotificationRevived,
        Self::NobodyTold,
        Self::NotificationHeld,
        Self::NotificationReleased,
        Self::NotificationUnknown,
        Self::Reopened,
        Self::Assigned,
        Self::Snoozed,
        Self::SnoozeEnded,
        Self::Merged,
        Self::TookIn,
        Self::FiringJoined,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::FiringHeld => "firing_held",
            Self::FiringEnded => "firing_ended",
            Self::SeverityChanged => "severity_changed",
            Self::TitleChanged => "title_changed",
            Self::Note => "note",
            Self::NotificationEnqueued => "notification_enqueued",
            Self::NotificationSent => "notification_sent",
            Self::NotificationFailed => "notification_failed",
            Self::NotificationDead => "notification_dead",
            Self::NotificationRevived => "notification_revived",
            Self::NobodyTold => "nobody_told",
            Self::NotificationHeld => "notification_held",
            Self::NotificationReleased => "notification_released",
            Self::NotificationUnknown => "notification_unknown",
            Self::Reopened => "reopened",
            Self::Assigned => "assigned",
            Self::Snoozed => "snoozed",
            Self::SnoozeEnded => "snooze_ended",
            Self::Merged => "merged",
            Self::TookIn => "took_in",
            Self::FiringJoined => "firing_joined",
        }
    }
}

impl std::str::FromStr for EventKind {
    type Err = UnknownIncidentWord;
    fn from_str(text: &str) -> Result<Self, UnknownIncidentWord> {
        find(&Self::ALL, Self::as_str, text)
    }
}

crate::text_column!(EventKind);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "an incident has a status, source or event that is not known; a status is one of open, acknowledged, resolved"
)]
pub struct UnknownIncidentWord;

fn find<T: Copy>(all: &[T], as_str: fn(T) -> &'static str, text: &str) -> Result<T, UnknownIncidentWord> {
    all.iter()
        .copied()
        .find(|one| as_str(*one) == text)
        .ok_or(UnknownIncidentWord)
}

/// Why a rule's incident resolves by itself, in words. `detail` is the last reading.
pub fn end_in_words(cause: EndCause, detail: &str) -> String {
    match cause {
        EndCause::ConditionFalse { .. } => format!("the condition is no longer met: {detail}"),
        EndCause::Withdrawn(Withdrawal::RuleDisabled) => "the rule was disabled".to_owned(),
        EndCause::Withdrawn(Withdrawal::RuleDeleted) => "the rule was deleted".to_owned(),
        EndCause::Withdrawn(Withdrawal::OutOfScope) => {
            "the rule no longer covers this service and environment".to_owned()
        }
    }
}

/// The title of a rule's incident: at most 200 characters, whatever the names.
pub fn title_of(rule: &str, service: &str, environment: &str) -> String {
    let title = format!("{rule}: {service} / {environment}");
    title.chars().take(crate::name::Name::MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for status in IncidentStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
    }

    #[test]
    fn a_title_fits_whatever_the_names() {
        let long = "ü".repeat(200);
        assert_eq!(title_of(&long, &long, &long).chars().count(), 200);
    }
}
