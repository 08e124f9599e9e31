//! The kinds of receiver that people are told through, and what each of them can do.

use serde::{Deserialize, Serialize};

use crate::alerting::notification::NotifiedTransition;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelType {
    /// A Slack incoming webhook, or one that takes the same messages. Config: webhook_url.
    Slack,
    /// A Slack app: one message for each incident, edited as it goes on, with a thread. Config: token, channel, api_url?.
    SlackBot,
    /// A Discord webhook. Config: webhook_url.
    Discord,
    /// A Microsoft Teams channel, by the webhook of a workflow. Config: webhook_url.
    Teams,
    /// Mail by the operator's SMTP server. Config: to.
    Email,
    /// PagerDuty Events API v2. Config: routing_key, api_url?.
    Pagerduty,
    /// Opsgenie alerts. Config: api_key, api_url?.
    Opsgenie,
    /// A Telegram bot. Config: bot_token, chat_id, api_url?.
    Telegram,
    /// A topic of ntfy. Config: topic, server_url?, token?.
    Ntfy,
    /// Any receiver of the Standard Webhooks specification. Config: url, secret (made when absent).
    Webhook,
}

impl ChannelType {
    pub const ALL: [Self; 10] = [
        Self::Slack,
        Self::SlackBot,
        Self::Discord,
        Self::Teams,
        Self::Email,
        Self::Pagerduty,
        Self::Opsgenie,
        Self::Telegram,
        Self::Ntfy,
        Self::Webhook,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::SlackBot => "slack_bot",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Email => "email",
            Self::Pagerduty => "pagerduty",
            Self::Opsgenie => "opsgenie",
            Self::Telegram => "telegram",
            Self::Ntfy => "ntfy",
            Self::Webhook => "webhook",
        }
    }

    /// Whether the receiver recognises a message that it had before, by the id that it is sent with: sending it again is
    /// safe whatever became of the first time.
    pub fn dedupes(self) -> bool {
        match self {
            Self::Pagerduty | Self::Opsgenie | Self::Webhook => true,
            Self::Slack
            | Self::SlackBot
            | Self::Discord
            | Self::Teams
            | Self::Email
            | Self::Telegram
            | Self::Ntfy => false,
        }
    }

    /// Whether such a channel is told of a transition: that somebody looks after an incident is news only to receivers that
    /// keep a state of it.
    pub fn is_told(self, transition: NotifiedTransition) -> bool {
        match transition {
            NotifiedTransition::Opened
            | NotifiedTransition::Resolved
            | NotifiedTransition::Reopened
            | NotifiedTransition::Raised
            | NotifiedTransition::Reminded => true,
            NotifiedTransition::Acknowledged => {
                matches!(self, Self::Pagerduty | Self::Opsgenie | Self::SlackBot)
            }
        }
    }
}

impl std::fmt::Display for ChannelType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ChannelType {
    type Err = UnknownChannelType;
    fn from_str(text: &str) -> Result<Self, UnknownChannelType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownChannelType)
    }
}

crate::text_column!(ChannelType);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a channel's type is one of slack, slack_bot, discord, teams, email, pagerduty, opsgenie, telegram, ntfy, webhook"
)]
pub struct UnknownChannelType;

/// What to do when nobody knows whether a message arrived, and the receiver would not recognise it a second time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// Send it again: rather twice than never.
    #[default]
    AtLeastOnce,
    /// Leave it, marked as unknown; a person may send it again.
    AtMostOnce,
}

impl OnUnknown {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "at_least_once",
            Self::AtMostOnce => "at_most_once",
        }
    }

    /// Whether a message to such a channel is sent again after an attempt whose outcome nobody knows.
    pub fn repeats(self, kind: ChannelType) -> bool {
        match self {
            Self::AtLeastOnce => true,
            Self::AtMostOnce => kind.dedupes(),
        }
    }
}

impl std::str::FromStr for OnUnknown {
    type Err = UnknownPolicy;
    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        [Self::AtLeastOnce, Self::AtMostOnce]
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or(UnknownPolicy)
    }
}

crate::text_column!(OnUnknown);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("what to do after an unknown outcome is at_least_once or at_most_once")]
pub struct UnknownPolicy;

/// How a channel has fared lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streak {
    /// Failed attempts since the last success.
    pub failures: u32,
    /// Since the first of them.
    pub lasting: std::time::Duration,
}

/// Failed attempts in a row, at least, before a channel is paused.
pub const PAUSE_AFTER_FAILURES: u32 = 10;

/// Whether a channel that keeps failing is to be paused, and why. A burst of failures within moments is an outage that
/// retries outlast, so they must have lasted for `patience` as well. A receiver that says that it is gone for good (410) is
/// believed at once.
pub fn pause_reason(
    streak: Streak,
    http_status: Option<u16>,
    patience: std::time::Duration,
) -> Option<String> {
    if http_status == Some(410) {
        return Some("the receiver answered 410 Gone: the address is no longer in use".to_owned());
    }
    let Streak { failures, lasting } = streak;
    (failures >= PAUSE_AFTER_FAILURES && lasting >= patience)
        .then(|| format!("{failures} attempts in a row failed, and none succeeded"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_type_is_read_back() {
        for kind in ChannelType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert!(UnknownChannelType.to_string().contains(kind.as_str()));
        }
    }

    #[test]
    fn what_may_have_arrived_is_repeated_where_that_is_safe_or_wanted() {
        for kind in ChannelType::ALL {
            assert!(OnUnknown::AtLeastOnce.repeats(kind));
            assert_eq!(OnUnknown::AtMostOnce.repeats(kind), kind.dedupes());
        }
        assert!(ChannelType::Webhook.dedupes() && !ChannelType::Slack.dedupes());
    }

    #[test]
    fn a_channel_is_paused_for_a_long_streak_or_a_receiver_that_is_gone() {
        let hour = Duration::from_hours(1);
        let reason = |failures, lasting, status| pause_reason(Streak { failures, lasting }, status, hour);
        assert_eq!(reason(9, 2 * hour, Some(500)), None);
        assert_eq!(reason(500, Duration::from_secs(5), Some(500)), None, "a burst");
        assert!(reason(10, hour, Some(500)).unwrap().contains("10 attempts"));
        assert!(reason(1, Duration::ZERO, Some(410)).unwrap().contains("410"));
    }
}
